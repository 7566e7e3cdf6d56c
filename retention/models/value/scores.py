"""Rows of `scores.clv`: by the champion in net margin where costs are known, or by the marked rule of thumb in net revenue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.definitions import clv_definition
from retention.models.profile import ScoresStopped, Seen
from retention.models.registry import RegisteredModel
from retention.models.value.margin import NET_REVENUE, Margins, margins, net_of_costs
from retention.warehouse import Run

Floats = NDArray[np.float64]
Gate = Callable[[Run, str, RegisteredModel, Seen, Floats], None]

CLV_FALLBACK = "fallback-past-year"
DAYS_PER_YEAR = 365.0
# A first order yesterday is no rhythm of one order a day: a year of tenure at least.
LEAST_TENURE_DAYS = 365.0
_MINOR = {
    "clv_12m_minor": "clv_minor",
    "net_revenue_12m_minor": "net_revenue_minor",
    "cost_to_serve_12m_minor": "cost_to_serve_minor",
    "expected_order_value_minor": "expected_order_value_minor",
    "clv_12m_lower_minor": "clv_lower_minor",
    "clv_12m_upper_minor": "clv_upper_minor",
}


def clv_rows(run: Run, features: pd.DataFrame, value: pd.DataFrame, champion: RegisteredModel | None) -> pd.DataFrame:
    """Rows of `scores.clv` for every purchaser of `features`, in their order.

    Parameters
    ----------
    features : those that :data:`retention.models.value.margin.READS` names.
    value : predicted net revenue, as :meth:`ValueModel.predict` answers.
    champion : whose predictions they are; None for those of the rule of thumb, which every row then says.
    """
    if champion is None:
        # A rule of thumb that anybody can follow by hand: net revenue, and the rows say so.
        found = Margins(NET_REVENUE, np.ones(len(features)), np.zeros(len(features)), 0.0)
    else:
        found = margins(run, features)
    return _table(run, net_of_costs(value, found, run.settings.clv.interval), found, champion)


def rule_of_thumb(features: pd.DataFrame, churn: Floats, horizon_days: int) -> pd.DataFrame:
    """Net value of the past 365 days times the chance of staying, over the horizon; it has no interval.

    Returns
    -------
    The columns of :meth:`ValueModel.predict`; those that the rule does not know are missing values.
    """
    value = fallback_clv(features, churn) * horizon_days / DAYS_PER_YEAR
    orders = fallback_orders(features, churn, horizon_days)
    unknown = np.full(len(features), np.nan)
    return pd.DataFrame(
        {
            "expected_orders": orders,
            "expected_order_value_minor": np.divide(value, orders, out=np.zeros(len(features)), where=orders > 0),
            "clv_minor": value,
            "probability_alive": unknown,
            "clv_lower_minor": unknown,
            "clv_upper_minor": unknown,
            "interval_probability": unknown,
        },
        index=features.index,
    )


def fallback_clv(features: pd.DataFrame, churn: Floats) -> Floats:
    """Net value of the past 365 days times the chance of staying."""
    return np.asarray(features["net_minor_365d"].to_numpy(dtype=np.float64) * (1 - churn))


def fallback_orders(features: pd.DataFrame, churn: Floats, horizon_days: int) -> Floats:
    """Order days so far per day of tenure, over the horizon, times the chance of staying."""
    days = features["count_order_days_lifetime"].to_numpy(dtype=np.float64)
    tenure = np.maximum(features["tenure_days"].to_numpy(dtype=np.float64), LEAST_TENURE_DAYS)
    return np.asarray(days / tenure * horizon_days * (1 - churn))


def _table(run: Run, predicted: pd.DataFrame, found: Margins, champion: RegisteredModel | None) -> pd.DataFrame:
    minor: dict[str, Any] = {
        name: pd.array(np.round(predicted[source].to_numpy(dtype=np.float64)), dtype="Float64").astype("Int64")
        for name, source in _MINOR.items()
    }
    known = champion is not None
    return pd.DataFrame(
        {
            "as_of_date": run.as_of_date,
            "customer_key": predicted.index.to_numpy(dtype=np.int64),
            **minor,
            # The rule of thumb has no value per order of its own.
            "expected_order_value_minor": minor["expected_order_value_minor"] if known else pd.NA,
            "expected_orders_12m": predicted["expected_orders"].to_numpy(),
            "probability_alive": pd.array(predicted["probability_alive"].to_numpy(), dtype="Float64"),
            "interval_probability": pd.array(predicted["interval_probability"].to_numpy(), dtype="Float64"),
            "margin_share": predicted["margin_share"].to_numpy(),
            "basis": found.basis,
            "horizon_days": np.full(len(predicted), run.settings.clv.horizon_days, dtype=np.int32),
            "definition": clv_definition(run.settings),
            "model_version": champion.model_version if champion else CLV_FALLBACK,
            "is_fallback": not known,
        }
    )


def check_finite(what: str, scores: Floats) -> None:
    """Stop when the fallback itself cannot be computed."""
    broken = int((~np.isfinite(scores)).sum())
    if broken:
        raise ScoresStopped(f"{what}: {broken} of {len(scores)} fallback scores are missing. Nothing published.")
