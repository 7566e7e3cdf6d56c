"""From validated landing to core, with people one can follow by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from retention.conform import publish_core
from retention.quality import CheckFailed, NothingLanded, find_deliveries, hold, validate
from retention.warehouse import DatabaseFailed, Run, Warehouse
from tests.retention.quality.company import customer, land, line, order, product, rows_of


def day(run: Run) -> dict[str, object]:
    validate(run)
    return publish_core(run)


def ledger(warehouse: Warehouse, order_id: str) -> list[tuple[object, ...]]:
    return rows_of(
        warehouse,
        "select entry.kind, to_char(entry.happened_at at time zone 'Asia/Shanghai', 'MM-DD'), entry.order_count, entry.net_minor "
        "from core.order_entry as entry join core.order_header as header using (order_key) where order_id = :order_id "
        "order by entry.happened_at, entry.kind desc",
        order_id=order_id,
    )


@pytest.mark.parametrize("is_guarded", [True, False])
def test_a_batch_is_not_read_again_while_it_is_published(
    run: Run, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, is_guarded: bool
) -> None:
    import retention.conform.publish as module

    land(run, "crm", "customer", [customer("ana")], cursor_to="c1")
    validate(run)
    original = module._drop_erased_since

    def read_again(*given: Any) -> int:
        with warehouse.begin() as connection:
            connection.exec_driver_sql("set local lock_timeout = '50ms'")
            connection.exec_driver_sql("update ops.batch set state = 'superseded'")
            connection.exec_driver_sql("delete from landing.customer")
        return original(*given)

    monkeypatch.setattr(module, "_drop_erased_since", read_again)
    if is_guarded:
        with pytest.raises(DatabaseFailed):
            publish_core(run)
        assert rows_of(warehouse, "select state from ops.batch") == [("validated",)]
        assert rows_of(warehouse, "select count(*) from landing.customer") == [(1,)]
        return
    monkeypatch.setattr(module, "hold", lambda *_: None)
    publish_core(run)  # the cursor has moved past a row that is nowhere
    assert rows_of(warehouse, "select cursor_value from ops.source_cursor") == [("c1",)]
    assert rows_of(warehouse, "select count(*) from pii.source_customer") == [(0,)]


def test_a_batch_that_was_read_again_is_not_published(run: Run, warehouse: Warehouse) -> None:
    land(run, "crm", "customer", [customer("ana")])
    with warehouse.begin() as connection:
        chosen = find_deliveries(connection, run.business_date, ["landed"])
        connection.exec_driver_sql("update ops.batch set state = 'superseded'")
        with pytest.raises(CheckFailed, match="was landed and has been read again from its source meanwhile"):
            hold(connection, chosen, "landed")


def test_a_first_day_reaches_core(run: Run, warehouse: Warehouse) -> None:
    # Ana: two orders. Bo: none. The shop sells milk.
    land(
        run,
        "crm",
        "customer",
        [customer("ana", email="Ana@Example.com", birth_date="1990-05-17"), customer("bo")],
        cursor_to="c1",
    )
    land(run, "sales", "product", [product("milk")])
    land(run, "sales", "order", [
        order("o1", "ana", "2026-03-01T12:00:00+08:00"),
        order("o2", "ana", "2026-03-11T12:00:00+08:00", "50.00", discount_amount="5.00"),
    ])  # fmt: skip
    land(run, "sales", "order_line", [line("o1", 1), line("o2", 1, unit_price="50.00", discount_amount="5.00")])
    report = day(run)
    assert report["core.order_header"] == 2
    assert rows_of(warehouse, "select order_number, days_since_previous_order from core.order_entry order by 1") == [
        (1, None),
        (2, 10),
    ]
    assert rows_of(
        warehouse, "select gross_minor, discount_minor, net_minor, category_1, category_2 from core.order_line order by 1"
    ) == [
        (5000, 500, 4500, "Food", "Dairy"),
        (10000, 0, 10000, "Food", "Dairy"),
    ]
    assert rows_of(warehouse, "select birth_year, birthday_md, valid_to from core.customer where birth_year is not null") == [
        (1990, "05-17", None)
    ]
    assert rows_of(warehouse, "select email from pii.contact where email is not null") == [("ana@example.com",)]
    assert rows_of(warehouse, "select source, entity, cursor_value from ops.source_cursor") == [("crm", "customer", "c1")]
    assert rows_of(warehouse, "select distinct state from ops.batch") == [("published",)]


def test_publishing_again_changes_nothing(run: Run, warehouse: Warehouse, make_run: Callable[..., Run]) -> None:
    land(run, "crm", "customer", [customer("ana")])
    land(run, "sales", "order", [order("o1", "ana", "2026-03-01T12:00:00+08:00")])
    day(run)
    checksum = "select md5(string_agg(t::text, '|' order by t::text)) from core.order_entry as t"
    before = rows_of(warehouse, checksum)
    assert publish_core(make_run(try_number=2)) == {"batches": 0, "linked": 0, "moved": 0, "tombstoned": 0}
    assert rows_of(warehouse, checksum) == before


def test_a_later_cancellation_rewrites_no_earlier_day(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    first, second = make_run(date(2026, 3, 30)), make_run(date(2026, 3, 31))
    land(first, "crm", "customer", [customer("ana")])
    land(first, "sales", "order", [order("o1", "ana", "2026-03-30T12:00:00+08:00", updated_at="2026-03-30T12:00:00+08:00")])
    day(first)
    assert ledger(warehouse, "o1") == [("paid", "03-30", 1, 10000)]
    land(second, "sales", "order", [
        order("o1", "ana", "2026-03-30T12:00:00+08:00", cancelled_at="2026-03-31T09:00:00+08:00", updated_at="2026-03-31T09:00:00+08:00")
    ])  # fmt: skip
    day(second)
    assert ledger(warehouse, "o1") == [("paid", "03-30", 1, 10000), ("cancelled", "03-31", -1, -10000)]


def test_nothing_landed_says_so(run: Run) -> None:
    with pytest.raises(NothingLanded, match="no batch has landed"):
        publish_core(run)


def test_an_unvalidated_batch_is_refused(run: Run) -> None:
    land(run, "crm", "customer", [customer("ana")])
    with pytest.raises(CheckFailed, match="1 of 1 batches are not validated"):
        publish_core(run)
