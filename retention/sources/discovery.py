"""Tables and files behind an address that nobody has described yet: what there is, and its first rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

import sqlalchemy as sa

from retention.settings import IngestSettings
from retention.sources.errors import FileMissing, SourceError, SourceUnreadable
from retention.sources.files import FileStore, SourceFile, guess_encoding, sniff
from retention.sources.sampling import TIMEOUT_S, Database, Sample, head, sample_file
from retention.sources.spec import EntitySpec

FORMATS = {"csv": "csv", "tsv": "csv", "txt": "csv", "jsonl": "jsonl", "ndjson": "jsonl", "json": "json",
           "parquet": "parquet", "xlsx": "excel"}  # fmt: skip
"""Formats by the ending of a file's name."""
_PACKED = (".gz", ".zst")
_DAY = re.compile(r"(?<!\d)(?:19|20)\d{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])(?!\d)")
_VALUE = re.compile(r"@|\d{4}|^\s*[-+]?\d[\d.,]*\s*$")
"""What a value has and the name of a column has not: an address, a long number, nothing but digits."""
_MOST_TABLES = 60


@dataclass(frozen=True)
class Candidate:
    """One table, or one kind of file."""

    name: str
    """What it is called: the table, or the file's name without day and ending."""
    sample: Sample
    where: Mapping[str, Any] = field(default_factory=dict)
    """How a description says where it is: ``table``, or ``path``, ``format`` and ``options``."""


@dataclass(frozen=True)
class Unread:
    """A table or file that could not be read, and why."""

    name: str
    reason: str


def is_database(url: str) -> bool:
    """Tell whether an address is a database's rather than a folder's."""
    scheme = url.partition("://")[0].partition("+")[0]
    try:
        sa.engine.make_url(url).get_dialect()
    except Exception:  # SQLAlchemy has many ways of not knowing a URL; all of them mean no
        return scheme in ("postgresql", "postgres", "mysql", "mariadb", "mssql", "oracle", "sqlite")
    return "://" in url


def discover(
    url: str, rows: int, table: str | None = None, path: str | None = None, timeout_s: int = TIMEOUT_S
) -> Iterator[Candidate | Unread]:
    """Yield what there is behind an address, each with its first rows.

    Parameters
    ----------
    table : str, optional
        Only this table or view of a database.
    path : str, optional
        Only files that match this pattern, as a description writes it.

    Raises
    ------
    SourceError when there is nothing, or it does not answer.
    """
    if is_database(url):
        yield from _tables(url, rows, table, timeout_s)
    else:
        yield from _files(url, rows, path)


def _tables(url: str, rows: int, table: str | None, timeout_s: int) -> Iterator[Candidate | Unread]:
    database = Database(url, "new source", timeout_s)
    with database:
        names = [table] if table else database.tables()
        for name in names[:_MOST_TABLES]:
            entity = EntitySpec(entity="look", key=(), columns=None, table=name)
            try:
                yield Candidate(name.rpartition(".")[2], database.sample(entity, rows), {"table": name})
            except SourceError as error:
                if table:
                    raise
                yield Unread(name, error.message)
        if len(names) > _MOST_TABLES:
            yield Unread(f"{len(names) - _MOST_TABLES} further tables", "name one with --table")


def _files(url: str, rows: int, path: str | None) -> Iterator[Candidate | Unread]:
    only = None
    if path is None and "://" not in url and Path(url).is_file():
        url, only = str(Path(url).parent), Path(url).name
    store = FileStore(url, "new source", IngestSettings())
    patterns = [path] if path else ["*", "*/*", "*/*/*"]
    groups: dict[str, SourceFile] = {}
    for pattern in patterns:
        for file in store.due(EntitySpec(entity="look", key=(), columns=None, path=only or pattern), date.max):
            if _format(file.path) is None:
                continue
            groups[path or _DAY.sub("{date}", file.path, count=1)] = file  # in the order of days: the newest stays
    if not groups:
        raise FileMissing(
            f"new source: no {', '.join(sorted(set(FORMATS)))} file {'matches ' + path if path else 'there'}. Nothing was read."
        )
    for pattern, file in sorted(groups.items()):
        try:
            yield _file(store, pattern, file, rows)
        except SourceError as error:
            yield Unread(file.path, error.message)


def _file(store: FileStore, pattern: str, file: SourceFile, rows: int) -> Candidate:
    format_ = str(_format(file.path))
    options: dict[str, Any] = {}
    notes = []
    if format_ in ("csv", "jsonl", "json"):
        first = head(store, file)
        encoding = guess_encoding(first)
        if encoding is None:
            notes.append("its encoding could not be told: UTF-8 was assumed")
        elif encoding != "utf-8":
            options["encoding"] = encoding
        if format_ == "csv" and (delimiter := sniff(first, encoding or "utf-8")) not in (None, ","):
            options["delimiter"] = delimiter
    # Described as reading nothing: with "the same names as ours" the readers would ask for the contract of an entity.
    entity = EntitySpec(
        entity="look", key=(), columns={}, path=pattern, format=format_,
        delimiter=options.get("delimiter", ","), encoding=options.get("encoding", "utf-8"),
    )  # fmt: skip
    sample = sample_file(store, entity, file, rows)
    if any(_VALUE.search(name) for name in sample.names):
        raise SourceUnreadable(
            f"{file.path}: its first line looks like a row and not like names of columns. Have it exported with a header."
        )
    sample.notes.extend(notes)
    plain = _DAY.sub("", PurePosixPath(_unpacked(file.path)).stem)
    where = {"path": pattern, "format": format_, **({"options": options} if options else {})}
    return Candidate(plain.strip("-_. ") or PurePosixPath(file.path).parent.name, sample, where)


def _format(path: str) -> str | None:
    return FORMATS.get(_unpacked(path).rpartition(".")[2].lower())


def _unpacked(path: str) -> str:
    for ending in _PACKED:
        path = path.removesuffix(ending)
    return path
