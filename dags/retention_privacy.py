"""# Privacy: erasure, access, and data kept no longer than allowed

Every hour, independent of the daily chain.

* **Reads** open requests and the limits of the settings.
* **Erases** one person from every table, file and target that holds the person, leaves a tombstone and a receipt; removes
  data past its limit; publishes no daily asset.
* **Re-run freely.** A request that was cut off is finished by the next run.
* **If it fails:** `docs/runbook.md#privacy`. A request counts as open until its receipt is written.
"""

from datetime import timedelta

from airflow.sdk import dag, task

from retention_airflow import ALWAYS, dag_options, every, moment_run

INTERVAL = timedelta(hours=1)


@dag(
    schedule=every(INTERVAL),
    start_date=ALWAYS,
    **dag_options(__doc__, "privacy", finished_within=INTERVAL),
)
def retention_privacy():
    @task(execution_timeout=timedelta(minutes=50))
    def handle_requests() -> dict[str, int]:
        """Handle open requests, then remove what is past its limit."""
        from retention import pipeline

        with moment_run() as (run, now):
            return pipeline.privacy(run, now)

    handle_requests()


retention_privacy()
