"""How often a task has failed on a day: who hears of every failure of a task that runs every ten minutes soon hears nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from retention.warehouse.connections import Warehouse

KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Failure:
    """What failed and why, as far as failures are told apart."""

    dag_id: str
    task_id: str
    cause: str
    """Kind of the error: its numbers and names differ from one failure to the next."""


@dataclass(frozen=True)
class Counted:
    """The place of a failure among those of the same kind."""

    today: int
    """How many there were on its day, this one included."""
    untold: int
    """How many of the last earlier day nobody was told of."""
    untold_on: date | None


def count_failure(warehouse: Warehouse, failure: Failure, day: date, now: datetime) -> Counted:
    """Note a failure and return how many there have been.

    Of any number of failures at the same moment exactly one is the first of its day.

    Parameters
    ----------
    warehouse : Warehouse
        Where they are counted.
    failure : Failure
        What failed.
    day : date
        Day that it belongs to.
    now : datetime
        When it happened.
    """
    key = {"dag_id": failure.dag_id, "task_id": failure.task_id, "cause": failure.cause, "day": day}
    with warehouse.begin() as connection:
        today = connection.execute(
            sa.text(
                "insert into ops.failure_told as known (dag_id, task_id, cause, failed_on, failures, first_at, last_at) "
                "values (:dag_id, :task_id, :cause, :day, 1, :now, :now) "
                "on conflict (dag_id, task_id, cause, failed_on) do update set failures = known.failures + 1, last_at = :now "
                "returning failures"
            ),
            {**key, "now": now},
        ).scalar_one()
        earlier = connection.execute(
            sa.text(
                "select failed_on, failures - 1 as untold from ops.failure_told where dag_id = :dag_id and task_id = :task_id "
                "and cause = :cause and failed_on < :day order by failed_on desc limit 1"
            ),
            key,
        ).one_or_none()
        if today == 1:
            connection.execute(sa.text("delete from ops.failure_told where failed_on < :day"), {"day": day - KEPT})
    untold, on = (int(earlier.untold), earlier.failed_on) if earlier is not None else (0, None)
    return Counted(int(today), untold, on)


def forget_failure(warehouse: Warehouse, failure: Failure, day: date) -> None:
    """Let the next failure be the first of the day again: nobody heard of this one."""
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "delete from ops.failure_told "
                "where dag_id = :dag_id and task_id = :task_id and cause = :cause and failed_on = :day"
            ),
            {"dag_id": failure.dag_id, "task_id": failure.task_id, "cause": failure.cause, "day": day},
        )
