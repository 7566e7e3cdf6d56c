"""# Segment: which class, tier, stage and level each customer is in

Starts when the day's scores are in.

* **Reads** `features.*` and `scores.*` of the as-of date, and the segments of the day before.
* **Replaces** one slice of every `segments.*` table (RFM, value matrix, service tier, lifecycle, membership, tags); adds the
  moves of the day, those of days that were not run with their own dates among them.
* **Hands over** `segments`.
* **Re-run freely**; the cut-offs are in the settings.
* **If it fails:** `docs/runbook.md#segments`. The slice stays as it was.
"""

from datetime import timedelta

from airflow.sdk import dag, task

from retention_airflow import ALWAYS, SCORES, SEGMENTS, dag_options, day_run, handed_over_by


@dag(
    schedule=handed_over_by(SCORES),
    start_date=ALWAYS,
    **dag_options(__doc__, "segments", finished_within=timedelta(hours=1)),
)
def retention_segment():
    @task(outlets=[SEGMENTS])
    def assign_segments() -> dict[str, int]:
        """Assign, check and publish every segment of the day."""
        from retention import pipeline

        with day_run() as run:
            return pipeline.assign_segments(run)

    assign_segments()


retention_segment()
