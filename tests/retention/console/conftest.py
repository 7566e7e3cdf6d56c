"""One warehouse for all tests of the console: a company in which Ana complained and Bo buys, made once and only read.

Ana (101): VIP, about to leave, complained, has a name, an address and a comment that nobody may see here. Bo (102): ordinary.
Lin (201) was merged into Ana. Kai (401) is a test account. Eleven more make groups that are large enough to show.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from retention.console import Console
from retention.settings import PROJECT_ROOT, Settings
from retention.warehouse import Warehouse
from tests.retention.privacy.conftest import insert

DAY = date(2026, 4, 1)
ANA, BO, LIN, KAI = 101, 102, 201, 401
CROWD = range(301, 312)
SECRETS = ("Ana Ruiz", "ana@example.com", "+8613800000001", "your driver Mr Wang was rude", "1984-02-03", "call my mother")
ITEM = "<img src=x onerror=alert(1)>"


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def publish(warehouse: Warehouse, table: str, day: date = DAY, **more: Any) -> None:
    """Put on record that a slice is in force."""
    values = {
        "table_name": table,
        "slice_key": day.isoformat(),
        "published_at": at("2026-03-31 18:00"),
        "is_stale": False,
        **more,
    }
    insert(warehouse, "ops.published", values)


def attempt(warehouse: Warehouse, dataset: str, state: str, day: date, started: str, **more: Any) -> None:
    """One line of the run ledger."""
    values = {"stage": dataset, "dataset": dataset, "slice_key": DAY.isoformat(), "business_date": day, "dag_id": f"retention_{dataset}",
              "run_id": "r", "task_id": "t", "try_number": 1, "state": state, "started_at": at(started),
              "ended_at": at(started) + timedelta(seconds=5) if state != "running" else None, **more}  # fmt: skip
    insert(warehouse, "ops.run_ledger", values)


@pytest.fixture(scope="package")
def company(server: Any, templates: dict[str, str]) -> Iterator[Warehouse]:
    """The warehouse of the company."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("drop database if exists console_company with (force)")
        connection.execute(f"create database console_company template {templates['warehouse']}")
        # What belongs to the database itself is not cloned with it.
    with psycopg.connect(server.url("console_company")) as connection:
        connection.execute((PROJECT_ROOT / "migrations/warehouse/0002_roles.sql").read_text())
    warehouse = Warehouse(server.url("console_company"), application_name="test")
    _people(warehouse)
    _day(warehouse)
    yield warehouse
    warehouse.dispose()
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("drop database if exists console_company with (force)")


def _people(warehouse: Warehouse) -> None:
    for who in (ANA, BO, *CROWD):
        tier, risk = ("vip", True) if who == ANA else ("ordinary", False)
        insert(warehouse, "core.customer", {"customer_key": who, "valid_from": at("2025-01-05"), "member_since": at("2025-01-05"),
                                            "customer_kind": "consumer", "region": "Tibet" if who == ANA else "Zhejiang"})  # fmt: skip
        keyed = {"as_of_date": DAY, "customer_key": who}
        insert(warehouse, "segments.tier", {**keyed, "service_tier": tier, "is_at_risk": risk, "value_class": "strategic"})
        insert(warehouse, "segments.lifecycle", {**keyed, "lifecycle_stage": "loyal"})
        insert(
            warehouse,
            "segments.rfm",
            {**keyed, "recency_score": 5, "frequency_score": 4, "monetary_score": 3, "rfm_segment": "loyal"},
        )
        insert(warehouse, "scores.churn", {**keyed, "churn_probability": 0.7, "horizon_days": 90, "model_version": "churn-1"})
        insert(warehouse, "scores.clv", {**keyed, "clv_12m_minor": 10_000, "horizon_days": 365, "model_version": "clv-1"})
    insert(
        warehouse,
        "core.customer",
        {"customer_key": KAI, "valid_from": at("2025-01-05"), "customer_kind": "consumer", "is_test": True},
    )
    insert(warehouse, "segments.tier", {"as_of_date": DAY, "customer_key": KAI, "service_tier": "vip"})
    pii = {"customer_key": ANA, "name": SECRETS[0], "email_normalised": SECRETS[1], "phone_e164": SECRETS[2]}
    insert(warehouse, "pii.source_customer", {**pii, "birth_date": date(1984, 2, 3)})
    insert(warehouse, "core.complaint", {"customer_key": ANA, "valid_from": at("2026-03-30"), "opened_at": at("2026-03-30"),
                                         "severity": "severe", "category": "delivery", "text": SECRETS[3]})  # fmt: skip
    insert(warehouse, "core.survey_answer", {"customer_key": ANA, "happened_at": at("2026-03-29"), "instrument": "nps", "score": 2,
                                             "comment": SECRETS[5]})  # fmt: skip
    insert(warehouse, "core.customer_alias", {"source_customer_key": LIN, "customer_key": ANA, "rule": "email"})
    insert(warehouse, "core.order_entry", {"customer_key": ANA, "order_key": 1, "kind": "paid", "happened_at": at("2026-03-01"),
                                           "order_count": 1, "net_minor": 5_000, "order_number": 1})  # fmt: skip
    insert(warehouse, "scores.next_best", {"as_of_date": DAY, "customer_key": ANA, "list": "next", "level": "product", "rank": 1,
                                           "item": ITEM, "why_en": "bought before", "why_zh": "曾购买"})  # fmt: skip
    insert(warehouse, "scores.reason", {"as_of_date": DAY, "customer_key": ANA, "score": "churn", "rank": 1, "is_raising": True,
                                        "sentence_en": "No order for 30 days.", "sentence_zh": "30 天未下单。"})  # fmt: skip


def _day(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.text("insert into bi.setting (name, value) values ('suppressed_group_size', '10')"))
    insert(warehouse, "segments.label", {"label_group": "service_tier", "label": "vip", "label_order": 4, "label_en": "VIP",
                                         "label_zh": "大客户"})  # fmt: skip
    for table in ("segments.tier", "scores.churn", "bi.kpi_value", "bi.group_profile_value", "campaigns.play_run"):
        publish(warehouse, table)
    publish(warehouse, "campaigns.exclusion_count")
    _kpis(warehouse)
    for grouping, member, part, customers in (("all", "all", "all", 13), ("tier", "vip", "all", 1), ("tier", "ordinary", "all", 12),
                                              ("rfm_cell", "5-4", "all", 12), ("rfm_cell", "5-4", "3", 12),
                                              ("rfm_cell", "1-1", "all", 1), ("rfm_cell", "2-2", "all", 40)):  # fmt: skip
        insert(warehouse, "bi.group_profile_value",
               {"as_of_date": DAY, "grouping": grouping, "member": member, "part": part, "customers": customers,
                "purchasers": customers, "at_risk_customers": 0, "net_minor_365d": customers * 100, "clv_12m_minor": customers * 50,
                "value_at_risk_minor": customers * 5, "rfm_segment": "loyal" if grouping == "rfm_cell" else None})  # fmt: skip
    insert(warehouse, "campaigns.play", {"play": "welcome", "name_en": "Welcome", "name_zh": "欢迎", "kind": "promotional",
                                         "definition": '{"audience": {"attribute": "count_orders_lifetime", "is": 1}}'})  # fmt: skip
    insert(warehouse, "campaigns.play_run", {"as_of_date": DAY, "play": "welcome", "population": 13, "not_in_audience": 1,
                                             "excluded": 11, "control": 0, "selected": 1})  # fmt: skip
    for rule, count in (("no_consent", 11), ("complaint_hold", 1)):
        insert(warehouse, "campaigns.exclusion_count", {"as_of_date": DAY, "play": "welcome", "rule": rule,
                                                        "customers_first": count, "customers_any": count})  # fmt: skip


def _kpis(warehouse: Warehouse) -> None:
    insert(warehouse, "bi.kpi_definition", {"kpi": "net_revenue", "label": "Net revenue", "label_zh": "净收入",
                                            "unit": "minor units of the base currency", "formula": "sum", "formula_zh": "合计"})  # fmt: skip
    for day, value, customers in ((DAY, 900.0, 20), (DAY - timedelta(days=1), 1000.0, 20), (DAY - timedelta(days=2), 77.0, 3)):
        for period, start in (("day", day - timedelta(days=1)), ("month", (day - timedelta(days=1)).replace(day=1))):
            insert(warehouse, "bi.kpi_value", {"as_of_date": day, "kpi": "net_revenue", "period": period, "period_start": start,
                                               "dimension": "all", "member": "all", "numerator": value, "denominator": 1.0,
                                               "value": value, "customers": customers})  # fmt: skip


@pytest.fixture
def console(company: Warehouse) -> Iterator[Console]:
    """The console of the company, without anything remembered."""
    opened = Console(company.url.render_as_string(hide_password=False), Settings())
    yield opened
    opened.close()


@pytest.fixture(scope="package")
def blank(server: Any, templates: dict[str, str]) -> Iterator[Console]:
    """The console of a warehouse in which nothing has happened yet."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("drop database if exists console_blank with (force)")
        connection.execute(f"create database console_blank template {templates['warehouse']}")
    opened = Console(server.url("console_blank"), Settings())
    yield opened
    opened.close()
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("drop database if exists console_blank with (force)")
