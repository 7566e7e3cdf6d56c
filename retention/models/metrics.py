"""How good predictions were, with bootstrap intervals. Every function takes plain columns and is deterministic by seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import rankdata

Floats = NDArray[np.float64]
Metric = Callable[[Floats, Floats], float]

# Probabilities are kept this far from 0 and 1 before logarithms: far enough out that no two real ones become equal.
EPSILON = 1e-12
BINS = 10
BOOTSTRAP_ROUNDS = 200
# More customers than this are thinned for the intervals only, which makes them wider, never too narrow.
BOOTSTRAP_ROWS = 20_000


@dataclass(frozen=True)
class Measured:
    """One metric: its value on all rows and a 95 % bootstrap interval over customers (both None where undefined)."""

    value: float | None
    lower: float | None
    upper: float | None


def auc(actual: Floats, predicted: Floats) -> float:
    """Probability that a churned customer is ranked above one who stayed (ties count half); nan with one class only."""
    positive = actual > 0.5
    yes, no = int(positive.sum()), int((~positive).sum())
    if yes == 0 or no == 0:
        return float("nan")
    return float((rankdata(predicted)[positive].sum() - yes * (yes + 1) / 2) / (yes * no))


def brier(actual: Floats, predicted: Floats) -> float:
    """Mean squared error of the probabilities."""
    return float(np.mean((predicted - actual) ** 2))


def log_loss(actual: Floats, predicted: Floats) -> float:
    """Mean negative log-likelihood of the outcomes."""
    p = np.clip(predicted, EPSILON, 1 - EPSILON)
    return float(-np.mean(actual * np.log(p) + (1 - actual) * np.log1p(-p)))


def expected_calibration_error(actual: Floats, predicted: Floats) -> float:
    """Mean gap between predicted and actual share over ten bins of equal size."""
    order = np.argsort(predicted, kind="stable")
    bins = np.array_split(order, BINS)
    return float(sum(len(b) * abs(actual[b].mean() - predicted[b].mean()) for b in bins if len(b)) / len(actual))


def calibration_slope(actual: Floats, predicted: Floats) -> float:
    """Slope of the outcomes on the predicted log-odds: 1 is right, below 1 is overconfident."""
    if len(np.unique(actual)) < 2:
        return float("nan")
    z = logit(predicted)

    def loss(theta: Floats) -> tuple[float, Floats]:
        linear = theta[0] + theta[1] * z
        residual = expit(linear) - actual
        return float(np.mean(np.logaddexp(0, linear) - actual * linear)), np.array([residual.mean(), (residual * z).mean()])

    return float(minimize(loss, np.array([0.0, 1.0]), jac=True, method="BFGS").x[1])


def top_decile_lift(actual: Floats, predicted: Floats) -> float:
    """Churn rate in the tenth with the highest scores over the rate of all."""
    rate = actual.mean()
    chosen = np.argsort(-predicted, kind="stable")[: max(1, len(actual) // 10)]
    return float(actual[chosen].mean() / rate) if rate > 0 else float("nan")


def mean_gap(actual: Floats, predicted: Floats) -> float:
    """Predicted less actual mean."""
    return float(predicted.mean() - actual.mean())


def mean_absolute_error(actual: Floats, predicted: Floats) -> float:
    """Mean absolute error in the unit of the data."""
    return float(np.mean(np.abs(predicted - actual)))


def total_bias(actual: Floats, predicted: Floats) -> float:
    """Predicted over actual total, less one."""
    total = actual.sum()
    return float(predicted.sum() / total - 1) if total > 0 else float("nan")


def spearman(actual: Floats, predicted: Floats) -> float:
    """Rank correlation; nan where one side is constant."""
    a, p = rankdata(actual), rankdata(predicted)
    if np.ptp(a) == 0 or np.ptp(p) == 0:
        return float("nan")
    return float(np.corrcoef(a, p)[0, 1])


def top_decile_share(actual: Floats, predicted: Floats) -> float:
    """Share of all value that the tenth with the highest predictions turned out to bring."""
    chosen = np.argsort(-predicted, kind="stable")[: max(1, len(actual) // 10)]
    total = actual.sum()
    return float(actual[chosen].sum() / total) if total > 0 else float("nan")


def normalised_gini(actual: Floats, predicted: Floats) -> float:
    """Gini of the value ordered by prediction over the Gini ordered by itself: 1 is a perfect order, 0 chance."""

    def gini(order: NDArray[np.intp]) -> float:
        share = np.cumsum(actual[order]) / actual.sum()
        return float(share.mean() - (len(actual) + 1) / (2 * len(actual)))

    if actual.sum() <= 0:
        return float("nan")
    best = gini(np.argsort(-actual, kind="stable"))
    return gini(np.argsort(-predicted, kind="stable")) / best if best > 0 else float("nan")


CHURN_METRICS: Mapping[str, Metric] = {
    "auc": auc,
    "brier": brier,
    "log_loss": log_loss,
    "ece": expected_calibration_error,
    "calibration_slope": calibration_slope,
    "top_decile_lift": top_decile_lift,
    "mean_gap": mean_gap,
}
VALUE_METRICS: Mapping[str, Metric] = {
    "mae": mean_absolute_error,
    "total_bias": total_bias,
    "spearman": spearman,
    "top_decile_share": top_decile_share,
    "normalised_gini": normalised_gini,
}


def logit(probability: Floats) -> Floats:
    """Log-odds, finite for probabilities of 0 and 1 too."""
    p = np.clip(probability, EPSILON, 1 - EPSILON)
    return np.asarray(np.log(p) - np.log1p(-p))


def measure(
    metrics: Mapping[str, Metric], actual: Any, candidates: Mapping[str, Any], seed: int
) -> dict[str, dict[str, Measured]]:
    """Measure every candidate on the same rows, with intervals from the same resamples.

    Returns
    -------
    candidate -> metric -> value with interval.
    """
    truth = np.asarray(actual, dtype=np.float64)
    predictions = {name: np.asarray(values, dtype=np.float64) for name, values in candidates.items()}
    rng = np.random.default_rng(seed)
    rows = np.arange(len(truth))
    if len(rows) > BOOTSTRAP_ROWS:
        rows = np.sort(rng.choice(rows, BOOTSTRAP_ROWS, replace=False))
    resamples = [rows[rng.integers(0, len(rows), len(rows))] for _ in range(BOOTSTRAP_ROUNDS)]
    return {
        name: {key: _interval(metric, truth, values, resamples) for key, metric in metrics.items()}
        for name, values in predictions.items()
    }


def _interval(metric: Metric, truth: Floats, predicted: Floats, resamples: list[NDArray[np.intp]]) -> Measured:
    value = metric(truth, predicted)
    drawn = np.array([metric(truth[rows], predicted[rows]) for rows in resamples])
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or drawn.size == 0:
        return Measured(None, None, None)
    lower, upper = np.quantile(drawn, [0.025, 0.975])
    return Measured(float(value), float(lower), float(upper))
