"""Validation and publication killed at every step in turn; overtaken; two days at once."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from retention.conform import publish_core
from retention.quality import validate
from retention.warehouse import Fenced, Run, Warehouse
from tests.processes import Program
from tests.retention.quality.company import customer, land, line, order, product, rows_of

VALIDATING = ["lease.acquired", "quality.prepared", "quality.judged", "quality.refused", "quality.batch_validated"]
PUBLISHING = ["publish.locked", "conform.people_stored", "conform.orders_stored", "publish.before_commit"]
PAID = "2026-03-30T12:00:00+08:00"

CORE = (
    "select (select count(*) from core.customer), (select count(*) from pii.source_customer), "
    "(select count(*) from core.order_header), (select count(*) from core.order_line), "
    "(select coalesce(sum(net_minor), 0)::bigint from core.order_entry), (select count(*) from ops.source_cursor)"
)


def deliver(run: Run) -> None:
    """Ana and Bo; an order each, and one of a stranger; milk twice the same."""
    land(run, "crm", "customer", [customer("ana"), customer("bo")], cursor_to="2026-04-01T00:00:00+08:00")
    land(run, "crm", "product", [product("milk"), product("milk")])
    land(run, "crm", "order", [order("o1", "ana", PAID), order("o2", "bo", PAID), order("o3", "a stranger", PAID)])
    land(run, "crm", "order_line", [line("o1", 1), line("o2", 1), line("o3", 1)])


def die(warehouse: Warehouse, project: Path, stage: str, step: str, try_number: int) -> None:
    url = warehouse.url.render_as_string(hide_password=False)
    died = Program(
        "tests.retention.conform.day_once", url, stage, "2026-03-31", str(try_number),
        environment={"RETENTION_FAILPOINTS": f"{step}:kill"},
    )  # fmt: skip
    _, errors = died.communicate()
    assert died.returncode == -signal.SIGKILL, errors
    assert f"failpoint {step} fires: kill" in errors


def test_validation_killed_at_every_step_in_turn_is_finished_by_the_next_try(
    make_run: Callable[..., Run], warehouse: Warehouse, project: Path
) -> None:
    deliver(make_run())
    for number, step in enumerate(VALIDATING, start=1):
        die(warehouse, project, "validate", step, number)
        assert rows_of(warehouse, "select * from ops.batch where state = 'published'") == []
        # At no time is a row nowhere, or in two places.
        assert rows_of(warehouse, "select (select count(*) from landing.\"order\") + (select count(*) from quarantine.\"row\" where entity = 'order')") == [
            (3,)
        ]  # fmt: skip
    report = validate(make_run(task_id="validate", try_number=9))
    assert {name: report[name] for name in ("batches", "extracted", "valid", "quarantined", "duplicate", "tombstoned")} == {
        "batches": 4, "extracted": 10, "valid": 7, "quarantined": 2, "duplicate": 1, "tombstoned": 0,
    }  # fmt: skip
    assert report["quarantined_by_rule"] == {"order.known_customer(customer_id)": 1, "order_line.known_order(order_id)": 1}
    assert rows_of(warehouse, "select state, count(*) from ops.run_ledger group by state order by state") == [
        ("abandoned", len(VALIDATING)),
        ("published", 1),
    ]


def test_publication_killed_at_every_step_in_turn_shows_nothing_until_it_is_whole(
    make_run: Callable[..., Run], warehouse: Warehouse, project: Path
) -> None:
    deliver(make_run())
    validate(make_run())
    for number, step in enumerate(PUBLISHING, start=1):
        die(warehouse, project, "publish_core", step, number)
        assert rows_of(warehouse, CORE) == [(0, 0, 0, 0, 0, 0)]
    publish_core(make_run(task_id="publish_core", try_number=8))
    whole = rows_of(warehouse, CORE)
    assert whole == [(2, 2, 2, 2, 20000, 1)]
    assert publish_core(make_run(task_id="publish_core", try_number=9))["batches"] == 0
    assert rows_of(warehouse, CORE) == whole


def test_an_overtaken_publication_changes_nothing(
    make_run: Callable[..., Run], warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first try wakes up after the second has published, and finds the fence."""
    module = sys.modules["retention.warehouse.lease"]  # the package exports a function of the same name
    deliver(make_run())
    validate(make_run())
    original, reports = module.failpoint, list[dict[str, object]]()

    def overtake(name: str) -> None:
        original(name)
        if name == "publish.before_lock" and not reports:
            reports.append({})
            reports[0] |= publish_core(make_run(task_id="publish_core", try_number=2))

    monkeypatch.setattr(module, "failpoint", overtake)
    with pytest.raises(Fenced, match="core"):
        publish_core(make_run(task_id="publish_core", try_number=1))
    assert reports[0]["batches"] == 4
    assert rows_of(warehouse, CORE) == [(2, 2, 2, 2, 20000, 1)]
    assert rows_of(warehouse, "select state from ops.run_ledger where dataset = 'core' order by token") == [
        ("fenced",),
        ("published",),
    ]


def test_two_days_extracted_at_once_may_be_published_the_wrong_way_round(
    make_run: Callable[..., Run], warehouse: Warehouse
) -> None:
    """Both were read from the same cursor, so the newer day holds the rows of the older one too."""
    older, newer = make_run(date(2026, 3, 30)), make_run(date(2026, 3, 31))
    first = order("o1", "ana", PAID, updated_at="2026-03-30T12:00:00+08:00")
    second = order("o1", "ana", PAID, "80.00", updated_at="2026-03-31T12:00:00+08:00")
    for run, orders, reached in ((older, [first], "2026-03-31"), (newer, [first, second], "2026-04-01")):
        land(run, "crm", "customer", [customer("ana")], cursor_to=f"{reached}T00:00:00+08:00")
        land(run, "crm", "order", orders, cursor_to=f"{reached}T00:00:00+08:00")
    for run in (older, newer):
        validate(run)
    for run in (newer, older):
        publish_core(run)
    assert rows_of(warehouse, "select net_minor from core.order_header") == [(8000,)]
    assert rows_of(warehouse, "select kind, net_minor from core.order_entry order by happened_at") == [
        ("paid", 10000),
        ("corrected", -2000),
    ]
    assert rows_of(warehouse, "select distinct business_date, cursor_value from ops.source_cursor") == [
        (date(2026, 3, 31), "2026-04-01T00:00:00+08:00")
    ]
