"""Labels, days and numbers that the made-up company's answers share."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

Json = dict[str, Any]

AS_OF = date(2026, 4, 1)

BUSINESS = date(2026, 3, 31)

NOW = "2026-04-01T01:02:03Z"


def two(en: str, zh: str) -> Json:
    """A label."""
    return {"en": en, "zh": zh}


TIERS = [
    ("vip", two("VIP", "大客户"), 4),
    ("potential", two("Potential", "潜力客户"), 3),
    ("ordinary", two("Ordinary", "普通客户"), 2),
    ("marginal", two("Marginal", "边缘客户"), 1),
]

STAGES = [
    ("prospect", two("Prospect", "潜在客户"), 1),
    ("new", two("New", "新客户"), 2),
    ("lapsed_new", two("Lapsed new", "沉默新客"), 3),
    ("repeat", two("Repeat", "复购客户"), 4),
    ("loyal", two("Loyal", "忠诚客户"), 5),
    ("at_risk", two("At risk", "流失风险"), 6),
    ("lost", two("Lost", "已流失"), 7),
    ("won_back", two("Won back", "已挽回"), 8),
]

SEGMENTS = [
    ("champions", two("Champions", "冠军客户")),
    ("loyal", two("Loyal", "忠诚客户")),
    ("potential_loyalist", two("Potential loyalist", "潜在忠诚客户")),
    ("new", two("New", "新客户")),
    ("promising", two("Promising", "有望客户")),
    ("need_attention", two("Need attention", "需要关注客户")),
    ("about_to_sleep", two("About to sleep", "即将沉睡客户")),
    ("at_risk", two("At risk", "流失风险客户")),
    ("cannot_lose", two("Cannot lose", "不可流失客户")),
    ("hibernating", two("Hibernating", "沉睡客户")),
    ("lost", two("Lost", "已流失客户")),
]

PLAYS = [
    ("churn_rescue", two("Churn rescue", "流失挽留"), "promotional", 4120, 1530, (412.0, 130.0, 690.0), "positive"),
    ("second_purchase", two("Second purchase", "二购"), "promotional", 2260, 740, (268.0, 21.0, 512.0), "positive"),
    ("welcome", two("Welcome", "欢迎"), "promotional", 1830, 610, (120.0, -85.0, 330.0), "no_effect_seen"),
    ("replenishment", two("Replenishment", "补货提醒"), "promotional", 5170, 2110, (355.0, 205.0, 505.0), "positive"),
    ("holiday", two("Holiday", "节假日"), "promotional", 9420, 3400, (-140.0, -260.0, -20.0), "negative"),
    ("regular_call_back", two("Regular call-back", "回访"), "staff", 320, 90, None, None),
    ("birthday", two("Birthday", "生日"), "promotional", 410, 120, (210.0, -310.0, 730.0), "too_few"),
    ("complaint_recovery", two("Complaint recovery", "投诉修复"), "service", 64, 8, None, None),
    ("win_back", two("Win-back", "挽回"), "promotional", 2870, 930, (95.0, -60.0, 250.0), "no_effect_seen"),
]

KINDS = {
    "promotional": two("Promotional", "促销"),
    "service": two("Service", "服务"),
    "staff": two("Staff task", "员工任务"),
}

VERDICTS = {
    "positive": two("Works", "有效果"),
    "negative": two("Does harm", "有负面效果"),
    "no_effect_seen": two("No effect seen", "未见效果"),
    "too_few": two("Too few people yet", "人数尚少"),
}

RULES = [
    ("no_consent", two("no consent for the purpose", "未获授权"), 6120),
    ("already_received", two("has had it in its period", "本周期内已收到"), 4310),
    ("frequency_cap", two("as many contacts as the caps allow", "触达次数已达上限"), 2950),
    ("beaten", two("another play has the day", "当天由其他活动占用"), 1880),
    ("over_budget", two("the budget brings more elsewhere", "预算用于其他客户收益更高"), 1410),
    ("complaint_open", two("a complaint is open", "有未结投诉"), 212),
]


def wave(day: int, level: float, swing: float, drift: float = 0.0) -> float:
    """A number of the day that looks like business: a week's rhythm, a trend, some noise that is always the same."""
    noise = math.sin((day + level % 97) * 12.9898) * 43758.5453 % 1 - 0.5
    week = math.sin(day * 2 * math.pi / 7) * (0.6 if level > 100 else 0.15)
    return level * (1 + swing * (week + 0.7 * noise) + drift * day / 90)


def days(count: int) -> list[date]:
    """The business days before and including the newest."""
    return [BUSINESS - timedelta(days=count - 1 - i) for i in range(count)]


def meta() -> Json:
    """What every answer carries."""
    return {
        "api": 1,
        "as_of_date": AS_OF.isoformat(),
        "business_date": BUSINESS.isoformat(),
        "generated_at": NOW,
        "currency": {"code": "CNY", "minor_units": 2},
        "timezone": "Asia/Shanghai",
        "suppressed_below": 10,
        "user": {"name": "wu"},
        "pushes_waiting": 1,
        "can": {"look": True, "customer": True, "approve": True},
    }


def ok(data: Json) -> Json:
    """An answer with data."""
    return {"state": "ok", "meta": meta(), "data": data}


def empty() -> Json:
    """An answer, or a section, before anything was measured."""
    return {
        "state": "empty",
        "message_en": "No day was measured yet.",
        "message_zh": "还没有任何一天的度量结果。",
        "what_to_do_en": "Run the pipeline for a day: `retention run`, or trigger the DAG retention_ingest.",
        "what_to_do_zh": "运行一天的流水线：`retention run`，或触发 DAG retention_ingest。",
        "runbook": "console-empty",
        "code": "nothing_measured",
    }
