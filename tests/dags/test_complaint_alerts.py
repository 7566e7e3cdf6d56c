"""The complaint clock tells the responsible teams first and notes it after, so that no breach goes untold."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from retention.settings import Settings


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch, calls: Any) -> list[str]:
    """What happens in what order, in a clock that has found one breach."""
    from retention import pipeline
    from retention_airflow import alerts

    order: list[str] = []
    row = {"team": "returns", "clock": "acknowledge", "cases": 2, "severe": 1, "oldest_due_at": "2026-04-01T05:00:00+00:00"}
    monkeypatch.setattr(
        pipeline, "complaint_clock", lambda run, now: {"breaches_found": 2, "waiting": [row], "new_breaches": []}
    )
    monkeypatch.setattr(pipeline, "open_run", lambda day, attempt, connections=None: SimpleNamespace(settings=Settings()))
    monkeypatch.setattr(alerts, "notify", order.append)
    monkeypatch.setattr(pipeline, "complaints_told", lambda run, now: order.append("confirmed"))
    monkeypatch.setattr(pipeline, "hold_promotion", lambda run, now: {"promotion_rests": 0})
    return order


def test_teams_are_told_and_then_it_is_noted(run_dag: Callable[..., Any], heard: list[str]) -> None:
    assert run_dag("retention_complaint_clock").state == "success"
    assert heard[1:] == ["confirmed"]
    assert heard[0].startswith("COMPLAINTS OVERDUE, team returns: 2 not acknowledged within 1 h (1 severe)")
