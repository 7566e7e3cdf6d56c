"""Columns of numbers and tables of text in and out of the publishing transaction, in bulk.

ADBC has connections of its own and does not see what a transaction has not committed; COPY on its cursor does.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
from psycopg import sql

Keys = npt.NDArray[np.int64]

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END = b"\xff\xff"


def _layout(columns: int) -> np.dtype[np.void]:
    """Return how a row of non-null bigints stands in binary COPY: number of columns, then length and value of each."""
    fields: list[tuple[str, str]] = [("columns", ">i2")]
    for place in range(columns):
        fields += [(f"length_{place}", ">i4"), (f"value_{place}", ">i8")]
    return np.dtype(fields)


def put_numbers(cursor: psycopg.Cursor[object], table: str, columns: Sequence[str], values: Sequence[Keys]) -> None:
    """Append columns of bigints, none of them null, to a table."""
    rows = np.empty(len(values[0]), dtype=_layout(len(values)))
    rows["columns"] = len(values)
    for place, column in enumerate(values):
        rows[f"length_{place}"] = 8
        rows[f"value_{place}"] = column
    target = sql.SQL("copy {} ({}) from stdin (format binary)").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with cursor.copy(target) as copy:
        copy.write(_SIGNATURE)
        copy.write(rows.tobytes())
        copy.write(_END)


def get_numbers(cursor: psycopg.Cursor[object], query: str, columns: int) -> list[Keys]:
    """Return columns of bigints, none of them null, that a query gives."""
    with cursor.copy(f"copy ({query}) to stdout (format binary)".encode()) as copy:
        data = b"".join(bytes(part) for part in copy)
    body = data[len(_SIGNATURE) : -len(_END)]
    rows = np.frombuffer(body, dtype=_layout(columns))
    return [rows[f"value_{place}"].astype(np.int64) for place in range(columns)]


def put_frame(cursor: psycopg.Cursor[object], table: str, frame: pd.DataFrame) -> None:
    """Append a frame of numbers and text to a table, column by name."""
    buffer = io.BytesIO()
    pa_csv.write_csv(
        pa.Table.from_pandas(frame, preserve_index=False),
        buffer,
        pa_csv.WriteOptions(include_header=False, quoting_style="needed"),
    )
    names = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    # Text is written in quotes and a null as nothing, which is what COPY makes of them.
    target = sql.SQL("copy {} ({}) from stdin (format csv)").format(sql.Identifier(*table.split(".")), names)
    with cursor.copy(target) as copy:
        copy.write(buffer.getvalue())


def get_frame(cursor: psycopg.Cursor[object], query: str, types: dict[str, pa.DataType]) -> pd.DataFrame:
    """Return what a query gives, with the columns and types named."""
    with cursor.copy(f"copy ({query}) to stdout (format csv)".encode()) as copy:
        data = b"".join(bytes(part) for part in copy)
    table = (
        pa_csv.read_csv(
            io.BytesIO(data) if data else io.BytesIO(b""),
            pa_csv.ReadOptions(column_names=list(types)),
            pa_csv.ParseOptions(newlines_in_values=True),
            pa_csv.ConvertOptions(
                column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        )
        if data
        else pa.table({name: pa.array([], type=kind) for name, kind in types.items()})
    )
    frame: pd.DataFrame = table.to_pandas()
    return frame
