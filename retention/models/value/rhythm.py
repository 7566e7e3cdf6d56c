"""When the next order comes, of those that come: the purchase process set right by what really happened.

The process believes that customers keep no rhythm: the longer the wait, the less likely an order, at any time. Real
ones are more regular. Where in the process's distribution the next orders of past dates fell is kept for groups of
customers (new, early, due, overdue against their own rhythm), and asked for in scoring: so the interval holds what it
says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.btyd import BetaGeoNBD
from retention.models.purchases import DAYS_PER_WEEK, purchases

Floats = NDArray[np.float64]

# Days since the last order over the customer's own mean gap: what counts as early, nearly due, due, overdue, long overdue.
OVERDUE_EDGES = (0.3, 0.7, 1.2, 2.5)
# Customers with few gaps hardly have a rhythm: they are grouped apart.
FEW_ORDER_DAYS = 4
LEAST_IN_GROUP = 100
GRID = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Rhythm:
    """How the next order of those who order within `within_days` is spread over these days.

    Attributes
    ----------
    within_days : outcomes of this many days were learned from.
    maps : groups by `GRID`: levels of the process's distribution that hold these shares of next orders.
    """

    within_days: int
    maps: Floats

    @classmethod
    def fit(cls, process: BetaGeoNBD, features: pd.DataFrame, days_to_next: Floats, within_days: int) -> Rhythm:
        """Learn from the customers of a past date.

        Parameters
        ----------
        process : as of that date or before.
        days_to_next : days from the date to the next order, 0 for the date itself; nan where none came within the horizon.
        """
        came = np.isfinite(days_to_next)
        level = _level(process, features, np.where(came, days_to_next + 0.5, 0.0), within_days)[came]
        groups = _groups(features)[came]
        everybody = _quantiles(level) if len(level) >= LEAST_IN_GROUP else GRID
        rows = [
            _quantiles(level[groups == group]) if (groups == group).sum() >= LEAST_IN_GROUP else everybody
            for group in range(_GROUPS)
        ]
        return cls(within_days, np.array(rows))

    def days(self, process: BetaGeoNBD, features: pd.DataFrame, shares: tuple[float, ...]) -> Floats:
        """Days until these shares of customers like each one have ordered, of those who order within `within_days`.

        Returns
        -------
        Customers by shares; between 0 and `within_days`.
        """
        groups = _groups(features)
        shape, scale = _lomax(process, features)
        all_in = -np.expm1(-shape * np.log1p(self.within_days / scale))
        found = []
        for share in shares:
            level = np.array([np.interp(share, GRID, row) for row in self.maps])[groups]
            found.append(scale * np.expm1(-np.log1p(-np.minimum(level * all_in, 1 - 1e-12)) / shape))
        return np.asarray(np.clip(np.column_stack(found), 0.0, self.within_days))

    def to_dict(self) -> dict[str, Any]:
        """What makes it again."""
        return {"within_days": self.within_days, "maps": self.maps}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Rhythm:
        """Make it from `to_dict`."""
        return cls(int(stored["within_days"]), np.asarray(stored["maps"], dtype=np.float64))


# One-time buyers, those with few orders by overdue ratio, those with many by overdue ratio.
_GROUPS = 1 + 2 * (len(OVERDUE_EDGES) + 1)


def _groups(features: pd.DataFrame) -> NDArray[np.int64]:
    days = features["count_order_days_lifetime"].to_numpy(dtype=np.float64)
    h = purchases(features)
    elapsed, gap = (h.T - h.recency) * DAYS_PER_WEEK + 1, h.recency * DAYS_PER_WEEK / np.maximum(h.frequency, 1)
    late = np.searchsorted(OVERDUE_EDGES, elapsed / np.maximum(gap, 1.0), side="right")
    many = (days > FEW_ORDER_DAYS).astype(np.int64)
    return np.where(days > 1, 1 + late + many * (len(OVERDUE_EDGES) + 1), 0)


def _lomax(process: BetaGeoNBD, features: pd.DataFrame) -> tuple[Floats, Floats]:
    """Shape and scale (days) of the wait of a customer who has not left."""
    h = purchases(features)
    return process.params_["r"] + h.frequency, (process.params_["alpha"] + h.T) * DAYS_PER_WEEK


def _level(process: BetaGeoNBD, features: pd.DataFrame, days: Floats, within_days: int) -> Floats:
    shape, scale = _lomax(process, features)
    until, all_in = (-np.expm1(-shape * np.log1p(time / scale)) for time in (days, np.float64(within_days)))
    return np.asarray(np.clip(until / all_in, 0.0, 1.0))


def _quantiles(level: Floats) -> Floats:
    found = np.quantile(level, GRID)
    found[0], found[-1] = 0.0, 1.0
    return found
