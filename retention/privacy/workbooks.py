"""Rows of a workbook, for finding a person in it. (What it says to the pipeline is read by ``retention.sources``.)"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection
from typing import Any

import openpyxl

from retention.privacy.packing import TooMuch

_LIMIT = 500_000_000
_HEADER_WITHIN = 50


def workbook_rows(content: bytes, sheet: str | None, names: Collection[str]) -> list[tuple[int, dict[str, str]]]:
    """Return (row number, cells by the names of the columns) of one sheet, as text.

    Parameters
    ----------
    sheet : str or None
        Its name; None for the first one that is not hidden.
    names : collection of str
        The columns that matter: the header is the first row that holds one of them. Without such a row nothing is returned.

    Raises
    ------
    TooMuch when it would unpack to more than can be looked through, or cannot be opened: then nobody can tell who is in it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > _LIMIT:
                raise TooMuch(f"it unpacks to more than {_LIMIT:,} bytes")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        found = [one for one in book.worksheets if (one.sheet_state == "visible" if sheet is None else one.title == sheet)]
        if not found:
            return []
        table: Any = found[0]
        table.reset_dimensions()
        return _rows(table.iter_rows(values_only=True), names)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, SyntaxError, EOFError, OSError) as error:
        raise TooMuch(f"it cannot be opened ({type(error).__name__}); look for the person in it by hand") from None


def _rows(cells: Any, names: Collection[str]) -> list[tuple[int, dict[str, str]]]:
    header: list[str] | None = None
    rows = []
    for number, row in enumerate(cells, 1):
        texts = [_text(value) for value in row]
        if header is not None:
            rows.append((number, {name: text for name, text in zip(header, texts, strict=False) if name}))
        elif any(text in names for text in texts):
            header = texts
        elif number > _HEADER_WITHIN:
            break
    return rows


def _text(value: Any) -> str:
    """Return a value as reading gives it: a customer number that the sheet holds as 7.0 is 7."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
