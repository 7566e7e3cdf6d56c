"""Merges in the warehouse: facts, contact and versions follow the person, whatever arrives first."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date, timedelta

from retention.conform import publish_core
from retention.privacy.pseudonyms import source_customer_key
from retention.quality import validate
from retention.warehouse import Run, Warehouse
from tests.conftest import PEPPER
from tests.retention.quality.company import customer, land, order, rows_of


def deliver(run: Run, source: str, entity: str, rows: list[dict[str, str | None]]) -> None:
    land(run, source, entity, rows)
    validate(run)
    publish_core(run)


def test_a_merge_takes_the_facts_along(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    # Gao orders in the shop as g1; a day later the CRM delivers her older record with the same e-mail.
    first, second = make_run(date(2026, 3, 30)), make_run(date(2026, 3, 31))
    land(first, "shop", "customer", [customer("g1", email="gao@x.cn")])
    deliver(first, "shop", "order", [order("o1", "g1", "2026-03-01T12:00:00+08:00")])
    young = source_customer_key(PEPPER, "shop", "g1")
    assert rows_of(warehouse, "select customer_key from core.order_entry") == [(young,)]
    old = source_customer_key(PEPPER, "crm", "g-old")
    deliver(
        second, "crm", "customer", [customer("g-old", email="GAO@x.cn", created_at="2020-01-01T00:00:00+08:00", city="Xi'an")]
    )
    for table in (
        "core.order_header",
        "core.order_entry",
        "pii.contact",
        "pii.source_customer",
        "core.customer",
        "core.customer_alias",
    ):
        assert rows_of(warehouse, f"select distinct customer_key from {table}") == [(old,)], table
    assert rows_of(warehouse, "select old_customer_key, customer_key, rule from core.identity_change") == [
        (young, old, "email")
    ]
    # The alias stays, so that send keys and control groups of the old key can follow.
    assert rows_of(warehouse, "select customer_key from core.customer_alias where source_customer_key = :k", k=young) == [
        (old,)
    ]
    assert rows_of(warehouse, "select city from core.customer where valid_to is null") == [("Xi'an",)]


def test_a_changed_address_parts_people_again(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    first, second = make_run(date(2026, 3, 30)), make_run(date(2026, 3, 31))
    land(first, "crm", "customer", [customer("h1", phone="13800138001"), customer("h2", phone="138 0013 8001")])
    deliver(
        first, "crm", "order", [order("o1", "h1", "2026-03-01T12:00:00+08:00"), order("o2", "h2", "2026-03-02T12:00:00+08:00")]
    )
    assert len(rows_of(warehouse, "select distinct customer_key from core.customer")) == 1
    assert rows_of(warehouse, "select order_number from core.order_entry order by happened_at") == [(1,), (2,)]
    deliver(second, "crm", "customer", [customer("h2", phone="13900139000", updated_at="2026-03-31T10:00:00+08:00")])
    assert len(rows_of(warehouse, "select distinct customer_key from core.customer where valid_to is null")) == 2
    assert rows_of(warehouse, "select order_number, days_since_previous_order from core.order_entry order by happened_at") == [
        (1, None),
        (1, None),
    ]


def test_core_does_not_depend_on_who_arrives_first(make_run: Callable[..., Run], make_database: Callable[[str], str]) -> None:
    # Ivo in three sources, linked in a chain; his orders lie with two of them.
    deliveries = [
        ("crm", [customer("i1", email="ivo@x.cn", created_at="2024-05-01T00:00:00+08:00")]),
        ("shop", [customer("i2", email="ivo@x.cn", phone="13800138001")]),
        ("app", [customer("i3", phone="+86 13800138001", created_at="2023-01-01T00:00:00+08:00")]),
    ]
    outcomes = set()
    for arrival in itertools.permutations(deliveries):
        database = Warehouse(make_database("warehouse"))
        for offset, (source, rows) in enumerate(arrival):
            run = make_run(date(2026, 3, 20) + timedelta(days=offset))
            run = Run(run.business_date, database, run.settings, run.attempt, run.secrets)
            land(run, source, "customer", rows)
            land(run, source, "order", [order(f"o-{source}", rows[0]["customer_id"] or "", "2026-03-01T12:00:00+08:00")])
            validate(run)
            publish_core(run)
        outcomes.add(
            (
                tuple(rows_of(database, "select source_customer_key, customer_key from core.customer_alias order by 1")),
                tuple(rows_of(database, "select customer_key, order_key, order_number from core.order_entry order by 1, 2")),
                tuple(
                    rows_of(database, "select customer_key, valid_from, city, member_since from core.customer order by 1, 2")
                ),
                tuple(rows_of(database, "select customer_key, email, phone from pii.contact")),
            )
        )
        database.dispose()
    assert len(outcomes) == 1
