"""Two days of the tiny company against results worked out by hand (tests/tiny_expected.py), each day run twice."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from retention import pipeline
from retention.campaigns import bucket, plan
from retention.campaigns.plays import PLAYS_DIR
from retention.privacy import row_key, source_customer_key
from retention.settings import Settings
from retention.warehouse import all_contracts
from tests import tiny_expected as expected
from tests.tiny import PEPPER, SECOND_DAY, TinyCompany, installed
from tests.tiny_results import DAYS, KEYS, NAMES, ask, named, ordered, state

pytestmark = pytest.mark.slow

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def company(server, templates, tmp_path_factory) -> Iterator[TinyCompany]:
    with installed(server, templates, tmp_path_factory.mktemp("tiny") / "home", "tiny") as company:
        yield company


@pytest.fixture(scope="module")
def days(company: TinyCompany) -> dict[str, dict[str, Any]]:
    """The state after each of four runs, and who may be sent something before and after Dai's withdrawal."""
    found: dict[str, dict[str, Any]] = {}
    for day, date in DAYS.items():
        if day == "second":
            company.deliver(date)
            found["withdrawal"] = withdrawal(company)
        company.run_day(date)
        found[day] = state(company, day)
        company.run_day(date)
        found[f"{day} again"] = state(company, day)
    return found


def withdrawal(company: TinyCompany) -> dict[str, Any]:
    """Let only the consent feed run, an hour after Dai has withdrawn, and look at what tools may read before and after."""
    before = sendable(company)
    with company.entered():
        run = company.run_factory(SECOND_DAY)("sync consent alone")
        pipeline.sync_consent(run, datetime(2026, 4, 1, 11, tzinfo=SHANGHAI))
        pipeline.close(run)
    members = ask(company.marketing_url, "select campaign, customer_key from marketing.campaign_audience")
    return {"before": before, "after": sendable(company), "members": named(members, 1)}


def sendable(company: TinyCompany) -> list[tuple[str | None, ...]]:
    """What tools would read if it were noon of the day after the first push: the view asks the clock, so the rows are moved."""
    with psycopg.connect(company.marketing_url) as connection:
        connection.execute(
            "update marketing.campaign_audience set valid_from = now() - interval '1 hour', "
            "valid_until = now() + interval '1 hour', not_before = null, not_after = null, time_zone = null"
        )
        connection.execute("update marketing.consent_feed set heartbeat_at = now()")
        rows = connection.execute("select campaign, customer_key from marketing.sendable").fetchall()
        connection.rollback()
    return named(rows, 1)


@pytest.mark.parametrize("day", DAYS)
def test_purchasers_scores_and_classes(days, day):
    rows = {NAMES[row[0]]: row[1:] for row in days[day]["purchasers"]}
    by_hand = {row[0]: row[1:] for row in expected.table(expected.PURCHASERS[day])}
    assert rows.keys() == by_hand.keys()
    for person, (recency, orders, net, churn, clv, scores, rfm_class, segment) in by_hand.items():
        assert rows[person] == (
            int(recency), int(orders), int(net), pytest.approx(float(Fraction(churn)), abs=1e-12), int(clv), scores, rfm_class, segment,
        ), person  # fmt: skip


@pytest.mark.parametrize("day", DAYS)
def test_stages_tiers_and_membership(days, day):
    assert ordered(days[day]["everybody"]) == ordered(expected.table(expected.EVERYBODY[day]))


@pytest.mark.parametrize("day", DAYS)
def test_who_gets_which_play(days, day):
    assert ordered(days[day]["decisions"]) == ordered(expected.table(expected.DECISIONS[day]))


@pytest.mark.parametrize(("day", "population"), [("first", 14), ("second", 15)])
def test_every_play_accounts_for_everybody(days, day, population):
    plays = {path.stem: Counter[str | None]() for path in PLAYS_DIR.glob("*.yml")}
    for play, _, outcome, *_ in expected.table(expected.DECISIONS[day]):
        plays[str(play)][outcome] += 1
    by_hand = [
        (play, population, population - states.total(), states["excluded"], states["control"], states["selected"])
        for play, states in plays.items()
    ]
    assert sorted(days[day]["play_runs"]) == sorted(by_hand)


def test_the_draw_spared_everybody(days):
    salt = Settings().campaigns.holdout_salt
    drawn = {}
    for draw in expected.DRAWS:
        source, is_event, number = draw.period.partition(":")
        number, slash, day = number.partition("/")
        period = f"{row_key(source, number)}{slash}{day}" if is_event else draw.period
        place = bucket(salt, draw.play, period, KEYS[draw.person])
        assert place >= draw.share, draw
        drawn[draw.play, period, KEYS[draw.person]] = place
    assert {row[:3]: row[3] for day in DAYS for row in days[day]["draws"]} == drawn
    universal = {person for person, key in KEYS.items() if bucket(salt, "*", "2026", key) < 0.05}
    assert universal == set(expected.UNIVERSAL_CONTROL)


@pytest.mark.parametrize("day", DAYS)
def test_audiences_and_staff_tasks(days, day):
    assert ordered(days[day]["audience"]) == ordered(expected.table(expected.AUDIENCE[day]))
    assert ordered(days[day]["tasks"]) == ordered(expected.table(expected.TASKS[day]))


def test_audience_changes(days):
    first, second = (expected.table(expected.CHANGES[day]) for day in DAYS)
    assert named(days["first"]["changes"], 2) == first
    assert named(days["second"]["changes"], 2) == first + second


def test_moves_are_kept(days):
    """On the first day everybody moves in, dated as far as orders tell; on the second one stage, one tier and a newcomer change."""
    assert {person: to for person, _, to in days["first"]["stage_moves"]} == {
        row[0]: row[1] for row in expected.table(expected.EVERYBODY["first"])
    }
    assert ordered(days["second"]["stage_moves"]) == [("Ana", "new", "repeat"), ("Nia", None, "prospect")]
    assert ordered(days["second"]["tier_moves"]) == [("Ana", "marginal", "ordinary"), ("Nia", None, "marginal")]


def test_the_complaint_clock(days):
    """Gao's complaint was acknowledged after 90 minutes and answered after 41 hours; Fang's and Li's in time."""
    gao = row_key("service_desk", "X02")
    assert days["first"]["breaches"] == [(gao, "acknowledge", "closed"), (gao, "first_reply", "open")]
    assert days["second"]["breaches"] == [(gao, "acknowledge", "closed"), (gao, "first_reply", "closed")]


@pytest.mark.parametrize("day", DAYS)
def test_two_orders_are_refused_and_nothing_else(days, day):
    assert days[day]["quarantine"] == [
        ("order", "O9001", "between", "gross_amount"),
        ("order", "O9002", "known_customer", "customer_id"),
    ]


@pytest.mark.parametrize("day", DAYS)
def test_running_a_day_again_changes_nothing(days, day):
    before, after = days[day]["everything"], days[f"{day} again"]["everything"]
    assert [table for table in before if before[table] != after[table]] == []


@pytest.mark.parametrize("after", ["first", "first again", "second", "second again"])
def test_what_always_holds(days, after):
    assert days[after]["violations"] == []


def test_hana_is_one_person(company, days):
    records = {KEYS["Hana"], source_customer_key(PEPPER, "crm", "C108")}
    query = "select source_customer_key, customer_key from core.customer_alias where customer_key = %s"
    assert set(ask(company.warehouse_url, query, KEYS["Hana"])) == {(record, KEYS["Hana"]) for record in records}
    people = ask(company.warehouse_url, "select customer_key from core.customer where valid_to is null")
    assert sorted(NAMES[key] for (key,) in people) == sorted(expected.PEOPLE)


@pytest.mark.parametrize("person", ["Noa", "Bo"])
def test_a_test_account_and_an_opt_out_are_in_no_audience(company, days, person):
    key = KEYS[person]
    for table in ("campaign_audience", "audience_change", "staff_task", "issued_send_key"):
        assert ask(company.marketing_url, f"select 1 from marketing.{table} where customer_key = %s", key) == []
    for table in ("campaigns.decision", "campaigns.delivery"):
        assert ask(company.warehouse_url, f"select 1 from {table} where customer_key = %s", key) == []


def test_a_test_account_is_in_no_figure(company, days):
    for contract in all_contracts().values():
        if contract.schema in ("features", "scores", "segments") and "customer_key" in contract.column_names:
            assert ask(company.warehouse_url, f"select 1 from {contract.table} where customer_key = %s", KEYS["Noa"]) == [], (
                contract.table
            )


def test_a_withdrawal_hides_without_a_push(days):
    """Dai withdraws at ten and the feed runs at eleven: the membership is still there, but no tool is shown it."""
    dai = ("churn_rescue", "Dai")
    withdrawal = days["withdrawal"]
    assert dai in withdrawal["members"]
    assert ordered(withdrawal["before"]) == ordered(withdrawal["members"])
    assert set(withdrawal["before"]) - set(withdrawal["after"]) == {dai}
    assert len(withdrawal["after"]) == 11


def test_each_reason_to_leave_somebody_out(company, days, tmp_path):
    """Two promotions for everybody: the draw decides between them, the rules decide about both."""
    plays = tmp_path / "plays"
    shutil.copytree(PLAYS_DIR, plays)
    for play, priority, share in (("greeting", 31, 0.5), ("bulletin", 30, 0.001)):
        (plays / f"{play}.yml").write_text(PROMOTION.format(play=play, priority=priority, share=share))
    query = (
        "select e.play, e.customer_key, e.state, e.first_failing_rule, d.channel, version.plays[c.beaten_by] "
        "from campaigns.exclusion as e inner join campaigns.eligibility using (as_of_date, customer_key) "
        "inner join campaigns.plan_version as version using (plays_version) "
        "left join campaigns.decision as d using (as_of_date, play, customer_key) "
        "left join campaigns.contender as c on c.as_of_date = e.as_of_date and c.customer_key = e.customer_key "
        "and c.position = array_position(version.plays, e.play) "
        "where e.as_of_date = %s and e.play in ('greeting', 'bulletin')"
    )
    with company.entered():
        run = company.run_factory(SECOND_DAY)("plan promotions")
        plan(run, plays)
        rows = named(ask(company.warehouse_url, query, run.as_of_date), 1)
        plan(run)
        pipeline.close(run)
    by_hand: list[tuple[str | None, ...]] = []
    held_back = 0
    for person, rule, channel, beaten_by in expected.table(expected.PROMOTIONS):
        if rule is not None:
            by_hand += [(play, person, "excluded", rule, None, beaten_by) for play in ("greeting", "bulletin")]
        elif bucket(Settings().campaigns.holdout_salt, "greeting", "once", KEYS[str(person)]) < 0.5:
            held_back += 1
            by_hand += [
                ("greeting", person, "control", "control", channel, None),
                ("bulletin", person, "selected", None, channel, None),
            ]
        else:
            by_hand += [
                ("greeting", person, "selected", None, channel, None),
                ("bulletin", person, "excluded", "beaten", None, "greeting"),
            ]
    assert ordered(rows) == ordered(by_hand)
    assert 0 < held_back < 3


PROMOTION = """
play: {play}
name: {{en: A promotion for everybody, zh: 全员促销}}
description: Everybody who may be reached at all.
kind: promotional
purpose: marketing
audience: {{attribute: count_converted_referrals, at_least: 0}}
channels: [wechat, app, email, sms]
cost_per_touch: {{wechat: 0.03, app: 0.01, email: 0.01, sms: 0.05}}
offer:
  - {{code: hello, kind: information, label: {{en: a greeting, zh: 问候}}}}
content_key: {play}
language: customer
period: once
priority: {priority}
holdout_share: {share}
valid_days: 7
"""
