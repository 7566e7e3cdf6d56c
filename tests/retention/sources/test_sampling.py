"""Looks are small: how much is asked of a database, a folder and an API, and what is told of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from retention.sources import FileMissing, SourceSpec, SourceUnreachable, SourceUnreadable, load_spec
from retention.sources.preview import conform_sample
from retention.sources.sampling import Database, take_sample
from tests.retention.sources.rest.server import serving
from tests.retention.sources.rest.shop import PEOPLE, Shop, describe

NOW = datetime(2026, 4, 1, 8, tzinfo=UTC)


def spec_of(folder: Path, body: str, kind: str = "sql") -> SourceSpec:
    (folder / "shop.yml").write_text(
        f"source: shop\nkind: {kind}\nconnection: SHOP\nentities:\n  order:\n    key: [nr]\n{body}"
        "    columns: {order_id: nr, customer_id: who, gross_amount: total, updated_at: at}\n"
    )
    return load_spec(folder / "shop.yml")


def test_an_api_is_asked_for_a_few_pages_of_the_last_days(tmp_path: Path) -> None:
    shop = Shop(400)
    with serving(shop) as server:
        spec = describe(tmp_path, "offset")
        conformed = conform_sample(spec, spec.entities["survey_answer"], server.url, 7, NOW)
    assert len(conformed.rows) == 7
    assert {row["customer_id"] for row in conformed.rows} <= set(PEOPLE)
    assert shop.pages <= 4  # all of it would be 80 pages of five
    assert "of the last 30 days" in conformed.sample.notes
    assert conformed.missing == ()


def test_an_api_that_does_not_answer_is_an_error_like_any_other(tmp_path: Path) -> None:
    spec = describe(tmp_path, "offset", limits={"attempts": 1})
    with pytest.raises(SourceUnreachable):
        conform_sample(spec, spec.entities["survey_answer"], "http://127.0.0.1:9", 7, NOW)


def test_another_database_than_postgresql(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("create table sale (nr integer, who text, total numeric(8,2), at timestamp)")
        connection.executemany(
            "insert into sale values (?, 'Ana', 7.5, '2026-03-31 10:00:00')", [(number,) for number in range(9)]
        )
    spec = spec_of(tmp_path, "    table: sale\n    cursor: at\n")
    sample = take_sample(spec, spec.entities["order"], f"sqlite:///{tmp_path / 'shop.db'}", 4, NOW)
    assert (sample.rows, sample.is_whole, sample.families["nr"]) == (4, False, "integer")
    assert str(sample.newest).startswith("2026-03-31 10:00:00")
    with Database(f"sqlite:///{tmp_path / 'shop.db'}", "shop") as database:
        assert database.tables() == ["sale"]


def test_the_cursor_is_looked_for_in_the_whole_table_and_given_up_in_time(
    make_database: Callable[[str], str], tmp_path: Path
) -> None:
    url = make_database("empty")
    with psycopg.connect(url) as connection:
        connection.execute("create table sale as select n as nr, 'Ana' as who, 7 as total, date '2026-01-01' + n as at "
                           "from generate_series(1, 50) as n")  # fmt: skip
        connection.execute("create function nap(at date) returns date language sql volatile as 'select $1 from pg_sleep(3)'")
    spec = spec_of(tmp_path, "    table: sale\n    cursor: at\n    cursor_type: date\n")
    sample = take_sample(spec, spec.entities["order"], url, 5, NOW)
    assert (sample.rows, sample.newest) == (5, "2026-02-20")
    with psycopg.connect(url) as connection:
        connection.execute("alter table sale rename to sales")
        connection.execute(
            "create view sale as select nr, who, total, case when nr > 5 then nap(at) else at end as at from sales"
        )
    assert take_sample(spec, spec.entities["order"], url, 5, NOW, timeout_s=1).newest is None


def test_the_session_of_a_look_cannot_write(make_database: Callable[[str], str], tmp_path: Path) -> None:
    url = make_database("empty")
    with psycopg.connect(url) as connection:
        connection.execute("create table sale (nr integer, who text, total integer, at timestamp)")
        connection.execute("create function spoil() returns integer language sql as 'insert into sale values (1) returning nr'")
        connection.execute("create view evil as select spoil() as nr, 'Ana'::text as who, 7 as total, now() as at")
    spec = spec_of(tmp_path, "    table: evil\n    mode: full\n")
    with pytest.raises(SourceUnreadable):
        take_sample(spec, spec.entities["order"], url, 5, NOW)
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from sale").fetchone() == (0,)


def test_a_file_that_is_written_otherwise_than_described(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    lines = ["nr,who,total,at", *(f"{number},陈安娜,7,2026-03-31" for number in range(30))]
    (folder / "orders_2026-03-31.csv").write_bytes("\n".join(lines).encode("gb18030"))
    (folder / "orders_2026-03-30.csv").write_bytes(b"nr,who\n")
    spec = spec_of(tmp_path, '    path: "orders_{date}.csv"\n    format: csv\n', "files")
    entity = spec.entities["order"]
    with pytest.raises(SourceUnreadable, match="utf-8"):
        take_sample(spec, entity, str(folder), 5, NOW)
    described = replace(entity, encoding="gb18030")
    sample = take_sample(spec, described, str(folder), 5, NOW)
    assert (sample.rows, sample.newest, sample.where) == (5, "2026-03-31", "orders_2026-03-31.csv")
    assert sample.notes == ["2 files match orders_{date}.csv; the newest was read"]
    western = replace(entity, encoding="latin-1")  # every byte is a letter there, so reading it alone would not notice
    assert "its bytes look like gb18030; the description says latin-1" in take_sample(spec, western, str(folder), 5, NOW).notes


def test_another_delimiter_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "orders_2026-03-31.csv").write_text("nr;who;total;at\n" + "1;Ana;7,50;2026-03-31\n" * 20)
    spec = spec_of(tmp_path, '    path: "orders_{date}.csv"\n    format: csv\n', "files")
    conformed = conform_sample(spec, spec.entities["order"], str(folder), 5, NOW)
    assert "its columns look split by ';'; the description says ','" in conformed.sample.notes
    assert conformed.missing == ("nr", "who", "total", "at")


def test_no_file_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    spec = spec_of(tmp_path, '    path: "orders_{date}.csv"\n    format: csv\n', "files")
    with pytest.raises(FileMissing, match=r"shop order: no file matches orders_\{date\}\.csv\. Nothing was read"):
        take_sample(spec, spec.entities["order"], str(tmp_path / "drop"), 5, NOW)
