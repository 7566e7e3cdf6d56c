"""What all purchase-process models share: fitting, and predictions row by row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retention.models.btyd._fitted import Fitted
from retention.models.btyd._histories import Floats, Histories, checked, distinct_pairs
from retention.models.sums import row_sums

NAMES_BETA_GEO = ("r", "alpha", "a", "b")


class PurchaseProcess(Fitted, ABC):
    """A model of repeat purchases and silent drop-out.

    Times may be in any unit; parameters and horizons are in the same one. Predictions answer row by row and do not
    depend on the order of the rows.

    Above `rough_from` distinct histories `rough_size` of them find the start, and all of them only finish the fit.
    """

    rough_from: ClassVar[int] = 60_000
    rough_size: ClassVar[int] = 20_000

    def fit(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, weights: ArrayLike | None = None) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        frequency : repeat purchases of each customer (a count; the first purchase is not one).
        recency : time from the first to the last purchase.
        T : time from the first purchase to the end of observation.
        weights : how many customers each row stands for; default one.

        Raises
        ------
        ValueError when rows make no sense (named, up to five), nobody bought again, or no time has passed.
        """
        histories = Histories.grouped(frequency, recency, T, weights)
        if histories.age.size == 0:
            raise ValueError("no purchase histories to fit")
        if not (histories.frequency > 0).any():
            raise ValueError(f"none of {histories.customers:.0f} customers bought again: there is no rhythm to learn from")
        unit = float(np.average(histories.age, weights=histories.weight))
        if unit <= 0:
            raise ValueError(f"T is 0 for all {histories.customers:.0f} customers: no time has passed to learn from")
        scaled = histories.in_units_of(unit)
        self._fit(scaled, unit, scaled.thinned(self.rough_from, self.rough_size))
        return self

    def log_likelihood(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, weights: ArrayLike | None = None) -> float:
        """Log-likelihood of any histories under the fitted parameters."""
        return self._log_likelihood(Histories.grouped(frequency, recency, T, weights))

    def probability_alive(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Floats:
        """Probability that each customer is still active at the end of observation.

        No measure of churn: under BG/NBD one-time buyers get exactly 1. Use `probability_no_purchase`.
        """
        return self._alive(_rows(frequency, recency, T))

    def probability_no_purchase(self, horizon: float, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Floats:
        """Probability of no purchase within `horizon` after the end of observation: gone, or alive and silent."""
        rows = _rows(frequency, recency, T)
        return np.asarray(1 - self._alive(rows) * (1 - self._silent(rows, _checked(horizon))))

    def expected_purchases(self, horizon: float | ArrayLike, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Floats:
        """Expected purchases within one or more horizons after the end of observation.

        Returns
        -------
        One number per row; for a column of horizons, a matrix of rows by horizons.
        """
        rows = _rows(frequency, recency, T)
        times = np.atleast_1d(np.asarray(horizon, dtype=np.float64))
        position, expected = self._expected_by_pair(rows, times)
        if np.ndim(horizon) == 0:
            return np.asarray(self._alive(rows) * expected[:, 0][position])
        return np.asarray(self._alive(rows)[:, None] * expected[position])

    def weighted_purchases(
        self, horizons: Floats, weights: Floats, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike
    ) -> Floats:
        """Weighted sum over several horizons of the expected purchases within each, one number per row."""
        rows = _rows(frequency, recency, T)
        position, expected = self._expected_by_pair(rows, np.asarray(horizons, dtype=np.float64))
        return np.asarray(self._alive(rows) * row_sums(expected, np.asarray(weights, dtype=np.float64))[position])

    def _expected_by_pair(self, rows: Histories, times: Floats) -> tuple[NDArray[np.intp], Floats]:
        """Purchases expected of somebody alive, which depend on frequency and T alone: each pair once, by horizons."""
        position, counts, ages = distinct_pairs(rows.frequency, rows.age)
        distinct = Histories.of(counts, np.zeros_like(ages), ages)
        return position, np.column_stack([self._expected_if_alive(distinct, _checked(float(time))) for time in times])

    def purchase_moments(self, horizon: float, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> tuple[Floats, Floats]:
        """Mean and variance of the number of purchases within a horizon (individual, not of the mean)."""
        rows = _rows(frequency, recency, T)
        position, counts, ages = distinct_pairs(rows.frequency, rows.age)
        distinct = Histories.of(counts, np.zeros_like(ages), ages)
        first, second = (moment[position] for moment in self._moments_if_alive(distinct, _checked(horizon)))
        alive = self._alive(rows)
        mean = alive * first
        return mean, np.maximum(alive * second - mean**2, 0.0)

    def personal_draws(self, horizon: float, frequency: Floats, T: Floats, uniforms: Floats) -> tuple[Floats, Floats]:
        """Possible truths behind customers who are alive: for :mod:`retention.models.btyd.uncertainty`.

        Parameters
        ----------
        uniforms : three rows of numbers in (0, 1), one column for each draw.

        Returns
        -------
        Mean of the Poisson distributed purchases within the horizon if the customer may not leave at a purchase, and the
        number of purchases after which they leave (infinite where they do not leave at purchases). Customers by draws.
        """
        return self._drawn(Histories.of(frequency, np.zeros_like(T), T), _checked(horizon), uniforms)

    @abstractmethod
    def _drawn(self, histories: Histories, horizon: float, uniforms: Floats) -> tuple[Floats, Floats]: ...

    @abstractmethod
    def _fit(self, histories: Histories, unit: float, rough: Histories | None) -> None: ...

    @abstractmethod
    def _log_likelihood(self, histories: Histories) -> float: ...

    @abstractmethod
    def _alive(self, histories: Histories) -> Floats: ...

    @abstractmethod
    def _silent(self, histories: Histories, horizon: float) -> Floats:
        """Probability of no purchase in the horizon, given that the customer is alive at its start."""

    @abstractmethod
    def _expected_if_alive(self, histories: Histories, horizon: float) -> Floats: ...

    @abstractmethod
    def _moments_if_alive(self, histories: Histories, horizon: float) -> tuple[Floats, Floats]: ...


def _rows(frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Histories:
    return Histories.of(*checked(frequency, recency, T))


def _checked(horizon: float) -> float:
    if not (np.isfinite(horizon) and horizon >= 0):
        raise ValueError(f"a horizon must be finite and not negative, got {horizon}")
    return horizon
