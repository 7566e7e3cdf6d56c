"""What is read again and what is not: drop folders, lists edited in place, snapshots by day, late and repeated files."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from retention.sources import FileChanged, SourceSpec, extract, load_spec
from retention.sources.files import FileStore
from retention.warehouse import Run, Warehouse

DAYS = [date(2026, 3, 31) + timedelta(days=n) for n in range(4)]
OK = "    expect: {empty_day: ok, missing_file: ok}\n"
COLUMNS = "    columns: {answer_id: id, customer_id: who, score: points}\n"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a service desk, empty."""
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.setenv("RETENTION_SOURCE_DESK_URL", str(folder))
    return folder


def spec_of(folder: Path, body: str) -> SourceSpec:
    (folder.parent / "desk.yml").write_text(
        f"source: desk\nkind: files\nconnection: DESK\nentities:\n  survey_answer:\n    key: [id]\n{COLUMNS}{body}"
    )
    return load_spec(folder.parent / "desk.yml")


@pytest.fixture
def landed(rows: Callable[..., Any]) -> Callable[[dict[str, Any]], list[tuple[Any, ...]]]:
    def of(result: dict[str, Any]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = rows(
            "select answer_id, customer_id, score, deleted_at is not null from landing.survey_answer where batch_id = :id "
            "order by answer_id, position",
            id=result["batch_id"],
        )
        return found

    return of


INBOX = f"    path: 'inbox/*.json'\n    format: json\n{OK}"


class TestDropFolder:
    def test_events_are_read_once_and_late_ones_join_the_next_day(
        self, desk: Path, make_run: Callable[..., Run], publish: Callable[[], int], landed: Any
    ) -> None:
        spec, inbox = spec_of(desk, INBOX), desk / "inbox"
        inbox.mkdir()
        (inbox / "ana.json").write_text('{"id": 1, "who": "Ana"}')
        (inbox / "bo.json").write_text('[{"id": 2, "who": "Bo"}, {"id": 3, "who": "Bo"}]')
        (inbox / "half.json.part").write_text('{"id":')
        assert [row[0] for row in landed(extract(make_run(DAYS[0]), spec, "survey_answer"))] == ["1", "2", "3"]
        publish()
        (inbox / "late.json").write_text('{"id": 4, "who": "Chen"}')
        (inbox / "again.json").write_text('{"id": 1, "who": "Ana"}')  # sent twice
        second = extract(make_run(DAYS[1]), spec, "survey_answer")
        assert [row[0] for row in landed(second)] == ["4"]
        assert second["notes"] == ["inbox/again.json skipped: same content as inbox/ana.json"]
        publish()
        assert sorted(path.name for path in inbox.iterdir()) == [
            "again.json",
            "ana.json",
            "bo.json",
            "half.json.part",
            "late.json",
        ]
        (inbox / "half.json.part").rename(inbox / "half.json")
        (inbox / "half.json").write_text('{"id": 5}')
        assert [row[0] for row in landed(extract(make_run(DAYS[2]), spec, "survey_answer"))] == ["5"]

    def test_of_thousands_of_files_the_first_are_named(
        self, desk: Path, make_run: Callable[..., Run], publish: Callable[[], int], rows: Any
    ) -> None:
        spec, inbox = spec_of(desk, INBOX), desk / "inbox"
        inbox.mkdir()
        for number in range(100, 1_150):
            (inbox / f"{number}.json").write_text(f'{{"id": {number}}}')
            (inbox / f"{number}-again.json").write_text(f'{{"id": {number}}}')
        result = extract(make_run(DAYS[0]), spec, "survey_answer")
        assert (result["rows"], len(result["files"]), result["files"][-1]) == (1_050, 21, "… and 1,030 more")
        assert (len(result["notes"]), result["notes"][-1]) == (21, "… and 1,030 more")
        assert rows("select length(file) < 500, file like '%… and 1,030 more' from ops.batch") == [(True, True)]
        assert rows("select count(*), count(skipped) from ops.file_manifest") == [(2_100, 1_050)]

    def test_a_broken_event_is_set_aside_and_may_be_corrected(
        self, desk: Path, make_run: Callable[..., Run], publish: Callable[[], int], landed: Any, rows: Any
    ) -> None:
        spec, inbox = spec_of(desk, INBOX), desk / "inbox"
        inbox.mkdir()
        (inbox / "1.json").write_text('{"id": 1, "who": "Ana"}')
        (inbox / "2.json").write_text('{"id": 2, "who": "Bo')
        first = extract(make_run(DAYS[0]), spec, "survey_answer")
        assert landed(first) == [("1", "Ana", None, False), (None, None, None, False)]
        assert rows("select path, rows, defect from ops.file_manifest where defect is not null") == [
            ("inbox/2.json", 1, "is no readable json: Unterminated string starting at at line 1, column 18")
        ]
        publish()
        (inbox / "2.json").write_text('{"id": 2, "who": "Bo"}')
        assert landed(extract(make_run(DAYS[1]), spec, "survey_answer")) == [("2", "Bo", None, False)]
        publish()
        (inbox / "1.json").write_text('{"id": 1, "who": "Ivo"}')  # a good one is not corrected under its name
        with pytest.raises(FileChanged, match=r"inbox/1\.json was loaded on 2026-03-31 and has another content now"):
            extract(make_run(DAYS[2]), spec, "survey_answer")

    def test_two_events_that_broke_off_alike_may_both_be_corrected(
        self, desk: Path, make_run: Callable[..., Run], publish: Callable[[], int], landed: Any
    ) -> None:
        spec, inbox = spec_of(desk, INBOX), desk / "inbox"
        inbox.mkdir()
        for name in ("1.json", "2.json"):
            (inbox / name).write_bytes(b"")
        assert len(landed(extract(make_run(DAYS[0]), spec, "survey_answer"))) == 1  # the second is a copy of the first
        publish()
        (inbox / "3.json").write_bytes(b"")  # broke off as well, a day later: set aside by itself
        (inbox / "1.json").write_text('{"id": 1}')
        (inbox / "2.json").write_text('{"id": 2}')
        assert [row[0] for row in landed(extract(make_run(DAYS[1]), spec, "survey_answer"))] == ["1", "2", None]

    def test_what_is_known_is_not_read_to_find_that_out(
        self, desk: Path, make_run: Callable[..., Run], publish: Callable[[], int], rows: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spec, inbox = spec_of(desk, INBOX), desk / "inbox"
        inbox.mkdir()
        for number in range(50):
            (inbox / f"{number}.json").write_text(f'{{"id": {number}}}')
        extract(make_run(DAYS[0]), spec, "survey_answer")
        publish()
        hashed: list[str] = []
        original = FileStore.sha256

        def counted(self: FileStore, file: Any, entity: Any) -> str:
            hashed.append(file.path)
            return original(self, file, entity)

        monkeypatch.setattr(FileStore, "sha256", counted)
        (inbox / "50.json").write_text('{"id": 50}')
        os.utime(inbox / "7.json")  # touched, not changed
        assert extract(make_run(DAYS[1]), spec, "survey_answer")["rows"] == 1
        assert sorted(hashed) == ["inbox/50.json", "inbox/7.json"]
        publish()
        hashed.clear()
        extract(make_run(DAYS[2]), spec, "survey_answer")
        assert hashed == [], "7.json is known by its new version"
        # A change that keeps size and time of modification is noticed all the same.
        before = (inbox / "8.json").stat()
        (inbox / "8.json").write_text('{"id": 9}')
        os.utime(inbox / "8.json", ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(FileChanged, match=r"inbox/8\.json"):
            extract(make_run(DAYS[2]), spec, "survey_answer")

    def test_files_from_before_versions_were_kept_are_hashed_once(
        self, desk: Path, make_run: Callable[..., Run], publish: Callable[[], int], rows: Any, warehouse: Warehouse
    ) -> None:
        spec = spec_of(desk, INBOX)
        (desk / "inbox").mkdir()
        (desk / "inbox" / "1.json").write_text('{"id": 1}')
        extract(make_run(DAYS[0]), spec, "survey_answer")
        publish()
        with warehouse.begin() as connection:
            connection.execute(sa.text("update ops.file_manifest set version = null"))
        assert extract(make_run(DAYS[1]), spec, "survey_answer")["rows"] == 0
        assert rows("select version is not null from ops.file_manifest") == [(True,)]


def staff_list(folder: Path, *people: tuple[Any, ...], name: str = "list.xlsx") -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (("id", "who", "points"), *people):
        sheet.append(row)
    book.save(folder / name)


def test_a_list_edited_in_place_is_compared_with_what_was_published(
    desk: Path, make_run: Callable[..., Run], publish: Callable[[], int], landed: Any
) -> None:
    spec = spec_of(desk, f"    path: list.xlsx\n    format: excel\n    mode: snapshot\n{OK}")
    staff_list(desk, (1, "Ana", 9), (2, "Bo", 7), (3, "Chen", 5))
    assert extract(make_run(DAYS[0]), spec, "survey_answer")["rows"] == 3
    publish()
    staff_list(desk, (1, "Ana", 9), (2, "Bo", 8), (4, "Dai", 1))
    second = extract(make_run(DAYS[1]), spec, "survey_answer")
    assert landed(second) == [("2", "Bo", "8", False), ("3", "Chen", "5", True), ("4", "Dai", "1", False)]
    publish()
    third = extract(make_run(DAYS[2]), spec, "survey_answer")  # nobody touched it: read, and nothing is new
    assert (landed(third), third["deleted"], third["files"]) == ([], 0, ["list.xlsx"])


def test_a_list_that_is_not_there_deletes_nobody(
    desk: Path, make_run: Callable[..., Run], publish: Callable[[], int], landed: Any
) -> None:
    spec = spec_of(desk, f"    path: list.xlsx\n    format: excel\n    mode: snapshot\n{OK}")
    staff_list(desk, (1, "Ana", 9), (2, "Bo", 7))
    extract(make_run(DAYS[0]), spec, "survey_answer")
    publish()
    (desk / "list.xlsx").rename(desk / "~$list.xlsx")
    second = extract(make_run(DAYS[1]), spec, "survey_answer")
    assert (landed(second), second["deleted"]) == ([], 0)


def test_an_unreadable_row_of_a_snapshot_deletes_nobody(
    desk: Path, make_run: Callable[..., Run], publish: Callable[[], int], landed: Any, warehouse: Warehouse
) -> None:
    spec = spec_of(desk, f"    path: list.xlsx\n    format: excel\n    mode: snapshot\n{OK}")
    staff_list(desk, (1, "Ana", 9), (2, "Bo", 7))
    extract(make_run(DAYS[0]), spec, "survey_answer")
    publish()
    staff_list(desk, (1, "Ana", 9), (2, "Bo", "#N/A"))
    second = extract(make_run(DAYS[1]), spec, "survey_answer")
    assert second["deleted"] == 0, "Bo's row cannot be read; that is no deletion of Bo"
    assert landed(second) == [(None, None, None, False)]
    assert "1 rows could not be read, so none that is missing counts as deleted" in second["notes"]
    with warehouse.begin() as connection:  # as validation does
        connection.execute(sa.text("delete from landing.survey_answer where answer_id is null"))
    publish()
    staff_list(desk, (1, "Ana", 9))
    assert extract(make_run(DAYS[2]), spec, "survey_answer")["deleted"] == 1  # the next list that can be read tells


def test_only_the_newest_of_dated_snapshots_counts(
    desk: Path, make_run: Callable[..., Run], publish: Callable[[], int], landed: Any
) -> None:
    spec = spec_of(desk, f"    path: 'all_{{date}}.csv'\n    format: csv\n    mode: snapshot\n{OK}")

    def put(day: str, *lines: str) -> None:
        (desk / f"all_{day}.csv").write_text("id,who,points\n" + "".join(f"{line}\n" for line in lines))

    put("2026-03-29", "1,Ana,1", "9,Ivo,1")
    put("2026-03-31", "1,Ana,9", "2,Bo,7")
    first = extract(make_run(DAYS[0]), spec, "survey_answer")
    assert [row[:3] for row in landed(first)] == [("1", "Ana", "9"), ("2", "Bo", "7")]
    assert any("all_2026-03-29.csv skipped: older than the snapshot of 2026-03-31" in note for note in first["notes"])
    publish()
    put("2026-03-30", "9,Ivo,1")  # late
    put("2026-04-01", "1,Ana,9", "2,Bo,7")  # the same people as the day before
    second = extract(make_run(DAYS[1]), spec, "survey_answer")
    assert (landed(second), second["deleted"], second["files"]) == ([], 0, ["all_2026-04-01.csv"])
    assert any("all_2026-03-30.csv skipped: older" in note for note in second["notes"])
    publish()
    third = extract(make_run(DAYS[2]), spec, "survey_answer")  # no file for the day: the newest one is still the state
    assert (landed(third), third["deleted"]) == ([], 0)
    put("2026-04-03", "1,Ana,9")
    publish()
    fourth = extract(make_run(DAYS[3]), spec, "survey_answer")
    assert landed(fourth) == [("2", "Bo", "7", True)]


def test_a_full_list_may_change_and_forgets_nobody(
    desk: Path, make_run: Callable[..., Run], publish: Callable[[], int], landed: Any
) -> None:
    spec = spec_of(desk, f"    path: list.csv\n    format: csv\n    mode: full\n{OK}")
    (desk / "list.csv").write_text("id,who,points\n1,Ana,9\n2,Bo,7\n")
    extract(make_run(DAYS[0]), spec, "survey_answer")
    publish()
    (desk / "list.csv").write_text("id,who,points\n1,Ana,8\n")
    second = extract(make_run(DAYS[1]), spec, "survey_answer")
    assert (landed(second), second["deleted"]) == ([("1", "Ana", "8", False)], 0)
    publish()
    third = extract(make_run(DAYS[2]), spec, "survey_answer")
    assert third["rows"] == 1, "read every day, or an unchanged list would look like an empty day"


def test_a_full_export_by_day_is_read_again_when_it_was_corrected(
    desk: Path, make_run: Callable[..., Run], publish: Callable[[], int], landed: Any
) -> None:
    spec = spec_of(desk, f"    path: 'all_{{date}}.csv'\n    format: csv\n    mode: full\n{OK}")
    (desk / "all_2026-03-31.csv").write_text("id,who,points\n1,Ana,9\n")
    extract(make_run(DAYS[0]), spec, "survey_answer")
    publish()
    (desk / "all_2026-03-31.csv").write_text("id,who,points\n1,Ana,8\n")
    second = extract(make_run(DAYS[1]), spec, "survey_answer")
    assert landed(second) == [("1", "Ana", "8", False)]
