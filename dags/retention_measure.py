"""# Measure: what the campaigns changed

Runs once for every business day, after its audience. Reads campaign feedback back in and computes what happened to the
addressed against their control groups, the KPIs and the reliability of earlier scores.

* **Reads** campaign feedback, decisions, orders and earlier scores.
* **Replaces** the day's measurement tables.
* **Re-run freely.**
* **If it fails:** `docs/runbook.md#measurement`. Audiences are not affected.
"""

from datetime import timedelta

from airflow.sdk import dag, task

from retention_airflow import ALWAYS, AUDIENCE, dag_options, day_run, handed_over_by


@dag(
    schedule=handed_over_by(AUDIENCE),
    start_date=ALWAYS,
    **dag_options(__doc__, "measurement", finished_within=timedelta(hours=1)),
)
def retention_measure():
    @task
    def measure_effects() -> dict[str, int]:
        """Compute the day's KPIs, incremental effects and score reliability."""
        from retention import pipeline

        with day_run() as run:
            return pipeline.measure(run)

    measure_effects()


retention_measure()
