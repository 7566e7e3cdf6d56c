"""Cells that spreadsheets do not calculate, and text that terminals do not obey."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from retention.exports import PlainConsole, plain, spreadsheet_cell, write_csv

FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "\u3000=1", '"=1"', "\u200b=1", "\ufeff=1",
    "\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "\u201c=1\u201d", ' \u200b"=1', "-5", "=cmd|'/c calc'!A1", "@", "=",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_calculate_gets_an_apostrophe(text: str) -> None:
    assert spreadsheet_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["Ana", "'=1", "a=b", "3-4", "ana@example.com", "", " ", "1.5", "# note", "你好", "(+86) 1", "''"]
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert spreadsheet_cell(text) == text


def test_numbers_by_type_keep_their_sign_and_nothing_is_an_empty_cell() -> None:
    assert (spreadsheet_cell(-5, is_number=True), spreadsheet_cell(-5), spreadsheet_cell(None)) == (-5, "'-5", "")


@given(st.lists(st.lists(st.one_of(st.none(), st.text(), st.sampled_from(FORMULAS)), min_size=2, max_size=2), max_size=5))
def test_a_file_reads_back_and_no_cell_of_it_calculates(rows: list[list[str | None]]) -> None:
    stream = io.StringIO()
    write_csv(stream, ["a", "=b"], [False, False], rows)
    read = list(csv.reader(io.StringIO(stream.getvalue(), newline="")))
    assert read[0] == ["a", "'=b"]
    for before, after in zip(rows, read[1:], strict=True):
        for given_, cell in zip(before, after, strict=True):
            assert cell in (given_ or "", f"'{given_}")
            assert spreadsheet_cell(cell) == cell


@given(st.text())
def test_plain_text_holds_nothing_that_a_terminal_obeys_and_is_plain_already(text: str) -> None:
    shown = plain(text)
    assert plain(shown) == shown
    assert not any((ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E for c in shown)


def test_a_table_of_strangers_words_is_shown_and_not_obeyed() -> None:
    stream = io.StringIO()
    console = PlainConsole(file=stream, width=80, force_terminal=True, color_system=None)
    table = Table()
    table.add_column("name")
    table.add_row(Text("\x1b]0;owned\x07 \u202eevil"))
    console.print(table)
    assert "\x1b" not in stream.getvalue()
    assert "␛]0;owned" in stream.getvalue()
    assert "\ufffdev" in stream.getvalue()
