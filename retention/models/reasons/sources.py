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
    features, wording = given.features[rows], load_wording("churn")
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

    Expected orders are the orders of somebody still a customer times the probability of being one; what is left is the worth
    of an expected order, net, discounted and after costs. Each is set beside its geometric mean over all purchasers whose
    value is positive, so that the base is the mean logarithm. Values of zero or below have no logarithm and are left out.
    """
    value, orders, alive = (
        given.clv[name].to_numpy(dtype=np.float64, na_value=np.nan)
        for name in ("clv_12m_minor", "expected_orders_12m", "probability_alive")
    )
    factors, usable = value_factors(value, orders, alive)
    wording, chosen, base = load_wording("clv"), usable & rows, 0.0
    figures = given.features[chosen].assign(expected_orders=orders[chosen])
    parts: dict[str, Floats] = {}
    for name, factor in factors.items():
        usual = float(np.log(factor[usable]).mean()) if usable.any() else 0.0
        base += usual
        parts[wording.reason_of(name)] = np.log(factor[chosen]) - usual
        figures[name], figures[f"typical_{name}"] = factor[chosen], np.exp(usual)
    return Explained(Contributions(base, pd.DataFrame(parts, index=figures.index)), figures, wording)


def value_factors(value: Floats, orders: Floats, alive: Floats) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
    """Factors whose product is the predicted value, and for whom they are defined (value and orders above zero).

    Parameters
    ----------
    value : predicted value, minor units.
    orders : expected orders.
    alive : probability of still being a customer; where somebody's is not known (the fallback), expected orders are one factor.
    """
    usable = (value > 0) & (orders > 0)
    factors = {"expected_orders": orders}
    if usable.any() and (alive[usable] > 0).all():
        factors = {"orders_while_active": orders / np.where(alive > 0, alive, 1.0), "probability_alive": alive}
    factors["value_per_order_minor"] = value / np.where(orders > 0, orders, 1.0)
    return factors, usable


def check_sum(what: str, found: Floats, expected: Floats) -> None:
    """Stop when contributions do not sum to the raw prediction."""
    off = np.abs(found - expected)
    wrong = int((~(off <= TOLERANCE)).sum())
    if wrong:
        raise ReasonsDoNotAddUp(
            f"{what}: contributions of {wrong} of {len(found)} purchasers do not sum to the model's log-odds (largest "
            f"difference {float(np.max(off)):.3g}, allowed {TOLERANCE:g}). Nothing published. Roll back to another version."
        )
