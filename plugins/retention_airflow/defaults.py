"""What every DAG and task of the product has in common: owner, retries, limits, alerts."""

from datetime import timedelta
from typing import Any

from airflow.sdk import DeadlineAlert, DeadlineReference, SyncCallback

from retention_airflow.alerts import run_late, task_failed, task_retries
from retention_airflow.retries import RetryWhatMayPass

OWNER = "retention"

DEFAULT_ARGS: dict[str, Any] = {
    "owner": OWNER,
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": RetryWhatMayPass(),
    "execution_timeout": timedelta(minutes=60),
    "on_failure_callback": task_failed,
    "on_retry_callback": task_retries,
}


def deadline(limit: timedelta) -> DeadlineAlert:
    """Alert when a run has not finished this long after it was queued."""
    return DeadlineAlert(
        name=f"finished within {limit}",
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=limit,
        callback=SyncCallback(run_late, kwargs={"limit": str(limit)}),
    )


def dag_options(doc: str | None, *tags: str, finished_within: timedelta) -> dict[str, Any]:
    """Return what every `@dag` of the product is given besides its schedule.

    One run at a time: days build on each other, and a day that waits for the one before it is carried forward from it
    instead of being computed anew.
    """
    return {
        "doc_md": doc,
        # The heading of the documentation, which the lists of the UI show.
        "description": (doc or "").strip().partition("\n")[0].removeprefix("# "),
        "tags": ["retention", *tags],
        "default_args": DEFAULT_ARGS,
        "catchup": False,
        "max_active_runs": 1,
        "deadline": deadline(finished_within),
    }
