"""# Features: what is known about each customer at the start of the day after

Starts when the day's core is in. Builds the feature tables for one as-of date (the partition key plus one day), for the
customers that were touched; everyone else's row is carried forward from the day before. Every seventh day (a setting) all rows
are then computed anew from the same state of core and compared: equal, or the run fails. Scoring does not wait for that.

* **Reads** `core.*` as it was at the start of the as-of date: later rows change nothing.
* **Replaces** one slice of every `features.*` table, in one transaction, after its checks.
* **Hands over** `features`.
* **Re-run freely**; a re-run gives the same rows and starts scoring again for that day.
* **If it fails:** `docs/runbook.md#features`. The slice stays as it was.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from retention_airflow import ALWAYS, CORE, FEATURES, dag_options, day_run, handed_over_by


@dag(
    schedule=handed_over_by(CORE),
    start_date=ALWAYS,
    **dag_options(__doc__, "features", finished_within=timedelta(hours=2)),
)
def retention_features():
    @task(outlets=[FEATURES])
    def build_features() -> dict[str, int]:
        """Build, check and publish all feature tables of the day."""
        from retention import pipeline

        with day_run() as run:
            return pipeline.build_features(run)

    @task
    def compare_features() -> dict[str, Any]:
        """Compare the slices with a full computation, on the days on which that is due."""
        from retention import pipeline

        with day_run() as run:
            return pipeline.compare_features(run)

    build_features() >> compare_features()


retention_features()
