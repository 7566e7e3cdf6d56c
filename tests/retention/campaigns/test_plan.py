"""Audiences of named people, worked out by hand, with the reason of everybody who is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from retention import campaigns
from retention.campaigns import planning, standing_still
from retention.campaigns.plays import PLAYS_DIR
from retention.campaigns.why import why
from retention.warehouse import read_frame, sql_file
from tests.retention.campaigns.conftest import KEYS, Company

EXPECTED = {
    ("second_purchase", "Ana"): ("selected", None),
    ("second_purchase", "Bo"): ("excluded", "no_consent"),
    ("second_purchase", "Fang"): ("excluded", "complaint_hold"),
    ("second_purchase", "Gao"): ("excluded", "complaint_hold"),
    ("birthday", "Chen"): ("selected", None),
    ("strategic_care", "Chen"): ("selected", None),
    ("churn_rescue", "Dai"): ("selected", None),
    ("win_back", "Emma"): ("selected", None),
    ("complaint_recovery", "Fang"): ("selected", None),
    ("complaint_call", "Gao"): ("selected", None),
    ("welcome", "Hana"): ("selected", None),
    ("tier_nudge", "Jin"): ("selected", None),
}


def test_everybody_gets_what_was_worked_out_by_hand(staffed: Company) -> None:
    """And nobody else gets anything: Ivo, a prospect, is in no audience."""
    staffed.plan()
    assert staffed.decisions() == EXPECTED


def test_reasons_name_the_values_in_both_languages(staffed: Company) -> None:
    staffed.plan()
    found = staffed.decisions("reasons_en, reasons_zh")
    assert found["second_purchase", "Ana"] == (
        "lifecycle stage: new; paid orders: 1; days since the first order: 9",
        "生命周期阶段：新客；累计订单数：1；距首单天数：9",
    )
    assert found["churn_rescue", "Dai"][0] == ("churn probability: 50 %; value at risk: 1000.00 CNY; lifecycle stage: at_risk")


def test_offers_follow_the_ladder(staffed: Company) -> None:
    """Dai has 1,000.00 at risk: the top rung. Fang's case was severe: the full refund."""
    staffed.plan()
    offers = staffed.decisions("offer")
    assert offers["churn_rescue", "Dai"] == "rescue_50_yuan"
    assert offers["complaint_recovery", "Fang"] == "full_refund_and_20_yuan"
    assert offers["second_purchase", "Ana"] == "second_order_10_percent"


def test_channels_by_preference_and_address(staffed: Company) -> None:
    """Ana has no WeChat and no app with us: e-mail comes before SMS. Emma's play prefers SMS."""
    staffed.plan()
    channels = staffed.decisions("channel, language")
    assert channels["second_purchase", "Ana"] == ("email", "en")
    assert channels["win_back", "Emma"] == ("sms", "zh")


def test_a_channel_that_was_refused_is_not_used(staffed: Company) -> None:
    """Emma wants no promotional SMS: e-mail takes its place."""
    staffed.consent("Emma", "marketing", "withdrawn", channel="sms")
    staffed.plan()
    assert staffed.decisions("channel")["win_back", "Emma"] == "email"


def test_selected_and_left_out_are_the_population(staffed: Company) -> None:
    staffed.plan()
    rows = staffed.ask("select play, population, not_in_audience, excluded, control, selected from campaigns.play_run")
    assert len(rows) == 9
    assert {row[1] for row in rows} == {10}
    assert all(population == sum(parts) for _, population, *parts in rows)
    assert {row[0]: tuple(row[2:]) for row in rows}["second_purchase"] == (6, 3, 0, 1)


def test_negotiation_for_staff(staffed: Company) -> None:
    """Gao's case is medium: 10 to open, 30 at most, 20 to meet. Chen's account manager gets the visit."""
    staffed.plan()
    rows = staffed.ask(
        "select play, account_owner, opening_minor, midpoint_minor, ceiling_minor, talking_points_zh from campaigns.staff_task order by play"
    )
    assert [row[:5] for row in rows] == [("complaint_call", None, 1000, 2000, 3000), ("strategic_care", "Wu", None, None, None)]
    assert "最近投诉：中等，2天前，未结" in rows[0][5]


def test_a_share_of_the_order_for_severe_cases(company: Company) -> None:
    """Gao's severe case is about an order of 700.00: half of it to open, 1.2 times at most."""
    company.customer("Gao")
    company.complaint("Gao", "severe", opened=2)
    company.plan()
    assert company.ask("select opening_minor, midpoint_minor, ceiling_minor from campaigns.staff_task") == [
        (35_000, 59_500, 84_000)
    ]


def _erased(c: Company) -> None:
    c.insert("privacy.tombstone", source_customer_key=KEYS["Ana"], request_id="r1", erased_at=datetime.now(UTC))


def _suppressed(c: Company) -> None:
    from retention.privacy.pseudonyms import address_hash

    digest = address_hash(c.run().secrets.pepper, "ana@example.com")
    c.insert("privacy.suppression", address_hash=digest, channel="all", reason="complained", since=datetime.now(UTC))


def _test_account(c: Company) -> None:
    c.do("update core.customer set is_test = true")


def _staff(c: Company) -> None:
    c.do("update core.customer set is_staff = true")


def _no_consent(c: Company) -> None:
    c.do("alter table privacy.consent disable trigger append_only")  # as if nothing had ever been said
    c.do("delete from privacy.consent")


def _no_address(c: Company) -> None:
    c.do("update pii.contact set email = null, phone = null")


def _open_complaint(c: Company) -> None:
    c.complaint("Ana", "minor", opened=1)


def _delivery(
    c: Company, play: str = "second_purchase", days: int = 3, period: str = "once", channel: str = "email", **more: Any
) -> None:
    joined = c.as_of_date - timedelta(days=days)
    c.insert(
        "campaigns.delivery", send_key=f"{play}|{channel}|{period}|{KEYS['Ana']}|{days}", play=play, customer_key=KEYS["Ana"],
        kind="promotional", period_key=period, channel=channel, is_capped=True, as_of_date=joined, valid_from=c.days_ago(days),
        **{"valid_until": c.days_ago(days - 1), **more},
    )  # fmt: skip


def _received(c: Company) -> None:
    _delivery(c, days=40)


def _capped(c: Company) -> None:
    _delivery(c, "birthday", days=3, period="a", channel="wechat")
    _delivery(c, "welcome", days=2, period="b", channel="app")


@pytest.mark.parametrize(
    ("happens", "rule", "bits"),
    [
        pytest.param(_erased, "erased", 1, id="erased"),
        pytest.param(_suppressed, "suppressed", 2, id="suppressed"),
        pytest.param(_test_account, "test_or_staff", 4, id="test account"),
        pytest.param(_staff, "test_or_staff", 4, id="staff"),
        pytest.param(_no_consent, "no_consent", 8, id="never asked"),
        pytest.param(_open_complaint, "complaint_hold", 32, id="complaint open"),
        pytest.param(_received, "already_received", 64, id="had it forty days ago"),
        pytest.param(_capped, "frequency_cap", 256, id="two contacts this week"),
        pytest.param(_no_address, "no_usable_channel", 512, id="no address"),
    ],
)
def test_each_rule_keeps_ana_out(company: Company, happens: Any, rule: str, bits: int) -> None:
    """Ana bought once, nine days ago; one thing is different each time, and it alone is the reason."""
    company.customer("Ana", orders=1, first=9, last=9, stage="new")
    happens(company)
    company.plan()
    found = company.decisions("state, first_failing_rule, failing_rules")["second_purchase", "Ana"]
    assert found == ("excluded", rule, bits)


def test_all_failing_rules_are_kept(staffed: Company) -> None:
    """Gao's complaint is open and he withdrew: the first rule is named, the mask holds both."""
    staffed.consent("Gao", "marketing", "withdrawn")
    staffed.plan()
    found = staffed.decisions("first_failing_rule, failing_rules")["second_purchase", "Gao"]
    assert found == ("no_consent", 8 + 32)


def test_who_does_not_want_a_profile_is_not_rescued_by_one(staffed: Company) -> None:
    """Dai's probability is a prediction; the tier nudge of Jin asks for none and stays."""
    staffed.consent("Dai", "profiling", "withdrawn")
    staffed.consent("Jin", "profiling", "withdrawn")
    staffed.plan()
    assert staffed.decisions()["churn_rescue", "Dai"] == ("excluded", "profiling_withdrawn")
    assert staffed.decisions()["tier_nudge", "Jin"] == ("selected", None)


def test_promotion_rests_for_days_after_a_complaint(company: Company) -> None:
    """Resolved seven days ago: still resting. Eight days ago: no more."""
    for name, days in (("Ana", 7), ("Bo", 8)):
        company.customer(name, orders=1, first=9, last=9, stage="new")
        company.complaint(name, "minor", opened=days + 2, resolved=days)
    company.plan()
    assert company.decisions()["second_purchase", "Ana"] == ("excluded", "complaint_hold")
    assert company.decisions()["second_purchase", "Bo"] == ("selected", None)


def test_one_promotional_play_a_day(staffed: Company) -> None:
    """Chen would also be rescued: rescue (90) beats birthday (40); the visit by the account manager stays."""
    staffed.do("update scores.churn set churn_probability = 0.6 where customer_key = 3")
    staffed.plan()
    found = staffed.decisions("state, first_failing_rule, beaten_by")
    assert found["churn_rescue", "Chen"] == ("selected", None, None)
    assert found["birthday", "Chen"] == ("excluded", "beaten", "churn_rescue")
    assert found["strategic_care", "Chen"] == ("selected", None, None)


def test_the_play_handed_out_today_keeps_the_customer(staffed: Company) -> None:
    """Chen's birthday greeting is out when the day is planned again with a rescue to offer: not two promotions in one day."""
    staffed.plan()
    staffed.push()
    staffed.do("update scores.churn set churn_probability = 0.6 where customer_key = 3")
    staffed.plan()
    found = staffed.decisions("state, first_failing_rule, beaten_by")
    assert found["birthday", "Chen"] == ("selected", None, None)
    assert found["churn_rescue", "Chen"] == ("excluded", "beaten", "birthday")


def test_what_was_handed_out_today_counts_though_it_is_taken_back(staffed: Company) -> None:
    """In the morning Chen gets her birthday and a visit. At noon the birthday play is gone, and Dai is a VIP: no second promotion for
    her, and no second visit on a day with room for one, though hers is taken back."""
    visits = staffed.plays_dir / "strategic_care.yml"
    visits.write_text(visits.read_text(encoding="utf-8") + "capacity_per_day: 1\n", encoding="utf-8")
    staffed.plan()
    staffed.push()
    assert {("birthday", "Chen")} <= staffed.members()
    (staffed.plays_dir / "birthday.yml").unlink()
    staffed.do("update scores.churn set churn_probability = 0.6 where customer_key = 3")
    staffed.do(
        "update segments.tier set service_tier = case customer_key when 4 then 'vip' else 'ordinary' end "
        "where customer_key in (3, 4)"
    )
    staffed.do("update segments.value_matrix set value_class = 'base' where customer_key = 3")
    staffed.plan()
    found = staffed.decisions()
    assert found["churn_rescue", "Chen"] == ("excluded", "beaten")
    assert ("strategic_care", "Chen") not in found
    assert found["strategic_care", "Dai"] == ("excluded", "channel_full")
    answer = why(staffed.warehouse, staffed.settings, KEYS["Chen"], "churn_rescue")
    assert "a promotion has been handed out today already" in answer.sentence_en


def test_win_back_stops_after_three_tries(company: Company) -> None:
    """Emma has been asked back in three months since her last order; a try before that order does not count."""
    company.customer("Emma", stage="lost", last=400, churn=0.9, clv=0)
    for days in (420, 90, 60):
        company.insert(
            "campaigns.delivery", send_key=f"k{days}", play="win_back", customer_key=KEYS["Emma"], kind="promotional",
            period_key=f"p{days}", channel="sms", is_capped=True, as_of_date=company.as_of_date - timedelta(days=days),
            valid_until=company.days_ago(days - 1),
        )  # fmt: skip
    company.plan()
    assert company.decisions()["win_back", "Emma"] == ("selected", None)
    company.do("update campaigns.delivery set as_of_date = as_of_date + 300 where send_key = 'k420'")
    company.plan()
    assert company.decisions()["win_back", "Emma"] == ("excluded", "stopped")


def test_control_is_drawn_by_the_hash_and_stays(company: Company) -> None:
    """The shipped shares, in SQL and in Python."""
    company.plays_dir = PLAYS_DIR
    for name in KEYS:
        company.customer(name, missing=110_000, stage="loyal", tier="vip")
    company.plan()
    buckets = company.decisions("state, holdout_bucket, period_key")
    shares = {"tier_nudge": 0.1, "strategic_care": 0.05}
    assert shares.keys() < {play for play, _ in buckets}
    for (play, name), (state, found, period) in buckets.items():
        if play not in shares or found is None:
            continue
        expected = campaigns.bucket(company.settings.campaigns.holdout_salt, play, period, KEYS[name])
        assert found == expected, "SQL and Python must agree to the bit"
        assert (state == "control") == (expected < shares[play])


def test_who_was_drawn_stays_control(company: Company) -> None:
    """Somebody was drawn, and turns out to be Jin: within the period the draw is kept, whatever the share says now."""
    company.customer("Jin", missing=110_000, stage="loyal")
    period = f"{company.as_of_date:%Y-%m}"
    company.insert("campaigns.holdout", play="tier_nudge", period_key=period, customer_key=4711, bucket=0.01, share=0.1)
    company.plan()
    assert company.decisions()["tier_nudge", "Jin"] == ("selected", None)
    company.insert("core.customer_alias", source_customer_key=4711, customer_key=KEYS["Jin"], rule="email")
    company.plan()
    assert company.decisions()["tier_nudge", "Jin"] == ("control", "control")


def test_control_is_watched_from_the_first_day_that_was_pushed(company: Company) -> None:
    """The first day's push failed for good: whoever was held back that day is control from the second day on, and stays so."""
    for path in company.plays_dir.glob("*.yml"):
        path.write_text(
            path.read_text(encoding="utf-8").replace("holdout_share: 0.000000001", "holdout_share: 0.5"), encoding="utf-8"
        )
    for name in KEYS:
        company.customer(name, stage="new", orders=1, first=1, last=1)
    company.plan()
    company.next_day()
    company.plan()
    company.push()
    drawn = company.ask("select assigned_on, count(*) from campaigns.holdout where play = 'welcome' group by 1")
    assert [day for day, _ in drawn] == [company.as_of_date]
    company.next_day()
    company.plan()
    company.push()
    assert company.ask("select assigned_on, count(*) from campaigns.holdout where play = 'welcome' group by 1") == drawn


def test_planning_again_changes_nothing(staffed: Company) -> None:
    """The slice's checksum is that of its rows."""
    staffed.plan()
    first = staffed.ask("select table_name, rows, checksum from ops.published where table_name like 'campaigns.%'")
    staffed.push()
    staffed.plan()
    again = staffed.ask("select table_name, rows, checksum from ops.published where table_name like 'campaigns.%'")
    assert {row[0]: row[1:] for row in again if row[0] != "campaigns.delivery"} == {row[0]: row[1:] for row in first}


def test_many_customers_are_planned_like_few(staffed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """In turns of four customers, and with the slices hung in as they were staged: the same decisions, twice."""
    monkeypatch.setattr("retention.campaigns.planning.ATTACHED_FROM", 0)
    monkeypatch.setattr("retention.campaigns.stages.CUSTOMERS_PER_STATEMENT", 2)
    staffed.plan()
    assert staffed.decisions() == EXPECTED
    staffed.push()
    staffed.plan()
    assert staffed.decisions() == EXPECTED
    assert staffed.ask("select distinct population from campaigns.play_run") == [(10,)]


def test_a_wrong_play_stops_no_other_and_goes_on_as_it_was(staffed: Company) -> None:
    """Somebody mistyped the birthday play: everybody gets what was planned the day before, and the mistake is on record."""
    staffed.plan()
    staffed.push()
    members = staffed.members()
    wrong = staffed.plays_dir / "birthday.yml"
    wrong.write_text(wrong.read_text(encoding="utf-8").replace("priority: 40", "priority: forty"), encoding="utf-8")
    (staffed.plays_dir / "new.yml").write_text("play: new\n", encoding="utf-8")

    staffed.next_day()
    found = staffed.plan()["wrong_plays"]
    staffed.push()

    assert staffed.members() == members
    assert "birthday.yml:20: priority" in found[0]
    assert found[0].endswith("(birthday is planned as it was before)")
    assert found[1].startswith("new.yml:1: play lacks")
    assert found[1].endswith("(new is left out)")
    kept = staffed.ask("select severity, passed, expected from ops.check_result where table_name = 'campaigns.play'")
    assert [row[2] for row in kept] == found
    assert {row[:2] for row in kept} == {("warn", False)}
    assert list(read_frame(staffed.warehouse, sql_file("_report/stuck"))["what"]) == found

    wrong.write_text((PLAYS_DIR / "birthday.yml").read_text(encoding="utf-8"), encoding="utf-8")
    (staffed.plays_dir / "new.yml").unlink()
    assert "wrong_plays" not in staffed.plan()
    assert read_frame(staffed.warehouse, sql_file("_report/stuck")).empty


def test_without_the_last_definition_its_members_would_leave(staffed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The damage: Chen would lose the offer because of a typing error, were it not that the guard waits then."""
    staffed.plan()
    staffed.push()
    (staffed.plays_dir / "birthday.yml").write_text("play: birthday\n", encoding="utf-8")
    monkeypatch.setattr("retention.campaigns.planning._last_definitions", lambda run: {})
    staffed.next_day()
    staffed.plan()
    assert ("birthday", "Chen") not in staffed.decisions()
    assert "birthday" in staffed.push()["needs_approval"]


def merged_meanwhile(company: Company, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """While the day is planned a load publishes that Fang is Ana, between one statement and the next."""
    compiled, left = planning.eligibility_query, [times]

    def meanwhile(*given: Any) -> Any:
        if left[0]:
            left[0] -= 1
            company.do(
                "update core.customer_alias set customer_key = case when customer_key = :ana then :fang else :ana end "
                "where source_customer_key = :fang", ana=KEYS["Ana"], fang=KEYS["Fang"],
            )  # fmt: skip
            company.do("update core.customer set valid_to = now() where customer_key = :fang", fang=KEYS["Fang"])
        return compiled(*given)

    monkeypatch.setattr(planning, "eligibility_query", meanwhile)


def test_a_plan_is_made_of_one_state(staffed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Fang had yesterday is Ana's by the end: the plan is made again, of what was published; if that never ends, none is."""
    staffed.plan()
    staffed.push()
    staffed.next_day()
    before = staffed.ask("select count(*) from campaigns.decision")
    merged_meanwhile(staffed, monkeypatch, times=standing_still.TRIES)
    with pytest.raises(campaigns.InputsMoved, match=r"published again while it was being made, 3 times\. Nothing published"):
        staffed.plan()
    assert staffed.ask("select count(*) from campaigns.decision") == before
    merged_meanwhile(staffed, monkeypatch, times=2)
    staffed.plan()
    assert ("complaint_recovery", "Fang") not in staffed.decisions()


def test_without_that_proof_a_person_gets_it_twice(staffed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The damage: she is there under a number that has become another's, and what that had is not known of her any more."""
    staffed.plan()
    staffed.push()
    staffed.next_day()
    staffed.do("update campaigns.delivery set valid_until = valid_from + interval '1 hour' where play = 'complaint_recovery'")
    monkeypatch.setattr(standing_still, "fingerprint", lambda connection, run: ())
    monkeypatch.setattr(planning, "fingerprint", lambda connection, run: ())
    merged_meanwhile(staffed, monkeypatch, times=1)
    staffed.plan()
    assert staffed.decisions()["complaint_recovery", "Fang"] == ("selected", None)


def test_no_play_at_all_plans_nothing(staffed: Company) -> None:
    for path in staffed.plays_dir.glob("*.yml"):
        path.unlink()
    with pytest.raises(campaigns.PlayError, match="no play in it"):
        staffed.plan()
    assert staffed.decisions() == {}


@pytest.mark.parametrize("table", ["segments.lifecycle", "segments.tier", "scores.churn"])
def test_an_empty_slice_stops_the_plan(staffed: Company, table: str) -> None:
    staffed.plan()
    staffed.push()
    before = staffed.members()
    staffed.next_day()
    staffed.do(f"delete from {table} where as_of_date = :day", day=staffed.as_of_date)
    with pytest.raises(campaigns.UpstreamEmpty, match=table):
        staffed.plan()
    with pytest.raises(campaigns.NothingPlanned, match="nobody was removed"):
        staffed.push()
    assert staffed.members() == before != set()


def test_without_that_stop_everybody_would_leave(staffed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The damage: the audiences are emptied, and nobody notices."""
    staffed.plan()
    staffed.push()
    staffed.next_day()
    staffed.do("delete from segments.lifecycle where as_of_date = :day", day=staffed.as_of_date)
    monkeypatch.setattr("retention.campaigns.planning.require_upstream", lambda run: None)
    staffed.plan()
    staffed.push()
    assert ("second_purchase", "Ana") not in staffed.members()


def test_an_opt_out_by_address_keeps_everybody_out_who_has_the_address(staffed: Company) -> None:
    """Gao reads Hana's mailbox and says no to mail: she is not planned by e-mail, and not handed out if he says it later."""
    company = staffed
    company.do(
        "update pii.source_customer set email_normalised = 'hana@example.com' where source_customer_key = :gao", gao=KEYS["Gao"]
    )
    company.do("update pii.contact set email = 'hana@example.com' where customer_key = :gao", gao=KEYS["Gao"])
    company.sync()
    company.plan()
    before = company.decisions("state, channel")[("welcome", "Hana")]
    assert before == ("selected", "email")
    company.consent("Gao", "marketing", "withdrawn", "email")
    company.sync()
    company.push()
    assert ("welcome", "Hana") not in company.members()  # asked again at the push
    company.plan()
    assert company.decisions("state, channel")[("welcome", "Hana")][1] != "email"
