"""Lifetime value: purchases still to come, discounted, times what a purchase is worth; for any horizon.

Purchases expected of somebody alive depend on frequency and T alone. They are computed once for each distinct pair and spread
over the customers, which makes a year of twelve months for a million customers cost little more than one horizon.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincinv

from retention.models.btyd._histories import Floats, checked, distinct
from retention.models.btyd._process import PurchaseProcess
from retention.models.btyd.gamma_gamma import GammaGamma
from retention.models.btyd.uncertainty import quantiles_in_parts, simulate_purchases, uniform_draws

PERIODS = 12


def discounted_purchases(
    process: PurchaseProcess,
    horizon: float,
    frequency: ArrayLike,
    recency: ArrayLike,
    T: ArrayLike,
    *,
    discount_rate: float = 0.0,
    periods: int = PERIODS,
    discounted_at: Literal["middle", "end"] = "middle",
) -> Floats:
    """Expected purchases within a horizon, each worth less the later it comes.

    Parameters
    ----------
    horizon : in the unit of time of the model.
    discount_rate : a purchase one unit of time ahead counts 1 / (1 + discount_rate). A yearly rate for times in weeks:
        ``(1 + yearly) ** (7 / 365) - 1``.
    periods : equal parts of the horizon; purchases of a part are discounted together, at its `middle` or its `end`.
    """
    if discount_rate <= -1 or not np.isfinite(discount_rate):
        raise ValueError(f"the discount rate must be above -1, got {discount_rate}")
    if periods < 1:
        raise ValueError(f"periods must be at least 1, got {periods}")
    if discount_rate == 0:
        return process.expected_purchases(horizon, frequency, recency, T)
    edges = np.linspace(0, horizon, periods + 1)
    at = edges[1:] if discounted_at == "end" else (edges[1:] + edges[:-1]) / 2
    worth = (1 + discount_rate) ** -at
    # The sum over parts of worth times growth, written as weights of the totals at their ends.
    return process.weighted_purchases(edges[1:], worth - np.append(worth[1:], 0.0), frequency, recency, T)


def lifetime_value(
    process: PurchaseProcess,
    spending: GammaGamma,
    horizon: float,
    frequency: ArrayLike,
    recency: ArrayLike,
    T: ArrayLike,
    mean_value: ArrayLike,
    *,
    discount_rate: float = 0.0,
    periods: int = PERIODS,
    discounted_at: Literal["middle", "end"] = "middle",
) -> Floats:
    """Expected discounted value of the purchases of each customer within a horizon, in the unit of `mean_value`.

    `mean_value` is the mean of the repeat purchases; customers without any (or without a positive one) are given the mean of
    the population, as Gamma-Gamma has it. The other parameters are those of :func:`discounted_purchases`.
    """
    purchases = discounted_purchases(
        process, horizon, frequency, recency, T,
        discount_rate=discount_rate, periods=periods, discounted_at=discounted_at,
    )  # fmt: skip
    return purchases * spending.expected_value(*_known(frequency, mean_value))


def lifetime_interval(
    process: PurchaseProcess,
    spending: GammaGamma,
    horizon: float,
    frequency: ArrayLike,
    recency: ArrayLike,
    T: ArrayLike,
    mean_value: ArrayLike,
    *,
    discount_rate: float = 0.0,
    level: float = 0.8,
    draws: int = 1_000,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Interval that holds a customer's value within the horizon with the probability `level`, by simulation.

    Purchases, the personal level of spending and the value of each purchase are drawn; the sum is discounted as the expected
    purchases are. For some thousands of customers; a draw costs about a hundred nanoseconds for each.
    """
    columns = checked(frequency, recency, T)
    known, mean = _known(frequency, mean_value)
    plain = process.expected_purchases(horizon, *columns)
    discounted = discounted_purchases(process, horizon, *columns, discount_rate=discount_rate)
    share = np.divide(discounted, plain, out=np.ones_like(plain), where=plain > 0)
    uniforms = uniform_draws(draws, seed)
    p, q, v = (spending.params_[name] for name in spending.names)

    def part(rows: slice) -> Floats:
        purchases = simulate_purchases(process, horizon, *(column[rows] for column in columns), draws=draws, seed=seed)
        position, counts = distinct(known[rows])
        level_of = gammaincinv(p * counts[:, None] + q, uniforms[4])[position] / (v + known[rows] * mean[rows])[:, None]
        often, numbers = distinct(purchases.ravel())
        sums = gammaincinv(np.maximum(p * numbers[:, None], 1e-300), uniforms[5])
        sums[numbers == 0] = 0.0
        drawn = sums[often.reshape(purchases.shape), np.arange(draws)] / level_of
        return np.asarray(drawn * share[rows, None])

    return quantiles_in_parts(part, columns[0].size, draws, level)


def _known(frequency: ArrayLike, mean_value: ArrayLike) -> tuple[Floats, Floats]:
    """Counts and means that say something about spending; 0 where there is none."""
    x, m = (np.atleast_1d(np.asarray(column, dtype=np.float64)) for column in (frequency, mean_value))
    usable = (x > 0) & np.isfinite(m) & (m > 0)
    return np.where(usable, x, 0.0), np.where(usable, m, 0.0)
