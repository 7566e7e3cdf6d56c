"""# Score: how likely each customer is to leave, and what the customer is worth

Starts when the day's features are in. Uses the champion model that `retention_train` promoted; as long as there is none it
publishes a simple rule's scores and marks every row as a fallback.

* **Reads** `features.*` of the as-of date and the model registry.
* **Replaces** one slice of every `scores.*` table, in one transaction, after its checks.
* **Hands over** `scores`.
* **Re-run freely.** Same features and same champion give the same scores.
* **If it fails:** `docs/runbook.md#scoring`. The slice stays as it was.
"""

from datetime import timedelta

from airflow.sdk import dag, task

from retention_airflow import ALWAYS, FEATURES, SCORES, dag_options, day_run, handed_over_by


@dag(
    schedule=handed_over_by(FEATURES),
    start_date=ALWAYS,
    **dag_options(__doc__, "scoring", finished_within=timedelta(hours=2)),
)
def retention_score():
    @task(outlets=[SCORES])
    def score_customers() -> dict[str, int]:
        """Compute, check and publish churn probability and lifetime value of every purchaser."""
        from retention import pipeline

        with day_run() as run:
            return pipeline.score(run)

    score_customers()


retention_score()
