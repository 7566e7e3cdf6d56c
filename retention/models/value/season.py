"""What the season to come does to the level, read off the same days a year ago.

Boosting has learned from the season that has just passed, and the purchase process knows none. Where the history reaches
back a year, the orders of those days beside what the learned candidate says of their customers show how the season to
come differs from the one learned from: customers are the same to it, only the calendar is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.value.boosting import TwoStage

Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]

YEAR_DAYS = 364
# Dates this close to a year ago count as a year ago.
TOLERANCE_DAYS = 10
# With outcomes of nearly a year, a year ago is no other season but the newest training date.
APART_DAYS = 90
# A season that came once need not come again as strongly.
TRUST = 0.8
LARGEST_SHIFT = 0.5
# A shift is believed as far as it exceeds what chance does: standard deviation of the logarithm of seasons.
PRIOR_SHIFT = 0.2
# Fewer buyers than this within the days of a year ago say little about a season.
LEAST_BUYERS = 200


@dataclass(frozen=True)
class Season:
    """Factors by which the candidates are moved: of the purchase process, and of what has learned from recent outcomes."""

    process: float = 1.0
    learned: float = 1.0


NO_SEASON = Season()


def recent(dates: Days, horizon_days: int) -> NDArray[np.bool_]:
    """Rows to learn from: not those that a year ago were as of the day that scores, nor older ones."""
    then = dates.max() + np.timedelta64(horizon_days - YEAR_DAYS + TOLERANCE_DAYS, "D")
    return np.asarray((dates > then) | (dates > dates.max() - np.timedelta64(APART_DAYS, "D")))


def season_of(features: pd.DataFrame, orders: Floats, dates: Days, learned: TwoStage) -> Season:
    """Compare the days of a year ago with the most recent ones.

    Parameters
    ----------
    features, orders, dates : rows of the training set and the order days within the learned horizon.
    learned : what has learned from the recent rows.

    Returns
    -------
    No factor where the training dates do not reach a year back, or too few bought then.
    """
    now = recent(dates, learned.horizon_days)
    if int((orders[~now] > 0).sum()) < LEAST_BUYERS:
        return NO_SEASON
    then = _level(orders[~now], learned.predict(features[~now]).orders)
    recently = _level(orders[now], learned.predict(features[now]).orders)
    process, process_then = (
        _level(orders[rows], learned.process.orders(features[rows], [learned.horizon_days])[:, 0]) for rows in (now, ~now)
    )
    # Where a company had just begun a year ago, all its customers were newer than any that were learned from, and what is said
    # of them is a guess. A season shows in what the purchase process says of them too: where the two disagree, it is none.
    shift = then - recently if (then - recently) * (process_then - process) > 0 else 0.0
    variance = float((orders[~now] ** 2).sum() / orders[~now].sum() ** 2)
    trust = TRUST * PRIOR_SHIFT**2 / (PRIOR_SHIFT**2 + variance)
    shifts = np.clip(trust * np.array([shift + process, shift]), -LARGEST_SHIFT, LARGEST_SHIFT)
    return Season(*(float(factor) for factor in np.exp(shifts)))


def _level(actual: Floats, expected: Floats) -> float:
    return float(np.log(max(actual.sum(), 1.0) / max(expected.sum(), 1e-9)))
