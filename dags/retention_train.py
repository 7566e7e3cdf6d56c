"""# Train: new models, promoted only if they are better

Runs every Monday morning, and on demand: start it by hand with the parameter `business_date` to train as of another day
than the last closed one.

* **Reads** `core.*` at several past dates, through the same feature code that scoring uses.
* **Writes** models and their evaluation to the registry; promotes a challenger only when it beats the champion and the
  naive baselines.
* **Hands over** `models`; scoring picks the champion up with the next day.
* **Re-run freely.** Same data, settings and seed give the same model.
* **If it fails:** `docs/runbook.md#training`. The champion stays; without one, scoring publishes marked fallback scores.
"""

from datetime import date, timedelta

from airflow.sdk import Param, dag, get_current_context, task

from retention_airflow import MODELS, closed_business_day, dag_options, day_run, moment, schedule_start, weekly


@dag(
    schedule=weekly(),
    start_date=schedule_start(),
    params={
        "business_date": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Business day",
            description="Train as of the end of this closed business day; empty: the last closed one.",
        )
    },
    **dag_options(__doc__, "training", finished_within=timedelta(hours=4)),
)
def retention_train():
    @task(outlets=[MODELS], execution_timeout=timedelta(hours=3))
    def train_models() -> dict[str, int]:
        """Fit, calibrate, evaluate against baselines and champion, register, promote if better."""
        from retention import pipeline

        chosen = get_current_context()["params"]["business_date"]
        day = date.fromisoformat(chosen) if chosen else closed_business_day(moment())
        with day_run(day) as run:
            return pipeline.train(run)

    train_models()


retention_train()
