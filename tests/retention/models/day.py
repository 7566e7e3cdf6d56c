"""The published features of a day in memory, and a day whose features are what a test says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from retention.models.day import Day, Keys
from retention.models.inputs import model_columns
from retention.warehouse import Run


def published_features(run: Run) -> pd.DataFrame:
    """Every model feature of every purchaser."""
    day = Day.of(run)
    return day.read(day.keys, model_columns())


@dataclass(frozen=True)
class FrameDay(Day):
    """A day whose features are those of a frame, row by row in its order."""

    frame: pd.DataFrame = field(default_factory=pd.DataFrame)

    @classmethod
    def holding(cls, run: Run, frame: pd.DataFrame) -> FrameDay:
        return cls(run, frame.index.to_numpy(), frozenset(frame.columns), (), frame)

    def read(self, keys: Keys, columns: Sequence[str]) -> pd.DataFrame:
        rows = self.frame if len(keys) == len(self.frame) else self.frame.loc[keys]
        return rows[list(columns)]
