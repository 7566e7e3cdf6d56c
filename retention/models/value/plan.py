"""From which past dates value is learned, and over how many days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from retention.models.inputs import FALLBACK_COLUMNS, first_order_date, model_columns, training_dates, training_set
from retention.models.learning import TrainingSet
from retention.models.purchases import COLUMNS as PURCHASE_COLUMNS
from retention.models.value.season import YEAR_DAYS
from retention.warehouse import Run

# Outcomes of fewer days than this say little about a year: the purchase process alone is used then.
SHORTEST_DAYS = 28
HISTORY_PARTS = 3


@dataclass(frozen=True)
class ValuePlan:
    """What to learn value from.

    Attributes
    ----------
    days : length of the outcomes; the horizon itself, or the longest that a third of the history allows.
    dates : past dates, ascending; the outcomes of the newest have just matured. The first is that of a year ago, where the
        history reaches back so far: it tells the season and is not learned from.
    """

    days: int
    dates: tuple[date, ...]


def value_plan(run: Run, as_of: date, horizon_days: int) -> ValuePlan | None:
    """Choose dates and days for a model as of a date; None where the history is too short to learn outcomes from.

    Two thirds of the history stay before the outcomes, so that rhythms can be seen in it.
    """
    first, settings = first_order_date(run), run.settings.churn
    if first is None or first >= as_of:
        return None
    days = learning_days((as_of - first).days, horizon_days)
    if days < min(SHORTEST_DAYS, horizon_days):
        return None
    dates = training_dates(
        as_of - timedelta(days=days),
        first,
        step_days=settings.training_step_days,
        count=settings.training_dates,
        minimum_history_days=settings.minimum_history_days,
    )
    dates = with_year_ago(dates, as_of, first, settings.minimum_history_days)
    return ValuePlan(days, tuple(dates)) if dates else None


def with_year_ago(dates: list[date], as_of: date, first: date, minimum_history_days: int) -> list[date]:
    """Put the date of a year before `as_of` in front of the training dates, where the history reaches back so far."""
    year_ago = as_of - timedelta(days=YEAR_DAYS)
    if dates and first + timedelta(days=minimum_history_days) <= year_ago < dates[0]:
        return [year_ago, *dates]
    return dates


def learning_days(history_days: int, horizon_days: int) -> int:
    """Days of outcomes: the horizon, or the whole weeks in a third of the history where that is shorter."""
    return min(horizon_days, history_days // HISTORY_PARTS // 7 * 7)


def value_training(run: Run, as_of: date, horizon_days: int) -> tuple[TrainingSet, int] | tuple[None, None]:
    """Read what :meth:`ValueModel.fit` learns from: past features with outcomes, and the days these span.

    Returns
    -------
    Nothing twice where the history is too short: the model is then the purchase process alone.
    """
    plan = value_plan(run, as_of, horizon_days)
    if plan is None:
        return None, None
    columns = tuple(dict.fromkeys((*model_columns(), *PURCHASE_COLUMNS, *FALLBACK_COLUMNS)))
    return training_set(run, list(plan.dates), plan.days, columns), plan.days
