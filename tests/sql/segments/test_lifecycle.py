"""segments.lifecycle: every stage at its edges, the later rule wins, dated transitions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from retention.segments import assign
from retention.warehouse import Run, read_frame
from tests.sql.features.company import WHO
from tests.sql.segments.slices import publish_inputs, read_slice

AS_OF = date(2026, 4, 1)
ONCE = {"count_orders_lifetime": 1, "churn_probability": 0.2}
OFTEN = {"count_orders_lifetime": 4, "churn_probability": 0.2, "recency_days": 20}


@pytest.mark.parametrize(
    ("columns", "stage", "stage_zh"),
    [
        pytest.param({}, "prospect", "潜在客户", id="no order"),
        pytest.param({**ONCE, "recency_days": 90}, "new", "新客户", id="one order, 90 days ago"),
        pytest.param({**ONCE, "recency_days": 91}, "lapsed_new", "沉默新客", id="one order, 91 days ago"),
        pytest.param({**ONCE, "recency_days": 90, "count_orders_lifetime": 2}, "repeat", "复购客户", id="two orders"),
        pytest.param({**OFTEN, "first_to_last_order_days": 180}, "loyal", "忠诚客户", id="four orders over 180 days"),
        pytest.param({**OFTEN, "first_to_last_order_days": 179}, "repeat", "复购客户", id="four orders over 179 days"),
        pytest.param(
            {**OFTEN, "count_orders_lifetime": 3, "count_converted_referrals_lifetime": 1},
            "loyal",
            "忠诚客户",
            id="three orders and a referral",
        ),
        pytest.param(
            {**OFTEN, "count_orders_lifetime": 2, "count_converted_referrals_lifetime": 5},
            "repeat",
            "复购客户",
            id="two orders and referrals",
        ),
        pytest.param({**ONCE, "recency_days": 5, "churn_probability": 0.5}, "at_risk", "流失风险", id="probability 0.5"),
        pytest.param(
            {**OFTEN, "first_to_last_order_days": 400, "overdue_ratio": 2.0}, "at_risk", "流失风险", id="overdue twice"
        ),
        pytest.param({**OFTEN, "first_to_last_order_days": 400, "overdue_ratio": 1.99}, "loyal", "忠诚客户", id="not yet"),
        pytest.param({**OFTEN, "recency_days": 365, "churn_probability": 0.9}, "at_risk", "流失风险", id="365 days ago"),
        pytest.param({**OFTEN, "recency_days": 366, "churn_probability": 0.9}, "lost", "已流失", id="366 days ago"),
        pytest.param(
            {**OFTEN, "recency_days": 90, "churn_probability": 0.9, "won_back_at": "2026-01-01 00:00"},
            "won_back",
            "已挽回",
            id="back 90 days",
        ),
        pytest.param(
            {**OFTEN, "recency_days": 91, "won_back_at": "2025-12-31 23:59:59"}, "repeat", "复购客户", id="back 91 days"
        ),
    ],
)
def test_stage(run: Run, columns: dict[str, Any], stage: str, stage_zh: str) -> None:
    publish_inputs(run.warehouse, AS_OF, {"Ana": columns})
    assign(run)

    row = read_slice(run.warehouse, "segments.lifecycle", AS_OF)["Ana"]

    assert (row["lifecycle_stage"], row["lifecycle_stage_zh"]) == (stage, stage_zh)


def test_transitions_are_dated_and_kept(make_run: Callable[..., Run]) -> None:
    # Ana: a prospect, buys, stays new for a day, buys again, and then stays away from the pipeline for two days.
    story: dict[int, dict[str, Any]] = {
        0: {},
        1: {**ONCE, "recency_days": 1},
        2: {**ONCE, "recency_days": 2},
        5: {**ONCE, "recency_days": 1, "count_orders_lifetime": 2},
    }
    for offset, columns in story.items():
        day = AS_OF + timedelta(days=offset)
        run = make_run(day - timedelta(days=1))
        publish_inputs(run.warehouse, day, {"Ana": columns})
        assign(run)

    row = read_slice(run.warehouse, "segments.lifecycle", date(2026, 4, 6))["Ana"]
    assert (row["lifecycle_stage"], row["stage_since"], row["previous_stage"]) == ("repeat", date(2026, 4, 6), "new")
    row = read_slice(run.warehouse, "segments.lifecycle", date(2026, 4, 3))["Ana"]
    assert (row["lifecycle_stage"], row["stage_since"], row["previous_stage"]) == ("new", date(2026, 4, 2), "prospect")
    assert _moves(run) == [
        ("Ana", date(2026, 4, 1), None, "prospect"),
        ("Ana", date(2026, 4, 2), "prospect", "new"),
        ("Ana", date(2026, 4, 6), "new", "repeat"),
    ]


def test_a_run_for_an_earlier_date_leaves_later_transitions_alone(make_run: Callable[..., Run]) -> None:
    for offset in (1, 2, 0):
        day = AS_OF + timedelta(days=offset)
        run = make_run(day - timedelta(days=1))
        publish_inputs(run.warehouse, day, {"Ana": {**ONCE, "recency_days": offset} if offset else {}})
        assign(run)

    assert _moves(run) == [("Ana", date(2026, 4, 1), None, "prospect"), ("Ana", date(2026, 4, 2), None, "new")]


def _moves(run: Run) -> list[tuple[str, date, str | None, str]]:
    rows = read_frame(run.warehouse, "select * from segments.lifecycle_move order by as_of_date")
    rows = rows.astype(object).where(rows.notna(), None)
    return [(WHO[row.customer_key], row.as_of_date, row.from_stage, row.to_stage) for row in rows.itertuples()]
