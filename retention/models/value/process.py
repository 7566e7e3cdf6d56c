"""The purchase-process candidate: BG/NBD for how often, Gamma-Gamma for how much.

Gamma-Gamma learns from all order days of a customer, the first one too: leaving it out says nothing about one-time
buyers, who are the majority nearly everywhere, and ranks them worse (CDNOW, 23,570 customers: normalised Gini 0.67
without the first order, 0.71 with it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.btyd import BetaGeoNBD, FitReport, GammaGamma
from retention.models.learning import limited_threads
from retention.models.purchases import DAYS_PER_WEEK, Purchases, purchases

Floats = NDArray[np.float64]

# Mean order values further above the median than this many robust standard deviations (of the logarithm) are cut down to
# there: one 80,000-piece order must not set the value of everybody. About one in a billion by chance.
HUGE_ORDER_DEVIATIONS = 6.0
# The tail is cut no lower than this multiple of the median, so that a company whose order values hardly differ does not
# lose its real ones.
HUGE_ORDER_MULTIPLE = 10.0
# Fewer mean values than this are no measure of what is usual.
LEAST_TO_JUDGE = 20


@dataclass(frozen=True)
class Spending:
    """What each customer spent per order day so far.

    Attributes
    ----------
    orders : order days behind the mean; 0 where there is none of positive value (refunded, free).
    mean_minor : mean net value of those days in minor units; 0 where there is none.
    """

    orders: Floats
    mean_minor: Floats

    def cut_at(self, limit: float) -> Spending:
        """Apply a limit found in training."""
        return Spending(self.orders, np.minimum(self.mean_minor, limit))


def spending(features: pd.DataFrame) -> Spending:
    """Read mean order values off the order features: of all order days, or of the repeated ones where only these are known."""
    if "net_minor_lifetime" in features.columns:
        days = features["count_order_days_lifetime"].to_numpy(dtype=np.float64)
        total = features["net_minor_lifetime"].to_numpy(dtype=np.float64, na_value=np.nan)
        mean = total / np.maximum(days, 1.0)
    else:
        histories = purchases(features)
        days, mean = histories.frequency, histories.mean_value
    usable = (days > 0) & np.isfinite(mean) & (mean > 0)
    return Spending(np.where(usable, days, 0.0), np.where(usable, mean, 0.0))


def usual_limit(spent: Spending) -> tuple[float, int]:
    """Find the mean order value above which a single extreme order must be at work.

    Returns
    -------
    The limit (infinite where there is too little to judge by), and how many customers lie above it.
    """
    logs = np.log(spent.mean_minor[spent.orders > 0])
    if logs.size < LEAST_TO_JUDGE:
        return float("inf"), 0
    centre = float(np.median(logs))
    spread = 1.4826 * float(np.median(np.abs(logs - centre)))
    limit = float(np.exp(centre + max(HUGE_ORDER_DEVIATIONS * spread, np.log(HUGE_ORDER_MULTIPLE))))
    return limit, int((np.exp(logs) > limit).sum())


@dataclass(frozen=True)
class ProcessPart:
    """BG/NBD and Gamma-Gamma of one date.

    Attributes
    ----------
    process, money : the two models.
    order_value_limit : mean order values above this are cut down to it, in training and in scoring.
    huge_order_customers : customers whose values were cut in training.
    reports : how the two fits went; empty for a stored model.
    """

    process: BetaGeoNBD
    money: GammaGamma
    order_value_limit: float
    huge_order_customers: int
    reports: dict[str, FitReport]

    @classmethod
    def fit(cls, features: pd.DataFrame) -> ProcessPart:
        """Fit on the purchasers of one date, of whom some bought again and some spent something."""
        histories, spent = purchases(features), spending(features)
        limit, cut = usual_limit(spent)
        spent = spent.cut_at(limit)
        known = spent.orders > 0
        # Linear algebra with more threads than free cores takes twenty times as long here: the sums are short.
        with limited_threads():
            process = BetaGeoNBD().fit(histories.frequency, histories.recency, histories.T)
            money = GammaGamma().fit(spent.orders[known], spent.mean_minor[known])
        return cls(process, money, limit, cut, {"process": process.report_, "spending": money.report_})

    def order_value(self, features: pd.DataFrame) -> Floats:
        """Expected net value of a future order day, minor units."""
        spent = spending(features).cut_at(self.order_value_limit)
        return self.money.expected_value(spent.orders, spent.mean_minor)

    def orders(self, features: pd.DataFrame, horizons_days: Floats | list[float]) -> Floats:
        """Expected order days within each horizon: customers by horizons."""
        h = purchases(features)
        weeks = np.asarray(horizons_days, dtype=np.float64) / DAYS_PER_WEEK
        return self.process.expected_purchases(weeks, h.frequency, h.recency, h.T)

    def silent(self, features: pd.DataFrame, horizon_days: float) -> Floats:
        """Probability of no order within the horizon."""
        h = purchases(features)
        return self.process.probability_no_purchase(horizon_days / DAYS_PER_WEEK, h.frequency, h.recency, h.T)

    def orders_of_buyers(self, features: pd.DataFrame, horizon_days: float) -> Floats:
        """Expected order days within the horizon of customers like each one who order within it at all; 1 or more."""
        buying = np.maximum(1 - self.silent(features, horizon_days), 1e-12)
        return np.maximum(self.orders(features, [horizon_days])[:, 0] / buying, 1.0)

    def alive(self, features: pd.DataFrame) -> Floats:
        """Probability of not having left for good; 1 for one-time buyers by construction."""
        h = purchases(features)
        return self.process.probability_alive(h.frequency, h.recency, h.T)

    def spread(self, features: pd.DataFrame, horizon_days: float) -> tuple[Floats, Floats]:
        """Mean and second moment of the money spent within the horizon, minor units."""
        h: Purchases = purchases(features)
        spent = spending(features).cut_at(self.order_value_limit)
        mean_n, variance_n = self.process.purchase_moments(horizon_days / DAYS_PER_WEEK, h.frequency, h.recency, h.T)
        first, second = self.money.value_moments(spent.orders, spent.mean_minor)
        p = self.money.params_["p"]
        return mean_n * p * first, second * (p * mean_n + p**2 * (variance_n + mean_n**2))

    def to_dict(self) -> dict[str, Any]:
        """Numbers that make it again."""
        return {
            "process": dict(self.process.params_),
            "spending": dict(self.money.params_),
            "order_value_limit": self.order_value_limit,
            "huge_order_customers": self.huge_order_customers,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> ProcessPart:
        """Make it from `to_dict`."""
        return cls(
            BetaGeoNBD.from_params(stored["process"]),
            GammaGamma.from_params(stored["spending"]),
            float(stored["order_value_limit"]),
            int(stored["huge_order_customers"]),
            {},
        )
