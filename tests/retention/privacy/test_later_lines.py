"""Lines of an erased person's orders that are delivered after the erasure: they name the order and nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import sqlalchemy as sa

from retention.conform import publish_core
from retention.privacy import handle_requests, request_erasure
from retention.quality import validate
from retention.warehouse import Run, Warehouse
from tests.conftest import PEPPER
from tests.retention.quality.company import customer, land, line, order, product, rows_of

PAID = "2026-03-29T12:00:00+08:00"
NOW = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)


def test_lines_of_a_source_that_delivers_no_orders_go_with_the_order(
    make_run: Callable[..., Run], warehouse: Warehouse, marketing: Warehouse, tmp_path: Path
) -> None:
    """The warehouse's own system delivers the lines, and names the shop's orders in them."""
    run = make_run(date(2026, 3, 29), marketing=marketing)
    land(run, "crm", "customer", [customer("hana"), customer("ivo")])
    land(run, "shop", "product", [product("milk")])
    land(run, "shop", "order", [order("h1", "hana", PAID), order("i1", "ivo", PAID)])
    land(run, "stock", "order_line", [line("h1", 1), line("i1", 1), line("h1", 2, "not yet known"), line("i1", 2, "nor this")])
    validate(run)
    publish_core(run)
    request_erasure(warehouse, source="crm", customer_id="hana", pepper=PEPPER, requested_by="li.staff", now=NOW)
    assert handle_requests(run, NOW, [], tmp_path / "exports")["requests_done"] == 1
    assert rows_of(warehouse, "select order_id from landing.order_line") == [("i1",)]
    assert rows_of(warehouse, 'select "row" ->> \'order_id\' from quarantine."row"') == [("i1",)]


def test_they_are_dropped_on_every_way_in(
    make_run: Callable[..., Run], warehouse: Warehouse, marketing: Warehouse, tmp_path: Path
) -> None:
    first, second, third = (make_run(date(2026, 3, day), marketing=marketing) for day in (29, 30, 31))
    land(first, "crm", "customer", [customer("hana"), customer("ivo")])
    land(first, "shop", "product", [product("milk")])
    land(first, "shop", "order", [order("h1", "hana", PAID), order("i1", "ivo", PAID)])
    land(first, "shop", "order_line", [line("h1", 1), line("i1", 1), line("h1", 2, "not yet known")])
    validate(first)
    publish_core(first)
    assert rows_of(warehouse, 'select rule from quarantine."row"') == [("known_product",)]

    request_erasure(warehouse, source="crm", customer_id="hana", pepper=PEPPER, requested_by="li.staff", now=NOW)
    assert handle_requests(first, NOW, [], tmp_path / "exports")["requests_done"] == 1
    assert rows_of(warehouse, 'select count(*) from quarantine."row"') == [(0,)]

    # The shop delivers a return on the old order, and a new order of Hana whose lines come a day later.
    land(second, "shop", "order", [order("h2", "hana", PAID)])
    land(second, "shop", "order_line", [line("h1", 1, returned_quantity="1", updated_at=PAID), line("i1", 2)])
    report = validate(second)
    assert (report["extracted"], report["valid"], report["tombstoned"], report["quarantined"]) == (3, 1, 2, 0)
    publish_core(second)
    land(third, "shop", "order_line", [line("h2", 1), line("i1", 3), line("nobody's", 1)])
    report = validate(third)
    assert (report["valid"], report["tombstoned"], report["quarantined_by_rule"]) == (
        1,
        1,
        {"order_line.known_order(order_id)": 1},
    )
    publish_core(third)
    assert rows_of(warehouse, "select distinct order_id from landing.order_line") == [("i1",)]

    # A line that was refused before anybody knew is found by the hourly sweep, and so is one that nobody validated.
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                'insert into quarantine."row" (batch_id, source, entity, position, business_date, rule, rules, severity, reason, "row") '
                "select batch_id, source, entity, 1, business_date, 'known_order', '{}', 'quarantine', '', "
                '\'{"order_id": "h2"}\' from ops.batch order by batch_id desc limit 1'
            )
        )
    land(third, "shop", "order_line", [line("h1", 1), line("i1", 4)])
    swept = handle_requests(third, NOW, [], tmp_path / "exports")
    assert (swept["landing_rows_of_erased"], swept["quarantine_rows_of_erased"]) == (1, 1)
    assert rows_of(warehouse, "select distinct order_id from landing.order_line") == [("i1",)]


def test_without_the_tombstones_of_orders_they_would_stay(
    make_run: Callable[..., Run], warehouse: Warehouse, marketing: Warehouse, tmp_path: Path
) -> None:
    """The guard turned off: what was bought lies in quarantine, found by nothing that knows the person."""
    first, second = (make_run(date(2026, 3, day), marketing=marketing) for day in (29, 30))
    land(first, "crm", "customer", [customer("hana"), customer("ivo")])
    land(first, "crm", "order", [order("h1", "hana", PAID)])
    validate(first)
    publish_core(first)
    request_erasure(warehouse, source="crm", customer_id="hana", pepper=PEPPER, requested_by="li.staff", now=NOW)
    handle_requests(first, NOW, [], tmp_path / "exports")
    with warehouse.begin() as connection:
        connection.exec_driver_sql("delete from privacy.order_tombstone")
    land(second, "crm", "product", [product("milk")])
    land(second, "crm", "order_line", [line("h1", 1)])
    assert validate(second)["quarantined_by_rule"] == {"order_line.known_order(order_id)": 1}
