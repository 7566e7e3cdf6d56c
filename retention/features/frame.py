"""The features of purchasers as frames: what models train on and score."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import product

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from retention.features.binds import feature_binds, used_binds
from retention.features.slices import require_published
from retention.features.states import customer_ranges, state_of_core
from retention.features.tables import FEATURE_TABLES, feature_sql
from retention.settings import Settings, load_settings
from retention.warehouse import Warehouse, load_contract, read_arrow


def model_features() -> list[str]:
    """Return the names of the columns that models see, in the order of the frame."""
    return [name for table in FEATURE_TABLES for name in _features_of(table)]


def frame(warehouse: Warehouse, as_of: date, published: bool = True, *, settings: Settings | None = None) -> pd.DataFrame:
    """Return the model features of every purchaser as of a date.

    Parameters
    ----------
    warehouse : Warehouse
    as_of : date
        D: only what happened before its beginning is used.
    published : bool
        True reads the published slices (scoring); False computes them from ``core`` by the same queries (training at past
        dates), and writes nothing.
    settings : Settings, optional
        Where the business day is cut; default the installation's own settings.

    Returns
    -------
    DataFrame indexed by ``customer_key`` in ascending order, one row per purchaser, columns :func:`model_features` as
        float64, NaN where a feature says nothing. It holds what purchase-process models need as well:
        ``count_order_days_lifetime``, ``first_to_last_order_days``, ``tenure_days`` (in days) and
        ``repeat_order_value_mean_minor``.

    Raises
    ------
    MissingSlice when a published slice is asked for and there is none.
    """
    if not published:
        return frames(warehouse, [as_of], settings=settings)[as_of]
    require_published(warehouse, FEATURE_TABLES, as_of)

    def read(table: str) -> pa.Table:
        columns = ", ".join(["customer_key", *_features_of(table)])
        return read_arrow(warehouse, f"select {columns} from {table} where as_of_date = :as_of_date", {"as_of_date": as_of})

    with ThreadPoolExecutor(max_workers=2) as pool:
        return _joined({table: [rows] for table, rows in zip(FEATURE_TABLES, pool.map(read, FEATURE_TABLES), strict=True)})


def frames(
    warehouse: Warehouse, dates: Iterable[date], *, settings: Settings | None = None, share: float = 1.0
) -> dict[date, pd.DataFrame]:
    """Return the model features of purchasers as of several past dates, computed from one state of ``core`` in one pass.

    Customers are cut into ranges; a connection goes through all dates of a range before it takes the next, so that what is
    known of a customer is read from disk once.

    Parameters
    ----------
    dates : iterable of date
        Each is a D as in :func:`frame`; nothing from its beginning on is used for it.
    settings : Settings, optional
        Where the business day is cut; default the installation's own settings.
    share : float
        Share of the customers to return, in (0, 1]: the same ones at every date. Keys are hashes, so a range of keys is a
        sample without a pattern.

    Returns
    -------
    One frame per date, as :func:`frame` returns it.
    """
    if not 0 < share <= 1:
        raise ValueError(f"the share of customers to read lies in (0, 1], not {share}")
    wanted = sorted(set(dates))
    settings = settings or load_settings()
    binds = {day: feature_binds(settings, day) for day in wanted}
    with state_of_core(warehouse) as (connection, state):
        ranges = [_first_part(keys, share) for keys in customer_ranges(connection, settings.features)]

        def read(keys: dict[str, int]) -> dict[tuple[date, str], pa.Table]:
            found = {}
            for table, day in product(FEATURE_TABLES, wanted):
                columns = ", ".join(["customer_key", *_features_of(table)])
                sql = f"select {columns} from (\n{feature_sql(table)}\n) as slice"
                values = used_binds(sql, {**binds[day], **keys})
                found[day, table] = read_arrow(warehouse, sql, values, snapshot=state.exported)
            return found

        with ThreadPoolExecutor(max_workers=settings.features.buckets) as pool:
            parts = list(pool.map(read, ranges))
    return {day: _joined({table: [part.pop((day, table)) for part in parts] for table in FEATURE_TABLES}) for day in wanted}


def _first_part(keys: dict[str, int], share: float) -> dict[str, int]:
    """Return the first part of a range of keys."""
    if share == 1.0:
        return keys
    return {**keys, "last_key": keys["first_key"] + int((keys["last_key"] - keys["first_key"]) * share)}


def _joined(tables: dict[str, list[pa.Table]]) -> pd.DataFrame:
    """Put the tables side by side, for those who bought: each column goes straight to its place in one matrix.

    A hundred columns of a million customers are 800 MB; joining and casting frames held that three times over.
    """
    bought = pa.concat_tables(tables[FEATURE_TABLES[0]]).column("customer_key").to_numpy()
    index = pd.Index(np.sort(bought), name="customer_key")
    values = np.full((len(model_features()), index.size), np.nan)  # a row per column: contiguous, as pandas keeps a block
    place = 0
    for table in FEATURE_TABLES:
        rows = pa.concat_tables(tables.pop(table))
        at = index.get_indexer(pd.Index(rows.column("customer_key").to_numpy()))  # -1: has not bought
        known = at >= 0
        for name in _features_of(table):
            values[place, at[known]] = pc.cast(rows.column(name), pa.float64()).to_numpy()[known]
            place += 1
    return pd.DataFrame(values.T, index=index, columns=model_features(), copy=False)


def _features_of(table: str) -> list[str]:
    return [column.name for column in load_contract(table).columns if column.model_feature]
