"""JSON: one object a line, or one document a file. Numbers keep the digits they were written with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from retention.privacy.documents import member
from retention.sources.errors import ColumnMissing, FileTooLarge, SourceError, SourceUnreadable
from retention.sources.files.content import Checked, chunks, whole
from retention.sources.files.reading import Check, RawBatch, Reading
from retention.sources.files.text import utf8, without_halves
from retention.sources.mapping import needed_columns

_LINES = 50_000
_ROW_BYTES = 64 << 20  # of text gathered before it is handed on, so that long values do not pile up


def read_lines(raw: Checked, reading: Reading, check: Check) -> Iterator[RawBatch]:
    """Yield the rows of a file with one object a line; positions are lines.

    A line that is no object, or holds a value over the limit, comes as a row of nulls; a key that a line lacks is null.
    """
    columns = _Columns(reading, check)
    rows: list[dict[str, Any]] = []
    positions: list[int] = []
    size = 0
    for number, line in _lines(utf8(chunks(raw, reading), reading), reading):
        if not line.strip():
            continue
        rows.append(_object(line))
        positions.append(number)
        size += len(line)
        if len(rows) == _LINES or size > _ROW_BYTES:
            yield columns.of(rows), len(rows), pa.array(positions, pa.int64())
            rows, positions, size = [], [], 0
    if rows:
        yield columns.of(rows), len(rows), pa.array(positions, pa.int64())


def read_document(raw: Checked, reading: Reading, check: Check) -> Iterator[RawBatch]:
    """Yield the records of a document: the object it is, the list it is, or what ``options.records`` leads to.

    Positions count the records from 1. In a folder into which systems drop their events a broken document stops nobody
    else's: it comes as one row of nulls at position 1, and ``seen.defect`` says what was wrong. Where every delivery is a
    whole (mode full or snapshot) it stops: nothing may be taken for missing because a file was broken.
    """
    may_be_set_aside = reading.spec.mode == "incremental"
    columns = _Columns(reading, check)
    try:
        records = _records(whole(raw, reading), reading)
    except (SourceUnreadable, FileTooLarge) as error:
        if not may_be_set_aside:
            raise
        records = [{}]
        reading.file.seen.defect = _reason(error, reading)
    for start in range(0, len(records), _LINES):
        rows = records[start : start + _LINES]
        try:
            found = columns.of(rows)
        except (ColumnMissing, FileTooLarge) as error:
            # One event of another kind, such as the greeting that a sender begins with, is set aside; if all are so, validation
            # stops the day. A list of which none has the key is an export that has changed.
            if not may_be_set_aside or len(records) > 1:
                raise
            reading.file.seen.defect = _reason(error, reading)
            found = columns.of([{} for _ in rows])
        yield found, len(rows), pa.array(range(start + 1, start + len(rows) + 1), pa.int64())


def _reason(error: SourceError, reading: Reading) -> str:
    """Return what is wrong with a file, without its name and what to do."""
    return error.message.removeprefix(reading.where).lstrip(": ").split(". ")[0]


class _Columns:
    """Turns rows of one file into columns of text, and has their names checked once."""

    def __init__(self, reading: Reading, check: Check) -> None:
        spec = reading.spec
        self._reading = reading
        self._check = check
        self._checked = False
        needed = needed_columns(spec)
        self._paths = [name for name in needed if "." in name]
        self._optional = [name for name in needed if name not in spec.key]

    def of(self, rows: Sequence[dict[str, Any]]) -> dict[str, pa.Array]:
        limits = self._reading.limits
        names = list(dict.fromkeys(name for row in rows for name in row))
        if len(names) > limits.max_columns:
            raise self._reading.too_large("names in its records", "max_columns", f"{len(names):,}")
        names += [path for path in self._paths if path not in names and any(member(row, path) is not None for row in rows)]
        if names and not self._checked:
            # A record leaves out what has no value, so only the key must be found.
            self._check([*names, *(name for name in self._optional if name not in names)])
            self._checked = True
        bad: set[int] = set()
        texts = {
            name: [
                self._text(row.get(name) if "." not in name else member(row, name), index, bad)
                for index, row in enumerate(rows)
            ]
            for name in names
        }
        for values in texts.values() if bad else ():
            for index in bad:
                values[index] = None
        for name in (*self._reading.spec.key, *self._optional):
            texts.setdefault(name, [None] * len(rows))
        return {name: pa.array(values, pa.string()) for name, values in texts.items()}

    def _text(self, value: Any, row: int, bad: set[int]) -> str | None:
        """Return a value as text; a row whose value is too long or nested too deep to be written is noted as bad."""
        limit = self._reading.limits.max_value_bytes
        try:
            text = _text(value)
        except RecursionError:
            text = None
            bad.add(row)
        if text is not None and len(text) > limit // 4 and len(text.encode()) > limit:
            bad.add(row)
        return text


def _lines(text: Iterator[bytes], reading: Reading) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a text with their numbers."""
    carry, number = b"", 0
    for chunk in text:
        *lines, carry = (carry + chunk).split(b"\n")
        for line in lines:
            number += 1
            yield number, line
        if len(carry) > reading.record_bytes:
            raise reading.unreadable(f": line {number + 1} has no end within {reading.record_bytes:,} bytes")
    if carry:
        yield number + 1, carry


def _object(line: bytes) -> dict[str, Any]:
    """Return the object on a line, or an empty one where the line holds none: a row of nulls, refused by position."""
    try:
        value = _parse(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _parse(text: bytes) -> Any:
    return json.loads(text.decode("utf-8"), parse_float=str, parse_int=str, parse_constant=str)


def _records(content: bytes, reading: Reading) -> list[dict[str, Any]]:
    text = b"".join(utf8(iter([content]), reading))
    try:
        document = _parse(text)
    except json.JSONDecodeError as error:
        raise reading.unreadable(f": {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise reading.unreadable(": it is nested too deep") from None
    path = reading.spec.records
    found = member(document, path) if path else document
    if isinstance(found, dict):
        return [found]
    if not isinstance(found, list):
        what = f"options.records {path} leads to no object and no list" if path else "it is neither an object nor a list"
        raise reading.unreadable(f": {what}")
    return [record if isinstance(record, dict) else {} for record in found]


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return without_halves(text)
