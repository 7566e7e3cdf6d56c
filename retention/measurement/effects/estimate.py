"""The difference that a play made, adjusted for what was known about the customers before it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from retention.measurement.effects.moments import Moments
from retention.measurement.effects.sequential import always_valid_half_width, mixture_variance
from retention.measurement.effects.spread import Arm, Difference

FEWEST = 30
"""Below this many customers in either arm no interval is stated: the mean of few spends is far from normal."""
_PER_COVARIATE = 20
"""Customers that the smaller arm must have for each covariate; otherwise the adjustment costs more than it gives."""


@dataclass(frozen=True)
class Effect:
    """A difference of means per customer, in the unit of the outcome."""

    treated: int
    control: int
    treated_mean: float | None
    control_mean: float | None
    difference: float | None
    """Treated less control, adjusted for the covariates."""
    unadjusted: float | None
    """Treated less control as they are."""
    standard_error: float | None
    """If the true difference were the one measured."""
    lower_95: float | None
    """Interval for the one look that was planned."""
    upper_95: float | None
    lower_any_95: float | None
    """Interval that holds at every look together: the one to read daily."""
    upper_any_95: float | None
    detectable: float | None
    """Smallest true difference that would be seen in four of five such comparisons, at one planned look."""
    variance_left: float | None
    """Share of the variance that the covariates do not explain: 0.6 means that 40 % fewer customers are needed."""

    @property
    def verdict(self) -> str:
        """positive, negative (0 lies outside of the interval that may be looked at daily), no_effect_seen or too_few."""
        if self.lower_any_95 is None or self.upper_any_95 is None:
            return "too_few"
        if self.lower_any_95 > 0:
            return "positive"
        return "negative" if self.upper_any_95 < 0 else "no_effect_seen"


def estimate(
    treated: Moments,
    control: Moments,
    planned: int,
    alpha: float = 0.05,
    mixture: float | None = None,
    alpha_any: float | None = None,
    is_share: bool = False,
) -> Effect:
    """Return the effect of a play from the sums of its two arms.

    Each arm has its own regression on the covariates, and both are read at the mean of all customers, so that an uneven draw
    does not pass for an effect. The adjusted difference is never less precise than the plain one in large samples.

    Parameters
    ----------
    treated, control : Moments
        Outcome first, then covariates measured before the draw.
    planned : int
        Customers of both arms at the planned decision, fixed before the first look; the daily interval is narrowest there.
    alpha : float
        Chance of an interval to miss the truth.
    mixture : float, optional
        Variance of the mixture of the daily interval, where the plan is not one of customers.
    alpha_any : float, optional
        Chance that the daily interval is reckoned with, where it differs.
    is_share : bool
        Whether the outcome is 0 or 1 rather than an amount: its variance then follows from its mean.

    Returns
    -------
    The effect; its intervals are None below 30 customers in either arm or without any variance.

    Notes
    -----
    Source: W. Lin, "Agnostic notes on regression adjustments to experimental data" (2013); known in practice as CUPED, after
    A. Deng et al., "Improving the sensitivity of online controlled experiments" (2013).
    """
    if not treated.count or not control.count:
        means = (float(treated.mean[0]) if treated.count else None, float(control.mean[0]) if control.count else None)
        return Effect(treated.count, control.count, *means, *(None,) * 9)
    plain = float(treated.mean[0] - control.mean[0])
    used = _usable(treated, control)
    found = _adjusted(treated.only(used), control.only(used), is_share)
    variance = found.variance_if(found.value)
    known = (treated.count, control.count, float(treated.mean[0]), float(control.mean[0]), found.value, plain)
    if min(treated.count, control.count) < FEWEST or not variance > 0:
        return Effect(*known, *(None,) * 7)
    quantile = float(stats.t.ppf(1 - alpha / 2, _degrees(treated.only(used), control.only(used))))
    alpha_any = alpha if alpha_any is None else alpha_any
    if mixture is None:
        mixture = mixture_variance(variance * (treated.count + control.count) / planned, alpha_any)
    one_look = found.interval(lambda at: quantile * math.sqrt(at))
    any_look = found.interval(lambda at: always_valid_half_width(at, mixture, alpha_any))
    raw_variance = _adjusted(treated.only([0]), control.only([0]), is_share).variance_if(plain)
    return Effect(
        *known,
        math.sqrt(variance),
        *one_look,
        *any_look,
        detectable=(quantile + float(stats.norm.ppf(0.8))) * math.sqrt(variance),
        variance_left=variance / raw_variance if raw_variance > 0 else None,
    )


def _usable(treated: Moments, control: Moments) -> list[int]:
    """Return the outcome and the covariates that vary in both arms, as many as the smaller arm can bear."""
    varying = [
        column
        for column in range(1, len(treated.mean))
        if treated.scatter[column, column] > 0 and control.scatter[column, column] > 0
    ]
    bearable = max(0, min(treated.count, control.count) // _PER_COVARIATE)
    return [0, *varying[:bearable]]


def _adjusted(treated: Moments, control: Moments, is_share: bool) -> Difference:
    """Return the difference at the common mean of the covariates."""
    everybody = treated + control
    slopes = [_slopes(arm) for arm in (treated, control)]
    treated_arm, control_arm = (
        Arm(
            count=arm.count,
            mean=float(arm.mean[0] + slope @ (everybody.mean[1:] - arm.mean[1:])),
            left=max(float(arm.scatter[0, 0] - slope @ arm.scatter[1:, 0]), 0.0),
            degrees=max(arm.count - 1 - len(slope), 1),
        )
        for arm, slope in zip((treated, control), slopes, strict=True)
    )
    # The common mean is itself a sample's: it matters where the play works differently for different customers.
    unlike = slopes[0] - slopes[1]
    spread = everybody.scatter[1:, 1:] / max(everybody.count - 1, 1)
    common = float(unlike @ spread @ unlike) / everybody.count
    return Difference(treated_arm, control_arm, common, is_share)


def _slopes(arm: Moments) -> NDArray[np.float64]:
    """Return the regression of the outcome on the covariates; of those that say the same, the shortest solution."""
    scale = np.sqrt(np.diag(arm.scatter)[1:])
    if not len(scale):
        return np.zeros(0)
    among = arm.scatter[1:, 1:] / np.outer(scale, scale)
    solved: NDArray[np.float64] = np.linalg.lstsq(among, arm.scatter[1:, 0] / scale, rcond=1e-9)[0] / scale
    return solved


def _degrees(treated: Moments, control: Moments) -> float:
    """Return the degrees of freedom of the difference of two means of unlike variance, after Welch and Satterthwaite."""
    parts = [arm.scatter[0, 0] / max(arm.count - 1, 1) / arm.count for arm in (treated, control)]
    below = sum(part**2 / max(arm.count - 1, 1) for part, arm in zip(parts, (treated, control), strict=True))
    return float(sum(parts) ** 2 / below) if below > 0 else float(treated.count + control.count - 2)
