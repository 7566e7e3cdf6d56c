"""Workbooks that staff keep: what a person sees in the sheet is what is read, or the cell or row is named."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from retention.sources.errors import FileTooLarge, SourceUnreadable, WorkbookRefused
from tests.retention.sources.reading import entity, read_rows, texts

LIST = entity("list.xlsx", "excel")
TIMES = [datetime.fromisoformat("2026-03-31T00:00:00"), datetime.fromisoformat("2026-03-31T09:05:07")]


def workbook(folder: Path, *rows: list[Any], change: Callable[[Any, Any], None] | None = None) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    if change is not None:
        change(book, sheet)
    book.save(folder / "list.xlsx")
    return folder


def rezip(path: Path, change: Callable[[str, bytes], bytes], **added: bytes) -> None:
    """Write a workbook anew with its parts changed."""
    old, out = zipfile.ZipFile(io.BytesIO(path.read_bytes())), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(part, old.read(part)))
        for name, content in added.items():
            new.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    path.write_bytes(out.getvalue())


def test_cells_as_a_person_sees_them(tmp_path: Path) -> None:
    values = [
        date(2026, 3, 31), *TIMES, time(9, 30), 7, 7.0, 13800138000.0,
        0.1 + 0.2, -1.50, True, "007", "  ", "满意", 1e-7, 123456789012345,
    ]  # fmt: skip
    workbook(tmp_path, ["id", "who", "words"], *[[number, None, value] for number, value in enumerate(values, 1)])
    assert [row["words"] for _, row in read_rows(tmp_path, LIST)] == [
        "2026-03-31", "2026-03-31T00:00:00", "2026-03-31T09:05:07", "09:30:00", "7", "7", "13800138000",
        "0.3", "-1.5", "true", "007", None, "满意", "0.0000001", "123456789012345",
    ]  # fmt: skip


def test_titles_blank_rows_and_remarks(tmp_path: Path) -> None:
    def merge(_: Any, sheet: Any) -> None:
        sheet.merge_cells("A1:C1")
        sheet.merge_cells("A6:C6")

    workbook(
        tmp_path, ["Staff list 2026"], [], [None, None, None], ["id", "who", "words", None, "checked"], [1, "Ana", "x", "remark"],
        ["Region North"], [], [2, "Bo", "y"], [3], change=merge,
    )  # fmt: skip
    rows = read_rows(tmp_path, LIST)
    assert texts(rows, "id", "who", "words") == [(5, "1", "Ana", "x"), (8, "2", "Bo", "y"), (9, "3", None, None)]
    assert list(rows[0][1]) == ["id", "who", "words", "(D)", "checked"]


def test_rows_joined_with_their_neighbours_are_set_aside(tmp_path: Path) -> None:
    workbook(
        tmp_path, ["id", "who", "words"], [1, "Ana", "x"], [2, "Bo", "y"], [3, None, "z"], [4, "Dai", "w"],
        change=lambda _, sheet: sheet.merge_cells("B3:B4"),
    )  # fmt: skip
    assert texts(read_rows(tmp_path, LIST), "id") == [(2, "1"), (3, None), (4, None), (5, "4")]


def test_error_cells_and_lost_digits_set_their_row_aside(tmp_path: Path) -> None:
    rows = (
        [1, "Ana", "#N/A", "fine"],
        [2, "Bo", "y", "#DIV/0!"],
        [123456789012345680.0, "Chen", "z", None],
        [4, "Dai", "w", None],
    )
    workbook(tmp_path, ["id", "who", "words", "lookup"], *rows)
    found = read_rows(tmp_path, LIST)
    # Ana's words are wrong; Bo's error stands in a column that nobody reads; Chen's number has lost its digits.
    assert texts(found, "id", "words") == [(2, None, None), (3, "2", "y"), (4, None, None), (5, "4", "w")]
    assert found[1][1]["lookup"] is None


def test_a_formula_needs_a_stored_value(tmp_path: Path) -> None:
    workbook(tmp_path, ["id", "who", "words"], [1, "Ana", "=A2&secret"])
    with pytest.raises(
        WorkbookRefused, match=r"list\.xlsx: cell C2 of sheet 'Sheet' is a formula without a stored value"
    ) as caught:
        read_rows(tmp_path, LIST)
    assert "secret" not in str(caught.value)
    workbook(tmp_path, ["id", "who", "words", "helper"], [1, "Ana", "x", "=A2*2"])
    assert texts(read_rows(tmp_path, LIST), "words", "helper") == [(2, "x", None)], "nobody reads that column"
    workbook(tmp_path, ["id", "who", "words"], [1, "Ana", "=A2&secret"])
    # As a spreadsheet program saves it: with the value beside the formula.
    rezip(
        tmp_path / "list.xlsx",
        lambda part, data: (
            data.replace(b"</f><v></v>", b"</f><v>8</v>")
            .replace(b"</f><v/>", b"</f><v>8</v>")
            .replace(b"</f><v />", b"</f><v>8</v>")
        ),
    )
    assert texts(read_rows(tmp_path, LIST), "words") == [(2, "8")]


def test_sheets(tmp_path: Path) -> None:
    def more(book: Any, sheet: Any) -> None:
        sheet.sheet_state = "hidden"
        for name, who in (("Now", "Bo"), ("Old", "Chen")):
            other = book.create_sheet(name)
            other.append(["id", "who"])
            other.append([1, who])
        book.active = 1

    workbook(tmp_path, ["id", "who"], [1, "Ana"], change=more)
    assert texts(read_rows(tmp_path, LIST), "who") == [(2, "Bo")]  # the first that a person sees
    assert texts(read_rows(tmp_path, entity("list.xlsx", "excel", sheet="Old")), "who") == [(2, "Chen")]
    assert texts(read_rows(tmp_path, entity("list.xlsx", "excel", sheet="Sheet")), "who") == [(2, "Ana")]  # hidden, but named
    with pytest.raises(WorkbookRefused, match=r"it has no sheet 'Gone' \(options\.sheet\)"):
        read_rows(tmp_path, entity("list.xlsx", "excel", sheet="Gone"))


def test_hidden_rows_are_rows(tmp_path: Path) -> None:
    def hide(_: Any, sheet: Any) -> None:
        sheet.row_dimensions[2].hidden = True

    workbook(tmp_path, ["id", "who"], [1, "Ana"], [2, "Bo"], change=hide)
    assert texts(read_rows(tmp_path, LIST), "id") == [(2, "1"), (3, "2")]


def test_a_workbook_that_says_it_is_huge_is_read_as_it_is(tmp_path: Path) -> None:
    workbook(tmp_path, ["id", "who"], [1, "Ana"])
    rezip(tmp_path / "list.xlsx", lambda part, data: data.replace(b'<dimension ref="A1:B2"', b'<dimension ref="A1:XFD1048576"'))
    assert texts(read_rows(tmp_path, LIST), "id") == [(2, "1")]


def test_bombs_are_told_by_the_directory(tmp_path: Path) -> None:
    workbook(tmp_path, ["id", "who"], [1, "Ana"])
    rezip(tmp_path / "list.xlsx", lambda part, data: data, xl__pad_dot_bin=b"\0" * 30_000_000)
    with pytest.raises(FileTooLarge, match=r"unpacked bytes per packed byte: expected at most 200 .*found \d+"):
        read_rows(tmp_path, LIST)
    with pytest.raises(FileTooLarge, match=r"a workbook, unpacked: expected at most 20,000,000 .*found 30,0\d\d,\d\d\d bytes"):
        read_rows(tmp_path, LIST, max_document_bytes=20_000_000)


def test_a_directory_that_lies_gives_no_more_than_it_says(tmp_path: Path) -> None:
    workbook(tmp_path, ["id", "who"], [1, "Ana"])
    path = tmp_path / "list.xlsx"
    rezip(path, lambda part, data: data, xl__pad_dot_xml=b"<x/>" * 8_000_000)
    data = path.read_bytes()
    size = (32_000_000).to_bytes(4, "little")
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(SourceUnreadable, match=r"BadZipFile: the workbook is broken"):
        read_rows(tmp_path, LIST)


@pytest.mark.parametrize(
    ("part", "content", "message"),
    [
        ("xl__vbaProject_dot_bin", b"macro", "it holds macros: save it as .xlsx without them"),
        ("xl__extra_dot_xml", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x/>', "its XML declares entities"),
        (
            "xl__extra_dot_xml",
            '<?xml version="1.0" encoding="utf-16"?><x/>'.encode("utf-16"),
            "its XML declares entities or an enc",
        ),
        ("xl__styles_dot_xml", b"<x/>", "its directory names a part twice"),
    ],
    ids=["macros", "entities", "UTF-16 XML", "twice"],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_refused_before_it_is_opened(tmp_path: Path, part: str, content: bytes, message: str) -> None:
    workbook(tmp_path, ["id", "who"], [1, "Ana"])
    rezip(tmp_path / "list.xlsx", lambda name, data: data, **{part: content})
    with pytest.raises((WorkbookRefused, SourceUnreadable), match=message):
        read_rows(tmp_path, LIST)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, r"it has a password or is an old \.xls: save it as \.xlsx without one"),
        (b"id,who\n1,Ana\n", "it is no workbook"),
        (b"PK\x03\x04" + b"\0" * 90, "it is no workbook"),
    ],
    ids=["old or protected", "text", "cut off"],
)
def test_other_things_under_that_name(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "list.xlsx").write_bytes(content)
    with pytest.raises((WorkbookRefused, SourceUnreadable), match=message):
        read_rows(tmp_path, LIST)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
def test_broken_parts_stop_and_show_nothing(tmp_path: Path, part: str) -> None:
    workbook(tmp_path, ["id", "who"], [1, "Ana secret"])
    rezip(tmp_path / "list.xlsx", lambda name, data: data[: len(data) // 2] if name == part else data)
    with pytest.raises(SourceUnreadable, match=r"list\.xlsx is no readable excel \(\w+: the workbook is broken\)") as caught:
        read_rows(tmp_path, LIST)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "its sheet is empty"),
        ([["id", "who", "id"], [1, "Ana", 2]], "its header, row 1, names a column twice"),
    ],
    ids=["empty", "twice"],
)
def test_headers_that_are_none(tmp_path: Path, rows: list[list[Any]], message: str) -> None:
    workbook(tmp_path, *rows)
    with pytest.raises(SourceUnreadable, match=message):
        read_rows(tmp_path, LIST)


def test_too_many_columns(tmp_path: Path) -> None:
    workbook(tmp_path, ["id"] + [f"c{n}" for n in range(2_000)])
    with pytest.raises(FileTooLarge, match=r"columns of row 1: expected at most 2,000 .*found 2,001"):
        read_rows(tmp_path, LIST)


def test_with_our_own_names_every_column_of_ours_counts(tmp_path: Path) -> None:
    workbook(tmp_path, ["answer_id", "comment", "id"], [1, "#N/A", 1], [2, "x", "#N/A"])
    rows = read_rows(tmp_path, entity("list.xlsx", "excel", columns=None, key=("answer_id",)))
    assert texts(rows, "answer_id", "comment") == [(2, None, None), (3, "2", "x")]
