"""One task of one DAG with lineage and metrics switched on, in a process of its own: Airflow decides at its start who listens.

Arguments: URL of a migrated warehouse, URL of the receiver. The work of the task is one published slice.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retention.warehouse import Run


def publish_members(run: Run) -> dict[str, int]:
    """Publish a slice of seven rows."""
    from retention.warehouse import load_contract, stage_writer

    given = {"as_of_date": ":as_of_date", "customer_key": "who"}
    blank = {"text": "''", "bigint": "0"}
    columns = [
        f"cast({given.get(column.name) or ('null' if column.nullable else blank[column.type])} as {column.type}) as {column.name}"
        for column in load_contract("segments.membership").columns
    ]
    with stage_writer(run, "segments") as writer:
        writer.fill_select("segments.membership", f"select {', '.join(columns)} from generate_series(1, 7) as who")
        return writer.publish()


def main(warehouse_url: str) -> int:
    """Run `retention_segment` for a day, with a small slice in the place of the company's segments."""
    from airflow.models import DagBag
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
    from airflow.utils.db import initdb

    initdb()
    # As Airflow's runner of tasks does before each; a DAG that is tried in one process has no such runner.
    stats.initialize(factory=get_stats_factory(), export_legacy_names=False)
    import airflow.models.dagrun as dagrun

    from retention import pipeline
    from retention.deployment import Secrets
    from retention.settings import Settings
    from retention.warehouse import Warehouse

    def open_run(business_date: date, attempt: Any, connections: Any = None) -> Run:
        from retention.warehouse import Run

        return Run(business_date, Warehouse(warehouse_url), Settings(), attempt, Secrets(pepper=b"p" * 40))

    pipeline.open_run, pipeline.assign_segments = open_run, publish_members  # type: ignore[assignment]
    original = dagrun.get_or_create_dagrun

    def with_key(**arguments: Any) -> Any:
        made = original(**arguments)
        made.partition_key = "2026-03-31"
        arguments["session"].commit()
        return made

    dagrun.get_or_create_dagrun = with_key
    dag = DagBag(dag_folder=str(Path(__file__).resolve().parents[2] / "dags" / "retention_segment.py")).dags[
        "retention_segment"
    ]
    dag.deadline = None
    run = dag.test(logical_date=None)
    from airflow.sdk.lineage import get_hook_lineage_collector

    print(type(get_hook_lineage_collector()).__name__, run.state)
    return 0 if run.state == "success" else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
