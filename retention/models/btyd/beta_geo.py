"""BG/NBD and MBG/NBD: how often customers buy, and when they silently leave.

While active, a customer buys at a personal rate (gamma distributed: `r`, `alpha`). At each chance the customer leaves for
good with a personal probability (beta distributed: `a`, `b`). In BG/NBD the chances are the repeat purchases, so that a
one-time buyer is certainly alive; in MBG/NBD the first purchase is a chance as well.

Both are written here with one number, the chances survived: `x` repeat purchases in BG/NBD, `x + 1` in MBG/NBD.

Sources: Fader, Hardie & Lee (2005), "Counting your customers the easy way"; Batislam, Denizel & Filiztekin (2007),
"Empirical validation and comparison of models for customer base analysis".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import betaincinv, betaln, digamma, gammaincinv, gammaln, hyp2f1, polygamma

from retention.models.btyd._histories import Floats, Histories, distinct, sums_by, total
from retention.models.btyd._maximise import maximise
from retention.models.btyd._process import NAMES_BETA_GEO, PurchaseProcess
from retention.models.sums import row_sums

# Nodes and weights on (0, 1) for averages over the drop-out probability.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2
# Closer to a = 1 than this the closed form loses its digits (0/0), and the average is integrated instead.
_NEAR_ONE = 1e-4
_STARTS = ((0.5, 0.5, 0.5, 1.0), (1.0, 1.0, 1.0, 5.0), (0.2, 0.1, 0.2, 2.0))


class BetaGeoNBD(PurchaseProcess):
    """The BG/NBD model.

    Attributes
    ----------
    params_ : dict with `r`, `alpha` (in the time unit of the data), `a`, `b`.
    log_likelihood_ : of the data fitted on, without any prior.
    log_covariance_ : covariance of the logarithms of the parameters, in the order of `params_`.
    report_ : how the fit went; `report_.runaway` says that a fallback was used.

    Examples
    --------
    >>> model = BetaGeoNBD.from_params({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    >>> round(float(model.probability_alive([2], [30.43], [38.86])[0]), 4)
    0.7266
    """

    names: ClassVar[tuple[str, ...]] = NAMES_BETA_GEO
    first_chance: ClassVar[float] = 0.0

    def _fit(self, histories: Histories, unit: float, rough: Histories | None) -> None:
        best = maximise(
            lambda params: _likelihood(histories, params, self.first_chance),
            _STARTS,
            self.names,
            histories.customers,
            histories.age.size,
            rough=(lambda params: _likelihood(rough, params, self.first_chance)) if rough else None,
            curvature=lambda params: _curvature(histories, params, self.first_chance),
            rough_curvature=(lambda params: _curvature(rough, params, self.first_chance)) if rough else None,
        )
        r, alpha, a, b = best.params
        self.params_ = {"r": float(r), "alpha": float(alpha * unit), "a": float(a), "b": float(b)}
        self.log_likelihood_ = best.log_likelihood - float((histories.weight * histories.frequency).sum() * np.log(unit))
        self.log_covariance_ = best.log_covariance
        self.report_ = best.report

    def _log_likelihood(self, histories: Histories) -> float:
        return _likelihood(histories, self._vector(), self.first_chance)[0]

    def _alive(self, histories: Histories) -> Floats:
        r, alpha, a, b = self._vector()
        survived = histories.frequency + self.first_chance
        silence = np.log(alpha + histories.age) - np.log(alpha + histories.recency)
        chances = np.where(survived > 0, b + survived - 1, 1.0)
        log_odds_gone = np.log(a) - np.log(chances) + (r + histories.frequency) * silence
        return np.where(survived > 0, _expit(-log_odds_gone), 1.0)

    def _silent(self, histories: Histories, horizon: float) -> Floats:
        r, alpha, _, _ = self._vector()
        return np.asarray(np.exp(-(r + histories.frequency) * np.log1p(horizon / (alpha + histories.age))))

    def _expected_if_alive(self, histories: Histories, horizon: float) -> Floats:
        r, alpha, a, b = self._vector()
        x, rate = histories.frequency, alpha + histories.age
        b = b + self.first_chance
        z = horizon / (rate + horizon)
        # Euler's transformation: the textbook form multiplies an overflowing series by an underflowing power as
        # soon as x reaches the hundreds; here both factors stay near one.
        with np.errstate(all="ignore"):
            factor = np.exp((a - 1) * np.log1p(-z))
            series = hyp2f1(a + b - 1 - r, a - 1, a + b + x - 1, z)
            expected = (a + b + x - 1) / (a - 1) * (1 - factor * series)
        # No more purchases than an immortal customer makes, and no fewer than none.
        most = (r + x) * horizon / rate
        wrong = ~np.isfinite(expected) | (expected < 0) | (expected > most * (1 + 1e-9)) | (abs(a - 1) < _NEAR_ONE)
        wrong |= np.abs(a + b + x - 1) < _NEAR_ONE
        if wrong.any():
            expected[wrong] = self._averaged(x[wrong], rate[wrong], horizon)[0]
        return np.asarray(expected)

    def _moments_if_alive(self, histories: Histories, horizon: float) -> tuple[Floats, Floats]:
        """First and second moment of the purchases in the horizon, given that the customer is alive."""
        return self._averaged(histories.frequency, self.params_["alpha"] + histories.age, horizon)

    def _drawn(self, histories: Histories, horizon: float, uniforms: Floats) -> tuple[Floats, Floats]:
        r, alpha, a, b = self._vector()
        rate = gammaincinv(r + histories.counts[:, None], uniforms[0])[histories.position] / (alpha + histories.age)[:, None]
        leaving = betaincinv(a, b + self.first_chance + histories.counts[:, None], uniforms[1])
        with np.errstate(divide="ignore"):
            stays = 1 + np.floor(np.log(uniforms[2]) / np.log1p(-np.clip(leaving, 1e-12, 1 - 1e-12)))
        return np.asarray(rate * horizon), np.asarray(stays[histories.position])

    def _averaged(self, x: Floats, rate: Floats, horizon: float) -> tuple[Floats, Floats]:
        """Average the purchases given rate and drop-out probability p over both, p by quadrature in its quantiles.

        Purchases are min(Poisson(m), Geometric(p)) with m = rate of the customer * horizon, hence
        E[N] = (1 - exp(-mp)) / p and E[N(N+1)/2] = (1 - exp(-mp) (1 + mp(1-p))) / p^2.
        """
        r, _, a, b = self._vector()
        position, counts = distinct(x)
        p = betaincinv(a, b + self.first_chance + counts[:, None], _NODES[None, :])
        p = np.clip(p, 1e-12, 1.0)[position]
        shape = (r + x)[:, None]
        left = p * horizon / rate[:, None]
        log_none = -shape * np.log1p(left)  # E[exp(-mp)] over the gamma distributed rate
        first = -np.expm1(log_none) / p
        # E[mp exp(-mp)] = shape * left / (1 + left) * (1 + left)^-shape. Where left is tiny the difference below
        # cancels; its limit is E[m] + E[m^2]/2 * (1 - p ...), and m is then Poisson: use that.
        m1, m2 = shape * horizon / rate[:, None], shape * (shape + 1) * (horizon / rate[:, None]) ** 2
        pairs = (-np.expm1(log_none) - (1 - p) * shape * left / (1 + left) * np.exp(log_none)) / p**2
        small = left * (shape + 1) < 1e-5
        pairs = np.where(small, m1 + m2 / 2 - p * m2, pairs)
        mean = row_sums(first, _WEIGHTS)
        second = 2 * row_sums(pairs, _WEIGHTS) - mean
        return np.asarray(mean), np.maximum(second, mean**2)


class ModifiedBetaGeoNBD(BetaGeoNBD):
    """The MBG/NBD model: like BG/NBD, but a customer may also leave right after the first purchase."""

    first_chance: ClassVar[float] = 1.0


def _expit(value: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-value)))


@dataclass(frozen=True)
class _Terms:
    """What likelihood, gradient and second derivatives share, at one set of parameters.

    A customer is either alive to the end, or gone right after the last purchase: `gone` is the probability of the second.
    By count: `chances` survived, and `left` = b + chances - 1, the weight of those who stayed at the last one.
    """

    value: float
    gradient: Floats
    gone: Floats
    chances: Floats
    left: Floats
    gap: Floats


def _terms(histories: Histories, params: Floats, first_chance: float) -> _Terms:
    """One pass over the histories; special functions on the distinct counts only."""
    r, alpha, a, b = params
    counts, spread, by_count = histories.counts, histories.by_count, histories.weight_by_count
    weight, shape = histories.weight, r + histories.frequency
    chances = counts + first_chance
    left = np.maximum(b + chances - 1, 1e-300)
    age, recency = alpha + histories.age, alpha + histories.recency
    log_age = np.log(age)
    gap = log_age - np.log(recency)
    log_gone = np.where(chances > 0, np.log(a) - np.log(left), -np.inf)
    odds = spread(log_gone) + shape * gap
    small = np.exp(-np.abs(odds))
    gone = np.where(odds >= 0, 1.0, small) / (1 + small)
    softplus = np.maximum(odds, 0.0) + np.log1p(small)

    constant = gammaln(r + counts) - gammaln(r) + r * np.log(alpha) + betaln(a, b + chances) - betaln(a, b)
    value = total(by_count, constant) + total(weight, softplus - shape * log_age)
    weighted_gone = weight * gone
    gone_by_count = sums_by(histories.position, weighted_gone, counts.size)
    customers = float(by_count.sum())
    d_r = total(by_count, digamma(r + counts)) + customers * (np.log(alpha) - digamma(r))
    d_r += total(weighted_gone, gap) - total(weight, log_age)
    d_alpha = customers * r / alpha + total(weighted_gone, shape * (1 / age - 1 / recency)) - total(weight, shape / age)
    together = digamma(a + b) - digamma(a + b + chances)
    d_a = total(by_count, together) + float(gone_by_count.sum()) / a
    inverse = np.where(chances > 0, 1 / left, 0.0)
    d_b = total(by_count, together - digamma(b) + digamma(b + chances)) - total(gone_by_count, inverse)
    return _Terms(value, np.array([d_r, d_alpha, d_a, d_b]), gone, chances, left, gap)


def _likelihood(histories: Histories, params: Floats, first_chance: float) -> tuple[float, Floats]:
    """Log-likelihood and gradient."""
    terms = _terms(histories, params, first_chance)
    return terms.value, terms.gradient


def _curvature(histories: Histories, params: Floats, first_chance: float) -> tuple[float, Floats, Floats]:
    """Log-likelihood, gradient and second derivatives.

    With o the log-odds of being gone, the second derivatives are those of the terms without o, plus gone * o'' plus
    gone (1 - gone) * o' o'^T.
    """
    r, alpha, a, b = params
    terms = _terms(histories, params, first_chance)
    counts, by_count, weight, chances = histories.counts, histories.weight_by_count, histories.weight, terms.chances
    shape, customers = r + histories.frequency, float(histories.weight_by_count.sum())
    by_age, by_recency = 1 / (alpha + histories.age), 1 / (alpha + histories.recency)
    weighted = weight * terms.gone
    mixed = weighted * (1 - terms.gone)

    def counted(values: Floats) -> Floats:
        return sums_by(histories.position, values, counts.size)

    inverse = np.where(chances > 0, 1 / terms.left, 0.0)
    o_alpha = shape * (by_age - by_recency)
    gone_by_count, mixed_by_count = counted(weighted), counted(mixed)
    mixed_gap, mixed_alpha = counted(mixed * terms.gap), counted(mixed * o_alpha)
    together = polygamma(1, a + b) - polygamma(1, a + b + chances)
    hessian = np.empty((4, 4))
    hessian[0, 0] = total(by_count, polygamma(1, r + counts)) - customers * polygamma(1, r) + total(mixed, terms.gap**2)
    hessian[0, 1] = customers / alpha - total(weight, by_age) + total(weighted, by_age - by_recency)
    hessian[0, 1] += total(mixed, terms.gap * o_alpha)
    hessian[0, 2] = mixed_gap.sum() / a
    hessian[0, 3] = -total(mixed_gap, inverse)
    hessian[1, 1] = -customers * r / alpha**2 + total(weight, shape * by_age**2) + total(mixed, o_alpha**2)
    hessian[1, 1] -= total(weighted, shape * (by_age**2 - by_recency**2))
    hessian[1, 2] = mixed_alpha.sum() / a
    hessian[1, 3] = -total(mixed_alpha, inverse)
    hessian[2, 2] = total(by_count, together) + (mixed_by_count.sum() - gone_by_count.sum()) / a**2
    hessian[2, 3] = total(by_count, together) - total(mixed_by_count, inverse) / a
    hessian[3, 3] = total(by_count, together - polygamma(1, b) + polygamma(1, b + chances))
    hessian[3, 3] += total(gone_by_count + mixed_by_count, inverse**2)
    lower = np.tril_indices(4, -1)
    hessian[lower] = hessian.T[lower]
    return terms.value, terms.gradient, hessian
