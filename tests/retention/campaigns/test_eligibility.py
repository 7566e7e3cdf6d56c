"""The rules that keep people out: one mask per customer and play, in a stated order, over everybody."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from retention.campaigns import compiling
from retention.campaigns.eligibility import RULES, place, plays_version
from retention.campaigns.plays import load_plays
from retention.campaigns.quiet import quiet_binds
from retention.privacy.limits import apply_limits
from retention.settings import SettingsError
from retention.warehouse import RetentionError, ensure_partitions, partition_name
from tests.retention.campaigns.conftest import KEYS, TODAY, Company, settings

CHANNEL_BITS = {"email": 1, "sms": 2, "phone": 4, "wechat": 8, "app": 16}


def change_play(company: Company, play: str, more: str) -> None:
    """Add lines to a play's file."""
    path = company.plays_dir / f"{play}.yml"
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")


def rules_of(company: Company, play: str, name: str) -> set[str]:
    """All rules that keep somebody out of a play."""
    rows = company.ask(
        "select rule from campaigns.exclusion inner join campaigns.exclusion_rule on bit & failing_rules > 0 "
        "where as_of_date = :day and play = :play and customer_key = :key",
        day=company.as_of_date, play=play, key=KEYS[name],
    )  # fmt: skip
    return {rule for (rule,) in rows}


def test_the_order_of_rules_is_the_same_everywhere(company: Company) -> None:
    """Each bit alone, and each with every later one, is named as the list says; kept masks make bits be for ever."""
    listed = company.ask("select rule, bit from campaigns.exclusion_rule order by position")
    assert dict(listed) == RULES
    assert sorted(RULES.values()) == [1 << number for number in range(len(RULES))]
    masks = [bit for _, bit in listed] + [a | b for (_, a), (_, b) in itertools.combinations(listed, 2)] + [0]
    company.insert("campaigns.plan_version", plays_version=1, plays=[f"p{n}" for n in range(len(masks))], content_hashes=[])
    company.insert("campaigns.eligibility", customer_key=7, plays_version=1, failing_rules=masks, address_channels=0,
                   permitted_marketing=0, permitted_service=0, room_channels=0)  # fmt: skip
    found = dict(company.ask("select failing_rules, first_failing_rule from campaigns.exclusion"))
    states = dict(company.ask("select failing_rules, state from campaigns.exclusion"))
    names = {bit: rule for rule, bit in listed}
    for mask in masks:
        first = next((names[bit] for _, bit in listed if mask & bit), None)
        assert found[mask] == first
        assert states[mask] == {0: "selected", RULES["control"]: "control"}.get(mask, "excluded")


def test_marks_of_the_crm_and_legal_matters(staffed: Company) -> None:
    """Chen is part of a lawsuit: not even the account manager calls. Jin's mark bars promotion only."""
    staffed.insert("segments.tag", customer_key=KEYS["Chen"], tags=[], demographic_tags=[], geographic_tags=[], crm_tags=[],
                   is_legal_hold=True)  # fmt: skip
    staffed.insert("segments.tag", customer_key=KEYS["Jin"], tags=[], demographic_tags=[], geographic_tags=[], crm_tags=[],
                   is_promotion_barred=True)  # fmt: skip
    staffed.insert("segments.tag", customer_key=KEYS["Fang"], tags=[], demographic_tags=[], geographic_tags=[], crm_tags=[],
                   is_promotion_barred=True)  # fmt: skip
    staffed.plan()
    found = staffed.decisions()
    assert found["strategic_care", "Chen"] == found["birthday", "Chen"] == ("excluded", "legal_hold")
    assert found["tier_nudge", "Jin"] == ("excluded", "promotion_barred")
    assert found["complaint_recovery", "Fang"] == ("selected", None)


def test_a_quiet_day_begins_nothing_and_ends_nothing(staffed: Company) -> None:
    staffed.plan()
    staffed.push()
    staffed.next_day()
    quiet = staffed.as_of_date.strftime("%A").lower()
    staffed.settings = settings(quiet_days=(quiet,))
    staffed.do(
        "update segments.membership set amount_to_next_level_minor = 5 where customer_key = 4"
    )  # a new one: Dai, for Jin's play
    staffed.plan()
    found = staffed.decisions()
    assert found["second_purchase", "Ana"] == ("selected", None), "who was handed out already keeps it"
    assert found["tier_nudge", "Dai"] == ("excluded", "quiet_hours")
    assert found["complaint_call", "Gao"] == ("selected", None), "staff work"


def test_less_than_the_play_asks_for(staffed: Company) -> None:
    """Jin's next year is worth 1,000.00; the nudge asks for more."""
    change_play(staffed, "tier_nudge", "minimum_value: {attribute: clv_12m_minor, at_least: 100001}\n")
    staffed.plan()
    assert staffed.decisions()["tier_nudge", "Jin"] == ("excluded", "below_minimum_value")


def test_the_universal_group_gets_no_promotion_and_all_service(staffed: Company) -> None:
    """Everybody is in it for once; what was handed out before stays, and they stay in it when the share falls to nothing."""
    staffed.plan()
    staffed.push()
    staffed.next_day()
    staffed.do("update segments.membership set amount_to_next_level_minor = 5 where customer_key = 4")
    staffed.settings = settings(universal_control_share=1.0)
    staffed.plan()
    found = staffed.decisions()
    assert found["tier_nudge", "Dai"] == ("excluded", "universal_control")
    assert found["tier_nudge", "Jin"] == ("selected", None)
    assert found["complaint_call", "Gao"] == ("selected", None)
    staffed.settings = settings(universal_control_share=0.0)
    staffed.plan()
    assert staffed.decisions()["tier_nudge", "Dai"] == ("excluded", "universal_control")


def test_what_is_settled_is_in_the_masks(company: Company) -> None:
    """Three are worth the nudge in this order, the money is for one: two are over the budget. One task a day: one call waits."""
    for name, orders in (("Ana", 9), ("Bo", 3), ("Jin", 2)):
        company.customer(name, missing=110_000, stage="loyal", tier="vip", orders=orders, clv=orders * 100_000, spend=900_000)
    change_play(company, "tier_nudge", "budget: {day: 0.01}\n")
    change_play(company, "strategic_care", "capacity_per_day: 2\n")
    company.plan()
    found = company.decisions()
    assert sorted(found["tier_nudge", name] for name in ("Ana", "Bo", "Jin")) == [
        ("excluded", "over_budget"), ("excluded", "over_budget"), ("selected", None),
    ]  # fmt: skip
    assert found["strategic_care", "Jin"] == ("excluded", "channel_full")
    assert found["strategic_care", "Ana"] == ("selected", None)


def test_every_sum_and_every_mask_covers_everybody(staffed: Company) -> None:
    """Counted again from the masks one by one, by other SQL than the product's."""
    staffed.plan()
    recount = staffed.ask(
        "select play, count(*), count(*) filter (where failing_rules & 524288 > 0), "
        "count(*) filter (where state = 'excluded' and failing_rules & 524288 = 0), "
        "count(*) filter (where state = 'control'), count(*) filter (where state = 'selected') from campaigns.exclusion group by 1"
    )
    runs = staffed.ask("select play, population, not_in_audience, excluded, control, selected from campaigns.play_run")
    assert sorted(runs) == sorted(recount)
    counted = staffed.ask("select play, rule, customers_any from campaigns.exclusion_count")
    again = staffed.ask(
        "select play, rule, count(*) from campaigns.exclusion inner join campaigns.exclusion_rule on bit & failing_rules > 0 group by 1, 2"
    )
    assert sorted(counted) == sorted(again)
    assert staffed.ask("select sum(customers_first) from campaigns.exclusion_count") == staffed.ask(
        "select count(*) from campaigns.exclusion where state <> 'selected'"
    )


def test_consent_is_read_as_the_consent_view_reads_it(company: Company) -> None:
    """Ties, channels against all, decisions dated ahead, two records of one person, somebody else's address."""
    moments = [company.days_ago(days) for days in (30, 20, 20, 10)]
    ahead = datetime.now(UTC) + timedelta(days=3)
    stories: list[list[tuple[str, str, datetime]]] = [
        [("granted", "all", moments[0]), ("withdrawn", "sms", moments[1])],
        [("withdrawn", "sms", moments[1]), ("granted", "all", moments[2])],
        [("granted", "sms", moments[1]), ("withdrawn", "all", moments[2]), ("granted", "email", moments[3])],
        [("granted", "all", ahead)],
        [("granted", "all", moments[0]), ("withdrawn", "email", ahead)],
        [("withdrawn", "post", moments[0]), ("granted", "phone", moments[3])],
        [],
    ]
    for name, story in zip(KEYS, stories, strict=False):
        company.customer(name, consents=False)
        for purpose in ("marketing", "profiling"):
            for decision, channel, at in story:
                company.consent(name, purpose, decision, channel, at)
    company.customer("Jin", consents=False)
    company.do(
        "update core.customer_alias set customer_key = :ana where source_customer_key = :jin", ana=KEYS["Ana"], jin=KEYS["Jin"]
    )
    company.consent("Jin", "marketing", "withdrawn", "email", moments[3])
    company.sync()
    company.plan()
    held = company.ask(
        "select customer_key, permitted_marketing, permitted_service from campaigns.eligibility where customer_key <> :jin",
        jin=KEYS["Jin"],
    )
    view = company.ask(
        "select coalesce(alias.customer_key, consent.customer_key), purpose, channel, decision, decided_at "
        "from privacy.consent_current as consent left join core.customer_alias as alias "
        "on consent.customer_key = alias.source_customer_key order by decided_at, decision"
    )
    latest = {(key, purpose, channel): decision for key, purpose, channel, decision, _ in view}
    closed = {row[:3] for row in company.ask("select customer_key, purpose, channel from privacy.consent_by_address")}
    assert len(held) == len(stories)
    for key, marketing, service in held:
        for channel, bit in CHANNEL_BITS.items():
            is_open = {purpose: (key, purpose, channel) not in closed for purpose in ("marketing", "service")}
            granted = latest.get((key, "marketing", channel)) == "granted" and is_open["marketing"]
            refused = latest.get((key, "service", channel)) == "withdrawn" or not is_open["service"]
            assert bool(marketing & bit) == granted, (key, channel)
            assert bool(service & bit) != refused, (key, channel)
    unprofiled = {key for (key, purpose, _), decision in latest.items() if (purpose, decision) == ("profiling", "withdrawn")}
    found = company.ask(
        "select distinct customer_key from campaigns.exclusion where failing_rules & 16 > 0 and customer_key <> :jin",
        jin=KEYS["Jin"],
    )
    assert {key for (key,) in found} == unprofiled


def test_more_plays_than_a_word_of_flags_has_bits(staffed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """With words of four bits Ana's play is in the second one: her membership is found there, and so is that she has had it."""
    assert place(62) == (0, 1 << 61)
    assert place(63) == (1, 1)
    monkeypatch.setattr("retention.campaigns.eligibility._WORD", 4)
    assert [play.name for play in load_plays(staffed.plays_dir)].index("second_purchase") == 4
    staffed.plan()
    staffed.push()
    staffed.next_day()
    staffed.do("update pii.contact set email = null where customer_key = 1")
    staffed.plan()
    assert rules_of(staffed, "second_purchase", "Ana") == {"no_usable_channel"}, (
        "the membership goes by e-mail, and ends with it"
    )
    staffed.do("update pii.contact set email = 'ana@example.com' where customer_key = 1")
    staffed.do("update campaigns.delivery set valid_until = valid_from + interval '1 hour' where play = 'second_purchase'")
    staffed.plan()
    assert rules_of(staffed, "second_purchase", "Ana") == {"already_received"}


def test_a_plan_whose_parts_are_not_the_population_is_stopped(staffed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The damage if masks were not told what was settled: Chen's birthday is neither decided nor excluded. The check stops it."""
    staffed.do("update scores.churn set churn_probability = 0.6 where customer_key = 3")
    monkeypatch.setattr("retention.campaigns.planning.settled_masks", lambda plays: "select 1")
    with pytest.raises(RetentionError, match=r"campaigns\.play_run"):
        staffed.plan()
    assert staffed.ask("select count(*) from campaigns.decision") == [(0,)]


def test_quiet_hours_move_the_beginning(staffed: Company) -> None:
    """The day begins at midnight in Shanghai. In Urumqi it is 22:00 then, and eight o'clock is ten in Shanghai."""
    staffed.settings = settings(
        quiet_from="21:00", quiet_until="08:00", region_time_zones={"Xinjiang": "Asia/Urumqi", "Ontario": "America/Toronto"}
    )
    staffed.do("update core.customer set region = 'Xinjiang' where customer_key = :key", key=KEYS["Jin"])
    staffed.do("update core.customer set region = 'Ontario' where customer_key = :key", key=KEYS["Emma"])
    staffed.plan()
    begins = staffed.decisions("valid_from, not_before, not_after, time_zone")
    midnight = staffed.days_ago(0).replace(hour=0)
    assert begins["second_purchase", "Ana"][0] == midnight + timedelta(hours=8)
    assert [str(value) for value in begins["second_purchase", "Ana"][1:]] == ["08:00:00", "21:00:00", "Asia/Shanghai"]
    assert begins["tier_nudge", "Jin"][0] == midnight + timedelta(hours=10)
    assert begins["tier_nudge", "Jin"][3] == "Asia/Urumqi"
    assert begins["win_back", "Emma"][0] == midnight, "late morning in Toronto"
    assert begins["strategic_care", "Chen"] == (midnight, None, None, None), "a visit is no message"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"quiet_from": "9 pm"}, "quiet_from must be a time of day"),
        ({"quiet_days": ("someday",)}, "quiet_days must name weekdays or days"),
        ({"region_time_zones": {"Tibet": "Asia/Lhasaa"}}, "region_time_zones.Tibet must be a time zone"),
    ],
)
def test_settings_that_are_no_time(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        quiet_binds(settings(**wrong), TODAY)


def test_days_of_the_year_that_are_quiet() -> None:
    binds = {day: quiet_binds(settings(quiet_days=("12-13", "Sunday")), day)["is_quiet_day"] for day in (
        date(2026, 12, 13), date(2026, 12, 14), date(2026, 12, 20))}  # fmt: skip
    assert list(binds.values()) == [True, False, True]


def test_a_query_that_lost_a_mark_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "sql_file", lambda name: "select /* a */ 1, /* b */ 2")
    with pytest.raises(ValueError, match=re.escape("expected the mark /* c */, found none")):
        compiling.compile_file("x", {"/* c */": ""})
    with pytest.raises(ValueError, match=re.escape("/* b */ 2 is not replaced")):
        compiling.compile_file("x", {"/* a */ 1": "1"})


def test_a_list_of_plays_has_one_number(plays_dir: Path) -> None:
    plays = load_plays(plays_dir)
    assert plays_version(plays) == plays_version(list(plays))
    assert plays_version(plays) != plays_version(
        [replace(plays[0], definition={**plays[0].definition, "priority": 1}), *plays[1:]]
    )
    assert 0 < plays_version(plays) < 2**60


def test_why_people_were_left_out_is_kept_for_a_week(company: Company) -> None:
    """Who was contacted stays."""
    day = date(2026, 3, 20)
    tables = ("campaigns.eligibility", "campaigns.contender", "campaigns.customer_attributes", "campaigns.decision")
    ensure_partitions(company.warehouse, list(tables), day)
    ensure_partitions(company.warehouse, list(tables), date(2026, 3, 28))
    assert apply_limits(company.run(), datetime(2026, 4, 1, 12, tzinfo=UTC))["slices_dropped"] == 3
    left = [table for table in tables if company.ask("select to_regclass(:name)", name=partition_name(table, day))[0][0]]
    assert left == ["campaigns.decision"]
    assert company.ask("select to_regclass(:name)", name=partition_name("campaigns.eligibility", date(2026, 3, 28)))[0][0]
