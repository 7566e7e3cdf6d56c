"""Delimited text. Records are found by ``records``, split by Arrow, and counted by both."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from retention.sources.errors import ColumnMissing, EmptyFile
from retention.sources.files.content import Checked, chunks
from retention.sources.files.formats.records import Block, Records
from retention.sources.files.reading import Check, RawBatch, Reading
from retention.sources.files.sniff import sniff
from retention.sources.files.text import utf8


def read(raw: Checked, reading: Reading, check: Check) -> Iterator[RawBatch]:
    """Yield the rows of a CSV; positions are lines of the file.

    A record that cannot be split into the columns of the header, or holds a value over the limit, comes as a row of nulls for
    each line that it covers, for validation to refuse by position.

    Raises
    ------
    SourceUnreadable when the bytes are no text, the header no header, or a quotation is left open.
    EmptyFile when there is not even a header.
    """
    delimiter = reading.spec.delimiter
    if not delimiter.isascii() or delimiter in '"\r\n\0':
        raise reading.unreadable(": options.delimiter must be one ASCII character other than a quotation mark or line break")
    names: list[str] = []
    for block in Records(delimiter, reading).blocks(utf8(chunks(raw, reading), reading)):
        if not names:
            if block.broken and (not len(block.first_lines) or block.broken[0] < block.first_lines[0]):
                raise reading.unreadable(": the quotation marks of its header do not match")
            if not len(block.offsets):
                continue  # nothing but empty lines so far
            names, block = _header(block, reading, check)
        yield from _rows(block, names, reading)
    if not names:
        raise EmptyFile(
            f"{reading.where} has no bytes, not even a header: the delivery broke off. Nothing landed. Ask for it again."
        )


def _header(block: Block, reading: Reading, check: Check) -> tuple[list[str], Block]:
    """Read and check the first record; return the names of the columns and the rest of the block."""
    delimiter = reading.spec.delimiter
    record, rest = _first(block)
    text = record.decode("utf-8").rstrip("\r\n")
    if len(text) == 5 and text.startswith("sep="):  # written by a spreadsheet program, above the header
        if text[4] != delimiter:
            raise reading.unreadable(f": it says sep={text[4]} in its first line, options.delimiter says {delimiter!r}")
        if not len(rest.offsets):
            return [], rest
        record, rest = _first(rest)
        text = record.decode("utf-8").rstrip("\r\n")
    count = text.count(delimiter) + 1
    if count > reading.limits.max_columns:
        raise reading.too_large("columns of its header", "max_columns", f"{count:,}")
    names = next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), [])
    if "\0" in text:
        raise reading.unreadable(f": its header holds NUL bytes, so it is hardly {reading.spec.encoding}; is it utf-16?")
    if not names or len(set(names)) != len(names):
        raise reading.unreadable(": its header is empty or names a column twice")
    try:
        check(names)
    except ColumnMissing:
        likely = sniff(block.data[: 64 << 10])
        if likely is None or likely == delimiter or len(names) > 1:
            raise
        raise reading.unreadable(
            f": with the delimiter {delimiter!r} its header is a single column; it looks delimited by {likely!r}"
        ) from None
    return names, rest


def _first(block: Block) -> tuple[bytes, Block]:
    """Return the first record of a block, and the block without it."""
    end = int(block.offsets[1]) if len(block.offsets) > 1 else len(block.data)
    offsets = block.offsets[1:] - end
    rest = Block(block.data[end:], offsets, block.first_lines[1:], block.last_lines[1:], block.broken)
    return block.data[int(block.offsets[0]) : end], rest


def _rows(block: Block, names: list[str], reading: Reading) -> Iterator[RawBatch]:
    """Yield the rows of one block, then the lines of it that are set aside."""
    aside = list(block.broken)
    if len(block.offsets):
        batch, refused = _split(block, names, reading)
        is_kept = np.ones(len(block.offsets), bool)
        is_kept[refused] = False
        if batch.num_rows != int(is_kept.sum()):
            raise reading.unreadable(
                f": lines {block.first_lines[0]} to {block.last_lines[-1]} hold {len(block.offsets)} records, but "
                f"{batch.num_rows} rows came of them and {len(refused)} could not be split"
            )
        kept_at = np.flatnonzero(is_kept)
        if block.longest() > reading.limits.max_value_bytes:
            too_long = _over(batch, reading.limits.max_value_bytes)
            refused = np.sort(np.concatenate([refused, kept_at[too_long]]))
            batch, kept_at = batch.filter(pa.array(~too_long)), kept_at[~too_long]
        for record in refused:
            aside.extend(range(int(block.first_lines[record]), int(block.last_lines[record]) + 1))
        if batch.num_rows:
            yield dict(zip(names, batch.columns, strict=True)), batch.num_rows, pa.array(block.first_lines[kept_at])
    if aside:
        yield {name: pa.nulls(len(aside), pa.string()) for name in names}, len(aside), pa.array(sorted(aside), pa.int64())


def _split(block: Block, names: list[str], reading: Reading) -> tuple[pa.RecordBatch, np.ndarray]:
    """Return the rows of a block and the numbers of its records that have too few or too many columns."""
    refused: list[int] = []

    def skip(row: pacsv.InvalidRow) -> str:
        refused.append(int(row.number) - 1)
        return "skip"

    table = pacsv.read_csv(
        pa.BufferReader(block.data),
        # One block, one thread: only then are refused rows numbered.
        read_options=pacsv.ReadOptions(use_threads=False, block_size=len(block.data) + 1, column_names=names),
        parse_options=pacsv.ParseOptions(
            delimiter=reading.spec.delimiter, newlines_in_values=True, invalid_row_handler=skip, ignore_empty_lines=True
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
        ),
    )  # fmt: skip
    batches = table.combine_chunks().to_batches()
    empty = pa.RecordBatch.from_arrays([pa.nulls(0, pa.string()) for _ in names], names=names)
    return batches[0] if batches else empty, np.array(sorted(refused), np.int64)


def _over(batch: pa.RecordBatch, limit: int) -> np.ndarray:
    """Return which rows hold a value of more bytes than the limit."""
    over = np.zeros(batch.num_rows, bool)
    for column in batch.columns:
        over |= pc.fill_null(pc.greater(pc.binary_length(column), limit), fill_value=False).to_numpy(zero_copy_only=False)
    return over
