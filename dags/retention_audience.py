"""# Audience: who is addressed by which campaign, and who must not be

Starts when the day's segments are in. Brings consent up to date, here and on the marketing side, decides every play for every
customer, with reasons, and pushes what changed to the marketing warehouse.

* **Reads** segments, scores, features, consent, suppression, earlier contacts; the plays in `include/plays`.
* **Replaces** `campaigns.decision` of the day; changes `campaign_audience` in the marketing database.
* **Hands over** `audience`.
* **Re-run freely.** A push of a day already pushed changes nothing, and nothing is ever sent twice. Only a day newer than
  everything pushed is pushed: backfilled days end green with `pushed: 0` and the reason in their counts.
* **If it fails:** `docs/runbook.md#audience`. A guard that stopped a push says which limit, and how to approve it once.
"""

from datetime import timedelta

from airflow.sdk import dag, task

from retention_airflow import ALWAYS, AUDIENCE, SEGMENTS, dag_options, day_run, handed_over_by, moment


@dag(
    schedule=handed_over_by(SEGMENTS),
    start_date=ALWAYS,
    **dag_options(__doc__, "campaigns", finished_within=timedelta(hours=1)),
)
def retention_audience():
    @task
    def sync_consent() -> dict[str, int]:
        """Bring the consent held beside the audience up to date before anybody can read the new audience."""
        from retention import pipeline

        with day_run() as run:
            return pipeline.sync_consent(run, moment())

    @task
    def plan_audience() -> dict[str, int]:
        """Decide eligibility, priority and control group of every play for every customer."""
        from retention import pipeline

        with day_run() as run:
            return pipeline.plan_audience(run)

    @task(outlets=[AUDIENCE])
    def push_audience() -> dict[str, int]:
        """Guard, push the differences, read the receipt back."""
        from retention import pipeline

        with day_run() as run:
            return pipeline.push_audience(run)

    # Consent first: a plan that knew less than the push would select people whom the push then drops without a reason.
    sync_consent() >> plan_audience() >> push_audience()


retention_audience()
