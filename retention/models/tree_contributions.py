"""Shapley values of boosted trees, exact to rounding, for many customers at once.

A tree asks a customer at most as many questions as it has splits, so thousands of customers share a handful of answers.
What each input contributes is worked out once per distinct set of answers and then looked up. The values are those of
path-dependent TreeSHAP (Lundberg, Erion & Lee, 2018), which the tests compare with. The package shap takes ten times the
processor time and lets no other thread run meanwhile, neither another bucket nor the one that keeps the lease: docs/reasons.md.

Within one leaf, the weighted sum over subsets in Shapley's formula is the integral of a product of linear functions
(Yu, Bifet, Read & Xu, 2022, "Linear TreeShap"), which Gauss-Legendre quadrature gives exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Leaves that depend on at most this many inputs have a table of all answers (2^10 rows) made once per model.
TABLE_INPUTS = 10
# Distinct answers are found by counting up to this many splits, by sorting beyond.
COUNTED_SPLITS = 16
# A 64-bit code holds the answers to this many splits; in larger trees every customer is worked out on its own.
CODED_SPLITS = 62


@dataclass(frozen=True)
class _Leaf:
    """What must hold for a customer to fall into a leaf.

    Attributes
    ----------
    value : added to the prediction there.
    columns : positions, among the inputs of the tree, of those on the way to the leaf; each once.
    splits, left : per such input, its splits on the way and whether they lead left.
    share : per such input, the share of the training rows at its splits that went the way of this leaf.
    table : contribution by pattern (which inputs meet their conditions) and input; None where there are too many.
    """

    value: float
    columns: NDArray[np.intp]
    splits: tuple[NDArray[np.intp], ...]
    left: tuple[Flags, ...]
    share: Floats
    table: Floats | None

    def contributions(self, answers: Flags) -> Floats:
        """Contributions of the inputs in `columns` (columns) for each row of answers."""
        met = np.empty((len(answers), len(self.columns)), dtype=bool)
        for position, (splits, left) in enumerate(zip(self.splits, self.left, strict=True)):
            met[:, position] = (answers[:, splits] == left).all(axis=1)
        if self.table is None:
            return leaf_contributions(met, self.share, self.value)
        found: Floats = self.table[met @ (1 << np.arange(met.shape[1]))]
        return found


@dataclass(frozen=True)
class _Tree:
    """One tree: its splits, the inputs they ask for, its leaves, and the mean prediction over the training rows."""

    inputs: NDArray[np.intp]
    feature: NDArray[np.intp]
    threshold: Floats
    missing_left: Flags
    leaves: tuple[_Leaf, ...]
    mean: float

    def add_to(self, total: Floats, columns: Floats, missing: Flags) -> None:
        """Add the contributions of this tree to `total` (inputs x customers)."""
        answers, which = self._distinct_answers(columns, missing)
        found = np.zeros((len(self.inputs), len(answers)))
        for leaf in self.leaves:
            found[leaf.columns] += leaf.contributions(answers).T
        for position, name in enumerate(self.inputs):
            total[name] += found[position][which]

    def _distinct_answers(self, columns: Floats, missing: Flags) -> tuple[Flags, Any]:
        """Answers (left or not) to all splits, each combination once, and which of them each customer gives."""
        size = len(self.feature)
        if size > CODED_SPLITS:
            return np.column_stack([self._goes_left(split, columns, missing) for split in range(size)]), slice(None)
        code = np.zeros(columns.shape[1], dtype=np.uint16 if size <= COUNTED_SPLITS else np.int64)
        for split in range(size):
            code = code | (self._goes_left(split, columns, missing).astype(code.dtype) << code.dtype.type(split))
        if size <= COUNTED_SPLITS:
            seen = np.zeros(1 << size, dtype=bool)
            seen[code] = True
            distinct = np.flatnonzero(seen)
            place = np.cumsum(seen) - 1
            which = place[code]
        else:
            distinct, which = np.unique(code, return_inverse=True)
        return (distinct[:, None] >> np.arange(size)) & 1 == 1, which

    def _goes_left(self, split: int, columns: Floats, missing: Flags) -> Flags:
        feature = self.feature[split]
        left = columns[feature] <= self.threshold[split]
        return np.asarray(left | missing[feature] if self.missing_left[split] else left)


class TreeContributions:
    """Contributions of named inputs to the raw prediction of a boosting model.

    Parameters
    ----------
    boosting : a fitted HistGradientBoostingClassifier of two classes, or a HistGradientBoostingRegressor; its inputs are
        numbers (NaN where not known), none of them declared categorical.

    Attributes
    ----------
    base : raw prediction of an average training row; `base` and the contributions of a row sum to its raw prediction.

    Raises
    ------
    ValueError for more than two classes or categorical inputs.
    """

    def __init__(self, boosting: Any) -> None:
        # scikit-learn has no public way to its trees; shap reads the same attributes.
        predictors = boosting._predictors
        if any(len(stage) != 1 for stage in predictors):
            raise ValueError("contributions are for models of one number: two classes or a regression")
        trees = [_read_tree(stage[0].nodes) for stage in predictors]
        self._trees = [tree for tree in trees if len(tree.feature)]
        self.base = float(np.ravel(boosting._baseline_prediction)[0]) + float(sum(tree.mean for tree in trees))

    def __call__(self, matrix: Floats) -> Floats:
        """Return one row per input and one column per customer.

        Parameters
        ----------
        matrix : one row per customer, the columns that the model was fitted on.
        """
        columns = np.ascontiguousarray(matrix.T, dtype=np.float64)
        missing = np.isnan(columns)
        total = np.zeros_like(columns)
        for tree in self._trees:
            tree.add_to(total, columns, missing)
        return total


def leaf_contributions(met: Flags, share: Floats, value: float) -> Floats:
    """Shapley values of the inputs of one leaf.

    Parameters
    ----------
    met : per row, whether each input meets the leaf's conditions.
    share : per input, the share of training rows that does; above 0.
    value : value of the leaf.

    Returns
    -------
    Same shape as `met`. An input not met stands for its share; the product over inputs of (met or share) is what the leaf is
        worth to a set of known inputs.
    """
    total = np.zeros(met.shape)
    for node, weight in _quadrature(met.shape[1] // 2 + 1):
        factor = np.where(met, node + share * (1 - node), share * (1 - node))
        total += weight * factor.prod(axis=1, keepdims=True) / factor
    return np.asarray(value * (met - share) * total)


@cache
def _quadrature(points: int) -> list[tuple[float, float]]:
    """Nodes and weights of Gauss-Legendre quadrature on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    return [(float(node + 1) / 2, float(weight) / 2) for node, weight in zip(nodes, weights, strict=True)]


def _read_tree(nodes: Any) -> _Tree:
    """Read scikit-learn's node table."""
    if nodes["is_categorical"].any():
        raise ValueError("contributions are for inputs that are numbers, not for categorical ones")
    splits = np.flatnonzero(nodes["is_leaf"] == 0)
    number = {int(node): position for position, node in enumerate(splits)}
    feature = nodes["feature_idx"][splits].astype(np.intp)
    inputs = np.unique(feature)
    leaves: list[_Leaf] = []
    mean = 0.0
    # (node, share of the training rows there, and per input: share, splits, directions)
    open_nodes: list[tuple[int, float, dict[int, tuple[float, list[int], list[bool]]]]] = [(0, 1.0, {})]
    while open_nodes:
        node, reached, path = open_nodes.pop()
        row = nodes[node]
        if row["is_leaf"]:
            leaves.append(_make_leaf(float(row["value"]), path, inputs))
            mean += reached * float(row["value"])
            continue
        asked = int(row["feature_idx"])
        share_so_far, asked_before, directions = path.get(asked, (1.0, [], []))
        for child, left in ((int(row["right"]), False), (int(row["left"]), True)):
            share = float(nodes["count"][child]) / float(row["count"])
            step = (share_so_far * share, [*asked_before, number[node]], [*directions, left])
            open_nodes.append((child, reached * share, {**path, asked: step}))
    return _Tree(
        inputs, feature, nodes["num_threshold"][splits], nodes["missing_go_to_left"][splits].astype(bool), tuple(leaves), mean
    )


def _make_leaf(value: float, path: dict[int, tuple[float, list[int], list[bool]]], inputs: NDArray[np.intp]) -> _Leaf:
    share = np.array([step[0] for step in path.values()])
    table = None
    if len(path) <= TABLE_INPUTS:
        patterns = (np.arange(1 << len(path))[:, None] >> np.arange(len(path))) & 1 == 1
        table = leaf_contributions(patterns, share, value)
    return _Leaf(
        value,
        np.searchsorted(inputs, list(path)).astype(np.intp),
        tuple(np.array(step[1], dtype=np.intp) for step in path.values()),
        tuple(np.array(step[2], dtype=bool) for step in path.values()),
        share,
        table,
    )
