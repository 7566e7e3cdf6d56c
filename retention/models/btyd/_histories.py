"""Purchase histories: checked, and with equal rows counted once.

The likelihoods of this package need three numbers of a customer, and many customers share them (a million
customers have about 140,000 different histories by the week). Every function therefore works on distinct
histories with weights, and the special functions on distinct counts of purchases.
"""

from __future__ import annotations

from dataclasses import dataclass
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
        table = pd.DataFrame({"frequency": columns[0], "recency": columns[1], "age": columns[2], "weight": weight})
        # Sorted, so that the sums of the likelihood do not depend on the order of the rows.
        table = table.groupby(["frequency", "recency", "age"], sort=True, as_index=False).sum()
        table = table[table["weight"] > 0]
        return cls.of(*(table[name].to_numpy(dtype=np.float64) for name in ("frequency", "recency", "age", "weight")))

    @classmethod
    def of(cls, frequency: Floats, recency: Floats, age: Floats, weight: Floats | None = None) -> Histories:
        """Histories as they come, one entry for each row: for predictions, which answer row by row."""
        counts, position = np.unique(frequency, return_inverse=True)
        return cls(frequency, recency, age, np.ones_like(age) if weight is None else weight, counts, position)

    def by_count(self, values: Floats) -> Floats:
        """Spread values that belong to `counts` over the histories."""
        spread: Floats = values[self.position]
        return spread

    def in_units_of(self, time: float) -> Histories:
        """The same histories with times divided by `time`."""
        return Histories(self.frequency, self.recency / time, self.age / time, self.weight, self.counts, self.position)


def checked(frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """The three columns as floats of one length, or a ValueError which says what is wrong and in which rows."""
    x, t_x, T = (np.atleast_1d(np.asarray(column, dtype=np.float64)) for column in (frequency, recency, age))
    if not (x.ndim == 1 and x.shape == t_x.shape == T.shape):
        raise ValueError(f"frequency, recency and T must be columns of one length, got {x.shape}, {t_x.shape}, {T.shape}")
    labels = _labels(frequency, x.size)
    _refuse(~(np.isfinite(x) & np.isfinite(t_x) & np.isfinite(T)), "have a missing or infinite value", labels)
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
