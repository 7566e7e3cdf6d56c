"""Connections to the warehouse, with safe session settings, and bulk transfer as Arrow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import adbc_driver_postgresql.dbapi
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from retention.warehouse.arrow_connections import ArrowConnections
from retention.warehouse.errors import RetentionError, quote_error
from retention.warehouse.identifiers import literal

_SESSION = {
    "timezone": "UTC",
    "search_path": "",  # every table is named with its schema: no look-alike elsewhere can be read by mistake
    "client_connection_check_interval": "1000",  # a killed client's statement must not go on and commit
    "idle_in_transaction_session_timeout": "600000",
    "lock_timeout": "60000",
    "statement_timeout": "1800000",
    "jit": "off",
    # Publishing works through temporary tables of as many rows as a delivery has; taken only as far as it is needed.
    "temp_buffers": "256MB",
}


_NUMBERED = registry.load("postgresql.asyncpg")  # writes binds as $1, which ADBC wants
_CAST_BIND = re.compile(r"(?<![:\w]):(\w+)(?=::)")


class Warehouse:
    """One PostgreSQL database, opened on first use.

    Parameters
    ----------
    url : str
        ``postgresql://user:password@host:port/database``.
    application_name : str
        What other sessions see this one as.
    settings : mapping, optional
        Session settings beside or in place of the safe ones.
    """

    def __init__(self, url: str, application_name: str = "retention", settings: Mapping[str, str] | None = None) -> None:
        if not url:
            raise RetentionError(
                "no database URL: set RETENTION_WAREHOUSE_URL and RETENTION_MARKETING_URL, or run `retention init` for the "
                "embedded server.",
                runbook="no-database-url",
            )
        self._url = _postgres_url(url)
        self._options = " ".join(f"-c {key}={value}" for key, value in {**_SESSION, **(settings or {})}.items())
        self._application_name = application_name
        self._engine: Engine | None = None
        self._arrow = ArrowConnections(self._open_arrow)

    def __repr__(self) -> str:
        return f"Warehouse({self._url.render_as_string(hide_password=True)})"

    @property
    def url(self) -> URL:
        """URL of the database (its text form hides the password)."""
        return self._url

    @property
    def place(self) -> str:
        """Where the database is, for messages: without user and password."""
        return f"database {self._url.database} at {self._url.host or 'this machine'}:{self._url.port or 5432}"

    @property
    def engine(self) -> Engine:
        """SQLAlchemy engine over psycopg 3. Parameters never appear in its errors."""
        if self._engine is None:
            self._engine = sa.create_engine(
                self._url.set(drivername="postgresql+psycopg"),
                hide_parameters=True,
                pool_pre_ping=True,
                pool_size=4,
                max_overflow=8,
                connect_args={"options": self._options, "application_name": self._application_name, "connect_timeout": 10},
            )
        return self._engine

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that commits at the end. Database errors come out without row values."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise quote_error(error, self.place) from None

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open a connection for reading: nothing done in it is kept."""
        try:
            with self.engine.connect() as connection:
                yield connection
                connection.rollback()
        except DBAPIError as error:
            raise quote_error(error, self.place) from None

    @contextmanager
    def adbc(self) -> Iterator[adbc_driver_postgresql.dbapi.Connection]:
        """Give an ADBC connection (Arrow in and out) in a transaction of its own: nothing is kept that is not committed."""
        with self._arrow.taken() as connection:
            yield connection

    def _open_arrow(self) -> adbc_driver_postgresql.dbapi.Connection:
        # Built by hand: libpq reads %20 but not the "+" that URL encoders write for a space.
        query = {"options": self._options, "application_name": self._application_name, "connect_timeout": "10"}
        url = self._url.set(query={}).render_as_string(hide_password=False)
        pairs = {**{key: str(value) for key, value in self._url.query.items()}, **query}
        try:
            return adbc_driver_postgresql.dbapi.connect(f"{url}?{urlencode(pairs, quote_via=quote)}")
        except adbc_driver_postgresql.dbapi.Error as error:
            raise quote_error(error, self.place) from None

    def dispose(self) -> None:
        """Close all idle connections."""
        self._arrow.close()
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def _postgres_url(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None  # its text stays out of the message: it may hold a password
    if url is None or not url.drivername.startswith("postgres") or not url.database:
        kind = f" of {url.get_backend_name()}" if url is not None and not url.drivername.startswith("postgres") else ""
        raise RetentionError(
            f"an address{kind} was given where warehouse and marketing database need one like "
            "postgresql://user:password@host:5432/database. Nothing was opened.",
            runbook="no-database-url",
        )
    return url.set(drivername="postgresql")


def read_frame(source: Warehouse | Connection, sql: str, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Read the rows of a query into a frame: for results that fit on a screen or a model's input.

    With a :class:`Warehouse` the rows come as Arrow (fast, own snapshot); with a connection they come from inside its
    transaction.
    """
    if isinstance(source, Warehouse):
        frame: pd.DataFrame = read_arrow(source, sql, params).to_pandas()
        return frame
    result = source.execute(*statement(sql, params or {}))
    return pd.DataFrame(result.fetchall(), columns=list(result.keys()))


def read_arrow(
    warehouse: Warehouse, sql: str, params: Mapping[str, Any] | None = None, *, snapshot: str | None = None
) -> pa.Table:
    """Read the rows of a query as an Arrow table, in the state of an exported ``snapshot`` if one is given.

    ``numeric`` columns arrive as text: cast them in the query to what is meant.
    """
    text, values = _numbered(sql, params or {})
    with warehouse.adbc() as connection, connection.cursor() as cursor:
        try:
            if snapshot is not None:
                cursor.execute("set transaction isolation level repeatable read, read only")
                cursor.execute(f"set transaction snapshot {literal(snapshot)}")
            cursor.execute(text, values)
            return cursor.fetch_arrow_table()
        except adbc_driver_postgresql.dbapi.Error as error:
            raise quote_error(error, "reading") from None


def ingest_arrow(warehouse: Warehouse, table: str, data: pa.Table | pa.RecordBatch | pa.RecordBatchReader) -> int:
    """Append Arrow data to a table by COPY, in a transaction of its own.

    For landing and staging only, which nobody reads before the ledger says so. Columns are matched by name.

    Returns
    -------
    Rows written.
    """
    schema, _, name = table.partition(".")
    with warehouse.adbc() as connection, connection.cursor() as cursor:
        try:
            rows = cursor.adbc_ingest(name.strip('"'), data, mode="append", db_schema_name=schema)
            connection.commit()
        except adbc_driver_postgresql.dbapi.Error as error:
            raise quote_error(error, f"loading {table}") from None
    return int(rows)


def statement(sql: str, params: Mapping[str, Any]) -> tuple[sa.TextClause, dict[str, Any]]:
    """Prepare a query with ``:name`` binds for ``connection.execute(*statement(sql, params))``.

    SQLAlchemy overlooks a bind that a cast follows (``:day::date``), so it is put in brackets. Parameters that the query does
    not use are left out: every query may be handed :meth:`Run.binds`.
    """
    clause = sa.text(_CAST_BIND.sub(r"(:\1)", sql))
    return clause, {name: value for name, value in params.items() if name in clause._bindparams}


def _numbered(sql: str, params: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """Rewrite ``:name`` binds to ``$1`` and put the values in that order."""
    clause, known = statement(sql, params)
    compiled = clause.bindparams(**known).compile(dialect=_NUMBERED())
    return str(compiled), [known[name] for name in compiled.positiontup or ()]
