"""A person's copy is complete and recorded; what is older than the limits goes, and how much is reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from retention.privacy import FileStore, handle_requests, person_rows, request_access, request_erasure
from retention.privacy.limits import apply_limits
from retention.warehouse import Run, Warehouse, ensure_partitions, partition_name
from tests.conftest import PEPPER
from tests.retention.privacy.conftest import HANA, IVO, NOW, insert


def test_the_copy_holds_every_registered_table_and_nobody_else(populated: Run, desk: FileStore, tmp_path: Path) -> None:
    request_id = request_access(
        populated.warehouse, source="crm", customer_id=HANA.numbers[0], pepper=PEPPER, requested_by="li.staff", now=NOW
    )
    handle_requests(populated, NOW, [desk], tmp_path)
    path = tmp_path / f"access-{request_id}.json"
    text = path.read_text()
    document = json.loads(text)
    expected = {f"{name}.{rule.table}" for name in ("warehouse", "marketing") for rule in person_rows(name)}
    assert set(document["tables"]) == expected
    assert HANA.email in text
    assert not any(value in text for value in (*IVO.values(), *IVO.numbers))
    assert path.stat().st_mode & 0o777 == 0o600
    with populated.warehouse.connect() as connection:
        audit = connection.execute(sa.text("select actor, action, subject from ops.audit order by audit_id")).all()
        receipt = connection.execute(sa.text("select to_jsonb(r) from privacy.receipt as r")).scalar_one()
    assert [tuple(row) for row in audit] == [
        ("li.staff", "request_access", request_id),
        ("li.staff", "export_person", request_id),
    ]
    assert not any(value in json.dumps(receipt) for value in HANA.values())


def test_an_erasure_removes_the_copies_made_before(populated: Run, desk: FileStore, tmp_path: Path) -> None:
    whom = {"source": "crm", "customer_id": HANA.numbers[0], "pepper": PEPPER, "requested_by": "li.staff"}
    request_access(populated.warehouse, now=NOW, **whom)  # type: ignore[arg-type]
    handle_requests(populated, NOW, [desk], tmp_path)
    assert list(tmp_path.glob("access-*.json"))
    request_erasure(populated.warehouse, now=NOW, **whom)  # type: ignore[arg-type]
    handle_requests(populated, NOW, [desk], tmp_path)
    assert not list(tmp_path.glob("access-*.json"))


@pytest.mark.parametrize(
    ("as_of_date", "is_kept"),
    [
        (date(2026, 4, 1), True),
        (date(2026, 2, 27), True),
        (date(2026, 2, 20), False),
        (date(2026, 1, 1), True),
        (date(2023, 3, 1), False),
    ],
    ids=["today", "33 days", "40 days", "a month end", "a month end three years ago"],
)
def test_slices_past_their_time_are_dropped(make_run: Callable[..., Run], as_of_date: date, is_kept: bool) -> None:
    run = make_run()
    ensure_partitions(run.warehouse, ["features.customer_orders", "bi.kpi_value"], as_of_date)
    ensure_partitions(run.warehouse, ["features.customer_orders"], date(2026, 4, 2))  # the newest stays whatever its date
    counts = apply_limits(run, datetime(2026, 4, 1, 12, tzinfo=UTC))
    assert counts["slices_dropped"] == (0 if is_kept else 1)
    with run.warehouse.connect() as connection:
        found = connection.execute(
            sa.text("select to_regclass(:features) is not null, to_regclass(:bi) is not null"),
            {
                "features": partition_name("features.customer_orders", as_of_date),
                "bi": partition_name("bi.kpi_value", as_of_date),
            },
        ).one()
    assert tuple(found) == (is_kept, True), "measurements are aggregates and stay"


def test_a_day_of_long_ago_that_is_run_anew_keeps_what_was_made(make_run: Callable[..., Run]) -> None:
    """Made an hour ago, being made, and the newest there is: none is taken away from under the run. A week later the first one is."""
    run, table, now = make_run(), "features.customer_orders", datetime(2026, 4, 1, 12, tzinfo=UTC)
    made, making, old, newest = date(2025, 6, 10), date(2025, 6, 11), date(2025, 6, 12), date(2025, 6, 13)
    for day in (made, making, old, newest):
        ensure_partitions(run.warehouse, [table], day)
    with run.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into ops.published (table_name, slice_key, token, rows, run_id, published_at) "
                "values (:table, :day, 1, 0, 'r', :at)"
            ),
            {"table": table, "day": made.isoformat(), "at": now - timedelta(hours=1)},
        )
        connection.execute(
            sa.text(
                "insert into ops.lease (dataset, slice_key, token, expires_at) "
                "values ('features', :day, 4, clock_timestamp() + interval '1 h')"
            ),
            {"day": making.isoformat()},
        )
    assert apply_limits(run, now)["slices_dropped"] == 1
    assert apply_limits(run, now + timedelta(days=8))["slices_dropped"] == 1
    with run.warehouse.connect() as connection:
        left = [
            day
            for day in (made, making, old, newest)
            if connection.execute(sa.text("select to_regclass(:name)"), {"name": partition_name(table, day)}).scalar_one()
        ]
    assert left == [making, newest]


def test_landed_refused_and_staged_rows_go_in_time(
    warehouse: Warehouse, marketing: Warehouse, make_run: Callable[..., Run]
) -> None:
    run, now = make_run(marketing=marketing), datetime.now(UTC)
    with warehouse.begin() as connection:
        batches = connection.execute(
            sa.text(
                "insert into ops.batch (source, entity, business_date, run_id, state, created_at) values "
                "('crm', 'customer', '2026-01-01', 'r', 'published', now() - interval '40 days'), "
                "('crm', 'customer', '2026-01-01', 'r', 'landed', now() - interval '40 days'), "
                "('crm', 'customer', '2026-01-02', 'r', 'extracting', now() - interval '40 days'), "
                "('crm', 'customer', '2026-03-31', 'r', 'published', now()) returning batch_id"
            )
        ).scalars()
        for batch_id in batches.all():
            insert(warehouse, "landing.customer", {"batch_id": batch_id, "customer_id": "C-1"})
        connection.exec_driver_sql("create table staging.features__customer_orders__20260101__3 (customer_key bigint)")
        connection.exec_driver_sql("create table staging.features__customer_orders__20260101__4 (customer_key bigint)")
        connection.exec_driver_sql(
            "insert into ops.lease (dataset, slice_key, token, expires_at) "
            "values ('features', '2026-01-01', 4, now() + interval '1 h')"
        )
    for days in (31, 1):
        insert(warehouse, "quarantine.row", {"batch_id": 1, "created_at": now - timedelta(days=days)})
    old = now - timedelta(days=60)
    for campaign, change, at in (("a", "added", old), ("a", "updated", now), ("b", "added", old), ("c", "removed", old)):
        insert(
            marketing,
            "marketing.audience_change",
            {"campaign": campaign, "customer_key": 1, "change": change, "changed_at": at},
        )
    counts = apply_limits(run, now)
    assert counts["landing_rows_expired"] == 2, (
        "a batch that waits to be published keeps its rows; one whose reading died does not"
    )
    assert counts["quarantine_rows_expired"] == 1
    assert counts["staging_tables_dropped"] == 1, "the staging of a living writer stays"
    assert counts["changes_expired"] == 2, "the newest row of a membership that goes on stays"
