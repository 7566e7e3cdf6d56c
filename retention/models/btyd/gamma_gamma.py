"""Gamma-Gamma: what a customer spends per purchase, shrunk towards everybody where little is known.

Each purchase is gamma distributed around a personal mean (`p`), and the means differ between customers (`q`, `v`). It
assumes that spending per purchase and frequency are not related.

Source: Fader & Hardie (2013), "The Gamma-Gamma model of monetary value".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln

from retention.models.btyd._histories import Floats
from retention.models.btyd._maximise import FitReport, maximise

_STARTS = ((5.0, 4.0, 3.0), (1.0, 2.0, 1.0), (20.0, 10.0, 10.0))
# With q at 1 or below the mean spending of the population is infinite. 1.1 is about what a heavy Pareto tail has.
_LOWEST_Q = 1.1


class GammaGamma:
    """The Gamma-Gamma model of spending per purchase.

    Attributes
    ----------
    params_ : dict with `p`, `q`, `v` (`v` in the unit of the money).
    log_likelihood_, log_covariance_, report_ : as for the purchase processes.
    """

    names: ClassVar[tuple[str, ...]] = ("p", "q", "v")
    params_: dict[str, float]
    log_likelihood_: float
    log_covariance_: Floats
    report_: FitReport

    @classmethod
    def from_params(cls, params: Mapping[str, float]) -> Self:
        """Make a fitted model from stored parameters."""
        if set(params) != set(cls.names) or not all(np.isfinite(value) and value > 0 for value in params.values()):
            raise ValueError(f"{cls.__name__} needs positive {', '.join(cls.names)}")
        model = cls()
        model.params_ = {name: float(params[name]) for name in cls.names}
        return model

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
        x, m, weight = _checked(frequency, mean_value, weights)
        if x.size == 0:
            raise ValueError("no repeat buyers with a positive order value to fit")
        unit = float(np.exp(np.average(np.log(m), weights=weight)))
        scaled = m / unit
        best = maximise(lambda params: _likelihood(x, scaled, weight, params), _STARTS, self.names, float(weight.sum()), x.size)
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
        self.log_likelihood_ = _likelihood(x, m, weight, np.array([p, q, v * unit]))[0]
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


def _checked(frequency: ArrayLike, mean_value: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    x, m = np.atleast_1d(np.asarray(frequency, float)), np.atleast_1d(np.asarray(mean_value, float))
    weight = np.ones_like(x) if weights is None else np.asarray(weights, float)
    if not x.shape == m.shape == weight.shape:
        raise ValueError(f"frequency, mean_value and weights must be of one length, got {x.size}, {m.size}, {weight.size}")
    _refuse(~(np.isfinite(x) & (x > 0)), "have no repeat purchase", x.size)
    _refuse(~(np.isfinite(m) & (m > 0)), "have no positive mean value (refunded or free orders?)", x.size)
    table = pd.DataFrame({"x": x, "m": m, "w": weight}).groupby(["x", "m"], sort=True, as_index=False)["w"].sum()
    x, m, weight = (table[name].to_numpy(dtype=np.float64) for name in ("x", "m", "w"))
    return x, m, weight


def _refuse(wrong: NDArray[np.bool_], what: str, size: int) -> None:
    if wrong.any():
        named = ", ".join(str(row) for row in np.flatnonzero(wrong)[:5])
        raise ValueError(f"{int(wrong.sum())} of {size} rows {what}: leave them out of the fit. Rows {named}")


def _likelihood(x: Floats, m: Floats, weight: Floats, params: Floats) -> tuple[float, Floats]:
    p, q, v = params
    shape, log_rate = p * x + q, np.log(x * m + v)
    value = (
        gammaln(shape)
        - gammaln(p * x)
        - gammaln(q)
        + q * np.log(v)
        + (p * x - 1) * np.log(m)
        + p * x * np.log(x)
        - shape * log_rate
    )
    d_p = x * (digamma(shape) - digamma(p * x) + np.log(m) + np.log(x) - log_rate)
    d_q = digamma(shape) - digamma(q) + np.log(v) - log_rate
    d_v = q / v - shape / (x * m + v)
    return float(weight @ value), np.array([float(weight @ part) for part in (d_p, d_q, d_v)])
