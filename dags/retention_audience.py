"""# Audience: who is addressed by which campaign, and who must not be

Starts when the day's segments are in. Brings consent up to date, here and on the marketing side, decides every play for every
customer, with reasons, and pushes what changed to the marketing warehouse.

* **Reads** segments, scores, features, consent, suppression, earlier contacts; the plays in `include/plays`.
* **Replaces** the day's masks, contenders and decisions (`campaigns.eligibility`, `contender`, `decision`); changes
  `campaign_audience` in the marketing database.
* **Hands over** `audience`.
* **Asks** when an audience would change more than its budget: the rest is pushed, and `ask_approval` waits under Browse >
  Required Actions, without holding a worker, for twelve hours. Approved with a reason, `push_approved` computes the difference
  afresh and pushes up to the counts approved. Rejected, or unanswered, nothing more is pushed that day.
* **Warns** by the tag `wrong plays`, and by file and line at the end of this page, when a play file is wrong.
* **Re-run freely.** A push of a day already pushed changes nothing, and nothing is ever sent twice. Only a day newer than
  everything pushed is pushed: backfilled days end green with `pushed: 0` and the reason in their counts.
* **If it fails:** `docs/runbook.md#audience`; what waits for approval: `docs/runbook.md#needs-approval`.
"""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, dag, task

from retention_airflow import ALWAYS, AUDIENCE, SEGMENTS, dag_options, day_run, handed_over_by, moment
from retention_airflow.plays import TAG, said, wrong_plays

ANSWER_WITHIN = timedelta(hours=12)
"""Shorter than a day: the next day's run waits for this one."""
WAITING = "{{ ti.xcom_pull(task_ids='push_audience')['needs_approval'] }}"
"""Names of plays, as their files allow them, and counts."""
PROBLEMS = wrong_plays()


@dag(
    schedule=handed_over_by(SEGMENTS),
    start_date=ALWAYS,
    **dag_options(
        (__doc__ or "") + said(PROBLEMS), "campaigns", *([TAG] if PROBLEMS else []), finished_within=timedelta(hours=1)
    ),
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
    def push_audience() -> dict[str, Any]:
        """Push the differences within the guard's budgets, read the receipt back."""
        from retention import pipeline

        with day_run() as run:
            return pipeline.push_audience(run)

    @task
    def export_lists() -> dict[str, Any]:
        """Write the lists that the settings name to files, from what may be contacted now."""
        from retention import pipeline

        with day_run() as run:
            return pipeline.export_lists(run, moment())

    @task.short_circuit
    def anything_waits(pushed: dict[str, Any]) -> bool:
        """Go on only when something waits for approval, and tell people so."""
        from retention_airflow.alerts import notify

        waiting = pushed.get("needs_approval")
        if waiting:
            notify(f"APPROVAL WANTED retention_audience: {waiting}. See Required Actions, or docs/runbook.md#needs-approval")
        return bool(waiting)

    ask_approval = ApprovalOperator(
        task_id="ask_approval",
        subject="Audiences would change more than their budgets. Push them anyway?",
        body=WAITING
        + (
            "\n\nEverything else was pushed. `retention audience diff` shows every change that waits. An approval is good for "
            "one push, up to these counts; the difference is computed afresh. Without an answer nothing more is pushed today."
        ),
        params={"reason": Param("", type="string", title="Reason", description="Why the change is right; kept for good.")},
        defaults=ApprovalOperator.REJECT,
        response_timeout=ANSWER_WITHIN,
        doc_md="Waits for a person, not on a worker; without an answer in time the change stays where it is.",
    )

    @task
    def push_approved(answer: dict[str, Any]) -> dict[str, Any]:
        """Push again with the approval that was given: what `retention audience approve` and a second push do."""
        from retention import pipeline

        with day_run() as run:
            return pipeline.push_approved(run, answer["responded_by_user"]["name"], answer["params_input"]["reason"])

    pushed = push_audience()
    # Consent first: a plan that knew less than the push would select people whom the push then drops without a reason.
    sync_consent() >> plan_audience() >> pushed
    pushed >> export_lists()
    anything_waits(pushed) >> ask_approval
    push_approved(ask_approval.output)


retention_audience()
