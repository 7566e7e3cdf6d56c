"""Calibration of probabilities: strictly monotone, so that it never changes an order or makes plateaus.

Beta calibration (Kull, Silva Filho & Flach, 2017): log-odds = a ln p - b ln(1 - p) + c with a and b positive. It holds
the logistic ("Platt") map as a = b, needs three numbers, and can also correct an S-shaped distortion. Isotonic
regression would merge neighbouring scores into steps, and its steps are noise on a few hundred customers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from retention.models.metrics import EPSILON

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

    def apply(self, probability: Floats) -> Floats:
        """Calibrated probabilities, in the order of the raw ones."""
        p = np.clip(np.asarray(probability, dtype=np.float64), EPSILON, 1 - EPSILON)
        return np.asarray(expit(self.a * np.log(p) - self.b * np.log1p(-p) + self.c))


def fit_calibration(actual: Floats, predicted: Floats) -> Calibration:
    """Fit on predictions for customers that the model has not learned from.

    Raises
    ------
    ValueError when only one class is there: a level cannot be learned from that.
    """
    rarer = int(min(actual.sum(), (1 - actual).sum()))
    if rarer == 0:
        raise ValueError("calibration needs churned and retained customers; one of the two is missing")
    p = np.clip(predicted, EPSILON, 1 - EPSILON)
    inputs = np.column_stack([np.log(p), -np.log1p(-p), np.ones_like(p)])
    shape_free = rarer >= SHAPE_FROM

    def loss(theta: Floats) -> tuple[float, Floats]:
        linear = inputs @ theta
        pull = np.array([theta[0] - 1, theta[1] - 1, 0.0])
        value = np.sum(np.logaddexp(0, linear) - actual * linear) + PRIOR_ROWS / 2 * pull @ pull
        gradient = inputs.T @ (expit(linear) - actual) + PRIOR_ROWS * pull
        return float(value) / len(p), gradient / len(p)

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
