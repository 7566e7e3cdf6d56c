"""Calibration of probabilities: strictly monotone, so that it never changes an order or makes plateaus.

Beta calibration (Kull, Silva Filho & Flach, 2017): log-odds = a ln p - b ln(1 - p) + c with a and b positive. It holds
the logistic ("Platt") map as a = b, needs three numbers, and can also correct an S-shaped distortion. Isotonic
regression would merge neighbouring scores into steps, and its steps are noise on a few hundred customers.

The map reads log-odds, not probabilities: two scores of 1e-13 and 1e-14 stay two scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Floats = NDArray[np.float64]

# The slopes stay above this, so that the map is strictly increasing whatever the data say.
LOWEST_SLOPE = 0.05
# Below this many of the rarer class the shape is not identifiable and only the level is moved.
SHAPE_FROM = 50
# Pulls the slopes towards 1 with the weight of about ten rows.
PRIOR_ROWS = 10.0


@dataclass(frozen=True)
class Calibration:
    """A fitted map; the identity is a = b = 1, c = 0."""

    a: float = 1.0
    b: float = 1.0
    c: float = 0.0

    def log_odds(self, raw: Floats) -> Floats:
        """Calibrated log-odds from raw ones."""
        z = np.asarray(raw, dtype=np.float64)
        return np.asarray(self.b * np.logaddexp(0.0, z) - self.a * np.logaddexp(0.0, -z) + self.c)

    def probability(self, raw: Floats) -> Floats:
        """Calibrated probabilities from raw log-odds, in their order."""
        return np.asarray(expit(self.log_odds(raw)))

    def moved(self, shift: float) -> Calibration:
        """The same map with its level moved by `shift` log-odds."""
        return Calibration(self.a, self.b, self.c + shift)


def fit_calibration(actual: Floats, raw: Floats, weights: Floats | None = None) -> Calibration:
    """Fit on predictions for customers that the model has not learned from.

    Parameters
    ----------
    actual : 1.0 or 0.0.
    raw : log-odds before calibration.
    weights : weight of each row, default one; only their proportions matter.

    Raises
    ------
    ValueError when only one class is there: a level cannot be learned from that.
    """
    rarer = int(min(actual.sum(), (1 - actual).sum()))
    if rarer == 0:
        raise ValueError("calibration needs churned and retained customers; one of the two is missing")
    weight = np.ones(len(actual)) if weights is None else weights * (len(actual) / weights.sum())
    inputs = np.column_stack([-np.logaddexp(0.0, -raw), np.logaddexp(0.0, raw), np.ones_like(raw)])
    shape_free = rarer >= SHAPE_FROM

    def loss(theta: Floats) -> tuple[float, Floats]:
        linear = inputs @ theta
        pull = np.array([theta[0] - 1, theta[1] - 1, 0.0])
        value = np.sum(weight * (np.logaddexp(0, linear) - actual * linear)) + PRIOR_ROWS / 2 * pull @ pull
        gradient = inputs.T @ (weight * (expit(linear) - actual)) + PRIOR_ROWS * pull
        return float(value) / len(raw), gradient / len(raw)

    slope = (LOWEST_SLOPE, 20.0) if shape_free else (1.0, 1.0)
    result = minimize(
        loss,
        np.array([1.0, 1.0, 0.0]),
        jac=True,
        method="L-BFGS-B",
        bounds=[slope, slope, (-20.0, 20.0)],
        options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 500},
    )
    a, b, c = (float(value) for value in result.x)
    return Calibration(a, b, c)


def level_shift(actual: Floats, calibrated: Floats) -> tuple[float, float]:
    """Log-odds that bring the mean prediction to the actual share, and their variance by chance.

    Parameters
    ----------
    calibrated : log-odds.

    Returns
    -------
    Zero with infinite variance when only one class is there.
    """
    if not 0 < actual.sum() < len(actual):
        return 0.0, float("inf")
    shift, information = 0.0, 0.0
    for _ in range(50):
        p = expit(calibrated + shift)
        information = float((p * (1 - p)).sum())
        step = float(np.clip((actual - p).sum() / max(information, 1e-12), -1.0, 1.0))
        shift += step
        if abs(step) < 1e-10:
            break
    return shift, 1 / max(information, 1e-12)
