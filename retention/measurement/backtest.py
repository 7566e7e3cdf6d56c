"""What would have been predicted and done on past dates, and how it turned out. Reads the warehouse and writes nothing.

Each date is lived again: models learn from what was known before it, predict, and the plays that look at predictions choose
their audience; what customers did afterwards is set beside both. Facts are read as of the date, as in training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.campaigns.conditions import Condition, Group, leaves
from retention.campaigns.plays import Play, load_plays
from retention.evaluate.measuring import MODEL, Outcome, compare
from retention.evaluate.plan import make_plan
from retention.evaluate.predicting import Fitted, fit, fit_models, predict, settings_for
from retention.models.inputs import first_order_date
from retention.settings import Settings
from retention.warehouse import RetentionError, Run

Flags = NDArray[np.bool_]
YEAR_DAYS = 365


class BacktestImpossible(RetentionError):
    """The dates asked for leave nothing to predict or to compare with."""

    runbook = "backtest"


@dataclass(frozen=True)
class Audience:
    """Whom a play would have chosen on a date, and what became of them without it.

    Attributes
    ----------
    customers, churned : how many, and how many of them left.
    others_churn_rate : churn rate of everybody else; None where nobody is left.
    spent_minor : what the chosen went on to spend within the horizon.
    """

    play: str
    customers: int
    churned: int
    others_churn_rate: float | None
    spent_minor: int


@dataclass(frozen=True)
class Lived:
    """One past date.

    Attributes
    ----------
    as_of, horizon_days, customers : what was predicted for whom.
    is_fallback : whether there was too little to learn from on that date.
    outcome : predictions beside what happened.
    audiences : plays that look at predictions.
    """

    as_of: date
    horizon_days: int
    customers: int
    is_fallback: bool
    outcome: Outcome
    audiences: tuple[Audience, ...]

    @property
    def figures(self) -> dict[str, float | None]:
        """Measures of the model, and of recency alone beside it."""
        churn, value = self.outcome.measured_churn, self.outcome.measured_value
        found = {name: churn[MODEL][name].value for name in ("auc", "brier", "ece", "top_decile_lift")}
        recency = churn.get("recency_only")
        return {
            "predicted_churn": float(self.outcome.churn[MODEL].mean()),
            "actual_churn": float(self.outcome.truth["churned"].mean()),
            **found,
            "auc_recency_only": recency["auc"].value if recency else None,
            "value_bias": value[MODEL]["total_bias"].value if value else None,
            "value_gini": value[MODEL]["normalised_gini"].value if value else None,
        }


def backtest(open_run: Callable[[date], Run], dates: list[date], horizon_days: int, known_until: date) -> Iterator[Lived]:
    """Live past dates again, one after the other.

    Parameters
    ----------
    open_run : gives a run for a business day; the as-of date is the day after.
    horizon_days : days ahead to predict and compare.
    known_until : last closed business day; a date whose horizon ends later is refused.

    Raises
    ------
    BacktestImpossible when a date has no order before it, or its horizon has not passed.
    """
    unripe = [day for day in dates if day + timedelta(days=horizon_days - 1) > known_until]
    if not dates or unripe:
        latest = known_until - timedelta(days=horizon_days - 1)
        what = f"the {horizon_days} days after {unripe[0]} have not passed" if unripe else "there is no date to live again"
        raise BacktestImpossible(f"backtest: {what}; the latest date that can be compared is {latest}. Nothing was computed.")
    plays = replayable(load_plays())
    for day in dates:
        run = open_run(day - timedelta(days=1))
        first = first_order_date(run)
        if first is None or first >= day:
            raise BacktestImpossible(f"backtest {day}: there is no order before that date. Take a later --from.")
        yield _live(run, first, known_until, horizon_days, plays)


def _live(run: Run, first: date, known_until: date, horizon_days: int, plays: list[Play]) -> Lived:
    plan = make_plan(first, known_until, run.as_of_date, horizon_days, None, run.settings)
    run = replace(run, settings=settings_for(run.settings, plan))
    fitted = fit(run, plan)
    fit_models(run, plan, fitted)
    predicted = predict(run, fitted, horizon_days)
    outcome = compare(run, plan, fitted, predicted, has_money=True)
    if outcome is None:
        raise BacktestImpossible(f"backtest {run.as_of_date}: nothing is known of the days after it.")
    known = attributes(run.settings, fitted, predicted["churn_probability"], predict(run, fitted, YEAR_DAYS)["clv_minor"])
    return Lived(
        run.as_of_date,
        horizon_days,
        len(predicted),
        fitted.churn is None,
        outcome,
        tuple(_audience(play, known, outcome.truth) for play in plays),
    )


def attributes(settings: Settings, fitted: Fitted, churn: pd.Series[Any], value: pd.Series[Any]) -> pd.DataFrame:
    """Attributes of customers that can be told of a past date, named as plays name them."""
    features = fitted.features
    lost = features["recency_days"] > settings.lifecycle.lost_days
    new = (features["tenure_days"] <= settings.lifecycle.new_days) & (features["count_orders_lifetime"] == 1)
    return pd.DataFrame(
        {
            "churn_probability": churn,
            "clv_12m_minor": value,
            "value_at_risk_minor": churn * value,
            "count_orders_lifetime": features["count_orders_lifetime"],
            "count_orders_365d": features["count_orders_365d"],
            "days_since_first_order": features["tenure_days"],
            "days_since_last_order": features["recency_days"],
            "net_minor_365d": features["net_minor_365d"],
            "net_minor_90d": features["net_minor_90d"],
            "overdue_ratio": features["overdue_ratio"],
            "lifecycle_stage": np.select([lost, new], ["lost", "new"], "active"),
        },
        index=features.index,
    )


KNOWN = (
    "churn_probability", "clv_12m_minor", "value_at_risk_minor", "count_orders_lifetime", "count_orders_365d",
    "days_since_first_order", "days_since_last_order", "net_minor_365d", "net_minor_90d", "overdue_ratio", "lifecycle_stage",
)  # fmt: skip
PREDICTED = ("churn_probability", "clv_12m_minor", "value_at_risk_minor")


def replayable(plays: list[Play]) -> list[Play]:
    """Plays that look at a prediction, and at nothing that cannot be told of a past date."""
    found = []
    for play in plays:
        used = {leaf.attribute for leaf in leaves(play.condition)}
        if used & set(PREDICTED) and used <= set(KNOWN):
            found.append(play)
    return found


def _audience(play: Play, known: pd.DataFrame, truth: pd.DataFrame) -> Audience:
    chosen = holds(play.condition, known)
    churned = truth["churned"].to_numpy() > 0.5
    others = churned[~chosen]
    return Audience(
        play.name,
        int(chosen.sum()),
        int(churned[chosen].sum()),
        float(others.mean()) if others.size else None,
        int(truth["net_minor"].to_numpy()[chosen].sum()),
    )


def holds(condition: Condition, known: pd.DataFrame) -> Flags:
    """Customers of whom a condition is true; of an unknown attribute nothing is, as in the queries of plays."""
    if isinstance(condition, Group):
        parts = [holds(part, known) for part in condition.parts]
        if condition.kind == "not":
            return np.asarray(~parts[0])
        return np.asarray(np.logical_and.reduce(parts) if condition.kind == "all" else np.logical_or.reduce(parts))
    values = known[condition.attribute]
    if condition.operator == "is_known":
        return np.asarray(values.notna() == condition.value)
    return np.asarray(_COMPARE[condition.operator](values, condition.value).to_numpy(dtype=bool) & values.notna().to_numpy())


_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "is": lambda values, wanted: values == wanted,
    "is_not": lambda values, wanted: values != wanted,
    "in": lambda values, wanted: values.isin(wanted),
    "not_in": lambda values, wanted: ~values.isin(wanted),
    "at_least": lambda values, wanted: values >= wanted,
    "at_most": lambda values, wanted: values <= wanted,
    "more_than": lambda values, wanted: values > wanted,
    "less_than": lambda values, wanted: values < wanted,
    "between": lambda values, wanted: values.between(*wanted),
}
