"""Metrics for weighted customers, many weightings in one go.

A bootstrap resample is nothing but a column of whole-number weights, so that two hundred of them cost a few passes over
sorted arrays instead of two hundred sorts. Customers with equal predictions share what they have in common: the order of
rows decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

# Probabilities are kept this far from 0 and 1 before logarithms: far enough out that no two real ones become equal.
EPSILON = 1e-12
BINS = 10
NEWTON_STEPS = 50


def logit(probability: Floats) -> Floats:
    """Log-odds, finite for probabilities of 0 and 1 too."""
    p = np.clip(probability, EPSILON, 1 - EPSILON)
    return np.asarray(np.log(p) - np.log1p(-p))


class Compared:
    """Outcomes and predictions of the same customers, sorted and grouped once for all metrics and weightings.

    Parameters
    ----------
    lower, upper : ends of the stated interval of each customer, where there is one.
    """

    def __init__(self, actual: Any, predicted: Any, lower: Any = None, upper: Any = None) -> None:
        self.actual = np.asarray(actual, dtype=np.float64)
        self.predicted = np.asarray(predicted, dtype=np.float64)
        self.lower = None if lower is None else np.asarray(lower, dtype=np.float64)
        self.upper = None if upper is None else np.asarray(upper, dtype=np.float64)
        self._lot: Floats | None = None
        self._sums: dict[tuple[str, str], Floats] = {}

    def sums(self, order: str, column: str, weights: Floats) -> Floats:
        """Sum of each weighting over each group of equal values; kept for the newest weightings, which several metrics ask for.

        Parameters
        ----------
        order : by_prediction or by_outcome.
        column : customers, actual or predicted: what is added up.
        """
        if self._lot is not weights:
            self._lot, self._sums = weights, {}
        if (order, column) not in self._sums:
            groups: Groups = getattr(self, order)
            self._sums[order, column] = groups.sums(weights if column == "customers" else weights * getattr(self, column))
        return self._sums[order, column]

    def __len__(self) -> int:
        return len(self.actual)

    def take(self, rows: NDArray[np.intp]) -> Compared:
        """Some of the customers."""
        ends = (None if end is None else end[rows] for end in (self.lower, self.upper))
        return Compared(self.actual[rows], self.predicted[rows], *ends)

    @cached_property
    def log_odds(self) -> Floats:
        """Predictions as log-odds."""
        return logit(self.predicted)

    @cached_property
    def level_and_slope(self) -> tuple[float, float]:
        """Logistic regression of the outcomes on the log-odds, all customers alike."""
        everybody = np.ones((1, len(self)))
        level, slope = _newton(self, everybody, np.zeros(1), np.ones(1), NEWTON_STEPS)
        return float(level[0]), float(slope[0])

    @cached_property
    def by_prediction(self) -> Groups:
        """Customers in ascending order of prediction."""
        return Groups(self.predicted)

    @cached_property
    def by_outcome(self) -> Groups:
        """Customers in ascending order of outcome."""
        return Groups(self.actual)


class Groups:
    """An order of customers in which those with equal values stand together."""

    def __init__(self, values: Floats) -> None:
        self.order = np.argsort(values, kind="stable")
        ordered = values[self.order]
        self.starts = np.r_[0, np.flatnonzero(np.diff(ordered)) + 1]
        self.group = np.empty(len(values), dtype=np.intp)
        self.group[self.order] = np.repeat(np.arange(len(self.starts)), np.diff(np.r_[self.starts, len(values)]))

    def sums(self, columns: Floats) -> Floats:
        """Sum of each row of `columns` (weightings by customers) over each group."""
        ordered = columns[:, self.order]
        # Where all values differ, every customer is a group.
        return ordered if len(self.starts) == len(self.order) else np.asarray(np.add.reduceat(ordered, self.starts, axis=1))

    def ranks(self, sizes: Floats) -> Floats:
        """Mid-rank of every customer, as if each stood there as often as its weight says.

        Parameters
        ----------
        sizes : sum of the weights over each group.
        """
        return np.asarray((np.cumsum(sizes, axis=1) - (sizes - 1) / 2)[:, self.group])


Weighted = Callable[[Compared, Floats], Floats]


def _auc(given: Compared, weights: Floats) -> Floats:
    # Outcomes are 0 or 1 here.
    yes = given.sums("by_prediction", "actual", weights)
    no = given.sums("by_prediction", "customers", weights) - yes
    below = np.cumsum(no, axis=1) - no / 2
    return _ratio((yes * below).sum(axis=1), yes.sum(axis=1) * no.sum(axis=1))


def _mean(values: Callable[[Compared], Floats], given: Compared, weights: Floats) -> Floats:
    return np.asarray(weights @ values(given) / weights.sum(axis=1))


def _squared_error(given: Compared) -> Floats:
    return np.asarray((given.predicted - given.actual) ** 2)


def _negative_log_likelihood(given: Compared) -> Floats:
    p = np.clip(given.predicted, EPSILON, 1 - EPSILON)
    return np.asarray(-(given.actual * np.log(p) + (1 - given.actual) * np.log1p(-p)))


def _gap(given: Compared) -> Floats:
    return np.asarray(given.predicted - given.actual)


def _absolute_error(given: Compared) -> Floats:
    return np.asarray(np.abs(given.predicted - given.actual))


def _inside(given: Compared) -> Floats:
    if given.lower is None or given.upper is None:
        return np.full(len(given), np.nan)
    # Half a minor unit: the ends are stored rounded.
    return np.asarray((given.actual >= given.lower - 0.5) & (given.actual <= given.upper + 0.5), dtype=np.float64)


def _held(given: Compared, weights: Floats, column: str, places: Floats) -> Floats:
    """How much of `column` the lowest predictions hold, up to each of these shares of all customers."""
    sizes, totals = (np.cumsum(given.sums("by_prediction", name, weights), axis=1) for name in ("customers", column))
    held = [
        np.interp(places * size[-1], np.r_[0.0, size], np.r_[0.0, total]) for size, total in zip(sizes, totals, strict=True)
    ]
    return np.asarray(held)


def _ece(given: Compared, weights: Floats) -> Floats:
    bins = min(BINS, len(given))
    places = np.linspace(0, 1, bins + 1)
    actual = np.diff(_held(given, weights, "actual", places), axis=1)
    predicted = np.diff(_held(given, weights, "predicted", places), axis=1)
    return np.asarray(np.abs(actual - predicted).sum(axis=1) / weights.sum(axis=1))


def _slope(given: Compared, weights: Floats) -> Floats:
    """Newton's method, from the answer for all customers alike: two steps take a resample to six digits."""
    if np.ptp(given.log_odds) < 1e-9:
        return np.full(len(weights), np.nan)
    level, slope = given.level_and_slope
    return _newton(given, weights, np.full(len(weights), level), np.full(len(weights), slope), steps=2)[1]


def _newton(given: Compared, weights: Floats, level: Floats, slope: Floats, steps: int) -> tuple[Floats, Floats]:
    z = given.log_odds
    powers = np.column_stack([np.ones_like(z), z, z**2])
    for number in range(steps):
        # The first step is the same point for every weighting: one pass over the customers instead of one each.
        shared = number == 0 and np.ptp(level) == 0 and np.ptp(slope) == 0
        p = expit(level[0] + slope[0] * z) if shared else expit(level[:, None] + slope[:, None] * z)
        residual, curve = given.actual - p, p * (1 - p)
        if shared:
            gradient = weights @ (residual[:, None] * powers[:, :2])
            hessian = weights @ (curve[:, None] * powers)
        else:
            gradient, hessian = (weights * residual) @ powers[:, :2], (weights * curve) @ powers
        (g0, g1), (h0, h1, h2) = gradient.T, hessian.T
        determinant = h0 * h2 - h1**2
        d0, d1 = _ratio(h2 * g0 - h1 * g1, determinant), _ratio(h0 * g1 - h1 * g0, determinant)
        # Far from the answer a whole step may overshoot.
        longest = np.maximum(np.abs(d0), np.abs(d1))
        damped = 1.0 / np.maximum(1.0, longest)
        level, slope = level + damped * d0, slope + damped * d1
        if not (longest > 1e-9).any():
            break
    one_class = (weights @ given.actual == 0) | (weights @ (1 - given.actual) == 0)
    return level, np.where(one_class, np.nan, slope)


def _top_share(given: Compared, weights: Floats, tenth: float = 0.1) -> Floats:
    total = weights @ given.actual
    # One customer at least, so that a tenth of nine is not nobody.
    share = max(1, int(len(given) * tenth)) / len(given)
    return _ratio(total - _held(given, weights, "actual", np.array([1 - share]))[:, 0], total)


def _top_lift(given: Compared, weights: Floats) -> Floats:
    return np.asarray(_top_share(given, weights) * len(given) / max(1, len(given) // 10))


def _bias(given: Compared, weights: Floats) -> Floats:
    return np.asarray(_ratio(weights @ given.predicted, weights @ given.actual) - 1)


def _spearman(given: Compared, weights: Floats) -> Floats:
    a = given.by_outcome.ranks(given.sums("by_outcome", "customers", weights))
    p = given.by_prediction.ranks(given.sums("by_prediction", "customers", weights))
    size = weights.sum(axis=1, keepdims=True)
    a = a - (weights * a).sum(axis=1, keepdims=True) / size
    p = p - (weights * p).sum(axis=1, keepdims=True) / size
    spread = (weights * a**2).sum(axis=1) * (weights * p**2).sum(axis=1)
    return _ratio((weights * a * p).sum(axis=1), np.sqrt(np.where(spread > 1e-9, spread, np.nan)))


def _gini(given: Compared, weights: Floats) -> Floats:
    total = weights @ given.actual

    def area(order: str) -> Floats:
        sizes, sums = given.sums(order, "customers", weights), given.sums(order, "actual", weights)
        return np.asarray((sizes * (np.cumsum(sums, axis=1) - sums / 2)).sum(axis=1))

    # Ascending order: half less the share under the curve, the same for the best order there can be.
    half = total * weights.sum(axis=1) / 2
    best = half - area("by_outcome")
    return _ratio(half - area("by_prediction"), np.where((total > 0) & (best > 1e-9 * half), best, np.nan))


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(below != 0, above / below, np.nan), dtype=np.float64)


# How each metric is worked out for many weightings at once.
WEIGHTED: Mapping[str, Weighted] = {
    "auc": _auc,
    "brier": partial(_mean, _squared_error),
    "log_loss": partial(_mean, _negative_log_likelihood),
    "ece": _ece,
    "calibration_slope": _slope,
    "mean_gap": partial(_mean, _gap),
    "mae": partial(_mean, _absolute_error),
    "total_bias": _bias,
    "spearman": _spearman,
    "top_decile_share": _top_share,
    "top_decile_lift": _top_lift,
    "normalised_gini": _gini,
    "interval_coverage": partial(_mean, _inside),
}
