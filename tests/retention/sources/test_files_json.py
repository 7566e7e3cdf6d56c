"""JSON lines and documents: a broken line or event is set aside by its place and stops nobody else's."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from retention.sources.errors import ColumnMissing, FileTooLarge, SourceUnreadable
from retention.sources.files import FileStore
from retention.sources.spec import ColumnMap
from tests.retention.sources.reading import LIMITS, entity, read_rows, rows_of, texts

LINES = entity("a.jsonl", "jsonl")
DEEP = "[" * 10_000 + "]" * 10_000


def test_lines_that_are_no_objects_stand_as_nulls(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"id": 1, "who": "Ana", "words": "a\\nb"}\r\n\n[1]\n{"id": 2, "words": '
        + DEEP
        + '}\n{"id": 3, "words": "half \\ud83d"}\n{"id": 4, "words": "\\u0000"}\n{"id": 1e400, "words": NaN}\n{"id": 6'
    )
    assert texts(read_rows(tmp_path, LINES), "id", "words") == [
        (1, "1", "a\nb"), (3, None, None), (4, None, None), (5, "3", "half \0"), (6, "4", "\0"), (7, "1e400", "NaN"), (8, None, None)
    ]  # fmt: skip


def test_long_values_and_many_names(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({"id": n, "words": "x" * size}) + "\n" for n, size in ((1, 1_000_000), (2, 1_100_000), (3, 1)))
    )
    rows = read_rows(tmp_path, LINES)
    assert [(position, row["id"], len(row["words"] or "")) for position, row in rows] == [
        (1, "1", 1_000_000), (2, None, 0), (3, "3", 1)
    ]  # fmt: skip
    (tmp_path / "a.jsonl").write_text(json.dumps({f"c{n}": 1 for n in range(100_000)} | {"id": 1}) + "\n")
    with pytest.raises(FileTooLarge, match=r"names in its records: expected at most 2,000 .*found 100,001"):
        read_rows(tmp_path, LINES)


def test_nesting_that_can_be_read_but_not_written(tmp_path: Path) -> None:
    deep = "[" * 900 + "1" + "]" * 900
    (tmp_path / "a.jsonl").write_text(f'{{"id": 1, "words": {deep}}}\n{{"id": 2, "words": "x"}}\n')
    rows = read_rows(tmp_path, LINES)
    assert [position for position, _ in rows] == [1, 2]
    assert rows[1][1]["id"] == "2"


@pytest.mark.parametrize(
    ("document", "records", "expected"),
    [
        ({"id": 1, "words": "x"}, "", [(1, "1", "x")]),
        ([{"id": 1}, {"id": 2, "words": 2.50}], "", [(1, "1", None), (2, "2", "2.5")]),
        ({"data": {"items": [{"id": 1}, 7, {"id": 2}]}}, "data.items", [(1, "1", None), (2, None, None), (3, "2", None)]),
        ({"data": {"id": 1}}, "data", [(1, "1", None)]),
        ([], "", []),
    ],
    ids=["one object", "a list", "a list inside, with a number in it", "an object inside", "nothing"],
)
def test_documents(tmp_path: Path, document: object, records: str, expected: list[object]) -> None:
    (tmp_path / "a.json").write_text(json.dumps(document))
    assert texts(read_rows(tmp_path, entity("a.json", "json", records=records)), "id", "words") == expected


def test_names_with_dots_reach_into_records(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"event": {"id": 7, "by": {"who": "Ana"}}, "a.b": "plain"}')
    columns = {"answer_id": ColumnMap("event.id"), "customer_id": ColumnMap("event.by.who"), "comment": ColumnMap("a.b")}
    spec = entity("a.json", "json", columns=columns, key=("event.id",))
    store = FileStore(str(tmp_path), "desk", LIMITS)
    (batch, count, _) = next(iter(store.read(store.due(spec, date(2026, 3, 31))[0], spec, lambda names: None)))
    assert count == 1
    assert [batch[name].to_pylist() for name in ("event.id", "event.by.who", "a.b")] == [["7"], ["Ana"], ["plain"]]


BROKEN = {
    "cut": (b'{"id": 1, "words": "sec', "Unterminated string starting at at line 1, column 20"),
    "nothing": (b"", "Expecting value at line 1, column 1"),
    "not UTF-8": (b'{"id": "\xff"}', "not utf-8 at byte 8"),
    "a number": (b"17", "it is neither an object nor a list"),
    "too deep": (DEEP.encode(), "it is nested too deep"),
    "too large": (b'{"id": "' + b"x" * 200_000 + b'"}', "a file read as a whole: expected at most 100,000"),
    "UTF-16": ("﻿{}".encode("utf-16-le"), "declared utf-8, but it begins with the byte order mark of utf-16-le"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_event_stands_as_nulls_and_stops_no_other(tmp_path: Path, kind: str) -> None:
    content, why = BROKEN[kind]
    (tmp_path / "1.json").write_bytes(b'{"id": 1, "words": "x"}')
    (tmp_path / "2.json").write_bytes(content)
    (tmp_path / "3.json").write_bytes(b'{"id": 3}')
    spec = entity("*.json", "json")
    assert texts(read_rows(tmp_path, spec, max_document_bytes=100_000), "id") == [(1, "1"), (1, None), (1, "3")]
    store = FileStore(str(tmp_path), "desk", LIMITS.__class__(max_document_bytes=100_000))
    first, broken, _ = store.due(spec, date(2026, 3, 31))
    rows_of(store, first, spec)
    rows_of(store, broken, spec)
    assert first.seen.defect is None
    assert broken.seen.defect is not None
    assert why in broken.seen.defect
    assert "sec" not in broken.seen.defect


@pytest.mark.parametrize("mode", ["full", "snapshot"])
def test_where_a_file_is_the_whole_a_broken_one_stops(tmp_path: Path, mode: str) -> None:
    (tmp_path / "a.json").write_bytes(b'[{"id": 1}')
    with pytest.raises(SourceUnreadable, match=r"a\.json is no readable json: .* at line 1, column 11"):
        read_rows(tmp_path, entity("a.json", "json", mode=mode))


def test_an_event_of_another_kind_stands_as_nulls(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text('{"greeting": "hello", "challenge": "abc"}')
    (tmp_path / "2.json").write_text('{"id": 2}')
    (tmp_path / "3.json").write_text(json.dumps({f"c{n}": 1 for n in range(3_000)}))
    spec = entity("*.json", "json")
    assert texts(read_rows(tmp_path, spec), "id") == [(1, None), (1, "2"), (1, None)]
    store = FileStore(str(tmp_path), "desk", LIMITS)
    files = store.due(spec, date(2026, 3, 31))
    for file in files:
        rows_of(store, file, spec)
    assert [file.seen.defect for file in files] == [
        "no column id; there are greeting, challenge, who, words",
        None,
        "names in its records: expected at most 2,000 (ingest.max_columns), found 3,000",
    ]
    with pytest.raises(ColumnMissing, match="no column id"):
        read_rows(tmp_path, entity("1.json", "json", mode="full"))
    (tmp_path / "1.json").write_text('[{"nr": 1}, {"nr": 2}]')
    with pytest.raises(ColumnMissing, match="no column id"):  # an export whose key was renamed, and no event
        read_rows(tmp_path, entity("1.json", "json"))
