"""Contributions of inputs: the same as the reference implementation's, summing to the raw prediction, for any buckets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from retention.models import tree_contributions
from retention.models.contributions import LinearPart, Part, TreePart, contributions, partial_dependence
from retention.models.learning import limited_threads
from retention.models.tree_contributions import TreeContributions

INPUTS = 8


@pytest.fixture(scope="module")
def rows() -> np.ndarray[Any, Any]:
    """3,000 customers; one value in ten is not known, one input says nothing at all."""
    rng = np.random.default_rng(3)
    matrix = rng.gamma(1.0, 1.0, (3000, INPUTS))
    matrix[rng.random(matrix.shape) < 0.1] = np.nan
    matrix[:, 5] = 1.0
    return matrix


def target(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    known = np.nan_to_num(rows, nan=-1.0)
    noise = np.random.default_rng(4).normal(size=len(rows))
    return np.asarray(known[:, 0] - known[:, 1] * known[:, 2] + known[:, 3] + noise)


def boosting(rows: np.ndarray[Any, Any], leaves: int = 15, trees: int = 30) -> HistGradientBoostingClassifier:
    model = HistGradientBoostingClassifier(max_iter=trees, max_leaf_nodes=leaves, min_samples_leaf=5, early_stopping=False)
    with limited_threads(len(rows)):
        return model.fit(rows, target(rows) > 0.3)


@pytest.fixture(scope="module")
def model(rows: np.ndarray[Any, Any]) -> HistGradientBoostingClassifier:
    return boosting(rows)


@dataclass(frozen=True)
class Blend:
    """Three quarters of the trees, a quarter of a line that reads the first input twice."""

    trees: HistGradientBoostingClassifier

    def additive_parts(self, features: pd.DataFrame) -> Sequence[Part]:
        matrix = features.to_numpy()
        first = np.nan_to_num(matrix[:, [0, 0, 3]])
        return [
            TreePart(self.trees, tuple(features.columns), matrix, 0.75),
            LinearPart(
                ("input_0", "input_0", "input_3"), first, np.array([1.0, -0.5, 2.0]), 0.4, 0.25, np.array([1.0, 1.0, 0.5])
            ),
        ]

    def raw(self, features: pd.DataFrame) -> np.ndarray[Any, Any]:
        matrix = features.to_numpy()
        line = 0.4 + np.nan_to_num(matrix[:, [0, 0, 3]]) @ np.array([1.0, -0.5, 2.0])
        return np.asarray(0.75 * self.trees.decision_function(matrix) + 0.25 * line)


@pytest.fixture(scope="module")
def features(rows: np.ndarray[Any, Any]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[f"input_{number}" for number in range(INPUTS)])


@pytest.mark.parametrize("leaves", [15, 40, 90], ids=["counted", "sorted", "every customer"])
def test_the_values_are_those_of_shap(rows: np.ndarray[Any, Any], leaves: int) -> None:
    import shap

    trees = boosting(rows, leaves, trees=4)
    found, reference = TreeContributions(trees), shap.TreeExplainer(trees)
    np.testing.assert_allclose(found(rows[:200]).T, reference.shap_values(rows[:200]), atol=1e-12)
    assert found.base == pytest.approx(float(np.ravel(reference.expected_value)[0]), abs=1e-12)


def test_a_leaf_is_shared_out_as_shapley_defines_it() -> None:
    """Every order in which the inputs can become known, one after the other, counted out."""
    share, value = np.array([0.5, 0.2, 0.9, 0.35]), 3.0
    patterns = np.array(list(product([False, True], repeat=4)))
    expected = np.zeros(patterns.shape)
    orders = list(permutations(range(4)))
    for row, met in enumerate(patterns):
        for order in orders:
            for position, joining in enumerate(order):
                known = np.isin(np.arange(4), order[:position])
                before = value * np.where(known, met, share).prod()
                known[joining] = True
                expected[row, joining] += (value * np.where(known, met, share).prod() - before) / len(orders)
    np.testing.assert_allclose(tree_contributions.leaf_contributions(patterns, share, value), expected, atol=1e-14)


def test_deep_leaves_need_no_table(rows: np.ndarray[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    trees = boosting(rows, trees=3)
    with_tables = TreeContributions(trees)(rows)
    monkeypatch.setattr(tree_contributions, "TABLE_INPUTS", 2)
    np.testing.assert_allclose(TreeContributions(trees)(rows), with_tables, atol=1e-14)


def test_contributions_of_trees_sum_to_the_log_odds(model: HistGradientBoostingClassifier, rows: np.ndarray[Any, Any]) -> None:
    found = TreeContributions(model)
    np.testing.assert_allclose(found.base + found(rows).sum(axis=0), model.decision_function(rows), atol=1e-11)
    # The input that is the same for everybody contributes nothing, to the bit.
    assert not found(rows)[5].any()


def test_a_regression_is_explained_on_its_own_scale(rows: np.ndarray[Any, Any]) -> None:
    with limited_threads(len(rows)):
        fitted = HistGradientBoostingRegressor(loss="poisson", max_iter=10).fit(rows, np.exp(target(rows) / 4))
    found = TreeContributions(fitted)
    np.testing.assert_allclose(np.exp(found.base + found(rows).sum(axis=0)), fitted.predict(rows), rtol=1e-11)


def test_trees_without_a_split_contribute_nothing(rows: np.ndarray[Any, Any]) -> None:
    fitted = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2000).fit(rows, target(rows) > 0.3)
    found = TreeContributions(fitted)
    assert not found(rows[:5]).any()
    np.testing.assert_allclose(found.base, fitted.decision_function(rows[:5]), atol=1e-12)


def test_categories_and_several_classes_are_refused(rows: np.ndarray[Any, Any]) -> None:
    classes = np.arange(len(rows)) % 3
    with pytest.raises(ValueError, match="one number"):
        TreeContributions(HistGradientBoostingClassifier(max_iter=1).fit(rows, classes))
    categories = rows[:, :2].copy()
    categories[:, 0] = classes
    fitted = HistGradientBoostingClassifier(max_iter=1, categorical_features=[0]).fit(categories, classes == 1)
    with pytest.raises(ValueError, match="categorical"):
        TreeContributions(fitted)


def test_the_parts_of_a_blend_sum_to_its_log_odds(model: HistGradientBoostingClassifier, features: pd.DataFrame) -> None:
    blend = Blend(model)
    found = contributions(blend, features)
    np.testing.assert_allclose(found.total, blend.raw(features), atol=1e-11)
    # Four columns of the line are three inputs: what enters twice is one contribution.
    assert list(found.values.columns) == list(features.columns)
    assert list(found.values.index) == list(features.index)


def test_buckets_change_nothing_to_the_bit(model: HistGradientBoostingClassifier, features: pd.DataFrame) -> None:
    blend = Blend(model)
    alone = contributions(blend, features)
    for buckets in (2, 3, 40):
        together = contributions(blend, features, buckets)
        pd.testing.assert_frame_equal(together.values, alone.values, check_exact=True)
        assert together.base == alone.base
    turned = contributions(blend, features.iloc[::-1], 3)
    pd.testing.assert_frame_equal(turned.values.iloc[::-1], alone.values, check_exact=True)


def test_groups_add_up_their_inputs(model: HistGradientBoostingClassifier, features: pd.DataFrame) -> None:
    blend = Blend(model)
    alone = contributions(blend, features)
    grouped = contributions(blend, features, 2, lambda name: "low" if name < "input_4" else "high")
    low = alone.values[[f"input_{number}" for number in range(4)]].sum(axis=1)
    np.testing.assert_allclose(grouped.values["low"], low, atol=1e-12)
    np.testing.assert_allclose(grouped.total, alone.total, atol=1e-11)


def test_nobody_to_explain(model: HistGradientBoostingClassifier, features: pd.DataFrame) -> None:
    found = contributions(Blend(model), features.iloc[:0], 2)
    assert len(found.values) == 0
    assert found.base == contributions(Blend(model), features.iloc[:9]).base


def test_importance_is_the_mean_size(model: HistGradientBoostingClassifier, features: pd.DataFrame) -> None:
    found = contributions(Blend(model), features)
    assert found.importance.is_monotonic_decreasing
    assert found.importance["input_5"] == 0
    assert found.importance["input_0"] == pytest.approx(found.values["input_0"].abs().mean())


def test_partial_dependence_sets_one_input_for_everybody(features: pd.DataFrame) -> None:
    def predict(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        return np.asarray(2 * frame["input_0"] + frame["input_5"])

    found = partial_dependence(predict, features.assign(nothing=np.nan), ["input_0", "input_5", "nothing"], points=5)
    first = found[found["input"] == "input_0"]
    assert len(first) == 5
    assert first["value"].is_monotonic_increasing
    np.testing.assert_allclose(first["mean_prediction"], 2 * first["value"] + 1)
    # One value for everybody is one point; what nobody has is none.
    assert found["input"].value_counts().to_dict() == {"input_0": 5, "input_5": 1}
