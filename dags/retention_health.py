"""# Health: is what should be there there, and as it should be?

Every hour, independent of the daily chain, which cannot say itself that it stands still: freshness, lateness, refusals,
failures, durations and cost of the pipeline; size, mix, overlap, exclusions, delivery and read-back of the audiences, each
beside its objective.

* **Reads** the run ledger, what was measured of the newest day, and what the marketing database holds.
* **Replaces** the day's rows of `bi.health_check`; publishes no daily asset.
* **Tells** every configured channel once when an objective is missed, again after some days, and once when it is well again.
* **Re-run freely.** A try that dies before it told people tells them at its next.
* **If it fails:** `docs/runbook.md#health`. What each check means: `docs/health.md`.
"""

from datetime import timedelta

from airflow.sdk import dag, task

from retention_airflow import ALWAYS, dag_options, every, moment_run

INTERVAL = timedelta(hours=1)


@dag(
    schedule=every(INTERVAL),
    start_date=ALWAYS,
    **dag_options(__doc__, "health", finished_within=timedelta(minutes=30)),
)
def retention_health():
    @task(execution_timeout=timedelta(minutes=20))
    def check_health() -> dict[str, int]:
        """Look at everything, and tell people what is newly missed or well again."""
        from retention import pipeline
        from retention_airflow.alerts import notify
        from retention_airflow.metrics import tell_health_metrics

        with moment_run() as (run, now):
            counts = pipeline.check_health(run, now)
            tell_health_metrics(run)
            return {**counts, "messages": pipeline.tell_health(run, now, notify)}

    check_health()


retention_health()
