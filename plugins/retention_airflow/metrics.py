"""Metrics of the product, through Airflow's own metrics: OpenTelemetry, StatsD or Datadog, whichever is switched on.

=================================  =======================================================================
``retention.dataset.seconds``      how long an attempt held a dataset; tags dag_id, task_id, dataset, state
``retention.table.rows``           rows of a table that an attempt published; tags dag_id, task_id, table
``retention.attempts``             attempts, counted; tags dag_id, task_id, dataset, state
``retention.audience.members``     members of an audience; tag play
``retention.audience.reachable``   of them those who may be contacted; tag play
``retention.health.checks``        checks in a state; tag state
``retention.health.state``         worst state of a check: 0 ok or not measured, 1 close to the limit, 2 missed; tag check
=================================  =======================================================================

Tags are names of DAGs, tables, plays and checks: few, and none of a person.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retention.warehouse import Run

log = logging.getLogger(__name__)

FLUSH_MILLISECONDS = 3_000
_SWITCHES = ("otel_on", "statsd_on", "statsd_datadog_enabled")
_HEALTH = """
select check_name, state, count(*) as checks
from bi.health
group by check_name, state
"""
_AUDIENCES = """
select campaign, members, permitted_members
from bi.audience_health
where as_of_date = (select max(as_of_date) from bi.audience_health)
"""


def switched_on() -> bool:
    """Whether Airflow sends metrics anywhere."""
    from airflow.sdk.configuration import conf

    return any(conf.getboolean("metrics", switch, fallback=False) for switch in _SWITCHES)


def tell_written(run: Run, written: list[Any]) -> None:
    """Send durations, rows and outcomes of what an attempt has written."""
    from airflow.sdk.observability import stats

    task = {"dag_id": run.attempt.dag_id, "task_id": run.attempt.task_id.partition("[")[0]}
    for entry in written:
        tags = {**task, "dataset": entry.dataset, "state": entry.state}
        stats.gauge("retention.dataset.seconds", entry.seconds, tags=tags)
        stats.incr("retention.attempts", tags=tags)
        for table, rows in entry.rows.items():
            stats.gauge("retention.table.rows", rows, tags={**task, "table": table})
    flush()


def tell_health_metrics(run: Run) -> None:
    """Send the newest look at pipeline and audiences; does nothing where metrics are off, and never raises."""
    if not switched_on():
        return
    import sqlalchemy as sa
    from airflow.sdk.observability import stats

    try:
        with run.warehouse.connect() as connection:
            checks = connection.execute(sa.text(_HEALTH)).all()
            audiences = connection.execute(sa.text(_AUDIENCES)).all()
        by_state = dict.fromkeys(("ok", "warn", "breach", "not_measured"), 0)
        worst: dict[str, int] = {}
        for row in checks:
            by_state[row.state] += row.checks
            worst[row.check_name] = max(worst.get(row.check_name, 0), {"warn": 1, "breach": 2}.get(row.state, 0))
        for state, number in by_state.items():
            stats.gauge("retention.health.checks", number, tags={"state": state})
        for check, level in worst.items():
            stats.gauge("retention.health.state", level, tags={"check": check})
        for row in audiences:
            stats.gauge("retention.audience.members", row.members, tags={"play": row.campaign})
            stats.gauge("retention.audience.reachable", row.permitted_members, tags={"play": row.campaign})
        flush()
    except Exception as error:  # metrics are about the work and must not stop it
        log.warning("Metrics of health were not sent (%s).", type(error).__name__)


def flush() -> None:
    """Send what OpenTelemetry still holds: a task is over before its next regular export."""
    try:
        from opentelemetry import metrics

        provider: Any = metrics.get_meter_provider()
        if hasattr(provider, "force_flush"):
            provider.force_flush(FLUSH_MILLISECONDS)
    except Exception as error:
        log.warning("Metrics were not sent (%s).", type(error).__name__)
