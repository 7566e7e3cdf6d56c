"""From an Airflow run to a run of the product: which business day, which attempt, which connections.

This is the only place that turns a DAG run into a date. Partitioned and asset-triggered runs carry no logical date, so
`{{ ds }}` and its relatives raise; the partition key is the date.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.sdk import get_current_context

from retention.settings import load_settings
from retention_airflow.connections import connection_urls

if TYPE_CHECKING:
    from retention.warehouse import Run


log = logging.getLogger(__name__)

DRIVERS = {"psycopg", "sqlalchemy", "adbc_driver_manager", "adbc_driver_postgresql"}


class NoBusinessDate(ValueError):
    """A run that needs a business day was started without one. Trying again cannot help."""


def business_date(context: Mapping[str, Any] | None = None) -> date:
    """Return the closed business day that this DAG run is about: its partition key.

    Raises
    ------
    NoBusinessDate when the run has no partition key, or one that is not a date.
    """
    context = get_current_context() if context is None else context
    run = context["dag_run"]
    key = getattr(run, "partition_key", None)
    how = 'trigger it with a partition key, for example {"partition_key": "2026-11-22", "logical_date": null}'
    if not key:
        raise NoBusinessDate(
            f"{run.dag_id} run {run.run_id} has no partition key, so it is about no business day. Nothing was read or "
            f"written. `airflow dags trigger` cannot give one; {how}, over the REST API or the UI, or use a backfill. "
            "See docs/runbook.md#no-partition-key"
        )
    try:
        return date.fromisoformat(key)
    except ValueError as exc:
        raise NoBusinessDate(
            f"{run.dag_id} run {run.run_id}: partition key {key!r} is not a date like 2026-11-22. Nothing was read or "
            f"written; {how}. See docs/runbook.md#no-partition-key"
        ) from exc


def closed_business_day(at: datetime) -> date:
    """Return the last business day that had ended at this moment."""
    local = at.astimezone(ZoneInfo(load_settings().company.business_timezone))
    return local.date() - timedelta(days=1)


def moment() -> datetime:
    """Return the present, for DAGs that watch a clock. Rules get it passed in; this is where it is read."""
    return datetime.now(UTC)


@contextmanager
def day_run(day: date | None = None) -> Iterator[Run]:
    """Open the run of the current task for its business day (or for `day`, where a DAG has its own way to name one).

    Connections are closed at the end. An error of a database driver leaves as one of ours, without the row values that
    drivers put into their messages and Airflow into its logs.
    """
    from retention import pipeline
    from retention.warehouse import Attempt, RetentionError, quote_error

    context = get_current_context()
    task = context["ti"]
    attempt = Attempt(dag_id=task.dag_id, run_id=task.run_id, task_id=_task_name(task), try_number=task.try_number)
    run = pipeline.open_run(day or business_date(context), attempt, connections=connection_urls())
    try:
        yield run
    except RetentionError:
        raise
    except Exception as error:
        if type(error).__module__.partition(".")[0] in DRIVERS:
            raise quote_error(error, f"{task.dag_id}.{task.task_id}") from None
        raise
    finally:
        _observe(run)
        pipeline.close(run)


@contextmanager
def moment_run() -> Iterator[tuple[Run, datetime]]:
    """Open a run for a DAG that watches a clock, and give it with the present."""
    now = moment()
    with day_run(closed_business_day(now)) as run:
        yield run, now


def _observe(run: Run) -> None:
    """Tell lineage and metrics, where somebody listens, what this attempt has written; never raises."""
    from retention_airflow import lineage, metrics

    try:
        wants_lineage, wants_metrics = lineage.listening(), metrics.switched_on()
        if not (wants_lineage or wants_metrics):
            return
        from retention.warehouse.flow import written_by

        written = written_by(run)
        if wants_lineage:
            lineage.tell_lineage(run, written)
        if wants_metrics:
            metrics.tell_written(run, written)
    except Exception as error:  # what is told about the work must not change how it ended
        log.warning("Lineage and metrics were not told (%s).", type(error).__name__)


def _task_name(task: Any) -> str:
    # Mapped instances of one task write side by side: each is a writer of its own.
    return f"{task.task_id}[{task.map_index}]" if task.map_index >= 0 else str(task.task_id)
