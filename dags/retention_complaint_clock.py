"""# Complaint clock: is a complaint waiting too long?

Every ten minutes, independent of the daily chain: reads new and changed complaints itself, and raises those not
acknowledged within the hour or without a first reply within a day. Meanwhile promotion rests: who complains is hidden from the
marketing tools by the next run, without a push.

* **Reads** complaints from their source since the clock's own cursor.
* **Writes** breaches for the staff and tells each responsible team of its own; writes `contact_hold` in the marketing database;
  publishes no daily asset.
* **Re-run freely.** A team is told of a breach once. A task that dies before it told them tells them at its next try.
* **If it fails:** `docs/runbook.md#complaint-clock`.
"""

from datetime import timedelta

from airflow.sdk import dag, task

from retention_airflow import ALWAYS, dag_options, every, moment_run

INTERVAL = timedelta(minutes=10)


@dag(
    schedule=every(INTERVAL),
    start_date=ALWAYS,
    **dag_options(__doc__, "complaints", finished_within=INTERVAL),
)
def retention_complaint_clock():
    @task(execution_timeout=timedelta(minutes=8))
    def check_complaints() -> dict[str, int]:
        """Read what is new, find what is overdue, tell the staff."""
        from retention import pipeline
        from retention_airflow.alerts import notify

        with moment_run() as (run, now):
            counts = pipeline.complaint_clock(run, now)
            messages = pipeline.complaint_messages(run, counts)
            for message in messages:
                notify(message)
            if messages:
                pipeline.complaints_told(run, now)
            # Numbers alone: a team's name is text of a source, and what a task returns is shown to every viewer.
            return {name: count for name, count in counts.items() if isinstance(count, int)}

    @task(execution_timeout=timedelta(minutes=8))
    def hold_promotion() -> dict[str, int]:
        """Tell the marketing database who has a complaint; the consent stream does so too, when the service desk is down."""
        from retention import pipeline

        with moment_run() as (run, now):
            return pipeline.hold_promotion(run, now)

    check_complaints() >> hold_promotion()


retention_complaint_clock()
