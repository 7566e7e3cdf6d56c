"""SQL sources: any database that SQLAlchemy opens, read as a stream. PostgreSQL hands out Arrow itself."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import adbc_driver_postgresql.dbapi
import pyarrow as pa
import sqlalchemy as sa
from adbc_driver_postgresql import StatementOptions
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, NoSuchTableError

from retention.sources.errors import SourceUnreachable, SourceUnreadable, SpecError, TableMissing
from retention.sources.feeds import Columns, feed_of, under_key_names
from retention.sources.mysql import MySqlStore
from retention.sources.selection import wanted_columns
from retention.sources.spec import EntitySpec
from retention.sources.window import Bound
from retention.warehouse import RetentionError, Warehouse, quote_error

_ROWS = 20_000
_GONE = re.compile(
    r"closed the connection|terminating connection|could not receive data|connection (?:reset|timed out)|SSL (?:SYSCALL|conn)",
    re.I,
)
_BATCH_BYTES = 2 << 20
"""Of one record batch from PostgreSQL: small enough that reading, mapping and writing overlap from the beginning."""
_PLAIN = (sa.String, sa.Integer, sa.Numeric, sa.Boolean, sa.Date, sa.DateTime)
_MYSQL = ("mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql")
_READ_ONLY = {"default_transaction_read_only": "on", "search_path": "public"}
_CURSORS: dict[str, sa.types.TypeEngine[Any]] = {
    "timestamp": sa.DateTime(),
    "timestamptz": sa.DateTime(timezone=True),
    "date": sa.Date(),
}


def open_database(address: str, source: str) -> SqlStore | MySqlStore:
    """Open the database of a source: MySQL and MariaDB by a driver of their own, everything else by SQLAlchemy.

    Raises
    ------
    SpecError when the URL names no database that can be opened.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        return SqlStore(address, source)  # has the words for it
    if url.drivername in _MYSQL:
        return MySqlStore(url, source)
    return SqlStore(address, source)


class SqlStore:
    """A database that SQLAlchemy opens, for reading only; PostgreSQL is read by COPY.

    Raises
    ------
    SpecError when the URL names no database that SQLAlchemy knows; SourceUnreachable when it does not answer.
    """

    def __init__(self, url: str, source: str) -> None:
        self.source = source
        try:
            self._url = make_url(url)
            self._is_postgres = self._url.get_backend_name() == "postgresql"
            self._warehouse = Warehouse(url, f"retention source {source}", _READ_ONLY) if self._is_postgres else None
            self._engine: Engine = self._warehouse.engine if self._warehouse else sa.create_engine(url, hide_parameters=True)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
            raise SpecError(
                f"{source}: the URL of its connection names no database that can be opened ({type(error).__name__}); it "
                "should read "
                "like postgresql://user:password@host:5432/database, and the driver must be installed."
            ) from None

    def __enter__(self) -> SqlStore:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    def read(
        self, spec: EntitySpec, lower: Bound | None, upper: datetime | None, check: Callable[[Sequence[str]], None]
    ) -> Iterator[Columns]:
        """Yield the rows with ``lower <= cursor < upper``, streamed from the server in one statement: one snapshot.

        Without a lower bound rows whose cursor is null come too: a later read, going by the cursor, would never see them.

        Parameters
        ----------
        check : callable
            Is given the names of the columns found, before the first row.
        """
        try:
            statement = self._statement(spec, lower, upper, check)
            yield from self._arrow(spec, statement) if self._is_postgres else self._rows(statement)
        except DBAPIError as error:
            raise self._quoted(error, spec) from None

    def deletions(self, spec: EntitySpec, lower: datetime, upper: datetime) -> Iterator[Columns]:
        """Yield what the feed of deletions reports for ``lower <= t < upper``: the key, and ``deleted_at``."""
        feed, check = feed_of(self.source, spec)
        for columns, rows in self.read(feed, lower, upper, check):
            yield under_key_names(spec, columns), rows

    def _statement(
        self, spec: EntitySpec, lower: Bound | None, upper: datetime | None, check: Callable[[Sequence[str]], None]
    ) -> sa.Select[Any]:
        origin = self._query(spec) if spec.query else self._table(spec)
        names = [column.name for column in origin.columns]
        check([*names])
        wanted = [origin.columns[name] for name in wanted_columns(spec, names)]
        statement = sa.select(
            *(column if isinstance(column.type, (*_PLAIN, sa.types.NullType)) else _as_text(column) for column in wanted)
        )
        if spec.cursor is None or (lower is None and upper is None):
            return statement
        if isinstance(lower, int):
            return statement.where(origin.columns[spec.cursor] > lower)
        cursor, kind = origin.columns[spec.cursor], _CURSORS[spec.cursor_type]
        if upper is not None:
            below = cursor < sa.literal(_bound(upper, spec.cursor_type), kind)
            statement = statement.where(below if lower is not None else sa.or_(below, cursor.is_(None)))
        if lower is not None:
            statement = statement.where(cursor >= sa.literal(_bound(lower, spec.cursor_type), kind))
        return statement

    def _table(self, spec: EntitySpec) -> sa.FromClause:
        assert spec.table is not None
        schema, _, name = spec.table.rpartition(".")
        try:
            inspector = sa.inspect(self._engine)
            columns = inspector.get_columns(name, schema or None)
        except NoSuchTableError:
            known = [*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)]
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"it has {len(known)} tables and views the login may see"
            raise TableMissing(
                f"{self.source} {spec.entity}: table {spec.table} does not exist there; {hint}. Nothing landed."
            ) from None
        return sa.table(name, *(sa.column(column["name"], column["type"]) for column in columns), schema=schema or None)

    def _query(self, spec: EntitySpec) -> sa.FromClause:
        assert spec.query is not None
        text = spec.query.strip().rstrip(";")
        with self._engine.connect() as connection:
            # The text is the description's own, as trusted as the code; it is never made from data.
            names = list(connection.execute(sa.text(f"select * from ({text}) as described where 1 = 0")).keys())
            connection.rollback()
        return sa.text(text).columns(*(sa.column(name) for name in names)).subquery("described")

    def _arrow(self, spec: EntitySpec, statement: sa.Select[Any]) -> Iterator[Columns]:
        """Stream by COPY, which takes no parameters: the two bounds, our own times, are written as typed literals."""
        assert self._warehouse is not None
        text = str(statement.compile(dialect=_named_dialect(), compile_kwargs={"literal_binds": True}))
        with self._warehouse.adbc() as connection, connection.cursor() as cursor:
            try:
                cursor.adbc_statement.set_options(**{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_BATCH_BYTES)})
                cursor.execute(text)
                for batch in cursor.fetch_record_batch():
                    yield dict(zip(batch.schema.names, batch.columns, strict=True)), batch.num_rows
            except adbc_driver_postgresql.dbapi.Error as error:
                raise self._quoted(error, spec) from None
            except (OSError, pa.ArrowException) as error:  # in the middle of the stream; its words may quote a row
                raise self._broken_off(error, spec) from None

    def _rows(self, statement: sa.Select[Any]) -> Iterator[Columns]:
        with self._engine.connect().execution_options(stream_results=True, yield_per=_ROWS) as connection:
            result = connection.execute(statement)
            names = list(result.keys())
            for rows in result.partitions(_ROWS):
                columns = zip(*rows, strict=True)
                yield {name: _array(values) for name, values in zip(names, columns, strict=True)}, len(rows)

    def _broken_off(self, error: BaseException, spec: EntitySpec) -> RetentionError:
        where = f"{self.source} {spec.entity}"
        if _GONE.search(str(error)):
            return SourceUnreachable(
                f"{where}: the database at {self._url.host or self._url.database} ended the connection while {spec.where} was "
                "being read. Nothing landed; safe to retry."
            )
        return SourceUnreadable(
            f"{where}: reading {spec.where} broke off ({type(error).__name__}): a value cannot be computed or is not what its "
            "type says. Nothing landed. Run the query, or select from the view, at the source."
        )

    def _quoted(self, error: BaseException, spec: EntitySpec) -> RetentionError:
        quoted = quote_error(error, f"{self.source} {spec.entity}: reading {spec.where}")
        if quoted.retryable:
            return SourceUnreachable(
                f"{self.source} {spec.entity}: the database at {self._url.host or self._url.database} does not answer "
                "or refuses "
                "the login. Nothing landed; safe to retry."
            )
        return SourceUnreadable(f"{quoted.message} Nothing landed.")


def _named_dialect() -> Dialect:
    """Return PostgreSQL's dialect with named parameters: the driver's own would write every % of a query twice."""
    return postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy


def _as_text(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Cast types that Arrow has no word for (uuid, json, enumerations, intervals) in the database itself."""
    return sa.cast(column, sa.Text()).label(str(column.key))


def _bound(instant: datetime, cursor_type: str) -> datetime | date:
    """Return a bound as the cursor column stores it; ``instant`` is in the source's zone."""
    if cursor_type == "timestamptz":
        return instant
    return instant.date() if cursor_type == "date" else instant.replace(tzinfo=None)


def _array(values: Sequence[Any]) -> pa.Array:
    """Make an Arrow column of values as drivers return them; columns of mixed kinds become text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool} or kinds <= {int} or kinds <= {float} or kinds <= {date}:
        return pa.array(values)
    if kinds <= {datetime}:
        aware = any(value is not None and value.tzinfo is not None for value in values)
        return pa.array(values, pa.timestamp("us", "UTC" if aware else None))
    return pa.array([_plain(value) for value in values], pa.string())


def _plain(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, bytes):
        raise SourceUnreadable("a column of bytes cannot be read as text; cast it in a query or leave it out.")
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
