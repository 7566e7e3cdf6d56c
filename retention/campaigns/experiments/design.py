"""Before a play starts: what its control group will be able to show, and after how many days.

Two means are compared, with the normal quantile. With share ``h`` of ``n`` customers held back, standard deviation ``s`` of the
outcome and ``r`` the share of its variance that what was known before does not explain (covariate adjustment), the smallest
difference that is seen with probability ``power`` at two-sided level ``alpha`` is

    (z(1 - alpha/2) + z(power)) * s * sqrt(r / (n h (1 - h)))

Source: List, Sadoff & Wagner (2011), "So you want to run an experiment, now what?"; Deng et al. (2013) for the adjustment.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

ALPHA = 0.05
"""Two-sided: one play in twenty that does nothing seems to do something."""
POWER = 0.8
"""Four true differences of that size in five are seen."""


@dataclass(frozen=True)
class Design:
    """What a comparison can show."""

    customers_at_start: int
    customers_per_day: float
    share: float
    deviation_minor: float
    """Standard deviation of the outcome of one customer, minor units."""
    detectable_at_start_minor: float | None
    """Smallest difference per customer that those of the first day show once their outcome is known; None without any."""
    expected_minor: float | None
    """Effect that the play states, in the outcome's unit; None where it states none."""
    needed_customers: int | None
    """Customers of both groups that show the expected effect; None where none is expected."""
    days_to_decision: int | None
    """Days from the start until so many came and their outcome is known; None where that will never be."""


def detectable_difference(customers: float, share: float, deviation: float, variance_left: float = 1.0) -> float | None:
    """Return the smallest difference of means that is seen with probability :data:`POWER`; None where there is no comparison.

    Parameters
    ----------
    customers : float
        Of both groups.
    share : float
        Share held back.
    deviation : float
        Standard deviation of the outcome of one customer.
    variance_left : float
        Share of the variance that what was known before does not explain.
    """
    if customers <= 0 or not 0 < share < 1:
        return None
    return _quantiles() * deviation * math.sqrt(variance_left / (customers * share * (1 - share)))


def needed_customers(effect: float, share: float, deviation: float, variance_left: float = 1.0) -> int | None:
    """Return how many customers of both groups show an effect with probability :data:`POWER`; None where no number does.

    Parameters
    ----------
    effect : float
        Difference of means, in the unit of the outcome.
    share, deviation, variance_left : float
        As for :func:`detectable_difference`.
    """
    if effect == 0 or not 0 < share < 1:
        return None
    return max(2, math.ceil((_quantiles() * deviation / effect) ** 2 * variance_left / (share * (1 - share))))


def design(
    customers_at_start: int,
    customers_per_day: float,
    share: float,
    deviation_minor: float,
    expected_minor: float | None,
    outcome_days: int,
    variance_left: float = 1.0,
) -> Design:
    """Return what a play's control group will be able to show, and when.

    Parameters
    ----------
    customers_at_start : int
        Customers who would be contacted or held back on the first day.
    customers_per_day : float
        Customers who come on each later day.
    share : float
        Share held back.
    deviation_minor : float
        Standard deviation of the outcome of one customer over the outcome window, minor units.
    expected_minor : float, optional
        Effect the play states, in the same unit.
    outcome_days : int
        Days until a customer's outcome is known.
    variance_left : float
        Share of the variance that what was known before does not explain.
    """
    needed = None if not expected_minor else needed_customers(expected_minor, share, deviation_minor, variance_left)
    days = None
    if needed is not None:
        missing = max(0, needed - customers_at_start)
        if missing == 0:
            days = outcome_days
        elif customers_per_day > 0:
            days = math.ceil(missing / customers_per_day) + outcome_days
    return Design(
        customers_at_start=customers_at_start,
        customers_per_day=customers_per_day,
        share=share,
        deviation_minor=deviation_minor,
        detectable_at_start_minor=detectable_difference(customers_at_start, share, deviation_minor, variance_left),
        expected_minor=expected_minor,
        needed_customers=needed,
        days_to_decision=days,
    )


def _quantiles() -> float:
    return NormalDist().inv_cdf(1 - ALPHA / 2) + NormalDist().inv_cdf(POWER)
