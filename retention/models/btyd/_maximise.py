"""Maximum likelihood in the logarithms of positive parameters, with runaway fits detected and replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from retention.models.btyd._histories import Floats

# log-likelihood and its gradient by the natural parameters
Likelihood = Callable[[Floats], tuple[float, Floats]]
# the same with the matrix of second derivatives
Curvature = Callable[[Floats], tuple[float, Floats, Floats]]

# Logarithms of parameters are kept inside +-LOG_LIMIT (times are scaled to a mean of one before, so a sensible
# parameter lies well within). A fit that ends at the limit has run away: the data do not identify the parameter.
LOG_LIMIT = 9.0
AT_LIMIT = 0.02
# The fallback adds log-normal priors with this standard deviation of the logarithm: 95 % between 1/50 and 50. They
# hold a direction in which the likelihood is flat and weigh nothing (half a log-likelihood unit) against real data.
PRIOR_SD = 2.0
FLAT = 1e-7
# Newton's method ends when a further step would gain less than this many log-likelihood units, or after so many steps.
NEWTON_GAIN = 1e-9
NEWTON_STEPS = 60
# In one step no parameter may change by more than this factor (its logarithm).
LONGEST_STEP = 1.0


@dataclass(frozen=True)
class FitReport:
    """How a fit went.

    Attributes
    ----------
    converged : the optimiser met its tolerance.
    runaway : at least one parameter ran to its limit; `params_` come from the fallback.
    fallback : name of the fallback used, or None.
    message : plain words for the report, empty when all is well.
    customers, histories : weight in the data, and distinct rows.
    evaluations : passes over the data.
    """

    converged: bool
    runaway: bool
    fallback: str | None
    message: str
    customers: float
    histories: int
    evaluations: int


@dataclass(frozen=True)
class Maximum:
    """The best parameters, their log-likelihood (without any prior), and the covariance of their logarithms."""

    params: Floats
    log_likelihood: float
    log_covariance: Floats
    report: FitReport


def maximise(
    likelihood: Likelihood,
    starts: Sequence[Sequence[float]],
    names: Sequence[str],
    customers: float,
    histories: int,
    *,
    rough: Likelihood | None = None,
    curvature: Curvature | None = None,
    rough_curvature: Curvature | None = None,
) -> Maximum:
    """Find the maximum of a likelihood over positive parameters.

    `rough` is a cheaper likelihood of the same parameters (a subsample of the histories). It picks the start, so
    that only a few passes over all data remain. With `curvature` these are Newton steps: three or four from a good start.

    A parameter at its limit means that the data do not identify it (customers who never leave make BG/NBD's drop-out
    run to a = 0, b = infinity). Such a fit is repeated with weak log-normal priors, and the report says so.
    """
    if curvature:
        exact = _newton_from(starts, rough_curvature or curvature, curvature)
        if exact is not None:
            # Second derivatives at the maximum are the observed information: nothing is left to be computed.
            report = FitReport(True, False, None, "", customers, histories, exact.steps)
            return Maximum(np.exp(exact.x), exact.value, _inverse(-exact.hessian), report)
    # The optimiser multiplies vectors of four numbers by BLAS, whose threads cost a hundred times what they save.
    with threadpool_limits(1, user_api="blas"):
        return _search(likelihood, starts, names, customers, histories, rough)


def _search(
    likelihood: Likelihood,
    starts: Sequence[Sequence[float]],
    names: Sequence[str],
    customers: float,
    histories: int,
    rough: Likelihood | None,
) -> Maximum:
    """The way that knows limits: a quasi-Newton method within bounds, with priors where it ends at one."""
    found = [_minimise(rough or likelihood, np.log(start), prior=False) for start in starts]
    evaluations = 0 if rough else sum(one.nfev for one in found)
    best = min(found, key=lambda one: one.fun)
    if rough:
        best = _minimise(likelihood, best.x, prior=False)
        evaluations = best.nfev
    ran = [name for name, value in zip(names, best.x, strict=True) if abs(value) > LOG_LIMIT - AT_LIMIT]
    report = FitReport(bool(best.success), False, None, "", customers, histories, evaluations)
    if ran or not np.isfinite(best.fun):
        best = min((_minimise(likelihood, np.log(start), prior=True) for start in starts), key=lambda one: one.fun)
        report = replace(
            report,
            converged=bool(best.success),
            runaway=True,
            fallback="log-normal priors",
            message=(
                f"{', '.join(ran) or 'the likelihood'} ran to the limit: the {customers:.0f} customers do not identify it. "
                f"Fitted again with log-normal priors (sd {PRIOR_SD:g} of the logarithm)."
            ),
        )
    params = np.exp(best.x)
    value, _ = likelihood(params)
    return Maximum(params, value, _log_covariance(likelihood, best.x, prior=report.runaway), report)


@dataclass(frozen=True)
class _Newton:
    """Where Newton's method ended: logarithms of the parameters, log-likelihood, its second derivatives by these, steps."""

    x: Floats
    value: float
    hessian: Floats
    steps: int


def _newton_from(starts: Sequence[Sequence[float]], rough: Curvature, curvature: Curvature) -> _Newton | None:
    """The best maximum that Newton's method reaches; None unless it reaches one from every start.

    A start from which it runs to a limit may be on the way to a likelihood without a maximum: that is for the slower
    method to judge, which knows limits.
    """
    ends = []
    for start in starts:
        end = _newton(rough, np.log(start))
        if end is None:
            return None
        ends.append(end)
    best = max(ends, key=lambda end: end.value)
    return best if rough is curvature else _newton(curvature, best.x)


def _newton(curvature: Curvature, start: Floats) -> _Newton | None:
    """Newton's method in the logarithms with halved steps; None where it does not end at a maximum inside the limits.

    Where the likelihood is not concave the curvature counts by its size, so that every step leads upwards.
    """
    x = np.asarray(start, dtype=np.float64)
    value, slope, hessian = _in_logs(curvature, x)
    for steps in range(1, NEWTON_STEPS + 1):
        if not (np.isfinite(value) and np.isfinite(hessian).all()):
            return None
        bends, directions = np.linalg.eigh(hessian)
        size = np.maximum(np.abs(bends), FLAT * np.abs(bends).max())
        step = directions @ ((directions.T @ slope) / size)
        step = step * min(1.0, LONGEST_STEP / np.abs(step).max(initial=1e-300))
        if float(slope @ step) / 2 < NEWTON_GAIN and bends[-1] < 0:
            return _Newton(x, value, hessian, steps)
        for _ in range(12):
            if np.abs(x + step).max() > LOG_LIMIT - AT_LIMIT:
                return None
            trial, trial_slope, trial_hessian = _in_logs(curvature, x + step)
            # Rounding in a sum of millions may hide the last, tiny gain.
            if trial >= value - 1e-12 * abs(value):
                break
            step = step / 2
        else:
            return None
        x, value, slope, hessian = x + step, trial, trial_slope, trial_hessian
    return None


def _in_logs(curvature: Curvature, logs: Floats) -> tuple[float, Floats, Floats]:
    """Value, slope and second derivatives by the logarithms of the parameters."""
    params = np.exp(logs)
    value, gradient, hessian = curvature(params)
    return value, gradient * params, hessian * np.outer(params, params) + np.diag(gradient * params)


class _Minimum:
    """What is used of scipy's result, with types."""

    def __init__(self, x: Floats, fun: float, success: bool, nfev: int) -> None:
        self.x, self.fun, self.success, self.nfev = x, fun, success, nfev


def _minimise(likelihood: Likelihood, start: Floats, *, prior: bool) -> _Minimum:
    at_start, _ = likelihood(np.exp(start))
    scale = max(1.0, abs(at_start))  # near 1 whatever the number of customers, so that tolerances mean the same

    def loss(logs: Floats) -> tuple[float, Floats]:
        value, gradient = _with_prior(likelihood, logs, prior)
        if not np.isfinite(value):
            return 1e300, np.zeros_like(logs)
        return -value / scale, -gradient / scale

    limits = [(-LOG_LIMIT, LOG_LIMIT)] * len(start)
    evaluations = 0
    x = np.clip(start, -LOG_LIMIT, LOG_LIMIT)
    # L-BFGS forgets its curvature when restarted, which helps on the long flat ridges of these likelihoods.
    for _ in range(3):
        before = x
        result = minimize(
            loss, x, jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": 500, "ftol": 1e-15, "gtol": 1e-10}
        )
        evaluations += int(result.nfev)
        x = np.asarray(result.x, dtype=np.float64)
        if np.abs(x - before).max() < 1e-6:
            break
    # scipy calls it a failure when rounding ends the line search; a gradient near zero is what counts.
    _, gradient = loss(x)
    inside = np.abs(x) < LOG_LIMIT - AT_LIMIT
    success = bool(np.abs(gradient[inside]).max(initial=0.0) < 1e-5)
    return _Minimum(x, float(result.fun), success, evaluations)


def _with_prior(likelihood: Likelihood, logs: Floats, prior: bool) -> tuple[float, Floats]:
    params = np.exp(logs)
    value, gradient = likelihood(params)
    gradient = gradient * params
    if prior:
        value -= float(0.5 * np.sum((logs / PRIOR_SD) ** 2))
        gradient = gradient - logs / PRIOR_SD**2
    return value, gradient


def _log_covariance(likelihood: Likelihood, logs: Floats, *, prior: bool) -> Floats:
    """Inverse of the observed information, from central differences of the analytic gradient."""
    size, step = len(logs), 1e-4
    hessian = np.empty((size, size))
    for row in range(size):
        shift = np.zeros(size)
        shift[row] = step
        above = _with_prior(likelihood, logs + shift, prior)[1]
        below = _with_prior(likelihood, logs - shift, prior)[1]
        hessian[row] = (above - below) / (2 * step)
    return _inverse(-(hessian + hessian.T) / 2)


def _inverse(information: Floats) -> Floats:
    values, vectors = np.linalg.eigh(information)
    # A flat direction has no information: a huge variance there is the honest answer, a negative one would not be.
    values = np.maximum(values, FLAT)
    covariance: Floats = (vectors / values) @ vectors.T
    return covariance
