"""Failures are counted by day and cause, and of any number at once exactly one is the first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from retention.warehouse import Warehouse
from retention.warehouse.failures import KEPT, Counted, Failure, count_failure, forget_failure

CLOCK = Failure("retention_consent", "sync_consent", "ConnectionLost#connection-lost")
MONDAY = date(2026, 11, 16)
NOON = datetime(2026, 11, 16, 4, tzinfo=UTC)


def test_the_first_of_a_day_is_told_apart_and_says_what_nobody_heard_of(warehouse: Warehouse) -> None:
    counted = [count_failure(warehouse, CLOCK, MONDAY, NOON + timedelta(minutes=10 * step)) for step in range(3)]
    assert [each.today for each in counted] == [1, 2, 3]
    other = Failure(CLOCK.dag_id, CLOCK.task_id, "SourceError#source-errors")
    assert count_failure(warehouse, other, MONDAY, NOON) == Counted(1, 0, None), "another cause is news"
    assert count_failure(warehouse, CLOCK, MONDAY + timedelta(days=1), NOON) == Counted(1, 2, MONDAY)
    forget_failure(warehouse, CLOCK, MONDAY + timedelta(days=1))
    assert count_failure(warehouse, CLOCK, MONDAY + timedelta(days=1), NOON).today == 1, "nobody heard of it: told at the next"
    count_failure(warehouse, other, MONDAY + KEPT + timedelta(days=1), NOON)
    with warehouse.connect() as connection:
        kept = connection.execute(sa.text("select min(failed_on) from ops.failure_told")).scalar_one()
    assert kept == MONDAY + timedelta(days=1)


def test_of_forty_mapped_tasks_that_fail_at_once_one_is_the_first(warehouse: Warehouse) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        counted = list(pool.map(lambda _: count_failure(warehouse, CLOCK, MONDAY, NOON).today, range(40)))
    assert sorted(counted) == list(range(1, 41))
