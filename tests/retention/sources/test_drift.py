"""A source that changes: what stops, what is noted, and what does not matter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from retention.sources import ColumnMissing, ColumnRetyped, SourceSpec, UnknownCode, drift, extract, load_spec
from retention.sources.columns import accept, last_published
from retention.sources.drift import hint
from retention.warehouse import RetentionError, Run, Warehouse

DAYS = [date(2026, 3, 31) + timedelta(days=number) for number in range(6)]
PEOPLE = ("Ana", "Bo", "Chen", "Dai", "Emma", "Fang", "Gao", "Hana", "Ivo", "Jin", "Kai", "Li")


# -- files: types told by values ------------------------------------------------------------------------------------------
@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop's folder of orders."""
    made = tmp_path / "drop"
    made.mkdir()
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_URL", str(made))
    return made


def orders(folder: Path, more: str = "", form: str = "csv") -> SourceSpec:
    (folder.parent / "shop.yml").write_text(
        f"""
source: shop
kind: files
connection: SHOP
entities:
  order:
    path: "orders_{{date}}.{form}"
    format: {form}
    key: [nr]
    columns: {{order_id: nr, customer_id: who, ordered_at: bought, gross_amount: total, {more} updated_at: bought}}
"""
    )
    return load_spec(folder.parent / "shop.yml")


def write(
    folder: Path, day: date, rows: int = 40, header: str = "nr,who,bought,total,way", **columns: Callable[[int], str]
) -> None:
    given = {
        "nr": lambda i: f"{day}-{i}",
        "who": lambda i: PEOPLE[i % len(PEOPLE)],
        "bought": lambda i: f"{day} 09:{i % 60:02d}:00",
        "total": lambda i: f"{i}.50",
        "way": lambda i: "WEB",
        **columns,
    }
    lines = [",".join(given[name.lower()](i) for name in header.split(",")) for i in range(rows)]
    (folder / f"orders_{day}.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def test_amounts_that_become_words_stop_with_what_to_do(
    make_run: Callable[..., Run], folder: Path, publish: Callable[[], None], rows: Callable[..., Any]
) -> None:
    spec = orders(folder)
    write(folder, DAYS[0])
    extract(make_run(DAYS[0]), spec, "order")
    publish()
    write(folder, DAYS[1], total=lambda i: "see invoice")
    with pytest.raises(ColumnRetyped) as caught:
        extract(make_run(DAYS[1]), spec, "order")
    told = str(caught.value)
    assert "shop order: column total of orders_{date}.csv held numeric values for gross_amount" in told
    assert "100% of them could be read in the last published batch and 0% in this one. Nothing landed" in told
    assert "`retention source accept shop order`" in told
    assert "docs/runbook.md#retyped-column" in told
    assert "invoice" not in told
    assert rows(
        "select count(*) from landing.order join ops.batch using (batch_id) where business_date = :day", day=DAYS[1]
    ) == [(0,)]


def test_a_few_bad_amounts_do_not_cry_wolf(make_run: Callable[..., Run], folder: Path, publish: Callable[[], None]) -> None:
    spec = orders(folder)
    write(folder, DAYS[0])
    extract(make_run(DAYS[0]), spec, "order")
    publish()
    # Almost half of them unreadable: bad rows, which validation sets aside and, at this share, stops with their rule.
    write(folder, DAYS[1], total=lambda i: "?" if i % 5 < 2 else "7")
    assert extract(make_run(DAYS[1]), spec, "order")["state"] == "landed"
    publish()
    # All of a small batch: four rows say nothing about a column.
    write(folder, DAYS[2], rows=4, total=lambda i: "?")
    assert extract(make_run(DAYS[2]), spec, "order")["state"] == "landed"


def test_without_the_comparison_words_would_land_as_amounts(
    make_run: Callable[..., Run], folder: Path, publish: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = orders(folder)
    write(folder, DAYS[0])
    extract(make_run(DAYS[0]), spec, "order")
    publish()
    write(folder, DAYS[1], total=lambda i: "see invoice")
    monkeypatch.setattr(drift, "BROKEN", 0.0)
    assert extract(make_run(DAYS[1]), spec, "order")["rows"] == 40


def test_an_accepted_change_becomes_the_standard_once_it_is_published(
    make_run: Callable[..., Run], folder: Path, publish: Callable[[], None], warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    spec = orders(folder)
    write(folder, DAYS[0])
    extract(make_run(DAYS[0]), spec, "order")
    publish()
    write(folder, DAYS[1], total=lambda i: "see invoice")
    with pytest.raises(ColumnRetyped):
        extract(make_run(DAYS[1]), spec, "order")
    assert accept(warehouse, "shop", "order", "jin") == 5
    extract(make_run(DAYS[1]), spec, "order")
    publish()
    assert last_published(warehouse, "shop", "order")["total"].readable_share == 0
    assert rows("select actor, action, subject from ops.audit") == [("jin", "accept_columns", "shop order")]
    with pytest.raises(RetentionError, match="shop refund: no columns are stored"):
        accept(warehouse, "shop", "refund", "jin")


def test_a_day_that_fails_is_not_what_the_next_is_compared_with(
    make_run: Callable[..., Run], folder: Path, publish: Callable[[], None], warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    spec = orders(folder)
    write(folder, DAYS[0])
    extract(make_run(DAYS[0]), spec, "order")
    publish()
    write(folder, DAYS[1], total=lambda i: "1" if i % 5 < 3 else "x")
    extract(make_run(DAYS[1]), spec, "order")  # landed, never published: validation stopped the day
    stored = last_published(warehouse, "shop", "order")
    assert (stored["total"].readable_share, stored["total"].first_seen) == (1.0, DAYS[0])
    write(folder, DAYS[1], total=lambda i: "2")
    extract(make_run(DAYS[1], try_number=2), spec, "order")
    publish()
    stored = last_published(warehouse, "shop", "order")
    assert (stored["total"].readable_share, stored["total"].first_seen) == (1.0, DAYS[0])
    # Of the superseded try nothing is left, and the day before goes with the next landing.
    assert rows("select last_seen, count(*) from ops.source_column group by 1 order by 1") == [(DAYS[0], 5), (DAYS[1], 5)]


def test_new_columns_are_noted_once_and_join_nothing(
    make_run: Callable[..., Run], folder: Path, publish: Callable[[], None], warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    spec = orders(folder)
    write(folder, DAYS[0])
    assert extract(make_run(DAYS[0]), spec, "order")["notes"] == ["columns not described and left out: way"]
    publish()
    # A column of the name of one of ours, which the description does not fill: it must not slip in.
    write(folder, DAYS[1], header="nr,who,bought,total,way,coupon_code", coupon_code=lambda i: "SPRING")
    notes = extract(make_run(DAYS[1]), spec, "order")["notes"]
    assert notes == ["new columns, left out until they are mapped: coupon_code"]
    publish()
    write(folder, DAYS[2], header="nr,who,bought,total,way,coupon_code", coupon_code=lambda i: "SPRING")
    assert extract(make_run(DAYS[2]), spec, "order")["notes"] == []
    assert last_published(warehouse, "shop", "order")["coupon_code"].state == "ignored"
    assert rows("select distinct coupon_code from landing.order") == [(None,)]


def test_the_order_of_columns_means_nothing(
    make_run: Callable[..., Run], folder: Path, publish: Callable[[], None], rows: Callable[..., Any]
) -> None:
    spec = orders(folder)
    write(folder, DAYS[0], rows=2)
    extract(make_run(DAYS[0]), spec, "order")
    publish()
    write(folder, DAYS[1], rows=2, header="way,total,bought,who,nr")
    assert extract(make_run(DAYS[1]), spec, "order")["notes"] == []
    assert rows("select customer_id, gross_amount from landing.order order by 1, 2") == [
        ("Ana", "0.50"), ("Ana", "0.50"), ("Bo", "1.50"), ("Bo", "1.50"),
    ]  # fmt: skip


def test_each_missing_column_has_its_own_nearest_name(make_run: Callable[..., Run], folder: Path) -> None:
    write(folder, DAYS[0], header="NR,who,bought,total")
    text = (folder / "orders_2026-03-31.csv").read_text()
    (folder / "orders_2026-03-31.csv").write_text(text.replace("NR,who,bought,total", "Nr.,who,boughtAt,ToTal", 1))
    with pytest.raises(
        ColumnMissing,
        match=r"has no column nr, bought, total; did it become Nr\. \(nr\), boughtAt \(bought\), ToTal \(total\)\?",
    ):
        extract(make_run(DAYS[0]), orders(folder), "order")


@pytest.mark.parametrize(
    ("missing", "names", "before", "words"),
    [
        (["Customer_ID"], ["customerId", "name"], (), "did it become customerId?"),
        (["手机"], ["手机号", "name"], (), "did it become 手机号?"),
        (["phone"], ["ｐｈｏｎｅ", "name"], (), "did it become ｐｈｏｎｅ?"),  # full width
        # Nothing is spelled alike, but one column is gone and one was not there before.
        (["mobile"], ["cell", "name"], ("mobile", "name"), "did it become cell?"),
        (["mobile"], ["cell", "fax", "name"], ("mobile", "name"), "there are cell, fax, name"),
        (["mobile", "mail"], ["email", "name"], (), "did it become email (mail)? nothing is like mobile"),
        (["a", "b"], ["1", "Hana"], (), "none of its 2 columns has a name that is known here: is its first line a header?"),
    ],
)
def test_renames_are_guessed_from_names_and_from_what_is_new(
    missing: list[str], names: list[str], before: tuple[str, ...], words: str
) -> None:
    assert hint(missing, {*missing, "name"}, names, before) == words


def test_a_json_source_that_stops_bringing_a_column(
    make_run: Callable[..., Run], folder: Path, publish: Callable[[], None]
) -> None:
    spec = orders(folder, form="jsonl")

    def write_lines(day: date, rows: int, name: str) -> None:
        line = '{{"nr": "{0}-{1}", "who": "Ana", "bought": "{0} 09:00:00", "{2}": 7}}\n'
        (folder / f"orders_{day}.jsonl").write_text("".join(line.format(day, i, name) for i in range(rows)))

    write_lines(DAYS[0], 40, "total")
    extract(make_run(DAYS[0]), spec, "order")
    publish()
    write_lines(DAYS[1], 30, "totals")  # thirty orders without an amount: could be, and each row is judged by itself
    extract(make_run(DAYS[1]), spec, "order")
    publish()
    write_lines(DAYS[2], 300, "totals")
    with pytest.raises(ColumnMissing, match=r"has no column total; did it become totals\?"):
        extract(make_run(DAYS[2]), spec, "order")


def test_unknown_codes_stop_with_name_number_and_code(make_run: Callable[..., Run], folder: Path) -> None:
    spec = orders(folder, "channel: {from: way, values: {WEB: web}, unknown: stop},")
    write(folder, DAYS[0], way=lambda i: "TIKTOK" if i < 3 else "WEB")
    with pytest.raises(
        UnknownCode, match=r"3 of 40 rows have a code for channel that its values do not name \(TIKTOK\)"
    ) as caught:
        extract(make_run(DAYS[0]), spec, "order")
    assert "docs/runbook.md#unknown-code" in str(caught.value)


@pytest.mark.parametrize("code", ["Hana Kobayashi", "hana@example.com", "13800138000", "x" * 21, "陈安娜"])
def test_what_may_be_a_person_is_not_shown_as_a_code(make_run: Callable[..., Run], folder: Path, code: str) -> None:
    spec = orders(folder, "channel: {from: way, values: {WEB: web}, unknown: stop},")
    write(folder, DAYS[0], way=lambda i: code)
    with pytest.raises(UnknownCode, match="40 of 40 rows have a code for channel") as caught:
        extract(make_run(DAYS[0]), spec, "order")
    assert code not in str(caught.value)


def test_codes_that_do_not_stop_are_counted_in_the_notes(make_run: Callable[..., Run], folder: Path) -> None:
    spec = orders(folder, "channel: {from: way, values: {WEB: web}, unknown: other},")
    write(folder, DAYS[0], way=lambda i: "TIKTOK" if i < 3 else "WEB")
    notes = extract(make_run(DAYS[0]), spec, "order")["notes"]
    assert notes == ["channel: 3 rows have codes that its values do not name (TIKTOK), taken as other"]


# -- databases: types told by the database --------------------------------------------------------------------------------
@pytest.fixture
def shop(make_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A shop's database with the orders of two people."""
    url = make_database("empty")
    with psycopg.connect(url) as connection:
        connection.execute("create table sale (nr integer, who text, total integer, bought timestamp, extra text)")
        for day in DAYS:
            connection.execute("insert into sale values (%s, 'Ana', 7, %s, 'x')", (day.day, day))
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_URL", url)
    return url


def sales(folder: Path) -> SourceSpec:
    (folder / "sales.yml").write_text(
        """
source: shop
kind: sql
connection: SHOP
entities:
  order:
    table: sale
    key: [nr]
    cursor: bought
    columns: {order_id: nr, customer_id: who, ordered_at: bought, gross_amount: total, updated_at: bought}
"""
    )
    return load_spec(folder / "sales.yml")


def change(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("alter table sale alter total type text", "column total of sale was integer and is text now"),
        ("alter table sale alter who type integer using 1", "column who of sale was text and is integer now"),
        ("alter table sale alter total type boolean using true", "column total of sale was integer and is boolean now"),
    ],
    ids=["number to text", "text to number", "number to boolean"],
)
def test_a_retyped_column_stops(
    make_run: Callable[..., Run], shop: str, tmp_path: Path, publish: Callable[[], None], warehouse: Warehouse,
    statement: str, words: str,
) -> None:  # fmt: skip
    spec = sales(tmp_path)
    extract(make_run(DAYS[0]), spec, "order")
    publish()
    change(shop, statement)
    with pytest.raises(ColumnRetyped, match=words):
        extract(make_run(DAYS[1]), spec, "order")
    with pytest.raises(ColumnRetyped, match=words):  # nothing has moved: the next try stops the same way
        extract(make_run(DAYS[1], try_number=2), spec, "order")
    accept(warehouse, "shop", "order", "jin")
    assert extract(make_run(DAYS[1], try_number=3), spec, "order")["rows"] == 1


@pytest.mark.parametrize(
    ("statement", "note"),
    [
        (
            "alter table sale alter total type numeric(12,2)",
            ["column total changed from integer to number and reads as before"],
        ),
        ("alter table sale alter total type bigint", []),
        ("alter table sale alter who type varchar(40)", []),
        ("alter table sale alter extra type integer using 1", []),  # nobody reads it
        ("alter table sale drop column extra", []),
    ],
    ids=["integer to decimal", "wider integer", "text with a length", "a column left out", "a column left out goes"],
)
def test_changes_that_lose_nothing_do_not_stop(
    make_run: Callable[..., Run], shop: str, tmp_path: Path, publish: Callable[[], None], statement: str, note: list[str]
) -> None:
    spec = sales(tmp_path)
    extract(make_run(DAYS[0]), spec, "order")
    publish()
    change(shop, statement)
    assert extract(make_run(DAYS[1]), spec, "order")["notes"] == note


def test_a_renamed_column_of_a_table_is_found_among_what_is_new(
    make_run: Callable[..., Run], shop: str, tmp_path: Path, publish: Callable[[], None]
) -> None:
    spec = sales(tmp_path)
    extract(make_run(DAYS[0]), spec, "order")
    publish()
    change(shop, "alter table sale rename who to buyer")
    with pytest.raises(ColumnMissing, match=r"sale has no column who; did it become buyer\?"):
        extract(make_run(DAYS[1]), spec, "order")
