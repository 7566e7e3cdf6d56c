"""Scoring: every purchaser as of a date, by the champions or by the marked fallbacks; all tables of the day or none.

Purchasers are read, predicted and written in ranges, several side by side, so that memory stays flat. What needs everybody
(gates, margins, bands of reasons) is worked out from a few kept columns afterwards. The number of ranges changes no score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd

from retention.models import parts
from retention.models.day import Day, side_by_side
from retention.models.fallback import fallback_churn
from retention.models.inputs import model_columns
from retention.models.profile import Glance, judge_day
from retention.models.range_scoring import CHURN_FALLBACK, Given, RangeScoring, Scored
from retention.models.value.scores import CLV_FALLBACK, Gate, clv_rows
from retention.warehouse import Run, stage_writer

Fill = Callable[[str, pd.DataFrame], object]

__all__ = ["CHURN_FALLBACK", "CLV_FALLBACK", "Given", "fallback_churn", "given", "score", "tables"]


def score(run: Run) -> dict[str, Any]:
    """Publish every `scores.*` slice of the run's as-of date, all or none.

    Returns
    -------
    Rows, versions used, and whether each kind is the fallback.

    Raises
    ------
    MissingSlice when the features of the date are not published; ScoresStopped when a gate does; ModelFileRefused
    when a champion's file is not the one that was registered; FeaturesChanged when features are published meanwhile.
    """
    from retention.quality import check_slices

    # The lease comes before the first look: whoever reads after us has also a newer token, and cannot be overwritten by us.
    with stage_writer(run, "scores", attaches=True) as writer:
        known = given(run, judge_day, writer.fill_arrow)
        for table, frame in tables(run, known):
            writer.fill_arrow(table, frame)
        writer.lease.require_current()
        check_slices(writer)
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(writer.finish, list(writer.tables)))
        rows = writer.publish()
    return {
        **rows,
        "churn_model": known.churn_champion.model_version if known.churn_champion else CHURN_FALLBACK,
        "clv_model": known.clv_champion.model_version if known.clv_champion else CLV_FALLBACK,
        "churn_is_fallback": known.churn_champion is None,
        "clv_is_fallback": known.clv_champion is None,
    }


def given(run: Run, gate: Gate = lambda *_: None, fill: Fill | None = None) -> Given:
    """Score churn and lifetime value, and hand over what the other parts build on.

    Parameters
    ----------
    gate : called with the scores of each champion before they are handed over: scoring keeps and judges how far the day is
        from training. Left out, nothing is written and nothing stopped: for who only wants to look.
    fill : takes the rows of `scores.churn` and of the tables that are scored by range, range by range.

    Raises
    ------
    As :func:`score`.
    """
    ranged = RangeScoring.of(run)
    day = Day.of(run)
    ranged.refuse_gone(day)
    ranges, glance, found = day.ranges(), Glance(len(day)), list[Scored]()
    for rows, scored in zip(ranges, side_by_side(ranges, lambda rows: ranged.score(day, rows, fill is not None)), strict=True):
        glance.add(scored.inputs, rows.start)
        for table, frame in scored.tables.items():
            if fill is not None:
                fill(table, frame)
        found.append(scored.kept())
    day.check_unchanged()
    seen, features = glance.seen(), pd.concat([one.features for one in found])
    churn, value = (pd.concat(frames) for frames in ([one.churn for one in found], [one.value for one in found]))
    if ranged.churn_champion is not None:
        gate(run, f"scores.churn {run.as_of_date}", ranged.churn_champion, seen, churn["churn_probability"].to_numpy())
    if ranged.clv_champion is not None:
        gate(run, f"scores.clv {run.as_of_date}", ranged.clv_champion, seen, value["clv_minor"].to_numpy())
    return Given(
        features,
        churn.reset_index(drop=True),
        clv_rows(run, features, value, ranged.clv_champion),
        ranged.churn_champion,
        ranged.clv_champion,
        ranged.churn_model,
        ranged.clv_model,
        read=lambda rows: day.read(day.keys[rows], model_columns()),
    )


def tables(run: Run, known: Given) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each table that is not scored by range with its rows, one after the other: only one part's rows are in memory."""
    yield "scores.clv", known.clv
    for part in parts.SCORING:
        yield from parts.function(part)(run, known).items()
