"""One arm of a comparison as sums: what SQL can add up and what is all that an adjusted difference needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Moments:
    """Customers of one arm, the means of outcome and covariates, and their centred sums of products.

    The outcome comes first, the covariates after it.
    """

    count: int
    mean: NDArray[np.float64]
    """Shape (1 + covariates,)."""
    scatter: NDArray[np.float64]
    """Shape (1 + covariates, 1 + covariates): sums of products of deviations from the mean."""

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Moments:
        """Return the moments of rows.

        Parameters
        ----------
        values : array, shape (customers, 1 + covariates)
            Outcome in the first column.
        """
        if len(values) == 0:
            return cls(0, np.zeros(values.shape[1]), np.zeros((values.shape[1], values.shape[1])))
        mean = values.mean(axis=0)
        deviations = values - mean
        return cls(len(values), mean, deviations.T @ deviations)

    @classmethod
    def from_sums(cls, count: int, sums: Sequence[Rational | float], products: Sequence[Sequence[Rational | float]]) -> Moments:
        """Return the moments of an arm of which sums and sums of products are known.

        Squares of spend in minor units reach 1e20, where floating point can no longer tell a variance from nothing: deviations
        are formed exactly, and only then rounded.

        Parameters
        ----------
        count : int
            Customers.
        sums : sequence of exact numbers
            Sum of the outcome and of each covariate.
        products : square nested sequence
            Sums of products, in the same order.
        """
        width = len(sums)
        if count == 0:
            return cls(0, np.zeros(width), np.zeros((width, width)))
        exact = [Fraction(value) for value in sums]
        mean = np.array([float(value / count) for value in exact])
        scatter = np.array(
            [
                [float(Fraction(products[row][column]) - exact[row] * exact[column] / count) for column in range(width)]
                for row in range(width)
            ]
        )
        return cls(count, mean, scatter)

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of both arms together."""
        count = self.count + other.count
        if count == 0:
            return self
        gap = other.mean - self.mean
        mean = self.mean + gap * (other.count / count)
        scatter = self.scatter + other.scatter + np.outer(gap, gap) * (self.count * other.count / count)
        return Moments(count, mean, scatter)

    def only(self, columns: Sequence[int]) -> Moments:
        """Return the moments of some of the columns, the outcome (0) among them."""
        chosen = list(columns)
        return Moments(self.count, self.mean[chosen], self.scatter[np.ix_(chosen, chosen)])
