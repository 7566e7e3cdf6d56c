"""How the sample company's time runs: one shift by whole weeks, days that are held back, and rows as they were on a day."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SEED = 20171203
FIRST_ORIGINAL = date(2017, 1, 1)
LAST_RELEASED_ORIGINAL = date(2017, 12, 3)
"""A Sunday; the 28 days after it are held back and released one at a time."""
HELD_DAYS = 28

Changes = Mapping[str, Sequence[tuple[str, Any]]]
"""By time column: the columns that are filled at that time, with the value they have before."""


@dataclass(frozen=True)
class Timeline:
    """The days of the sample company, all dates shifted by the same whole number of weeks."""

    shift_days: int

    @classmethod
    def ending(cls, today: date) -> Timeline:
        """Return the timeline whose last released day is the last Sunday before ``today``."""
        yesterday = today - timedelta(days=1)
        sunday = yesterday - timedelta(days=(yesterday.weekday() + 1) % 7)
        return cls((sunday - LAST_RELEASED_ORIGINAL).days)

    @property
    def shift(self) -> timedelta:
        """What is added to every original date."""
        return timedelta(days=self.shift_days)

    @property
    def first_day(self) -> date:
        """First day with purchases."""
        return FIRST_ORIGINAL + self.shift

    @property
    def last_released(self) -> date:
        """Last day that the sources hold from the beginning."""
        return LAST_RELEASED_ORIGINAL + self.shift

    @property
    def held_days(self) -> list[date]:
        """The days held back, in order."""
        return [self.last_released + timedelta(days=1 + number) for number in range(HELD_DAYS)]

    @property
    def last_day(self) -> date:
        """Last day there are purchases for, held back ones included."""
        return self.held_days[-1]

    @property
    def released_end(self) -> datetime:
        """The moment the last released day ends."""
        return midnight(self.last_released + timedelta(days=1))

    @property
    def end(self) -> datetime:
        """The moment the last day ends."""
        return midnight(self.last_day + timedelta(days=1))


def midnight(day: date) -> datetime:
    """Return the beginning of a day as wall-clock time of the company."""
    return datetime.combine(day, time.min)


def generator(part: str) -> np.random.Generator:
    """Return the random numbers of one part of the simulation: the same every time, whatever the other parts draw."""
    return np.random.default_rng([SEED, zlib.crc32(part.encode())])


def either(mask: Any, yes: Any, no: Any) -> NDArray[Any]:
    """Return ``yes`` where the mask holds and ``no`` elsewhere; either may be None, for missing."""
    return np.where(np.asarray(mask), np.asarray(yes, dtype=object), np.asarray(no, dtype=object))


def as_of(frame: pd.DataFrame, created: str, changes: Changes, changed: str, end: datetime) -> pd.DataFrame:
    """Return the rows as the system held them at a moment: later rows left out, later changes not yet made.

    Parameters
    ----------
    created : str
        Column with the time at which a row appears.
    changes : mapping
        What is filled later, by the column with the time of it.
    changed : str
        Name of the column that is to hold the time of a row's last change.
    """
    rows = frame[frame[created] < end].copy()
    last = rows[created].copy()
    for column, dependents in changes.items():
        future = (rows[column] >= end).to_numpy()
        for dependent, before in dependents:
            rows.loc[future, dependent] = before
        rows[column] = rows[column].mask(future)
        last = last.where(~(rows[column] > last), rows[column])
    rows[changed] = last
    return rows


def split(
    frame: pd.DataFrame, created: str, changes: Changes, changed: str, timeline: Timeline
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split rows into what is there from the beginning and what each held day brings (new rows and changed ones).

    Returns
    -------
    The rows as of the end of the last released day; the rows that changed on a held day as of its end, with ``release_day``.
    """
    start = timeline.released_end
    moving = (frame[created] >= start) & (frame[created] < timeline.end)
    for column in changes:
        moving |= (frame[column] >= start) & (frame[column] < timeline.end)
    candidates, held = frame[moving], []
    for day in timeline.held_days:
        begin, end = midnight(day), midnight(day + timedelta(days=1))
        rows = as_of(candidates, created, changes, changed, end)
        rows = rows[rows[changed] >= begin]
        held.append(rows.assign(release_day=day))
    return as_of(frame, created, changes, changed, start), pd.concat(held, ignore_index=True)
