"""Pareto/NBD: customers may leave at any time, not only at a purchase.

While active, a customer buys at a personal rate (gamma distributed: `r`, `alpha`) and leaves at a personal rate (gamma
distributed: `s`, `beta`).

The textbook likelihood needs differences of hypergeometric functions, which cancel and have no usable derivatives. The
same quantity is one integral over the unknown time of leaving,

    L = Gamma(r+x) / Gamma(r) alpha^r beta^s
        [ (alpha+T)^-(r+x) (beta+T)^-s + s * integral from t_x to T of (alpha+y)^-(r+x) (beta+y)^-(s+1) dy ],

whose integrand is smooth and positive. After the substitution y = t_x + d (e^v - 1), with d the length over which it
decays, Gauss-Legendre quadrature gives it to ten digits, for counts in the thousands too, and its derivatives with it.

Source: Schmittlein, Morrison & Colombo (1987), "Counting your customers: who are they and what will they do next?".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import digamma, gammaincinv, gammaln

from retention.models.btyd._histories import Floats, Histories, total
from retention.models.btyd._maximise import maximise
from retention.models.btyd._process import PurchaseProcess
from retention.models.sums import row_sums

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
_NODES, _LOG_WEIGHTS = (_NODES + 1) / 2, np.log(_WEIGHTS / 2)
_STARTS = ((0.5, 1.0, 0.5, 1.0), (1.0, 1.0, 0.5, 3.0), (0.3, 0.3, 0.3, 0.3))


class ParetoNBD(PurchaseProcess):
    """The Pareto/NBD model.

    Attributes
    ----------
    params_ : dict with `r`, `alpha`, `s`, `beta` (`alpha` and `beta` in the time unit of the data).
    log_likelihood_, log_covariance_, report_ : as for `BetaGeoNBD`.
    """

    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    # Every history costs forty nodes here: the search for the start is worth shortening much earlier.
    rough_from: ClassVar[int] = 4_000
    rough_size: ClassVar[int] = 1_500

    def _fit(self, histories: Histories, unit: float, rough: Histories | None) -> None:
        best = maximise(
            lambda params: _likelihood(histories, params),
            _STARTS,
            self.names,
            histories.customers,
            histories.age.size,
            rough=(lambda params: _likelihood(rough, params)) if rough else None,
        )
        r, alpha, s, beta = best.params
        self.params_ = {"r": float(r), "alpha": float(alpha * unit), "s": float(s), "beta": float(beta * unit)}
        self.log_likelihood_ = best.log_likelihood - float((histories.weight * histories.frequency).sum() * np.log(unit))
        self.log_covariance_ = best.log_covariance
        self.report_ = best.report

    def _log_likelihood(self, histories: Histories) -> float:
        return _likelihood(histories, self._vector())[0]

    def _alive(self, histories: Histories) -> Floats:
        r, alpha, s, beta = self._vector()
        stayed = -(r + histories.frequency) * np.log(alpha + histories.age) - s * np.log(beta + histories.age)
        left = _log_left(histories.frequency, histories.recency, histories.age, r, alpha, s, beta)
        return np.asarray(np.exp(-np.logaddexp(0.0, left.value - stayed)))

    def _silent(self, histories: Histories, horizon: float) -> Floats:
        # The same integral from the end of observation on, for a customer with what is known by then as prior.
        r, alpha, s, beta = self._vector()
        shape, rate, drop = r + histories.frequency, alpha + histories.age, beta + histories.age
        ends = np.full_like(rate, horizon)
        stayed = -shape * np.log(rate + horizon) - s * np.log(drop + horizon)
        left = _log_left(np.zeros_like(rate), np.zeros_like(rate), ends, shape, rate, s, drop)
        return np.asarray(np.minimum(np.exp(shape * np.log(rate) + s * np.log(drop) + np.logaddexp(stayed, left.value)), 1.0))

    def _expected_if_alive(self, histories: Histories, horizon: float) -> Floats:
        r, alpha, s, beta = self._vector()
        return np.asarray((r + histories.frequency) / (alpha + histories.age) * _mean_stay(s, beta + histories.age, horizon))

    def _moments_if_alive(self, histories: Histories, horizon: float) -> tuple[Floats, Floats]:
        # Purchases are Poisson given the rate and the stay, which are independent for somebody alive.
        r, alpha, s, beta = self._vector()
        shape, rate, drop = r + histories.frequency, alpha + histories.age, beta + histories.age
        mean = shape / rate * _mean_stay(s, drop, horizon)
        second = mean + shape * (shape + 1) / rate**2 * _mean_squared_stay(s, drop, horizon)
        return np.asarray(mean), np.asarray(second)

    def _drawn(self, histories: Histories, horizon: float, uniforms: Floats) -> tuple[Floats, Floats]:
        r, alpha, s, beta = self._vector()
        rate = gammaincinv(r + histories.counts[:, None], uniforms[0])[histories.position] / (alpha + histories.age)[:, None]
        leaving = np.maximum(gammaincinv(s, uniforms[1]) / (beta + histories.age)[:, None], 1e-300)
        stay = np.minimum(-np.log(uniforms[2]) / leaving, horizon)
        return np.asarray(rate * stay), np.full_like(stay, np.inf)


def _mean_stay(s: float, drop: Floats, horizon: float) -> Floats:
    """Mean of min(stay, horizon): the integral of (drop / (drop + y))^s over the horizon."""
    log_end = np.log1p(horizon / drop)
    if abs(s - 1) < 1e-8:
        return np.asarray(drop * log_end)
    return np.asarray(drop * np.expm1((1 - s) * log_end) / (1 - s))


def _mean_squared_stay(s: float, drop: Floats, horizon: float) -> Floats:
    """Mean of min(stay, horizon)^2: the integral of 2y (drop / (drop + y))^s over the horizon."""
    log_end = np.log1p(horizon / drop)
    v = log_end[:, None] * _NODES[None, :]
    stay = drop[:, None] * np.expm1(v)
    integrand = 2 * stay * np.exp(-s * v) * drop[:, None] * np.exp(v)
    return np.asarray(row_sums(integrand, np.exp(_LOG_WEIGHTS)) * log_end)


@dataclass(frozen=True)
class _Left:
    """The integral over the time of leaving.

    Attributes
    ----------
    value : logarithm of s times the integral.
    share : weight of each node in it; rows sum to one.
    rate, drop : alpha and beta plus the time of each node; `log_rate`, `log_drop` their logarithms.
    """

    value: Floats
    share: Floats
    rate: Floats
    drop: Floats
    log_rate: Floats
    log_drop: Floats


def _log_left(
    x: Floats, t_x: Floats, T: Floats, r: float | Floats, alpha: float | Floats, s: float, beta: float | Floats
) -> _Left:
    with np.errstate(divide="ignore"):
        length = 1 / ((r + x) / (alpha + t_x) + (s + 1) / (beta + t_x))
        span = np.log1p((T - t_x) / length)
        v = span[:, None] * _NODES[None, :]
        y = length[:, None] * np.expm1(v)
        rate, drop = y + (alpha + t_x)[:, None], y + (beta + t_x)[:, None]
        log_rate, log_drop = np.log(rate), np.log(drop)
        logs = v + _LOG_WEIGHTS - np.asarray(r + x)[:, None] * log_rate - (s + 1) * log_drop
        # The exponentials are scaled by their largest, as ever where logarithms are summed.
        most = logs.max(axis=1)
        share = np.exp(logs - most[:, None])
        total_share = share.sum(axis=1)
        value = np.log(s) + np.log(length) + np.log(span) + most + np.log(total_share)
    share /= total_share[:, None]
    return _Left(np.asarray(value), share, rate, drop, log_rate, log_drop)


def _likelihood(histories: Histories, params: Floats) -> tuple[float, Floats]:
    """Log-likelihood and gradient, the latter under the same quadrature."""
    r, alpha, s, beta = params
    x, T, weight = histories.frequency, histories.age, histories.weight
    by_count = gammaln(r + histories.counts) - gammaln(r)
    stayed = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
    left = _log_left(x, histories.recency, T, r, alpha, s, beta)
    value = histories.by_count(by_count) + r * np.log(alpha) + s * np.log(beta) + np.logaddexp(stayed, left.value)
    gone = np.exp(-np.logaddexp(0.0, stayed - left.value))

    left_r = -np.einsum("ij,ij->i", left.share, left.log_rate)
    left_s = 1 / s - np.einsum("ij,ij->i", left.share, left.log_drop)
    left_alpha = -(r + x) * (left.share / left.rate).sum(axis=1)
    left_beta = -(s + 1) * (left.share / left.drop).sum(axis=1)
    d_r = histories.by_count(digamma(r + histories.counts)) - digamma(r) + np.log(alpha)
    d_r = d_r + gone * left_r - (1 - gone) * np.log(alpha + T)
    d_alpha = r / alpha + gone * left_alpha - (1 - gone) * (r + x) / (alpha + T)
    d_s = np.log(beta) + gone * left_s - (1 - gone) * np.log(beta + T)
    d_beta = s / beta + gone * left_beta - (1 - gone) * s / (beta + T)
    return total(weight, value), np.array([total(weight, part) for part in (d_r, d_alpha, d_s, d_beta)])
