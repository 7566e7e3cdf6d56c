"""One Arrow table as one file: CSV that a spreadsheet never calculates, JSON lines, or Parquet."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from retention.campaigns.match_keys.steps import FORMS
from retention.exports import write_csv

FORMATS = ("csv", "jsonl", "parquet")
_ROWS = 10_000
"""Rows turned into Python objects at a time."""


def write_file(path: Path, table: pa.Table, form: str, numbers: tuple[str, ...] = ()) -> None:
    r"""Write a table to a new file that only its owner may read, and see it safely on disk.

    Parameters
    ----------
    path : Path
        Must not exist.
    table : pyarrow.Table
        Rows in the order in which they are written.
    form : str
        ``csv``: UTF-8, header, comma, ``\n``; nulls are empty; text that a spreadsheet would calculate gets an apostrophe in
        front. ``jsonl``: one object per line; 64-bit integers as text, because half of the readers round them.
        ``parquet``: typed, for readers that keep types.
    numbers : tuple of str
        Text columns of telephone numbers in E.164: their plus sign is no formula, and an apostrophe would spoil the number. A
        value that is no such number gets it all the same.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        if form == "parquet":
            pq.write_table(table, stream)
        else:
            with open(stream.fileno(), "w", encoding="utf-8", newline="", closefd=False) as text:
                if form == "csv":
                    _write_csv(text, table, numbers)
                else:
                    text.writelines(json.dumps(row, ensure_ascii=False, default=_json) + "\n" for row in _objects(table))
        stream.flush()
        os.fsync(stream.fileno())


def _write_csv(stream: Any, table: pa.Table, numbers: tuple[str, ...]) -> None:
    is_typed = [not _is_text(field.type) for field in table.schema]
    safe = [
        typed or (field.name in numbers and _are_numbers(table.column(field.name)))
        for typed, field in zip(is_typed, table.schema, strict=True)
    ]
    write_csv(stream, table.column_names, safe, ([_cell(value) for value in row] for row in _rows(table)))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _are_numbers(column: pa.ChunkedArray) -> bool:
    return all(value is None or FORMS["e164"].fits(value) for value in column.to_pylist())


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in table.to_batches(max_chunksize=_ROWS):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _objects(table: pa.Table) -> Iterator[dict[str, Any]]:
    wide = {field.name for field in table.schema if pa.types.is_int64(field.type)}
    for row in _rows(table):
        yield {
            name: str(value) if name in wide and value is not None else value
            for name, value in zip(table.column_names, row, strict=True)
        }


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime | date) else value


def _json(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
