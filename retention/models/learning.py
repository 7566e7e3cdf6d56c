"""What models learn from: features as of several past dates with what became of the customers, dealt into folds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from retention.models.purchases import COLUMNS as PURCHASE_COLUMNS

Floats = NDArray[np.float64]

FOLDS = 5
LARGEST_TRAINING_SET = 400_000
ROWS_PER_THREAD = 20_000
# A year in whole weeks, so that weekdays and most holidays fall alike.
YEAR_DAYS = 364
# A feature known for fewer customers than this is not learned from: a fold might have none, and it would be noise anyway.
LEAST_KNOWN = 20


@dataclass(frozen=True)
class TrainingSet:
    """What is known as of several past dates, and what became of it.

    Attributes
    ----------
    features : one row per customer and date, `customer_key` as index; the columns models may learn from.
    dates : as-of date of each row.
    outcomes : what followed within the horizon, a row for each row of `features`: `churned` (1.0 where no order followed),
        `orders` (order days) and `net_minor` (their net value in minor units).
    """

    features: pd.DataFrame
    dates: NDArray[np.datetime64]
    outcomes: pd.DataFrame

    @property
    def churned(self) -> Floats:
        """1.0 where no order followed within the horizon."""
        return self.outcomes["churned"].to_numpy(dtype=np.float64)

    @property
    def newest(self) -> NDArray[np.bool_]:
        """Rows of the newest date."""
        return np.asarray(self.dates == self.dates.max())

    def take(self, rows: NDArray[Any]) -> TrainingSet:
        """Some of the rows."""
        return TrainingSet(self.features.iloc[rows], self.dates[rows], self.outcomes.iloc[rows])

    def with_columns(self, names: Sequence[str]) -> TrainingSet:
        """The same rows with these columns only."""
        return TrainingSet(self.features[list(names)], self.dates, self.outcomes)

    def ordered(self, most: int = LARGEST_TRAINING_SET) -> TrainingSet:
        """The same rows by date and customer, thinned by whole customers to what training needs at most."""
        keys = self.features.index.to_numpy()
        order = np.lexsort((keys, self.dates))
        if order.size > most:
            share = most / order.size
            order = order[uniform(keys[order]) < share]
        return self.take(order)

    @property
    def are_purchasers(self) -> bool:
        """Whether a purchase process can be read for every row."""
        return set(PURCHASE_COLUMNS) <= set(self.features.columns) and bool(
            self.features[[name for name in PURCHASE_COLUMNS if name != "repeat_order_value_mean_minor"]].notna().all(axis=None)
        )

    def known_often_enough(self) -> list[str]:
        """Columns with a value for enough customers to learn from; a survey nobody has answered yet is left out.

        What the purchase process is read from stays in any case.
        """
        kept = PURCHASE_COLUMNS if self.are_purchasers else ()
        customers = self.features.notna().groupby(level=0).any().sum()
        return [name for name in self.features.columns if name in kept or customers[name] >= LEAST_KNOWN]

    def worth_learning(self) -> list[str]:
        """Of those, the columns that differ between customers."""
        known = self.known_often_enough()
        kept = PURCHASE_COLUMNS if self.are_purchasers else ()
        values = self.features[known]
        varies = values.max() > values.min()
        return [name for name in known if name in kept or varies[name]]


def folds(keys: NDArray[Any]) -> NDArray[np.int64]:
    """The fold of each row, by its customer: a customer's rows of different dates never stand on both sides."""
    return (uniform(keys) * FOLDS).astype(np.int64)


def uniform(keys: NDArray[Any] | Sequence[int]) -> Floats:
    """A number in [0, 1) from each key, the same for ever (splitmix64's finaliser)."""
    z = np.asarray(keys).astype(np.int64).astype(np.uint64)
    with np.errstate(over="ignore"):
        z = z + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return np.asarray(z >> np.uint64(11), dtype=np.float64) / 2.0**53


def with_season(dates: Sequence[date], label_days: int, earliest: date) -> list[date]:
    """Training dates, and the same days of the calendar one and two years before, from which the season is read.

    Parameters
    ----------
    dates : ascending; the outcomes of the last one end where the horizon to predict begins.
    label_days : days of outcomes after each.
    earliest : first date with enough history before it.

    Returns
    -------
    Ascending. Years whose two dates (the newest training date's, and the one the horizon begins on) are not both late
    enough are left out, and so is a season that would lie within its own outcomes.
    """
    newest, begins = dates[-1], dates[-1] + timedelta(days=label_days)
    years = [timedelta(days=YEAR_DAYS * count) for count in (1, 2)] if label_days < YEAR_DAYS else []
    pairs = [(newest - year, begins - year) for year in years]
    return sorted({*dates, *(day for pair in pairs if pair[0] >= earliest for day in pair)})


def usable_cores() -> int:
    """Cores for this process: `RETENTION_CORES`, else those it may run on less those that are busy right now.

    Half the cores cost at most twice the time; a core that is not free costs far more, because the threads spin while they
    wait for each other (23,570 customers at four dates on two busy cores: 406 s with two threads, 77 s with one).
    """
    granted = os.environ.get("RETENTION_CORES")
    if granted and granted.isdigit() and int(granted) > 0:
        return int(granted)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    busy = round(os.getloadavg()[0]) if hasattr(os, "getloadavg") else 0
    return max(1, allowed - busy)


@contextmanager
def limited_threads(rows: int = ROWS_PER_THREAD) -> Iterator[None]:
    """Keep OpenMP to the cores granted, and to as many as the rows keep busy.

    With more threads than free cores boosting spins for ten times as long, and on a few thousand rows waiting for each
    other takes more time than the work.
    """
    with threadpool_limits(limits=max(1, min(usable_cores(), rows // ROWS_PER_THREAD))):
        yield
