"""A company small enough to measure by hand, as of 2026-04-01 in Shanghai.

Ana: three orders, the last on the day; gold; promoter; referred somebody. Bo: two orders, the second cancelled on the day;
complained and was answered in time. Chen: one order long ago; complained and waited. Dai: first order on the day.
Kai: a test account with a huge order. Emma: a prospect.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from retention.warehouse import Run, Warehouse
from tests.retention.privacy.conftest import insert

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 4, 1)
ANA, BO, CHEN, DAI, KAI, EMMA = 101, 102, 103, 104, 105, 106


def at(text: str) -> datetime:
    """A moment in Shanghai: `2026-03-31 10:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def entry(warehouse: Warehouse, who: int, order: int, kind: str, when: str, count: int, net: int, **more: Any) -> None:
    insert(
        warehouse,
        "core.order_entry",
        {
            "customer_key": who, "order_key": order, "kind": kind, "sequence": 1, "happened_at": at(when), "order_count": count,
            "gross_minor": net, "discount_minor": 0, "net_minor": net, "source": "sales", "batch_id": 1, **more,
        },
    )  # fmt: skip


def segments(warehouse: Warehouse, who: int, tier: str, stage: str, level: str) -> None:
    insert(warehouse, "segments.tier", {"as_of_date": DAY, "customer_key": who, "service_tier": tier, "service_tier_zh": tier})
    insert(
        warehouse,
        "segments.lifecycle",
        {"as_of_date": DAY, "customer_key": who, "lifecycle_stage": stage, "lifecycle_stage_zh": stage},
    )
    insert(
        warehouse,
        "segments.membership",
        {"as_of_date": DAY, "customer_key": who, "membership_level": level, "membership_level_zh": level},
    )


@pytest.fixture
def company(warehouse: Warehouse, marketing: Warehouse, make_run: Callable[..., Run]) -> Run:
    """The run of 2026-03-31 over the small company."""
    people = {
        ANA: ("vip", "loyal", "gold"),
        BO: ("ordinary", "repeat", "basic"),
        CHEN: ("ordinary", "at_risk", "basic"),
        DAI: ("ordinary", "new", "basic"),
        KAI: ("vip", "new", "gold"),
        EMMA: ("ordinary", "prospect", "basic"),
    }
    for who, (tier, stage, level) in people.items():
        segments(warehouse, who, tier, stage, level)
        insert(
            warehouse,
            "core.customer",
            {
                "customer_key": who, "valid_from": at("2025-01-01"), "is_test": who == KAI,
                "region": "Zhejiang" if who in (ANA, BO, KAI) else "Sichuan",
                "acquisition_channel": "friend" if who == ANA else "fair",
            },
        )  # fmt: skip
        if who != EMMA:
            segment = "champions" if who in (ANA, KAI) else "promising"
            insert(warehouse, "segments.rfm", {"as_of_date": DAY, "customer_key": who, "rfm_segment": segment})
    for order, channel in ((3, "app"), (5, "app"), (7, "store"), (9, "store")):
        insert(warehouse, "core.order_header", {"order_key": order, "channel": channel})
    entry(warehouse, ANA, 1, "paid", "2025-11-15 12:00", 1, 10_000, order_number=1)
    entry(warehouse, ANA, 2, "paid", "2026-01-20 12:00", 1, 10_000, order_number=2, days_since_previous_order=66)
    entry(warehouse, ANA, 3, "paid", "2026-03-31 10:00", 1, 30_000, order_number=3, days_since_previous_order=70)
    entry(warehouse, BO, 4, "paid", "2025-12-01 12:00", 1, 5_000, order_number=1)
    entry(warehouse, BO, 5, "paid", "2026-03-10 12:00", 1, 20_000, order_number=2, days_since_previous_order=99)
    entry(warehouse, BO, 5, "cancelled", "2026-03-31 09:00", -1, -20_000)
    entry(warehouse, CHEN, 6, "paid", "2025-11-20 12:00", 1, 7_000, order_number=1)
    entry(warehouse, DAI, 7, "paid", "2026-03-31 23:59", 1, 10_000, order_number=1)
    entry(warehouse, DAI, 8, "paid", "2026-04-01 00:00", 1, 99_000, order_number=2, days_since_previous_order=0)  # tomorrow
    entry(warehouse, KAI, 9, "paid", "2026-03-31 12:00", 1, 9_000_000, order_number=1)
    for who in (ANA, BO, CHEN, DAI):
        insert(
            warehouse,
            "features.customer_orders",
            {"as_of_date": DAY, "customer_key": who, "first_order_at": at("2025-11-01"), "last_order_at": at("2026-03-01")},
        )
        insert(
            warehouse, "scores.clv", {"as_of_date": DAY, "customer_key": who, "clv_12m_minor": who * 10, "horizon_days": 365}
        )
        insert(
            warehouse,
            "scores.churn",
            {"as_of_date": DAY, "customer_key": who, "churn_probability": 0.5, "horizon_days": 90},
        )
    for who, score, when in ((ANA, 10, "2026-03-31 08:00"), (BO, 3, "2026-03-02 08:00"), (CHEN, 8, "2026-03-03 08:00")):
        insert(
            warehouse,
            "core.survey_answer",
            {"customer_key": who, "happened_at": at(when), "instrument": "nps", "score": score},
        )
    insert(
        warehouse, "core.survey_answer", {"customer_key": BO, "happened_at": at("2026-03-20"), "instrument": "csat", "score": 4}
    )
    insert(
        warehouse,
        "core.complaint",
        {
            "customer_key": BO, "opened_at": at("2026-03-31 09:00"), "valid_from": at("2026-03-31 09:00"),
            "acknowledged_at": at("2026-03-31 09:30"), "first_replied_at": at("2026-03-31 11:00"),
        },
    )  # fmt: skip
    insert(
        warehouse,
        "core.complaint",
        {
            "customer_key": CHEN, "opened_at": at("2026-03-05 09:00"), "valid_from": at("2026-03-05 09:00"),
            "acknowledged_at": at("2026-03-05 11:00"), "first_replied_at": at("2026-03-05 12:00"),
        },
    )  # fmt: skip
    insert(warehouse, "core.referral", {"customer_key": ANA, "referred_at": at("2026-03-15")})
    insert(warehouse, "campaigns.push_receipt", {"sync_id": 1, "business_date": date(2026, 3, 30)})
    split = {"cost_minor": 32.0, "top_cost_minor": 25.0, "chosen": 2, "contenders": 2, "customers": 2}
    insert(warehouse, "campaigns.allocation", {"as_of_date": date(2026, 3, 31), **split})
    for who, cost, expected in ((ANA, 5, 25.0), (BO, 7, 7.0)):
        insert(
            warehouse,
            "campaigns.delivery",
            {
                "send_key": f"welcome|{who}",
                "play": "welcome",
                "customer_key": who,
                "kind": "promotional",
                "channel": "email",
                "sync_id": 1,
                "cost_minor": cost,
                "expected_cost_minor": expected,
                "as_of_date": date(2026, 3, 31),
            },
        )
        for kind in ("sent", "delivered", "clicked")[: 3 if who == ANA else 2]:
            insert(
                marketing,
                "marketing.campaign_event",
                {
                    "campaign": "welcome", "customer_key": who, "send_key": f"welcome|{who}", "channel": "email", "kind": kind,
                    "occurred_at": at("2026-03-31 15:00"),
                },
            )  # fmt: skip
    return make_run(marketing=marketing)


def measured_welcome(run: Run, people: int = 60) -> None:
    """A welcome of February that could be measured: half were contacted and spent 1,500 each on average, the others 500."""
    started = date(2026, 2, 20)
    insert(run.warehouse, "campaigns.push_receipt", {"sync_id": 2, "business_date": date(2026, 2, 19)})
    for number in range(people):
        who, is_treated = 1_000 + number, number < people / 2
        unit = {"play": "welcome", "period_key": "once", "customer_key": who}
        if is_treated:
            told = {
                "send_key": f"welcome|{who}",
                "as_of_date": started,
                "kind": "promotional",
                "sync_id": 2,
                "channel": "email",
            }
            insert(run.warehouse, "campaigns.delivery", {**unit, **told})
        else:
            insert(run.warehouse, "campaigns.holdout", {**unit, "assigned_on": started})
        spent = 1_000 * ((number % 2) + is_treated)
        if spent:
            entry(run.warehouse, who, who, "paid", "2026-03-01 12:00", 1, spent, order_number=1)
