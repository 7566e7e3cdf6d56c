"""Which files are due: names, links, what is still being written, and names that nobody should have."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import fsspec
import pytest

from retention.sources.errors import FileReplaced, FolderMissing, PathRefused, SourceUnreachable
from retention.sources.files import FileStore
from retention.sources.files.listing import Pattern, is_settled
from retention.sources.files.reading import SourceFile
from tests.retention.sources.reading import LIMITS, entity, rows_of

DAY = date(2026, 3, 31)
NOW = datetime(2026, 3, 31, 16, 0, tzinfo=UTC)


def due(folder: Path | str, path: str, **more: object) -> list[str]:
    store = FileStore(str(folder), "desk", LIMITS, now=NOW)
    return [file.path for file in store.due(entity(path, "csv", **more), DAY)]


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("id\n")


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("a_{date}.csv", "a_2026-03-31.csv", (True, DAY)),
        ("a_{date}.csv", "a_20260331.csv", (True, DAY)),
        ("a_{date}.csv", "a_2026-02-30.csv", (False, None)),
        ("a_{date}.csv", "a_2026-03-31.csv.part", (False, None)),
        ("events/{date}/*.json", "events/2026-03-31/1.json", (True, DAY)),
        ("events/{date}/*.json", "events/2026-03-31/x/1.json", (False, None)),
        ("inbox/*.json", "inbox/a/b.json", (False, None)),
        ("inbox/**/*.json", "inbox/a/b.json", (True, None)),
        ("inbox/*.json", "inbox/.1.json", (False, None)),
        ("inbox/*", "inbox/1.json.tmp", (False, None)),
        ("inbox/*", "inbox/1.json.FILEPART", (False, None)),
        ("*.xlsx", "~$list.xlsx", (False, None)),
        ("a+b(1).csv", "a+b(1).csv", (True, None)),
        ("a[12].csv", "a2.csv", (True, None)),
        ("a?.csv", "a/.csv", (False, None)),
    ],
)
def test_patterns(pattern: str, path: str, expected: tuple[bool, date | None]) -> None:
    assert Pattern(pattern).match(path) == expected


def test_only_what_is_due_in_order_of_day_and_name(tmp_path: Path) -> None:
    put(
        tmp_path,
        "b/x_20260330.csv",
        "a/x_2026-03-31.csv",
        "a/x_2026-03-30.csv",
        "a/x_2026-04-01.csv",
        "a/x_.csv",
        "x_2026-03-29.csv",
    )
    (tmp_path / "a" / "x_2026-03-28.csv").mkdir()  # a folder of that name is no file
    os.mkfifo(tmp_path / "a" / "x_2026-03-27.csv")  # nor is a pipe, which nobody may wait for
    assert due(tmp_path, "*/x_{date}.csv") == ["a/x_2026-03-30.csv", "b/x_20260330.csv", "a/x_2026-03-31.csv"]


def test_a_folder_whose_name_is_a_pattern(tmp_path: Path) -> None:
    put(tmp_path, "[a]*/x.csv", "a/x.csv")
    assert due(tmp_path / "[a]*", "x.csv") == ["x.csv"]


def test_linked_folders_that_lead_in_circles_are_walked_once(tmp_path: Path) -> None:
    put(tmp_path, "a/x.csv")
    os.symlink(tmp_path, tmp_path / "a" / "again")
    os.symlink(tmp_path / "gone", tmp_path / "a" / "nowhere.csv")
    assert due(tmp_path, "**/*.csv") == ["a/x.csv"]


@pytest.mark.parametrize(
    "name", ["a\nb.csv", "a\x1b[31m.csv", os.fsdecode(b"a\xff.csv")], ids=["line break", "escape", "no UTF-8"]
)
def test_names_with_control_characters_are_refused_and_shown_harmlessly(tmp_path: Path, name: str) -> None:
    put(tmp_path, name)
    with pytest.raises(PathRefused, match="holds characters that no name should") as caught:
        due(tmp_path, "*.csv")
    assert str(caught.value).isascii()
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_names_in_chinese_are_names(tmp_path: Path) -> None:
    put(tmp_path, "投诉　2026-03-31.csv")
    assert due(tmp_path, "投诉*.csv") == ["投诉　2026-03-31.csv"]


def test_a_file_that_becomes_a_link_after_it_was_listed_is_refused(tmp_path: Path) -> None:
    folder, secret = tmp_path / "in", tmp_path / "secret.csv"
    put(tmp_path, "in/x.csv", "secret.csv")
    store, spec = FileStore(str(folder), "desk", LIMITS), entity("x.csv", "csv")
    (file,) = store.due(spec, DAY)
    (folder / "x.csv").unlink()
    os.symlink(secret, folder / "x.csv")
    with pytest.raises(PathRefused, match=r"x\.csv is a link out of the source's folder"):
        rows_of(store, file, spec)


def test_a_file_replaced_while_it_is_opened_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "x.csv", "y.csv")
    store, spec = FileStore(str(tmp_path), "desk", LIMITS), entity("x.csv", "csv")
    (file,) = store.due(spec, DAY)
    opened = store._fs.open
    monkeypatch.setattr(store._fs, "open", lambda path, mode: opened(str(tmp_path / "y.csv"), mode))
    with pytest.raises(FileReplaced, match="was replaced while it was opened"):
        rows_of(store, file, spec)


def test_young_files_wait_by_the_clock_that_is_passed_in(tmp_path: Path) -> None:
    put(tmp_path, "old.csv", "young.csv", "future.csv")
    for name, age in (("old", 61), ("young", 59), ("future", -86_400)):
        stamp = (NOW - timedelta(seconds=age)).timestamp()
        os.utime(tmp_path / f"{name}.csv", (stamp, stamp))
    assert due(tmp_path, "*.csv", settle_seconds=60) == ["future.csv", "old.csv"]
    assert due(tmp_path, "*.csv") == ["future.csv", "old.csv", "young.csv"]
    store = FileStore(str(tmp_path), "desk", LIMITS, now=NOW)
    store.due(entity("*.csv", "csv", settle_seconds=60), DAY)
    assert store.notes == ["1 files younger than 60 seconds wait for the next run"]
    assert is_settled(SourceFile("a", 1, None), 60, NOW), "a store that tells no times holds nothing back"


def test_what_a_store_says_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise PermissionError("403 for key AKIASECRET at https://store.example.com")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.exists", refuses)
    with pytest.raises(SourceUnreachable, match=r"desk: its file store cannot be opened \(PermissionError\)") as caught:
        FileStore("memory://bucket", "desk", LIMITS, options={"secret": "TOKEN"})
    assert not {"AKIASECRET", "TOKEN"} & set(str(caught.value).replace("/", " ").split())


def test_a_store_with_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(FolderMissing, match="desk: its folder does not exist"):
        FileStore("memory://nowhere/at-all", "desk", LIMITS)
    with pytest.raises(SourceUnreachable, match="cannot be opened"):
        FileStore("nosuchscheme://x", "desk", LIMITS)


def test_memory_store_lists_what_is_new() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/listing/a/x_2026-03-31.csv", b"id\n")
    assert due("memory://listing", "a/x_{date}.csv") == ["a/x_2026-03-31.csv"]
    memory.pipe("/listing/a/x_2026-03-30.csv", b"id\n")
    assert due("memory://listing", "a/x_{date}.csv") == ["a/x_2026-03-30.csv", "a/x_2026-03-31.csv"]


def test_a_feed_of_news_leaves_out_what_came_long_ago(tmp_path: Path) -> None:
    """The quick feeds look every ten minutes: they must not read a hundred thousand events each time."""
    put(tmp_path, "x.csv", "a_2026-03-31.csv")
    os.utime(tmp_path / "x.csv", (1_700_000_000, 1_700_000_000))  # copied with its times: it came today all the same
    store, today = FileStore(str(tmp_path), "desk", LIMITS), datetime.now(UTC).date()

    def news(path: str, after: date) -> list[str]:
        return [file.path for file in store.due(entity(path, "csv"), date.max, after)]

    assert news("x.csv", today) == ["x.csv"]
    assert news("x.csv", today + timedelta(days=2)) == []
    assert news("a_{date}.csv", date(2026, 3, 30)) == ["a_2026-03-31.csv"]
    assert news("a_{date}.csv", date(2026, 3, 31)) == []
