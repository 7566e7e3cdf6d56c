"""Dates of an evaluation: what is learned from when, what is predicted, and how far the file tells how it turned out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from retention.evaluate.errors import HistoryUnusable
from retention.models.inputs import training_dates
from retention.models.learning import with_season
from retention.models.value.plan import with_year_ago
from retention.settings import Settings

SHORTEST_DAYS = 14
"""A horizon to learn from, and a history to read features from, of fewer days says nothing."""
_MOST_DATES = 13


@dataclass(frozen=True)
class Plan:
    """Dates of one evaluation.

    Attributes
    ----------
    as_of : everything before this date is known, nothing from it on.
    horizon_days : days ahead that are predicted.
    first_day, last_day : of the orders in the file.
    learning_days : days of outcomes that are learned from: the horizon, or less where the history is too short for it.
    dates : as-of dates of the training sets, ascending; empty where the history is too short to learn at all.
    churn_dates, value_dates : these, and where the history allows those of a year before, from which the season is read.
    compared_days : days from `as_of` on that the file covers, at most the horizon; 0 where it ends before.
    notes : what the reader must know about these dates.
    """

    as_of: date
    horizon_days: int
    first_day: date
    last_day: date
    learning_days: int
    dates: tuple[date, ...]
    churn_dates: tuple[date, ...]
    value_dates: tuple[date, ...]
    compared_days: int
    notes: tuple[str, ...]


def make_plan(
    first_day: date, last_day: date, as_of: date | None, horizon_days: int | None, train_from: date | None, settings: Settings
) -> Plan:
    """Choose what was not asked for and check what was.

    Raises
    ------
    HistoryUnusable when there is no order before the as-of date, or dates contradict each other.
    """
    notes: list[str] = []
    span = (last_day - first_day).days + 1
    if horizon_days is None:
        horizon_days = min(settings.churn.horizon_days, span // 3)
        if horizon_days < 7 or (as_of is not None and as_of > last_day - timedelta(days=SHORTEST_DAYS)):
            horizon_days = settings.churn.horizon_days
        notes.append(f"horizon chosen: {horizon_days} days")
    if as_of is None:
        as_of = last_day + timedelta(days=1 - horizon_days)
        if as_of > first_day:
            notes.append(f"as-of date chosen: {as_of}, the last date whose horizon the file covers")
        else:
            as_of = last_day + timedelta(days=1)
            notes.append(
                f"as-of date chosen: {as_of}, the day after the last order, because the file is shorter than the horizon"
            )
    if horizon_days < 1:
        raise HistoryUnusable(f"--horizon {horizon_days}: at least 1 day is needed.")
    if as_of <= first_day:
        raise HistoryUnusable(
            f"--as-of {as_of}: the file has orders from {first_day} to {last_day}, none before that date. Nothing was computed."
        )
    end = min(as_of, last_day + timedelta(days=1))
    silent = (as_of - end).days
    if silent > 0:
        notes.append(
            f"the file ends on {last_day}, {silent} days before the as-of date: predictions take these days as without orders"
        )
    known = (end - first_day).days
    history = min(settings.churn.minimum_history_days, max(SHORTEST_DAYS, known // 3))
    learning = horizon_days if known - horizon_days >= history else known // 3
    if train_from is not None:
        if train_from >= end - timedelta(days=SHORTEST_DAYS):
            raise HistoryUnusable(
                f"--train-from {train_from}: it leaves fewer than {SHORTEST_DAYS} days of outcomes before {end}. "
                "Take an earlier date. Nothing was computed."
            )
        learning = min(learning, (end - train_from).days)
    dates: list[date] = []
    if learning >= min(SHORTEST_DAYS, horizon_days):
        newest = end - timedelta(days=learning)
        step = settings.churn.training_step_days
        count = settings.churn.training_dates
        if train_from is not None:
            count = min(_MOST_DATES, (newest - train_from).days // step + 1)
            history = min(history, max(SHORTEST_DAYS, (train_from - first_day).days))
        dates = training_dates(newest, first_day, step_days=step, count=count, minimum_history_days=history)
    churn_dates, value_dates = dates, dates
    if dates and train_from is None:
        churn_dates = with_season(dates, learning, first_day + timedelta(days=history))
        value_dates = with_year_ago(dates, end, first_day, history)
    if dates and learning < horizon_days:
        notes.append(
            f"the history before the as-of date is {known} days, too short to learn outcomes of {horizon_days} days: "
            f"learned on {learning} days and extended by the purchase process"
        )
    covered = (last_day - as_of).days + 1
    # The last orders of a small file rarely lie on the very last day that it was kept.
    compared = horizon_days if covered >= max(1, horizon_days - max(1, horizon_days // 50)) else max(0, covered)
    if 0 < compared < horizon_days:
        notes.append(f"the file covers {compared} of the {horizon_days} days from the as-of date on: compared over these days")
    elif compared == 0:
        notes.append("the file does not reach past the as-of date: predictions only, nothing to compare with")
    return Plan(
        as_of,
        horizon_days,
        first_day,
        last_day,
        learning,
        tuple(dates),
        tuple(churn_dates),
        tuple(value_dates),
        compared,
        tuple(notes),
    )
