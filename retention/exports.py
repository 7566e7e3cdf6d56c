"""What leaves the product for people's screens and spreadsheets: text from customers must stay text there.

A name that begins with ``=`` is a formula to a spreadsheet, and an escape sequence in a complaint is a command to a terminal.
The warehouse keeps both word for word; here they are made harmless, visibly.
"""

from __future__ import annotations

import csv
import io
import itertools
import unicodedata
from collections.abc import Iterable, Sequence
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
"""First characters that make a spreadsheet calculate, their full-width and small twins among them (it reads those too)."""
_LEADING = ' \u00a0\u3000"\u201c\u201d'
"""Blanks and quotes, behind which a formula may hide. Behind an apostrophe there is none: it says that text follows."""
_BIDI = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\u200e", "\u200f", "\u061c"}
_KEPT = "\n\t"


def spreadsheet_cell(value: Any, *, is_number: bool = False) -> Any:
    r"""Return a value that a spreadsheet shows and never calculates.

    Parameters
    ----------
    value : object
        As the database gave it; null becomes an empty cell.
    is_number : bool
        The column's type is numeric: minus signs stay signs.

    Examples
    --------
    >>> spreadsheet_cell('=HYPERLINK("http://x")')
    '\'=HYPERLINK("http://x")'
    >>> spreadsheet_cell("  -5"), spreadsheet_cell(-5, is_number=True), spreadsheet_cell("Ana")
    ("'  -5", -5, 'Ana')
    """
    if value is None:
        return ""
    if is_number:
        return value
    text = str(value)
    first = next((c for c in text if not (c in _LEADING or unicodedata.category(c) == "Cf")), "")
    return f"'{text}" if first and first in _FORMULA else text


def write_csv(stream: IO[str], columns: Sequence[str], is_number: Sequence[bool], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as CSV that opens safely in a spreadsheet.

    On a terminal, control characters are shown as symbols as well; in a file or a pipe the text stays as it is but for the
    apostrophe in front of what would be a formula.

    Parameters
    ----------
    stream : text stream
        Where to.
    columns : sequence of str
        Header.
    is_number : sequence of bool
        Which columns are numeric by type.
    rows : iterable of sequences
        Values in the order of the columns.
    """
    line = io.StringIO()
    # By this line end the writer knows to quote a lone carriage return as well; what is written ends in \n alone.
    writer = csv.writer(line, lineterminator="\r\n")
    shown = plain if stream.isatty() else str
    names = [spreadsheet_cell(name) for name in columns]
    cells = ([spreadsheet_cell(v, is_number=number) for v, number in zip(row, is_number, strict=True)] for row in rows)
    for record in itertools.chain([names], cells):
        writer.writerow([shown(str(cell)) for cell in record])
        stream.write(line.getvalue().removesuffix("\r\n") + "\n")
        line.seek(0)
        line.truncate()


def plain(text: str) -> str:
    r"""Return a text without anything a terminal obeys: each such character becomes a visible sign of itself.

    Escape and other control characters become their symbols (``␛``), marks that turn the direction of writing and other signs
    nobody sees become the replacement character. Line breaks and tabulators stay.

    Examples
    --------
    >>> plain("\x1b[31mred\x07"), plain("abc\u202etxt")
    ('␛[31mred␇', 'abc�txt')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character in _KEPT:
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0x80 <= code < 0xA0 or character in _BIDI or 0xD800 <= code < 0xE000:
        return "\ufffd"
    return character


class PlainConsole(Console):
    """A console on which only the program speaks to the terminal, never the text it shows."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as usual; what is text, not control, is made plain."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control or (text.isascii() and text.isprintable()) else Segment(plain(text), style, control)
