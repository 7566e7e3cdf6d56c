"""From service messages one unsubscribes by play: the plan, the push and the view that tools read say the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from retention.campaigns.why import why
from tests.retention.campaigns.conftest import KEYS, Company

RECOVERY = ("complaint_recovery", "Fang")


@pytest.fixture
def fang(company: Company) -> Company:
    """Fang's severe complaint was resolved yesterday; she is owed a word about it."""
    company.customer("Fang", orders=1, first=8, last=8, stage="new")
    company.complaint("Fang", "severe", opened=4, resolved=1)
    company.sync()
    return company


def unsubscribes(company: Company, channel: str, campaign: str = "complaint_recovery") -> None:
    """Her marketing tool reports it; the next sync reads that."""
    company.insert(
        "marketing.campaign_event", campaign=campaign, customer_key=KEYS["Fang"], channel=channel, kind="unsubscribed",
        occurred_at=datetime.now(UTC),
    )  # fmt: skip
    company.sync()


def test_who_unsubscribed_from_a_service_play_is_not_planned_for_it(fang: Company) -> None:
    """By one channel: another is taken. By all: nobody. After a new grant of service: again."""
    unsubscribes(fang, "all", campaign="renewal")  # another campaign is another matter
    fang.plan()
    assert fang.decisions("state, channel")[RECOVERY] == ("selected", "sms")
    unsubscribes(fang, "sms")
    fang.plan()
    assert fang.decisions("state, channel")[RECOVERY] == ("selected", "email")
    assert fang.ask("select purpose, channel from privacy.consent where origin = 'campaign_event'") == [
        ("marketing", "all"), ("marketing", "sms"),
    ]  # fmt: skip

    unsubscribes(fang, "carrier pigeon")  # a channel we do not know might be any
    fang.plan()
    assert fang.decisions()[RECOVERY] == ("excluded", "no_consent")
    answer = why(fang.warehouse, fang.settings, KEYS["Fang"], "complaint_recovery")
    assert answer.sentence_en.split("unsubscribed from this play")[1].endswith(
        "(unsubscribed: by e-mail, by SMS, by phone, by WeChat, in the app)."
    )
    assert "已在该活动所有可触达渠道上退订" in answer.sentence_zh

    fang.consent("Fang", "service", "granted", "email", at=datetime.now(UTC))
    fang.sync()
    fang.plan()
    assert fang.decisions("state, channel")[RECOVERY] == ("selected", "email")
    fang.push()
    assert RECOVERY in fang.sendable()


def test_between_plan_and_push(fang: Company) -> None:
    """She unsubscribes after the plan: the push leaves her out, and a membership that stands ends."""
    fang.plan()
    unsubscribes(fang, "sms")
    fang.push()
    assert RECOVERY not in fang.members()
    fang.plan()
    fang.push()
    assert fang.members() == {RECOVERY}
    unsubscribes(fang, "email")
    fang.next_day()
    fang.plan()
    assert fang.decisions()[RECOVERY][0] == "excluded"
    fang.push()
    assert fang.members() == set()


def test_without_it_the_plan_counts_on_who_hears_nothing(fang: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The damage: she is handed out by a channel on which no tool may see her, and nobody tries another one."""
    monkeypatch.setattr("retention.privacy.unsubscribes._refuse_campaigns", lambda connection, entries: None)
    unsubscribes(fang, "sms")
    fang.plan()
    fang.push()
    assert RECOVERY in fang.members()
    assert RECOVERY not in fang.sendable()
