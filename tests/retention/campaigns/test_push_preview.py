"""The dry run says what the push would do, all of it, and does none of it."""

from __future__ import annotations

from typing import Any

import pytest

from retention import campaigns
from retention.campaigns.preview import CHANGE, preview
from tests.retention.campaigns.conftest import Company, settings
from tests.retention.campaigns.decided import Choice, consent_everybody, decide

_TABLES = (
    "campaign_audience", "audience_change", "audience_sync", "audience_sync_play", "audience_stage", "staff_task",
    "issued_send_key", "push_state", "setting", "contact",
)  # fmt: skip


@pytest.fixture
def second_day(light: Company) -> Company:
    """Five in win_back and a visit were pushed; the next day loses three of them and the visit, wins two, and gives 5 a discount."""
    light.settings = settings(guard_minimum_rows=1)
    consent_everybody(light, range(1, 101))
    decide(light, [*(Choice("win_back", key) for key in range(1, 6)), Choice("visit", 1)])
    light.push()
    light.next_day()
    light.consent("Bo", "marketing", "withdrawn")
    decide(
        light,
        [Choice("win_back", 2), Choice("win_back", 5, offer="10_percent"), Choice("win_back", 6), Choice("welcome", 7)],
    )
    return light


def everything(company: Company) -> list[Any]:
    """Whatever a push could change."""
    there = [company.ask(f"select * from marketing.{table} order by 1, 2", company.marketing) for table in _TABLES]
    here = [
        company.ask(f"select * from campaigns.{table} order by 1, 2")
        for table in ("delivery", "push_receipt", "guard_stop", "approval")
    ]
    return [*there, *here]


def test_the_full_difference_and_nothing_changed(second_day: Company) -> None:
    """Every change with its reason, what would wait among them; the push that follows does exactly that."""
    before = everything(second_day)
    rows: list[dict[str, Any]] = []
    found = preview(second_day.run(), lambda row: rows.append(dict(row)))
    assert everything(second_day) == before
    assert [(row["campaign"], row["change"], row["customer_key"], row["reason"], row["waits"]) for row in rows] == [
        ("visit", "task_withdrawn", 1, "gone", False),
        ("welcome", "added", 7, None, False),
        ("win_back", "added", 6, None, False),
        ("win_back", "removed", 1, "gone", True),
        ("win_back", "removed", 2, "no_consent", False),
        ("win_back", "removed", 3, "gone", True),
        ("win_back", "removed", 4, "gone", True),
        ("win_back", "updated", 5, None, True),
    ]
    assert set(rows[0]) == set(CHANGE)
    assert found.changes == 8
    assert str(found.verdict) == "win_back: leaves 3, allowed 2"
    by_play = {play.play: play for play in found.plays}
    assert (by_play["win_back"].held, by_play["win_back"].waits, dict(by_play["win_back"].reasons)) == (
        5, 4, {"gone": 3, "no_consent": 1},
    )  # fmt: skip
    counts = second_day.push()
    assert (counts["added"], counts["removed"], counts["tasks_withdrawn"], counts["withheld"]) == (2, 1, 1, 4)
    assert counts["needs_approval"] == str(found.verdict)


def test_it_says_what_an_approval_would_let_through(second_day: Company) -> None:
    second_day.push()
    campaigns.approve(second_day.warehouse, second_day.run().business_date, "Wu", "they bought")
    assert preview(second_day.run()).verdict.waiting == ()
    assert second_day.push()["withheld"] == 0


def test_an_older_day_would_do_nothing(second_day: Company) -> None:
    second_day.push()
    pushed = second_day.run().business_date
    second_day.as_of_date = second_day.as_of_date.fromordinal(second_day.as_of_date.toordinal() - 1)
    assert preview(second_day.run()).skipped == f"older than {pushed}"


def test_it_needs_a_plan(light: Company) -> None:
    with pytest.raises(campaigns.NothingPlanned, match="Plan the day first"):
        preview(light.run())
