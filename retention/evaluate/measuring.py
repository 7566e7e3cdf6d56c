"""How good the predictions were, beside the baselines, over the days that the file covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from retention.evaluate.plan import Plan
from retention.evaluate.predicting import Fitted, of_dates
from retention.models import baselines
from retention.models.btyd import BetaGeoNBD
from retention.models.churn import process_churn
from retention.models.inputs import outcomes
from retention.models.metrics import CHURN_METRICS, VALUE_METRICS, measure
from retention.models.purchases import purchases
from retention.models.report import Measured
from retention.models.repurchase import steady
from retention.warehouse import Run

MODEL = "model"
"""Our own candidate; baselines go by their names."""


@dataclass(frozen=True)
class Outcome:
    """Predictions beside what happened.

    Attributes
    ----------
    truth : churned, orders, net_minor by customer.
    churn, value : candidate -> prediction, in the order of `truth`.
    measured_churn, measured_value : candidate -> metric -> value.
    """

    truth: pd.DataFrame
    churn: Mapping[str, np.ndarray]
    value: Mapping[str, np.ndarray]
    measured_churn: Mapping[str, Mapping[str, Measured]]
    measured_value: Mapping[str, Mapping[str, Measured]]


def compare(run: Run, plan: Plan, fitted: Fitted, predicted: pd.DataFrame, has_money: bool) -> Outcome | None:
    """Measure predictions for the days compared; None where the file does not reach past the as-of date."""
    if plan.compared_days == 0:
        return None
    features, days = fitted.features, plan.compared_days
    truth = outcomes(run, run.as_of_date, days, features.index)
    churn = {MODEL: predicted["churn_probability"].to_numpy(), **_churn_baselines(fitted, plan)}
    seed = run.settings.churn.seed
    value: dict[str, np.ndarray] = {}
    measured_value: Mapping[str, Mapping[str, Measured]] = {}
    if has_money:
        value = {MODEL: predicted["clv_minor"].to_numpy(), **_value_baselines(fitted, plan)}
        ends = None
        if fitted.value is not None:
            lower, upper = predicted["clv_lower_minor"].to_numpy(), predicted["clv_upper_minor"].to_numpy()
            # Half a minor unit: predictions are not rounded, and what was spent is.
            ends = {MODEL: (lower - 0.5, upper + 0.5)}
        measured_value = measure(VALUE_METRICS, truth["net_minor"].to_numpy(), value, seed, intervals=ends)
    return Outcome(truth, churn, value, measure(CHURN_METRICS, truth["churned"].to_numpy(), churn, seed), measured_value)


def _churn_baselines(fitted: Fitted, plan: Plan) -> dict[str, np.ndarray]:
    """Recency alone, past spend alone and the purchase process alone, where they can be fitted."""
    found: dict[str, np.ndarray] = {}
    if fitted.training is not None:
        learned = baselines.churn_baselines(of_dates(fitted.training, plan.dates), fitted.features)
        # Learned over other days than those compared: each day is taken to be like the other.
        found |= {name: steady(values, plan.compared_days / plan.learning_days) for name, values in learned.items()}
    histories = purchases(fitted.features)
    if (histories.frequency > 0).sum() > 1:
        process = BetaGeoNBD().fit(histories.frequency, histories.recency, histories.T)
        found["bg_nbd"] = process_churn(fitted.features, plan.compared_days, process)
    return found


def _value_baselines(fitted: Fitted, plan: Plan) -> dict[str, np.ndarray]:
    """What customers of this recency went on to spend, and what was spent per day so far, over the days compared."""
    if fitted.training is None:
        return {baselines.PAST_SPEND: baselines.past_spend_rate(fitted.features) * plan.compared_days}
    found = baselines.value_baselines(of_dates(fitted.training, plan.dates), fitted.features, plan.compared_days)
    # Learned over other days than those compared: a purchaser's spending is taken to go on at the same pace.
    found[baselines.RECENCY_ONLY] = found[baselines.RECENCY_ONLY] * plan.compared_days / plan.learning_days
    return found
