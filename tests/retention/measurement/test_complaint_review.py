"""The weekly review of complaints: why, where, and whether the compensation follows the severity; and telling the teams."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from retention.campaigns.plays import PLAYS_DIR, check_plays
from retention.measurement import alert_messages, check_complaint_clock, confirm_alerted, record_complaints, review_complaints
from retention.measurement.complaint_review import cases_to_look_at, severity_terms
from retention.measurement.complaint_summary import NothingReviewed, weekly_summary
from retention.settings_campaigns import ComplaintSettings
from retention.warehouse import Run, Warehouse
from tests.conftest import PEPPER
from tests.retention.measurement.conftest import ANA, BO, CHEN, DAI, KAI, at, entry
from tests.retention.privacy.conftest import insert

MONDAY = date(2026, 3, 23)
"""The week before the last complete one ends on Sunday 2026-03-29; the run is as of Wednesday 2026-04-01."""


def case(warehouse: Warehouse, number: int, who: int, opened: str, **more: Any) -> None:
    row = {
        "complaint_key": number, "complaint_id": str(number), "customer_key": who, "opened_at": at(opened), "valid_from": at(opened),
        "version_at": at(opened), "channel": "wechat", "category": "quality", "severity": "minor", "responsible_team": "returns",
        "acknowledged_at": at(opened) + timedelta(minutes=10), "first_replied_at": at(opened) + timedelta(hours=2), **more,
    }  # fmt: skip
    insert(warehouse, "core.complaint", row)


@pytest.fixture
def desk(warehouse: Warehouse, make_run: Callable[..., Run]) -> Run:
    """Ana's kettle leaked, so did Bo's; Chen's parcel came late twice; Dai wrote a story; Kai is a test account."""
    kettle, cup = 501, 502
    for key, name in ((kettle, "Kettle <b>"), (cup, "Cup | set")):
        insert(warehouse, "core.product", {"product_key": key, "product_id": str(key), "name": name, "valid": True})
    for order, who, products in ((1, ANA, (kettle, cup)), (2, BO, (kettle,))):
        entry(warehouse, who, order, "paid", "2026-03-01 10:00", 1, 20_000)
        for line, product in enumerate(products, start=1):
            insert(
                warehouse,
                "core.order_line",
                {"order_key": order, "line_number": line, "customer_key": who, "product_key": product, "category_1": "kitchen"},
            )
    entry(warehouse, BO, 2, "refunded", "2026-03-27 10:00", 0, -20_000, sequence=2)
    case(
        warehouse, 1, ANA, "2026-03-24 09:00", order_key=1, root_cause="seal leaks", severity="severe",
        resolved_at=at("2026-03-25 09:00"), compensation_minor=22_000, satisfaction=4,
    )  # fmt: skip
    case(
        warehouse, 2, BO, "2026-03-26 09:00", order_key=2, root_cause="seal leaks", severity="severe",
        resolved_at=at("2026-03-27 09:00"), compensation_minor=2_000,
    )  # fmt: skip
    case(warehouse, 3, CHEN, "2026-03-17 09:00", root_cause="courier late", category="delivery", channel="phone")
    case(
        warehouse, 4, CHEN, "2026-03-24 10:00", root_cause="courier late", category="delivery", channel="phone",
        acknowledged_at=at("2026-03-24 12:00"), resolved_at=at("2026-03-24 20:00"), severity="medium",
    )  # fmt: skip
    case(warehouse, 5, DAI, "2026-03-29 23:59", root_cause="王芳 of the shop was rude", responsible_team=None, severity=None)
    case(warehouse, 6, DAI, "2026-03-30 00:00", root_cause=None)
    case(warehouse, 7, KAI, "2026-03-24 09:00", root_cause="test")
    insert(warehouse, "core.customer", {"customer_key": KAI, "valid_from": at("2025-01-01"), "is_test": True})
    return make_run()


def rows(run: Run, where: str) -> list[tuple[Any, ...]]:
    query = (
        "select member, root_cause, complaints, complaints_before, severe, resolved, late, compensation_minor "
        f"from bi.complaint_root_cause where week_start = '{MONDAY}' and {where} order by member, root_cause"
    )
    with run.warehouse.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def test_the_week_is_summed_by_cause_along_every_dimension(desk: Run) -> None:
    review_complaints(desk)
    assert rows(desk, "dimension = 'all'") == [
        ("all", "all", 4, 1, 2, 3, 1, 24_000),
        ("all", "courier late", 1, 1, 0, 1, 1, 0),
        ("all", "other", 1, 0, 0, 0, 0, 0),
        ("all", "seal leaks", 2, 0, 2, 2, 0, 24_000),
    ], "Dai's story names somebody: a cause written once is counted, not shown; Kai is a test"
    assert rows(desk, "dimension = 'product' and root_cause = 'all'") == [
        ("Cup | set", "all", 1, 0, 1, 1, 0, 22_000),
        ("Kettle <b>", "all", 2, 0, 2, 2, 0, 24_000),
        ("none", "all", 2, 1, 0, 1, 1, 0),
    ]
    assert [row[:3] for row in rows(desk, "dimension = 'channel' and root_cause = 'all'")] == [
        ("phone", "all", 1),
        ("wechat", "all", 3),
    ]
    assert [row[:3] for row in rows(desk, "dimension = 'category' and root_cause = 'all'")] == [
        ("delivery", "all", 1),
        ("quality", "all", 3),
    ]
    assert [row[0] for row in rows(desk, "dimension = 'team' and root_cause = 'all'")] == ["none", "returns"]


def test_a_cause_found_later_is_counted_in_its_week_and_an_old_day_stays_as_it_was(
    desk: Run, warehouse: Warehouse, make_run: Callable[..., Run]
) -> None:
    review_complaints(desk)
    before = rows(desk, "as_of_date = '2026-04-01'")
    with warehouse.begin() as connection:
        connection.exec_driver_sql("update core.complaint set valid_to = '2026-04-01T10:00+08' where complaint_key = 5")
    case(warehouse, 5, DAI, "2026-03-29 23:59", valid_from=at("2026-04-01 10:00"), root_cause="courier late")
    review_complaints(make_run(date(2026, 4, 1), run_id="next"))
    review_complaints(make_run(run_id="again"))
    assert rows(desk, "as_of_date = '2026-04-01'") == before, "the day published again is the day"
    late = rows(desk, "as_of_date = '2026-04-02' and dimension = 'all' and root_cause = 'courier late'")
    assert late[0][2:4] == (2, 1)


def test_the_page_reads_in_both_languages_and_shows_text_as_text(desk: Run) -> None:
    with pytest.raises(NothingReviewed, match="expected a published review, found none"):
        weekly_summary(desk)
    review_complaints(desk)
    english, chinese = weekly_summary(desk), weekly_summary(desk, MONDAY + timedelta(days=4), "zh")
    assert english.startswith("# Complaints, week from 2026-03-23")
    assert (
        "Complaints opened: 4 (3 more than the week before); severe: 2; too late or waiting past the clock: 1; resolved: 3"
        in english
    )
    assert "compensation: 240.00 CNY" in english
    assert "| Kettle &lt;b> | 2 | 0 | 0 | seal leaks (2) |" in english
    assert "| Cup \\| set | 1 | 0 | 0 | seal leaks (1) |" in english
    assert "王芳" not in english + chinese
    assert chinese.startswith("# 投诉周复盘：2026-03-23 起一周")
    assert "本周投诉 4 件（较上周增加 3 件）" in chinese
    assert "| 严重 | 低于标准 | 1 | 220.00 CNY | 20.00 CNY |" in chinese
    assert "No complaint was opened" in weekly_summary(desk, date(2026, 3, 9))


def test_compensation_is_held_against_the_severity(desk: Run, warehouse: Warehouse) -> None:
    """Severe: the whole order and 20 yuan. Ana got it; Bo's refund does not make less of it due; Chen's medium case got nothing."""
    review_complaints(desk)
    with desk.warehouse.connect() as connection:
        found = connection.execute(
            sa.text("select severity, verdict, expected_minor, given_minor from bi.complaint_compensation order by 1, 2")
        ).all()
    assert [tuple(row) for row in found] == [
        ("medium", "pending", 1_000, 0),
        ("severe", "below", 22_000, 2_000),
        ("severe", "right", 22_000, 22_000),
    ]
    assert [(row.complaint_key, row.verdict) for row in cases_to_look_at(desk, 10)] == [(2, "below")]
    insert(
        warehouse,
        "campaigns.delivery",
        {
            "send_key": "r|4",
            "play": "complaint_recovery",
            "customer_key": CHEN,
            "period_key": "4",
            "as_of_date": date(2026, 3, 25),
        },
    )
    with warehouse.begin() as connection:
        connection.exec_driver_sql("update core.complaint set compensation_minor = 99900 where complaint_key = 1")
        connection.exec_driver_sql("update core.complaint set resolved_at = '2026-03-20T09:00+08' where complaint_key = 3")
    verdicts = {row.complaint_key: row.verdict for row in cases_to_look_at(desk, 10)}
    assert verdicts == {1: "above", 2: "below", 3: "missing"}, "the play has been with Chen about case 4"


def test_what_each_severity_entitles_to_is_what_the_plays_say() -> None:
    plays, _ = check_plays(PLAYS_DIR)
    assert {term["severity"]: (term["amount_minor"], term["order_share"]) for term in severity_terms(plays, 100)} == {
        "minor": (500, 0.0),
        "medium": (1_000, 0.0),
        "severe": (2_000, 1.0),
    }
    assert severity_terms([], 100) == [], "without the play nothing is expected of anybody"


def test_bi_hides_small_groups_and_what_would_give_them_away(desk: Run, warehouse: Warehouse) -> None:
    for number in range(100, 112):
        case(warehouse, number, ANA, "2026-03-25 09:00", root_cause="seal leaks", channel="app")
    case(warehouse, 200, ANA, "2026-03-25 09:00", root_cause="courier late", channel="app")
    review_complaints(desk)
    with desk.warehouse.connect() as connection:
        shown = connection.execute(
            sa.text(
                "select member, root_cause, complaints, is_suppressed from bi.complaint_cause "
                f"where week_start = '{MONDAY}' and dimension = 'channel' order by 1, 2"
            )
        ).all()
    assert [tuple(row) for row in shown if row.member == "app"] == [
        ("app", "all", 13, False),
        ("app", "courier late", None, True),
        ("app", "seal leaks", None, True),
    ], "13 less 12 would be the hidden one"
    assert {row.complaints for row in shown if row.member == "phone"} == {None}


def complaint(number: str, opened_at: datetime, team: str | None, severity: str = "severe") -> dict[str, Any]:
    return {
        "complaint_id": number, "opened_at": opened_at.isoformat(), "updated_at": opened_at.isoformat(), "severity": severity,
        "responsible_team": team,
    }  # fmt: skip


def test_each_team_is_told_of_its_own_breaches_once_and_surely(run: Run) -> None:
    noon = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
    with run.warehouse.begin() as connection:
        given = [complaint("1", noon, "returns"), complaint("2", noon, "returns", "minor"), complaint("3", noon, None)]
        record_complaints(connection, PEPPER, "desk", given)
    settings = ComplaintSettings()
    found = check_complaint_clock(run, noon + timedelta(minutes=70))
    messages = alert_messages(found, settings)
    assert [message.partition(":")[0] for message in messages] == [
        "COMPLAINTS OVERDUE, team returns",
        "COMPLAINTS OVERDUE, team unassigned",
    ]
    assert "2 not acknowledged within 1 h (1 severe)" in messages[0]
    assert "责任团队 returns：2 件1 小时内未确认（严重 1 件）" in messages[0]
    again = check_complaint_clock(run, noon + timedelta(minutes=80))
    assert again["breaches_found"] == 0
    assert alert_messages(again, settings) == messages, "the task that found them may have died before it told anybody"
    assert confirm_alerted(run, noon + timedelta(minutes=80)) == 3
    assert alert_messages(check_complaint_clock(run, noon + timedelta(minutes=90)), settings) == []
    told = alert_messages(check_complaint_clock(run, noon + timedelta(hours=25)), settings)
    assert ["2 without a first reply within 24 h" in told[0], "1 without a first reply within 24 h" in told[1]] == [True, True]


def test_the_breach_of_the_first_hour_is_found_by_one_run_of_the_clock(run: Run) -> None:
    """Whenever the complaint came in, the first run after its hour finds it: at most ten minutes late."""
    for minutes in range(0, 60, 7):
        opened = datetime(2026, 4, 1, 9, minutes, tzinfo=UTC)
        with run.warehouse.begin() as connection:
            record_complaints(connection, PEPPER, "desk", [complaint(f"m{minutes}", opened, "returns")])
        due = opened + timedelta(hours=1)
        next_run = due + timedelta(minutes=10 - due.minute % 10)
        assert check_complaint_clock(run, next_run)["breaches_found"] == 1
        assert next_run - due <= timedelta(minutes=10)
