"""retention source list, check, preview, accept: what people see of a source before it is let in, and whom they do not see."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from click.testing import Result
from typer.testing import CliRunner

from retention.cli import app
from retention.cli._judge import judge
from retention.cli._look import shown
from retention.settings import Settings
from retention.sources import load_spec
from retention.sources.columns import SeenColumn, remember
from retention.warehouse import Warehouse

Cli = Callable[..., Result]

# Hana's own: none of it may be seen in any output, nor any part of it.
CANARY = {
    "id": "HK-77120041",
    "name": "Hana Kobayashi",
    "mail": "hana.kobayashi@canary.example",
    "mobile": "13977120041",
    "born": "1961-07-04",
    "note": "please ring my sister Yumi after seven",
}
DESCRIPTION = """
source: shop
kind: sql
connection: SHOP
timezone: Asia/Shanghai
entities:
  customer:
    table: client
    key: [nr]
    cursor: changed
    columns:
      customer_id: nr
      name: full_name
      email: mail
      phone: mobile
      birth_date: born
      gender: {from: sex, values: {M: male, F: female}, unknown: warn}
      customer_kind: kind
      created_at: changed
      updated_at: changed
  order:
    table: sale
    key: [nr]
    cursor: changed
    columns:
      order_id: nr
      customer_id: client_nr
      ordered_at: changed
      currency: {constant: CNY}
      gross_amount: total
      channel: way
      updated_at: changed
"""


@pytest.fixture
def shop(make_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A shop with Hana and eleven others as customers, and their orders."""
    url = make_database("empty")
    people = ["Ana", "Bo", "Chen", "Dai", "Emma", "Fang", "Gao", "Ivo", "Jin", "Kai", "Li"]
    with psycopg.connect(url) as connection:
        connection.execute(
            "create table client (nr text, full_name text, mail text, mobile text, born date, sex text, kind text, note text, "
            "changed timestamp)"
        )
        connection.execute("create table sale (nr integer, client_nr text, total text, way text, changed timestamp)")
        row = "insert into client values (%s, %s, %s, %s, %s, %s, %s, %s, '2026-03-31 10:00')"
        hana = (CANARY["id"], CANARY["name"], CANARY["mail"], CANARY["mobile"], CANARY["born"], "F", "consumer", CANARY["note"])
        connection.execute(row, hana)
        for number, name in enumerate(people):
            values = (
                f"C{number}",
                name,
                f"{name.lower()}@canary.example",
                f"1380013800{number % 10}",
                "1990-01-01",
                "M",
                "consumer",
                "",
            )
            connection.execute(row, values)
            connection.execute(
                "insert into sale values (%s, %s, %s, 'WEB', '2026-03-31 11:00')", (number, f"C{number}", f"{number}.50")
            )
        connection.execute(
            "insert into sale values (99, %s, %s, %s, '2026-03-31 12:00')", (CANARY["id"], CANARY["mobile"], CANARY["name"])
        )
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "shop.yml").write_text(DESCRIPTION)
    monkeypatch.setenv("RETENTION_SOURCES_DIR", str(sources))
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_URL", url)
    return url


@pytest.fixture
def cli(shop: str, tmp_path: Path, warehouse: Warehouse, marketing: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run one command and return its result."""
    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    monkeypatch.setenv("RETENTION_WAREHOUSE_URL", warehouse.url.render_as_string(hide_password=False))
    monkeypatch.setenv("RETENTION_MARKETING_URL", marketing.url.render_as_string(hide_password=False))
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, ["source", *map(str, arguments)])


def flat(text: str) -> str:
    return " ".join(text.split())


def change(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement)  # type: ignore[call-overload]  # the tests' own text


def assert_nobody(text: str) -> None:
    """No output shows Hana, whole or in part (her id and number also without their first characters)."""
    for what, value in CANARY.items():
        for part in {value, value.replace("-", ""), *value.split(), value[3:]}:
            if len(part) > 3:
                assert part not in flat(text), what
    assert "canary.example" not in text
    assert "Yumi" not in text


# -- nobody is shown ------------------------------------------------------------------------------------------------------
def test_no_command_shows_a_person(cli: Cli, shop: str) -> None:
    # Hana stands in every trap: her number where an amount belongs, her name where a channel belongs.
    for arguments in (
        ["list"],
        ["check", "shop"],
        ["preview", "shop", "customer"],
        ["preview", "shop", "order", "--rows", "20"],
        ["check", "--url", shop],
    ):
        for form in ("table", "json"):
            result = cli(*arguments, "--format", form)
            assert result.output
            assert result.exit_code in (0, 3), result.output
            assert_nobody(result.output)


def test_no_error_shows_a_person(cli: Cli, shop: str) -> None:
    for statement in (
        "update client set kind = full_name",
        "update client set sex = full_name",
        "update sale set total = client_nr",
        "alter table client drop column mail",
        "drop table client",
    ):
        change(shop, statement)
        for command in (("check", "shop"), ("preview", "shop", "customer"), ("preview", "shop", "order")):
            assert_nobody(cli(*command).output)


def test_a_file_without_a_header_shows_nobody(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    line = ",".join(CANARY[name] for name in ("id", "name", "mail", "mobile", "born"))
    (folder / "customers.csv").write_text(f"{line}\n" * 5)
    told = cli("check", "--url", folder)
    assert "its first line looks like a row and not like names of columns" in flat(told.output)
    assert_nobody(told.output)


def test_a_described_file_without_a_header_shows_nobody(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "people.csv").write_text(f"{CANARY['name']},{CANARY['mail']}\n" * 5)
    text = "source: list\nkind: files\nconnection: LIST\nentities:\n  customer:\n    path: people.csv\n    format: csv\n"
    (tmp_path / "sources" / "list.yml").write_text(text + "    key: [nr]\n    columns: {customer_id: nr, name: who}\n")
    monkeypatch.setenv("RETENTION_SOURCE_LIST_URL", str(folder))
    for command in (("check", "list"), ("preview", "list", "customer")):
        told = cli(*command).output
        assert "is its first line a header?" in flat(told)
        assert_nobody(told)


# -- list -----------------------------------------------------------------------------------------------------------------
def test_list_says_how_far_each_entity_has_come(cli: Cli, warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into ops.batch (source, entity, business_date, run_id, state, rows_extracted, rows_valid) "
                "values ('shop', 'customer', '2026-03-31', 'r', 'published', 12, 12)"
            )
        )
        connection.execute(
            sa.text(
                "insert into ops.source_cursor (source, entity, cursor_value, business_date) "
                "values ('shop', 'customer', '2026-04-01T00:00:00+08:00', '2026-03-31')"
            )
        )
    told = flat(cli("list").output)
    assert "customer client incremental 2026-03-31 published 12 2026-03-31, " in told
    assert "order sale incremental none yet never" in told
    found = {one["entity"]: one for one in json.loads(cli("list", "--format", "json").output)}
    assert (found["customer"]["state"], found["order"]["state"]) == ("published", None)


# -- check ----------------------------------------------------------------------------------------------------------------
def test_check_of_a_source_that_is_fine(cli: Cli, shop: str) -> None:
    change(shop, "delete from sale where nr = 99")
    result = cli("check", "shop")
    told = flat(result.output)
    assert result.exit_code == 0, told
    assert "nothing would stop the next run" in told
    assert "newest changed 2026-03-31 10:00" in told
    assert "key nr: given and unique in the sample" in told
    assert "not described and left out: note" in told
    assert max(map(len, result.output.splitlines())) <= 100


def test_check_stops_at_a_column_that_is_gone(cli: Cli, shop: str) -> None:
    change(shop, "alter table client rename mobile to mobile_no")
    result = cli("check", "shop", "--entity", "customer")
    assert result.exit_code == 3
    assert "no column mobile; did it become mobile_no?" in flat(result.output)


def test_check_stops_at_rows_that_the_rules_refuse(cli: Cli, shop: str) -> None:
    change(shop, "update sale set total = 'seven' where nr < 5")
    result = cli("check", "shop", "--entity", "order")
    assert result.exit_code == 3
    assert "is_type(gross_amount) would set aside 5 of 12 rows" in flat(result.output)
    assert "break a rule, more than quarantine_stop_share" in flat(result.output)


def test_check_compares_types_with_the_last_published_batch(cli: Cli, shop: str, warehouse: Warehouse) -> None:
    change(shop, "delete from sale where nr = 99")
    with warehouse.begin() as connection:
        batch = connection.execute(
            sa.text(
                "insert into ops.batch (source, entity, business_date, run_id, state) "
                "values ('shop', 'order', '2026-03-30', 'r', 'published') returning batch_id"
            )
        ).scalar_one()
        seen = [SeenColumn(name, kind, "mapped") for name, kind in (("nr", "integer"), ("total", "number"))]
        remember(connection, "shop", "order", batch, date(2026, 3, 30), seen)
    result = cli("check", "shop", "--entity", "order")
    assert result.exit_code == 3
    told = flat(result.output)
    assert "column total was number and is text now: correct it, or retention source accept shop order" in told
    assert "new since the last published batch: changed, client_nr, way" in told
    assert cli("accept", "shop", "order").exit_code == 0
    assert cli("check", "shop", "--entity", "order").exit_code == 0


def test_check_says_which_name_was_meant(cli: Cli) -> None:
    assert "no source shopp is described; did it become" not in cli("check", "shopp").output
    assert "did you mean shop?" in flat(cli("check", "shopp").output)
    assert "describes no entity weather; it has customer, order" in flat(cli("preview", "shop", "weather").output)
    assert cli("check").exit_code == 2
    assert cli("check", "shop", "--format", "xml").exit_code == 2


def test_check_works_before_there_is_a_warehouse(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_WAREHOUSE_URL", "postgresql://nobody@127.0.0.1:1/none")
    result = cli("check", "shop", "--entity", "customer")
    assert result.exit_code == 0, result.output
    assert "no warehouse answers, so no rule was applied" in flat(result.output)


def test_check_of_a_new_system_proposes_what_then_passes(
    cli: Cli, shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(shop, "delete from sale where nr = 99")
    made = tmp_path / "sources" / "corner.yml"
    result = cli("check", "--url", shop, "--source", "corner", "--save", made)
    assert result.exit_code == 0, result.output
    spec = load_spec(made)
    assert spec.entities["customer"].columns is not None
    assert spec.entities["customer"].columns["email"].source == "mail"
    assert spec.entities["customer"].cursor == "changed"
    assert "#   note: " in made.read_text()
    monkeypatch.setenv("RETENTION_SOURCE_CORNER_URL", shop)
    assert cli("check", "corner").exit_code == 0, cli("check", "corner").output
    again = cli("check", "--url", shop, "--source", "corner", "--save", made)
    assert again.exit_code == 2  # what somebody has worked on is not written over


# -- preview --------------------------------------------------------------------------------------------------------------
def test_preview_shows_rows_as_they_would_land(cli: Cli) -> None:
    found = json.loads(cli("preview", "shop", "customer", "--format", "json").output)
    hana = found[0]
    assert hana["customer_known"] is False
    assert hana["refused_by"] == []
    assert hana["row"]["email"] == "xxxx.xxxxxxxxx@xxxxxx.xxxxxxx"
    assert hana["row"]["birth_date"] == "9999-99-99"
    assert hana["row"]["gender"] == "female"
    assert hana["row"]["updated_at"] == "2026-03-31T10:00:00+08:00"


def test_preview_names_the_rule_that_would_refuse_a_row(cli: Cli) -> None:
    found = {
        one["position"]: one for one in json.loads(cli("preview", "shop", "order", "--rows", "20", "--format", "json").output)
    }
    assert found[12]["refused_by"] == ["between(gross_amount)"]  # Hana's number as an amount
    assert found[12]["row"]["gross_amount"] == "99999999999"
    assert found[12]["row"]["channel"] == "xxxx xxxxxxxxx"
    assert found[1]["refused_by"] == []
    assert found[1]["row"]["gross_amount"] == "0.50"
    told = cli("preview", "shop", "order", "--rows", "20").output
    assert "row 12: would be set aside by between(gross_amount)" in flat(told)
    assert max(map(len, told.splitlines())) <= 100


def test_preview_promises_nothing_without_a_warehouse(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_WAREHOUSE_URL", "postgresql://nobody@127.0.0.1:9/none")
    told = cli("preview", "shop", "order", "--rows", "20").output
    assert "the warehouse does not answer, so no rule was applied" in flat(told)
    assert "would pass" not in told


def test_nothing_is_written(cli: Cli, warehouse: Warehouse, shop: str) -> None:
    def counts() -> list[Any]:
        found = []
        for url in (warehouse.url.render_as_string(hide_password=False), shop):
            with psycopg.connect(url) as connection:
                connection.execute("select pg_stat_force_next_flush()")
                row = connection.execute("select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables").fetchone()
                found.append(row)
        return found

    before = counts()
    for command in (["check", "shop"], ["preview", "shop", "customer"], ["list"], ["check", "--url", shop]):
        cli(*command)
    assert counts() == before


def test_the_judge_is_read_only_and_takes_any_text(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "shop.yml").write_text(DESCRIPTION)
    spec = load_spec(tmp_path / "shop.yml")
    strange = ["'; drop table core.customer; --", "%(x)s %s :name ::text", '"}]', "\u2028", "x" * 300]
    rows = [{"customer_id": text, "name": text, "email": text, "updated_at": "2026-03-31T10:00:00+08:00"} for text in strange]
    verdicts = judge(warehouse, spec, "customer", rows, Settings())
    assert [bool(refused) for refused in verdicts.refused] == [False, False, False, False, True]
    assert "max_length(customer_id)" in verdicts.refused[4]


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("gross_amount", "12.50", "12.50"),
        ("gross_amount", "13977120041", "99999999999"),
        ("gross_amount", "139 7712 0041", "999 9999 9999"),
        ("ordered_at", "2026-03-31T10:00:00+08:00", "2026-03-31T10:00:00+08:00"),
        ("ordered_at", "Hana", "xxxx"),
        ("currency", "CNY", "CNY"),
        ("currency", "陈安娜", "某某某"),
        ("customer_id", "77", "99"),
        ("channel", "WEB", "xxx"),
    ],
)
def test_a_value_is_shown_only_as_what_its_column_should_hold(tmp_path: Path, column: str, value: str, told: str) -> None:
    (tmp_path / "shop.yml").write_text(DESCRIPTION)
    assert shown(load_spec(tmp_path / "shop.yml").entities["order"], column, value) == told
