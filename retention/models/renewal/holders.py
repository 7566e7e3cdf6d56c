"""What is known of the holders of contracts: all features of customers, whether they have ordered or not.

The frame that other models read has purchasers only. A policyholder who never ordered may complain all the same.
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from retention.features.binds import feature_binds, used_binds
from retention.features.tables import FEATURE_TABLES, feature_sql
from retention.models.inputs import model_columns
from retention.models.renewal.contracts import COLUMNS
from retention.warehouse import Run, load_contract, read_frame


def contract_features(run: Run, due: pd.DataFrame, as_of: date, *, published: bool) -> pd.DataFrame:
    """What is known of contracts due as of a date, and of their holders.

    Parameters
    ----------
    published : True reads the published slices of that date, False computes them by the same queries.

    Returns
    -------
    DataFrame, index customer_key, in the order of `due`: `COLUMNS`, then the columns models may learn from, as floats.
    """
    allowed = set(model_columns())
    table = due[list(COLUMNS)]
    for name in FEATURE_TABLES:
        columns = [column.name for column in load_contract(name).columns if column.name in allowed]
        known = _read(run, name, columns, as_of, published)
        table = table.join(known.astype("float64"), how="left")
    return table


def _read(run: Run, table: str, columns: list[str], as_of: date, published: bool) -> pd.DataFrame:
    source = f"{table} where as_of_date = :as_of_date" if published else f"(\n{feature_sql(table)}\n) as slice"
    sql = f"select {', '.join(['customer_key', *columns])} from {source}"
    return read_frame(run.warehouse, sql, used_binds(sql, feature_binds(run.settings, as_of))).set_index("customer_key")
