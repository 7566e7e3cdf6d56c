"""The published features of a day, read in ranges of customers: no more than a few ranges are in memory at a time.

A hundred columns of a million customers are 800 MB, and every step that touches them makes more of it. Scores are made of
one customer at a time, so nobody needs them all at once; what does need everybody (gates, bands, averages) needs a few
columns, which are kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from numpy.typing import NDArray

from retention.features.slices import require_published
from retention.features.tables import FEATURE_TABLES
from retention.models.inputs import FeaturesMissing, model_columns
from retention.models.learning import limited_threads
from retention.warehouse import RetentionError, Run, load_contract, read_arrow

Keys = NDArray[np.int64]
Flags = NDArray[np.bool_]
Result = TypeVar("Result")

# Customers in one range: large enough that a query and a prediction are worth their fixed cost.
RANGE_CUSTOMERS = 62_500
# Ranges worked on side by side, at most: one waits for the database while the other computes.
MOST_SIDE_BY_SIDE = 4
BOUGHT = "count_order_days_lifetime"


class FeaturesChanged(RetentionError):
    """The features of the day were published again while they were being read."""

    runbook = "features-changed"


@dataclass(frozen=True)
class Day:
    """The purchasers of a date and their published features.

    Attributes
    ----------
    keys : customer keys of the purchasers, ascending.
    columns : what may be asked for.
    """

    run: Run
    keys: Keys
    columns: frozenset[str]
    tokens: tuple[int, ...] = ()

    @classmethod
    def of(cls, run: Run) -> Day:
        """Find the purchasers of the run's as-of date.

        Raises
        ------
        MissingSlice when the features of the date are not published: scores come from features of their own date only.
        FeaturesMissing when columns that every model needs are in no contract.
        """
        require_published(run.warehouse, FEATURE_TABLES, run.as_of_date)
        model_columns()  # no protected attribute among them
        tokens = _tokens(run)
        found = read_arrow(
            run.warehouse,
            f"select customer_key from {FEATURE_TABLES[0]} where as_of_date = :as_of_date and {BOUGHT} > 0",
            {"as_of_date": run.as_of_date},
        )
        return cls(run, np.sort(found.column("customer_key").to_numpy()), frozenset(_tables_of_columns()), tokens)

    def __len__(self) -> int:
        return len(self.keys)

    def read(self, keys: Keys, columns: Sequence[str]) -> pd.DataFrame:
        """Read the features of some purchasers.

        Parameters
        ----------
        keys : ascending.

        Returns
        -------
        DataFrame, index `customer_key` in the order of `keys`; floats, NaN where a feature says nothing.

        Raises
        ------
        FeaturesMissing naming columns that are in no contract.
        """
        places = {name: place for place, name in enumerate(columns)}
        values = np.full((len(columns), len(keys)), np.nan)
        if len(keys):
            for table, names in _by_table(columns).items():
                rows = self._rows(table, names, keys)
                asked = rows.column("customer_key").to_numpy()
                at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
                known = keys[at] == asked
                for name in names:
                    values[places[name], at[known]] = pc.cast(rows.column(name), pa.float64()).to_numpy()[known]
        return pd.DataFrame(values.T, index=pd.Index(keys, name="customer_key"), columns=list(columns), copy=False)

    def ranges(self) -> list[slice]:
        """Positions in `keys` that are worked on together."""
        count = max(1, -(-len(self.keys) // RANGE_CUSTOMERS))
        edges = np.linspace(0, len(self.keys), count + 1).astype(int)
        return [slice(int(start), int(end)) for start, end in pairwise(edges)]

    def check_unchanged(self) -> None:
        """Make sure that everything that was read is of one publication.

        Raises
        ------
        FeaturesChanged when another one came in between.
        """
        if self.tokens and _tokens(self.run) != self.tokens:
            raise FeaturesChanged(
                f"features {self.run.as_of_date}: expected one publication while scores were computed, found that they were "
                "published again meanwhile. Nothing published. Run the scores of that day again."
            )

    def _rows(self, table: str, names: Sequence[str], keys: Keys) -> pa.Table:
        """Rows of a table: those between the first and the last key, or those of the keys where they are few among them."""
        binds: dict[str, Any] = {
            "as_of_date": self.run.as_of_date, "first_key": int(keys[0]), "last_key": int(keys[-1]),
        }  # fmt: skip
        between = np.searchsorted(self.keys, keys[-1], side="right") - np.searchsorted(self.keys, keys[0])
        sql = (
            f"select {', '.join(['customer_key', *names])} from {table} "
            "where as_of_date = :as_of_date and customer_key between :first_key and :last_key"
        )
        if len(keys) < between / 2:
            sql += " and customer_key in (select cast(unnest(string_to_array(:keys, ',')) as bigint))"
            binds["keys"] = ",".join(map(str, keys.tolist()))
        return read_arrow(self.run.warehouse, sql, binds)


def side_by_side(ranges: Sequence[slice], work: Callable[[slice], Result]) -> Iterator[Result]:
    """Do a piece of work for each range, several at a time; results come in order, and few of them wait."""
    with _workers(len(ranges)) as (pool, count):
        waiting: list[Future[Result]] = []
        for rows in ranges:
            waiting.append(pool.submit(work, rows))
            if len(waiting) > count:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()


@contextmanager
def _workers(ranges: int) -> Iterator[tuple[ThreadPoolExecutor, int]]:
    granted = os.environ.get("RETENTION_CORES", "")
    cores = int(granted) if granted.isdigit() and int(granted) > 0 else os.cpu_count() or 1
    count = max(1, min(cores, ranges, MOST_SIDE_BY_SIDE))
    # One thread each for linear algebra: the ranges are what runs side by side.
    with limited_threads(1), ThreadPoolExecutor(max_workers=count) as pool:
        yield pool, count


def _tables_of_columns() -> dict[str, str]:
    """Each model feature's table."""
    return {column.name: table for table in FEATURE_TABLES for column in load_contract(table).columns if column.model_feature}


def _by_table(columns: Sequence[str]) -> dict[str, list[str]]:
    tables = _tables_of_columns()
    missing = [name for name in columns if name not in tables]
    if missing:
        raise FeaturesMissing(
            f"features: columns that are needed are in no contract: {', '.join(missing)}. Nothing published. Have the "
            "contracts and the migrations been brought to the same version?"
        )
    found: dict[str, list[str]] = {}
    for name in columns:
        found.setdefault(tables[name], []).append(name)
    return found


def _tokens(run: Run) -> tuple[int, ...]:
    sql = sa.text(
        "select token from ops.published where slice_key = :slice_key and table_name = any(:tables) order by table_name"
    )
    with run.warehouse.connect() as connection:
        asked = {"slice_key": run.as_of_date.isoformat(), "tables": list(FEATURE_TABLES)}
        return tuple(connection.execute(sql, asked).scalars())
