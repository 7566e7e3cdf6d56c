"""The border to the literature's vocabulary: from feature columns to repeat purchases, recency and T in weeks.

Training, scoring and evaluation all come through here, so the three cannot disagree on what a purchase or a week is.
A purchase is a day with at least one live order; amounts are net of refunds and returns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAYS_PER_WEEK = 7.0

COLUMNS = ("recency_days", "tenure_days", "count_order_days_lifetime", "repeat_order_value_mean_minor")


@dataclass(frozen=True)
class Purchases:
    """Purchase histories, one entry per customer in the order of the frame.

    Attributes
    ----------
    frequency : repeat purchases (days with an order after the first such day).
    recency, T : weeks from the first purchase to the last one, and to the last day included.
    mean_value : mean net value of the repeat purchases in minor units; nan where there is none or it is not positive.
    """

    frequency: Floats
    recency: Floats
    T: Floats
    mean_value: Floats

    @property
    def valued(self) -> NDArray[np.bool_]:
        """Customers whose repeat purchases have a positive value: those Gamma-Gamma may learn from."""
        return (self.frequency > 0) & np.isfinite(self.mean_value)


def purchases(features: pd.DataFrame) -> Purchases:
    """Read purchase histories off the order features.

    Parameters
    ----------
    features : DataFrame with `recency_days`, `tenure_days` (days from the last and the first order date to the as-of
        date, so at least 1), `count_order_days_lifetime`, `repeat_order_value_mean_minor`.

    Raises
    ------
    ValueError when a column is missing or a purchaser has no dates.
    """
    missing = [name for name in COLUMNS if name not in features.columns]
    if missing:
        raise ValueError(f"features lack {', '.join(missing)}")
    since_last, since_first, days, value = (
        pd.to_numeric(features[name]).to_numpy(dtype=np.float64, na_value=np.nan) for name in COLUMNS
    )
    unknown = ~(np.isfinite(since_last) & np.isfinite(since_first) & np.isfinite(days))
    if unknown.any():
        raise ValueError(f"{int(unknown.sum())} of {len(features)} purchasers have no order dates or counts")
    frequency = np.maximum(days - 1, 0.0)
    # The last day included is the day before the as-of date.
    age = np.maximum(since_first - 1, 0.0) / DAYS_PER_WEEK
    recency = np.where(frequency > 0, np.maximum(since_first - since_last, 0.0) / DAYS_PER_WEEK, 0.0)
    usable = (frequency > 0) & np.isfinite(value) & (value > 0)
    return Purchases(frequency, np.minimum(recency, age), age, np.where(usable, value, np.nan))
