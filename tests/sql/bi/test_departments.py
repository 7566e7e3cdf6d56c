"""What each department sees of the same people, as its own role.

Ana: a VIP of Lin Wei's, about to leave, with a complaint that nobody has acknowledged. Bo: ordinary, nobody looks after him; his
complaint was answered too late and solved; he would not recommend us. Kai: a test account with the largest order of all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from retention.deployment import Secrets
from retention.measurement.bi import fill_bi_tables, product_period, write_bi_settings
from retention.measurement.kpis import binds_of
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse, stage_writer
from retention.warehouse.embedded import EmbeddedPostgres
from tests.conftest import PEPPER
from tests.databases import cloned
from tests.retention.privacy.conftest import insert

DAY = date(2026, 4, 11)
ANA, BO, KAI = 101, 102, 103
TEA, SOAP = 1, 2
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def company(server: EmbeddedPostgres, templates: dict[str, str]) -> Iterator[Warehouse]:
    """The people above in a database of their own, shared by the tests of this file, which only read."""
    with cloned(server, "bi_departments", templates["warehouse"]) as url:
        warehouse = Warehouse(url, application_name="test")
        people(warehouse)
        service(warehouse)
        sales(warehouse)
        yield warehouse
        warehouse.dispose()


def people(warehouse: Warehouse) -> None:
    who = {ANA: ("vip", "Lin Wei"), BO: ("ordinary", None), KAI: ("vip", "Lin Wei")}
    for key, (tier, owner) in who.items():
        insert(warehouse, "core.customer", {"customer_key": key, "account_owner": owner, "is_test": key == KAI})
        slice_of = {"as_of_date": DAY, "customer_key": key}
        insert(warehouse, "segments.tier", {**slice_of, "service_tier": tier, "service_tier_zh": "", "is_at_risk": key == ANA})
        insert(warehouse, "features.customer_orders", {**slice_of, "net_minor_365d": 500_000 if key == ANA else 20_000})
        insert(warehouse, "scores.churn", {**slice_of, "churn_probability": 0.6})
        insert(warehouse, "scores.clv", {**slice_of, "clv_12m_minor": 100_000})
    of_ana: dict[str, Any] = {"as_of_date": DAY, "customer_key": ANA}
    reason = {**of_ana, "score": "churn", "sentence_zh": "-"}
    insert(warehouse, "scores.reason", {**reason, "rank": 1, "is_raising": True, "sentence_en": "Orders have become rare"})
    insert(warehouse, "scores.reason", {**reason, "rank": 2, "is_raising": False, "sentence_en": "Answers our messages"})
    insert(warehouse, "scores.reason", {**reason, "rank": 3, "is_raising": True, "sentence_en": "A complaint is open"})
    insert(
        warehouse,
        "scores.warning",
        {**of_ana, "warning": "overdue", "sentence_en": "40 days overdue", "sentence_zh": "逾期 40 天"},
    )
    best = {**of_ana, "level": "product", "list": "next"}
    insert(warehouse, "scores.next_best", {**best, "rank": 1, "item_key": TEA, "item": "Tea"})
    insert(warehouse, "scores.next_best", {**best, "rank": 2, "item_key": SOAP, "item": "Soap"})
    insert(
        warehouse, "campaigns.staff_task", {**of_ana, "play": "strategic_care", "account_owner": "Lin Wei", "title_en": "Visit"}
    )
    with warehouse.begin() as connection:
        for table in ("segments.tier", "campaigns.staff_task", "features.customer_orders"):
            connection.execute(
                sa.text(
                    "insert into ops.published (table_name, slice_key, token, rows, run_id, published_at) "
                    "values (:name, :day, 1, 3, 'r', now())"
                ),
                {"name": table, "day": DAY.isoformat()},
            )


def service(warehouse: Warehouse) -> None:
    case = {"valid_from": NOW - timedelta(days=9), "responsible_team": "Shanghai", "severity": "severe", "channel": "phone"}
    opened = NOW - timedelta(hours=3)
    insert(warehouse, "core.complaint", {**case, "complaint_key": 1, "customer_key": ANA, "opened_at": opened})
    opened = NOW - timedelta(days=5)
    answered = {"acknowledged_at": opened + timedelta(minutes=30), "first_replied_at": opened + timedelta(hours=30)}
    insert(
        warehouse,
        "core.complaint",
        {
            **case, **answered, "complaint_key": 2, "customer_key": BO, "opened_at": opened, "severity": "minor",
            "resolved_at": opened + timedelta(hours=48), "root_cause": "Bo Lindqvist was rude to the driver", "satisfaction": 2,
        },
    )  # fmt: skip
    answer = {"instrument": "nps", "happened_at": NOW - timedelta(days=2)}
    insert(warehouse, "core.survey_answer", {**answer, "answer_key": 1, "customer_key": BO, "score": 3})
    insert(warehouse, "core.survey_answer", {**answer, "answer_key": 2, "customer_key": ANA, "score": 10})
    insert(warehouse, "core.survey_answer", {**answer, "answer_key": 3, "customer_key": KAI, "score": 0})


def sales(warehouse: Warehouse) -> None:
    insert(warehouse, "core.product", {"product_key": TEA, "name": "Tea", "category_1": "GROCERY", "unit_cost_minor": 400})
    insert(warehouse, "core.product", {"product_key": SOAP, "name": "Soap", "category_1": "DRUG", "unit_cost_minor": None})
    # number, who, when paid, product, units; order 3 is cancelled, order 2 comes back in part
    for number, who, when, product, units in (
        (1, ANA, "2026-04-09T10:00+08:00", TEA, 2),
        (2, BO, "2026-04-10T10:00+08:00", SOAP, 3),
        (3, BO, "2026-04-10T11:00+08:00", TEA, 9),
        (4, KAI, "2026-04-10T12:00+08:00", TEA, 99),
        (5, ANA, "2026-04-10T23:30+08:00", TEA, 1),
        (6, ANA, "2026-04-11T00:30+08:00", TEA, 7),  # the next business day
    ):
        at = datetime.fromisoformat(when)
        paid = {"order_key": number, "customer_key": who, "kind": "paid", "sequence": 1, "happened_at": at, "order_count": 1}
        insert(warehouse, "core.order_entry", {**paid, "net_minor": units * 900})
        line = {"order_key": number, "line_number": 1, "customer_key": who, "product_key": product, "quantity": units}
        money = {"gross_minor": units * 1_000, "discount_minor": units * 100, "net_minor": units * 900, "returned_quantity": 0}
        back = {"returned_quantity": 1, "returned_at": datetime(2026, 4, 10, 12, tzinfo=UTC)} if number == 2 else {}
        insert(warehouse, "core.order_line", {**line, **money, **back, "happened_at": at})
    cancelled = {"order_key": 3, "customer_key": BO, "kind": "cancelled", "sequence": 1, "order_count": -1}
    insert(warehouse, "core.order_entry", {**cancelled, "happened_at": datetime(2026, 4, 10, 9, tzinfo=UTC)})
    returned = {"order_key": 2, "customer_key": BO, "kind": "returned", "sequence": 1, "order_count": 0, "net_minor": -900}
    insert(warehouse, "core.order_entry", {**returned, "happened_at": datetime(2026, 4, 10, 12, tzinfo=UTC)})
    for business_date in (DAY - timedelta(days=2), DAY - timedelta(days=1)):
        run = Run(
            business_date, warehouse, Settings(), Attempt("test", f"r-{business_date}", "bi"), Secrets(pepper=PEPPER)
        )  # the first counts the month from its beginning, the second carries on
        assert (product_period(run)["carried_from"] is None) == (business_date == date(2026, 4, 9))
        with stage_writer(run, "bi") as writer:
            fill_bi_tables(writer, run, binds_of(run))
            writer.publish(also=lambda connection, run=run: write_bi_settings(connection, run))


def ask(warehouse: Warehouse, role: str, query: str) -> list[dict[str, Any]]:
    with warehouse.connect() as connection:
        connection.exec_driver_sql(f"set local role {role}")
        return [dict(row) for row in connection.execute(sa.text(query)).mappings()]


def test_sales_sees_who_to_call_and_why(company: Warehouse) -> None:
    rows = ask(company, "bi_sales", "select * from bi.sales_customer")
    assert [row["customer_key"] for row in rows] == [ANA]  # nobody looks after Bo, and Kai is a test account
    ana = rows[0]
    assert ana["value_at_risk_minor"] == 60_000
    assert ana["risk_reasons_en"] == "Orders have become rare; A complaint is open"
    assert (ana["warnings_en"], ana["warnings_zh"]) == ("40 days overdue", "逾期 40 天")
    assert (ana["next_best_products"], ana["count_tasks"]) == ("Tea, Soap", 1)
    assert [row["title_en"] for row in ask(company, "bi_sales", "select title_en from bi.sales_task")] == ["Visit"]
    portfolio = ask(company, "bi_sales", "select * from bi.sales_portfolio")
    assert [(row["account_owner"], row["customers"], row["at_risk_customers"], row["count_tasks"]) for row in portfolio] == [
        ("Lin Wei", 1, 1, 1)
    ]


def test_service_sees_the_clocks_and_no_money(company: Warehouse) -> None:
    cases = {row["complaint_key"]: row for row in ask(company, "bi_service", "select * from bi.service_complaint")}
    assert (cases[1]["acknowledge_clock"], cases[1]["reply_clock"]) == ("overdue", "waiting")
    assert (cases[2]["acknowledge_clock"], cases[2]["reply_clock"]) == ("in_time", "late")
    assert (cases[1]["service_tier"], cases[2]["hours_to_resolve"]) == ("vip", Decimal(48))
    assert cases[2]["root_cause"] == "other"  # written once: a sentence about somebody
    assert not {"net_minor_365d", "clv_12m_minor", "value_at_risk_minor"} & set(cases[1])
    (detractor,) = ask(company, "bi_service", "select customer_key, score, followed_up_at from bi.service_detractor")
    assert detractor == {"customer_key": BO, "score": 3, "followed_up_at": None}
    teams = ask(company, "bi_service", "select sum(complaints) as complaints, sum(overdue_now) as overdue from bi.service_team")
    assert teams == [{"complaints": 2, "overdue": 1}]
    assert ask(company, "bi_service", "select * from bi.service_recovery") == []  # two people are too few


def test_products_sell_come_back_and_earn(company: Warehouse) -> None:
    rows = ask(company, "bi_product", "select * from bi.product_sales order by period, period_start, product")
    found = [
        (
            row["period"],
            row["period_start"].day,
            row["product"],
            row["orders"],
            row["units"],
            row["net_minor"],
            row["returned_units"],
        )
        for row in rows
    ]
    assert found == [
        ("day", 9, "Tea", 1, 2.0, 1_800, 0.0),
        ("day", 10, "Soap", 1, 3.0, 2_700, 1.0),
        ("day", 10, "Tea", 1, 1.0, 900, 0.0),  # neither the cancelled order nor the test account's
        ("month", 1, "Soap", 1, 3.0, 2_700, 1.0),
        ("month", 1, "Tea", 2, 3.0, 2_700, 0.0),
    ]
    month = {row["product"]: row for row in rows if row["period"] == "month"}
    assert (month["Tea"]["margin_minor"], month["Soap"]["margin_minor"]) == (2_700 - 3 * 400, None)
    assert month["Soap"]["returned_share"] == pytest.approx(1 / 3)


def test_a_month_carried_on_is_the_month_counted_anew(company: Warehouse) -> None:
    carried = ask(
        company, "bi_product", "select product, orders, units, net_minor from bi.product_sales where period = 'month'"
    )
    with company.begin() as connection:
        connection.execute(sa.text("update ops.published set is_stale = true where table_name = 'bi.product_value'"))
    run = Run(DAY - timedelta(days=1), company, Settings(), Attempt("test", "anew", "bi"), Secrets(pepper=PEPPER))
    assert product_period(run)["carried_from"] is None
    with stage_writer(run, "bi") as writer:
        fill_bi_tables(writer, run, binds_of(run))
        writer.publish()
    anew = ask(company, "bi_product", "select product, orders, units, net_minor from bi.product_sales where period = 'month'")
    assert sorted(map(str, anew)) == sorted(map(str, carried))


def test_operations_sees_what_ran_and_is_in_force(company: Warehouse) -> None:
    runs = ask(company, "bi_operations", "select stage, state, rows_written from bi.operations_run order by started_at")
    assert {(row["stage"], row["state"]) for row in runs} == {("bi", "published")}
    assert all(row["rows_written"] > 0 for row in runs)
    fresh = ask(company, "bi_operations", "select table_name, days_behind from bi.operations_freshness")
    assert {row["table_name"]: row["days_behind"] for row in fresh}["bi.product_value"] == 0
