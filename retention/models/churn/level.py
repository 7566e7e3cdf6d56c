"""The level of the predictions: newest outcomes weigh most, and the season to come is read off the year before.

Outcomes that have matured are one horizon old. Where the company has a season, the level that fitted them does not fit the
horizon to come; what the same step of the calendar did to the level a year ago says by how much.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retention.models.calibration import level_shift
from retention.models.learning import YEAR_DAYS

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]

# A date this much older weighs half: the newest season counts most, and no single month decides.
HALF_LIFE_DAYS = 28
# Dates this close to a year ago count as a year ago.
TOLERANCE_DAYS = 10
# A season that came once need not come again as strongly; and a shift is believed as far as it exceeds what chance does.
SEASON_TRUST = 0.9
PRIOR_SHIFT = 0.5


def date_weights(dates: Days) -> Floats:
    """Weight of each row in the calibration: halved with every four weeks, shared by the rows of the date."""
    days, position, count = np.unique(dates, return_inverse=True, return_counts=True)
    age = (days.max() - days) / np.timedelta64(1, "D")
    return np.asarray((0.5 ** (age / HALF_LIFE_DAYS) / count)[position])


def season_shift(dates: Days, actual: Floats, calibrated: Floats, horizon_days: int) -> float:
    """Log-odds by which the horizon to come is expected to differ from the newest that has matured.

    Parameters
    ----------
    calibrated : log-odds for customers not learned from, calibrated.

    Returns
    -------
    0 where the training dates do not reach a year back. Otherwise the swing of last year's calendar from the newest date's
    outcomes to those of the horizon to come, on top of what brings the level to the newest outcomes alone.
    """
    shifts = []
    newest = dates.max()
    for years in (1, 2):
        then = newest - np.timedelta64(YEAR_DAYS * years, "D")
        before, after = _near(dates, then), _near(dates, then + np.timedelta64(horizon_days, "D"))
        if before is None or after is None or before == after:
            continue
        (low, low_variance), (high, high_variance) = (
            level_shift(actual[dates == day], calibrated[dates == day]) for day in (before, after)
        )
        variance = low_variance + high_variance
        if np.isfinite(variance):
            shifts.append((high - low) * PRIOR_SHIFT**2 / (PRIOR_SHIFT**2 + variance))
    if not shifts:
        return 0.0
    rows = dates == newest
    return level_shift(actual[rows], calibrated[rows])[0] + SEASON_TRUST * float(np.mean(shifts))


def _near(dates: Days, wanted: np.datetime64) -> np.datetime64 | None:
    days = np.unique(dates)
    distance = np.abs((days - wanted) / np.timedelta64(1, "D"))
    best = int(np.argmin(distance))
    return days[best] if distance[best] <= TOLERANCE_DAYS else None
