"""BG/NBD and MBG/NBD: how often customers buy, and when they silently leave.

While active, a customer buys at a personal rate (gamma distributed: `r`, `alpha`). At each chance the customer leaves for
good with a personal probability (beta distributed: `a`, `b`). In BG/NBD the chances are the repeat purchases, so that a
one-time buyer is certainly alive; in MBG/NBD the first purchase is a chance as well.

Both are written here with one number, the chances survived: `x` repeat purchases in BG/NBD, `x + 1` in MBG/NBD.

Sources: Fader, Hardie & Lee (2005), "Counting your customers the easy way"; Batislam, Denizel & Filiztekin (2007),
"Empirical validation and comparison of models for customer base analysis".
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import betaincinv, betaln, digamma, gammaln, hyp2f1

from retention.models.btyd._histories import Floats, Histories
from retention.models.btyd._maximise import maximise
from retention.models.btyd._process import NAMES_BETA_GEO, PurchaseProcess

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

    def _averaged(self, x: Floats, rate: Floats, horizon: float) -> tuple[Floats, Floats]:
        """Average the purchases given rate and drop-out probability p over both, p by quadrature in its quantiles.

        Purchases are min(Poisson(m), Geometric(p)) with m = rate of the customer * horizon, hence
        E[N] = (1 - exp(-mp)) / p and E[N(N+1)/2] = (1 - exp(-mp) (1 + mp(1-p))) / p^2.
        """
        r, _, a, b = self._vector()
        counts, position = np.unique(x, return_inverse=True)
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
        mean = first @ _WEIGHTS
        second = 2 * (pairs @ _WEIGHTS) - mean
        return np.asarray(mean), np.maximum(second, mean**2)


class ModifiedBetaGeoNBD(BetaGeoNBD):
    """The MBG/NBD model: like BG/NBD, but a customer may also leave right after the first purchase."""

    first_chance: ClassVar[float] = 1.0


def _expit(value: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-value)))


def _likelihood(histories: Histories, params: Floats, first_chance: float) -> tuple[float, Floats]:
    """Log-likelihood and gradient; special functions on the distinct counts only."""
    r, alpha, a, b = params
    counts, spread = histories.counts, histories.by_count
    x, weight = histories.frequency, histories.weight
    chances = counts + first_chance
    log_age, log_recency = np.log(alpha + histories.age), np.log(alpha + histories.recency)

    by_count = gammaln(r + counts) - gammaln(r) + r * np.log(alpha) + betaln(a, b + chances) - betaln(a, b)
    # Either alive to the end, or gone right after the last purchase: the second has weight `gone` in the sum.
    with np.errstate(divide="ignore"):
        log_gone = np.where(chances > 0, np.log(a) - np.log(np.maximum(b + chances - 1, 1e-300)), -np.inf)
    odds = spread(log_gone) + (r + x) * (log_age - log_recency)
    value = spread(by_count) - (r + x) * log_age + np.logaddexp(0.0, odds)
    gone = _expit(odds)

    d_r = spread(digamma(r + counts)) - digamma(r) + np.log(alpha) - log_age + gone * (log_age - log_recency)
    d_alpha = r / alpha - (r + x) * ((1 - gone) / (alpha + histories.age) + gone / (alpha + histories.recency))
    d_a = spread(digamma(a + b) - digamma(a + b + chances)) + gone / a
    with np.errstate(divide="ignore"):
        d_log_gone = np.where(chances > 0, 1 / np.maximum(b + chances - 1, 1e-300), 0.0)
    d_b = spread(digamma(a + b) - digamma(b) + digamma(b + chances) - digamma(a + b + chances)) - gone * spread(d_log_gone)
    gradient = np.array([float(weight @ part) for part in (d_r, d_alpha, d_a, d_b)])
    return float(weight @ value), gradient
