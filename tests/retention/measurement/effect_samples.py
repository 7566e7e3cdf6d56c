"""Customers whose spend, before and after, is skewed and often nothing, with an effect that is known."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

SHARE_OF_CONTROL = 0.1


def spends(rng: np.random.Generator, customers: int) -> NDArray[np.float64]:
    """Return outcome, spend before and predicted value per customer, minor units; six in ten spend nothing."""
    level = rng.gamma(1.2, 1.0, customers)
    before = np.round(rng.poisson(level * 4) * rng.lognormal(8.5, 0.6, customers))
    predicted = level * 24_000 * rng.lognormal(0, 0.3, customers)
    buys = rng.random(customers) < 1 - np.exp(-level * 0.35)
    after = np.round(buys * rng.lognormal(8.5, 0.9, customers))
    return np.column_stack([after, before, predicted])


LIFTS = ("larger baskets", "more buyers", "the same for everybody", "share who bought")
"""How a play may work: every basket grows by the lift; some who would not have bought buy; everybody, buyer or not, spends the
same amount more; and, with more buyers, the outcome 0 or 1."""


def truth(lift: float, how: str = LIFTS[0]) -> float:
    """Return the true difference per customer."""
    return lift * (_untreated()[1] if how == LIFTS[3] else _untreated()[0])


@cache
def _untreated() -> tuple[float, float]:
    """Return the mean spend of nobody treated and the share who buy, from two million customers."""
    after = spends(np.random.default_rng(99), 2_000_000)[:, 0]
    return float(after.mean()), float((after > 0).mean())


def experiment(
    rng: np.random.Generator, customers: int, lift: float, how: str = LIFTS[0]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the values and who is treated; the mean outcome of the treated is ``lift`` higher."""
    values = spends(rng, customers)
    treated = rng.random(customers) >= SHARE_OF_CONTROL
    if how == LIFTS[0]:
        values[treated, 0] *= 1 + lift
    elif how == LIFTS[2]:
        values[treated, 0] += truth(lift)
    else:
        mean, share = _untreated()
        instead = np.round(rng.lognormal(8.5, 0.9, customers))
        gain = lift * share if how == LIFTS[3] else lift * mean / float(np.exp(8.5 + 0.9**2 / 2))
        won = treated & (values[:, 0] == 0) & (rng.random(customers) < gain / (1 - share))
        values[won, 0] = np.maximum(instead[won], 1)
        if how == LIFTS[3]:
            values[:, 0] = values[:, 0] > 0
    return values, treated


def _holds(lower: float | None, upper: float | None, true: float) -> bool:
    return lower is not None and upper is not None and lower <= true <= upper


def coverage(simulations: int, customers: int, lift: float, seed: int, how: str = LIFTS[0]) -> float:
    """Return the share of simulations whose interval for one look holds the truth."""
    from retention.measurement.effects import Moments, estimate

    rng = np.random.default_rng(seed)
    true = truth(lift, how)
    held = 0
    for _ in range(simulations):
        values, treated = experiment(rng, customers, lift, how)
        arms = Moments.of(values[treated]), Moments.of(values[~treated])
        found = estimate(*arms, planned=customers, is_share=how == LIFTS[3])
        held += _holds(found.lower_95, found.upper_95, true)
    return held / simulations


def misses(simulations: int, customers_a_day: int, days: int, seed: int, lift: float = 0.0) -> tuple[float, float]:
    """Return how often an interval read daily misses the truth on any day: daily interval, interval for one look.

    Without a lift a miss is a false alarm.
    """
    from retention.measurement.effects import Moments, estimate

    rng = np.random.default_rng(seed)
    true = truth(lift)
    wrong = wrong_single = 0
    for _ in range(simulations):
        values, treated = experiment(rng, customers_a_day * days, lift)
        arms = {arm: Moments.of(values[:0]) for arm in (True, False)}
        missed = missed_single = False
        for day in range(days):
            today = slice(day * customers_a_day, (day + 1) * customers_a_day)
            arms = {arm: arms[arm] + Moments.of(values[today][treated[today] == arm]) for arm in arms}
            found = estimate(arms[True], arms[False], planned=customers_a_day * days)
            missed |= found.lower_any_95 is not None and not _holds(found.lower_any_95, found.upper_any_95, true)
            missed_single |= found.lower_95 is not None and not _holds(found.lower_95, found.upper_95, true)
        wrong += missed
        wrong_single += missed_single
    return wrong / simulations, wrong_single / simulations
