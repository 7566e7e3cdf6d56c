"""# Consent: a withdrawal reaches every target within minutes

Every ten minutes, independent of the daily chain: reads consent changes and unsubscribes itself, appends them to the
ledger, and brings every target's `consent_state` up to date. It writes a heartbeat even when nothing changed: a target
whose heartbeat is older than the limit shows nobody rather than somebody who said no.

* **Reads** consent from its sources and unsubscribes from the marketing database, since its own cursors.
* **Writes** the consent ledger, `consent_state` and, in further targets (`include/targets`), the audiences as they are and
  who must be left alone; publishes no daily asset.
* **Re-run freely.** The ledger keeps one entry per decision.
* **If it fails:** `docs/runbook.md#consent`. It matters: after the limit, the tools see an empty audience.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from retention_airflow import ALWAYS, dag_options, every, moment_run

INTERVAL = timedelta(minutes=10)


@dag(
    schedule=every(INTERVAL),
    start_date=ALWAYS,
    **dag_options(__doc__, "consent", finished_within=INTERVAL),
)
def retention_consent():
    @task(execution_timeout=timedelta(minutes=8))
    def sync_consent() -> dict[str, int]:
        """Read changes, append to the ledger, bring every target up to date, write the heartbeat."""
        from retention import pipeline

        with moment_run() as (run, now):
            return pipeline.sync_consent(run, now)

    @task(execution_timeout=timedelta(minutes=8))
    def feed_targets() -> dict[str, Any]:
        """Bring further targets up to date: audiences, who may not be contacted, and what tools reported there."""
        from retention import pipeline

        with moment_run() as (run, _):
            return pipeline.feed_targets(run)

    sync_consent() >> feed_targets()


retention_consent()
