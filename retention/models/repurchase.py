"""Rows of `scores.repurchase`: whether, how often and when a purchaser orders again.

Probabilities come from the churn model, so that they never contradict it: repurchase within the churn horizon is one
less churn. Expected orders and dates come from the value model; :mod:`retention.models.coherence` makes the two one answer.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from retention.models.coherence import reconciled
from retention.models.purchases import COLUMNS as PURCHASE_COLUMNS
from retention.settings import Settings
from retention.warehouse import Run

if TYPE_CHECKING:
    from retention.models.scoring import Given

Floats = NDArray[np.float64]

HORIZONS_DAYS = (30, 90)
FALLBACK = "fallback-steady-rhythm"
READS = ("recency_days", "mean_days_between_orders", "overdue_ratio", *PURCHASE_COLUMNS)


def repurchase_definition(settings: Settings) -> str:
    """A paid order within the horizon, among purchasers; dates with the interval of lifetime value."""
    return f"paid_order_30d_90d_interval_{settings.clv.interval:g}.v1"


def rows(run: Run, given: Given) -> dict[str, pd.DataFrame]:
    """Score every purchaser of the date.

    Returns
    -------
    The rows of `scores.repurchase`, in the order of the features.
    """
    features = given.features
    probability, orders = probabilities_and_orders(run, given)
    version = str(given.churn["model_version"].iloc[0]) if len(given.churn) else FALLBACK
    table = pd.DataFrame(
        {
            "as_of_date": run.as_of_date,
            "customer_key": features.index.to_numpy(dtype=np.int64),
            **{f"probability_{days}d": probability[:, i] for i, days in enumerate(HORIZONS_DAYS)},
            **{f"expected_orders_{days}d": orders[:, i] for i, days in enumerate(HORIZONS_DAYS)},
            **next_order(run, given),
            "usual_gap_days": _nullable(features, "mean_days_between_orders"),
            "overdue_ratio": _nullable(features, "overdue_ratio"),
            "definition": repurchase_definition(run.settings),
            "model_version": version,
            "orders_model_version": given.clv_champion.model_version if given.clv_champion else FALLBACK,
            "is_fallback": given.churn_model is None or given.clv_model is None,
        }
    )
    return {"scores.repurchase": table}


def probabilities_and_orders(run: Run, given: Given) -> tuple[Floats, Floats]:
    """Probability of an order and expected orders within each of `HORIZONS_DAYS`, as one answer: customers by horizons."""
    probability = probabilities(run, given)
    if given.clv_model is None or given.churn_model is None or not len(given.clv):
        return probability, np.maximum(expected_orders(given, probability), probability)
    known, days = given.clv["expected_orders_12m"].to_numpy(dtype=np.float64), int(given.clv["horizon_days"].iloc[0])
    orders, per_buyer = given.clv_model.orders_and_buyers(given.features, list(HORIZONS_DAYS), known, days)
    for i, horizon in enumerate(HORIZONS_DAYS):
        probability[:, i], orders[:, i] = reconciled(
            probability[:, i], orders[:, i], per_buyer[:, i], is_learned=horizon <= given.churn_model.horizon_days
        )
    # The longer wait holds the shorter one.
    return np.maximum.accumulate(probability, axis=1), np.maximum.accumulate(orders, axis=1)


def probabilities(run: Run, given: Given) -> Floats:
    """Probability of an order within each of `HORIZONS_DAYS`: customers by horizons, ascending along each row."""
    known = run.settings.churn.horizon_days
    churn = given.churn["churn_probability"].to_numpy(dtype=np.float64)
    found = []
    for days in HORIZONS_DAYS:
        if days == known:
            found.append(1 - churn)
        elif given.churn_model is not None and given.churn_model.process is not None:
            found.append(1 - given.churn_model.predict(given.features, days, given.churn_log_odds))
        else:
            found.append(1 - steady(churn, days / known))
    # The longer wait holds the shorter one.
    shorter, longer = found
    if HORIZONS_DAYS[1] == known:
        shorter = np.minimum(shorter, longer)
    else:
        longer = np.maximum(shorter, longer)
    return np.column_stack([shorter, longer])


def steady(churn: Floats, times: float) -> Floats:
    """Probability of no order in another horizon when each day is like the other: the rule without a purchase process.

    Parameters
    ----------
    times : length of the other horizon over that of `churn`.
    """
    return np.asarray(np.clip(churn, 0.0, 1.0) ** times)


def expected_orders(given: Given, probability: Floats) -> Floats:
    """Expected order days within each horizon; without a value model those of a steady rhythm with this probability."""
    if given.clv_model is not None and len(given.clv):
        known, days = given.clv["expected_orders_12m"].to_numpy(dtype=np.float64), int(given.clv["horizon_days"].iloc[0])
        return given.clv_model.expected_orders(given.features, list(HORIZONS_DAYS), known, days)
    return np.asarray(-np.log1p(-np.minimum(probability, 1 - 1e-6)))


def next_order(run: Run, given: Given) -> dict[str, Any]:
    """Date of the next order with its interval, as dates; missing where nothing can be said."""
    features, count = given.features, len(given.features)
    rhythm = given.clv_model.rhythm if given.clv_model is not None else None
    if given.clv_model is None or rhythm is None:
        # As late as usual after the last order, or today where that has passed.
        due = features["mean_days_between_orders"].to_numpy(dtype=np.float64) - features["recency_days"].to_numpy()
        unknown = np.full(count, np.nan)
        return {
            "next_order_date": _dates(run.as_of_date, np.maximum(due, 0.0)),
            "next_order_from": _dates(run.as_of_date, unknown),
            "next_order_until": _dates(run.as_of_date, unknown),
            "next_order_within_days": pd.array([None] * count, dtype="Int32"),
        }
    tail = (1 - run.settings.clv.interval) / 2
    days = rhythm.days(given.clv_model.process, features, (tail, 0.5, 1 - tail))
    return {
        "next_order_date": _dates(run.as_of_date, days[:, 1]),
        "next_order_from": _dates(run.as_of_date, days[:, 0]),
        "next_order_until": _dates(run.as_of_date, days[:, 2]),
        "next_order_within_days": pd.array([rhythm.within_days] * count, dtype="Int32"),
    }


def _dates(as_of: date, days: Floats) -> Any:
    """Whole days after a date; missing where the days are."""
    known = np.isfinite(days)
    found = np.datetime64(as_of, "D") + np.where(known, np.floor(np.nan_to_num(days)), 0).astype(np.int64)
    return pd.arrays.ArrowExtensionArray(pa.array(found, mask=~known))


def _nullable(features: pd.DataFrame, name: str) -> Any:
    return pd.array(features[name].to_numpy(dtype=np.float64), dtype="Float64")
