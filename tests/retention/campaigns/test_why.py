"""`retention why`: one sentence, with the customer's own numbers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

import pytest
from typer.testing import CliRunner

from retention.campaigns.catalogue import attributes
from retention.campaigns.plays import load_plays
from retention.campaigns.why import Why, WhyUnknown, why
from retention.campaigns.why_words import Words
from retention.cli import app
from retention.settings import Settings
from tests.retention.campaigns.conftest import KEYS, Company


@pytest.fixture
def planned(staffed: Company) -> Company:
    """Everybody's stories, planned; Chen would also be rescued."""
    staffed.do("update scores.churn set churn_probability = 0.6 where customer_key = 3")
    staffed.plan()
    return staffed


def ask(company: Company, name: str, play: str, **more: Any) -> Why:
    return why(company.warehouse, company.settings, KEYS[name], play, **more)


def test_why_says_in_both_languages_what_was_decided(planned: Company) -> None:
    """All in one company, since planning it is what takes the time."""
    ana = ask(planned, "Ana", "second_purchase")
    assert ana.state == "selected"
    assert ana.rules == ()
    assert ana.sentence_en == (
        f"Customer 1 gets “Second purchase” as of {planned.as_of_date}: by e-mail, 10 % off the second order. "
        "Why: lifecycle stage: new; paid orders: 1; days since the first order: 9."
    )
    assert ana.sentence_zh.startswith(
        f"客户 1 于 {planned.as_of_date} 参加“二购”：通过邮件，第二单九折。原因：生命周期阶段：新客"
    )

    bo = ask(planned, "Bo", "second_purchase")
    assert bo.rules == ("no_consent",)
    assert bo.sentence_en.endswith(
        "no consent for promotion on any of the play's channels with an address "
        "(addresses: by e-mail, by SMS, by phone, through staff; permitted: none)."
    )

    gao = ask(planned, "Gao", "second_purchase")
    assert gao.sentence_zh.endswith("不参加“二购”：有未结投诉，暂停促销。")
    fang = ask(planned, "Fang", "second_purchase")
    assert "a complaint was resolved 1 days ago, promotion rests for 7 days" in fang.sentence_en

    emma = ask(planned, "Emma", "second_purchase")
    assert emma.rules == ("not_in_audience",)
    assert emma.sentence_en.endswith(
        "the play is not for this customer (lifecycle stage is lost, asked for: new; paid orders is 3, asked for: 1; "
        "days since the first order is 510, asked for: between 7 and 15)."
    )
    assert "距首单天数为510，要求7至15" in emma.sentence_zh

    chen = ask(planned, "Chen", "birthday")
    assert chen.rules == ("beaten",)
    assert "“Churn rescue” has the day: expected to bring" in chen.sentence_en
    assert "当天由“流失挽留”占用" in chen.sentence_zh

    ruled_out = ask(planned, "Emma", "birthday")
    assert "asked for: none of prospect, lost" in ruled_out.sentence_en


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_rule_of_every_shipped_play_can_be_worded(language: Literal["en", "zh"]) -> None:
    """Groups within groups and flags too, of which the company above has none."""
    flags = {name: True for name, attribute in attributes().items() if attribute.unit == "flag"}
    for play in load_plays():
        for known in ({}, flags):
            facts = {"customer": 1, "play": play.name, "attributes": known, "definition": {}}
            words = Words(Settings(), language, facts, {}, date(2026, 4, 1))
            assert "True" not in words.answer([("not_in_audience", {language: "?"})], [play.condition]), play.name


def test_what_else_fails_is_said_beside(staffed: Company) -> None:
    staffed.consent("Gao", "marketing", "withdrawn")
    staffed.plan()
    gao = ask(staffed, "Gao", "second_purchase")
    assert gao.rules == ("no_consent", "complaint_hold")
    assert gao.sentence_en.endswith("Beside that: a complaint is open, promotion rests.")


def test_a_membership_that_goes_on_says_since_when(staffed: Company) -> None:
    staffed.plan()
    staffed.push()
    first = staffed.as_of_date
    staffed.next_day()
    staffed.plan()
    assert f"has been getting “Second purchase” since {first}" in ask(staffed, "Ana", "second_purchase").sentence_en
    assert ask(staffed, "Ana", "second_purchase", as_of_date=first).sentence_en.startswith("Customer 1 gets")


def test_what_cannot_be_answered_says_what_can(planned: Company) -> None:
    with pytest.raises(WhyUnknown, match="did you mean win_back"):
        ask(planned, "Ana", "winback")
    with pytest.raises(WhyUnknown, match=f"kept are {planned.as_of_date} to {planned.as_of_date}"):
        ask(planned, "Ana", "win_back", as_of_date=planned.as_of_date - timedelta(days=40))
    with pytest.raises(WhyUnknown, match="customer 4711 is not among the customers"):
        why(planned.warehouse, planned.settings, 4711, "win_back")


def test_before_the_first_plan(company: Company) -> None:
    with pytest.raises(WhyUnknown, match="no day was planned yet"):
        ask(company, "Ana", "win_back")


def test_the_command(staffed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """By key (keys are signed) and by the number of a source; every play where none is named; in Chinese."""
    staffed.plan()
    monkeypatch.setenv("RETENTION_WAREHOUSE_URL", staffed.warehouse.url.render_as_string(hide_password=False))
    monkeypatch.setenv("RETENTION_MARKETING_URL", staffed.marketing.url.render_as_string(hide_password=False))

    def run(*arguments: str) -> str:
        return " ".join(CliRunner().invoke(app, arguments).output.split())

    def said(*arguments: str) -> str:
        return str(CliRunner().invoke(app, ["why", *arguments]).output)

    assert said("1", "second_purchase").startswith("Customer 1 gets “Second purchase”")
    assert said("crm:C001", "second_purchase", "--lang", "zh").startswith("客户 1 于")
    assert len(said("1").splitlines()) == 9
    assert "customer -5 is not among the customers" in " ".join(said("-5", "win_back").split())
    assert "did you mean win_back" in " ".join(said("1", "winback").split())
    assert "no customer is known by that number of the source crm; sources with customers: crm." in run("why", "crm:C999")
    staffed.insert("segments.tier_move", customer_key=1, from_tier=None, to_tier="vip", reason="first_seen", tier_probability=1.0,
                   as_of_date=staffed.as_of_date, value_class="base")  # fmt: skip
    assert str(staffed.as_of_date) in run("segment", "history", "crm:C001")
    assert str(staffed.as_of_date) in run("segment", "history", "--source", "crm", "--customer-id", "C001")
    assert "this customer is in no slice" in run("segment", "history", "-5")
    assert "this customer has no tag" in run("segment", "tags", "crm:C001")
    assert "SOURCE:NUMBER" in run("segment", "tags", "Ana")
