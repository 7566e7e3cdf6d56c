"""What the learners read: the features, and beside them what the purchase process says of the horizon."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.btyd import BetaGeoNBD
from retention.models.metrics import logit
from retention.models.purchases import COLUMNS as PURCHASE_COLUMNS
from retention.models.purchases import DAYS_PER_WEEK, purchases

Floats = NDArray[np.float64]

PROCESS_INPUTS = ("process_silent_log_odds", "process_expected_orders_log")
# Days that pass for everybody who stays silent.
DAYS_THAT_PASS = ("recency_days", "tenure_days")


def process_churn(features: pd.DataFrame, horizon_days: float, process: BetaGeoNBD) -> Floats:
    """Probability of no purchase in the horizon by the purchase process alone: the baseline to beat."""
    h = purchases(features)
    return process.probability_no_purchase(horizon_days / DAYS_PER_WEEK, h.frequency, h.recency, h.T)


def fit_process(features: pd.DataFrame) -> dict[str, float] | None:
    """Parameters of BG/NBD; None where there are no purchases to read, or nobody bought again."""
    if not set(PURCHASE_COLUMNS) <= set(features.columns):
        return None
    h = purchases(features)
    if not (h.frequency > 0).any():
        return None
    return BetaGeoNBD().fit(h.frequency, h.recency, h.T).params_


def with_process(features: pd.DataFrame, process: dict[str, float] | None, horizon_days: int) -> pd.DataFrame:
    """The features and, where there is a process, its log-odds of silence and its expected orders (as a logarithm)."""
    if process is None:
        return features
    model, h, weeks = BetaGeoNBD.from_params(process), purchases(features), horizon_days / DAYS_PER_WEEK
    silent = logit(model.probability_no_purchase(weeks, h.frequency, h.recency, h.T))
    expected = np.log1p(model.expected_purchases(weeks, h.frequency, h.recency, h.T))
    return features.assign(**dict(zip(PROCESS_INPUTS, (silent, expected), strict=True)))


def silent_for(features: pd.DataFrame, days: int) -> pd.DataFrame:
    """The same customers after more days without an order: what the smooth learner's rhythm inputs become."""
    if days == 0:
        return features
    later = features.assign(**{name: features[name] + days for name in DAYS_THAT_PASS if name in features.columns})
    if {"overdue_ratio", "recency_days"} <= set(features.columns):
        since = features["recency_days"].clip(lower=1)
        later["overdue_ratio"] = features["overdue_ratio"] * (since + days) / since
    return later
