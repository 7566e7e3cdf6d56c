"""What customers of a range of keys bought within a window, as it was known at a date, ready to be counted.

The lines are read from the warehouse once, in the state that they had at the date, and counted in DuckDB, which joins baskets
with themselves in a fraction of the time. What several countings begin with (items of each order, orders, baskets of frequent
items) is made once for each level. One thread, and lines in the order of their keys: sums are the same to the last digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from retention.features.binds import feature_binds, used_binds
from retention.warehouse import Run, read_arrow, sql_file

if TYPE_CHECKING:
    import duckdb

# Tables that others are counted from, in the order in which they are made.
_MADE = ("bought", "orders", "baskets")
_BIND = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


class Baskets:
    """The lines of a range of customers in a DuckDB of their own; see :func:`open_baskets`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, binds: Mapping[str, Any]) -> None:
        self._connection = connection
        self._binds = dict(binds)
        self._level: str | None = None

    def table(self, name: str, rows: pa.Table | pd.DataFrame) -> None:
        """Make rows known under a name."""
        self._connection.register(name, rows)

    def count(self, name: str, level: str | None = None) -> pd.DataFrame:
        """Answer a query of ``include/sql/scores``.

        Parameters
        ----------
        level : product or category, for queries that count items.
        """
        if level is not None and level != self._level:
            self._binds["level"], self._level = level, level
            for made in _MADE:
                self._run(f"create or replace temp table {made} as {sql_file(f'scores/_{made}')}")
        return self._run(sql_file(f"scores/{name}")).df()

    def _run(self, sql: str) -> duckdb.DuckDBPyConnection:
        code = "\n".join(line.partition("--")[0] for line in sql.splitlines())
        asked = {name: self._binds[name] for name in _BIND.findall(code)}
        return self._connection.execute(_BIND.sub(r"$\1", code), asked or None)


@contextmanager
def open_baskets(
    run: Run, as_of: date, keys: Mapping[str, int], window_days: int, binds: Mapping[str, Any] | None = None
) -> Iterator[Baskets]:
    """Read the lines of a range of customers.

    Parameters
    ----------
    as_of : what happened before this date is known.
    keys : `first_key` and `last_key`.
    window_days : business days before the date.
    binds : what the queries ask for beside.
    """
    import duckdb

    since = run.settings.day_start(as_of - timedelta(days=window_days))
    sql = sql_file("scores/_lines")
    asked = {**feature_binds(run.settings, as_of), **keys, "since": since}
    lines = read_arrow(run.warehouse, sql, used_binds(sql, asked))
    lines = lines.sort_by([(name, "ascending") for name in ("customer_key", "order_key", "line_number")])
    connection = duckdb.connect(":memory:", config={"threads": 1})
    try:
        connection.execute("set enable_progress_bar = false")
        connection.register("lines", lines)
        yield Baskets(connection, binds or {})
    finally:
        connection.close()
