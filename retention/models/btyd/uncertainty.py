"""How sure predictions are: the delta method for what is expected, simulation for what one customer may do.

Two different questions. *How well is the mean known?* The answer narrows with the number of customers fitted on: the delta
method, from the covariance of the parameters. *What may this customer do?* That stays wide however much is known: simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from retention.models.btyd._fitted import Fitted, normal_quantile
from retention.models.btyd._histories import Floats, checked, distinct_pairs
from retention.models.btyd._process import PurchaseProcess

# Rows times draws held at once.
_CELLS = 2_000_000


def delta_interval(
    models: Sequence[Fitted],
    predict: Callable[..., Floats],
    level: float = 0.95,
    scale: Literal["log", "logit"] = "log",
) -> tuple[Floats, Floats]:
    """Interval of a predicted mean or probability from the uncertainty of the parameters.

    Parameters
    ----------
    models : fitted models, e.g. ``(process,)`` or ``(process, spending)``; their parameters count as independent.
    predict : takes the models and answers one number per row, e.g. ``lambda m: m.expected_purchases(26, x, t_x, T)``.
    level : probability of the interval.
    scale : `log` for quantities that cannot be negative, `logit` for probabilities. Limits stay in their range.

    Raises
    ------
    ValueError when a model was made from parameters alone, without their covariance.

    Examples
    --------
    >>> model = BetaGeoNBD().fit(frequency, recency, T)  # doctest: +SKIP
    >>> lower, upper = delta_interval((model,), lambda m: m.probability_alive(2, 30.4, 38.9), scale="logit")  # doctest: +SKIP
    """
    into, back = (logit, expit) if scale == "logit" else (np.log, np.exp)
    centre = np.asarray(predict(*models), dtype=np.float64)
    variance = np.zeros_like(centre)
    with np.errstate(divide="ignore", invalid="ignore"):
        for place, model in enumerate(models):
            near, step = model.nearby()
            values = [into(predict(*models[:place], other, *models[place + 1 :])) for other in near]
            slopes = np.stack([(up - down) / (2 * step) for up, down in zip(values[::2], values[1::2], strict=True)])
            slopes = np.nan_to_num(slopes, nan=0.0, posinf=0.0, neginf=0.0)  # at 0 and 1, where nothing moves
            variance += np.einsum("i...,ij,j...->...", slopes, model.log_covariance(), slopes)
        reach = normal_quantile(level) * np.sqrt(variance)
        at = into(centre)
        return np.asarray(back(at - reach)), np.asarray(back(at + reach))


def simulate_purchases(
    process: PurchaseProcess,
    horizon: float,
    frequency: ArrayLike,
    recency: ArrayLike,
    T: ArrayLike,
    *,
    draws: int = 1_000,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Purchases that customers may make within a horizon: rows by draws.

    Draw by draw, each customer's rate and leaving are drawn from what is known of them, then the purchases. All rows share
    the random numbers of a draw, so that what a row gets depends neither on the other rows nor on their order.
    """
    x, t_x, age = checked(frequency, recency, T)
    alive = process.probability_alive(x, t_x, age)
    uniforms = uniform_draws(draws, seed)
    position, counts, ages = distinct_pairs(x, age)
    mean, most = process.personal_draws(horizon, counts, ages, uniforms[1:4])
    purchases = np.empty_like(mean)
    for draw in range(draws):
        # The first exponentials of a stream are the same however many are drawn.
        largest = float(mean[:, draw].max(initial=0.0))
        waits = np.random.default_rng([seed, draw]).standard_exponential(int(largest + 8 * np.sqrt(largest + 1) + 16))
        purchases[:, draw] = np.searchsorted(np.cumsum(waits), mean[:, draw], side="right")
    purchases = np.minimum(purchases, most)
    return np.asarray(np.where(uniforms[0] < alive[:, None], purchases[position], 0.0))


def purchase_interval(
    process: PurchaseProcess,
    horizon: float,
    frequency: ArrayLike,
    recency: ArrayLike,
    T: ArrayLike,
    *,
    level: float = 0.8,
    draws: int = 1_000,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Interval that holds a customer's number of purchases within a horizon with the probability `level` (at least)."""
    columns = checked(frequency, recency, T)

    def part(rows: slice) -> Floats:
        return simulate_purchases(process, horizon, *(column[rows] for column in columns), draws=draws, seed=seed)

    return quantiles_in_parts(part, columns[0].size, draws, level)


def quantiles_in_parts(simulate: Callable[[slice], Floats], rows: int, draws: int, level: float) -> tuple[Floats, Floats]:
    """Lower and upper quantile of simulated rows, some rows at a time."""
    normal_quantile(level)  # refuses a level outside (0, 1)
    size = max(1, _CELLS // max(draws, 1))
    tails = ((1 - level) / 2, (1 + level) / 2)
    found: list[Any] = [np.empty((2, 0))]
    for start in range(0, rows, size):
        drawn = simulate(slice(start, start + size))
        found.append(np.quantile(drawn, tails, axis=1, method="inverted_cdf"))
    lower, upper = np.concatenate(found, axis=1)
    return lower, upper


def uniform_draws(draws: int, seed: int) -> Floats:
    """Seven rows of uniform numbers for each draw, each row evenly spread (stratified) in an order of its own."""
    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws}")
    rng = np.random.default_rng(seed)
    return np.stack([(rng.permutation(draws) + rng.random(draws)) / draws for _ in range(7)])
