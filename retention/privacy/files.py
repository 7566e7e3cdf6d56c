"""One person's rows in files: exports that a source leaves in a folder or bucket, and copies made for the person.

A file is rewritten without the person's rows and put in place in one step, so that a reader sees the old file or the new
one. Rows of other people stay as they are, byte for byte in CSV and JSON. Compressed files are packed again. Workbooks are
not rewritten, because that would cost what only a spreadsheet program keeps: their rows are named for whoever keeps the list.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from retention.deployment import Deployment
from retention.privacy.documents import Records, member, records_of
from retention.privacy.lines import csv_records, encode_continuation, json_records, split
from retention.privacy.packing import TooMuch, pack, unpack
from retention.privacy.subject import Subject
from retention.privacy.workbooks import workbook_rows
from retention.warehouse import RetentionError, failpoint
from retention.yaml_text import load_yaml

_ID_COLUMNS = ("customer_id", "referrer_customer_id", "referred_customer_id")


class FilesUnreadable(RetentionError):
    """A source's files could not be read or replaced during an erasure."""

    runbook = "erasure-files"


@dataclass(frozen=True)
class FileStore:
    """The files of one entity of one source."""

    source: str
    entity: str
    root: str
    """Folder or fsspec URL."""
    pattern: str
    format: str
    id_columns: tuple[str, ...]
    order_columns: tuple[str, ...]
    contact_columns: tuple[str, ...]
    delimiter: str = ","
    encoding: str = "utf-8"
    sheet: str | None = None
    """Of a workbook; its first visible one where none is named."""
    records: str = ""
    """Path to the list of records inside a JSON document."""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Storage options of fsspec."""


@dataclass(frozen=True)
class Rewrite:
    """One file as it has to be without the person."""

    system: Any
    path: str
    name: str
    """Path relative to the source's folder."""
    removed: int
    """Rows of the person in it."""
    content: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """SHA-256 of the new content, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def apply(self) -> None:
        """Put the new content in place of the file in one step."""
        failpoint("erasure.before_file")
        _replace(self.system, self.path, self.content)
        failpoint("erasure.file_rewritten")


def configured_stores(deployment: Deployment) -> list[FileStore]:
    """Return the file stores that the descriptions of sources name.

    Reads the few keys it needs by itself: privacy comes before sources in the order of the flow, because every stage
    after it must respect tombstones.
    """
    stores = []
    for path in sorted([*deployment.sources_dir.glob("*.yml"), *deployment.sources_dir.glob("*.yaml")]):
        raw = load_yaml(path.read_text(encoding="utf-8"))
        if raw.get("kind") != "files" or raw["connection"] not in deployment.source_urls:
            continue
        for entity, body in raw["entities"].items():
            columns = body["columns"]
            options = body.get("options", {})
            stores.append(
                FileStore(
                    source=raw["source"],
                    entity=entity,
                    root=deployment.source_urls[raw["connection"]],
                    pattern=body["path"].replace("{date}", "*"),
                    format=body["format"],
                    id_columns=_own_names(columns, _ID_COLUMNS),
                    order_columns=_own_names(columns, ("order_id",)),
                    contact_columns=_own_names(columns, ("referred_contact", "email", "phone")),
                    delimiter=options.get("delimiter", ","),
                    encoding=options.get("encoding", "utf-8"),
                    sheet=options.get("sheet"),
                    records=options.get("records", ""),
                    options=deployment.source_options.get(raw["connection"], {}),
                )
            )
    return stores


def _own_names(columns: Any, names: Sequence[str]) -> tuple[str, ...]:
    """Return the source's names of our columns."""
    if columns == "same":
        return tuple(names)
    found: list[str] = []
    for name in names:
        mapped = columns.get(name)
        if isinstance(mapped, dict):
            found.extend(mapped.get("join") or ([mapped["from"]] if "from" in mapped else []))
        elif mapped:
            found.append(str(mapped))
    return tuple(found)


class PersonMatcher:
    """Decides whether a row of a file is about the person."""

    def __init__(self, store: FileStore, subject: Subject, numbers_from: frozenset[str] | None) -> None:
        """Take the ids that may stand in this source's files.

        ``numbers_from`` names the sources whose customer numbers it uses; None means every source's.
        """
        self._ids = {number for source, number in subject.ids if numbers_from is None or source in numbers_from}
        self._orders = {number for source, number in subject.orders if numbers_from is None or source in numbers_from}
        self._addresses = subject.addresses
        self._store = store

    def __call__(self, row: dict[str, Any]) -> bool:
        """Return whether one row, by the source's own column names, is about the person."""
        store = self._store
        return (
            any(_text(member(row, name)) in self._ids for name in store.id_columns)
            or any(_text(member(row, name)) in self._orders for name in store.order_columns)
            or any(_text(member(row, name)) in self._addresses for name in store.contact_columns)
        )

    def is_mentioned(self, text: str) -> bool:
        """Return whether an address of the person stands in a text that cannot be read as rows."""
        return any(address and address in text for address in self._addresses)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def files_of(store: FileStore) -> list[tuple[Any, str]]:
    """Return (file system, path) of each file of a store, in order of name."""
    system, root = fsspec.core.url_to_fs(store.root, **store.options)
    system.invalidate_cache()
    if not system.exists(root):
        return []
    return [(system, str(path)) for path in sorted(system.glob(f"{root.rstrip('/')}/{store.pattern}"))]


def count_rows(store: FileStore, matcher: PersonMatcher) -> dict[str, int]:
    """Return how many rows of the person each file holds; files without any are left out."""
    found = {}
    for system, path in files_of(store):
        content = _unpacked(store, system.cat_file(path), path)
        rows = sum(1 for _, is_person in _rows(store, content, matcher, path) if is_person)
        if rows:
            found[_relative(store, path)] = rows
    return found


def planned_rewrites(store: FileStore, matcher: PersonMatcher) -> Iterator[Rewrite]:
    """Yield, file by file, what has to be written so that the person is gone; files without the person are left out."""
    for system, path in files_of(store):
        packed = system.cat_file(path)
        content = _unpacked(store, packed, path)
        kept: list[bytes] = []
        removed = 0
        if store.format == "excel":
            _refuse_workbook(store, content, matcher, path)
        elif store.format == "json":
            records, is_person = _document(store, content, matcher, path)
            removed = sum(is_person)
            if removed and records is not None:
                kept = [records.without(is_person).encode(store.encoding)]
        elif store.format == "parquet":
            table = pq.read_table(pa.BufferReader(content))
            mask = [not matcher(row) for row in table.to_pylist()]
            removed = mask.count(False)
            if removed:
                sink = pa.BufferOutputStream()
                pq.write_table(table.filter(pa.array(mask, pa.bool_())), sink)
                kept = [sink.getvalue().to_pybytes()]
        else:
            for raw, is_theirs in _rows(store, content, matcher, path):
                removed += is_theirs
                if not is_theirs:
                    kept.append(raw)
        if removed:
            replacement = b"".join(kept)
            for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                if content.startswith(mark) and not replacement.startswith(mark):
                    replacement = mark + replacement
            yield Rewrite(system, path, _inside(store, path), removed, pack(path, replacement))


def _rows(store: FileStore, content: bytes, matcher: PersonMatcher, path: str) -> Iterator[tuple[bytes, bool]]:
    """Yield the raw bytes of each record and whether it is the person's; a header is nobody's."""
    if store.format == "parquet":
        for row in pq.read_table(pa.BufferReader(content)).to_pylist():
            yield b"", matcher(row)
        return
    if store.format == "excel":
        for _, row in _workbook(store, content, path):
            yield b"", matcher(row)
        return
    if store.format == "json":
        for is_person in _document(store, content, matcher, path)[1]:
            yield b"", is_person
        return
    text = _decoded(store, content, path)
    # A byte order mark, where the encoding writes one, belongs to the first record only.
    lines = split(text)
    first = True
    for raw, row in json_records(lines) if store.format == "jsonl" else csv_records(lines, store.delimiter):
        encoded = raw.encode(store.encoding) if first else encode_continuation(raw, store.encoding)
        first = False
        yield encoded, row is not None and matcher(row)


def _unpacked(store: FileStore, content: bytes, path: str) -> bytes:
    try:
        return unpack(path, content)
    except TooMuch as error:
        raise FilesUnreadable(f"{_relative(store, path)}: {error}. The file was left as it is.") from None
    except OSError:
        raise FilesUnreadable(f"{_relative(store, path)}: broken or cut off. The file was left as it is.") from None


def _decoded(store: FileStore, content: bytes, path: str) -> str:
    try:
        return content.decode(store.encoding)
    except UnicodeDecodeError as error:
        raise FilesUnreadable(
            f"{store.source} {_relative(store, path)}: not {store.encoding} at byte {error.start}. The file was left as it is."
        ) from None


def _document(store: FileStore, content: bytes, matcher: PersonMatcher, path: str) -> tuple[Records | None, list[bool]]:
    """Return the records of a JSON document and which are the person's; a broken one that names the person stops."""
    text = _decoded(store, content, path).lstrip("\ufeff")
    try:
        records = records_of(text, store.records)
    except (ValueError, RecursionError):
        if matcher.is_mentioned(text):
            raise FilesUnreadable(
                f"{_relative(store, path)}: no readable JSON, and the person's address stands in it. The file was left "
                "as it is. Repair or delete it; the request goes on by itself."
            ) from None
        return None, []
    return records, [isinstance(row, dict) and matcher(row) for row in records.values]


def _workbook(store: FileStore, content: bytes, path: str) -> list[tuple[int, dict[str, str]]]:
    names = {*store.id_columns, *store.order_columns, *store.contact_columns}
    try:
        return workbook_rows(content, store.sheet, names)
    except TooMuch as error:
        raise FilesUnreadable(f"{_relative(store, path)}: {error}. The file was left as it is.") from None


def _refuse_workbook(store: FileStore, content: bytes, matcher: PersonMatcher, path: str) -> None:
    """Say which rows somebody has to delete, when the person stands in a workbook."""
    found = [number for number, row in _workbook(store, content, path) if matcher(row)]
    if found:
        rows = ", ".join(str(number) for number in found[:20])
        raise FilesUnreadable(
            f"{_relative(store, path)}: {len(found)} rows are the person's (row {rows}), and a workbook is not rewritten, so "
            "that it keeps its formats and formulas. Delete these rows there, and in its copies; the request goes on by itself."
        )


def _replace(system: Any, path: str, content: bytes) -> None:
    """Put content in place of a file in one step."""
    if "file" in (system.protocol if isinstance(system.protocol, tuple) else (system.protocol,)):
        target = Path(path)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).chmod(target.stat().st_mode & 0o777)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    else:
        system.pipe_file(path, content)  # an object store shows the old object or the new one


def _inside(store: FileStore, path: str) -> str:
    """Return the path relative to the source's folder."""
    _, root = fsspec.core.url_to_fs(store.root, **store.options)
    return str(path).removeprefix(root.rstrip("/")).lstrip("/")


def _relative(store: FileStore, path: str) -> str:
    return f"{store.source}:{_inside(store, path)}"
