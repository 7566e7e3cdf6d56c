"""MySQL and MariaDB as a source, on a real server: every type, the zone of times, snapshots, errors without values."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from retention.sources import (
    ColumnMissing,
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
from tests.retention.sources import mariadb

DAY_1, DAY_2, DAY_3 = (date(2026, 3, 31) + timedelta(days=n) for n in range(3))
pytestmark = pytest.mark.skipif(mariadb.missing() is not None, reason=str(mariadb.missing()))
_COUNTER = itertools.count(1)


@pytest.fixture(scope="module")
def mysql() -> Iterator[mariadb.MariaDb]:
    """One server for this module."""
    with mariadb.running() as server:
        yield server


@pytest.fixture
def shop(mysql: mariadb.MariaDb, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[Any, ...]]]:
    """Return a function that runs statements on a fresh database of the shop."""
    name = f"shop_{next(_COUNTER)}"
    mysql.do(None, f"create database {name}")
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_URL", mysql.url(name))
    return lambda *statements: mysql.do(name, *statements)


def spec_of(folder: Path, columns: str, body: str = "table: reply", key: str = "nr") -> SourceSpec:
    (folder / "shop.yml").write_text(
        f"""
source: shop
kind: sql
connection: SHOP
timezone: Asia/Shanghai
entities:
  survey_answer:
    {body}
    key: [{key}]
    columns: {{{columns}}}
    expect: {{empty_day: ok}}
"""
    )
    return load_spec(folder / "shop.yml")


SIMPLE = "answer_id: nr, customer_id: who, updated_at: changed"


def test_every_type_arrives_as_the_server_holds_it(
    run: Run, shop: Callable[..., Any], tmp_path: Path, rows: Callable[..., Any]
) -> None:
    shop(
        "create table reply (nr binary(16), big bigint unsigned, precise decimal(38,10), tiny tinyint(1), bits bit(3), extra json, "
        "kind enum('nps','csat'), several set('a','b'), name varchar(50) character set gbk, at datetime(6), stamp timestamp(3) null, "
        "day date, price double, year_ year, emoji text)",
        "insert into reply values (unhex('6F1FF2BA5B5C4BD98D7C1C4D6D1A6F00'), 18446744073709551615, 1234567890123456789012345678.0123456789, "
        "1, b'101', '{\"a\": 1}', 'nps', 'a,b', '王小明', '2026-03-31 08:30:00.000250', '2026-03-31 08:30:00.125', '2026-03-30', 0.1, 1999, "
        "'ok 👍')",
    )
    spec = spec_of(
        tmp_path,
        "answer_id: nr, customer_id: {join: [big, precise, tiny, bits], separator: '|'}, instrument: kind, score: several, "
        "comment: {join: [name, emoji, extra], separator: '|'}, about_kind: year_, about_id: {join: [price, day], separator: '|'}, "
        "answered_at: at, updated_at: stamp",
    )
    assert extract(run, spec, "survey_answer")["rows"] == 1
    assert rows(
        "select answer_id, customer_id, instrument, score, comment, about_kind, about_id, answered_at, updated_at from landing.survey_answer"
    ) == [
        (
            "6f1ff2ba5b5c4bd98d7c1c4d6d1a6f00", "18446744073709551615|1234567890123456789012345678.0123456789|1|5", "nps", "a,b",
            "王小明|ok 👍|{\"a\": 1}", "1999", "0.1|2026-03-30", "2026-03-31T08:30:00.000250+08:00",
            # The owner wrote the TIMESTAMP in the server's zone, +05:00; it is an instant and comes out in the source's zone.
            "2026-03-31T11:30:00.125000+08:00",
        )
    ]  # fmt: skip


def test_dates_that_are_none_are_landed_as_written_and_left_to_validation(
    run: Run, shop: Callable[..., Any], tmp_path: Path, rows: Callable[..., Any]
) -> None:
    shop(
        "create table reply (nr int, who varchar(20), changed timestamp(0) null, day date, at datetime)",
        "set sql_mode = ''",
        "insert into reply values (1, 'Ana', '0000-00-00', '0000-00-00', '0000-00-00 00:00:00'), "
        "(2, 'Bo', '2026-03-31 05:00:00', '2026-02-00', '2026-03-31 10:00:00'), (3, 'Chen', null, null, null)",
    )
    spec = spec_of(tmp_path, "answer_id: nr, customer_id: who, updated_at: changed, answered_at: at, comment: day")
    assert extract(run, spec, "survey_answer")["rows"] == 3
    assert rows("select answer_id, updated_at, answered_at, comment from landing.survey_answer order by 1") == [
        ("1", "0000-00-00 00:00:00+00:00", "0000-00-00 00:00:00", "0000-00-00"),
        ("2", "2026-03-31 00:00:00+00:00", "2026-03-31T10:00:00+08:00", "2026-02-00"),
        ("3", None, None, None),
    ]


@pytest.mark.parametrize("kind", ["datetime(6)", "timestamp(6)"])
def test_the_day_is_cut_in_the_business_zone(
    make_run: Callable[..., Run],
    shop: Callable[..., Any],
    tmp_path: Path,
    rows: Callable[..., Any],
    publish: Callable[[], int],
    kind: str,
) -> None:
    """Of a DATETIME the wall clock is the source's; a TIMESTAMP is an instant, whatever zone the server shows it in."""
    zone = "set time_zone = '+08:00'"
    shop(f"create table reply (nr int, who varchar(20), changed {kind} null)")
    shop(
        zone,
        "insert into reply values (1, 'Ana', '2026-03-31 23:59:59.999999'), (2, 'Bo', '2026-04-01 00:00:00'), "
        "(3, 'Chen', '2026-04-01 23:59:59.999999'), (4, 'Dai', null)",
    )
    spec = spec_of(tmp_path, SIMPLE, "table: reply\n    cursor: changed")
    assert extract(make_run(DAY_1), spec, "survey_answer")["rows"] == 2  # the first load takes rows without a cursor along
    publish()
    assert extract(make_run(DAY_2), spec, "survey_answer")["rows"] == 2
    publish()
    shop(zone, "insert into reply values (5, 'Emma', '2026-04-02 00:00:00')")
    assert extract(make_run(DAY_3), spec, "survey_answer")["rows"] == 1
    assert rows("select updated_at::timestamptz at time zone 'Asia/Shanghai' from landing.survey_answer order by answer_id")[
        1:3
    ] == [
        (datetime(2026, 4, 1),),  # noqa: DTZ001  # the wall clock in Shanghai
        (datetime(2026, 4, 1, 23, 59, 59, 999999),),  # noqa: DTZ001
    ]


def test_one_reading_is_one_moment(
    run: Run, shop: Callable[..., Any], tmp_path: Path, rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows written and deleted while the stream runs belong to the next reading; a stream larger than one fetch shows it."""
    import retention.sources.landing as module

    shop("create table reply (nr int primary key, who varchar(20), changed datetime)")
    shop("insert into reply select seq, 'Ana', '2026-03-31 10:00' from seq_1_to_50000")
    batches = module.store_batches
    changed: list[int] = []

    def interfering(*arguments: Any, **named: Any) -> Iterator[Any]:
        for batch in batches(*arguments, **named):
            if not changed:
                shop("delete from reply where nr > 25000", "insert into reply values (99999, 'Bo', '2026-03-31 10:00')")
            changed.append(batch.num_rows)
            yield batch

    monkeypatch.setattr(module, "store_batches", interfering)
    assert extract(run, spec_of(tmp_path, SIMPLE), "survey_answer")["rows"] == 50_000
    assert len(changed) == 3
    assert rows("select count(distinct answer_id), max(answer_id::int) from landing.survey_answer") == [(50_000, 50_000)]


def test_a_server_that_ends_the_stream_lands_nothing(
    run: Run, shop: Callable[..., Any], tmp_path: Path, rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a table is a failure and never the end of data."""
    import retention.sources.mysql as module

    shop("create table reply (nr int primary key, who varchar(200), changed datetime)")
    shop("insert into reply select seq, repeat('Ana', 60), '2026-03-31 10:00' from seq_1_to_100000")
    monkeypatch.setattr(module, "_ROWS", 1000)
    seen: list[int] = []
    array = module.MySqlStore._array

    def killing(self: Any, *arguments: Any) -> Any:
        seen.append(1)
        if len(seen) == 10:
            for (number,) in shop("select id from information_schema.processlist where user = 'reader'"):
                shop(f"kill {number}")
        return array(self, *arguments)

    monkeypatch.setattr(module.MySqlStore, "_array", killing)
    spec = spec_of(tmp_path, SIMPLE, "table: reply\n    mode: snapshot")
    with pytest.raises(
        SourceUnreachable, match=r"ended the connection while reply was being read .*Nothing landed; safe to retry"
    ):
        extract(run, spec, "survey_answer")
    assert rows("select count(*) from landing.survey_answer") == [(0,)]
    assert rows("select state from ops.batch") == [("failed",)]


def test_deletions_and_numbers_as_cursor(
    make_run: Callable[..., Run], shop: Callable[..., Any], tmp_path: Path, rows: Callable[..., Any], publish: Callable[[], int]
) -> None:
    shop(
        "create table reply (nr bigint unsigned, who varchar(20), changed datetime)",
        "create table removed (id bigint unsigned, gone timestamp)",
        "insert into reply values (18446744073709551610, 'Ana', '2026-03-31 10:00'), (3, 'Bo', '2026-03-31 10:00')",
    )
    body = (
        "table: reply\n    cursor: nr\n    cursor_type: integer\n"
        "    deletions: {query: 'select id as nr_, gone from removed;', key: [nr_], deleted_at: gone}"
    )
    spec = spec_of(tmp_path, SIMPLE, body)
    extract(make_run(DAY_1), spec, "survey_answer")
    publish()
    shop(
        "set time_zone = '+08:00'",
        "insert into removed values (3, '2026-04-01 12:00:00')",
        "insert into reply values (18446744073709551611, 'Chen', '2026-04-01 10:00')",
    )
    result = extract(make_run(DAY_2), spec, "survey_answer")
    assert (result["rows"], result["deleted"]) == (2, 1)
    assert rows("select cursor_to from ops.batch order by batch_id") == [("18446744073709551610",), ("18446744073709551611",)]
    assert rows("select answer_id, deleted_at from landing.survey_answer where deleted_at is not null") == [
        ("3", "2026-04-01T04:00:00.000000+00:00")
    ]


def test_columns_that_are_not_described_are_not_even_read(
    run: Run, shop: Callable[..., Any], tmp_path: Path, rows: Callable[..., Any]
) -> None:
    shop(
        "create table reply (nr int, who varchar(20), changed datetime, picture longblob, place point)",
        "insert into reply values (1, 'Ana', '2026-03-31 10:00', unhex('00ff00ff'), point(1, 2))",
    )
    result = extract(run, spec_of(tmp_path, SIMPLE), "survey_answer")
    assert result["rows"] == 1
    with pytest.raises(SourceUnreadable, match="column picture of reply holds bytes and no text") as caught:
        extract(run, spec_of(tmp_path, SIMPLE + ", comment: picture"), "survey_answer")
    assert "ff00" not in str(caught.value)


def test_missing_things_have_their_own_words(
    run: Run, shop: Callable[..., Any], tmp_path: Path, mysql: mariadb.MariaDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop("create table reply (nr int, who varchar(20), changed datetime)")
    with pytest.raises(TableMissing, match=r"table replies does not exist there; did you mean reply\?"):
        extract(run, spec_of(tmp_path, SIMPLE, "table: replies"), "survey_answer")
    with pytest.raises(ColumnMissing, match="has no column whom; did it become who"):
        extract(run, spec_of(tmp_path, SIMPLE.replace("who", "whom")), "survey_answer")
    with pytest.raises(SourceUnreadable, match=r"a column that its query names does not exist \(error 1054"):
        extract(run, spec_of(tmp_path, SIMPLE, "query: select secret_name from reply"), "survey_answer")
    with pytest.raises(SourceUnreadable, match="error 1064") as caught:
        extract(run, spec_of(tmp_path, SIMPLE, "query: select Ana from from reply"), "survey_answer")
    assert "Ana" not in str(caught.value)
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_URL", mysql.url("nowhere").replace("only%20reads", "secret-word"))
    with pytest.raises(SourceUnreachable, match=r"refuses the login \(error 1045\)") as caught_login:
        extract(run, spec_of(tmp_path, SIMPLE), "survey_answer")
    assert "secret-word" not in str(caught_login.value)
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_URL", "mysql://somebody:secret-word@127.0.0.1:9/none")
    with pytest.raises(SourceUnreachable, match=r"at 127\.0\.0\.1 does not answer"):
        extract(run, spec_of(tmp_path, SIMPLE), "survey_answer")
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_URL", f"{mysql.url('none')}?sslca=/x")
    with pytest.raises(SpecError, match=r"parameters that are not known \(sslca\)"):
        extract(run, spec_of(tmp_path, SIMPLE), "survey_answer")


def test_the_session_can_only_read(run: Run, shop: Callable[..., Any], tmp_path: Path, mysql: mariadb.MariaDb) -> None:
    """Even a login with all rights cannot write: a query that tries is refused by the transaction."""
    shop("create table reply (nr int, who varchar(20), changed datetime)", "create sequence counter")
    mysql.do(None, "grant all on *.* to reader@'127.0.0.1'")
    try:
        spec = spec_of(tmp_path, SIMPLE, "query: select nextval(counter) as nr, 'Ana' as who, now() as changed")
        with pytest.raises(SourceUnreadable, match="error 1792"):
            extract(run, spec, "survey_answer")
    finally:
        mysql.do(None, "revoke all on *.* from reader@'127.0.0.1'", "grant select on *.* to reader@'127.0.0.1'")


def test_the_quick_feeds_read_it_too(shop: Callable[..., Any], tmp_path: Path, mysql: mariadb.MariaDb) -> None:
    shop(
        "create table reply (nr int, who varchar(20), changed datetime)",
        "insert into reply values (1, 'Ana', '2026-03-31 08:30'), (2, 'Bo', '2026-03-31 09:30')",
    )
    spec = spec_of(tmp_path, SIMPLE, "table: reply\n    cursor: changed")
    since = datetime.fromisoformat("2026-03-31T09:00:00+08:00")
    (name,) = shop("select database()")[0]
    for scheme in ("mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql"):
        batches = changes(spec, "survey_answer", since, since + timedelta(hours=1), mysql.url(name, scheme))
        assert [batch["answer_id"].to_pylist() for batch in batches] == [["2"]]
