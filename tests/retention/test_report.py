"""The report at the end of a day: figures of people small enough to count by hand, readable when piped."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from rich.console import Console

from retention.report import Report, build, number, print_report, seconds_text
from retention.settings import Settings
from retention.warehouse import Warehouse, ensure_partitions, load_contract

BUSINESS_DATE = date(2026, 3, 31)
AS_OF = BUSINESS_DATE + timedelta(days=1)
ANA, BO, CHEN, DAI, EMMA = 1, 2, 3, 4, 5
MOMENT = datetime(2026, 3, 31, tzinfo=ZoneInfo("UTC"))


def fill(database: Warehouse, table: str, *rows: dict[str, Any]) -> None:
    """Insert rows; required columns that a row leaves out get a value of no meaning."""
    contract = load_contract(table)
    blank: dict[str, Any] = {"bigint": 0, "integer": 0, "boolean": False, "timestamptz": MOMENT, "date": AS_OF, "jsonb": "{}"}
    with database.begin() as connection:
        for row in rows:
            values = {
                column.name: blank.get(column.type, 0.5 if "double" in column.type or "numeric" in column.type else "x")
                for column in contract.columns
                if not column.nullable and column.default is None and not column.identity
            } | row
            schema, _, name = table.partition(".")
            binds = ", ".join(f":{column}" for column in values)
            connection.execute(sa.text(f'insert into {schema}."{name}" ({", ".join(values)}) values ({binds})'), values)


@pytest.fixture
def day(warehouse: Warehouse, marketing: Warehouse) -> None:
    """Ana and Bo are likely to stay, Chen and Dai to leave; Emma has never bought."""
    slices = ["scores.churn", "scores.clv", "segments.tier", "segments.lifecycle", "campaigns.play_run", "campaigns.exclusion_count"]
    ensure_partitions(warehouse, slices, AS_OF)
    for person, probability, value in ((ANA, 0.05, 90_000), (BO, 0.09, 5_000), (CHEN, 0.95, 3_000), (DAI, 1.0, 2_000)):
        key = {"as_of_date": AS_OF, "customer_key": person}
        fill(warehouse, "scores.churn", key | {"churn_probability": probability, "is_fallback": person == DAI})
        fill(warehouse, "scores.clv", key | {"clv_12m_minor": value})
    people = {ANA: ("vip", "loyal"), BO: ("ordinary", "repeat"), CHEN: ("vip", "at_risk"), DAI: ("marginal", "lost")}
    for person, (tier, stage) in (people | {EMMA: ("marginal", "prospect")}).items():
        key = {"as_of_date": AS_OF, "customer_key": person}
        fill(warehouse, "segments.tier", key | {"service_tier": tier, "service_tier_zh": "层", "is_at_risk": person == CHEN})
        fill(warehouse, "segments.lifecycle", key | {"lifecycle_stage": stage, "lifecycle_stage_zh": "段"})
    split = {"population": 5, "selected": 1, "control": 1, "excluded": 1, "not_in_audience": 2}
    fill(warehouse, "campaigns.play_run", {"as_of_date": AS_OF, "play": "win_back"} | split)
    excluded = {"as_of_date": AS_OF, "play": "win_back", "customers_first": 1, "customers_any": 3}
    fill(warehouse, "campaigns.exclusion_count", excluded | {"rule": "no_consent"})
    refused = {"batch_id": 1, "source": "crm", "entity": "customer", "rule": "pattern", "column_name": "email"}
    fill(warehouse, "quarantine.row", *[refused | {"rules": ["pattern(email)"], "position": n} for n in (1, 2)])
    fill(
        marketing, "marketing.audience_sync",
        {"business_date": BUSINESS_DATE, "as_of_date": AS_OF, "state": "committed", "rows_added": 3, "rows_total": 4},
    )  # fmt: skip


def printed(report: Report, width: int = 100) -> str:
    stream = io.StringIO()
    print_report(Console(file=stream, width=width), report)
    return stream.getvalue()


def section(report: Report, title: str) -> list[list[str]]:
    return [list(row) for section in report.sections if section.title.startswith(title) for row in section.rows]


@pytest.mark.usefixtures("day")
def test_the_figures_of_a_day(warehouse: Warehouse, marketing: Warehouse) -> None:
    report = build(warehouse, marketing, Settings(), BUSINESS_DATE, {"retention_ingest": 61.0, "retention_score": 4.25})
    assert section(report, "Quarantined") == [["crm.customer", "pattern", "email", "2", "2"]]
    assert [row[:3] for row in section(report, "Churn")] == [["0.0 to 0.1", "2", "0.070"], ["0.9 to 1.0", "2", "0.975"]]
    assert section(report, "Customer value")[0][:5] == ["richest", "1", "900", "900", "90%"]
    assert [row[1:] for row in section(report, "Customers per tier")] == [
        ["·", "·", "·", "1", "1"],  # prospect: Emma
        ["·", "·", "1", "·", "1"],  # repeat: Bo
        ["1", "·", "·", "·", "1"],  # loyal: Ana
        ["1", "·", "·", "·", "1"],  # at risk: Chen
        ["·", "·", "·", "1", "1"],  # lost: Dai
        ["2", "0", "1", "2", "5"],
        ["1", "0", "0", "0", "1"],
    ]
    assert section(report, "Audience per play") == [["win_back", "1", "1", "1"]]
    assert section(report, "Left out") == [["no_consent", "1", "3"]]
    assert section(report, "Changes pushed")[0][:4] == ["2026-03-31", "committed", "3", "0"]
    assert section(report, "Run time") == [
        ["retention_ingest", "1 min 1 s"],
        ["retention_score", "4.2 s"],
        ["together", "1 min 5 s"],
    ]


@pytest.mark.usefixtures("day")
def test_a_piped_report_is_plain_and_fits_in_a_hundred_columns(warehouse: Warehouse, marketing: Warehouse) -> None:
    text = printed(build(warehouse, marketing, Settings(), BUSINESS_DATE, {"retention_ingest": 61.0}))
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "1 scores by the fallback rule" in text


def test_a_day_that_brought_nothing_is_no_error(warehouse: Warehouse) -> None:
    text = printed(build(warehouse, None, Settings(), BUSINESS_DATE))
    assert "no marketing database is configured" in text
    assert "no row was refused" in text


@pytest.mark.parametrize(("seconds", "text"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (60, "1 min 0 s"), (3725, "62 min 5 s")])
def test_durations(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_numbers() -> None:
    assert (number(1234567.4), number(None), number(0)) == ("1,234,567", "", "0")
