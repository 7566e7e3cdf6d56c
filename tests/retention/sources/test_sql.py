"""SQL sources: bounds that lose no tie, every type as canonical text, and what is said when something is missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from retention.sources import (
    ColumnMissing,
    EmptyDay,
    SourceSpec,
    SourceUnreachable,
    SourceUnreadable,
    SpecError,
    TableMissing,
    changes,
    extract,
    load_spec,
)
from retention.warehouse import Run

DAY_1, DAY_2, DAY_3 = date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 2)


@pytest.fixture
def shop(make_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A shop's own database with one table of answers, times without offset."""
    url = make_database("empty")
    with psycopg.connect(url) as connection:
        connection.execute(
            "create table reply (nr integer primary key, who text, instrument text, points numeric(6,2), said text, "
            "changed timestamp, seen timestamptz, day date, flag boolean, ref uuid, extra jsonb, share double precision)"
        )
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_URL", url)
    return url


def add(url: str, number: int, changed: str | None, **more: Any) -> None:
    values = {"nr": number, "who": "Ana", "changed": changed, **more}
    columns = ", ".join(values)
    with psycopg.connect(url) as connection:
        connection.execute(f"insert into reply ({columns}) values ({', '.join(['%s'] * len(values))})", list(values.values()))


def spec_of(folder: Path, body: str = "table: reply", more: str = "", cursor: str = "cursor: changed") -> SourceSpec:
    (folder / "shop.yml").write_text(
        f"""
source: shop
kind: sql
connection: SHOP
timezone: Asia/Shanghai
entities:
  survey_answer:
    {body}
    key: [nr]
    {cursor}
    columns: {{answer_id: nr, customer_id: who, instrument: instrument, score: points, comment: said, answered_at: seen, updated_at: changed}}
    {more}
"""
    )
    return load_spec(folder / "shop.yml")


def landed(rows: Callable[..., Any]) -> set[str]:
    return {
        row[0]
        for row in rows(
            "select answer_id from landing.survey_answer join ops.batch using (batch_id) where state in ('landed', 'published')"
        )
    }


def test_ties_at_midnight_are_read_once_and_never_lost(
    make_run: Callable[..., Run], shop: str, tmp_path: Path, rows: Callable[..., Any], publish: Callable[[], None]
) -> None:
    spec = spec_of(tmp_path)
    for number, changed in enumerate(
        [
            "2026-03-31 23:59:59.999999",
            "2026-04-01 00:00:00",
            "2026-04-01 00:00:00",
            "2026-04-01 23:59:59.999999",
            "2026-04-02 00:00:00",
        ]
    ):
        add(shop, number, changed)
    add(shop, 9, None)
    assert extract(make_run(DAY_1), spec, "survey_answer")["rows"] == 2  # the first load takes rows without a cursor along
    publish()
    add(shop, 10, "2026-04-01 00:00:00")  # a late row with the very time of the bound
    assert extract(make_run(DAY_2), spec, "survey_answer")["rows"] == 4
    publish()
    assert extract(make_run(DAY_3), spec, "survey_answer")["rows"] == 1
    assert rows("select cursor_from, cursor_to from ops.batch order by batch_id") == [
        (None, "2026-04-01T00:00:00+08:00"),
        ("2026-04-01T00:00:00+08:00", "2026-04-02T00:00:00+08:00"),
        ("2026-04-02T00:00:00+08:00", "2026-04-03T00:00:00+08:00"),
    ]
    assert landed(rows) == {"0", "1", "2", "3", "4", "9", "10"}


def test_remembering_the_greatest_value_seen_would_lose_the_tie(
    make_run: Callable[..., Run], shop: str, tmp_path: Path, publish: Callable[[], None], warehouse: Any
) -> None:
    """The guard is the bound at midnight: put the greatest value seen in its place, read beyond it, and a row is lost."""
    spec = spec_of(tmp_path)
    add(shop, 1, "2026-03-31 10:00:00")
    extract(make_run(DAY_1), spec, "survey_answer")
    publish()
    add(shop, 2, "2026-03-31 10:00:00")  # committed late, with the time of the last row seen
    with warehouse.begin() as connection:
        connection.execute(sa.text("update ops.source_cursor set cursor_value = '2026-03-31T10:00:00.000001+08:00'"))
    with pytest.raises(EmptyDay):
        extract(make_run(DAY_2), spec, "survey_answer")


def test_overlap_reads_late_commits_again(
    make_run: Callable[..., Run], shop: str, tmp_path: Path, rows: Callable[..., Any], publish: Callable[[], None]
) -> None:
    spec = spec_of(tmp_path, more="overlap_minutes: 60")
    add(shop, 1, "2026-03-31 22:00:00")
    extract(make_run(DAY_1), spec, "survey_answer")
    publish()
    add(shop, 2, "2026-03-31 23:30:00")  # written before midnight, committed after it was read
    assert extract(make_run(DAY_2), spec, "survey_answer")["rows"] == 1
    assert landed(rows) == {"1", "2"}


def test_the_day_is_cut_in_the_business_zone_whatever_the_source_stores(
    make_run: Callable[..., Run], shop: str, tmp_path: Path, rows: Callable[..., Any]
) -> None:
    spec = spec_of(tmp_path)
    text = spec.file.read_text().replace("Asia/Shanghai", "Europe/Berlin")
    spec.file.write_text(text)
    # Midnight in Shanghai is 18:00 in Berlin.
    add(shop, 1, "2026-03-31 17:59:59")
    add(shop, 2, "2026-03-31 18:00:00")
    extract(make_run(DAY_1), load_spec(spec.file), "survey_answer")
    assert rows("select answer_id, updated_at from landing.survey_answer") == [("1", "2026-03-31T17:59:59+02:00")]


def test_cursors_with_offset_and_of_days(make_run: Callable[..., Run], shop: str, tmp_path: Path) -> None:
    add(shop, 1, None, seen="2026-03-31T15:59:59Z", day="2026-03-31")
    add(shop, 2, None, seen="2026-03-31T16:00:00Z", day="2026-04-01")
    with_offset = spec_of(tmp_path, cursor="cursor: seen\n    cursor_type: timestamptz")
    assert extract(make_run(DAY_1), with_offset, "survey_answer")["rows"] == 1
    of_days = spec_of(tmp_path, cursor="cursor: day\n    cursor_type: date")
    assert extract(make_run(DAY_1), of_days, "survey_answer")["rows"] == 1


def test_every_type_becomes_canonical_text(run: Run, shop: str, tmp_path: Path, rows: Callable[..., Any]) -> None:
    add(
        shop, 1, "2026-03-31 08:30:00.25", points="9.50", seen="2026-03-30T16:00:00Z", said="", day="2026-03-30", flag=True,
        ref="6f1ff2ba-5b5c-4bd9-8d7c-1c4d6d1a6f00", extra='{"a": 1}', share=0.5,
    )  # fmt: skip
    columns = {"customer_id": "ref", "instrument": "flag", "score": "points", "comment": "said", "about_kind": "extra", "about_id": "share",
               "answered_at": "seen", "updated_at": "changed"}  # fmt: skip
    spec = spec_of(tmp_path)
    body = ", ".join(f"{ours}: {theirs}" for ours, theirs in columns.items())
    spec.file.write_text(
        spec.file.read_text().split("    columns:")[0]
        + f"    columns: {{answer_id: {{join: [nr, who, day], separator: '/'}}, is_simulated: {{constant: true}}, {body}}}\n"
    )
    extract(run, load_spec(spec.file), "survey_answer")
    assert rows(
        "select answer_id, customer_id, instrument, score, comment, about_kind, about_id, answered_at, updated_at, is_simulated, "
        "position, file from landing.survey_answer"
    ) == [
        ("1/Ana/2026-03-30", "6f1ff2ba-5b5c-4bd9-8d7c-1c4d6d1a6f00", "true", "9.50", None, '{"a": 1}', "0.5", "2026-03-31T00:00:00+08:00",
         "2026-03-31T08:30:00.250000+08:00", "true", 1, None)
    ]  # fmt: skip


def test_query_as_source(run: Run, shop: str, tmp_path: Path, rows: Callable[..., Any]) -> None:
    add(shop, 1, "2026-03-31 08:30:00", points="9")
    add(shop, 2, "2026-04-01 08:30:00", points="9")
    extract(run, spec_of(tmp_path, "query: select * from reply where points > 5;"), "survey_answer")
    assert landed(rows) == {"1"}


def test_query_with_bytes_says_so(run: Run, shop: str, tmp_path: Path) -> None:
    add(shop, 1, "2026-03-31 08:30:00")
    spec = spec_of(tmp_path, "query: select nr, who, instrument, points, 'x'::bytea as said, seen, changed from reply")
    with pytest.raises(SourceUnreadable, match="cannot be read as text"):
        extract(run, spec, "survey_answer")


def test_another_database_than_postgresql(
    make_run: Callable[..., Run],
    tmp_path: Path,
    rows: Callable[..., Any],
    publish: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = sa.create_engine(url)
    table = sa.Table(
        "reply", sa.MetaData(), sa.Column("nr", sa.Integer), sa.Column("who", sa.String), sa.Column("instrument", sa.String),
        sa.Column("points", sa.Numeric(6, 2)), sa.Column("said", sa.String), sa.Column("changed", sa.DateTime), sa.Column("seen", sa.DateTime),
    )  # fmt: skip
    table.create(engine)
    with engine.begin() as connection:
        connection.execute(
            sa.insert(table),
            [
                {"nr": number, "who": "Bo", "changed": datetime(2026, 3, 31 if number < 30_000 else 1, 9, tzinfo=UTC).replace(tzinfo=None)
                 if number < 30_000 else datetime(2026, 4, 1), "said": "a\x00b" if number == 7 else None}  # noqa: DTZ001 - as the shop stores it
                for number in range(30_001)
            ],
        )  # fmt: skip
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_URL", url)
    spec = spec_of(tmp_path)
    assert extract(make_run(DAY_1), spec, "survey_answer")["rows"] == 30_000  # two partitions of the stream
    assert rows("select comment, updated_at from landing.survey_answer where answer_id = '7'") == [
        ("a␀b", "2026-03-31T09:00:00+08:00")
    ]
    assert rows("select min(position), max(position), count(distinct position) from landing.survey_answer") == [
        (1, 30_000, 30_000)
    ]
    publish()
    assert extract(make_run(DAY_2), spec, "survey_answer")["rows"] == 1


def test_missing_things_have_their_own_words(
    run: Run, shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: Callable[..., Any]
) -> None:
    with pytest.raises(EmptyDay, match="the first, full load of reply brought 0 rows, expected at least 1"):
        extract(run, spec_of(tmp_path), "survey_answer")
    with pytest.raises(TableMissing, match=r"table replies does not exist there; did you mean reply\?"):
        extract(run, spec_of(tmp_path, "table: replies"), "survey_answer")
    broken = spec_of(tmp_path)
    broken.file.write_text(broken.file.read_text().replace("comment: said", "comment: sayd"))
    with pytest.raises(ColumnMissing, match=r"reply has no column sayd; did it become said\?"):
        extract(run, load_spec(broken.file), "survey_answer")
    with pytest.raises(SourceUnreadable, match="42703"):
        extract(run, spec_of(tmp_path, "query: select nope from reply"), "survey_answer")
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_URL", "postgresql://somebody:secret-word@127.0.0.1:9/none")
    with pytest.raises(SourceUnreachable, match=r"the database at 127\.0\.0\.1 does not answer or refuses the login") as caught:
        extract(run, spec_of(tmp_path), "survey_answer")
    assert "secret-word" not in str(caught.value)
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_URL", "oracle+nothing://x")
    with pytest.raises(SpecError, match="names no database that can be opened"):
        extract(run, spec_of(tmp_path), "survey_answer")
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_URL", "")
    with pytest.raises(SpecError, match="Set RETENTION_SOURCE_SHOP_URL"):
        extract(run, spec_of(tmp_path), "survey_answer")
    assert rows("select distinct state from ops.batch") == [("failed",)]
    assert rows("select count(*) from landing.survey_answer") == [(0,)]


def test_changes_without_landing(shop: str, tmp_path: Path, rows: Callable[..., Any]) -> None:
    add(shop, 1, "2026-03-31 08:30:00")
    add(shop, 2, "2026-03-31 09:30:00")
    zone = spec_of(tmp_path).zone
    batches = list(
        changes(
            spec_of(tmp_path), "survey_answer", datetime(2026, 3, 31, 9, tzinfo=zone), datetime(2026, 3, 31, 10, tzinfo=zone)
        )
    )
    assert [batch["answer_id"].to_pylist() for batch in batches if batch.num_rows] == [["2"]]
    assert rows("select count(*) from ops.batch") == [(0,)]


def test_changes_by_a_cursor_of_days_bring_today(shop: str, tmp_path: Path) -> None:
    """A withdrawal of this morning must not wait for midnight because its source writes down days only."""
    add(shop, 1, None, day="2026-03-31")
    add(shop, 2, None, day="2026-04-01")
    spec = spec_of(tmp_path, cursor="cursor: day\n    cursor_type: date")
    zone = spec.zone
    batches = changes(spec, "survey_answer", datetime(2026, 3, 31, 9, tzinfo=zone), datetime(2026, 3, 31, 10, tzinfo=zone))
    assert [batch["answer_id"].to_pylist() for batch in batches if batch.num_rows] == [["1"]]


@pytest.mark.parametrize(
    "poison",
    [{"points": "NaN"}, {"share": "Infinity"}, {"seen": "infinity"}, {"seen": "-infinity"}, {"seen": "9999-12-31 23:59:59"},
     {"seen": "0001-01-01 00:00:00 BC"}, {"day": "infinity"}, {"day": "9999-12-31"}],
    ids=str,
)  # fmt: skip
def test_a_value_from_the_edge_of_its_type_ends_no_batch(
    run: Run, shop: str, tmp_path: Path, rows: Callable[..., Any], poison: dict[str, str]
) -> None:
    add(shop, 1, "2026-03-31 08:00:00", **poison)
    add(shop, 2, "2026-03-31 08:00:00")
    spec = spec_of(tmp_path)
    text = spec.file.read_text().replace("comment: said", "comment: said, about_kind: share, about_id: day")
    spec.file.write_text(text)
    assert extract(run, load_spec(spec.file), "survey_answer")["rows"] == 2
    assert landed(rows) == {"1", "2"}


def test_a_server_that_ends_the_stream_lands_nothing(
    run: Run, shop: str, tmp_path: Path, rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a table is a failure and never the end of data; in a snapshot it would be a wave of deletions."""
    import retention.sources.landing as module

    with psycopg.connect(shop) as connection:
        connection.execute(
            "insert into reply (nr, who, said, changed) select n, 'Ana', repeat('x', 500), '2026-03-31 10:00' from generate_series(1, 60000) as n"
        )
    batches, seen = module.store_batches, list[int]()

    def killing(*arguments: Any, **named: Any) -> Any:
        for batch in batches(*arguments, **named):
            if not seen:
                with psycopg.connect(shop, autocommit=True) as other:
                    killed = other.execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'retention source shop' and query ilike '%copy%'"
                    )
                    assert killed.fetchall() == [(True,)]
            seen.append(batch.num_rows)
            yield batch

    monkeypatch.setattr(module, "store_batches", killing)
    with pytest.raises(SourceUnreachable, match=r"ended the connection while reply was being read\. Nothing landed") as caught:
        extract(run, spec_of(tmp_path, cursor="mode: snapshot"), "survey_answer")
    assert 0 < sum(seen) < 60_000
    assert "xxx" not in str(caught.value)
    assert rows("select count(*) from landing.survey_answer") == [(0,)]
    assert rows("select state from ops.batch") == [("failed",)]


def test_a_query_that_fails_in_the_middle_quotes_no_row(run: Run, shop: str, tmp_path: Path, rows: Callable[..., Any]) -> None:
    with psycopg.connect(shop) as connection:
        connection.execute(
            "insert into reply (nr, who, said, changed) select n, 'Ana', case when n = 59000 then 'Ana Secret' else '5' end, "
            "'2026-03-31 10:00' from generate_series(1, 60000) as n"
        )
    query = "query: select nr, who, instrument, said::int as points, said, seen, changed from reply"
    with pytest.raises((SourceUnreadable, SourceUnreachable), match="Nothing landed") as caught:
        extract(run, spec_of(tmp_path, query), "survey_answer")
    assert "Secret" not in str(caught.value)
    assert rows("select count(*) from landing.survey_answer") == [(0,)]
    assert "Secret" not in str(rows("select message from ops.batch") + rows("select message from ops.run_ledger"))
