"""Modes of reading: full, snapshot compared with what was published, numbers as cursors, deletions told by key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from retention.settings import Settings
from retention.sources import SourceSpec, changes, extract, load_spec
from retention.sources.errors import ColumnMissing, EmptyDay, SnapshotOutdated, SnapshotShrank, SpecError
from retention.warehouse import Run, Warehouse

DAY_1, DAY_2, DAY_3, DAY_4 = (date(2026, 3, 31) + timedelta(days=n) for n in range(4))
NAMES = ("answer_id", "customer_id", "score", "updated_at", "deleted_at")


@pytest.fixture
def shop(make_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that runs statements on the shop's database."""
    url = make_database("empty")
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_URL", url)

    def do(statement: str, *values: Any) -> None:
        with psycopg.connect(url) as connection:
            connection.execute(statement, values or None)  # type: ignore[arg-type]  # the test's own text

    do("create table reply (nr integer, who text, points integer, changed timestamp)")
    do("create table removed (nr integer, gone timestamp)")
    return do


def spec_of(
    folder: Path, mode: str = "mode: snapshot", own_time: bool = False, more: str = "expect: {empty_day: ok}"
) -> SourceSpec:
    (folder / "shop.yml").write_text(
        f"""
source: shop
kind: sql
connection: SHOP
entities:
  survey_answer:
    table: reply
    key: [nr]
    {mode}
    columns: {{answer_id: nr, customer_id: who, score: points{", updated_at: changed" if own_time else ""}}}
    {more}
"""
    )
    return load_spec(folder / "shop.yml")


@pytest.fixture
def landed(rows: Callable[..., Any]) -> Callable[[int], list[tuple[Any, ...]]]:
    """Return a function that gives what lies in landing of a batch, in order of the key."""

    def of(batch_id: int) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = rows(
            f"select {', '.join(NAMES)} from landing.survey_answer where batch_id = :batch_id order by answer_id, position",
            batch_id=batch_id,
        )
        return found

    return of


END_2, END_3 = "2026-04-01T15:59:59.999999+00:00", "2026-04-02T15:59:59.999999+00:00"  # midnights in Shanghai


def test_snapshot_notices_what_is_new_changed_gone_and_back(
    make_run: Callable[..., Run], shop: Callable[..., None], tmp_path: Path, publish: Callable[[], int], landed: Any, rows: Any
) -> None:
    """Ana stays, Bo changes his mind twice, Chen disappears and comes back, Dai is new."""
    spec = spec_of(tmp_path)
    shop("insert into reply values (1, 'Ana', 9), (2, 'Bo', 7), (3, 'Chen', 5)")
    first = extract(make_run(DAY_1), spec, "survey_answer")
    assert (first["rows"], first["deleted"], first["is_full"]) == (3, 0, True)
    assert publish() == 3

    shop("delete from reply where nr = 3")
    shop("update reply set points = 8 where nr = 2")
    shop("insert into reply values (4, 'Dai', 1)")
    second = extract(make_run(DAY_2), spec, "survey_answer")
    assert (second["rows"], second["deleted"]) == (4, 1)
    assert landed(second["batch_id"]) == [
        ("2", "Bo", "8", landed(second["batch_id"])[0][3], None),
        ("3", "Chen", "5", landed(second["batch_id"])[1][3], END_2),
        ("4", "Dai", "1", None, None),
    ]
    assert rows("select rows_extracted, rows_duplicate from ops.batch order by batch_id desc limit 1") == [(4, 1)]
    publish()

    shop("insert into reply values (3, 'Chen', 5)")
    shop("update reply set points = 7 where nr = 2")
    third = extract(make_run(DAY_3), spec, "survey_answer")
    times = {row[0]: datetime.fromisoformat(row[3]) for row in landed(third["batch_id"])}
    assert [row[:3] + row[4:] for row in landed(third["batch_id"])] == [("2", "Bo", "7", None), ("3", "Chen", "5", None)]
    earlier = rows("select key[1], changed_at, is_gone from landing.kept_row order by key")
    assert [(key, gone) for key, _, gone in earlier] == [("1", False), ("2", False), ("3", True), ("4", False)]
    assert all(times[key] > changed_at for key, changed_at, _ in earlier if key in times), "core would take it for old news"
    publish()

    fourth = extract(make_run(DAY_4), spec, "survey_answer")
    assert landed(fourth["batch_id"]) == []
    assert rows("select rows_extracted, rows_duplicate from ops.batch order by batch_id desc limit 1") == [(4, 4)]


def test_states_of_a_backfill_follow_each_other_though_they_land_in_one_hour(
    make_run: Callable[..., Run], shop: Callable[..., None], tmp_path: Path, publish: Callable[[], int], landed: Any, rows: Any
) -> None:
    """The time of landing is later than any end of a past business day: a state must still be later than the one before."""
    spec = spec_of(tmp_path)
    for number, day in enumerate((DAY_1, DAY_2, DAY_3)):
        shop("delete from reply")
        shop("insert into reply values (1, 'Ana', %s)", number)
        extract(make_run(day), spec, "survey_answer")
        publish()
    states = rows(
        "select score, coalesce(updated_at::timestamptz, landed_at) from landing.survey_answer join ops.batch using (batch_id) "
        "order by batch_id"
    )
    assert [score for score, _ in states] == ["0", "1", "2"]
    assert states[0][1] < states[1][1] < states[2][1]


def test_a_restored_state_is_news_though_its_own_time_is_old(
    make_run: Callable[..., Run], shop: Callable[..., None], tmp_path: Path, publish: Callable[[], int], landed: Any
) -> None:
    spec = spec_of(tmp_path, own_time=True)
    shop("insert into reply values (1, 'Ana', 9, '2026-03-30 10:00'), (2, 'Bo', 5, '2026-03-30 10:00')")
    extract(make_run(DAY_1), spec, "survey_answer")
    publish()
    shop("update reply set points = 2, changed = '2026-04-01 09:00' where nr = 1")
    second = extract(make_run(DAY_2), spec, "survey_answer")
    assert landed(second["batch_id"]) == [("1", "Ana", "2", "2026-04-01T09:00:00+08:00", None)]
    publish()
    shop("update reply set points = 9, changed = '2026-03-30 10:00' where nr = 1")  # somebody restored a backup
    third = extract(make_run(DAY_3), spec, "survey_answer")
    assert landed(third["batch_id"]) == [("1", "Ana", "9", END_3, None)]


def test_a_day_that_failed_is_compared_with_what_was_published(
    make_run: Callable[..., Run], shop: Callable[..., None], tmp_path: Path, publish: Callable[[], int], landed: Any
) -> None:
    spec = spec_of(tmp_path)
    shop("insert into reply values (1, 'Ana', 9), (2, 'Bo', 7)")
    extract(make_run(DAY_1), spec, "survey_answer")
    publish()
    shop("delete from reply where nr = 2")
    first = extract(make_run(DAY_2), spec, "survey_answer")  # lands, is never published
    second = extract(make_run(DAY_2, try_number=2), spec, "survey_answer")
    assert landed(first["batch_id"]) == []
    assert [(row[0], row[4]) for row in landed(second["batch_id"])] == [("2", END_2)]
    third = extract(make_run(DAY_3), spec, "survey_answer")  # the next day, the one before still unpublished
    assert [(row[0], row[4]) for row in landed(third["batch_id"])] == [("2", END_3)]


def test_a_comparison_with_an_outdated_state_is_not_published(
    make_run: Callable[..., Run],
    shop: Callable[..., None],
    tmp_path: Path,
    publish: Callable[[], int],
    warehouse: Warehouse,
    rows: Any,
) -> None:
    """Both days are extracted before the first is published: what came and went in between would be lost without a word."""
    spec = spec_of(tmp_path)
    shop("insert into reply values (1, 'Ana', 9)")
    extract(make_run(DAY_1), spec, "survey_answer")
    publish()
    shop("insert into reply values (2, 'Bo', 7)")
    extract(make_run(DAY_2), spec, "survey_answer")
    shop("delete from reply where nr = 2")
    third = extract(make_run(DAY_3), spec, "survey_answer")
    with warehouse.begin() as connection:
        connection.execute(sa.text("update ops.batch set state = 'extracting' where batch_id = :id"), {"id": third["batch_id"]})
    publish()
    with warehouse.begin() as connection:
        connection.execute(sa.text("update ops.batch set state = 'landed' where batch_id = :id"), {"id": third["batch_id"]})
    with pytest.raises(
        SnapshotOutdated, match=r"2026-04-02 \(batch 3\): it was compared .* since then 2026-04-01 was published"
    ):
        publish()
    again = extract(make_run(DAY_3, try_number=2), spec, "survey_answer")
    publish()
    assert again["deleted"] == 1
    assert rows("select key[1], is_gone from landing.kept_row order by key") == [("1", False), ("2", True)]


def test_a_day_that_a_later_published_one_covers_is_closed_by_extracting_it_again(
    make_run: Callable[..., Run],
    shop: Callable[..., None],
    tmp_path: Path,
    publish: Callable[[], int],
    warehouse: Warehouse,
    rows: Any,
) -> None:
    """Ana's answer of the second day was never published on its own; the snapshot of the third day holds it."""
    spec = spec_of(tmp_path)
    shop("insert into reply values (1, 'Ana', 9)")
    second = extract(make_run(DAY_2), spec, "survey_answer")
    with warehouse.begin() as connection:
        connection.execute(
            sa.text("update ops.batch set state = 'extracting' where batch_id = :id"), {"id": second["batch_id"]}
        )
    extract(make_run(DAY_3), spec, "survey_answer")
    publish()
    with warehouse.begin() as connection:
        connection.execute(sa.text("update ops.batch set state = 'landed' where batch_id = :id"), {"id": second["batch_id"]})
    with pytest.raises(SnapshotOutdated):
        publish()
    again = extract(make_run(DAY_2, try_number=2), spec, "survey_answer")
    assert "is covered by that and was closed" in again["notes"][0]
    assert publish() == 0
    assert rows("select state from ops.batch order by batch_id") == [("superseded",), ("published",)]


def test_half_a_snapshot_is_no_wave_of_deletions(
    make_run: Callable[..., Run], shop: Callable[..., None], tmp_path: Path, publish: Callable[[], int], rows: Any
) -> None:
    spec = spec_of(tmp_path)
    shop("insert into reply select n, 'Customer ' || n, 5 from generate_series(1, 100) as n")
    extract(make_run(DAY_1), spec, "survey_answer")
    publish()
    shop("delete from reply where nr > 89")
    with pytest.raises(
        SnapshotShrank,
        match=r"11 of the 100 rows published would be deleted \(89 rows read; allowed 10, deletion_stop_share 0\.1\)",
    ) as caught:
        extract(make_run(DAY_2), spec, "survey_answer")
    assert "Customer" not in str(caught.value)
    assert rows("select count(*) from landing.survey_answer join ops.batch using (batch_id) where state <> 'published'") == [
        (0,)
    ]
    settings = Settings()
    allowed = replace(settings, ingest=replace(settings.ingest, deletion_stop_share=0.5))
    assert extract(make_run(DAY_2, settings=allowed), spec, "survey_answer")["deleted"] == 11


def test_without_the_guard_half_a_snapshot_would_delete_the_other_half(
    make_run: Callable[..., Run],
    shop: Callable[..., None],
    tmp_path: Path,
    publish: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import retention.sources.compare as module

    spec = spec_of(tmp_path)
    shop("insert into reply select n, 'Customer ' || n, 5 from generate_series(1, 100) as n")
    extract(make_run(DAY_1), spec, "survey_answer")
    publish()
    shop("delete from reply where nr > 50")
    monkeypatch.setattr(module, "_stop_when_shrunk", lambda *_: None)
    assert extract(make_run(DAY_2), spec, "survey_answer")["deleted"] == 50


def test_an_empty_snapshot_stops_unless_empty_days_are_fine(
    make_run: Callable[..., Run], shop: Callable[..., None], tmp_path: Path, publish: Callable[[], int]
) -> None:
    spec = spec_of(tmp_path, more="")
    shop("insert into reply values (1, 'Ana', 9)")
    extract(make_run(DAY_1), spec, "survey_answer")
    publish()
    shop("delete from reply")
    with pytest.raises(EmptyDay):
        extract(make_run(DAY_2), spec, "survey_answer")
    assert extract(make_run(DAY_2), spec_of(tmp_path), "survey_answer")["deleted"] == 1


def test_a_source_that_begins_to_be_compared_knows_what_it_published_before(
    make_run: Callable[..., Run],
    shop: Callable[..., None],
    tmp_path: Path,
    publish: Callable[[], int],
    landed: Any,
    warehouse: Warehouse,
) -> None:
    """Its rows come again unchanged and leave as duplicates: they must be kept all the same, or nobody would notice their end."""
    shop("insert into reply values (1, 'Ana', 9), (2, 'Bo', 7)")
    first = extract(make_run(DAY_1), spec_of(tmp_path, "mode: full"), "survey_answer")
    assert (first["rows"], publish()) == (2, 0)
    second = extract(make_run(DAY_2), spec_of(tmp_path), "survey_answer")
    with warehouse.begin() as connection:  # as validation does with rows of the batch before
        connection.execute(sa.text("delete from landing.survey_answer where batch_id = :id"), {"id": second["batch_id"]})
    assert publish() == 2
    shop("delete from reply where nr = 2")
    third = extract(make_run(DAY_3), spec_of(tmp_path), "survey_answer")
    assert [(row[0], row[4]) for row in landed(third["batch_id"])] == [("2", END_3)]


def test_what_is_kept_does_not_grow_old_while_another_mode_reads(
    make_run: Callable[..., Run], shop: Callable[..., None], tmp_path: Path, publish: Callable[[], int], landed: Any, rows: Any
) -> None:
    """Ana's 9 becomes a 5 while everything is read anyway, and a 9 again when snapshots are compared again: that is news."""
    shop("insert into reply values (1, 'Ana', 9)")
    extract(make_run(DAY_1), spec_of(tmp_path), "survey_answer")
    publish()
    shop("update reply set points = 5")
    extract(make_run(DAY_2), spec_of(tmp_path, "mode: full"), "survey_answer")
    publish()
    assert rows("select \"row\" ->> 'score' from landing.kept_row") == [("5",)]
    shop("update reply set points = 9")
    third = extract(make_run(DAY_3), spec_of(tmp_path), "survey_answer")
    assert [row[:3] for row in landed(third["batch_id"])] == [("1", "Ana", "9")]


def test_full_reads_everything_every_day_and_deletes_nothing(
    make_run: Callable[..., Run], shop: Callable[..., None], tmp_path: Path, publish: Callable[[], int], rows: Any
) -> None:
    spec = spec_of(tmp_path, "mode: full\n    cursor: changed", own_time=True)
    shop("insert into reply values (1, 'Ana', 9, '2026-03-30 10:00'), (2, 'Bo', 7, null), (3, 'Chen', 7, '2026-05-01 10:00')")
    assert extract(make_run(DAY_1), spec, "survey_answer")["rows"] == 3
    publish()
    shop("delete from reply where nr = 2")
    second = extract(make_run(DAY_2), spec, "survey_answer")
    assert (second["rows"], second["deleted"], second["is_full"]) == (2, 0, True)
    assert rows("select count(*) from landing.kept_row") == [(0,)]


def test_a_number_as_cursor_reads_beyond_the_greatest_published(
    make_run: Callable[..., Run], shop: Callable[..., None], tmp_path: Path, publish: Callable[[], int], rows: Any, landed: Any
) -> None:
    spec = spec_of(tmp_path, "cursor: nr\n    cursor_type: integer")
    shop("insert into reply values (1, 'Ana', 9), (5, 'Bo', 7), (null, 'nobody', 1)")
    assert extract(make_run(DAY_1), spec, "survey_answer")["rows"] == 3
    publish()
    shop(
        "insert into reply values (4, 'Chen', 7), (6, 'Dai', 7), (9, 'Emma', 7)"
    )  # Chen's number was drawn early, committed late
    extract(make_run(DAY_2), spec, "survey_answer")  # fails later, say: nothing moves
    second = extract(make_run(DAY_2, try_number=2), spec, "survey_answer")
    assert [row[1] for row in landed(second["batch_id"])] == ["Dai", "Emma"]
    publish()
    third = extract(make_run(DAY_3), spec, "survey_answer")
    assert (third["rows"], rows("select cursor_value from ops.source_cursor")) == (0, [("9",)])
    publish()
    assert rows("select cursor_from, cursor_to from ops.batch where state = 'published' order by batch_id") == [
        (None, "5"),
        ("5", "9"),
        ("9", "9"),
    ]
    overlapping = spec_of(tmp_path, "cursor: nr\n    cursor_type: integer\n    overlap_rows: 6")
    fourth = extract(make_run(DAY_4), overlapping, "survey_answer")
    assert [row[0] for row in landed(fourth["batch_id"])] == ["4", "5", "6", "9"]


def test_a_cursor_that_becomes_another_kind_says_so(
    make_run: Callable[..., Run], shop: Callable[..., None], tmp_path: Path, publish: Callable[[], int]
) -> None:
    shop("insert into reply values (1, 'Ana', 9, '2026-03-30 10:00')")
    extract(make_run(DAY_1), spec_of(tmp_path, "cursor: changed", own_time=True), "survey_answer")
    publish()
    with pytest.raises(SpecError, match="what was published up to is a time, which is no bound for a cursor of type integer"):
        extract(make_run(DAY_2), spec_of(tmp_path, "cursor: nr\n    cursor_type: integer"), "survey_answer")
    extract(make_run(DAY_2), spec_of(tmp_path, "mode: full\n    cursor: nr\n    cursor_type: integer"), "survey_answer")
    publish()
    assert extract(make_run(DAY_3), spec_of(tmp_path, "cursor: nr\n    cursor_type: integer"), "survey_answer")["rows"] == 0


FEED = "cursor: changed\n    deletions: {table: removed, key: [nr], deleted_at: gone}"


def test_a_feed_of_deletions_lands_the_rows_it_names(
    make_run: Callable[..., Run], shop: Callable[..., None], tmp_path: Path, publish: Callable[[], int], landed: Any, rows: Any
) -> None:
    """Ana is deleted, Bo was deleted and made again, Chen changes and is deleted on one day, Dai was never seen, Emma is gone."""
    spec = spec_of(tmp_path, FEED, own_time=True)
    shop(
        "insert into reply values (1, 'Ana', 9, '2026-03-30 10:00'), (2, 'Bo', 7, '2026-03-30 10:00'), "
        "(3, 'Chen', 5, '2026-03-30 10:00'), (5, 'Emma', 5, '2026-03-30 10:00')"
    )
    extract(make_run(DAY_1), spec, "survey_answer")
    publish()
    shop(
        "insert into removed values (1, '2026-04-01 12:00'), (2, '2026-04-01 08:00'), (3, '2026-04-01 11:00'), (4, '2026-04-01 11:00')"
    )
    shop("insert into removed values (5, '2026-04-02 00:00')")  # the next day's
    shop("update reply set changed = '2026-04-01 09:00' where nr = 2")
    shop("update reply set points = 6, changed = '2026-04-01 10:00' where nr = 3")  # deleted between the two readings
    second = extract(make_run(DAY_2), spec, "survey_answer")
    assert (second["rows"], second["deleted"]) == (4, 2)
    assert "1 deletions of rows that were never published, left out" in second["notes"]
    assert landed(second["batch_id"]) == [
        ("1", "Ana", "9", "2026-04-01T04:00:00.000000+00:00", "2026-04-01T04:00:00.000000+00:00"),
        ("2", "Bo", "7", "2026-04-01T09:00:00+08:00", None),
        ("3", "Chen", "6", "2026-04-01T10:00:00+08:00", None),
        ("3", "Chen", "6", "2026-04-01T03:00:00.000000+00:00", "2026-04-01T03:00:00.000000+00:00"),
    ]
    publish()
    third = extract(make_run(DAY_3), spec, "survey_answer")  # the feed is read with a day of overlap
    assert [(row[0], row[4]) for row in landed(third["batch_id"])] == [("5", "2026-04-01T16:00:00.000000+00:00")]
    publish()
    assert rows("select key[1] from landing.kept_row where not is_gone") == [("2",)]


def test_a_feed_that_deletes_a_tenth_stops(
    make_run: Callable[..., Run], shop: Callable[..., None], tmp_path: Path, publish: Callable[[], int]
) -> None:
    spec = spec_of(tmp_path, FEED, own_time=True)
    shop("insert into reply select n, 'Customer ' || n, 5, '2026-03-30 10:00' from generate_series(1, 50) as n")
    extract(make_run(DAY_1), spec, "survey_answer")
    publish()
    shop("insert into removed select n, '2026-04-01 12:00' from generate_series(1, 11) as n")
    with pytest.raises(SnapshotShrank, match=r"11 of the 50 rows published would be deleted \(11 deletions reported"):
        extract(make_run(DAY_2), spec, "survey_answer")
    with pytest.raises(ColumnMissing, match=r"its feed of deletions \(removed\) has no column when_gone; there are gone, nr"):
        extract(make_run(DAY_2), spec_of(tmp_path, FEED.replace("gone", "when_gone"), own_time=True), "survey_answer")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("cursor: changed\n    deletions: {table: removed, key: [nr, x], deleted_at: gone}", "list the feed's columns for nr"),
        ("cursor: changed\n    deletions: {key: [nr], deleted_at: gone}", "name either table or query"),
        ("cursor: changed\n    deletions: {table: removed, key: [nr]}", "name the column that says when"),
        (
            "cursor: changed\n    deletions: {table: removed, key: [nr], deleted_on: gone}",
            "deleted_on: not known; did you mean",
        ),
        ("cursor: changed\n    overlap_rows: 5", "overlap_rows: has no meaning for a cursor of type timestamp"),
        (
            "cursor: nr\n    cursor_type: integer\n    overlap_minutes: 5",
            "overlap_minutes: has no meaning for a cursor of type integer",
        ),
    ],
)
def test_descriptions_that_do_not_say_enough(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        spec_of(tmp_path, body)


def test_deletions_need_the_key_that_rows_are_known_by(tmp_path: Path) -> None:
    spec_of(tmp_path, FEED)
    text = (tmp_path / "shop.yml").read_text().replace("answer_id: nr", "answer_id: {join: [nr, who]}")
    (tmp_path / "shop.yml").write_text(text)
    with pytest.raises(SpecError, match="answer_id is made of who; name these columns in"):
        load_spec(tmp_path / "shop.yml")


def test_the_quick_feeds_read_whole_what_has_no_cursor_of_times(shop: Callable[..., None], tmp_path: Path) -> None:
    shop("insert into reply values (1, 'Ana', 9, '2026-03-30 10:00')")
    now = datetime.fromisoformat("2026-04-01T10:00:00+08:00")
    for mode in ("mode: snapshot", "mode: full\n    cursor: changed", "cursor: nr\n    cursor_type: integer"):
        batches = changes(spec_of(tmp_path, mode), "survey_answer", now - timedelta(minutes=10), now)
        assert [batch["answer_id"].to_pylist() for batch in batches if batch.num_rows] == [["1"]]


def test_repaired_rows_are_kept_too(
    make_run: Callable[..., Run],
    shop: Callable[..., None],
    tmp_path: Path,
    publish: Callable[[], int],
    landed: Any,
    warehouse: Warehouse,
) -> None:
    """Bo's row was refused, repaired and replayed: it is published, so its disappearance must be noticed."""
    spec = spec_of(tmp_path)
    shop("insert into reply values (1, 'Ana', 9)")
    extract(make_run(DAY_1), spec, "survey_answer")
    publish()
    with warehouse.begin() as connection:
        replay = connection.execute(
            sa.text(
                "insert into ops.batch (source, entity, business_date, run_id, state, rows_extracted, message) "
                "values ('shop', 'survey_answer', '2026-03-31', 'run-1', 'landed', 1, 'replay') returning batch_id"
            )
        ).scalar_one()
        connection.execute(
            sa.text(
                "insert into landing.survey_answer (batch_id, position, answer_id, customer_id) values (:id, 1, '2', 'Bo')"
            ),
            {"id": replay},
        )
    assert publish() == 1
    second = extract(make_run(DAY_2), spec, "survey_answer")
    assert [(row[0], row[4]) for row in landed(second["batch_id"])] == [("2", END_2)]


def test_the_template_is_read_as_written(project: Path) -> None:
    spec = load_spec(project / "include" / "sources" / "templates" / "mysql.yml")
    assert {name: (entity.mode, entity.keeps_rows) for name, entity in spec.entities.items()} == {
        "customer": ("incremental", True),
        "product": ("snapshot", True),
        "order": ("incremental", False),
        "order_line": ("incremental", False),
        "interaction": ("incremental", False),
    }
