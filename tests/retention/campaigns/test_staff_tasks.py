"""Calls and visits: whose they are, when they are due, and what to know of the customer, in both languages."""

from __future__ import annotations

import re

import pytest

from retention.campaigns.plays import PLAYS_DIR
from tests.retention.campaigns.conftest import KEYS, Company


@pytest.fixture
def called(staffed: Company) -> Company:
    """Chen, a VIP of Wu's, once complained about a late delivery and is due for honey; Gao gave 3 of 10 and has an open case."""
    for name in ("detractor_follow_up", "regular_call_back"):
        text = (PLAYS_DIR / f"{name}.yml").read_text(encoding="utf-8")
        text = re.sub(r"holdout_share: 0\.\d+", "holdout_share: 0.000000001", text)
        (staffed.plays_dir / f"{name}.yml").write_text(text, encoding="utf-8")
    chen, gao = KEYS["Chen"], KEYS["Gao"]
    staffed.complaint("Chen", "minor", opened=40, resolved=38)
    staffed.do("update core.complaint set category = 'delivery', root_cause = 'storm' where customer_key = :key", key=chen)
    staffed.insert(
        "scores.next_best", customer_key=chen, level="product", list="new", rank=1, item="honey", why="association",
        order_probability=0.2, why_en="goes with tea", why_zh="与茶搭配",
    )  # fmt: skip
    staffed.insert(
        "scores.warning", customer_key=chen, warning="overdue", sentence_en="Later than usual.", sentence_zh="晚于平时。"
    )
    staffed.insert(
        "core.survey_answer", answer_key=1, customer_key=gao, instrument="nps", score=3, happened_at=staffed.days_ago(1)
    )
    staffed.do(
        "update features.customer_engagement set latest_nps = 3, days_since_latest_nps = 1 where customer_key = :key", key=gao
    )
    staffed.plan()
    return staffed


def test_what_to_know(called: Company) -> None:
    (row,) = called.ask(
        "select account_owner, talking_points_en, talking_points_zh, service_tier from campaigns.staff_task "
        "where play = 'strategic_care' and customer_key = :key",
        key=KEYS["Chen"],
    )
    owner, english, chinese, tier = row
    assert (owner, tier) == ("Wu", "vip")
    for said in ("Orders: 3, the last 20 days ago.", "Spend in a year: 1000.00 CNY.", "Tier: vip.",
                 "Last complaint: delivery, minor, 40 days ago, resolved, cause: storm.", "Signs: Later than usual.",
                 "Next best: honey (goes with tea)."):  # fmt: skip
        assert said in english
    for said in (
        "累计订单3笔",
        "近一年消费：1000.00 CNY",
        "最近投诉：delivery，轻微，40天前，已解决，根因：storm。",
        "预警：晚于平时。",
        "推荐商品：honey（与茶搭配）。",
    ):
        assert said in chinese


def test_when_it_is_due_and_how_far_it_may_go(called: Company) -> None:
    """The call about the score is due in two days; the case carries opening, midpoint and ceiling; both are Gao's."""
    rows = called.ask(
        "select play, extract(day from due_until - cast(:day as timestamp) at time zone 'Asia/Shanghai'), opening_minor, "
        "midpoint_minor, ceiling_minor, account_owner from campaigns.staff_task where customer_key = :key order by play",
        day=called.as_of_date, key=KEYS["Gao"],
    )  # fmt: skip
    assert rows == [("complaint_call", 7, 1000, 2000, 3000, None), ("detractor_follow_up", 2, None, None, None, None)]


def test_a_task_of_the_team_is_nobodys(staffed: Company) -> None:
    """Chen has an account manager, but the play gives its tasks to the team."""
    path = staffed.plays_dir / "strategic_care.yml"
    path.write_text(path.read_text(encoding="utf-8") + "  assign_to: team\n", encoding="utf-8")
    staffed.plan()
    assert staffed.ask("select account_owner from campaigns.staff_task where play = 'strategic_care'") == [(None,)]
