"""SQL, templates, formulas, HTML, paths and forged log lines in every column of every entity, through a whole day.

What a customer writes is data on every way: it is stored word for word or set aside, and nothing obeys it.
"""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from retention.cli import app
from retention.exports import spreadsheet_cell
from tests.abuse.attacked import Attack, attack
from tests.abuse.catalogue import ENTITIES, MARK, OWN_KEY
from tests.oracle import violations
from tests.tiny import FIRST_DAY, TinyCompany, installed

pytestmark = pytest.mark.slow

RELATIONS = (
    "select format('%I.%I', n.nspname, c.relname) from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid "
    "where c.relkind in ('r', 'p', 'v') and not c.relispartition and n.nspname not like 'pg\\_%' "
    "and n.nspname not in ('information_schema', 'staging') order by 1"
)


class Listening(logging.Handler):
    """Keeps what is logged, formatted."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass
class Attacked:
    """The company after its day, what was put where, and everything that was said meanwhile."""

    company: TinyCompany
    attacks: list[Attack]
    relations: list[str]
    counts: dict[str, Any] = field(default_factory=dict)
    logged: list[str] = field(default_factory=list)

    def ask(self, query: str, url: str | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with psycopg.connect(url or self.company.warehouse_url) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def attacked(server: Any, templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with installed(server, templates, tmp_path_factory.mktemp("abuse") / "home", "abuse") as company:
        found = Attacked(company, attack(company), [])
        found.relations = [row[0] for row in found.ask(RELATIONS)]
        listening = Listening()
        root = logging.getLogger()
        level = root.level
        root.addHandler(listening)
        root.setLevel(logging.INFO)
        try:
            found.counts = company.run_day(FIRST_DAY)
        finally:
            root.removeHandler(listening)
            root.setLevel(level)
        found.logged = listening.lines
        yield found


def test_the_day_went_through_to_the_audience(attacked: Attacked) -> None:
    assert len(attacked.attacks) > 5_500
    assert {entity for entity, *_ in attacked.attacks} == set(ENTITIES)
    assert attacked.ask("select count(*) from marketing.campaign_audience", attacked.company.marketing_url)[0][0] > 0
    laden = attacked.ask(f"select count(*) from core.complaint where text like '%{MARK}%'")[0][0]
    assert laden > 20


def test_no_table_is_gone_and_nothing_was_emptied(attacked: Attacked) -> None:
    assert [row[0] for row in attacked.ask(RELATIONS)] == attacked.relations
    assert attacked.ask("select count(*) from core.customer")[0][0] > 300
    assert attacked.ask("select count(*) from pii.contact")[0][0] > 300
    assert violations(attacked.company.warehouse_url, attacked.company.marketing_url) == []


def test_every_payload_is_stored_word_for_word_or_set_aside_word_for_word(attacked: Attacked) -> None:
    altered = []
    for entity in ENTITIES:
        own = OWN_KEY[entity]
        rows: dict[str, dict[str, Any]] = {}
        for where in (f'select to_jsonb(r) from landing."{entity}" as r',
                      f"select row from quarantine.row where entity = '{entity}'"):  # fmt: skip
            rows.update({str(row[own]): row for (row,) in attacked.ask(where) if row.get(own) is not None})
        for _, column, payload, key in (sent for sent in attacked.attacks if sent[0] == entity):
            expected = payload.replace("\x00", "\u2400")
            row = rows.get(key.replace("\x00", "\u2400"))
            if row is None or row.get(column) != expected:
                altered.append((entity, column, payload, None if row is None else row.get(column)))
    assert altered == []


def test_in_core_they_are_what_they_were(attacked: Attacked) -> None:
    sent = {payload.strip(" ") for entity, column, payload, _ in attacked.attacks if (entity, column) == ("complaint", "text")}
    stored = {row[0] for row in attacked.ask("select distinct text from core.complaint where text is not null")}
    assert {text for text in sent if "\x00" not in text} <= {text.strip(" ") for text in stored}


def test_nobody_repeats_what_a_row_said(attacked: Attacked) -> None:
    """Not the log, not what tasks hand on, not the ledgers of what ran: MARK is in every payload and in nothing else.

    (Features, segments and KPIs hold names of categories and channels, as sources name them; what is proposed to customers and
    what goes together hold names of products; a team that answers late is told by its name, on one line.)
    """
    repeated = {step: value for step, value in attacked.counts.items() if MARK in json.dumps(value, default=str)}
    assert repeated == {}
    told = [line for line in attacked.logged if line.startswith("COMPLAINTS OVERDUE, team ")]
    assert told
    assert [line for line in attacked.logged if MARK in line and line not in told] == []
    assert all(line.isprintable() and len(line.partition(": ")[0]) < 100 for line in told)
    for (table,) in attacked.ask(
        "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('ops', 'privacy', 'scores')"
    ):
        if table in ("ops.complaint_breach", "ops.complaint_clock", "privacy.consent"):
            continue  # hold the team that has to answer, and where a decision came about, as the source names them
        if table in ("scores.association", "scores.next_best", "scores.replenishment", "scores.preference"):
            continue  # hold products and categories, as the source names them
        hits = attacked.ask(f"select count(*) from {table} as t where t::text like '%{MARK}%'")[0][0]
        assert hits == 0, table
    reasons = attacked.ask(f"select count(*) from quarantine.row where concat(rule, reason, rules::text) like '%{MARK}%'")
    assert reasons == [(0,)]


def test_pages_that_the_day_wrote_hold_no_value(attacked: Attacked) -> None:
    pages = [path for path in attacked.company.home.rglob("*") if path.suffix in (".html", ".json", ".log", ".txt", ".md")]
    leaking = [str(path.relative_to(attacked.company.home)) for path in pages if MARK in path.read_text(errors="replace")]
    assert leaking == []


def shown(attacked: Attacked, query: str, form: str, *more: str) -> str:
    with attacked.company.entered():
        result = CliRunner().invoke(app, ["sql", "-", "--format", form, "--limit", "5000", *more], input=query)
    assert result.exit_code == 0, result.output
    return result.stdout


EXPORTED = [
    ("select * from pii.contact", ["--personal-data"]),
    ("select * from core.complaint", ["--personal-data"]),
    (
        "select customer_key, city, region, occupation, account_owner, -1 as balance, '-1' as typed_by_hand from core.customer",
        [],
    ),
    ("select * from marketing.campaign_audience", ["--database", "marketing"]),
    ("select * from bi.audience", []),
]


@pytest.mark.parametrize(("query", "more"), EXPORTED, ids=["contacts", "complaints", "customers", "audience", "bi"])
def test_an_export_opens_without_calculating(attacked: Attacked, query: str, more: list[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(shown(attacked, query, "csv", *more), newline="")))
    assert rows
    for row in rows:
        for name, value in row.items():
            if name != "balance" and not value.lstrip("-").isdigit():
                assert spreadsheet_cell(value) == value, name  # nothing is left to make harmless
    if "balance" in rows[0]:
        assert {(row["balance"], row["typed_by_hand"]) for row in rows} == {("-1", "'-1")}


def test_the_terminal_obeys_nothing(attacked: Attacked) -> None:
    text = shown(attacked, "select text from core.complaint order by complaint_key", "table", "--personal-data")
    assert MARK in text
    assert not {c for c in text if (ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066\u2069"}
    assert "[bold]" in text  # markup of a customer is text too


def test_guard_off_the_terminal_would_be_cleared(attacked: Attacked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retention.exports.plain", str)
    assert "\x1b[2J" in shown(attacked, "select text from core.complaint", "table", "--personal-data")


def test_guard_off_a_spreadsheet_would_calculate(attacked: Attacked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retention.exports.spreadsheet_cell", lambda value, is_number=False: value)
    text = shown(attacked, "select text from core.complaint", "csv", "--personal-data")
    assert any(row[0].startswith("=cmd|") for row in csv.reader(io.StringIO(text)) if row)


def test_a_query_and_its_error_do_not_repeat_a_value(attacked: Attacked) -> None:
    with attacked.company.entered():
        result = CliRunner().invoke(
            app, ["sql", "-", "--personal-data"], input="select cast(text as integer) from core.complaint"
        )
    assert result.exit_code != 0
    assert MARK not in result.output
