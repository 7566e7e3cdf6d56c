"""# Ingest: what the sources delivered becomes core

Runs at midnight of the business time zone for the day that just closed (the partition key), or for any day by hand or by
backfill. One task per source and entity extracts into `landing`; one task validates everything that landed and moves bad
rows to `quarantine`; one task works out who is the same person and publishes `core`.

* **Reads** the source systems described in `include/sources`.
* **Replaces** nothing of other days: `core` is merged, cursors move on in the same transaction.
* **Hands over** all core assets at once, from its last task.
* **Re-run freely.** A day that was ingested before is read again from its own cursor and gives the same core.
* **If it fails:** `docs/runbook.md#ingest`. Nothing is published unless every check passed; readers see the last good day.
"""

from datetime import timedelta

from airflow.sdk import dag, task

from retention_airflow import CORE, business_date, dag_options, daily, day_run, schedule_start


@dag(
    schedule=daily(),
    start_date=schedule_start(),
    **dag_options(__doc__, "ingest", finished_within=timedelta(hours=2)),
)
def retention_ingest():
    @task(execution_timeout=timedelta(minutes=5))
    def list_entities() -> list[dict[str, str]]:
        """Name every entity of every source description; fails at once when the run is about no business day."""
        from retention import pipeline

        business_date()
        return pipeline.entities()

    @task(
        map_index_template="{{ task.op_kwargs['source'] }}.{{ task.op_kwargs['entity'] }}",
        doc_md="Read one entity of one source since its cursor and land it as one batch.",
    )
    def extract(source: str, entity: str) -> dict[str, int]:
        from retention import pipeline

        with day_run() as run:
            return pipeline.extract(run, source, entity)

    @task
    def validate() -> dict[str, int]:
        """Check all landed batches of the day against their contracts; refused rows go to quarantine."""
        from retention import pipeline

        with day_run() as run:
            return pipeline.validate(run)

    @task(outlets=CORE)
    def publish_core() -> dict[str, int]:
        """Resolve who is the same person, merge into core, advance the cursors: one fenced transaction."""
        from retention import pipeline

        with day_run() as run:
            return pipeline.publish_core(run)

    extract.expand_kwargs(list_entities()) >> validate() >> publish_core()


retention_ingest()
