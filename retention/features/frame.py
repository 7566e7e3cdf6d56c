"""The features of purchasers as one frame: what models train on and score."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pandas as pd

from retention.features.binds import feature_binds, used_binds
from retention.features.slices import require_published
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
    if published:
        require_published(warehouse, FEATURE_TABLES, as_of)
    binds = feature_binds(settings or load_settings(), as_of)

    def read(table: str) -> pd.DataFrame:
        columns = ", ".join(["customer_key", *_features_of(table)])
        if published:
            sql = f"select {columns} from {table} where as_of_date = :as_of_date"
        else:
            sql = f"select {columns} from (\n{feature_sql(table)}\n) as slice"
        rows: pd.DataFrame = read_arrow(warehouse, sql, used_binds(sql, binds)).to_pandas()
        return rows.set_index("customer_key")

    with ThreadPoolExecutor(max_workers=2) as pool:
        orders, *others = pool.map(read, FEATURE_TABLES)
    joined = orders.sort_index()
    for other in others:
        joined = joined.join(other, how="left", validate="one_to_one")
    return joined[model_features()].astype("float64")


def _features_of(table: str) -> list[str]:
    return [column.name for column in load_contract(table).columns if column.model_feature]
