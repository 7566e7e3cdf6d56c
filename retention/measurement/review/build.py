"""The weekly review of the strategy: groups that fall behind, and the plays to reconsider."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from retention.measurement.review.compare import Cell, Finding, findings
from retention.warehouse import Run, load_contract, stage_writer

WINDOW_DAYS = 28
PLAYS_DAYS = 56
"""A play that reached nobody of a group for eight weeks does not speak to it."""
SPEAKS_TO = 0.05
"""Share of a group that a play must have reached to count as speaking to it."""
_WORST_FIRST = {"negative": "harmful", "no_effect_seen": "no_effect", "too_few": "not_known", "positive": "works"}


@dataclass(frozen=True)
class Advice:
    """What to reconsider about one group."""

    code: str
    """nobody_speaks, harmful, no_effect, not_known or works."""
    play: str | None = None
    difference_minor: float | None = None
    """Measured effect of the play on net revenue per customer."""
    detectable_minor: float | None = None
    """Smallest effect that would have been seen."""


@dataclass(frozen=True)
class Reviewed:
    """One finding with the plays that speak to the group."""

    finding: Finding
    plays: tuple[str, ...]
    advice: Advice | None


@dataclass(frozen=True)
class Review:
    """One week's review."""

    run: Run
    rows: tuple[Reviewed, ...]
    causes: tuple[Mapping[str, Any], ...]
    """Root causes of the complaints of the window, most frequent first."""
    play_names: Mapping[str, Mapping[str, str]]
    """By play, its name by language."""

    @property
    def flagged(self) -> list[Reviewed]:
        """What asks for something to be done."""
        return [row for row in self.rows if row.advice is not None]


def build_review(run: Run, kpi_rows: Callable[[Run, int], Sequence[sa.Row[Any]]], play_rows: Sequence[sa.Row[Any]]) -> Review:
    """Return the review as of the run's date.

    Parameters
    ----------
    run : Run
        Its ``as_of_date`` and the date 28 days before must have segments; of an earlier date without them, nothing is compared.
    kpi_rows : callable
        Run and days to KPI rows over the days that end with the run's business day (:func:`retention.measurement.kpis_over`).
    play_rows : sequence
        Per group and play, how many people were reached.
    """
    smallest = run.settings.keep.suppressed_group_size
    earlier = replace(run, business_date=run.business_date - timedelta(days=WINDOW_DAYS))
    found = findings(_cells(kpi_rows(run, WINDOW_DAYS)), _cells(kpi_rows(earlier, WINDOW_DAYS)), smallest)
    effects = _effects(run)
    rows = []
    for finding in found:
        group = (finding.now.dimension, finding.now.member)
        reached = [
            row for row in play_rows if (row.dimension, row.member) == group and row.reached >= SPEAKS_TO * row.customers
        ]
        plays = tuple(row.play for row in reached)
        advice = _advice(plays, group, effects) if finding.is_behind or finding.is_falling else None
        rows.append(Reviewed(finding, plays, advice))
    return Review(run, tuple(rows), _causes(run), _names(run))


def publish_review(review: Review) -> dict[str, int]:
    """Replace the week's slice of ``bi.strategy_review``."""
    from retention.quality import check_slices  # imports Great Expectations, seconds of it: only who publishes pays

    columns = load_contract("bi.strategy_review").column_names
    with stage_writer(review.run, "review") as writer:
        writer.staging("bi.strategy_review")
        if review.rows:
            writer.fill_arrow(
                "bi.strategy_review", pd.DataFrame([_as_row(review, row) for row in review.rows], columns=columns)
            )
        check_slices(writer)
        return writer.publish()


def _cells(rows: Sequence[sa.Row[Any]]) -> list[Cell]:
    return [
        Cell(row.kpi, row.dimension, row.member, row.numerator, row.denominator, row.customers)
        for row in rows
        if row.denominator
    ]


def _advice(plays: Sequence[str], group: tuple[str, str], effects: Mapping[tuple[str, str], sa.Row[Any]]) -> Advice:
    """Return the most urgent thing to say about the plays of a group: one that harms before one that does nothing."""
    if not plays:
        return Advice("nobody_speaks")
    tier = group[1] if group[0] == "tier" else "all"
    said = []
    for play in plays:
        effect = effects.get((play, tier)) or effects.get((play, "all"))
        code = _WORST_FIRST[effect.verdict if effect is not None else "too_few"]
        said.append(Advice(code, play, *((effect.difference, effect.detectable) if effect is not None else (None, None))))
    order = list(_WORST_FIRST.values())
    return min(said, key=lambda advice: order.index(advice.code))


def _effects(run: Run) -> dict[tuple[str, str], sa.Row[Any]]:
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(
                "select play, service_tier, difference, detectable, verdict from bi.play_effect "
                "where as_of_date = :as_of_date and outcome = 'net_revenue_minor'"
            ),
            {"as_of_date": run.as_of_date},
        )
        return {(row.play, row.service_tier): row for row in rows}


def _causes(run: Run) -> tuple[Mapping[str, Any], ...]:
    """Return root causes with what the complaints were about, the most frequent first; none without the weekly counts."""
    binds = {
        "as_of_date": run.as_of_date,
        "since": run.as_of_date - timedelta(days=WINDOW_DAYS),
        "smallest": run.settings.keep.suppressed_group_size,
    }
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(
                "select root_cause, member as category, cast(sum(complaints) as bigint) as complaints, "
                "cast(sum(severe) as bigint) as severe from bi.complaint_root_cause "
                "where as_of_date = :as_of_date and dimension = 'category' and root_cause <> 'all' and week_start >= :since "
                "group by 1, 2 having sum(complaints) >= :smallest order by 3 desc, 1, 2 limit 10"
            ),
            binds,
        )
        return tuple(row._asdict() for row in rows)


def _names(run: Run) -> dict[str, Mapping[str, str]]:
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text("select distinct on (play) play, name_en, name_zh from campaigns.play order by play, registered_at desc")
        )
        return {row.play: {"en": row.name_en, "zh": row.name_zh} for row in rows}


def _as_row(review: Review, row: Reviewed) -> dict[str, Any]:
    now = row.finding.now
    return {
        "as_of_date": review.run.as_of_date,
        "kpi": now.kpi,
        "dimension": now.dimension,
        "member": now.member,
        "value": now.value,
        "others": row.finding.others,
        "before": row.finding.before,
        "customers": now.customers,
        "is_behind": row.finding.is_behind,
        "is_falling": row.finding.is_falling,
        "plays": list(row.plays),
        "advice": row.advice.code if row.advice else None,
        "advice_play": row.advice.play if row.advice else None,
    }
