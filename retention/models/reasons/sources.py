"""What a score is the sum of: churn by named inputs, predicted value by its factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.contributions import Contributions, Explainable, LinearPart, Part, contributions
from retention.models.reasons.wording import Wording, load_wording
from retention.settings import Settings
from retention.warehouse import RetentionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retention.models.scoring import Given

Floats = NDArray[np.float64]

# Contributions and log-odds are sums of the same hundreds of terms in another order: rounding differs, nothing else may.
TOLERANCE = 1e-6


class ReasonsDoNotAddUp(RetentionError):
    """Contributions do not sum to what the model says; nothing of the day was published."""

    runbook = "reasons-do-not-add-up"


@dataclass(frozen=True)
class Explained:
    """One score taken apart by reasons.

    Attributes
    ----------
    contributions : by reason; one row per customer that can be explained.
    figures : what sentences may name, same rows.
    wording : sentences of the reasons.
    """

    contributions: Contributions
    figures: pd.DataFrame
    wording: Wording


@dataclass(frozen=True)
class _RecencyRule:
    """The marked fallback of churn as the sum it is: its log-odds are ln(recency) - ln(horizon)."""

    horizon_days: int
    usual: float

    def additive_parts(self, features: pd.DataFrame) -> Sequence[Part]:
        logs = np.log(features[["recency_days"]].to_numpy(dtype=np.float64))
        return [LinearPart(("recency_days",), logs, np.ones(1), -np.log(self.horizon_days), 1.0, np.array([self.usual]))]


def explain_churn(settings: Settings, given: Given, rows: NDArray[np.bool_]) -> Explained:
    """Take churn scores apart by reasons; they sum to the log-odds before calibration.

    Parameters
    ----------
    rows : purchasers to explain, in the order of ``given.features``.

    Raises
    ------
    ReasonsDoNotAddUp when a model's parts do not sum to its log-odds.
    """
    features, wording = given.inputs(rows), load_wording("churn")
    model: Explainable
    if given.churn_model is None:
        usual = float(np.log(given.features["recency_days"].to_numpy(dtype=np.float64)).mean()) if len(given.features) else 0.0
        model = _RecencyRule(settings.churn.horizon_days, usual)
    else:
        model = given.churn_model
    found = contributions(model, features, settings.reasons.buckets, wording.reason_of)
    if given.churn_model is not None and len(features):
        what = f"scores.reason churn {given.churn['as_of_date'].iloc[0]}"
        check_sum(what, found.total, given.churn_model.log_odds(features))
    return Explained(found, features, wording)


def explain_value(given: Given, rows: NDArray[np.bool_]) -> Explained:
    """Take predicted values apart by their factors; the logarithms sum to that of the value.

    Each factor is set beside its geometric mean over all purchasers whose value is positive, so that the base is the mean
    logarithm. Values of zero or below have no logarithm and are left out.
    """
    value, orders, revenue = (
        given.clv[name].to_numpy(dtype=np.float64, na_value=np.nan)
        for name in ("clv_12m_minor", "expected_orders_12m", "net_revenue_12m_minor")
    )
    factors, usable = value_factors(value, orders, revenue)
    wording, chosen, base = load_wording("clv"), usable & rows, 0.0
    figures = given.inputs(chosen)
    parts: dict[str, Floats] = {}
    for name, factor in factors.items():
        usual = float(np.log(factor[usable]).mean()) if usable.any() else 0.0
        base += usual
        parts[wording.reason_of(name)] = np.log(factor[chosen]) - usual
        figures = figures.assign(**{name: factor[chosen], f"typical_{name}": np.exp(usual)})
    return Explained(Contributions(base, pd.DataFrame(parts, index=figures.index)), figures, wording)


def value_factors(value: Floats, orders: Floats, revenue: Floats) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
    """Factors whose product is the predicted value, and for whom they are defined (all three above zero).

    Not the probability of being alive: the purchase process gives one-time buyers 1, which nobody may read as loyalty.

    Parameters
    ----------
    value : predicted value, minor units.
    orders : expected orders.
    revenue : expected net revenue, minor units; value is what is left of it after costs.

    Returns
    -------
    expected_orders, value_per_order_minor (discounted), kept_share (1 for everybody where costs are not known).
    """
    usable = (value > 0) & (orders > 0) & (revenue > 0)
    orders_or_one, revenue_or_one = np.where(usable, orders, 1.0), np.where(usable, revenue, 1.0)
    return {
        "expected_orders": orders_or_one,
        "value_per_order_minor": revenue_or_one / orders_or_one,
        "kept_share": np.where(usable, value, 1.0) / revenue_or_one,
    }, usable


def check_sum(what: str, found: Floats, expected: Floats) -> None:
    """Stop when contributions do not sum to the raw prediction."""
    off = np.abs(found - expected)
    wrong = int((~(off <= TOLERANCE)).sum())
    if wrong:
        raise ReasonsDoNotAddUp(
            f"{what}: contributions of {wrong} of {len(found)} purchasers do not sum to the model's log-odds (largest "
            f"difference {float(np.max(off)):.3g}, allowed {TOLERANCE:g}). Nothing published. Roll back to another version."
        )
