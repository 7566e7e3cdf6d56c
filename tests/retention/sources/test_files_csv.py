"""CSV: every record stands at its line, nothing is swallowed silently, whatever the quotation marks do."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retention.sources.errors import ColumnMissing, EmptyFile, FileTooLarge, SourceUnreadable
from retention.sources.files.formats import csv as csv_format
from retention.sources.files.formats.records import Block, Records
from retention.sources.files.reading import Reading, SourceFile
from tests.retention.sources.reading import LIMITS, entity, read_rows, texts

SPEC = entity("a.csv", "csv")


def written(folder: Path, text: str | bytes) -> Path:
    (folder / "a.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def test_positions_are_lines(tmp_path: Path) -> None:
    rows = read_rows(
        written(tmp_path, 'id,who,words\n1,Ana,"two\nlines"\n\n2,Bo\n3,Chen,"a\r\nb\rc"\r\n4,Dai,"say ""hi"", ok"\n5,Emma,end'),
        SPEC,
    )
    assert texts(rows, "id", "words") == [
        (2, "1", "two\nlines"),
        (5, None, None),  # Bo's line has too few columns; the empty line before it is no record
        (6, "3", "a\r\nb\rc"),
        (9, "4", 'say "hi", ok'),
        (10, "5", "end"),
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_line_endings(tmp_path: Path, ending: str) -> None:
    rows = read_rows(written(tmp_path, ending.join(["id,who,words", "1,Ana,x", '2,Bo,"y"', ""])), SPEC)
    assert texts(rows, "id", "words") == [(2, "1", "x"), (3, "2", "y")]


def test_a_mark_inside_an_unquoted_value_is_a_character(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, 'id,who,words\n1,Ana,5" pipe\n2,Bo,a""b\n3,Chen,"fine"\n'), SPEC)
    assert texts(rows, "words") == [(2, '5" pipe'), (3, 'a""b'), (4, "fine")]


def test_an_open_quotation_swallows_nobody_silently(tmp_path: Path) -> None:
    # Bo's words begin with a mark that is never closed; the next mark is the one of Dai's words. Splitters that go on
    # behind it make one row of Bo, Chen and Dai.
    text = 'id,who,words\n1,Ana,x\n2,Bo,"oops\n3,Chen,y\n4,Dai,"z"\n5,Emma,"fine"\n'
    rows = read_rows(written(tmp_path, text), SPEC)
    assert texts(rows, "id", "words") == [(2, "1", "x"), (3, None, None), (4, None, None), (5, None, None), (6, "5", "fine")]
    assert [len(row) for row in csv.reader(io.StringIO(text))] == [3, 3, 3, 3]  # three of five: what others make of it


def test_an_open_quotation_that_ends_the_file_stops(tmp_path: Path) -> None:
    folder = written(tmp_path, 'id,who,words\n1,Ana,x\n2,Bo,"secret words\n3,Chen,y\n')
    with pytest.raises(SourceUnreadable, match="it ends inside a quotation that begins in line 3") as caught:
        read_rows(folder, SPEC)
    assert "secret" not in str(caught.value)
    stray = 'id,who,words\n1,Ana,5" pipe\n2,Bo,"oops\n3,Chen,y\n'  # found record by record
    with pytest.raises(SourceUnreadable, match="it ends inside a quotation that begins in line 3"):
        read_rows(written(tmp_path, stray), SPEC)


def test_an_open_quotation_in_a_long_file_stops_at_its_line(tmp_path: Path) -> None:
    lines = "".join(f"{number},Ana,{'x' * 1000}\n" for number in range(20_000))
    folder = written(tmp_path, f'id,who,words\n1,Ana,x\n2,Bo,"oops\n{lines}')
    with pytest.raises(
        SourceUnreadable, match=r"the record that begins in line 3 has no end within 16,777,216 bytes; is a quota"
    ):
        read_rows(folder, SPEC)


def test_too_many_columns_over_several_lines_set_each_line_aside(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, 'id,who,words\n1,Ana,"a\nb",too,many\n2,Bo,x\n'), SPEC)
    assert texts(rows, "id") == [(2, None), (3, None), (4, "2")]


def test_a_value_over_the_limit_is_set_aside_and_one_within_is_loaded(tmp_path: Path) -> None:
    folder = written(tmp_path, f"id,who,words\n1,Ana,{'x' * 1_000_000}\n2,Bo,{'x' * 1_100_000}\n3,Chen,y\n")
    rows = read_rows(folder, SPEC)
    assert [(position, row["id"], len(row["words"] or "")) for position, row in rows] == [
        (2, "1", 1_000_000), (3, None, 0), (4, "3", 1)
    ]  # fmt: skip
    assert [row["id"] for _, row in read_rows(folder, SPEC, max_value_bytes=2_000_000)] == ["1", "2", "3"]


def test_a_million_columns_are_refused_at_the_header(tmp_path: Path) -> None:
    folder = written(tmp_path, "id," + ",".join(f"c{n}" for n in range(1_000_000)) + "\n1,2\n")
    with pytest.raises(FileTooLarge, match=r"a\.csv: columns of its header: expected at most 2,000 .*found 1,000,001"):
        read_rows(folder, SPEC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n\n", r"a\.csv has no bytes, not even a header"),
        ("id,who,id\n1,2,3\n", "its header is empty or names a column twice"),
        ('id,who,"words\n1,Ana,x\n', "ends inside a quotation that begins in line 1"),
        ('id,"who"x,words\n1,Ana,x\n', "the quotation marks of its header do not match"),
        ("i\0d\0,\0w\0\n\0", "its header holds NUL bytes, so it is hardly utf-8; is it utf-16"),
        ("id;who;words\n1;Ana;x\n", "with the delimiter ',' its header is a single column; it looks delimited by ';'"),
        ("sep=;\nid;who;words\n", "it says sep=; in its first line, options.delimiter says ','"),
    ],
    ids=["only empty lines", "twice", "open mark", "broken mark", "UTF-16 without mark", "delimiter", "sep="],
)
def test_headers_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises((SourceUnreadable, EmptyFile), match=message):
        read_rows(written(tmp_path, text), SPEC)


def test_a_header_without_the_key_is_told_by_the_check(tmp_path: Path) -> None:
    with pytest.raises(ColumnMissing, match="no column id"):
        read_rows(written(tmp_path, "nr,who,words\n1,Ana,x\n"), SPEC)


def test_the_first_line_of_a_spreadsheet_program(tmp_path: Path) -> None:
    folder = written(tmp_path, "sep=;\r\nid;who;words\r\n1;Ana;1,5\r\n")
    rows = read_rows(folder, entity("a.csv", "csv", delimiter=";"))
    assert texts(rows, "id", "words") == [(3, "1", "1,5")]


def test_a_decimal_comma_shifts_no_column(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, "id,who,words\n1,Ana,1,50\n2,Bo,2\n"), SPEC)
    assert texts(rows, "id", "words") == [(2, None, None), (3, "2", "2")]


@pytest.mark.parametrize("delimiter", ["，", '"', "\n"], ids=["not ASCII", "quotation mark", "line break"])
def test_delimiters_that_cannot_be(tmp_path: Path, delimiter: str) -> None:
    with pytest.raises(SourceUnreadable, match=r"options\.delimiter must be one ASCII character"):
        read_rows(written(tmp_path, "id,who\n"), entity("a.csv", "csv", delimiter=delimiter))


def test_rows_are_counted_by_two_and_a_difference_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path, "id,who,words\n1,Ana,x\n2,Bo,y\n3,Chen,z\n")
    original = csv_format._split

    def loses_one(*given: object) -> object:
        batch, refused = original(*given)  # type: ignore[arg-type]
        return batch.slice(1), refused

    monkeypatch.setattr(csv_format, "_split", loses_one)
    with pytest.raises(SourceUnreadable, match="lines 2 to 4 hold 3 records, but 2 rows came of them and 0 could not be split"):
        read_rows(folder, SPEC)


def _blocks(data: bytes, size: int) -> Iterator[Block]:
    reading = Reading("desk", SPEC, SourceFile("a.csv", len(data), date(2026, 3, 31)), LIMITS)
    return Records(",", reading).blocks(data[start : start + size] for start in range(0, len(data), size))


_VALUES = st.text(st.sampled_from('ab",\n\r é'), max_size=6)


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(st.lists(_VALUES, min_size=2, max_size=2), max_size=8), size=st.integers(1, 40), crlf=st.booleans())
def test_whatever_is_written_is_read(
    rows: list[list[str]], size: int, crlf: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What a CSV writer quotes comes back as it was, at its line, wherever the chunks are cut."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n" if crlf else "\n", quoting=csv.QUOTE_ALL).writerows(rows)
    data = out.getvalue().encode()
    blocks = list(_blocks(data, size))
    assert b"".join(block.data for block in blocks) == data
    assert not any(block.broken for block in blocks)
    line, expected = 1, []
    for row in rows:
        expected.append(line)
        text = ",".join(f'"{value}"' for value in row)
        line += 1 + text.count("\n") + text.count("\r") - text.count("\r\n")
    assert [int(number) for block in blocks for number in block.first_lines] == expected


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.sampled_from('ab",\n\r'), max_size=60), size=st.integers(1, 20))
def test_no_byte_is_lost_and_chunks_do_not_matter(text: str, size: int) -> None:
    """Any text at all: every line is in a record, empty or set aside, and the same however it is cut; or it stops."""
    data = text.encode()

    def outcome(step: int) -> object:
        try:
            blocks = list(_blocks(data, step))
        except SourceUnreadable as error:
            return str(error)
        covered = [*(line for block in blocks for line in block.broken)]
        for block in blocks:
            for first, last in zip(block.first_lines, block.last_lines, strict=True):
                covered += range(int(first), int(last) + 1)
            assert (np.diff(block.offsets) > 0).all()
        return sorted(covered)

    whole = outcome(max(len(data), 1))
    assert outcome(size) == whole
    if isinstance(whole, list):
        lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        assert set(range(1, len(lines) + 1)) - set(whole) <= {n for n, line in enumerate(lines, 1) if not line}
        assert len(whole) == len(set(whole))
