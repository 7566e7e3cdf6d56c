"""What people are told when something fails or is late: one plain message, last in the task's log.

With `RETENTION_ALERT_URL` set, the same message is posted there as JSON (`{"text": ...}`, as chat systems expect it).
A message holds names of DAGs, tables, dates and counts. The text of errors that are not our own is left out, because
database drivers put rows into theirs.
"""

import json
import logging
import os
import urllib.request
from collections.abc import Mapping
from typing import Any

log = logging.getLogger("retention.alerts")
POST_TIMEOUT_SECONDS = 5


def task_failed(context: Mapping[str, Any]) -> None:
    """Say which task of which day failed, why, and where it says what to do."""
    notify(f"FAILED {_where(context)}: {_reason(context.get('exception'))}")


def task_retries(context: Mapping[str, Any]) -> None:
    """Say that a task failed and will be tried again: in the log only, nobody needs to act."""
    log.warning("WILL RETRY %s: %s", _where(context), _reason(context.get("exception")))


def run_late(context: Mapping[str, Any], limit: str) -> None:
    """Say that a DAG run has not finished within its deadline."""
    run = context.get("dag_run") or {}
    get = run.get if isinstance(run, Mapping) else lambda name: getattr(run, name, None)
    notify(
        f"LATE {get('dag_id')} {get('partition_key') or get('run_id')}: not finished within {limit}. It keeps running; "
        "what it publishes later is right, and readers see the last complete day until then. See docs/runbook.md#late-run"
    )


def notify(message: str) -> None:
    """Write the message to the log and post it to the alert address, if there is one."""
    log.error(message)
    url = os.environ.get("RETENTION_ALERT_URL")
    if not url:
        return
    body = json.dumps({"text": message}).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=POST_TIMEOUT_SECONDS):
            pass
    except OSError as exc:  # an unreachable chat system must not change the state of a task
        log.warning("The alert could not be posted (%s); it is in this log only.", type(exc).__name__)


def _where(context: Mapping[str, Any]) -> str:
    task, run = context["ti"], context["dag_run"]
    return f"{task.dag_id}.{task.task_id} of {getattr(run, 'partition_key', None) or run.run_id}, try {task.try_number}"


def _reason(error: object) -> str:
    from retention.warehouse import RetentionError
    from retention_airflow.runs import NoBusinessDate

    if isinstance(error, RetentionError | NoBusinessDate):
        return str(error)
    name = type(error).__name__ if isinstance(error, BaseException) else "no exception, stopped from outside"
    return f"{name}. The traceback is above. See docs/runbook.md#failed-task"
