"""Gamma-Gamma: what a customer spends per purchase, shrunk towards everybody where little is known.

Each purchase is gamma distributed around a personal mean (`p`), and the means differ between customers (`q`, `v`). It
assumes that spending per purchase and frequency are not related.

Source: Fader & Hardie (2013), "The Gamma-Gamma model of monetary value".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, polygamma

from retention.models.btyd._fitted import Fitted
from retention.models.btyd._histories import Floats, distinct, equal_rows, sums_by, total
from retention.models.btyd._maximise import FitReport, maximise

_STARTS = ((5.0, 4.0, 3.0), (1.0, 2.0, 1.0), (20.0, 10.0, 10.0))
# With q at 1 or below the mean spending of the population is infinite. 1.1 is about what a heavy Pareto tail has.
_LOWEST_Q = 1.1
# Above this many distinct pairs a subsample finds the start.
_ROUGH_FROM, _ROUGH_SIZE = 60_000, 20_000


class GammaGamma(Fitted):
    """The Gamma-Gamma model of spending per purchase.

    Attributes
    ----------
    params_ : dict with `p`, `q`, `v` (`v` in the unit of the money).
    log_likelihood_, log_covariance_, report_ : as for the purchase processes.
    """

    names: ClassVar[tuple[str, ...]] = ("p", "q", "v")

    def fit(self, frequency: ArrayLike, mean_value: ArrayLike, weights: ArrayLike | None = None) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        frequency : purchases behind each mean; customers with none must be left out.
        mean_value : mean value of those purchases, positive.
        weights : how many customers each row stands for; default one.

        Raises
        ------
        ValueError when a row has no purchase or no positive mean value: the model has no place for them, and leaving
            them in silently is the customary mistake.
        """
        rows = _checked(frequency, mean_value, weights)
        if rows.mean.size == 0:
            raise ValueError("no repeat buyers with a positive order value to fit")
        unit = float(np.exp(total(rows.weight, np.log(rows.mean)) / rows.weight.sum()))
        scaled = rows.in_units_of(unit)
        rough = scaled.thinned()
        best = maximise(
            lambda params: _likelihood(scaled, params),
            _STARTS,
            self.names,
            float(rows.weight.sum()),
            rows.mean.size,
            rough=(lambda params: _likelihood(rough, params)) if rough else None,
            curvature=lambda params: _curvature(scaled, params),
            rough_curvature=(lambda params: _curvature(rough, params)) if rough else None,
        )
        p, q, v = (float(value) for value in best.params)
        report = best.report
        if q < _LOWEST_Q:
            # Keeps the median of the personal means where the data put it.
            q, v = _LOWEST_Q, v * _LOWEST_Q / q
            report = FitReport(
                report.converged,
                True,
                "bounded tail",
                f"q = {best.params[1]:.3f}: spending has no finite mean (single huge orders?). q set to {_LOWEST_Q}.",
                report.customers,
                report.histories,
                report.evaluations,
            )
        self.params_ = {"p": p, "q": q, "v": v * unit}
        self.log_likelihood_ = _likelihood(rows, np.array([p, q, v * unit]))[0]
        self.log_covariance_ = best.log_covariance
        self.report_ = report
        return self

    def expected_value(self, frequency: ArrayLike, mean_value: ArrayLike) -> Floats:
        """Expected mean value of future purchases, per customer.

        Customers without a usable history (frequency 0) get the mean of the population.
        """
        p, q, v = (self.params_[name] for name in self.names)
        x, m = np.atleast_1d(np.asarray(frequency, float)), np.atleast_1d(np.asarray(mean_value, float))
        m = np.where(x > 0, m, 0.0)
        return np.asarray(p * (v + m * x) / (p * x + q - 1))

    def value_moments(self, frequency: ArrayLike, mean_value: ArrayLike) -> tuple[Floats, Floats]:
        """E[1/n] and E[1/n^2] of the personal scale n: n purchases are worth Gamma(p * n_purchases, n)."""
        p, q, v = (self.params_[name] for name in self.names)
        x, m = np.atleast_1d(np.asarray(frequency, float)), np.atleast_1d(np.asarray(mean_value, float))
        shape, rate = q + p * x, v + np.where(x > 0, m, 0.0) * x
        # With q near 2 and no purchases the variance does not exist; half a step from there is a wide, finite answer.
        return rate / (shape - 1), rate**2 / ((shape - 1) * np.maximum(shape - 2, 0.5))


@dataclass(frozen=True)
class _Means:
    """Distinct pairs of a count and a mean value, with how many customers share them.

    `counts` are the distinct counts, `position` is where the count of each pair stands among them.
    """

    counts: Floats
    position: NDArray[np.intp]
    mean: Floats
    weight: Floats

    @property
    def frequency(self) -> Floats:
        """Purchases behind each mean."""
        spread: Floats = self.counts[self.position]
        return spread

    @cached_property
    def weight_by_count(self) -> Floats:
        """Customers with each of `counts`."""
        return sums_by(self.position, self.weight, self.counts.size)

    @cached_property
    def constant(self) -> float:
        """The part of the log-likelihood that has no parameter."""
        return -total(self.weight, np.log(self.mean))

    @cached_property
    def log_total(self) -> float:
        """Weighted sum of x ln(x m)."""
        return total(self.weight, self.frequency * np.log(self.frequency * self.mean))

    def in_units_of(self, money: float) -> _Means:
        """The same with values divided by `money`."""
        return _Means(self.counts, self.position, self.mean / money, self.weight)

    def thinned(self) -> _Means | None:
        """Every n-th of many pairs, chosen without chance; None where there are few."""
        if self.mean.size < _ROUGH_FROM:
            return None
        chosen = np.linspace(0, self.mean.size - 1, _ROUGH_SIZE).round().astype(np.intp)
        position, counts = distinct(self.frequency[chosen])
        return _Means(counts, position, self.mean[chosen], self.weight[chosen])


def _checked(frequency: ArrayLike, mean_value: ArrayLike, weights: ArrayLike | None) -> _Means:
    x, m = np.atleast_1d(np.asarray(frequency, float)), np.atleast_1d(np.asarray(mean_value, float))
    weight = np.ones_like(x) if weights is None else np.asarray(weights, float)
    if not x.shape == m.shape == weight.shape:
        raise ValueError(f"frequency, mean_value and weights must be of one length, got {x.size}, {m.size}, {weight.size}")
    _refuse(~(np.isfinite(weight) & (weight >= 0)), "have a negative or missing weight", x.size)
    _refuse(~(np.isfinite(x) & (x > 0)), "have no repeat purchase", x.size)
    _refuse(~(np.isfinite(m) & (m > 0)), "have no positive mean value (refunded or free orders?)", x.size)
    rows, weight = equal_rows((x, m), None if weights is None else weight)
    kept = weight > 0
    position, counts = distinct(x[rows][kept])
    return _Means(counts, position, m[rows][kept], weight[kept])


def _refuse(wrong: NDArray[np.bool_], what: str, size: int) -> None:
    if wrong.any():
        named = ", ".join(str(row) for row in np.flatnonzero(wrong)[:5])
        raise ValueError(f"{int(wrong.sum())} of {size} rows {what}: leave them out of the fit. Rows {named}")


def _likelihood(rows: _Means, params: Floats) -> tuple[float, Floats]:
    """Log-likelihood and gradient."""
    value, gradient, _ = _derivatives(rows, params, second=False)
    return value, gradient


def _curvature(rows: _Means, params: Floats) -> tuple[float, Floats, Floats]:
    """Log-likelihood, gradient and second derivatives."""
    return _derivatives(rows, params, second=True)


def _derivatives(rows: _Means, params: Floats, *, second: bool) -> tuple[float, Floats, Floats]:
    """One pass over the pairs, with a single logarithm each; special functions on the distinct counts only."""
    p, q, v = params
    x, by_count, weight = rows.counts, rows.weight_by_count, rows.weight
    customers = float(by_count.sum())
    shape, rate = p * x + q, rows.frequency * rows.mean + v
    log_rate, inverse = weight * np.log(rate), weight / rate

    def counted(values: Floats) -> Floats:
        return sums_by(rows.position, values, x.size)

    log_rate_by, inverse_by = counted(log_rate), counted(inverse)
    value = total(by_count, gammaln(shape) - gammaln(p * x)) + customers * (q * np.log(v) - gammaln(q))
    value += p * rows.log_total + rows.constant - total(shape, log_rate_by)
    own = total(by_count, digamma(shape))
    d_p = total(by_count, x * (digamma(shape) - digamma(p * x))) + rows.log_total - total(x, log_rate_by)
    d_q = own + customers * (np.log(v) - digamma(q)) - float(log_rate_by.sum())
    d_v = customers * q / v - total(shape, inverse_by)
    hessian = np.zeros((3, 3))
    if second:
        bend = polygamma(1, shape)
        hessian[0, 0] = total(by_count, x**2 * (bend - polygamma(1, p * x)))
        hessian[0, 1] = hessian[1, 0] = total(by_count, x * bend)
        hessian[0, 2] = hessian[2, 0] = -total(x, inverse_by)
        hessian[1, 1] = total(by_count, bend) - customers * float(polygamma(1, q))
        hessian[1, 2] = hessian[2, 1] = customers / v - float(inverse_by.sum())
        hessian[2, 2] = -customers * q / v**2 + total(shape, counted(inverse / rate))
    return value, np.array([d_p, d_q, d_v]), hessian
