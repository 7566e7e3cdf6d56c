"""A user's file as a table of text: CSV in any usual dress, Parquet, JSON lines, a workbook's first sheet; packed or not."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from retention.evaluate.errors import HistoryUnusable
from retention.evaluate.paths import check_file
from retention.sources.files import guess_encoding, sniff

HEAD_BYTES = 65_536
_VALUE = re.compile(r"^\s*[-+]?\d[\d.,:/ -]*\s*$|@")
"""What a value looks like and the name of a column does not."""
_BLANKS = re.compile(rb"[ \t]+")
_EMPTY = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "-", "\\N")


@dataclass(frozen=True)
class Delivered:
    """A file as it was delivered.

    Attributes
    ----------
    name : name of the file, for messages.
    table : its columns; those of text files as text, those of typed files as they are. Empty texts are null.
    has_header : whether its first line named the columns; otherwise they are called 1, 2, 3 …
    notes : what was assumed in reading it.
    """

    name: str
    table: pa.Table
    has_header: bool
    notes: tuple[str, ...]


def read_file(path: Path) -> Delivered:
    """Read a file whole.

    Raises
    ------
    HistoryUnusable when it is not there, is empty, or is no table.
    """
    check_file(path)
    data = path.read_bytes()
    name = path.name.lower()
    if data[:2] == b"\x1f\x8b":
        data, name = _unpacked(data, path), name.removesuffix(".gz")
    if not data.strip():
        raise HistoryUnusable(f"{path.name} is empty: a first line with the names of columns and one row per order are needed.")
    try:
        if data[:4] == b"PAR1":
            return _named(path, pa.parquet.read_table(io.BytesIO(data)), ())
        if data[:4] == b"PK\x03\x04":
            return _named(path, _workbook(data), ("the first sheet of the workbook was read",))
        if data.lstrip()[:1] == b"{":
            return _named(path, pa.json.read_json(io.BytesIO(data)), ())
    except (pa.ArrowException, BadZipFile, KeyError, ValueError, OSError) as error:
        raise HistoryUnusable(f"{path.name} is damaged or no table ({type(error).__name__}). Nothing was read.") from None
    return _text(path, data)


def _unpacked(data: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError):
        raise HistoryUnusable(f"{path.name} is packed and damaged: it does not unpack whole. Nothing was read.") from None


def _text(path: Path, data: bytes) -> Delivered:
    """Read delimited text: its encoding, delimiter and header are found out."""
    notes = []
    head = data[:HEAD_BYTES]
    encoding = guess_encoding(head)
    if encoding in (None, "latin-1", "cp1252") and _is_chinese(head):
        encoding = "gb18030"
    if encoding is None:
        encoding = "latin-1"
        notes.append("its encoding could not be told: western European was assumed")
    if encoding not in ("utf-8", "ascii"):
        data = data.decode(encoding, "replace").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    delimiter = sniff(data[:HEAD_BYTES])
    if delimiter in (None, " ") or _only_blanks(data[:HEAD_BYTES], str(delimiter)):
        aligned = _aligned(data)
        if aligned is not None:
            data, delimiter = aligned, "\t"
            notes.append("its columns are split by blanks")
    first = data.lstrip().split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")
    cells = [cell.strip().strip('"') for cell in first.split(delimiter or ",")]
    has_header = not any(_VALUE.search(cell) for cell in cells if cell)
    names = None if has_header else [str(number) for number in range(1, len(cells) + 1)]
    if not has_header:
        notes.append("it has no line with the names of columns: they are called 1, 2, 3 … here")
    wrong: list[int] = []

    def left_out(row: pa.csv.InvalidRow) -> str:
        wrong.append(row.number or 0)
        return "skip"

    try:
        table = pa.csv.read_csv(
            io.BytesIO(data.lstrip(b"\r\n")),
            read_options=pa.csv.ReadOptions(column_names=names, use_threads=False, block_size=16 << 20),
            parse_options=pa.csv.ParseOptions(
                delimiter=delimiter or ",", newlines_in_values=True, invalid_row_handler=left_out
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=_all_text(cells, names), null_values=_EMPTY, strings_can_be_null=True, check_utf8=False
            ),
        )
    except pa.ArrowException as error:
        raise HistoryUnusable(
            f"{path.name} is no delimited text ({type(error).__name__}): are all its lines of one form? Nothing was read."
        ) from None
    if wrong:
        share = f"{len(wrong):,} of {table.num_rows + len(wrong):,} lines"
        if len(wrong) > table.num_rows:
            raise HistoryUnusable(f"{path.name}: {share} have another number of columns than the first. Nothing was read.")
        notes.append(f"{share} have another number of columns than the first and were left out")
    return _named(path, table, notes, has_header)


def _is_chinese(head: bytes) -> bool:
    """Tell whether the first line, names of columns, reads as everyday Chinese: amounts below it may hide that."""
    try:
        first = head.split(b"\n", 1)[0].decode("gb18030")
    except UnicodeDecodeError:
        return False
    letters = [sign for sign in first if ord(sign) > 127]
    everyday = [sign for sign in letters if "\u4e00" <= sign <= "\u9fff" and len(sign.encode("gb2312", "ignore")) == 2]
    return len(everyday) >= 2 and len(everyday) >= 0.9 * len(letters)


def _only_blanks(head: bytes, delimiter: str) -> bool:
    return not delimiter.strip() and delimiter != "\t"


def _aligned(data: bytes) -> bytes | None:
    """Text whose columns are aligned by blanks, with tabs instead; None where its lines differ in their number of words."""
    lines = [_BLANKS.sub(b"\t", line.strip()) for line in data.splitlines() if line.strip()]
    widths = {line.count(b"\t") for line in lines[:1000]}
    return b"\n".join(lines) + b"\n" if widths and len(widths) == 1 and widths != {0} else None


def _all_text(cells: list[str], names: list[str] | None) -> dict[str, pa.DataType]:
    return {name: pa.string() for name in (names or cells)}


def _workbook(data: bytes) -> pa.Table:
    from openpyxl import load_workbook

    sheet = load_workbook(io.BytesIO(data), read_only=True, data_only=True).worksheets[0]
    rows = [row for row in sheet.iter_rows(values_only=True) if any(cell is not None for cell in row)]
    if not rows:
        return pa.table({})
    names = [str(cell) if cell is not None else f"column {place}" for place, cell in enumerate(rows[0], start=1)]
    return pa.table({name: pa.array([_cell(row[place]) for row in rows[1:]], pa.string()) for place, name in enumerate(names)})


def _cell(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _named(path: Path, table: pa.Table, notes: Iterable[str], has_header: bool = True) -> Delivered:
    """Check that there are rows and that columns can be told apart by their names; make one chunk of each."""
    if table.num_rows == 0:
        raise HistoryUnusable(f"{path.name} has no rows below its first line. Nothing was read.")
    names = [name.strip().strip("\ufeff") for name in table.column_names]
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1 or not name:
            names[place] = f"{name or 'column'} ({place + 1})"
    columns = [_plain(table.column(place).combine_chunks()) for place in range(table.num_columns)]
    kept = {name: values for name, values in zip(names, columns, strict=True) if values is not None}
    return Delivered(path.name, pa.table(kept), has_header, tuple(notes))


def _plain(values: pa.Array) -> pa.Array | None:
    """One array without dictionaries and large types; texts trimmed, empty ones null. None for lists and structures."""
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.nulls(0, values.type)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    if pa.types.is_nested(kind):
        return None
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_large_string(kind):
        values = pc.cast(values, pa.string(), safe=False)
    if pa.types.is_string(values.type):
        values = pc.utf8_trim_whitespace(values)
        values = pc.if_else(pc.is_in(values, value_set=pa.array(_EMPTY)), pa.scalar(None, pa.string()), values)
    if pa.types.is_null(kind):
        values = pc.cast(values, pa.string())
    return values
