"""What falls short of the aims is said in words: by hand on small figures."""

from __future__ import annotations

from retention.evaluate.accuracy.aims import shortfalls
from retention.models.report import Measured


def told(value: float, half: float = 0.01) -> Measured:
    return Measured(value, value - half, value + half)


CHURN = {
    "model": {"auc": told(0.80), "brier": told(0.15), "ece": told(0.025), "mean_gap": told(0.02)},
    "recency_only": {"auc": told(0.803), "brier": told(0.16), "ece": told(0.01), "mean_gap": told(0.0)},
}
VALUE = {
    "model": {"mae": told(3000, 100), "total_bias": told(-0.10)},
    "past_spend": {"mae": told(5000), "total_bias": told(0.08)},
}


def test_within_a_standard_error_nothing_falls_short() -> None:
    # Intervals of 0.02 are standard errors of 0.0051: 0.803 is no better than 0.800, and few customers tell no calibration.
    assert shortfalls(2_000, CHURN, {"model": {}}, {}, {}) == []


def test_missed_aims_and_better_alternatives_are_named_in_their_units() -> None:
    found = shortfalls(20_000, CHURN, VALUE, {"logistic": {"auc": 0.81}}, {"reference": {"mae": 29.0}})
    assert found == [
        "calibration error 0.025 (aim: 0.02 from 20,000 customers on)",
        "auc 0.800, logistic 0.810",
        "mae 30.000, reference 29.000",
        "total bias -0.100, past spend 0.080",
    ]
    far = {"model": {**CHURN["model"], "mean_gap": told(-0.034)}}
    assert shortfalls(2_000, far, {"model": {}}, {}, {}) == [
        "mean predicted churn -3.4 points from what happened (aim: within 3)"
    ]
