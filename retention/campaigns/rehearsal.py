"""Rehearse a play: plan the day with it, count whom it reaches, look at a few of them, and publish nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from retention.campaigns.checking import check_play
from retention.campaigns.documents import read_document
from retention.campaigns.errors import PlayError
from retention.campaigns.experiments import Design, read_design
from retention.campaigns.planning import build, require_upstream
from retention.campaigns.plays import PLAYS_DIR, Play, check_plays, play_of
from retention.campaigns.valuing import read_valuation
from retention.warehouse import Run, stage_writer
from retention.warehouse.writer import StageWriter

_SIZE = """
    select
        run.population, run.not_in_audience, run.excluded, run.control, run.selected,
        coalesce(sum(decision.cost_minor), 0) as touch_cost_minor,
        coalesce(sum(decision.expected_cost_minor), 0) as expected_cost_minor,
        coalesce(sum(decision.expected_value_minor), 0) as expected_value_minor
    from {play_run} as run
    left join {decision} as decision
        on run.play = decision.play and decision.state = 'selected' and decision.joined_on = decision.as_of_date
    where run.play = :play
    group by run.population, run.not_in_audience, run.excluded, run.control, run.selected
"""
_RULES = """
    select counted.rule, rule.label_en, rule.label_zh, counted.customers_first, counted.customers_any
    from {exclusion_count} as counted
    inner join campaigns.exclusion_rule as rule on counted.rule = rule.rule
    where counted.play = :play
    order by rule.position
"""
_TIERS = """
    select
        coalesce(service_tier, 'none') as service_tier, channel, offer,
        count(*) filter (where state = 'selected') as selected,
        count(*) filter (where state = 'control') as control,
        coalesce(sum(expected_cost_minor) filter (where state = 'selected'), 0) as expected_cost_minor
    from {decision}
    where play = :play
    group by coalesce(service_tier, 'none'), channel, offer
    order by 1, 2, 3
"""
_PEOPLE = """
    select customer_key, state, channel, offer, offer_terms, valid_from, valid_until, service_tier, lifecycle_stage,
        expected_value_minor, expected_cost_minor, evidence, reasons_en, reasons_zh
    from {decision}
    where play = :play
    order by state desc, holdout_bucket, customer_key
    limit :people
"""


@dataclass(frozen=True)
class Size:
    """How many customers a play would reach on a day, whom it would not and why, and what it would cost."""

    play: Play
    population: int
    not_in_audience: int
    excluded: int
    control: int
    selected: int
    touch_cost_minor: float
    """Of those who would begin on the day; so are the two below."""
    expected_cost_minor: float
    expected_value_minor: float
    rules: Sequence[Mapping[str, Any]]
    """By rule, in the order in which reasons are named: customers_first, customers_any, with labels."""
    tiers: Sequence[Mapping[str, Any]]
    """By service tier, channel and offer: selected, control, expected cost."""
    design: Design | None
    """What its control group will be able to show; None where nobody is kept back."""


@dataclass(frozen=True)
class Rehearsal:
    """What a day would be with a play."""

    size: Size
    people: Sequence[Mapping[str, Any]]
    """A few of its customers, selected before control; which ones is up to the draw, so that they stand for all."""


def rehearse(run: Run, play: str, people: int = 0, file: Path | None = None, plays_dir: Path = PLAYS_DIR) -> Rehearsal:
    """Plan a day with a play among all others, and publish and keep nothing.

    Parameters
    ----------
    run : Run
        The day; its features, scores and segments must be published.
    play : str
        Name of the play.
    people : int
        How many of its customers to return.
    file : Path, optional
        A play that is not in the folder yet; it takes the place of one of the same name.
    plays_dir : Path
        Folder of the plays.

    Raises
    ------
    PlayError when the play is wrong or unknown; UpstreamEmpty when a slice that plays rest on is empty.
    """
    plays, chosen = _plays(play, file, plays_dir)
    with _planned(run, plays) as writer, run.warehouse.connect() as connection:
        tables = {table.partition(".")[2]: name for table, name in writer.tables.items()}

        def ask(query: str) -> list[dict[str, Any]]:
            # Names of staging tables are made by the writer, from the contracts.
            rows = connection.execute(sa.text(query.format(**tables)), {"play": play, "people": people})
            return [dict(row) for row in rows.mappings()]

        valuation = read_valuation(run, tables["customer_attributes"], tables["uplift"])
        design = read_design(run, chosen, valuation, tables["decision"])
        size = Size(play=chosen, **ask(_SIZE)[0], rules=ask(_RULES), tiers=ask(_TIERS), design=design)
        return Rehearsal(size, ask(_PEOPLE) if people else [])


def _plays(name: str, file: Path | None, plays_dir: Path) -> tuple[list[Play], Play]:
    """Return all plays that are right, with the one in question, which must be."""
    plays, problems = check_plays(plays_dir)
    by_name = {play.name: play for play in plays}
    if file is not None:
        document = read_document(file)
        found = check_play(document)
        if found:
            raise PlayError(found)
        by_name[name] = play_of(document)
    if name not in by_name:
        own = [problem for problem in problems if problem.startswith(f"{name}.yml")]
        raise PlayError(own or [f"{name} is no play; `retention play list` names them"])
    return sorted(by_name.values(), key=lambda play: play.name), by_name[name]


@contextmanager
def _planned(run: Run, plays: Sequence[Play]) -> Iterator[StageWriter]:
    with stage_writer(run, "rehearsal") as writer:
        require_upstream(run)
        build(run, writer, plays)
        yield writer
