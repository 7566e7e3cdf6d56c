"""MySQL and MariaDB: every value read as the text the server holds, as a stream, from one consistent read-only snapshot.

The driver converts nothing. A date such as 0000-00-00, which has no Python value, an unsigned number or a decimal of forty
digits arrive as they are, for validation to judge; converting them would end the batch or change them.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.converters import conversions, escape_string
from pymysql.cursors import SSCursor
from sqlalchemy.engine import URL

from retention.sources.errors import SourceUnreachable, SourceUnreadable, SpecError, TableMissing
from retention.sources.feeds import Columns, feed_of, under_key_names
from retention.sources.selection import wanted_columns
from retention.sources.spec import EntitySpec
from retention.sources.window import Bound

_ROWS = 20_000
_PARAMETERS = {"unix_socket", "ssl_ca", "ssl_cert", "ssl_key", "ssl_verify_cert", "ssl_verify_identity"}
_IGNORED = {"charset", "use_unicode"}
"""What other programs need in an address and this one decides by itself."""
_SESSION = (
    "set session time_zone = '+00:00'",  # columns of type TIMESTAMP come out in the session's zone
    "set session net_write_timeout = 3600",  # the reader may be held up for a while by the warehouse
    "set session transaction isolation level repeatable read",
    "start transaction with consistent snapshot, read only",
)
_READ_TIMEOUT_S = 600
_AS_TEXT: dict[Any, Any] = {kind: encode for kind, encode in conversions.items() if not isinstance(kind, int)}
"""How Python's values are written; the other half, which would read the server's, is left out."""
_TIMESTAMP, _BIT = FIELD_TYPE.TIMESTAMP, FIELD_TYPE.BIT
_SHORT = (FIELD_TYPE.STRING, FIELD_TYPE.VAR_STRING, FIELD_TYPE.VARCHAR)
_UNREACHABLE = {1040, 1129, 1152, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1317, 1927, 2002, 2003, 2006, 2013, 2055}
_REFUSED = {1044, 1045, 1130, 1698}
_WORDS = {
    1054: "a column that its query names does not exist",
    1064: "its query is not understood",
    1142: "the login may not read it",
    1143: "the login may not read a column of it",
    1146: "a table that its query names does not exist",
    1356: "it is a view that the login may not use, or that refers to what is not there",
    1969: "the statement took longer than the server allows",
    3024: "the statement took longer than the server allows",
}
_NO_TABLE = 1146


class MySqlStore:
    """The MySQL or MariaDB database of one source, opened for reading only.

    Parameters
    ----------
    url : URL
        ``mysql://user:password@host:3306/database``; ``ssl_ca``, ``ssl_verify_identity`` and the like as its parameters.

    Raises
    ------
    SpecError when the URL has a parameter that is not known; SourceUnreachable when the server does not answer.
    """

    def __init__(self, url: URL, source: str) -> None:
        self.source = source
        unknown = sorted(set(url.query) - _PARAMETERS - _IGNORED)
        if unknown or not url.database:
            wrong = f"has parameters that are not known ({', '.join(unknown)})" if unknown else "names no database"
            raise SpecError(f"{source}: the URL of its connection {wrong}; known are {', '.join(sorted(_PARAMETERS))}.")
        self._url = url

    def __enter__(self) -> MySqlStore:
        return self

    def __exit__(self, *_: object) -> None:
        pass  # every reading has a connection, and a snapshot, of its own

    def read(
        self, spec: EntitySpec, lower: Bound | None, upper: datetime | None, check: Callable[[Sequence[str]], None]
    ) -> Iterator[Columns]:
        """Yield the rows with ``lower <= cursor < upper``, all as of one moment; see ``TableStore.read``."""
        connection = self._open(spec)
        cursor = _Stream(connection)
        try:
            origin = self._origin(spec)
            kinds = self._columns(connection, spec, origin)
            check([*kinds])
            names = wanted_columns(spec, [*kinds])
            where = _condition(spec, kinds, lower, upper)
            listed = ", ".join(_quoted(name) for name in names)
            cursor.execute(f"select {listed} from {origin}{where}")
            while rows := cursor.fetchmany(_ROWS):
                columns = zip(names, zip(*rows, strict=True), strict=True)
                yield {name: self._array(spec, name, kinds[name], values) for name, values in columns}, len(rows)
        except pymysql.MySQLError as error:
            raise self._quoted_error(error, spec) from None
        finally:
            cursor.leave()
            connection.close()  # ends the statement, wherever it is

    def deletions(self, spec: EntitySpec, lower: datetime, upper: datetime) -> Iterator[Columns]:
        """Yield what the feed of deletions reports for ``lower <= t < upper``: the key, and ``deleted_at``."""
        feed, check = feed_of(self.source, spec)
        for columns, rows in self.read(feed, lower, upper, check):
            yield under_key_names(spec, columns), rows

    def _open(self, spec: EntitySpec) -> pymysql.Connection[Any]:
        url = self._url
        given: dict[str, Any] = {key: value for key, value in url.query.items() if key in _PARAMETERS}
        for key in ("ssl_verify_cert", "ssl_verify_identity"):
            if key in given:
                given[key] = str(given[key]).lower() in ("1", "true", "yes", "on")
        try:
            connection = pymysql.connect(
                host=url.host or "localhost", port=url.port or 3306, user=url.username, password=url.password or "",
                database=url.database, charset="utf8mb4", conv=_AS_TEXT, autocommit=False, local_infile=False,
                connect_timeout=10, read_timeout=_READ_TIMEOUT_S, write_timeout=60,
                program_name=f"retention source {self.source}", **given,
            )  # fmt: skip
        except (pymysql.MySQLError, OSError) as error:
            raise self._quoted_error(error, spec) from None
        try:
            with connection.cursor() as cursor:
                for statement in _SESSION:
                    cursor.execute(statement)
        except pymysql.MySQLError as error:
            connection.close()
            raise self._quoted_error(error, spec) from None
        return connection

    def _origin(self, spec: EntitySpec) -> str:
        if spec.query:
            # The text is the description's own, as trusted as the code; it is never made from data.
            return f"({spec.query.strip().rstrip(';')}) as described"
        assert spec.table is not None
        return ".".join(_quoted(part) for part in spec.table.split("."))

    def _columns(self, connection: pymysql.Connection[Any], spec: EntitySpec, origin: str) -> dict[str, int]:
        """Return the columns found, with the types the server will send them as."""
        with connection.cursor() as cursor:
            try:
                cursor.execute(f"select * from {origin} where 1 = 0")
            except pymysql.err.ProgrammingError as error:
                if error.args[0] == _NO_TABLE and spec.table:
                    raise self._missing(connection, spec) from None
                raise
            return {column[0]: column[1] for column in cursor.description}

    def _missing(self, connection: pymysql.Connection[Any], spec: EntitySpec) -> TableMissing:
        schema, _, name = str(spec.table).rpartition(".")
        with connection.cursor() as cursor:
            within = f"'{escape_string(schema)}'" if schema else "database()"
            cursor.execute(f"select table_name from information_schema.tables where table_schema = {within}")
            known = [row[0] for row in cursor.fetchall()]
        nearest = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"it has {len(known)} tables and views the login may see"
        return TableMissing(f"{self.source} {spec.entity}: table {spec.table} does not exist there; {hint}. Nothing landed.")

    def _array(self, spec: EntitySpec, name: str, kind: int, values: Sequence[Any]) -> pa.Array:
        """Make an Arrow column: text as the server writes it, instants where the server knows them to be such."""
        if kind == _BIT:
            return pa.array([None if value is None else str(int.from_bytes(value, "big")) for value in values], pa.string())
        if any(isinstance(value, bytes) for value in values):
            if kind not in _SHORT:
                raise SourceUnreadable(
                    f"{self.source} {spec.entity}: column {name} of {spec.where} holds bytes and no text. Nothing landed. "
                    "Convert it in a query (convert(… using utf8mb4), hex(…)), or leave it out."
                )
            return pa.array([None if value is None else value.hex() for value in values], pa.string())
        text = pa.array(values, pa.string())
        return _instants(text) if kind == _TIMESTAMP else text

    def _quoted_error(self, error: BaseException, spec: EntitySpec) -> SourceUnreachable | SourceUnreadable:
        """Turn a driver's error into ours: the server's own words may hold a value, so only its number is kept."""
        number = error.args[0] if error.args and isinstance(error.args[0], int) else None
        where = f"{self.source} {spec.entity}"
        if number in _REFUSED:
            return SourceUnreachable(
                f"{where}: the database at {self._place} refuses the login (error {number}). Nothing landed. Correct the "
                "address of its connection, or the rights of its user."
            )
        if number in _UNREACHABLE or number is None or isinstance(error, OSError | pymysql.err.InterfaceError):
            return SourceUnreachable(
                f"{where}: the database at {self._place} does not answer, or ended the connection while {spec.where} was being "
                f"read{f' (error {number})' if number else ''}. Nothing landed; safe to retry."
            )
        words = _WORDS.get(number, f"the server refuses it with {type(error).__name__}")
        return SourceUnreadable(f"{where}: reading {spec.where}: {words} (error {number}). Nothing landed.")

    @property
    def _place(self) -> str:
        return str(self._url.query.get("unix_socket") or self._url.host or "localhost")


class _Stream(SSCursor):
    """Rows as they come. Left off in the middle it does not, as the driver's own would, read everything that is left."""

    _result: Any

    def leave(self) -> None:
        """Let go of the connection."""
        if self._result is not None:
            self._result.unbuffered_active = False
        self.connection = None  # type: ignore[assignment]  # the driver's own way of saying closed


def _condition(spec: EntitySpec, kinds: dict[str, int], lower: Bound | None, upper: datetime | None) -> str:
    """Return the where clause of the bounds, our own times and numbers written as literals; empty without any."""
    if spec.cursor is None or (lower is None and upper is None):
        return ""
    column = _quoted(spec.cursor)
    if isinstance(lower, int):
        return f" where {column} > {lower:d}"
    bounds = []
    if upper is not None:
        below = f"{column} < {_bound(upper, spec, kinds)}"
        bounds.append(below if lower is not None else f"({below} or {column} is null)")
    if lower is not None:
        bounds.append(f"{column} >= {_bound(lower, spec, kinds)}")
    return f" where {' and '.join(bounds)}"


def _bound(instant: datetime, spec: EntitySpec, kinds: dict[str, int]) -> str:
    """Write a bound as the cursor column is compared: TIMESTAMP in the session's UTC, everything else in the source's zone."""
    if spec.cursor_type == "date":
        return f"'{instant.date().isoformat()}'"
    local = instant.astimezone(UTC) if kinds[str(spec.cursor)] == _TIMESTAMP else instant
    return f"'{local.replace(tzinfo=None).isoformat(sep=' ')}'"


def _instants(text: pa.Array) -> pa.Array:
    """Read the text of a TIMESTAMP column as instants; a zero one, which is none, leaves the column as text marked UTC."""
    try:
        return text.cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    except pa.ArrowInvalid:
        return pa.array([None if value is None else f"{value}+00:00" for value in text.to_pylist()], pa.string())


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
