"""Intervals for one customer's value: nothing with some probability, otherwise gamma; set right by what really happened.

The shape comes from the purchase process. Where in that distribution the matured outcomes of past dates fell says how
far it is off: that is kept as a map of probability levels (conformal prediction of distributions), so that 80 % means
80 % of customers. A customer who will most likely buy nothing cannot have an interval of exactly 80 %: [0, 0] alone may
hold 90 %. So each interval comes with its own probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaincinv

Floats = NDArray[np.float64]

# Customers are set right in groups by their probability of buying nothing: below the first edge, between, above.
GROUP_EDGES = (0.15, 0.5, 0.8)
# Smaller groups than this share the map of all.
LEAST_IN_GROUP = 200
GRID = np.linspace(0.0, 1.0, 201)


@dataclass(frozen=True)
class Spread:
    """How a customer's value may turn out: `nothing` is the probability of zero, otherwise gamma.

    Attributes
    ----------
    nothing : probability of no order.
    mean : mean value over all outcomes, minor units.
    shape : shape of the gamma distribution of the value if anything is bought.
    """

    nothing: Floats
    mean: Floats
    shape: Floats

    @classmethod
    def of(cls, nothing: Floats, mean: Floats, variation_mean: Floats, variation_second: Floats) -> Spread:
        """Take the relative spread from a first and second moment of another model, keeping mean and zero mass."""
        buys = np.clip(1 - nothing, 1e-9, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = variation_second * buys / variation_mean**2
        square = np.where(np.isfinite(ratio), ratio, 2.0) - 1
        return cls(np.clip(nothing, 0.0, 1 - 1e-9), np.maximum(mean, 0.0), 1 / np.clip(square, 0.02, 50.0))

    def level(self, value: Floats) -> Floats:
        """Probability of at most this value; of zero, the whole mass of nothing."""
        scale = np.maximum(self.mean / (1 - self.nothing) / self.shape, 1e-9)
        return np.asarray(self.nothing + (1 - self.nothing) * gammainc(self.shape, np.maximum(value, 0.0) / scale))

    def quantile(self, level: Floats) -> Floats:
        """Value not exceeded with this probability, minor units."""
        share = np.clip((level - self.nothing) / (1 - self.nothing), 0.0, 1 - 1e-9)
        scale = self.mean / (1 - self.nothing) / self.shape
        return np.asarray(np.where(level <= self.nothing, 0.0, gammaincinv(self.shape, share) * scale))


@dataclass(frozen=True)
class Levels:
    """Which level of the spread must be asked for to get a stated one: a row of the grid for each group.

    Attributes
    ----------
    maps : groups by `GRID`; ascending in each row.
    """

    maps: Floats

    @classmethod
    def plain(cls) -> Levels:
        """Nothing known: a level is what it says."""
        return cls(np.tile(GRID, (len(GROUP_EDGES) + 1, 1)))

    @classmethod
    def fit(cls, spread: Spread, actual: Floats, chance: Floats) -> Levels:
        """Learn from outcomes.

        Parameters
        ----------
        actual : what came of each customer, minor units.
        chance : a number in [0, 1) for each customer: places those with nothing within the mass of nothing.
        """
        level = np.where(actual > 0, spread.level(actual), chance * spread.nothing)
        if len(level) < LEAST_IN_GROUP:
            return cls.plain()
        everybody, groups = _quantiles(level), _groups(spread)
        rows = [
            _quantiles(level[groups == group]) if (groups == group).sum() >= LEAST_IN_GROUP else everybody
            for group in range(len(GROUP_EDGES) + 1)
        ]
        return cls(np.array(rows))

    def asked(self, spread: Spread, stated: float) -> Floats:
        """Level of the spread that holds the stated share of outcomes."""
        answers = np.array([np.interp(stated, GRID, row) for row in self.maps])
        return np.asarray(answers[_groups(spread)])

    def stated(self, spread: Spread, level: Floats) -> Floats:
        """Share of outcomes that a level of the spread really holds: the other way round."""
        groups, result = _groups(spread), np.zeros(len(level))
        for group, row in enumerate(self.maps):
            inside = groups == group
            result[inside] = np.interp(level[inside], row, GRID)
        return result

    def interval(self, spread: Spread, probability: float) -> tuple[Floats, Floats, Floats]:
        """Find an interval for each customer.

        Where nothing is likely enough to be the lower end, nobody can fall below it, and the whole rest lies above.

        Returns
        -------
        Lower and upper end in minor units, and the probability that the interval holds: `probability`, or more where
        nothing is likelier than that.
        """
        tail = (1 - probability) / 2
        lower = spread.quantile(self.asked(spread, tail))
        upper = np.where(
            lower > 0, spread.quantile(self.asked(spread, 1 - tail)), spread.quantile(self.asked(spread, probability))
        )
        # The mean lies inside: where nearly all the probability is on nothing, the interval is stretched to it.
        lower, upper = np.minimum(lower, spread.mean), np.maximum(upper, spread.mean)
        below = np.where(lower > 0, self.stated(spread, spread.level(lower)), 0.0)
        return lower, upper, np.clip(self.stated(spread, spread.level(upper)) - below, 0.0, 1.0)

    def to_dict(self) -> dict[str, Any]:
        """What makes it again."""
        return {"maps": self.maps}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Levels:
        """Make it from `to_dict`."""
        return cls(np.asarray(stored["maps"], dtype=np.float64))


def _groups(spread: Spread) -> NDArray[np.int64]:
    return np.searchsorted(GROUP_EDGES, spread.nothing, side="right")


def _quantiles(level: Floats) -> Floats:
    # The finite-sample correction of conformal prediction matters for small groups: the ends stay 0 and 1.
    found = np.quantile(level, GRID)
    found[0], found[-1] = 0.0, 1.0
    return np.maximum.accumulate(found + np.arange(len(GRID)) * 1e-12)
