"""Customers whose spend, before and after, is skewed and often nothing, with an effect that is known."""

from __future__ import annotations

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


def true_mean(seed: int = 99) -> float:
    """Return the mean outcome of nobody treated, from two million customers."""
    return float(spends(np.random.default_rng(seed), 2_000_000)[:, 0].mean())


def experiment(rng: np.random.Generator, customers: int, lift: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the values and who is treated; the treated spend ``lift`` more."""
    values = spends(rng, customers)
    treated = rng.random(customers) >= SHARE_OF_CONTROL
    values[treated, 0] *= 1 + lift
    return values, treated


def _holds(lower: float | None, upper: float | None, truth: float) -> bool:
    return lower is not None and upper is not None and lower <= truth <= upper


def coverage(simulations: int, customers: int, lift: float, seed: int) -> tuple[float, float]:
    """Return the share of simulations whose interval for one look holds the truth, and of those whose daily one does."""
    from retention.measurement.effects import Moments, estimate

    rng = np.random.default_rng(seed)
    truth = lift * true_mean()
    held = held_any = 0
    for _ in range(simulations):
        values, treated = experiment(rng, customers, lift)
        found = estimate(Moments.of(values[treated]), Moments.of(values[~treated]), planned=customers)
        held += _holds(found.lower_95, found.upper_95, truth)
        held_any += _holds(found.lower_any_95, found.upper_any_95, truth)
    return held / simulations, held_any / simulations


def false_alarms(simulations: int, customers_a_day: int, days: int, seed: int) -> tuple[float, float]:
    """Return how often a play without effect is called one when it is looked at daily: daily interval, interval for one look."""
    from retention.measurement.effects import Moments, estimate

    rng = np.random.default_rng(seed)
    wrong = wrong_single = 0
    for _ in range(simulations):
        values, treated = experiment(rng, customers_a_day * days, 0.0)
        arms = {arm: Moments.of(values[:0]) for arm in (True, False)}
        alarm = alarm_single = False
        for day in range(days):
            today = slice(day * customers_a_day, (day + 1) * customers_a_day)
            arms = {arm: arms[arm] + Moments.of(values[today][treated[today] == arm]) for arm in arms}
            found = estimate(arms[True], arms[False], planned=customers_a_day * days)
            alarm |= found.lower_any_95 is not None and not _holds(found.lower_any_95, found.upper_any_95, 0.0)
            alarm_single |= found.lower_95 is not None and not _holds(found.lower_95, found.upper_95, 0.0)
        wrong += alarm
        wrong_single += alarm_single
    return wrong / simulations, wrong_single / simulations
