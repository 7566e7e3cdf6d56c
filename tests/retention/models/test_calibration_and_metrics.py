"""Calibration keeps the order of customers; metrics against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from retention.models import metrics, weighted
from retention.models.calibration import Calibration, fit_calibration


@settings(max_examples=40, deadline=None)
@given(slope=st.floats(0.4, 4.0), shift=st.floats(-2.0, 2.0), seed=st.integers(0, 1000))
def test_calibration_is_strictly_monotone_and_repairs_the_level(slope: float, shift: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = expit(rng.normal(-0.5, 1.5, 3_000))
    actual = (rng.random(3_000) < truth).astype(float)
    distorted = (metrics.logit(truth) - shift) / slope
    calibration = fit_calibration(actual, distorted)
    repaired = calibration.probability(distorted)
    assert repaired.mean() == pytest.approx(actual.mean(), abs=0.01)
    # Strictly rising far out too, where probabilities of 1e-13 and 1e-14 must stay two.
    assert (np.diff(calibration.log_odds(np.linspace(-60, 60, 999))) > 0).all()
    # No two customers told apart before are tied afterwards.
    assert len(np.unique(repaired)) == len(np.unique(distorted))


def test_with_few_of_one_class_only_the_level_moves() -> None:
    actual = np.r_[np.ones(5), np.zeros(195)]
    calibration = fit_calibration(actual, np.zeros(200))
    assert (calibration.a, calibration.b) == (1.0, 1.0)
    assert calibration.probability(np.array([0.0]))[0] == pytest.approx(5 / 200, abs=1e-3)


def test_one_class_cannot_be_calibrated() -> None:
    with pytest.raises(ValueError, match="one of the two is missing"):
        fit_calibration(np.ones(10), np.zeros(10))


def test_the_identity_is_the_default() -> None:
    z = np.linspace(-30, 30, 9)
    np.testing.assert_allclose(Calibration().log_odds(z), z)
    np.testing.assert_allclose(Calibration().probability(z), expit(z))


ACTUAL = np.array([1.0, 0.0, 1.0, 0.0])
PREDICTED = np.array([0.9, 0.8, 0.3, 0.1])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("auc", 0.75, id="AUC: 3 of 4 pairs in order"),
        pytest.param("brier", (0.01 + 0.64 + 0.49 + 0.01) / 4, id="Brier"),
        pytest.param("mean_gap", 0.525 - 0.5, id="mean gap"),
        pytest.param("top_decile_lift", 2.0, id="lift: the top one churned, half of all did"),
        pytest.param("ece", (0.1 + 0.8 + 0.7 + 0.1) / 4, id="ECE: four bins of one"),
    ],
)
def test_churn_metrics_by_hand(name: str, value: float) -> None:
    assert metrics.CHURN_METRICS[name](ACTUAL, PREDICTED) == pytest.approx(value)


def test_ties_count_half_and_one_class_is_undefined() -> None:
    assert metrics.auc(ACTUAL, np.full(4, 0.5)) == 0.5
    assert np.isnan(metrics.auc(np.ones(3), np.array([0.1, 0.2, 0.3])))


def test_value_metrics_by_hand() -> None:
    actual, predicted = np.array([0.0, 10.0, 30.0]), np.array([5.0, 10.0, 20.0])
    assert metrics.mean_absolute_error(actual, predicted) == pytest.approx(5.0)
    assert metrics.total_bias(actual, predicted) == pytest.approx(-0.125)
    assert metrics.spearman(actual, predicted) == pytest.approx(1.0)
    assert metrics.normalised_gini(actual, predicted) == pytest.approx(1.0)
    assert metrics.normalised_gini(actual, -predicted) == pytest.approx(-1.0)


def test_slope_of_right_and_of_overconfident_probabilities() -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(0.05, 0.95, 20_000)
    actual = (rng.random(20_000) < p).astype(float)
    assert metrics.calibration_slope(actual, p) == pytest.approx(1.0, abs=0.05)
    assert metrics.calibration_slope(actual, expit(2 * metrics.logit(p))) == pytest.approx(0.5, abs=0.03)


def test_intervals_hold_the_value_and_repeat_by_seed() -> None:
    rng = np.random.default_rng(2)
    p = rng.uniform(0.05, 0.95, 500)
    actual = (rng.random(500) < p).astype(float)
    first = metrics.measure(metrics.CHURN_METRICS, actual, {"ours": p}, seed=5)
    assert first == metrics.measure(metrics.CHURN_METRICS, actual, {"ours": p}, seed=5)
    auc = first["ours"]["auc"]
    assert auc.lower < auc.value < auc.upper


def test_what_is_undefined_is_none_and_not_nan() -> None:
    measured = metrics.measure(metrics.CHURN_METRICS, np.ones(20), {"ours": np.linspace(0.1, 0.9, 20)}, seed=1)
    assert measured["ours"]["auc"].value is None


@pytest.mark.parametrize("name", sorted(weighted.WEIGHTED))
def test_a_weight_is_the_same_as_being_there_so_often(name: str) -> None:
    """What the bootstrap rests on: a resample is a column of counts."""
    rng = np.random.default_rng(11)
    p = np.round(rng.uniform(0.05, 0.95, 300), 2)  # with ties
    actual = (rng.random(300) < p).astype(float)
    if name in ("mae", "total_bias", "spearman", "interval_coverage"):
        actual = np.round(actual * rng.gamma(1.0, 2.0, 300), 1)
    draw = rng.integers(0, 300, 300)
    counts = np.bincount(draw, minlength=300).astype(float)
    by_weight = weighted.WEIGHTED[name](weighted.Compared(actual, p, p - 1, p + 1), np.vstack([counts, np.ones(300)]))
    drawn = weighted.Compared(actual[draw], p[draw], p[draw] - 1, p[draw] + 1)
    assert by_weight[0] == pytest.approx(weighted.WEIGHTED[name](drawn, np.ones((1, 300)))[0], rel=2e-4)
    order = rng.permutation(300)
    shuffled = weighted.Compared(actual[order], p[order], p[order] - 1, p[order] + 1)
    assert by_weight[1] == pytest.approx(weighted.WEIGHTED[name](shuffled, np.ones((1, 300)))[0], rel=1e-9)


def test_an_interval_is_measured_only_where_one_is_stated() -> None:
    actual = np.array([0.0, 10.0, 30.0, 5.0])
    ends = (actual - [1, 1, -2, 1], actual + 1)
    measured = metrics.measure(metrics.VALUE_METRICS, actual, {"ours": actual, "naive": actual}, 1, {"ours": ends})
    assert measured["ours"]["interval_coverage"].value == 0.75
    assert "interval_coverage" not in measured["naive"]
