"""How uncertain a difference is, given how large it would truly be.

A play that makes customers spend more makes them spend more unevenly too. Two arms of unlike spread cannot simply lend each
other their variance: the interval of a play that lifts spend by a third would be too wide, that of one that costs a third too
narrow. So an arm borrows the spread that the other would have at its own mean, and that depends on the difference supposed.

Sources: O. S. Miettinen, M. Nurminen, "Comparative analysis of two rates" (1985), who turn the test of each supposed difference
into the interval; M. C. K. Tweedie, "An index which distinguishes between some important exponential families" (1984), for
variance as a power of the mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq

_BORROWED = 30
"""Customers that the spread of both arms together counts for in each arm, for each unit of the squared coefficient of
variation. A small control group of skewed spends that missed the great spenders has a low mean and a low variance at once, and
an interval from its own variance alone misses too often; where spends are even, an arm's own variance is good enough."""
_MOST_UNEVEN = 4.0
"""Largest squared coefficient of variation that counts: what it is beyond that, few customers cannot say."""
_POWER = 1.75
"""Power of the mean with which the variance of amounts grows: 1 where a play brings more buyers, 2 where buyers spend more.
Chosen between the two so that intervals miss neither kind of play more often than the other (docs/effects.md)."""
_LARGEST_RATIO = 4.0
"""Largest ratio of variances supposed between the arms; beyond it the means are too uncertain to say anything of the spread."""


@dataclass(frozen=True)
class Arm:
    """One arm after its adjustment."""

    count: int
    mean: float
    left: float
    """Sum of squares that the covariates leave."""
    degrees: int

    @property
    def variance(self) -> float:
        """Variance of the outcome that the covariates leave."""
        return self.left / self.degrees


@dataclass(frozen=True)
class Difference:
    """Treated less control, with the variance that it has if the true difference were a given one."""

    treated: Arm
    control: Arm
    common: float
    """Variance from the common mean of the covariates being itself a sample's."""
    is_share: bool
    """Whether the outcome is 0 or 1, whose variance follows from its mean."""

    @property
    def value(self) -> float:
        """The difference itself."""
        return self.treated.mean - self.control.mean

    def variance_if(self, true_difference: float) -> float:
        """Return the variance of the difference if the true one were ``true_difference``."""
        return self._variance(self._ratio(true_difference))

    def interval(self, half_width: Callable[[float], float]) -> tuple[float, float]:
        """Return the differences that the data do not contradict.

        Parameters
        ----------
        half_width : callable
            Variance to the distance between true and measured difference at which the data contradict it.
        """
        widest = max(half_width(self._variance(ratio)) for ratio in (1 / _LARGEST_RATIO, _LARGEST_RATIO))
        if widest <= 0:
            return self.value, self.value

        def edge(side: int) -> float:
            found: float = brentq(
                lambda at: side * (at - self.value) - half_width(self.variance_if(at)), *far(side), rtol=1e-10
            )
            return found

        def far(side: int) -> tuple[float, float]:
            return self.value, self.value + side * widest * (1 + 1e-9)

        return edge(-1), edge(1)

    def _variance(self, ratio: float) -> float:
        """Return the variance where that of the treated is ``ratio`` times that of the control."""
        control_like = (self.treated.left / ratio + self.control.left) / (self.treated.degrees + self.control.degrees)
        borrowed = _BORROWED * self._unevenness(control_like)
        variance = self.common
        for arm, shared in ((self.treated, control_like * ratio), (self.control, control_like)):
            own = arm.count / (arm.count + borrowed)
            variance += (own * arm.variance + (1 - own) * shared) / arm.count
        return variance

    def _unevenness(self, variance: float) -> float:
        """Return the squared coefficient of variation of the control, at most ``_MOST_UNEVEN``."""
        level = abs(self.control.mean)
        return min(variance / level**2, _MOST_UNEVEN) if level > 0 else _MOST_UNEVEN

    def _ratio(self, true_difference: float) -> float:
        """Return how many times the variance of the control the treated have, at a supposed difference."""
        everybody = self.treated.count + self.control.count
        # Both arms say where the control lies, the treated less what they are supposed to have gained.
        level = (
            self.treated.count * (self.treated.mean - true_difference) + self.control.count * self.control.mean
        ) / everybody
        ratio = self._spread_at(level + true_difference) / self._spread_at(level)
        return min(max(ratio, 1 / _LARGEST_RATIO), _LARGEST_RATIO)

    def _spread_at(self, mean: float) -> float:
        if self.is_share:
            share = min(max(mean, 1e-6), 1 - 1e-6)
            return share * (1 - share)
        return math.pow(max(mean, 1e-9), _POWER)
