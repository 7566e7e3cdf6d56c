"""How good predictions were, with bootstrap intervals. Every function takes plain columns and is deterministic by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retention.models.report.data import Measured
from retention.models.weighted import EPSILON, WEIGHTED, Compared, Floats, Weighted, logit

BOOTSTRAP_ROUNDS = 200
# More customers than this are thinned for the intervals only, which makes them wider, never too narrow.
BOOTSTRAP_ROWS = 20_000
# Weightings worked on at once: 25 times 20,000 numbers stay in a few megabytes.
CHUNK = 25

__all__ = ["CHURN_METRICS", "EPSILON", "VALUE_METRICS", "Measured", "logit", "mean_of", "measure"]


def auc(actual: Any, predicted: Any) -> float:
    """Probability that a churned customer is ranked above one who stayed (ties count half); nan with one class only."""
    return _one("auc", actual, predicted)


def brier(actual: Any, predicted: Any) -> float:
    """Mean squared error of the probabilities."""
    return _one("brier", actual, predicted)


def log_loss(actual: Any, predicted: Any) -> float:
    """Mean negative log-likelihood of the outcomes."""
    return _one("log_loss", actual, predicted)


def expected_calibration_error(actual: Any, predicted: Any) -> float:
    """Mean gap between predicted and actual share over ten bins of equal size."""
    return _one("ece", actual, predicted)


def calibration_slope(actual: Any, predicted: Any) -> float:
    """Slope of the outcomes on the predicted log-odds: 1 is right, below 1 is overconfident; nan with one class only."""
    return _one("calibration_slope", actual, predicted)


def top_decile_lift(actual: Any, predicted: Any) -> float:
    """Mean outcome in the tenth with the highest predictions over the mean of all."""
    return _one("top_decile_lift", actual, predicted)


def mean_gap(actual: Any, predicted: Any) -> float:
    """Predicted less actual mean."""
    return _one("mean_gap", actual, predicted)


def mean_absolute_error(actual: Any, predicted: Any) -> float:
    """Mean absolute error in the unit of the data."""
    return _one("mae", actual, predicted)


def total_bias(actual: Any, predicted: Any) -> float:
    """Predicted over actual total, less one."""
    return _one("total_bias", actual, predicted)


def spearman(actual: Any, predicted: Any) -> float:
    """Rank correlation; nan where one side is constant."""
    return _one("spearman", actual, predicted)


def top_decile_share(actual: Any, predicted: Any) -> float:
    """Share of all value that the tenth with the highest predictions turned out to bring."""
    return _one("top_decile_share", actual, predicted)


def normalised_gini(actual: Any, predicted: Any) -> float:
    """Gini of the outcomes ordered by prediction over the Gini ordered by themselves: 1 is a perfect order, 0 chance."""
    return _one("normalised_gini", actual, predicted)


def interval_coverage(actual: Any, lower: Any, upper: Any) -> float:
    """Share of outcomes inside their stated interval."""
    given = Compared(actual, lower, lower, upper)
    return float(WEIGHTED["interval_coverage"](given, np.ones((1, len(given))))[0])


Metric = Callable[[Any, Any], float]

CHURN_METRICS: Mapping[str, Metric] = {
    "auc": auc,
    "brier": brier,
    "log_loss": log_loss,
    "ece": expected_calibration_error,
    "calibration_slope": calibration_slope,
    "top_decile_lift": top_decile_lift,
    "mean_gap": mean_gap,
    "normalised_gini": normalised_gini,
}
VALUE_METRICS: Mapping[str, Metric] = {
    "mae": mean_absolute_error,
    "total_bias": total_bias,
    "spearman": spearman,
    "top_decile_share": top_decile_share,
    "top_decile_lift": top_decile_lift,
    "normalised_gini": normalised_gini,
}


def measure(
    metrics: Iterable[str],
    actual: Any,
    candidates: Mapping[str, Any],
    seed: int,
    intervals: Mapping[str, tuple[Any, Any]] | None = None,
) -> dict[str, dict[str, Measured]]:
    """Measure every candidate on the same customers, with intervals from the same resamples.

    Parameters
    ----------
    metrics : names out of `WEIGHTED`, such as `CHURN_METRICS` or `VALUE_METRICS`.
    candidates : name -> predictions in the order of `actual`.
    intervals : name -> lower and upper end of each customer's stated interval, for candidates that state one.

    Returns
    -------
    candidate -> metric -> value with interval; None where undefined. Candidates with an interval of their own get
    `interval_coverage` too.
    """
    truth = np.asarray(actual, dtype=np.float64)
    weights, rows = _resamples(len(truth), seed)
    measured = {}
    for name, values in candidates.items():
        ends = (intervals or {}).get(name)
        given = Compared(truth, values, *(ends or (None, None)))
        wanted = [*metrics, "interval_coverage"] if ends else list(metrics)
        drawn = given.take(rows) if len(rows) < len(given) else given
        resampled: dict[str, list[Floats]] = {key: [] for key in wanted}
        # One lot of weightings after the other: what the metrics of a lot have in common is worked out once.
        for start in range(0, len(weights), CHUNK):
            lot = weights[start : start + CHUNK]
            for key in wanted:
                resampled[key].append(WEIGHTED[key](drawn, lot) if len(drawn) else np.empty(0))
        measured[name] = {key: _measured(WEIGHTED[key], given, np.concatenate(resampled[key])) for key in wanted}
    return measured


def mean_of(values: Floats, weights: Floats, seed: int) -> Measured:
    """Weighted mean over customers, with its bootstrap interval; None where there is nobody."""
    if not len(values):
        return Measured(None, None, None)
    times, rows = _resamples(len(values), seed)
    drawn = (times @ (values * weights)[rows]) / (times @ weights[rows])
    lower, upper = np.quantile(drawn, [0.025, 0.975])
    return Measured(float(np.average(values, weights=weights)), float(lower), float(upper))


def _resamples(size: int, seed: int) -> tuple[Floats, NDArray[np.intp]]:
    """Weights of each resample over the customers drawn from: how often each is in it."""
    rng = np.random.default_rng(seed)
    rows = np.arange(size)
    if size > BOOTSTRAP_ROWS:
        rows = np.sort(rng.choice(rows, BOOTSTRAP_ROWS, replace=False))
    draws = (rng.integers(0, max(1, len(rows)), len(rows)) for _ in range(BOOTSTRAP_ROUNDS))
    counts = [np.bincount(draw, minlength=len(rows)) for draw in draws]
    return np.asarray(counts, dtype=np.float64), rows


def _one(metric: str, actual: Any, predicted: Any) -> float:
    given = Compared(actual, predicted)
    return float(WEIGHTED[metric](given, np.ones((1, len(given))))[0]) if len(given) else float("nan")


def _measured(metric: Weighted, given: Compared, drawn: Floats) -> Measured:
    if not len(given):
        return Measured(None, None, None)
    value = float(metric(given, np.ones((1, len(given))))[0])
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or drawn.size == 0:
        return Measured(None, None, None)
    lower, upper = np.quantile(drawn, [0.025, 0.975])
    return Measured(value, float(lower), float(upper))
