"""What happens in Airflow when an audience would change more than its budget: the rest goes, somebody is asked, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

WAITS = "win_back: size 70, allowed 60"
ANSWER = {
    "chosen_options": ["Approve"],
    "params_input": {"reason": "win-back week"},
    "responded_by_user": {"id": "7", "name": "Wu"},
}


def states(run: Any) -> dict[str, str]:
    return {instance.task_id: str(instance.state) for instance in run.get_task_instances()}


def test_nobody_is_asked_when_nothing_waits(run_dag: Callable[..., Any], calls: Any) -> None:
    run = run_dag("retention_audience", "2026-11-21")
    found = states(run)
    assert (run.state, found["push_audience"]) == ("success", "success")
    assert (found["ask_approval"], found["push_approved"]) == ("skipped", "skipped")
    assert calls.names == ["sync_consent", "plan_audience", "push_audience", "export_lists"]


def test_what_waits_is_asked_about_and_pushed_with_name_and_reason(
    run_dag: Callable[..., Any], calls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question says what waits; the answer goes the way of the command, for this run, under the name of who answered."""
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    from retention import pipeline
    from retention_airflow import alerts

    asked: dict[str, Any] = {}
    told: list[str] = []

    def answer(operator: Any, context: Any) -> dict[str, Any]:
        asked.update(
            body=operator.body, subject=operator.subject, timeout=operator.response_timeout, defaults=operator.defaults
        )
        return ANSWER

    def approved(run: SimpleNamespace, approved_by: str, reason: str) -> dict[str, int]:
        calls.made.append(("push_approved", run.business_date, approved_by, reason, run.attempt.run_id))
        return {"added": 70}

    monkeypatch.setattr(ApprovalOperator, "execute", answer)
    monkeypatch.setattr(pipeline, "push_audience", lambda run: {"added": 3, "needs_approval": WAITS})
    monkeypatch.setattr(pipeline, "push_approved", approved)
    monkeypatch.setattr(alerts, "notify", told.append)
    run = run_dag("retention_audience", "2026-11-21")
    assert run.state == "success"
    approvals = [call[2:] for call in calls.made if call[0] == "push_approved"]
    assert approvals == [("Wu", "win-back week", run.run_id)]
    assert asked["body"].startswith(WAITS)
    assert (asked["timeout"], asked["defaults"]) == (timedelta(hours=12), ["Reject"])
    assert len(told) == 1
    assert WAITS in told[0]


def test_a_rejection_pushes_nothing(run_dag: Callable[..., Any], calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejected, or not answered in time: the run ends green, the audience stays as it was delivered."""
    from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator

    from retention import pipeline

    monkeypatch.setattr(pipeline, "push_audience", lambda run: {"added": 3, "needs_approval": WAITS})
    rejected = {**ANSWER, "chosen_options": ["Reject"], "params_input": {}}
    monkeypatch.setattr(HITLOperator, "execute_complete", lambda operator, context, event: event)
    monkeypatch.setattr(ApprovalOperator, "execute", lambda operator, context: operator.execute_complete(context, rejected))
    run = run_dag("retention_audience", "2026-11-21")
    found = states(run)
    assert (run.state, found["ask_approval"], found["push_approved"]) == ("success", "success", "skipped")
