"""A day run by hand tells the responsible teams of complaints past their clocks, as the DAG does."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from retention import alerts, measurement, pipeline, whole_day
from retention.alerts import Message, Told
from retention.settings import Settings

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
ROW = {"team": "returns", "clock": "acknowledge", "cases": 2, "severe": 1, "oldest_due_at": "2026-04-01T05:00:00+00:00"}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens, in order, in a day whose clock has found two breaches of one team."""
    order: list[str] = []
    monkeypatch.setattr(
        pipeline, "complaint_clock", lambda run, now: {"breaches_found": 2, "waiting": [ROW], "new_breaches": []}
    )
    monkeypatch.setattr(measurement, "confirm_alerted", lambda run, now: order.append("confirmed"))
    return order


def day(monkeypatch: pytest.MonkeyPatch, heard: list[str], told: Told) -> Any:
    """Run the step of the day, with channels that answer so."""

    def tell(message: Message) -> Told:
        heard.append(message.text)
        return told

    monkeypatch.setattr(alerts, "tell_configured", tell)
    monkeypatch.setattr(pipeline, "entities", list)
    steps = dict(whole_day.steps_of_day(NOW))
    return steps["complaint clock"](SimpleNamespace(settings=Settings()))  # type: ignore[arg-type]


def test_the_team_is_told_and_then_it_is_noted(monkeypatch: pytest.MonkeyPatch, heard: list[str]) -> None:
    counts = day(monkeypatch, heard, Told(("webhook",)))
    assert counts == {"breaches_found": 2}, "names of teams are text of a source and stay out of the counts"
    assert heard[0].startswith("COMPLAINTS OVERDUE, team returns: 2 not acknowledged within 1 h (1 severe)")
    assert heard[1:] == ["confirmed"]


@pytest.mark.parametrize(
    ("told", "noted"),
    [
        pytest.param(Told(), True, id="no channel: the log is where it was told"),
        pytest.param(Told(("email",), {"webhook": "timeout"}), True, id="one of two has it"),
        pytest.param(Told(failed={"webhook": "timeout"}), False, id="nobody has it: said again at the next run"),
    ],
)
def test_what_nobody_took_is_said_again(monkeypatch: pytest.MonkeyPatch, heard: list[str], told: Told, noted: bool) -> None:
    day(monkeypatch, heard, told)
    assert ("confirmed" in heard) is noted
