"""Switching DAGs on: each once, when it is new. Whoever pauses one later is obeyed."""

from __future__ import annotations

import json
import time
from collections.abc import Collection

from retention.supervisor.api import AirflowApi, AirflowApiError
from retention.supervisor.layout import Layout, write_private

DAILY = (
    "retention_ingest",
    "retention_features",
    "retention_score",
    "retention_segment",
    "retention_audience",
    "retention_measure",
)
"""The DAGs of a business day, in the order in which they hand over."""
TRAINING = "retention_train"
CLOCKS = ("retention_consent", "retention_complaint_clock", "retention_privacy", "retention_health")
ALL = (*DAILY, TRAINING, *CLOCKS)


def wait_for_dags(api: AirflowApi, patience: float = 120) -> None:
    """Wait until Airflow has read every DAG file.

    Raises
    ------
    AirflowApiError with Airflow's own message when a file cannot be read.
    """
    deadline = time.monotonic() + patience
    while missing := set(ALL) - api.dag_ids():
        errors = api.import_errors()
        if errors:
            raise AirflowApiError("a DAG file cannot be read: " + errors[0][-600:])
        if time.monotonic() > deadline:
            raise AirflowApiError(f"Airflow has not read {', '.join(sorted(missing))} within {patience:.0f} s")
        time.sleep(0.3)


def introduce(layout: Layout, api: AirflowApi, only: Collection[str] = ALL) -> list[str]:
    """Switch on those of the DAGs that never were; return them in order."""
    wait_for_dags(api)
    record = layout.airflow_home / "introduced.json"
    known: list[str] = json.loads(record.read_text()) if record.exists() else []
    new = [dag_id for dag_id in ALL if dag_id in only and dag_id not in known]
    for dag_id in new:
        api.set_paused(dag_id, False)
    if new:
        write_private(record, json.dumps([*known, *new]))
    return new
