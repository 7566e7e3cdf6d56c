"""What becomes of contenders, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from retention.campaigns.allocation import Budgets
from retention.campaigns.capping import Contacts
from retention.campaigns.plays import Play, load_plays
from retention.campaigns.settling import Settled, settle
from retention.settings_campaigns import CampaignSettings

DAY = date(2026, 4, 2)
ANA, BO, CHEN = 1, 2, 3


@pytest.fixture
def plays(plays_dir: Path) -> list[Play]:
    """The nine of the staffed company; strategic care has room for one visit a day."""
    path = plays_dir / "strategic_care.yml"
    path.write_text(path.read_text(encoding="utf-8") + "capacity_per_day: 1\n", encoding="utf-8")
    return load_plays(plays_dir)


def settled(
    plays: list[Play],
    *rows: tuple[int, str, dict[str, object]],
    budgets: Budgets | None = None,
    contacts: dict[int, Contacts] | None = None,
) -> dict[tuple[int, str], object]:
    """Settle rows of customer and play, given where they differ from one worth 10 at a cost of 1 who would begin today."""
    names = [play.name for play in plays]
    full = [
        {
            "as_of_date": DAY, "customer_key": customer, "position": names.index(play) + 1, "channel_number": 0, "rung": 1,
            "period_key": "p", "send_key": f"{play}|{customer}", "joined_on": DAY, "is_control": False, "is_top": False,
            "value_minor": 10.0, "cost_minor": 1.0, "evidence": "stated", "holdout_bucket": 0.5, "verdict": "exempt",
            "beaten_by": None, **more,
        }
        for customer, play, more in rows
    ]  # fmt: skip
    kinds = {"position": pa.int16(), "channel_number": pa.int16(), "beaten_by": pa.int16()}
    table = pa.table({name: pa.array([row[name] for row in full], kinds.get(name)) for name in full[0]})
    rooms = {names.index("strategic_care") + 1: 1.0}
    limits = CampaignSettings(contact_cap=2, contact_cap_per_channel=1)
    found: Settled = settle(table, plays, DAY, replace(budgets or Budgets(), tasks=rooms), contacts, limits)
    return {
        (row["customer_key"], names[row["position"] - 1]): (row["verdict"], row["beaten_by"] and names[row["beaten_by"] - 1])
        for row in found.table.to_pylist()
    }


def test_the_greater_value_has_the_day_and_service_goes_on(plays: list[Play]) -> None:
    assert settled(plays, (ANA, "birthday", {}), (ANA, "win_back", {"value_minor": 30.0}), (ANA, "complaint_recovery", {})) == {
        (ANA, "birthday"): ("beaten", "win_back"),
        (ANA, "win_back"): ("chosen", None),
        (ANA, "complaint_recovery"): ("exempt", None),
    }


def test_what_was_handed_out_today_keeps_the_day_and_yesterdays_goes_on(plays: list[Play]) -> None:
    yesterday = {"joined_on": DAY - timedelta(days=1), "verdict": "standing"}
    assert settled(
        plays, (ANA, "birthday", {"verdict": "chosen"}), (ANA, "win_back", {"value_minor": 30.0}), (BO, "welcome", yesterday),
        (BO, "birthday", {}),
    ) == {
        (ANA, "birthday"): ("chosen", None),
        (ANA, "win_back"): ("beaten", "birthday"),
        (BO, "welcome"): ("standing", None),
        (BO, "birthday"): ("chosen", None),
    }  # fmt: skip


def test_control_is_who_would_be_contacted(plays: list[Play]) -> None:
    """Ana would have had the birthday; Bo would not, and his day is free for what does not hold him back; staff plays draw too."""
    drawn = {"is_control": True}
    assert settled(
        plays, (ANA, "birthday", drawn), (ANA, "tier_nudge", {"value_minor": 5.0}), (BO, "birthday", drawn),
        (BO, "win_back", {"value_minor": 30.0}), (CHEN, "complaint_call", drawn),
    ) == {
        (ANA, "birthday"): ("control", None),
        (ANA, "tier_nudge"): ("chosen", None),
        (BO, "birthday"): ("beaten", "win_back"),
        (BO, "win_back"): ("chosen", None),
        (CHEN, "complaint_call"): ("control", None),
    }  # fmt: skip


def test_room_for_one_visit_and_money_for_one_coupon(plays: list[Play]) -> None:
    names = [play.name for play in plays]
    found = settled(
        plays, (ANA, "strategic_care", {}), (BO, "strategic_care", {"value_minor": 50.0}), (ANA, "birthday", {}),
        (BO, "birthday", {"value_minor": 9.0}), (CHEN, "birthday", {"value_minor": -1.0}), (CHEN, "welcome", {"value_minor": 0.5}),
        budgets=Budgets(play_minor={names.index("birthday") + 1: 1.0}),
    )  # fmt: skip
    assert found == {
        (ANA, "strategic_care"): ("channel_full", None),
        (BO, "strategic_care"): ("exempt", None),
        (ANA, "birthday"): ("chosen", None),
        (BO, "birthday"): ("over_budget", None),
        (CHEN, "birthday"): ("do_not_disturb", None),
        (CHEN, "welcome"): ("below_minimum_value", None),
    }


def test_a_call_that_does_not_pay_is_made_all_the_same(plays: list[Play]) -> None:
    """And takes its place in the capacity: nobody asks whether a visit pays for itself."""
    found = settled(plays, (ANA, "strategic_care", {"value_minor": 0.1}), (BO, "strategic_care", {"value_minor": 0.0}))
    assert sorted(verdict for verdict, _ in found.values()) == ["channel_full", "exempt"]  # type: ignore[misc]


def test_the_caps_count_what_else_the_day_brings(plays: list[Play]) -> None:
    """A team lets its caps hold for a service play of its own: it comes first, and promotion takes what is left of one per channel."""
    own = [replace(play, is_capped=True) if play.kind != "promotional" else play for play in plays]
    by_sms: dict[str, object] = {"channel_number": 1}
    fresh = {ANA: Contacts(), BO: Contacts({"app": 1}), CHEN: Contacts({"sms": 1}, {"sms": 1})}
    found = settled(
        own, (ANA, "complaint_recovery", by_sms), (ANA, "birthday", by_sms), (BO, "complaint_recovery", {}), (BO, "birthday", by_sms),
        (CHEN, "complaint_recovery", by_sms), (CHEN, "birthday", {"channel_number": 1, "verdict": "chosen"}), contacts=fresh,
    )  # fmt: skip
    assert found == {
        (ANA, "complaint_recovery"): ("exempt", None),
        (ANA, "birthday"): ("frequency_cap", None),
        (BO, "complaint_recovery"): ("exempt", None),
        (BO, "birthday"): ("frequency_cap", None),
        (CHEN, "complaint_recovery"): ("frequency_cap", None),
        (CHEN, "birthday"): ("chosen", None),
    }


def test_control_is_judged_as_before_anything_was_handed_out(plays: list[Play]) -> None:
    """Chen was drawn for the service play in the morning and got the birthday: planned again, he is control as he was."""
    own = [replace(play, is_capped=True) if play.kind != "promotional" else play for play in plays]
    drawn: dict[str, object] = {"channel_number": 1, "is_control": True}
    today = {CHEN: Contacts({"sms": 1}, {"sms": 1})}
    found = settled(
        own, (CHEN, "complaint_recovery", drawn), (CHEN, "birthday", {"channel_number": 1, "verdict": "chosen"}), contacts=today
    )
    assert found[CHEN, "complaint_recovery"] == ("control", None)
