"""From outcomes and predictions to what the diagrams show. Customers with equal predictions share one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retention.models.report.data import Band, Shape

Floats = NDArray[np.float64]

# A band of the reliability diagram holds this many customers where there are enough for so many bands.
RELIABILITY_BAND_SIZE = 100
LEAST_BANDS, MOST_BANDS = 5, 20
DECILES = 10
GAINS_STEPS = 20
# Two-sided 95 % of the normal distribution.
NORMAL_95 = 1.959964


def shapes(actual: Any, candidates: Mapping[str, Any]) -> tuple[Shape, ...]:
    """Reliability bands, deciles and gains of every candidate on the same customers.

    Parameters
    ----------
    actual : what happened, one entry per customer: 1.0 and 0.0, or money.
    candidates : name -> predictions in the same order.
    """
    truth = np.asarray(actual, dtype=np.float64)
    if truth.size == 0:
        return ()
    return tuple(_shape(name, truth, np.asarray(values, dtype=np.float64)) for name, values in candidates.items())


def _shape(name: str, actual: Floats, predicted: Floats) -> Shape:
    order = np.argsort(predicted, kind="stable")
    actual, predicted = actual[order], predicted[order]
    shared = _shared_by_ties(actual, predicted)
    total = float(shared.sum())
    places = np.linspace(0, len(shared), GAINS_STEPS + 1)
    found = np.interp(places, np.arange(len(shared) + 1), np.r_[0.0, np.cumsum(shared[::-1])])
    gains = found / total if total > 0 else places / len(shared)
    bands = min(MOST_BANDS, max(LEAST_BANDS, len(actual) // RELIABILITY_BAND_SIZE))
    return Shape(
        name,
        tuple(_bands(actual, shared, predicted, bands)),
        tuple(reversed(_bands(actual, shared, predicted, DECILES))),
        tuple(float(share) for share in gains),
    )


def _shared_by_ties(actual: Floats, predicted: Floats) -> Floats:
    """Outcomes averaged over equal predictions, so that the order of rows decides nothing."""
    starts = np.r_[0, np.flatnonzero(np.diff(predicted)) + 1]
    sizes = np.diff(np.r_[starts, len(predicted)])
    return np.repeat(np.add.reduceat(actual, starts) / sizes, sizes)


def _bands(actual: Floats, shared: Floats, predicted: Floats, most: int) -> list[Band]:
    is_share = bool(np.isin(actual, (0.0, 1.0)).all())
    parts = [part for part in np.array_split(np.arange(len(actual)), most) if len(part)]
    return [_band(float(shared[part].mean()), actual[part], predicted[part], is_share) for part in parts]


def _band(mean: float, actual: Floats, predicted: Floats, is_share: bool) -> Band:
    if is_share:
        lower, upper = wilson(mean, len(actual))
    else:
        half = NORMAL_95 * float(actual.std(ddof=1)) / len(actual) ** 0.5 if len(actual) > 1 else abs(mean)
        lower, upper = mean - half, mean + half
    return Band(len(actual), float(predicted.mean()), mean, lower, upper)


def wilson(share: float, size: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927): inside 0 and 1, and of a width above 0 where nobody or everybody did."""
    z = NORMAL_95**2 / size
    centre = (share + z / 2) / (1 + z)
    half = NORMAL_95 * ((share * (1 - share) + z / 4) / size) ** 0.5 / (1 + z)
    return max(0.0, centre - half), min(1.0, centre + half)
