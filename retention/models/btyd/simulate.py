"""Customers with known truth: purchase histories simulated from the models, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from retention.models.btyd._histories import Floats


@dataclass(frozen=True)
class Simulated:
    """Simulated customers.

    Attributes
    ----------
    frequency, recency, T : what is seen by the end of observation.
    future : purchases in the horizon after it.
    alive : whether the customer is still active at the end of observation (1.0 or 0.0).
    """

    frequency: Floats
    recency: Floats
    T: Floats
    future: Floats
    alive: Floats


def simulate_beta_geo(
    params: Mapping[str, float], T: Floats, horizon: float, seed: int, *, leaves_at_first: bool = False
) -> Simulated:
    """Simulate BG/NBD, or MBG/NBD where customers may leave at their first purchase too (`leaves_at_first`)."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(params["r"], 1 / params["alpha"], T.size)
    leaving = rng.beta(params["a"], params["b"], T.size)
    stays = np.ones(T.size, dtype=bool)
    if leaves_at_first:
        stays = rng.random(T.size) >= leaving
    return _purchases(rng, rate, T, horizon, stays, leaving=leaving)


def simulate_pareto(params: Mapping[str, float], T: Floats, horizon: float, seed: int) -> Simulated:
    """Simulate Pareto/NBD."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(params["r"], 1 / params["alpha"], T.size)
    with np.errstate(divide="ignore"):
        left_at = rng.exponential(1.0, T.size) / rng.gamma(params["s"], 1 / params["beta"], T.size)
    return _purchases(rng, rate, T, horizon, np.ones(T.size, dtype=bool), left_at=left_at)


def simulate_values(params: Mapping[str, float], frequency: Floats, seed: int) -> Floats:
    """Mean value of `frequency` purchases of each customer by Gamma-Gamma; nan where there are none."""
    rng = np.random.default_rng(seed)
    scale = 1 / rng.gamma(params["q"], 1 / params["v"], frequency.size)
    count = np.maximum(frequency, 1)
    return np.where(frequency > 0, rng.gamma(params["p"] * count) * scale / count, np.nan)


def _purchases(
    rng: np.random.Generator,
    rate: Floats,
    T: Floats,
    horizon: float,
    stays: np.ndarray[tuple[int], np.dtype[np.bool_]],
    leaving: Floats | None = None,
    left_at: Floats | None = None,
) -> Simulated:
    size = T.size
    frequency, recency, future, time = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size)
    active, alive = stays.copy(), stays.copy()
    if left_at is not None:
        alive = left_at > T
    end = T + horizon
    while active.any():
        rows = np.flatnonzero(active)
        with np.errstate(divide="ignore"):
            time[rows] += rng.exponential(1.0, rows.size) / rate[rows]
        buys = time[rows] <= (end[rows] if left_at is None else np.minimum(end[rows], left_at[rows]))
        active[rows[~buys]] = False
        rows = rows[buys]
        seen = time[rows] <= T[rows]
        frequency[rows[seen]] += 1
        recency[rows[seen]] = time[rows[seen]]
        future[rows[~seen]] += 1
        if leaving is not None:
            gone = rng.random(rows.size) < leaving[rows]
            active[rows[gone]] = False
            alive[rows[gone & seen]] = False
    return Simulated(frequency, recency, T, future, alive.astype(np.float64))
