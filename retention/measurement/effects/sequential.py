"""Intervals that stay valid however often they are looked at.

An interval for one planned look promises 95 % at that look; who looks every day and stops when 0 falls out is wrong far more
often than one time in twenty. The normal mixture of Robbins gives an interval that holds at all looks together.

Source: H. Robbins, "Statistical methods related to the law of the iterated logarithm" (1970); for means of any distribution,
I. Waudby-Smith et al., "Time-uniform central limit theory and asymptotic confidence sequences" (2024).
"""

from __future__ import annotations

import math

from scipy.special import lambertw


def mixture_variance(planned_variance: float, alpha: float = 0.05) -> float:
    """Return the variance of the mixture that makes the interval narrowest at a planned precision.

    Parameters
    ----------
    planned_variance : float
        Variance of the estimated difference when the planned number of customers is in; fixed before the first look.
    alpha : float
        Chance of ever being wrong.
    """
    factor = -float(lambertw(-(alpha**2) / math.e, k=-1).real) - 1
    return planned_variance * factor


def always_valid_half_width(variance: float, mixture: float, alpha: float = 0.05) -> float:
    """Return half the width of the interval at one of any number of looks.

    Parameters
    ----------
    variance : float
        Variance of the estimated difference now.
    mixture : float
        Variance of the mixture, the same at every look (:func:`mixture_variance`).
    alpha : float
        Chance that any of the intervals of all looks misses the truth.
    """
    if variance <= 0:
        return 0.0
    spread = (variance + mixture) / variance
    return math.sqrt(2 * variance * (variance + mixture) / mixture * (math.log(1 / alpha) + 0.5 * math.log(spread)))
