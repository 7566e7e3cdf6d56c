"""Complaints with their history, versions of people, consent, and the other facts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from retention.conform import publish_core
from retention.quality import validate
from retention.warehouse import Run, Warehouse
from tests.retention.quality.company import customer, land, rows_of


def at(day: int, hour: int = 12) -> str:
    return f"2026-03-{day:02}T{hour:02}:00:00+08:00"


def test_a_complaint_keeps_what_it_was_like_before(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    first, second = make_run(date(2026, 3, 20)), make_run(date(2026, 3, 22))
    case = {"complaint_id": "k1", "customer_id": "ana", "severity": "minor", "text": "牛奶坏了", "opened_at": at(19, 9)}
    land(first, "crm", "customer", [customer("ana")])
    land(first, "crm", "complaint", [{**case, "updated_at": at(20)}])
    validate(first)
    publish_core(first)
    land(
        second,
        "crm",
        "complaint",
        [{**case, "severity": "severe", "resolved_at": at(22, 8), "satisfaction": "4", "updated_at": at(22)}],
    )
    validate(second)
    publish_core(second)
    assert rows_of(
        warehouse,
        "select severity, valid_from = timestamptz '2026-03-19 09:00+08', valid_to = timestamptz '2026-03-22 12:00+08', satisfaction "
        "from core.complaint order by valid_from",
    ) == [("minor", True, True, None), ("severe", False, None, 4)]


def test_a_person_has_versions_and_the_first_holds_from_the_beginning(
    make_run: Callable[..., Run], warehouse: Warehouse
) -> None:
    first, second = make_run(date(2026, 3, 20)), make_run(date(2026, 3, 22))
    land(first, "crm", "customer", [customer("bo", city="Wuhan")])
    validate(first)
    publish_core(first)
    land(second, "crm", "customer", [customer("bo", city="Xi'an", updated_at=at(22))])
    validate(second)
    publish_core(second)
    assert rows_of(
        warehouse,
        "select city, valid_from = timestamptz '2025-01-01 00:00+08', valid_to is null from core.customer order by valid_from",
    ) == [("Wuhan", True, False), ("Xi'an", False, True)]


def test_every_other_fact_reaches_core(run: Run, warehouse: Warehouse) -> None:
    land(run, "crm", "customer", [customer("ana"), customer("bo", deleted_at=None)])
    land(run, "crm", "customer_tag", [{"customer_id": "bo", "tag": "staff", "set_at": at(1)}])
    land(run, "crm", "consent", [
        {"consent_id": "1", "customer_id": "ana", "purpose": "marketing", "channel": "all", "decision": "granted", "decided_at": at(1)},
        {"consent_id": "2", "customer_id": "ana", "purpose": "marketing", "channel": "sms", "decision": "withdrawn", "decided_at": at(2)},
        {"consent_id": "3", "customer_id": "bo", "purpose": "marketing", "channel": "sms", "decision": "granted", "decided_at": at(3)},
        {"consent_id": "4", "customer_id": "bo", "purpose": "marketing", "channel": "all", "decision": "withdrawn", "decided_at": at(3)},
    ])  # fmt: skip
    land(
        run,
        "crm",
        "interaction",
        [{"interaction_id": "1", "customer_id": "ana", "kind": "visit", "occurred_at": at(1), "dwell_seconds": "12.5"}],
    )
    land(
        run,
        "crm",
        "survey_answer",
        [{"answer_id": "1", "customer_id": "ana", "instrument": "nps", "score": "9", "answered_at": at(1)}],
    )
    land(
        run,
        "crm",
        "referral",
        [
            {
                "referral_id": "1",
                "referrer_customer_id": "ana",
                "referred_customer_id": "bo",
                "referred_at": at(1),
                "reward_amount": "5",
            }
        ],
    )
    land(
        run,
        "crm",
        "campaign_event",
        [{"event_id": "1", "customer_id": "ana", "kind": "opened", "campaign": "welcome", "occurred_at": at(1)}],
    )
    land(
        run,
        "crm",
        "points_entry",
        [
            {
                "entry_id": "1",
                "customer_id": "ana",
                "kind": "earned",
                "points": "120",
                "occurred_at": at(1),
                "expires_at": "2027-03-01T00:00:00+08:00",
            }
        ],
    )
    land(
        run,
        "crm",
        "contract",
        [{"contract_id": "1", "customer_id": "ana", "started_at": at(1), "renewal_date": "2027-03-01", "fee": "99.90"}],
    )
    land(run, "crm", "holding", [{"customer_id": "ana", "kind": "deposit", "balance_date": "2026-03-31", "amount": "-12.34"}])
    land(run, "crm", "external_mention", [{"mention_id": "1", "platform": "weibo", "text": "好", "mentioned_at": at(1)}])
    report = validate(run)
    assert report["quarantined_by_rule"] == {}
    publish_core(run)
    for table, expected in {
        "core.customer_tag": 1, "privacy.consent": 4, "core.interaction": 1, "core.survey_answer": 1, "core.referral": 1,
        "core.campaign_event": 1, "core.points_entry": 1, "core.contract": 1, "core.holding": 1, "core.external_mention": 1,
    }.items():  # fmt: skip
        assert rows_of(warehouse, f"select count(*) from {table}") == [(expected,)], table
    assert rows_of(warehouse, "select amount_minor from core.holding") == [(-1234,)]
    assert rows_of(warehouse, "select referred_customer_key is not null, reward_minor from core.referral") == [(True, 500)]
    assert rows_of(warehouse, "select count(*) from core.customer where is_staff") == [(1,)]
    # Ana: all channels but SMS. Bo: granted and withdrawn at one instant, so withdrawn everywhere.
    assert rows_of(
        warehouse,
        "select c.customer_id, string_agg(channel, ' ' order by channel) filter (where decision = 'granted'), "
        "count(*) filter (where decision = 'withdrawn') from privacy.consent_current join pii.source_customer c using (customer_key) "
        "group by 1 order by 1",
    ) == [("ana", "app email phone post wechat", 1), ("bo", None, 6)]
