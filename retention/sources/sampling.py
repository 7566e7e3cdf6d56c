"""A look at a source that a production system does not feel: the first rows only, read-only, with a time limit.

Nothing of it is stored. What is read is the same as extraction would read, so that what a look says holds for the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from retention.sources.errors import FileMissing
from retention.sources.families import family_of
from retention.sources.files import FileStore, SourceFile, guess_encoding, open_files, sniff
from retention.sources.spec import EntitySpec, SourceSpec
from retention.sources.sql import SqlStore, _array

TIMEOUT_S = 20
"""Seconds after which a database gives up a question of a look."""
REST_DAYS = 30
"""Days that a look at an API goes back: the whole history of a CRM would take its request budget for the day."""
HEAD_BYTES = 65_536


@dataclass(frozen=True)
class Sample:
    """The first rows of one entity, or of a table or file that nobody has described yet."""

    where: str
    """The table, file or request that was read."""
    columns: Mapping[str, pa.Array]
    rows: int
    families: Mapping[str, str]
    """Family of the type of each column, as the source declares it; ``text`` for files and APIs."""
    is_whole: bool
    """Whether these are all rows there are."""
    is_typed: bool = False
    """Whether the families are what extraction sees as well, and can be compared with what it stored."""
    positions: Sequence[int] = ()
    newest: str | None = None
    """Greatest value of the cursor in the whole table, as ISO 8601; None where it is not known."""
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Names of the columns, in the source's order."""
        return list(self.columns)


def take_sample(
    spec: SourceSpec, entity: EntitySpec, address: str, rows: int, now: datetime, timeout_s: int = TIMEOUT_S
) -> Sample:
    """Read the first rows of an entity of a described source. Columns that are missing are no error here.

    Raises
    ------
    SourceError when the source cannot be reached or read, or when there is no file.
    """
    if spec.kind == "sql":
        database = Database(address, spec.source, timeout_s)
        with database:
            return database.sample(entity, rows)
    if spec.kind == "files":
        return _sample_files(spec, entity, address, rows, now)
    return _sample_api(spec, entity, address, rows, now)


class Database(SqlStore):
    """A database that is only looked at: its questions are small and are given up after a time limit."""

    def __init__(self, url: str, source: str, timeout_s: int = TIMEOUT_S) -> None:
        super().__init__(_with_driver(url), source)
        commands = {
            "postgresql": [f"set statement_timeout = '{timeout_s}s'"],
            "mysql": [f"set session max_execution_time = {timeout_s * 1000}", "set session transaction read only"],
            "mariadb": [f"set session max_statement_time = {timeout_s}", "set session transaction read only"],
        }
        self._limits = commands.get(self._url.get_backend_name(), [])
        if self._url.get_backend_name() == "mysql":  # the driver's name says nothing about the server behind it
            self._limits = [*self._limits, *commands["mariadb"]]

    def tables(self) -> list[str]:
        """Return the tables and views that the login may see, those of other than the usual schema with its name."""
        with self._asking("its tables"):
            inspector = sa.inspect(self._engine)
            return sorted({*inspector.get_table_names(), *inspector.get_view_names()})

    def sample(self, entity: EntitySpec, rows: int) -> Sample:
        """Read the first rows of a table or query, with all its columns."""
        with self._asking(entity.where):
            origin = self._query(entity) if entity.query else self._table(entity)
            statement = sa.select(*(_readable(column) for column in origin.columns)).limit(rows)
            with self._limited() as connection:
                found = connection.execute(statement).all()
            newest = self._newest(entity, origin)
        names = [column.name for column in origin.columns]
        values = list(zip(*found, strict=True)) if found else [()] * len(names)
        columns = {name: _array(column) for name, column in zip(names, values, strict=True)}
        # Other databases are read through Python, where extraction knows a column by its values alone; so does this.
        families = {column.name: _declared(column.type) if self._is_postgres else None for column in origin.columns}
        return Sample(
            where=entity.where,
            columns=columns,
            rows=len(found),
            families={
                name: families[name]
                or ("number" if self._is_postgres and any(isinstance(one, Decimal) for one in column) else None)
                or family_of(columns[name].type)
                or "text"
                for name, column in zip(names, values, strict=True)
            },
            is_whole=len(found) < rows,
            is_typed=self._is_postgres,
            positions=range(1, len(found) + 1),
            newest=newest,
        )

    def _newest(self, entity: EntitySpec, origin: sa.FromClause) -> str | None:
        """Ask for the greatest cursor; a table without an index on it may take too long, and then it stays unknown."""
        if entity.cursor is None or entity.cursor not in origin.columns:
            return None
        with suppress(DBAPIError), self._limited() as connection:
            newest = connection.execute(sa.select(sa.func.max(origin.columns[entity.cursor]))).scalar_one()
            return None if newest is None else str(newest)
        return None

    @contextmanager
    def _limited(self) -> Iterator[sa.Connection]:
        with self._engine.connect() as connection:
            for command in self._limits:
                with suppress(DBAPIError):  # MySQL and MariaDB each know only one of the two
                    connection.execute(sa.text(command))
            yield connection
            connection.rollback()

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._quoted(error, EntitySpec(entity="look", key=(), columns=None, table=what)) from None


def sample_file(store: FileStore, entity: EntitySpec, file: SourceFile, rows: int) -> Sample:
    """Read the first rows of one file."""
    names: list[str] = []
    batches: list[tuple[dict[str, pa.Array], int]] = []
    positions: list[int] = []
    reading = store.read(file, entity, names.extend)
    for columns, count, where in reading:
        batches.append((columns, count))
        positions += where.to_pylist()
        if sum(number for _, number in batches) >= rows:
            break
    total = sum(number for _, number in batches)
    reading.close()  # type: ignore[attr-defined]  # a generator, which closes its file
    columns = {name: values.slice(0, rows) for name, values in _joined(batches).items()}
    for name in names:
        columns.setdefault(name, pa.nulls(min(total, rows), pa.string()))
    return Sample(
        where=file.path,
        columns=columns,
        rows=min(total, rows),
        families={name: family_of(values.type) or "text" for name, values in columns.items()},
        is_whole=total <= rows,
        positions=positions[:rows],
    )


def _sample_files(spec: SourceSpec, entity: EntitySpec, address: str, rows: int, now: datetime) -> Sample:
    store = open_files(spec, address)
    today = now.astimezone(spec.zone).date()
    files = store.due(entity, today)
    if not files:
        raise FileMissing(f"{spec.source} {entity.entity}: no file matches {entity.path}. Nothing was read. Check the path.")
    file = files[-1]
    sample = sample_file(store, entity, file, rows)
    told = f"{len(files)} files match {entity.path}; the newest was read" if len(files) > 1 else f"1 file matches {entity.path}"
    notes = [told, *_read_otherwise(store, entity, file)]
    return replace(sample, newest=None if file.day is None else file.day.isoformat(), notes=notes)


def head(store: FileStore, file: SourceFile) -> bytes:
    """Return the first bytes of a file, unpacked."""
    import fsspec

    path = f"{store._root}/{file.path}"
    with fsspec.core.OpenFile(store._fs, path, compression=_packing(file.path)) as stream:
        found: bytes = stream.read(HEAD_BYTES)
    return found


def _packing(path: str) -> str | None:
    return {"gz": "gzip", "zst": "zstd"}.get(path.rpartition(".")[2])


def _read_otherwise(store: FileStore, entity: EntitySpec, file: SourceFile) -> list[str]:
    """Say where the bytes of a text file look otherwise than they are described."""
    if entity.format not in ("csv", "json", "jsonl"):
        return []
    sample, notes = head(store, file), []
    encoding = guess_encoding(sample)
    if encoding is not None and not _same_encoding(encoding, entity.encoding, sample):
        notes.append(f"its bytes look like {encoding}; the description says {entity.encoding}")
    if entity.format == "csv":
        delimiter = sniff(sample, entity.encoding)
        if delimiter is not None and delimiter != entity.delimiter:
            notes.append(f"its columns look split by {delimiter!r}; the description says {entity.delimiter!r}")
    return notes


def _same_encoding(guessed: str, described: str, sample: bytes) -> bool:
    try:
        return sample.decode(guessed, "ignore") == sample.decode(described, "ignore")
    except LookupError:
        return False


def _sample_api(spec: SourceSpec, entity: EntitySpec, address: str, rows: int, now: datetime) -> Sample:
    from retention.sources.rest import RestStore  # imports an HTTP client, which the other kinds do without

    class FirstPages(RestStore):
        """An API that is asked for no further page once there are enough records."""

        def _pages(self, *asked: Any) -> Iterator[Any]:
            seen = 0
            for page in super()._pages(*asked):
                yield page
                seen += len(page)
                if seen >= rows:
                    return

    names: list[str] = []
    lower = None if entity.cursor is None or entity.cursor_type == "integer" else now - timedelta(days=REST_DAYS)
    upper = None if entity.cursor is None else now
    with FirstPages(address, spec) as store:
        batches = list(store.read(entity, lower, upper, names.extend))
    columns = {name: values.slice(0, rows) for name, values in _joined(batches).items()}
    total = sum(number for _, number in batches)
    return Sample(
        where=entity.where,
        columns=columns,
        rows=min(total, rows),
        families={name: family_of(values.type) or "text" for name, values in columns.items()},
        is_whole=False,
        positions=range(1, min(total, rows) + 1),
        notes=[
            *([] if lower is None else [f"of the last {REST_DAYS} days"]),
            *([f"also delivered: {', '.join(others)}"] if (others := sorted(set(names) - set(columns))) else []),
        ],
    )


def _joined(batches: Sequence[tuple[dict[str, pa.Array], int]]) -> dict[str, pa.Array]:
    """Put record batches together; a column that one of them lacks is null there, one of mixed types becomes text."""
    names = dict.fromkeys(name for columns, _ in batches for name in columns)
    joined = {}
    for name in names:
        parts = [columns.get(name, pa.nulls(count)) for columns, count in batches]
        parts = [part.combine_chunks() if isinstance(part, pa.ChunkedArray) else part for part in parts]
        kinds = {part.type for part in parts if not pa.types.is_null(part.type)}
        kind = kinds.pop() if len(kinds) == 1 else pa.string()
        joined[name] = pa.concat_arrays([part if part.type == kind else part.cast(kind) for part in parts])
    return joined


def _declared(kind: sa.types.TypeEngine[Any]) -> str | None:
    families: Iterable[tuple[type, str]] = (
        (sa.Boolean, "boolean"), (sa.Integer, "integer"), (sa.Numeric, "number"), (sa.DateTime, "timestamp"),
        (sa.Date, "date"), (sa.String, "text"),
    )  # fmt: skip
    return next((family for known, family in families if isinstance(kind, known)), None)


def _with_driver(url: str) -> str:
    """Name the driver that the product brings for MySQL and MariaDB, as extraction does."""
    for scheme in ("mysql://", "mariadb://"):
        if url.startswith(scheme):
            return url.replace("://", "+pymysql://", 1)
    return url


def _readable(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Cast types without a word in Arrow (uuid, json, intervals) in the database itself, as extraction does."""
    plain = isinstance(column.type, sa.types.NullType) or _declared(column.type) is not None
    return column if plain else sa.cast(column, sa.Text()).label(str(column.key))
