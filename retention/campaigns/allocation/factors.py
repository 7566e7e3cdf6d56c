"""What measured effects leave of the plays' budgets (``campaigns.budget_change``)."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from math import ceil

import sqlalchemy as sa

from retention.campaigns.plays import Budget, Play
from retention.warehouse import Run


def with_factors(run: Run, plays: Sequence[Play]) -> list[Play]:
    """Return the plays with what their newest change up to the day leaves them; others, and pinned ones, as they are.

    Parameters
    ----------
    run : Run
        The day.
    plays : sequence of Play
        All plays.
    """
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(
                "select distinct on (play) play, new_factor, baseline_contacts from campaigns.budget_change "
                "where decided_on <= :as_of_date order by play, decided_on desc"
            ),
            {"as_of_date": run.as_of_date},
        ).all()
    left = {row.play: (float(row.new_factor), float(row.baseline_contacts)) for row in rows if row.new_factor < 1}
    pinned = run.settings.allocation.budget_pinned
    return [
        reduced(play, *left[play.name], run.as_of_date) if play.name in left and play.name not in pinned else play
        for play in plays
    ]


def reduced(play: Play, factor: float, baseline_contacts: float, day: date) -> Play:
    """Return a play with a share of its budget, by day: a month that is spent beyond the share does not stop it altogether.

    A play without a budget of its own keeps the share of the contacts it had a day, at least one: a budget of nothing could
    never show an effect again.

    Parameters
    ----------
    play : Play
        As its file says.
    factor : float
        Share that is left.
    baseline_contacts : float
        People it contacted a day before its first reduction.
    day : date
        The as-of date.
    """
    own = play.budget
    by_day = [own.day] if own.day is not None else []
    if own.month is not None:
        by_day.append(own.month / calendar.monthrange(day.year, day.month)[1])
    if by_day:
        return replace(play, budget=Budget(day=factor * min(by_day), month=own.month))
    capacity = max(1, ceil(factor * baseline_contacts))
    return replace(play, capacity_per_day=capacity if play.capacity_per_day is None else min(capacity, play.capacity_per_day))
