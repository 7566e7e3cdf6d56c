"""Fitting on what was known before the as-of date and predicting what follows, by the pipeline's own functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.evaluate.plan import Plan
from retention.evaluate.words import counted
from retention.models import baselines
from retention.models.churn import ChurnModel, fit_churn, process_churn
from retention.models.coherence import reconciled
from retention.models.fallback import LEAST_CUSTOMERS, fallback_churn, matured_shift, shift_to
from retention.models.inputs import past_features, training_set
from retention.models.learning import TrainingSet
from retention.models.training.churn import churn_columns, enough
from retention.models.value import ValueModel
from retention.models.value.scores import fallback_clv, fallback_orders
from retention.settings import Settings
from retention.warehouse import Run

Floats = NDArray[np.float64]

_VALUE = ("expected_orders", "clv_minor", "clv_lower_minor", "clv_upper_minor")


@dataclass
class Fitted:
    """What was learned.

    Attributes
    ----------
    features : features of every purchaser as of the as-of date.
    training : what was learned from; None where the history is too short.
    churn, value : the models; None where there was too little to learn from.
    reasons : by kind, why there is no model.
    shift : log-odds that put the rule of thumb on the level of the newest outcomes known.
    """

    features: pd.DataFrame
    training: TrainingSet | None
    churn: ChurnModel | None = None
    value: ValueModel | None = None
    reasons: dict[str, str] = field(default_factory=dict)
    shift: float = 0.0


def settings_for(settings: Settings, plan: Plan) -> Settings:
    """The installation's settings with the horizon that was asked for; money is not discounted, to be compared as spent."""
    return replace(
        settings,
        churn=replace(settings.churn, horizon_days=plan.horizon_days),
        clv=replace(settings.clv, horizon_days=plan.horizon_days, annual_discount_rate=0.0),
    )


def fit(run: Run, plan: Plan) -> Fitted:
    """Read features and outcomes, and fit what can be fitted."""
    features = past_features(run, run.as_of_date)
    if not plan.dates:
        days = (min(plan.as_of, plan.last_day) - plan.first_day).days
        why = f"{counted(days, 'day')} of orders before the as-of date are too few to learn from"
        return Fitted(features, None, reasons={"churn": why})
    columns = tuple(dict.fromkeys((*churn_columns(), *baselines.COLUMNS)))
    dates = sorted({*plan.dates, *plan.churn_dates, *plan.value_dates})
    return Fitted(features, training_set(run, dates, plan.learning_days, columns))


def of_dates(training: TrainingSet, dates: Sequence[date]) -> TrainingSet:
    """The rows of some of the dates."""
    return training.take(np.flatnonzero(np.isin(training.dates, np.array(dates, dtype="datetime64[D]"))))


def fit_models(run: Run, plan: Plan, fitted: Fitted) -> None:
    """Fit churn and value; what cannot be fitted is said and left to the fallback."""
    settings, training = run.settings, fitted.training
    for_value: TrainingSet | None = None
    if training is not None:
        for_value = of_dates(training, plan.value_dates).with_columns(churn_columns())
        try:
            enough(settings.churn, f"training date {plan.dates[-1]}", training.churned[training.newest])
            for_churn = of_dates(training, plan.churn_dates).with_columns(churn_columns())
            fitted.churn = fit_churn(for_churn, plan.learning_days, settings.churn.seed, asked_days=settings.churn.horizon_days)
        except ValueError as error:
            fitted.churn, fitted.reasons["churn"] = None, str(error)
    try:
        fitted.value = ValueModel.fit(
            fitted.features, settings.clv.minimum_repeat_customers, for_value, plan.learning_days, settings.clv.seed
        )
    except ValueError as error:
        fitted.reasons["clv"] = str(error)
    if fitted.churn is None and fitted.value is None:
        reaches = plan.last_day >= plan.as_of - timedelta(days=1)
        fitted.shift = (matured_shift(run) if reaches else 0.0) or _learned_shift(settings, plan, training)


def _learned_shift(settings: Settings, plan: Plan, training: TrainingSet | None) -> float:
    """Where nobody's whole horizon has passed: how far the rule is from the outcomes of the newest training date."""
    if training is None or (size := int(training.newest.sum())) < LEAST_CUSTOMERS:
        return 0.0
    newest = training.take(np.flatnonzero(training.newest))
    learned = replace(settings, churn=replace(settings.churn, horizon_days=plan.learning_days))
    return shift_to((float(newest.churned.sum()) + 1) / (size + 2), fallback_churn(newest.features, learned))


def predict(run: Run, fitted: Fitted, horizon_days: int) -> pd.DataFrame:
    """Predictions of every purchaser for a horizon.

    Returns
    -------
    DataFrame, index customer_key: churn_probability, expected_orders, clv_minor, clv_lower_minor, clv_upper_minor,
    probability_alive, interval_probability, churn_is_fallback, clv_is_fallback.
    """
    settings, features = run.settings, fitted.features
    if fitted.churn is not None:
        churn = fitted.churn.predict(features, horizon_days)
    else:
        churn = _rule_of_thumb(run, fitted, horizon_days)
    columns: dict[str, Any] = {"churn_probability": churn}
    if fitted.value is not None:
        predicted = fitted.value.predict(features, horizon_days, 0.0, settings.clv.interval)
        columns |= {name: predicted[name].to_numpy() for name in (*_VALUE, "probability_alive", "interval_probability")}
    else:
        nothing = np.full(len(features), np.nan)
        columns |= {
            "expected_orders": fallback_orders(features, churn, horizon_days),
            "clv_minor": fallback_clv(features, churn) * horizon_days / 365.0,
            "clv_lower_minor": nothing,
            "clv_upper_minor": nothing,
            "probability_alive": nothing,
            "interval_probability": nothing,
        }
    orders = np.asarray(columns["expected_orders"], dtype=np.float64)
    if fitted.value is not None and fitted.churn is not None:
        per_buyer = fitted.value.orders_and_buyers(features, [horizon_days], orders, horizon_days)[1][:, 0]
        is_learned = horizon_days <= fitted.churn.horizon_days
        buying, orders = reconciled(1 - churn, orders, per_buyer, is_learned=is_learned)
        columns["churn_probability"] = np.where(buying > 1 - churn, 1 - buying, churn)
    # Whoever buys at all buys once at least.
    columns["expected_orders"] = np.maximum(orders, 1 - np.asarray(columns["churn_probability"]))
    columns |= {"churn_is_fallback": fitted.churn is None, "clv_is_fallback": fitted.value is None}
    return pd.DataFrame(columns, index=features.index)


def _rule_of_thumb(run: Run, fitted: Fitted, horizon_days: int) -> Floats:
    """The fallback of churn.

    The purchase process alone, where enough bought again to fit it; else the pipeline's rule: days of silence over themselves
    and the horizon, on the level of the newest outcomes known.
    """
    settings = run.settings
    if fitted.value is not None:
        return process_churn(fitted.features, horizon_days, fitted.value.process)
    asked = replace(settings, churn=replace(settings.churn, horizon_days=horizon_days))
    return fallback_churn(fitted.features, asked, fitted.shift)
