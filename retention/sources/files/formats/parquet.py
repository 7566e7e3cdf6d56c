"""Parquet, read from a private copy: what was counted and hashed is what is parsed, whoever writes to the file meanwhile."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from retention.sources.files.content import Checked, chunks
from retention.sources.files.reading import Check, RawBatch, Reading

_ROWS = 65_536
_BATCH_BYTES = 64 << 20  # what one batch may unfold to: a few bytes of dictionary can stand for gigabytes of text


def read(raw: Checked, reading: Reading, check: Check) -> Iterator[RawBatch]:
    """Yield the rows of a Parquet file; positions count its rows from 1.

    A row with text that is no UTF-8, or a value over the limit, comes as a row of nulls.
    """
    with copy(raw, reading) as stream:
        try:
            schema = pq.read_schema(stream)
            names = schema.names
            if len(names) > reading.limits.max_columns:
                raise reading.too_large("its columns", "max_columns", f"{len(names):,}")
            texts = [field.name for field in schema if _is_text(field.type)]
            stream.seek(0)
            # Text stays in dictionaries until it is known how long it is.
            parquet = pq.ParquetFile(stream, read_dictionary=texts, pre_buffer=False)
            unpacked = sum(parquet.metadata.row_group(i).total_byte_size for i in range(parquet.metadata.num_row_groups))
            if unpacked > reading.limits.max_unpacked_bytes:
                raise reading.too_large("what it unpacks to", "max_unpacked_bytes", f"{unpacked:,} bytes")
            if len(set(names)) != len(names):
                raise reading.unreadable(": it names a column twice")
            check(names)
            position = 1
            for batch in parquet.iter_batches(batch_size=_ROWS):
                for part in _parts(batch):
                    columns = _readable(part, reading.limits.max_value_bytes)
                    positions = pa.array(np.arange(position, position + part.num_rows))
                    position += part.num_rows
                    yield dict(zip(names, columns, strict=True)), part.num_rows, positions
        except OSError as error:
            raise reading.unreadable(f" ({type(error).__name__}: its pages are broken)") from None


def copy(raw: Checked, reading: Reading) -> IO[bytes]:
    """Copy a file, unpacked, into a temporary file that has no name, and return that, at its beginning."""
    with ExitStack() as on_error:
        stream = on_error.enter_context(tempfile.TemporaryFile())
        for data in chunks(raw, reading):
            stream.write(data)
        raw.finish()
        stream.seek(0)
        on_error.pop_all()  # from here on the caller closes it
    return stream


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch into parts that unfold to a bearable size."""
    lengths = np.zeros(batch.num_rows, np.int64)
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            sizes = pc.fill_null(pc.take(pc.binary_length(column.dictionary), column.indices), 0)
            lengths += sizes.to_numpy(zero_copy_only=False)
    if not batch.num_rows or int(lengths.sum()) <= _BATCH_BYTES:
        yield batch
        return
    part_of = np.cumsum(lengths) // _BATCH_BYTES
    starts = np.flatnonzero(np.diff(part_of, prepend=-1))
    for start, end in zip(starts, [*starts[1:], batch.num_rows], strict=True):
        yield batch.slice(int(start), int(end - start))


def _readable(batch: pa.RecordBatch, limit: int) -> list[pa.Array]:
    """Return the columns with rows emptied that hold what the warehouse cannot take."""
    columns = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in batch.columns]
    is_bad = np.zeros(batch.num_rows, bool)
    for index, column in enumerate(columns):
        if not _is_text(column.type):
            continue
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            values, wrong = _utf8_only(column)
            columns[index] = column = values
            is_bad |= wrong
        is_bad |= pc.fill_null(pc.greater(pc.binary_length(column), limit), fill_value=False).to_numpy(zero_copy_only=False)
    if is_bad.any():
        keep = pa.array(~is_bad)
        columns = [pc.if_else(keep, column, pa.scalar(None, column.type)) for column in columns]
    return columns


def _utf8_only(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Return text without the values that are no UTF-8, and which those were. Few files need it, so it may be slow."""
    wrong = np.zeros(len(column), bool)
    values: list[str | None] = []
    for index, value in enumerate(
        column.cast(pa.binary() if pa.types.is_string(column.type) else pa.large_binary()).to_pylist()
    ):
        try:
            values.append(None if value is None else value.decode("utf-8"))
        except UnicodeDecodeError:
            wrong[index] = True
            values.append(None)
    return pa.array(values, column.type), wrong
