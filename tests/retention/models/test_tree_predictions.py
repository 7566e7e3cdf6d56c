"""Predictions of trees by tables: to the bit those of scikit-learn, missing values and all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from retention.models import tree_predictions
from retention.models.tree_predictions import raw_predictions

ROWS = 20_001


def customers(seed: int) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    matrix = rng.gamma(1.0, 3.0, (ROWS, 6))
    matrix[:, 1] = np.floor(matrix[:, 1])
    matrix[rng.random((ROWS, 6)) < 0.2] = np.nan
    matrix[0], matrix[1], matrix[2] = np.inf, -np.inf, np.nan
    return matrix


def learned(kind: str, leaves: int = 15) -> Any:
    matrix = customers(1)[3:5_003]
    drive = np.nan_to_num(matrix[:, 0], nan=4.0) - np.nan_to_num(matrix[:, 1] * matrix[:, 2], nan=-3.0) / 9
    drive = drive + np.random.default_rng(2).normal(size=len(drive))
    shared: dict[str, Any] = {"max_iter": 30, "max_leaf_nodes": leaves, "max_features": 0.5, "random_state": 3}
    if kind == "classifier":
        return HistGradientBoostingClassifier(**shared).fit(matrix, drive > np.median(drive))
    return HistGradientBoostingRegressor(loss=kind, **shared).fit(matrix, np.exp(drive / 4))


@pytest.mark.parametrize("kind", ["classifier", "poisson", "gamma"])
def test_equal_to_the_last_bit(kind: str) -> None:
    model, matrix = learned(kind), customers(4)
    raw = raw_predictions(model, matrix)
    if kind == "classifier":
        np.testing.assert_array_equal(raw, model.decision_function(matrix))
        np.testing.assert_array_equal(expit(raw), model.predict_proba(matrix)[:, 1])
    else:
        np.testing.assert_array_equal(np.exp(raw), model.predict(matrix))
    assert len(np.unique(raw)) > 500


def test_few_customers_and_large_trees_are_left_to_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    model, larger, matrix = learned("classifier"), learned("classifier", leaves=31), customers(4)
    monkeypatch.setattr(tree_predictions, "_add", None)  # the tables are not used
    few = matrix[: tree_predictions.LEAST_ROWS - 1]
    np.testing.assert_array_equal(raw_predictions(model, few), model.decision_function(few))
    np.testing.assert_array_equal(raw_predictions(larger, matrix), larger.decision_function(matrix))
    with pytest.raises(TypeError):
        raw_predictions(model, matrix)


def test_without_a_way_for_missing_values_predictions_would_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    model, matrix = learned("classifier"), customers(4)
    right = raw_predictions(model, matrix)
    tables = tree_predictions._tables(model)
    assert tables is not None
    blind = tree_predictions._Trees(tables.baseline, tables.trees, ())
    monkeypatch.setitem(tree_predictions._TABLES, model, blind)
    assert (raw_predictions(model, matrix) != right).mean() > 0.1
