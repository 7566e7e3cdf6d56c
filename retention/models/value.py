"""Customer lifetime value: BG/NBD for how often, Gamma-Gamma for how much, discounted over a horizon.

The interval is for the customer, not for the mean: it comes from the exact mean and variance of the purchases, the
variance of their values, and the exact probability of buying nothing. No random numbers, so neither the order of rows
nor a seed can move it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaincinv

from retention.models.btyd import BetaGeoNBD, FitReport, GammaGamma
from retention.models.purchases import DAYS_PER_WEEK, Purchases, cut_at, purchases, without_huge_orders

Floats = NDArray[np.float64]

# Purchases are discounted at the middle of twelve equal parts of the horizon.
DISCOUNT_STEPS = 12
DAYS_PER_YEAR = 365.0


class TooLittleData(ValueError):
    """There is not enough to learn from; the message says what is missing and how much was asked."""


@dataclass(frozen=True)
class ValueModel:
    """A fitted model of lifetime value.

    Attributes
    ----------
    process, spending : the two parts.
    order_value_limit : mean order values above this are cut down to it, in training and in scoring.
    reports : how the two fits went.
    huge_order_customers : customers whose values were cut in training.
    """

    kind: ClassVar[str] = "clv"

    process: BetaGeoNBD
    spending: GammaGamma
    order_value_limit: float
    reports: dict[str, FitReport]
    huge_order_customers: int = 0

    @classmethod
    def fit(cls, features: pd.DataFrame, minimum_repeat_customers: int) -> ValueModel:
        """Fit on the purchasers of one as-of date.

        Raises
        ------
        TooLittleData when fewer than `minimum_repeat_customers` bought again with a positive net value.
        """
        histories, limit, cut = without_huge_orders(purchases(features))
        valued = histories.valued
        if int(valued.sum()) < minimum_repeat_customers:
            raise TooLittleData(
                f"{int(valued.sum())} of {len(features)} purchasers bought again with a positive net value; "
                f"{minimum_repeat_customers} are needed to fit a purchase process"
            )
        process = BetaGeoNBD().fit(histories.frequency, histories.recency, histories.T)
        spending = GammaGamma().fit(histories.frequency[valued], histories.mean_value[valued])
        return cls(process, spending, limit, {"process": process.report_, "spending": spending.report_}, cut)

    def predict(
        self, features: pd.DataFrame, horizon_days: float, annual_discount_rate: float, interval: float
    ) -> pd.DataFrame:
        """Predict the value of every purchaser.

        Parameters
        ----------
        horizon_days : days ahead.
        annual_discount_rate : 0.10 makes money in a year worth 1/1.10.
        interval : probability that the interval is meant to cover.

        Returns
        -------
        DataFrame, index of `features`: expected_orders, expected_order_value_minor, clv_minor (discounted),
        probability_alive, clv_lower_minor, clv_upper_minor; all floats.
        """
        histories = cut_at(purchases(features), self.order_value_limit)
        x, t_x, T = histories.frequency, histories.recency, histories.T
        times = np.linspace(0, horizon_days / DAYS_PER_WEEK, DISCOUNT_STEPS + 1)
        cumulative = self.process.expected_purchases(times, x, t_x, T)
        middle = (times[1:] + times[:-1]) / 2 * DAYS_PER_WEEK / DAYS_PER_YEAR
        discount = (1 + annual_discount_rate) ** -middle
        orders = cumulative[:, -1]
        discounted_orders = np.diff(cumulative, axis=1) @ discount
        order_value = self._order_value(histories)
        clv = discounted_orders * order_value
        discounted = np.divide(discounted_orders, orders, out=np.ones_like(orders), where=orders > 0)
        lower, upper = self._interval(histories, float(times[-1]), order_value, discounted, interval)
        # Where nearly all the probability is on nothing, the mean lies above the quantile: the interval is stretched to it.
        lower, upper = np.minimum(lower, clv), np.maximum(upper, clv)
        return pd.DataFrame(
            {
                "expected_orders": orders,
                "expected_order_value_minor": order_value,
                "clv_minor": clv,
                "probability_alive": self.process.probability_alive(x, t_x, T),
                "clv_lower_minor": lower,
                "clv_upper_minor": upper,
            },
            index=features.index,
        )

    def _order_value(self, histories: Purchases) -> Floats:
        known = np.where(histories.valued, histories.frequency, 0.0)
        return self.spending.expected_value(known, np.nan_to_num(histories.mean_value))

    def _interval(
        self, histories: Purchases, horizon: float, order_value: Floats, discounted: Floats, interval: float
    ) -> tuple[Floats, Floats]:
        """Quantiles of: nothing with its exact probability, otherwise gamma with the exact mean and variance."""
        x, t_x, T = histories.frequency, histories.recency, histories.T
        mean_n, variance_n = self.process.purchase_moments(horizon, x, t_x, T)
        known = np.where(histories.valued, x, 0.0)
        p = self.spending.params_["p"]
        _, second_scale = self.spending.value_moments(known, np.nan_to_num(histories.mean_value))
        mean = mean_n * order_value
        second = second_scale * (p * mean_n + p**2 * (variance_n + mean_n**2))
        nothing = self.process.probability_no_purchase(horizon, x, t_x, T)
        buys = np.maximum(1 - nothing, 1e-12)
        mean_if, second_if = mean / buys, second / buys
        shape = np.clip(mean_if**2 / np.maximum(second_if - mean_if**2, 1e-9 * mean_if**2 + 1e-300), 1e-3, 1e6)

        def quantile(level: float) -> Floats:
            share = np.clip((level - nothing) / buys, 0.0, 1.0 - 1e-12)
            return np.where(level <= nothing, 0.0, gammaincinv(shape, share) * mean_if / shape * discounted)

        tail = (1 - interval) / 2
        return quantile(tail), quantile(1 - tail)

    def to_dict(self) -> dict[str, Any]:
        """Numbers that make the model again; plain types."""
        return {
            "process": dict(self.process.params_),
            "spending": dict(self.spending.params_),
            "order_value_limit": self.order_value_limit,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> ValueModel:
        """Make the model from `to_dict`."""
        return cls(
            BetaGeoNBD.from_params(stored["process"]),
            GammaGamma.from_params(stored["spending"]),
            float(stored["order_value_limit"]),
            {},
        )
