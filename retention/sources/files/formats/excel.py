"""Workbooks that staff keep: one sheet of one ``.xlsx``, its cells as text."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Any

import openpyxl
import pyarrow as pa
from openpyxl.utils import get_column_letter

from retention.sources.files.content import Checked, whole
from retention.sources.files.formats.workbook import merged_ranges, refuse_unsafe, refused
from retention.sources.files.reading import Check, RawBatch, Reading
from retention.sources.files.text import without_halves
from retention.sources.mapping import needed_columns

_ROWS = 10_000
_HEADER_WITHIN = 50
# What is raised for a broken workbook: SyntaxError is the base of XML's errors. Their texts may quote cells.
_BROKEN = (
    KeyError, ValueError, TypeError, IndexError, AttributeError, SyntaxError, EOFError, OSError, NotImplementedError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
_EXACT = 10**15  # a spreadsheet keeps fifteen digits of a number and loses the others


class _Bad:
    """Stands for a cell whose value is known to be wrong."""


@dataclass(frozen=True)
class _Uncalculated(_Bad):
    """Stands for a formula whose value was never stored."""

    cell: str


_BAD = _Bad()
Cell = str | _Bad | None


def read(raw: Checked, reading: Reading, check: Check) -> Iterator[RawBatch]:
    """Yield the rows of one sheet; positions are its row numbers.

    The header is the first row that names a described column, or the first that is not empty. Empty rows and titles merged
    across a row are left out. A row comes as nulls, to be refused by its position, when a described column of it holds an
    error (#N/A), a number of which the spreadsheet has lost digits, or a cell merged with those above or below.

    Raises
    ------
    WorkbookRefused, FileTooLarge before it is opened; WorkbookRefused at a formula of a described column whose value was
        never stored, naming the cell.
    """
    content = io.BytesIO(whole(raw, reading))
    try:
        refuse_unsafe(content, reading)
        yield from _sheet_rows(content, reading, check)
    except _BROKEN as error:
        raise reading.unreadable(f" ({type(error).__name__}: the workbook is broken)") from None


def _sheet_rows(content: IO[bytes], reading: Reading, check: Check) -> Iterator[RawBatch]:
    stored = openpyxl.load_workbook(content, read_only=True, data_only=True, keep_links=False)
    name = _sheet_name(stored, reading)
    sheet: Any = stored[name]
    merged = list(merged_ranges(content, str(sheet._worksheet_path)))
    titles = {first for first, last, left, right in merged if first == last and right > left}
    joined = {row for first, last, _, _ in merged if last > first for row in range(first, min(last, first + 1_048_576) + 1)}
    formulas = openpyxl.load_workbook(content, read_only=True, data_only=False, keep_links=False)[name]
    for part in (sheet, formulas):
        part.reset_dimensions()  # the size a workbook says it has may be a million rows of sixteen thousand cells
    rows = _filled(sheet, formulas, reading)
    names, rows = _header(rows, reading)
    check(names)
    described = set(needed_columns(reading.spec))
    wanted = [index for index, name in enumerate(names) if name in described]
    gathered: list[Sequence[Cell]] = []
    positions: list[int] = []
    for number, cells in rows:
        filled = sum(cell is not None for cell in cells)
        if number in titles and filled == 1:
            continue
        row = [cells[index] if index < len(cells) else None for index in range(len(names))]
        for index in wanted:
            found = row[index]
            if isinstance(found, _Uncalculated):
                raise refused(
                    reading,
                    f"cell {found.cell} of sheet {name!r} is a formula without a stored value: open it in a spreadsheet "
                    "program and save it, or put the value there",
                )
        is_bad = number in joined or any(isinstance(row[index], _Bad) for index in wanted)
        gathered.append([None] * len(names) if is_bad else [None if isinstance(cell, _Bad) else cell for cell in row])
        positions.append(number)
        if len(gathered) == _ROWS:
            yield _batch(names, gathered), len(gathered), pa.array(positions, pa.int64())
            gathered, positions = [], []
    if gathered:
        yield _batch(names, gathered), len(gathered), pa.array(positions, pa.int64())


def _sheet_name(workbook: Any, reading: Reading) -> str:
    """Return the sheet described, or the first one that is not hidden."""
    visible = [sheet.title for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
    wanted = reading.spec.sheet
    if wanted is None:
        if not visible:
            raise refused(reading, "it has no visible sheet; name the one to read in options.sheet")
        return str(visible[0])
    if wanted not in [sheet.title for sheet in workbook.worksheets]:
        raise refused(reading, f"it has no sheet {wanted!r} (options.sheet) among its {len(visible)} visible ones")
    return wanted


def _header(rows: Iterator[tuple[int, list[Cell]]], reading: Reading) -> tuple[list[str], Iterator[tuple[int, list[Cell]]]]:
    """Return the names of the columns and the rows below them."""
    described, before = set(needed_columns(reading.spec)), []

    def is_header(cells: list[Cell]) -> bool:
        if not described:  # a look at a list that nobody has described: what stands alone in its row is a title
            return sum(cell is not None for cell in cells) > 1
        return any(cell in described for cell in cells)

    for row in rows:
        before.append(row)
        if is_header(row[1]) or len(before) == _HEADER_WITHIN:
            break
    if not before:
        raise reading.unreadable(": its sheet is empty")
    found = next((index for index, row in enumerate(before) if is_header(row[1])), 0)
    names = [cell.strip() if isinstance(cell, str) else "" for cell in before[found][1]]
    while names and not names[-1]:
        names.pop()
    # Columns without a name hold remarks; they get one that no description can mean.
    names = [name or f"({get_column_letter(index + 1)})" for index, name in enumerate(names)]
    if len(set(names)) != len(names):
        raise reading.unreadable(f": its header, row {before[found][0]}, names a column twice")

    def below() -> Iterator[tuple[int, list[Cell]]]:
        yield from before[found + 1 :]
        yield from rows

    return names, below()


def _filled(sheet: Any, formulas: Any, reading: Reading) -> Iterator[tuple[int, list[Cell]]]:
    """Yield the rows that hold anything, with their numbers."""
    for number, (cells, written) in enumerate(zip(sheet.iter_rows(), formulas.iter_rows(), strict=True), 1):
        row: list[Cell] = []
        for cell, source in zip(cells, written, strict=True):
            if source.data_type == "f" and source.value is not None and cell.value is None:
                row.append(_Uncalculated(f"{get_column_letter(source.column)}{source.row}"))
                continue
            row.append(_text(cell))
        while row and row[-1] is None:
            row.pop()
        if len(row) > reading.limits.max_columns:
            raise reading.too_large(f"columns of row {number}", "max_columns", f"{len(row):,}")
        if row:
            yield number, row


def _text(cell: Any) -> Cell:
    """Return the value of a cell as text: dates as ISO 8601, whole numbers without a point."""
    value = cell.value
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if cell.data_type == "e":
        return _BAD
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        is_day = value.time() == time(0) and "h" not in str(cell.number_format).lower()
        return value.date().isoformat() if is_day else value.isoformat(sep="T")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, int | float):
        return _number(value)
    return without_halves(str(value))


def _number(value: int | float) -> Cell:
    if isinstance(value, int):
        return str(value)
    if not abs(value) < _EXACT:
        return _BAD
    # Fifteen digits are what the spreadsheet shows and keeps; those behind are dust of binary fractions.
    text = format(Decimal(format(value, ".15g")), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _batch(names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> dict[str, pa.Array]:
    return {name: pa.array([row[index] for row in rows], pa.string()) for index, name in enumerate(names)}
