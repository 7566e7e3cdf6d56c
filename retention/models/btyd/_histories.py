"""Purchase histories: checked, and with equal rows counted once.

The likelihoods of this package need three numbers of a customer, and many customers share them (a million
customers have about 140,000 different histories by the week). Every function therefore works on distinct
histories with weights, and the special functions on distinct counts of purchases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Rounding of dates to weeks may put the last purchase a hair after the end of observation.
TIME_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Histories:
    """Distinct purchase histories, one entry for each.

    Attributes
    ----------
    frequency : repeat purchases (the first purchase is not counted).
    recency : time from the first to the last purchase; 0 where there is no repeat purchase.
    age : time from the first purchase to the end of observation (T in the literature).
    weight : how many customers share this history.
    counts : the distinct frequencies, ascending.
    position : for each history, where its frequency stands in `counts`.
    """

    frequency: Floats
    recency: Floats
    age: Floats
    weight: Floats
    counts: Floats
    position: NDArray[np.intp]

    @property
    def customers(self) -> float:
        return float(self.weight.sum())

    @classmethod
    def grouped(cls, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, weights: ArrayLike | None = None) -> Histories:
        """Check the histories and add up the weights of equal ones."""
        columns = checked(frequency, recency, age)
        weight = np.ones(len(columns[0])) if weights is None else np.asarray(weights, dtype=np.float64)
        if weight.shape != columns[0].shape:
            raise ValueError(f"weights has {weight.size} entries, frequency has {columns[0].size}")
        if not (np.isfinite(weight).all() and (weight >= 0).all()):
            raise ValueError("weights must be finite and not negative")
        rows, weight = equal_rows(columns, None if weights is None else weight)
        kept = weight > 0
        frequency, recency, age = (column[rows][kept] for column in columns)
        return cls.of(frequency, recency, age, weight[kept])

    @classmethod
    def of(cls, frequency: Floats, recency: Floats, age: Floats, weight: Floats | None = None) -> Histories:
        """Histories as they come, one entry for each row: for predictions, which answer row by row."""
        position, counts = distinct(frequency)
        return cls(frequency, recency, age, np.ones_like(age) if weight is None else weight, counts, position)

    def thinned(self, above: int, size: int) -> Histories | None:
        """Every n-th of more than `above` histories, `size` in all, chosen without chance; None where there are fewer."""
        if self.age.size < above:
            return None
        chosen = np.linspace(0, self.age.size - 1, size).round().astype(np.intp)
        return Histories.of(self.frequency[chosen], self.recency[chosen], self.age[chosen], self.weight[chosen])

    @cached_property
    def weight_by_count(self) -> Floats:
        """Customers with each of `counts`."""
        return sums_by(self.position, self.weight, self.counts.size)

    def by_count(self, values: Floats) -> Floats:
        """Spread values that belong to `counts` over the histories."""
        spread: Floats = values[self.position]
        return spread

    def in_units_of(self, time: float) -> Histories:
        """The same histories with times divided by `time`."""
        return Histories(self.frequency, self.recency / time, self.age / time, self.weight, self.counts, self.position)


def distinct(column: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Where each value stands among the distinct ones, and these, ascending. Hashing: several times faster than sorting."""
    codes, values = pd.factorize(column)
    order = np.argsort(values)
    rank = np.empty(order.size, dtype=np.intp)
    rank[order] = np.arange(order.size)
    return rank[codes], np.asarray(values[order], dtype=np.float64)


def equal_rows(columns: Sequence[Floats], weight: Floats | None = None) -> tuple[NDArray[np.intp], Floats]:
    """One row of each set of equal ones, in ascending order of the columns, and the weight (default: number) of the set."""
    key = _joint_code(columns)
    order = np.argsort(key)
    key = key[order]
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if key.size else np.empty(0, dtype=np.intp)
    if weight is None:
        sums = np.diff(np.append(starts, key.size)).astype(np.float64)
    else:
        sums = np.add.reduceat(weight[order], starts) if key.size else np.empty(0)
    return order[starts], sums


def distinct_pairs(first: Floats, second: Floats) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Where each pair of values stands among the distinct ones, and the two columns of these."""
    key = _joint_code((first, second))
    codes, values = pd.factorize(key)
    row = np.empty(values.size, dtype=np.intp)
    row[codes[::-1]] = np.arange(key.size - 1, -1, -1)  # the first row of each pair
    return codes, first[row], second[row]


def _joint_code(columns: Sequence[Floats]) -> NDArray[np.int64]:
    """One number for each row, equal for equal rows and ascending with the columns from the first on."""
    key = np.zeros(columns[0].size, dtype=np.int64)
    size = 1
    for column in columns:
        position, values = distinct(column)
        if size * max(values.size, 1) > 2**62:  # so many values that the product overflows: number what there is so far
            key = distinct(key.astype(np.float64))[0] if size <= 2**53 else np.unique(key, return_inverse=True)[1]
            size = int(key.max(initial=0)) + 1
        key = key * max(values.size, 1) + position
        size *= max(values.size, 1)
    return key


def sums_by(position: NDArray[np.intp], values: Floats, size: int) -> Floats:
    """Sum of the values at each of `size` positions."""
    return np.bincount(position, weights=values, minlength=size).astype(np.float64)


def total(weight: Floats, values: Floats) -> float:
    """Weighted sum, the same whatever the number of threads (BLAS splits its dot products, and spins while it waits)."""
    return float(np.einsum("i,i->", weight, values))


def checked(frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """The three columns as floats of one length, or a ValueError which says what is wrong and in which rows."""
    x, t_x, T = (np.atleast_1d(np.asarray(column, dtype=np.float64)) for column in (frequency, recency, age))
    if not (x.ndim == 1 and x.shape == t_x.shape == T.shape):
        raise ValueError(f"frequency, recency and T must be columns of one length, got {x.shape}, {t_x.shape}, {T.shape}")
    labels = _labels(frequency, x.size)
    _refuse(~(np.isfinite(x) & np.isfinite(t_x) & np.isfinite(T)), "have a missing or infinite value", labels)
    _refuse(
        np.isfinite(x) & (x != np.rint(x)),
        "have a frequency that is no whole number (it counts repeat purchases; a row of several customers has a weight)",
        labels,
    )
    _refuse((x < 0) | (t_x < 0) | (T < 0), "have a negative value", labels)
    _refuse(t_x > T + TIME_TOLERANCE * (1 + T), "have recency above T (a purchase after the end of observation)", labels)
    _refuse((x == 0) & (t_x > 0), "have recency above 0 without a repeat purchase", labels)
    return x, np.minimum(t_x, T), T


def _labels(column: ArrayLike, size: int) -> Any:
    return column.index if isinstance(column, pd.Series) else range(size)


def _refuse(wrong: NDArray[np.bool_], what: str, labels: Any) -> None:
    if wrong.any():
        named = ", ".join(str(labels[int(row)]) for row in np.flatnonzero(wrong)[:5])
        raise ValueError(f"{int(wrong.sum())} of {wrong.size} purchase histories {what}: rows {named}")
