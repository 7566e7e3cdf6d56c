"""Pairs of records, compared and weighed by splink on an in-memory DuckDB."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from retention.identity.comparisons import COMPARED, EMAIL_SAME, PHONE_SAME

if TYPE_CHECKING:
    import duckdb

    from retention.identity.model import LinkageModel

_COMPARED_COLUMNS = (
    "unique_id", "name_full", "sound", "surname", "given", "script", "email", "email_local", "email_domain", "email_use",
    "phone", "phone_use", "birth", "gender", "city", "region", "wedding",
)  # fmt: skip
_PAIRS_AT_ONCE = 300_000
GAMMAS = tuple(f"gamma_{name}" for name in COMPARED)


@contextmanager
def duckdb_in_memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB that lives in this process and leaves nothing behind."""
    import duckdb

    connection = duckdb.connect(":memory:")
    try:
        connection.execute("set enable_progress_bar = false")
        connection.execute("set preserve_insertion_order = false")
        yield connection
    finally:
        connection.close()


def open_linker(connection: duckdb.DuckDBPyConnection, prepared: pd.DataFrame, settings: Any) -> Any:
    """Open splink over prepared records, with the name frequencies that the records carry."""
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(connection=connection)
    connection.register("people", as_arrow(prepared[list(_COMPARED_COLUMNS)]))
    names = prepared[["name_full", "tf_name_full"]].dropna().drop_duplicates("name_full")
    connection.register("name_shares", as_arrow(names))
    linker = Linker(api.register("people"), settings, log_level=None)
    linker.table_management.register_term_frequency_lookup(api.register("name_shares"), "name_full")
    return linker


def score(prepared: pd.DataFrame, pairs: pa.Table, model: LinkageModel, keep_all: bool = False) -> pd.DataFrame:
    """Compare pairs of records and weigh what agrees and what does not.

    A pair's outcome depends on its two records and the model alone.

    Parameters
    ----------
    prepared : DataFrame
        By :func:`retention.identity.records.prepare`, with ``email_use`` and ``phone_use``.
    pairs : Arrow table of ``left`` and ``right``
        Keys of the records to compare.
    keep_all : bool
        Also return pairs that no rule looks at: those without a shared address and with a probability below review.

    Returns
    -------
    DataFrame: ``left``, ``right``, the level of each comparison as ``gamma_*``, ``weight`` (log2 of the evidence) and
    ``probability``.
    """
    columns = ["left", "right", *GAMMAS, "weight", "probability"]
    if pairs.num_rows == 0:
        return pd.DataFrame({name: pd.Series(dtype="int64" if name in ("left", "right") else "float64") for name in columns})
    keys = prepared["unique_id"].to_numpy()
    found = []
    for start in range(0, pairs.num_rows, _PAIRS_AT_ONCE):
        part = pairs.slice(start, _PAIRS_AT_ONCE)
        compared = np.isin(keys, np.concatenate([part["left"].to_numpy(), part["right"].to_numpy()]))
        found.append(_score(prepared[compared], part, model, keep_all))
    return pd.concat(found).sort_values(["left", "right"], ignore_index=True)


def _score(prepared: pd.DataFrame, pairs: pa.Table, model: LinkageModel, keep_all: bool) -> pd.DataFrame:
    """Score as many pairs as are held in memory at once: splink writes both records of each beside each other."""
    with duckdb_in_memory() as connection:
        connection.register("pairs", pairs)
        linker = open_linker(connection, prepared, model.splink)
        connection.execute(
            'create table blocked as select \'0\' as match_key, "left" as join_key_l, "right" as join_key_r from pairs'
        )
        linker.table_management.register_blocked_pairs_for_predict(linker._db_api.register("blocked"))
        predicted = linker.inference.predict(warning_mode="never").physical_name
        wanted = (
            "true" if keep_all else f"gamma_email = {EMAIL_SAME} or gamma_phone = {PHONE_SAME} or match_probability >= $review"
        )
        found: pd.DataFrame = connection.execute(
            f"select least(unique_id_l, unique_id_r) as left, greatest(unique_id_l, unique_id_r) as right, "
            f"{', '.join(GAMMAS)}, match_weight as weight, match_probability as probability from {predicted} where {wanted}",
            {} if keep_all else {"review": model.review_probability},
        ).df()
    return found


def as_arrow(frame: pd.DataFrame) -> pa.Table:
    """Return a frame as Arrow, whose columns of nothing but nulls are still text."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = [pa.field(f.name, pa.string()) if pa.types.is_null(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields))
