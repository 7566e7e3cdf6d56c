"""What each named input contributes to a model's raw prediction: additive, and exact.

A model gives the parts that its raw prediction is the sum of (`additive_parts`): boosted trees, and linear functions of
named values. The contributions of all inputs and the base sum to the raw prediction: for churn the log-odds before
calibration. Rows do not influence each other, so customers can be dealt into buckets and worked on side by side, and the
result is the same to the bit for any number of buckets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.learning import limited_threads
from retention.models.tree_contributions import TreeContributions

Floats = NDArray[np.float64]

# Rows that one bucket works on at a time: enough for customers to share answers, few enough to stay small in memory.
LARGEST_RANGE = 50_000


@dataclass(frozen=True)
class TreePart:
    """Boosted trees: `weight` times the raw prediction of `boosting` for the rows of `matrix`, columns named `names`."""

    boosting: Any
    names: tuple[str, ...]
    matrix: Floats
    weight: float = 1.0


@dataclass(frozen=True)
class LinearPart:
    """A linear function: `weight` times (`intercept` + `values` @ `coefficients`).

    Attributes
    ----------
    names : name of each column; an input that enters by several columns (a spline) has its name there several times.
    values : one row per customer.
    centre : value of each column that counts as usual and contributes nothing: its mean in training; None means 0.
    """

    names: tuple[str, ...]
    values: Floats
    coefficients: Floats
    intercept: float = 0.0
    weight: float = 1.0
    centre: Floats | None = None


Part = TreePart | LinearPart


class Explainable(Protocol):
    """A model whose raw prediction is a sum of parts."""

    def additive_parts(self, features: pd.DataFrame) -> Sequence[Part]:
        """Parts that sum to the raw prediction of each row."""
        ...


@dataclass(frozen=True)
class Contributions:
    """Contributions of inputs to a raw prediction.

    Attributes
    ----------
    base : raw prediction of the usual customer; the same for everybody.
    values : one row per customer (index `customer_key`), one column per input; `base` plus a row's sum is its prediction.
    """

    base: float
    values: pd.DataFrame

    @property
    def total(self) -> Floats:
        """Raw prediction of each row."""
        return np.asarray(self.base + self.values.to_numpy().sum(axis=1))

    @property
    def importance(self) -> pd.Series:
        """Mean absolute contribution of each input over these customers, largest first."""
        return self.values.abs().mean().sort_values(ascending=False, kind="stable")


def contributions(
    model: Explainable, features: pd.DataFrame, buckets: int = 1, group_of: Callable[[str], str] | None = None
) -> Contributions:
    """Contributions of every input, or group of inputs, to the raw prediction of every row.

    Parameters
    ----------
    features : one row per customer, the columns that the model learned from.
    buckets : customers are dealt into this many ranges, worked on side by side: one per core.
    group_of : group of an input; contributions of a group's inputs are added up. Default: each input by itself.

    Raises
    ------
    ValueError when a model consists of parts that contributions are not defined for.
    """
    made: dict[int, TreeContributions] = {}
    count = max(1, buckets) * max(1, round(len(features) / (max(1, buckets) * LARGEST_RANGE)))
    edges = np.linspace(0, len(features), count + 1).astype(int)
    ranges = [(start, end) for start, end in pairwise(edges) if end > start] or [(0, 0)]
    # The tables of a tree model are made once and read by all buckets.
    for part in model.additive_parts(features.iloc[:1]) if len(features) else ():
        if isinstance(part, TreePart) and part.weight != 0:
            made[id(part.boosting)] = TreeContributions(part.boosting)

    def of_bucket(rows: tuple[int, int]) -> tuple[float, tuple[str, ...], Floats]:
        base, names, values = _sum_parts(model.additive_parts(features.iloc[rows[0] : rows[1]]), made)
        return (base, names, values) if group_of is None else (base, *_sum_groups(names, values, group_of))

    # More ranges than workers, so that what is in memory at once does not grow with the number of customers.
    with limited_threads(), ThreadPoolExecutor(max_workers=max(1, buckets)) as pool:
        found = list(pool.map(of_bucket, ranges))
    base, names, _ = found[0]
    return Contributions(base, pd.DataFrame(np.hstack([values for _, _, values in found]).T, features.index, list(names)))


def partial_dependence(
    predict: Callable[[pd.DataFrame], Floats], features: pd.DataFrame, names: Sequence[str], points: int = 11, rows: int = 1000
) -> pd.DataFrame:
    """Mean prediction when one input is set to a value for everybody and all else stays as it is.

    Parameters
    ----------
    predict : predictions of a frame of features, for instance calibrated probabilities.
    names : inputs to look at, columns of `features`.
    points : values tried per input: its quantiles, equal ones once.
    rows : customers averaged over, taken evenly from `features`.

    Returns
    -------
    DataFrame: input, value, mean_prediction; no rows for an input that is not known for anybody.
    """
    sample = features.iloc[np.unique(np.linspace(0, len(features) - 1, min(rows, len(features))).astype(int))]
    found: list[tuple[str, float, float]] = []
    for name in names:
        known = features[name].dropna().to_numpy(dtype=np.float64)
        if known.size == 0:
            continue
        tried = np.unique(np.quantile(known, np.linspace(0, 1, points), method="inverted_cdf"))
        found += [(name, float(value), float(np.mean(predict(sample.assign(**{name: float(value)}))))) for value in tried]
    return pd.DataFrame(found, columns=["input", "value", "mean_prediction"])


def _sum_parts(parts: Sequence[Part], made: dict[int, TreeContributions]) -> tuple[float, tuple[str, ...], Floats]:
    """Base, names of inputs, and contributions (inputs x customers) over all parts, inputs in the order they appear."""
    base, found = 0.0, dict[str, Floats]()
    for part in parts:
        if part.weight == 0:
            continue
        if isinstance(part, TreePart):
            trees = made.get(id(part.boosting)) or TreeContributions(part.boosting)
            base += part.weight * trees.base
            terms = part.weight * trees(part.matrix)
        else:
            centre = np.zeros(len(part.names)) if part.centre is None else part.centre
            base += part.weight * float(part.intercept + centre @ part.coefficients)
            terms = part.weight * ((part.values - centre) * part.coefficients).T
        for name, term in zip(part.names, terms, strict=True):
            found[name] = found[name] + term if name in found else term
    size = len(next(iter(found.values()))) if found else 0
    return base, tuple(found), np.array(list(found.values())).reshape(len(found), size)


def _sum_groups(names: tuple[str, ...], values: Floats, group_of: Callable[[str], str]) -> tuple[tuple[str, ...], Floats]:
    """Add up the rows of each group, groups in the order they appear."""
    sums = dict[str, Floats]()
    for name, row in zip(names, values, strict=True):
        group = group_of(name)
        sums[group] = sums[group] + row if group in sums else row
    return tuple(sums), np.array(list(sums.values())).reshape(len(sums), values.shape[1])
