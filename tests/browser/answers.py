"""Answers of the console's back end for a made-up company: the same on every day, so that pictures and tests do not move.

Shapes as docs/console.md describes them. Numbers hang together where a reader would add them up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
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
    noise = math.sin(day * 12.9898) * 43758.5453 % 1 - 0.5
    return level * (1 + swing * (0.55 * math.sin(day * 2 * math.pi / 7) + 0.5 * noise) + drift * day / 90)


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


KPIS = [
    ("net_revenue", two("Net revenue", "净收入"), "money_minor", "up", "money", 41_200_000.0, 0.22, 0.09),
    ("orders", two("Orders", "订单数"), "count", "up", "money", 1290.0, 0.2, 0.07),
    ("member_revenue_share", two("Share of revenue from members", "会员收入占比"), "share", "up", "money", 0.612, 0.03, 0.02),
    ("mean_clv_12m", two("Mean customer lifetime value", "平均客户终身价值"), "money_minor", "up", "money", 231_400.0, 0.004, 0.03),
    ("retention_rate", two("Retention rate", "留存率"), "share", "up", "loyalty", 0.643, 0.006, 0.03),
    ("churn_rate", two("Churn rate", "流失率"), "share", "down", "loyalty", 0.357, 0.006, -0.05),
    ("repurchase_rate", two("Repurchase rate", "复购率"), "share", "up", "loyalty", 0.584, 0.05, 0.03),
    ("mean_repurchase_interval", two("Mean repurchase interval", "平均复购间隔"), "days", "down", "loyalty", 38.4, 0.07, -0.06),
    ("nps", two("Net promoter score", "净推荐值"), "points", "up", "satisfaction", 41.0, 0.12, 0.08),
    ("csat", two("Customer satisfaction", "客户满意度"), "score", "up", "satisfaction", 4.42, 0.02, 0.01),
    ("complaint_rate", two("Complaint rate", "投诉率"), "share", "down", "satisfaction", 0.0163, 0.3, 0.25),
    ("complaints_inside_clock", two("Complaints inside the clock", "投诉及时率"), "share", "up", "satisfaction", 0.931, 0.03, -0.03),
    ("reach", two("Reach", "触达人数"), "count", "up", "campaign", 6210.0, 0.25, 0.1),
    ("response_rate", two("Response rate", "响应率"), "share", "up", "campaign", 0.118, 0.12, 0.05),
    ("cost_per_touch", two("Cost per touch", "单次触达成本"), "money_minor", "down", "campaign", 34.0, 0.08, -0.04),
    ("return_on_spend", two("Return on spend", "投入产出比"), "ratio", "up", "campaign", 3.8, 0.15, 0.1),
]


def kpi_value(name: str, day: int) -> float | int:
    """The value of a KPI so many days into the series."""
    _, _, unit, _, _, level, swing, drift = next(row for row in KPIS if row[0] == name)
    value = wave(day + len(name), level, swing, drift)
    return round(value) if unit in ("money_minor", "count") else round(min(value, 0.999) if unit == "share" else value, 4)


def overview() -> Json:
    """The first view."""
    kpis = []
    for name, label, unit, better, group, *_ in KPIS:
        series = [kpi_value(name, i) for i in range(90)]
        value, previous = series[-1], series[-2]
        kpis.append(
            {
                "kpi": name,
                "label": label,
                "unit": unit,
                "unit_label": two(unit, unit),
                "better": better,
                "formula": f"how {name} is computed",
                "formula_zh": None,
                "group": group,
                "period": "day",
                "period_start": BUSINESS.isoformat(),
                "value": value,
                "previous": previous,
                "previous_start": (BUSINESS - timedelta(days=1)).isoformat(),
                "change": value - previous,
                "customers": 1290,
                "is_suppressed": False,
                "month": {
                    "period_start": "2026-03-01",
                    "value": sum(series[-31:]) if name in ("net_revenue", "orders", "reach") else value,
                    "previous": previous,
                    "previous_start": "2026-02-01",
                    "is_complete": True,
                },
                "trend": [
                    {"date": day.isoformat(), "value": None if i == 37 else v} for i, (day, v) in enumerate(zip(days(90), series, strict=True))
                ],
            }
        )
    return ok(
        {
            "attention": [
                {
                    "kind": "push_waiting",
                    "severity": "high",
                    "title": two("A push waits for approval: 70 changes are held back", "一次推送等待批准：70 项变更被暂缓"),
                    "what_to_do": two("Look at it under Approvals, then approve or reject it.", "请在“审批”中查看，然后批准或拒绝。"),
                    "since": "2026-03-31T23:10:00Z",
                    "link": "#/approvals",
                    "runbook": "needs-approval",
                },
                {
                    "kind": "complaint_over_clock",
                    "severity": "high",
                    "title": two("3 complaints are over their clock", "3 件投诉已超时"),
                    "what_to_do": two("The team listed first waits longest; answer there first.", "请优先处理列表中等待最久的团队。"),
                    "since": "2026-03-31T22:40:00Z",
                    "link": "#/service",
                    "runbook": None,
                },
                {
                    "kind": "health",
                    "severity": "medium",
                    "title": two("The audience of “Holiday” shrank by 41 %", "“节假日”人群缩小了 41%"),
                    "what_to_do": two("See which rule excludes more people than before.", "请查看哪条规则排除了更多客户。"),
                    "since": "2026-03-30T23:10:00Z",
                    "link": "#/plays/holiday",
                    "runbook": "audience-size",
                },
            ],
            "freshness": {"state": "fresh", "as_of_date": "2026-04-01", "expected_as_of_date": "2026-04-01", "days_behind": 0},
            "stages": stages(),
            "kpis": kpis,
            "value_at_risk": value_at_risk(),
            "complaints": clock(),
            "tiers": {
                "as_of_date": "2026-04-01",
                "members": [
                    {
                        "member": name,
                        "label": label,
                        "customers": people,
                        "share": people / 98_400,
                        "at_risk_customers": risk,
                        "clv_12m_minor": value,
                        "is_suppressed": False,
                    }
                    for (name, label, _), people, risk, value in zip(
                        TIERS, (6_120, 18_340, 41_700, 32_240), (830, 2_410, 6_020, 0), (510_000_000, 690_000_000, 480_000_000, 70_000_000), strict=True
                    )
                ],
            },
            "pushes": {
                "waiting": 1,
                "items": pushes()["data"]["items"],
                "last": {
                    "business_date": "2026-03-31",
                    "pushed_at": "2026-03-31T23:10:00Z",
                    "state": "needs_approval",
                    "added": 1840,
                    "updated": 312,
                    "removed": 905,
                    "members": 26_464,
                    "tasks": 384,
                    "approved_by": None,
                },
            },
            "health": {
                "worst": "breach",
                "counts": {"ok": 41, "warn": 2, "breach": 1, "not_measured": 4},
                "items": [row for row in health()["data"]["checks"]["rows"] if row["state"] in ("warn", "breach")],
            },
        }
    )


def stages() -> list[Json]:
    """The day's run."""
    rows = [
        ("ingest", two("Ingest", "接入"), "done", 74.2, "2026-03-31T16:14:00Z"),
        ("features", two("Features", "特征"), "done", 21.9, "2026-03-31T16:15:00Z"),
        ("score", two("Scores", "评分"), "done", 38.0, "2026-03-31T16:16:00Z"),
        ("segment", two("Segments", "分群"), "done", 12.4, "2026-03-31T16:16:30Z"),
        ("audience", two("Audiences", "人群"), "running", None, None),
        ("measure", two("Measurement", "度量"), "done", 29.5, "2026-03-31T16:18:00Z"),
        ("complaint_clock", two("Complaint clock", "投诉时效"), "done", 0.8, "2026-04-01T00:50:00Z"),
        ("consent", two("Consent", "授权"), "done", 0.6, "2026-04-01T00:50:00Z"),
        ("privacy", two("Privacy", "隐私"), "no_data", 0.4, "2026-04-01T00:00:00Z"),
        ("train", two("Training", "训练"), "failed", 92.0, "2026-03-29T02:00:00Z"),
    ]
    return [
        {
            "stage": name,
            "dag_id": f"retention_{name}",
            "label": label,
            "state": state,
            "business_date": "2026-03-31",
            "as_of_date": "2026-04-01",
            "started_at": ended,
            "ended_at": ended,
            "seconds": seconds,
            "message": None,
            "days_behind": 0,
        }
        for name, label, state, seconds, ended in rows
    ]


def value_at_risk() -> Json:
    """What may be lost."""
    return {
        "value_minor": 412_300_000,
        "clv_12m_minor": 1_750_000_000,
        "share": 0.2356,
        "customers": 66_160,
        "at_risk_customers": 9_260,
        "by_tier": [
            {"member": name, "label": label, "customers": people, "value_minor": value, "is_suppressed": False}
            for (name, label, _), people, value in zip(TIERS, (830, 2410, 6020, 0), (122_000_000, 164_300_000, 118_000_000, 8_000_000), strict=True)
        ],
        "trend": [{"date": day.isoformat(), "value_minor": round(wave(i, 402_000_000, 0.01, 0.04))} for i, day in enumerate(days(60))],
        "formula": two(
            "Sum over purchasers of churn probability times predicted 12-month value.", "对全部购买客户求和：流失概率 × 预测 12 个月价值。"
        ),
    }


def clock() -> Json:
    """Complaints over the clock."""
    reply, acknowledge = two("first reply", "首次回复"), two("acknowledge", "受理")
    severe, medium = two("severe", "严重"), two("medium", "中等")
    rows = [
        ("after-sales", "acknowledge", acknowledge, "severe", severe, 2, 1, "2026-03-31T22:40:00Z"),
        ("logistics", "first_reply", reply, "medium", medium, 1, 4, "2026-03-31T23:55:00Z"),
        ("unassigned", "acknowledge", acknowledge, "medium", medium, 0, 6, None),
    ]
    names = ("team", "clock", "clock_label", "severity", "severity_label", "open", "closed_late", "oldest_due_at")
    return {
        "over_clock": 3,
        "oldest_due_at": "2026-03-31T22:40:00Z",
        "checked_at": NOW,
        "by_team": [dict(zip(names, row, strict=True)) for row in rows],
    }


def kpis(kpi: str | None = None, dimension: str = "all", period: str = "day") -> Json:
    """KPIs over time."""
    groups = [("all", two("Everybody", "全部"), 0)] if dimension == "all" else TIERS
    wanted = [row for row in KPIS if kpi in (None, row[0])]
    return ok(
        {
            "dimension": dimension,
            "period": period,
            "from": days(90)[0].isoformat(),
            "to": BUSINESS.isoformat(),
            "dimensions": [
                {"dimension": "all", "label": two("Everybody", "全部")},
                {"dimension": "tier", "label": two("Service tier", "客户分层")},
            ],
            "kpis": [
                {
                    "kpi": name,
                    "label": label,
                    "unit": unit,
                    "better": better,
                    "formula": f"how {name} is computed",
                    "group": group,
                    "members": [
                        {
                            "member": member,
                            "label": member_label,
                            "points": [
                                {
                                    "date": day.isoformat(),
                                    "value": kpi_value(name, i + 11 * place) if member != "marginal" or i % 9 else None,
                                    "customers": 400 - 90 * place,
                                    "is_suppressed": member == "marginal" and i % 9 == 0,
                                    "is_restated": i == 80,
                                    "first_value": kpi_value(name, i + 1) if i == 80 else None,
                                }
                                for i, day in enumerate(days(90))
                            ],
                        }
                        for place, (member, member_label, _) in enumerate(groups)
                    ],
                }
                for name, label, unit, better, group, *_ in wanted
            ],
            "restated": [
                {
                    "kpi": name,
                    "label": label,
                    "dimension": "all",
                    "member": "all",
                    "date": "2026-03-22",
                    "first_value": kpi_value(name, 79),
                    "value": kpi_value(name, 80),
                    "change": kpi_value(name, 80) - kpi_value(name, 79),
                    "restated_at": "2026-03-24",
                }
                for name, label, *_ in wanted[:1]
            ],
        }
    )


def members(rows: list[tuple[str, Json, int]], sizes: list[int]) -> list[Json]:
    """Members of one way to group customers."""
    total = sum(sizes)
    return [
        {
            "member": name,
            "label": label,
            "order": order,
            "customers": size if size >= 10 else None,
            "share": size / total if size >= 10 else None,
            "at_risk_customers": size // 7 if size >= 10 else None,
            "net_minor_365d": size * 81_000 * order if size >= 10 else None,
            "clv_12m_minor": size * 33_000 * order if size >= 10 else None,
            "value_at_risk_minor": size * 7_100 * order if size >= 10 else None,
            "mean_churn_probability": round(0.62 - 0.11 * order, 3) if size >= 10 else None,
            "is_suppressed": size < 10,
        }
        for (name, label, order), size in zip(rows, sizes, strict=True)
    ]


def customers() -> Json:
    """Who the customers are."""
    segments = [(name, label, len(SEGMENTS) - i) for i, (name, label) in enumerate(SEGMENTS)]
    cells = []
    for recency in range(1, 6):
        for frequency in range(1, 6):
            people = round(900 + 4200 * math.exp(-(((recency - frequency) / 2.1) ** 2)) + 90 * recency * frequency)
            segment = SEGMENTS[max(0, min(10, 12 - recency - frequency))] if recency + frequency > 2 else SEGMENTS[10]
            cells.append(
                {
                    "recency": recency,
                    "frequency": frequency,
                    "customers": people,
                    "share": people / 66_160,
                    "net_minor_365d": people * 14_000 * frequency,
                    "clv_12m_minor": people * 6_000 * recency,
                    "mean_churn_probability": round(0.85 - 0.14 * recency, 3),
                    "rfm_segment": segment[0],
                    "label": segment[1],
                    "is_suppressed": False,
                    "by_monetary": [{"monetary": m, "customers": people // 5, "is_suppressed": False} for m in range(1, 6)],
                }
            )
    cells[4] |= {"customers": None, "share": None, "is_suppressed": True}
    names = [name for name, _, _ in TIERS]
    flows = []
    for i, old in enumerate(names):
        for j, new in enumerate(names):
            people = round([6000, 18000, 41000, 32000][i] * {0: 0.955, 1: 0.03, 2: 0.012, 3: 0.003}[abs(i - j)])
            flows.append({"from": old, "to": new, "customers": people, "share_of_from": people / [6000, 18000, 41000, 32000][i], "is_suppressed": False})
    flows.append({"from": "none", "to": "ordinary", "customers": 640, "share_of_from": None, "is_suppressed": False})
    flows[3] |= {"customers": None, "share_of_from": None, "is_suppressed": True}
    tier_members = [{"member": name, "label": label} for name, label, _ in TIERS] + [{"member": "none", "label": two("none", "无")}]
    span = {"dimensions": {"tier": {"label": two("Service tier", "客户分层"), "members": tier_members, "flows": flows}}}
    cohorts = []
    for i in range(12):
        month = date(2025, 4, 1) + timedelta(days=31 * i)
        cohorts.append(
            {
                "cohort_month": month.replace(day=1).isoformat(),
                "customers": 2100 + 90 * (i % 5),
                "months": [
                    {"months_since": k, "retention": 1.0 if k == 0 else round(0.42 * math.exp(-k / 7) + 0.08 + 0.01 * (i % 3), 3), "active": 900, "net_minor": 31_000_000}
                    for k in range(12 - i)
                ],
            }
        )
    return ok(
        {
            "as_of_date": AS_OF.isoformat(),
            "totals": {
                "customers": 98_400,
                "purchasers": 66_160,
                "at_risk_customers": 9_260,
                "net_minor_365d": 14_210_000_000,
                "clv_12m_minor": 17_500_000_000,
                "value_at_risk_minor": 4_123_000_000,
            },
            "groups": {
                "tier": {"label": two("Service tier", "客户分层"), "members": members(TIERS, [6_120, 18_340, 41_700, 32_240])},
                "stage": {"label": two("Lifecycle stage", "生命周期"), "members": members(STAGES, [32_240, 7_300, 4_100, 22_160, 14_700, 9_260, 8_140, 500])},
                "membership_level": {
                    "label": two("Membership level", "会员等级"),
                    "members": members([("gold", two("Gold", "金卡"), 3), ("silver", two("Silver", "银卡"), 2), ("none", two("None", "无"), 1)], [4_210, 11_900, 82_290]),
                },
                "persona": {
                    "label": two("Persona", "画像"),
                    "members": members(
                        [("quality_seeking", two("Quality-seeking", "品质追求"), 2), ("price_sensitive", two("Price-sensitive", "价格敏感"), 1), ("collectors", two("Collectors", "收藏型"), 3)],
                        [23_100, 43_055, 5],
                    ),
                },
                "rfm_segment": {"label": two("RFM segment", "RFM 细分"), "members": members(segments, [5_300, 8_900, 9_700, 5_100, 4_300, 6_600, 5_400, 7_900, 1_200, 6_700, 5_060])},
                "value_class": {
                    "label": two("Value class", "价值分类"),
                    "members": members(
                        [("strategic", two("Strategic", "战略"), 4), ("growth", two("Growth", "成长"), 3), ("base", two("Base", "基础"), 2), ("marginal", two("Marginal", "边缘"), 1)],
                        [9_900, 12_400, 11_200, 32_660],
                    ),
                },
            },
            "tier_by_stage": {
                "rows": [
                    {"tier": tier, "stage": stage, "customers": 300 + 1300 * ((i * 5 + j * 3) % 7), "at_risk_customers": 40 if stage == "at_risk" else 0, "is_suppressed": False}
                    for i, (tier, _, _) in enumerate(TIERS)
                    for j, (stage, _, _) in enumerate(STAGES)
                    if stage != "prospect"
                ]
            },
            "rfm_map": {"cells": cells},
            "migration": {"since_date": "2026-03-04", "span": "month", **span, "previous": {"since_date": "2026-03-31", "span": "previous", **span}},
            "stability": {
                "rows": [
                    {"dimension": "tier", "label": two("Service tier", "客户分层"), "since_date": "2026-03-31", "days": 1, "customers": 98_400, "movers": 310, "flap_days": 30, "flappers": 120, "flap_rate": 0.00122},
                    {"dimension": "stage", "label": two("Lifecycle stage", "生命周期"), "since_date": "2026-03-31", "days": 1, "customers": 98_400, "movers": 890, "flap_days": 30, "flappers": 410, "flap_rate": 0.00417},
                ]
            },
            "cohorts": {"cohorts": cohorts},
        }
    )


def effect(play: tuple[Any, ...]) -> Json | None:
    """What a play brings, overall."""
    values, verdict = play[5], play[6]
    if values is None:
        return None
    return {
        "outcome": "net_revenue_minor",
        "unit": "money_minor",
        "difference": values[0],
        "lower": values[1],
        "upper": values[2],
        "verdict": verdict,
        "verdict_label": VERDICTS[verdict],
        "detectable": 330.0,
        "treated_customers": 9100,
        "control_customers": 1010,
        "is_suppressed": False,
    }


def plays() -> Json:
    """All plays."""
    rows = []
    for place, play in enumerate(PLAYS):
        name, label, kind, members_now, excluded, *_ = play
        plan = {"population": 98_400, "not_in_audience": 98_400 - members_now - excluded - 200, "excluded": excluded, "control": 200, "selected": members_now}
        rows.append(
            {
                "play": name,
                "label": label,
                "kind": kind,
                "kind_label": KINDS[kind],
                "period": "month",
                "priority": 50,
                "holdout_share": 0.1,
                "members": members_now,
                "sendable_members": members_now - 31,
                "audience_date": "2026-04-01",
                "days_behind": 1 if name == "holiday" else 0,
                "added": members_now // 12,
                "updated": 3,
                "removed": members_now // 19,
                "planned": plan,
                "planned_before": plan | {"excluded": excluded - 40},
                "effect": effect(play),
                "control": None
                if play[5] is None
                else {
                    "balance": "too_few" if name == "birthday" else "balanced",
                    "contamination": "traces" if place == 2 else "contaminated" if name == "holiday" else "clean",
                    "advice": two("The group can be trusted.", "对照组可信。"),
                },
                "cost_minor": members_now * 12,
                "handed_out": members_now,
                "month": "2026-03-01",
            }
        )
    return ok(
        {
            "as_of_date": AS_OF.isoformat(),
            "plays": rows,
            "exclusions": [{"rule": rule, "label": label, "customers": people} for rule, label, people in RULES],
            "allocation": allocation(),
            "budgets": [
                {"kind": "budget", "applies_to": "day", "label": two("Budget of the day", "当日预算"), "unit": "money_minor", "most": 500_000, "used": 412_300, "used_share": 0.8246, "shadow_price_minor": 3, "meaning": two("m", "m")},
                {"kind": "channel", "applies_to": "sms", "label": two("SMS of the day", "当日短信"), "unit": "count", "most": 5000, "used": 5000, "used_share": 1.0, "shadow_price_minor": 12, "meaning": two("m", "m")},
                {"kind": "team", "applies_to": "call_centre", "label": two("Calls of the team", "客服外呼"), "unit": "count", "most": 400, "used": 384, "used_share": 0.96, "shadow_price_minor": 0, "meaning": two("m", "m")},
            ],
        }
    )


def allocation() -> Json:
    """Where the day's money goes."""
    return {
        "as_of_date": AS_OF.isoformat(),
        "contenders": 31_200,
        "chosen": 26_464,
        "value_minor": 8_120_000,
        "cost_minor": 412_300,
        "net_minor": 7_707_700,
        "top_share": 0.2,
        "meant_share": 0.8,
        "actual_share": 0.74,
        "actual_share_30d": 0.77,
        "gap_share": -0.06,
        "method": "exact",
    }


def play(name: str) -> Json:
    """One play."""
    found = next(row for row in PLAYS if row[0] == name)
    one = next(row for row in plays()["data"]["plays"] if row["play"] == name)
    values = found[5]
    results: Json = {"as_of_date": AS_OF.isoformat(), "rows": [], "history": []}
    if values:
        for outcome, label, unit, scale in (("net_revenue_minor", two("Net revenue", "净收入"), "money_minor", 1.0), ("bought", two("Bought", "购买率"), "share", 0.00004)):
            for i, (tier, tier_label) in enumerate([("all", two("Everybody", "全部")), *((name, label) for name, label, _ in TIERS)]):
                wide = 1 + 0.9 * i
                hidden = tier == "marginal"
                at, low, high = (None if hidden else v for v in (values[0] * scale * (1.2 - 0.1 * i), (values[0] - (values[0] - values[1]) * wide) * scale, (values[0] + (values[2] - values[0]) * wide) * scale))
                results["rows"].append(
                    {
                        "service_tier": tier,
                        "label": tier_label,
                        "outcome": outcome,
                        "outcome_label": label,
                        "unit": unit,
                        "outcome_days": 30,
                        "treated_customers": None if hidden else 9100 // (i + 1),
                        "control_customers": None if hidden else 1010 // (i + 1),
                        "treated_mean": None if hidden else 8312.0 * scale if unit == "money_minor" else 0.31,
                        "control_mean": None if hidden else 7900.0 * scale if unit == "money_minor" else 0.29,
                        "difference": at,
                        "lower_95": low,
                        "upper_95": high,
                        "lower_any_95": low,
                        "upper_any_95": high,
                        "detectable": None if hidden else 330.0 * scale,
                        "verdict": None if hidden else found[6],
                        "verdict_label": None if hidden else VERDICTS[found[6]],
                        "is_suppressed": hidden,
                    }
                )
        results["history"] = [
            {"date": day.isoformat(), "outcome": "net_revenue_minor", "difference": values[0] + 300 / (i + 1), "lower_any_95": values[0] - 2600 / (i + 2), "upper_any_95": values[0] + 2600 / (i + 2)}
            for i, day in enumerate(days(45))
        ]
    return ok(
        {
            "play": name,
            "label": found[1],
            "kind": found[2],
            "kind_label": KINDS[found[2]],
            "purpose": "marketing",
            "purpose_label": two("Marketing", "营销"),
            "period": "days:30" if name == "win_back" else "month",
            "priority": 50,
            "holdout_share": 0.1,
            "registered_at": NOW,
            "audience": one
            | {
                "changes": [
                    {"date": day.isoformat(), "added": 40, "removed": 33, "updated": 2, "members": round(wave(i, one["members"], 0.05, 0.04)), "joins_withheld": 0, "leaves_withheld": 0}
                    for i, day in enumerate(days(30))
                ]
            },
            "planned": {"days": [{"date": (AS_OF - timedelta(days=1)).isoformat(), **one["planned_before"]}, {"date": AS_OF.isoformat(), **one["planned"]}]},
            "exclusions": {
                "as_of_date": AS_OF.isoformat(),
                "rules": [{"rule": rule, "position": i, "label": label, "first": people // 10, "any": people // 8, "first_before": people // 10 - 7} for i, (rule, label, people) in enumerate(RULES)],
            },
            "results": results if values else {"state": "empty", "message_en": "Not measured yet.", "message_zh": "尚未度量。", "what_to_do_en": "Wait 30 days.", "what_to_do_zh": "请等待 30 天。"},
            "control": {
                "rows": [
                    {
                        "service_tier": "all",
                        "label": two("Everybody", "全部"),
                        "treated_customers": 9100,
                        "control_customers": 1010,
                        "expected_share": 0.1,
                        "observed_share": 0.0999,
                        "p_value": 0.91,
                        "balance": "balanced",
                        "contaminated_share": 0.002,
                        "contamination": "traces",
                        "advice": two("The groups are as drawn; a few of the control group were contacted by hand.", "分组符合抽样；对照组中有少数人被人工触达。"),
                    }
                ]
            },
            "funnel": {
                "months": [
                    {"month": month, "held_back": 420, "handed_out": 4120, "sent": 4088, "delivered": 3901, "opened": 1874, "clicked": 611, "converted": 204, "bought": 873, "unsubscribed": 12, "cost_minor": 49_440}
                    for month in ("2026-03-01", "2026-02-01")
                ]
            },
            "allocation": {
                "rows": [
                    {"as_of_date": AS_OF.isoformat(), "contenders": 5600, "chosen": 4120, "beaten": 610, "over_budget": 540, "channel_full": 210, "do_not_disturb": 40, "not_worth_its_cost": 80, "value_minor": 2_310_000, "cost_minor": 49_440}
                ]
            },
        }
    )


def programme() -> Json:
    """What all plays bring together."""
    rows = [
        ("year", two("Year to date", "年初至今"), "2026-01-01", 1_940.0, 610.0, 3_280.0, 184_000_000, 21_400_000, "positive"),
        ("quarter", two("Quarter to date", "本季至今"), "2026-01-01", 1_940.0, 610.0, 3_280.0, 184_000_000, 21_400_000, "positive"),
        ("last_90_days", two("Last 90 days", "近 90 天"), "2026-01-01", 1_120.0, -240.0, 2_480.0, 106_000_000, 19_800_000, "no_effect_seen"),
    ]
    return ok(
        {
            "effect": {
                "rows": [
                    {
                        "period": period,
                        "label": label,
                        "from": start,
                        "to": "2026-03-31",
                        "outcome": "net_revenue_minor",
                        "outcome_label": two("Net revenue", "净收入"),
                        "unit": "money_minor",
                        "treated_customers": 88_000,
                        "control_customers": 4_600,
                        "difference": at,
                        "lower_any_95": low,
                        "upper_any_95": high,
                        "total_minor": total,
                        "cost_minor": cost,
                        "net_minor": total - cost,
                        "verdict": verdict,
                        "verdict_label": VERDICTS[verdict],
                        "service_tier": "all",
                        "label_tier": two("Everybody", "全部"),
                    }
                    for period, label, start, at, low, high, total, cost, verdict in rows
                ]
            },
            "control": {"rows": []},
            "spend": allocation() | {"days": []},
            "budget_changes": {
                "rows": [
                    {
                        "play": "holiday",
                        "label": two("Holiday", "节假日"),
                        "date": "2026-03-29",
                        "old_factor": 1.0,
                        "new_factor": 0.5,
                        "verdict": "negative",
                        "sentence": two("Lost half of its budget: it costs 1.40 a customer against its control group.", "预算减半：相对对照组，每位客户损失 1.40。"),
                    }
                ]
            },
        }
    )


def models() -> Json:
    """Whether the models keep their word."""
    rows = [
        ("churn", two("Churn", "流失"), "good", two("Good", "良好"), two("What was predicted came true to within 2 points.", "预测与实际相差在 2 个百分点以内。")),
        ("clv", two("Lifetime value", "客户终身价值"), "watch", two("Watch", "需关注"), two("The total is 9 % too high.", "总额偏高 9%。")),
        ("repurchase", two("Repurchase", "复购"), "good", two("Good", "良好"), two("Ranks customers well and is calibrated.", "排序与校准均良好。")),
        ("renewal", two("Renewal", "续约"), "unknown", two("Not known yet", "尚不可知"), two("No prediction has come due.", "尚无到期的预测。")),
    ]
    answer = []
    for kind, label, verdict, verdict_label, sentence in rows:
        money = kind == "clv"
        buckets = [
            {
                "bucket": i,
                "label": two(f"{10 * i}–{10 * i + 10} %", f"{10 * i}–{10 * i + 10}%"),
                "customers": 9000 - 700 * i,
                "predicted": (40_000 * (i + 1) ** 1.6) if money else (0.05 + 0.1 * i),
                "realised": (37_000 * (i + 1) ** 1.6) if money else min(1, 0.05 + 0.1 * i + 0.03 * math.sin(i * 2)),
                "is_suppressed": i == 9,
            }
            for i in range(5 if money else 10)
        ]
        candidates = [("challenger", two("This model", "本模型"), 0.811), ("recency_only", two("Recency only", "仅看近度"), 0.742), ("bg_nbd", two("BG/NBD", "BG/NBD"), 0.778)]
        answer.append(
            {
                "kind": kind,
                "label": label,
                "verdict": verdict,
                "verdict_label": verdict_label,
                "sentence": sentence,
                "champion": None
                if kind == "renewal"
                else {
                    "model_version": f"{kind}-2026-03-01-ab12",
                    "as_of_date": "2026-03-01",
                    "labels_until": "2026-02-28",
                    "horizon_days": 365 if money else 90,
                    "definition": "no paid order within 90 days",
                    "training_rows": 181_200,
                    "promoted_at": "2026-03-02T03:00:00Z",
                    "decision": "better",
                },
                "challengers": [{"model_version": f"{kind}-2026-03-29-77fe", "created_at": "2026-03-29T02:00:00Z", "decision": "no better than the champion"}],
                "evaluation": [
                    {
                        "metric": metric,
                        "label": metric_label,
                        "better": better,
                        "evaluated_as_of": "2026-01-01",
                        "candidates": [{"candidate": c, "label": c_label, "value": abs(value - shift), "lower": abs(value - shift) - 0.01, "upper": abs(value - shift) + 0.01} for c, c_label, value in candidates],
                    }
                    for metric, metric_label, better, shift in (("auc", two("AUC", "AUC 排序能力"), "up", 0.0), ("ece", two("Calibration error", "校准误差"), "down", 0.83), ("brier", two("Brier score", "Brier 分数"), "down", 0.97))
                ],
                "reliability": {"state_of_labels": "waiting", "scored_as_of": "2026-03-01", "matures_on": "2026-05-30", "unit": "share", "buckets": []}
                if kind == "renewal"
                else {
                    "state_of_labels": "matured",
                    "scored_as_of": "2026-01-01",
                    "matures_on": "2026-04-01",
                    "unit": "money_minor" if money else "share",
                    "buckets": buckets,
                    "error": 3_100 if money else 0.017,
                    "history": [
                        {"scored_as_of": day.isoformat(), "predicted": wave(i, 231_000 if money else 0.36, 0.02), "realised": wave(i + 3, 225_000 if money else 0.355, 0.03), "error": 0.01, "customers": 1} for i, day in enumerate(days(30))
                    ],
                },
                "lift": {"groups": [{"share": (i + 1) / 10, "captured": min(1, 0.32 * (i + 1) ** 0.6), "lift": round(0.32 * (i + 1) ** 0.6 / ((i + 1) / 10), 2)} for i in range(10)]},
                "drift": {
                    "as_of_date": AS_OF.isoformat(),
                    "inputs": [
                        {"input": name, "psi": psi, "null_share_training": 0.0, "null_share_now": 0.0, "level": level}
                        for name, psi, level in (
                            ("recency_days", 0.031, "ok"),
                            ("count_orders_90d", 0.044, "ok"),
                            ("discount_share_365d", 0.162, "warn"),
                            ("count_complaints_180d", 0.271, "stop"),
                            ("net_minor_365d", 0.012, "ok"),
                        )
                    ],
                    "history": [{"date": day.isoformat(), "worst_psi": wave(i, 0.1, 0.3, 0.9), "level": "ok"} for i, day in enumerate(days(30))],
                },
            }
        )
    return ok({"models": answer})


def quality() -> Json:
    """Checks and refused rows."""
    check = {"severity": "quarantine", "severity_label": two("row is refused", "拒收该行"), "rows_checked": 10_233, "expected": "0 rows", "checked_at": NOW}
    return ok(
        {
            "business_date": BUSINESS.isoformat(),
            "summary": {"checks": 318, "failed": 3, "stopped": 0, "quarantined_rows": 431, "waiting_rows": 19},
            "checks": {
                "rows": [
                    check | {"table": "landing.order", "rule": "not_negative", "column": "gross_minor", "passed": False, "rows_failed": 412, "observed": "412 rows"},
                    check | {"table": "landing.customer", "rule": "valid_email", "column": "email", "passed": False, "rows_failed": 16, "observed": "16 rows"},
                    check | {"table": "core.order", "rule": "volume", "column": None, "severity": "warn", "severity_label": two("tell someone", "通知"), "passed": False, "rows_failed": None, "observed": "41 % fewer rows than usual"},
                    *[check | {"table": "landing.complaint", "rule": "not_null", "column": f"column_{i}", "passed": True, "rows_failed": 0, "observed": None} for i in range(18)],
                ],
                "total": 318,
                "passed": 315,
            },
            "history": {"days": [{"date": day.isoformat(), "checks": 318, "failed": 2, "rows_checked": 40_000, "rows_failed": round(abs(wave(i, 30, 0.9)))} for i, day in enumerate(days(30))]},
            "quarantine": {
                "rules": [
                    {"source": "sales", "entity": "order", "rule": "not_negative", "column": "gross_minor", "severity": "quarantine", "waiting": 12, "refused": 412, "last_seen_at": "2026-03-31T16:12:00Z"},
                    {"source": "crm", "entity": "customer", "rule": "valid_email", "column": "email", "severity": "quarantine", "waiting": 7, "refused": 19, "last_seen_at": "2026-03-30T16:12:00Z"},
                ]
            },
            "batches": {
                "rows": [
                    {"source": source, "entity": entity, "business_date": BUSINESS.isoformat(), "state": "published", "state_label": two("published", "已发布"), "extracted": n, "valid": n - q, "quarantined": q, "duplicate": 0, "erased": 0, "balanced": True}
                    for source, entity, n, q in (("crm", "customer", 812, 16), ("sales", "order", 10_233, 412), ("sales", "order_line", 24_110, 0), ("service_desk", "complaint", 183, 3))
                ]
            },
        }
    )


def health() -> Json:
    """Objectives, runs, feeds."""
    base = {"since": "2026-03-30", "objective": 1, "unit": "days"}
    rows = [
        base | {"check": "audience_size", "label": two("Size of the audience", "人群规模"), "subject": "holiday", "subject_label": two("Holiday", "节假日"), "value": -0.41, "objective": 0.3, "unit": "share", "state": "breach", "sentence": two("“Holiday” has 41 % fewer members than usual; at most 30 % is normal.", "“节假日”成员比平时少 41%，正常不超过 30%。")},
        base | {"check": "late_share", "label": two("Rows that came late", "迟到数据占比"), "subject": "sales", "subject_label": two("sales", "sales"), "value": 0.018, "objective": 0.02, "unit": "share", "state": "warn", "sentence": two("1.8 % of the rows came after their day; at most 2 % is meant.", "1.8% 的数据晚于当日到达，目标不超过 2%。")},
        base | {"check": "match_coverage", "label": two("Match coverage", "匹配覆盖率"), "subject": "google", "subject_label": two("Google", "Google"), "value": 0.71, "objective": 0.7, "unit": "share", "state": "warn", "sentence": two("71 % of the members can be matched; 70 % is meant.", "71% 的成员可匹配，目标为 70%。")},
        base | {"check": "delivery", "label": two("Delivery completeness", "下发完整性"), "subject": "sms", "subject_label": two("SMS", "短信"), "value": None, "objective": 0.98, "unit": "share", "state": "not_measured", "sentence": two("No tool has reported back yet.", "尚无工具回传结果。")},
        *[
            base | {"check": "audience_freshness", "label": two("Freshness of the audience", "人群时效"), "subject": name, "subject_label": label, "value": 0, "state": "ok", "sentence": two("Built for the newest day.", "已为最新业务日构建。")}
            for name, label, *_ in PLAYS
        ],
    ]
    names = ("ingest", "features", "score", "segment", "audience", "measure")
    return ok(
        {
            "as_of_date": AS_OF.isoformat(),
            "checks": {"rows": rows},
            "runs": {
                "dags": [
                    {"dag_id": f"retention_{name}", "label": next(row["label"] for row in stages() if row["stage"] == name), "days": [{"business_date": day.isoformat(), "seconds": round(wave(i + k, 30 + 8 * k, 0.2), 1), "state": "published", "tries": 1} for i, day in enumerate(days(14))], "median_seconds": 30.0 + 8 * k}
                    for k, name in enumerate(names)
                ]
            },
            "feeds": {
                "rows": [{"source": source, "entity": entity, "business_date": BUSINESS.isoformat(), "days_behind": late, "state": "published"} for source, entity, late in (("crm", "customer", 0), ("sales", "order", 0), ("service_desk", "complaint", 1))],
                "consent": [{"feed": "crm", "heartbeat_at": "2026-04-01T00:50:00Z", "is_silent": False}],
            },
        }
    )


def complaints() -> Json:
    """Service and review."""
    return ok(
        {
            "clock": clock(),
            "causes": {
                "week_start": "2026-03-30",
                "is_complete": False,
                "dimensions": [
                    {
                        "dimension": "product",
                        "label": two("Product", "商品"),
                        "rows": [
                            {"member": "婴儿配方奶粉 900 g", "root_cause": "packaging", "complaints": 41, "complaints_before": 18, "severe": 12, "late": 3, "median_hours_to_resolve": 21.5, "compensation_minor": 61_500, "is_suppressed": False},
                            {"member": "Stroller", "root_cause": "delivery", "complaints": 23, "complaints_before": 27, "severe": 2, "late": 0, "median_hours_to_resolve": 9.0, "compensation_minor": 11_500, "is_suppressed": False},
                            {"member": "Nappies M", "root_cause": None, "complaints": None, "complaints_before": None, "severe": None, "late": None, "median_hours_to_resolve": None, "compensation_minor": None, "is_suppressed": True},
                        ],
                    },
                    {"dimension": "channel", "label": two("Channel", "渠道"), "rows": [{"member": "phone", "root_cause": "wrong advice", "complaints": 14, "complaints_before": 11, "severe": 1, "late": 2, "median_hours_to_resolve": 30.0, "compensation_minor": 7_000, "is_suppressed": False}]},
                ],
            },
            "review": {
                "as_of_date": "2026-03-30",
                "rows": [
                    {
                        "kpi": "nps",
                        "label": two("Net promoter score", "净推荐值"),
                        "unit": "points",
                        "better": "up",
                        "dimension": "region",
                        "dimension_label": two("Region", "地区"),
                        "member": "广东",
                        "member_label": two("Guangdong", "广东"),
                        "value": 18.0,
                        "others": 43.0,
                        "before": 35.0,
                        "customers": 412,
                        "is_behind": True,
                        "is_falling": True,
                        "plays": [{"play": "holiday", "label": two("Holiday", "节假日")}, {"play": "welcome", "label": two("Welcome", "欢迎")}],
                        "advice": "harmful",
                        "advice_label": two("“Holiday” loses 1.40 a customer: stop it for them.", "“节假日”每位客户损失 1.40：建议对其停止。"),
                        "advice_play": "holiday",
                    }
                ],
            },
        }
    )


def customer(key: str) -> Json:
    """One customer."""
    score = {"lower": None, "upper": None, "horizon_days": 90, "is_fallback": False, "model_version": "churn-2026-03-01-ab12", "explained": True, "reasons": []}
    return ok(
        {
            "customer_key": key,
            "as_of_date": AS_OF.isoformat(),
            "merged_from": None,
            "profile": {
                "customer_kind": "consumer",
                "region": "广东",
                "member_since_month": "2024-05-01",
                "service_tier": {"member": "vip", "label": TIERS[0][1]},
                "tier_since": "2025-11-02",
                "is_at_risk": True,
                "lifecycle_stage": {"member": "at_risk", "label": STAGES[5][1]},
                "value_class": {"member": "strategic", "label": two("Strategic", "战略")},
                "rfm_segment": {"member": "cannot_lose", "label": SEGMENTS[8][1]},
                "rfm": {"recency": 2, "frequency": 5, "monetary": 5},
                "membership_level": {"member": "gold", "label": two("Gold", "金卡")},
                "persona": {"member": "quality_seeking", "label": two("Quality-seeking", "品质追求")},
            },
            "facts": [
                {"name": "net_minor_365d", "label": two("Net spend, 365 days", "365 天净消费"), "value": 2_431_900, "unit": "money_minor"},
                {"name": "count_orders_365d", "label": two("Orders, 365 days", "365 天订单"), "value": 17, "unit": "count"},
                {"name": "recency_days", "label": two("Days since the last order", "距上次下单天数"), "value": 61, "unit": "days"},
                {"name": "overdue_ratio", "label": two("Overdue against own rhythm", "较自身节奏延迟"), "value": 2.8, "unit": "ratio"},
            ],
            "scores": {
                "rows": [
                    score
                    | {
                        "score": "churn",
                        "label": two("Churn probability", "流失概率"),
                        "value": 0.71,
                        "unit": "share",
                        "reasons": [
                            {"rank": 1, "is_raising": True, "sentence": two("61 days since the last order; usual for this customer are 22.", "距上次下单 61 天，该客户通常为 22 天。"), "contribution": 0.8},
                            {"rank": 2, "is_raising": True, "sentence": two("A severe complaint in the last 30 days.", "近 30 天有一次严重投诉。"), "contribution": 0.5},
                            {"rank": 3, "is_raising": False, "sentence": two("17 orders in a year.", "一年内下单 17 次。"), "contribution": -0.3},
                        ],
                    },
                    score | {"score": "clv", "label": two("Value, next 12 months", "未来 12 个月价值"), "value": 812_400, "unit": "money_minor", "lower": 310_000, "upper": 1_240_000, "horizon_days": 365, "model_version": "clv-2026-03-01-cd34", "explained": False},
                    score | {"score": "repurchase", "label": two("Repurchase within 90 days", "90 天内复购"), "value": 0.29, "unit": "share", "is_fallback": True},
                ],
                "history": [{"date": day.isoformat(), "churn_probability": min(0.9, 0.2 + i * 0.017), "clv_12m_minor": 900_000 - i * 3_000} for i, day in enumerate(days(30))],
            },
            "warnings": {"rows": [{"warning": "overdue", "sentence": two("2.8 times later than usual.", "较平时晚 2.8 倍。")}, {"warning": "complaints", "sentence": two("Complaints are rising: 2 in 30 days, none before.", "投诉增加：30 天内 2 次，此前为 0。")}]},
            "next_best": {"rows": [{"list": "next", "level": "product", "rank": 1, "item": "Organic formula, stage 3", "probability": 0.22, "why": two("Bought after stage 2 by 41 % of customers.", "41% 的客户在 2 段后购买。")}, {"list": "next", "level": "category", "rank": 1, "item": "婴儿辅食", "probability": 0.15, "why": two("Often bought together with what this customer buys.", "常与该客户所购商品一起购买。")}]},
            "memberships": {
                "as_of_date": AS_OF.isoformat(),
                "rows": [
                    {"play": "churn_rescue", "label": PLAYS[0][1], "state": "selected", "state_label": two("gets it", "参加"), "rules": [], "sentence": two("Gets “Churn rescue”: high risk and worth keeping.", "参加“流失挽留”：高风险且值得挽留。"), "channel": "wechat", "offer": "15 % off", "valid_until": "2026-04-08T00:00:00Z"},
                    {"play": "replenishment", "label": PLAYS[3][1], "state": "control", "state_label": two("control group", "对照组"), "rules": [], "sentence": two("Would get it, but is kept back at random to measure its effect.", "本应参加，但被随机留作对照组。"), "channel": None, "offer": None, "valid_until": None},
                    {"play": "holiday", "label": PLAYS[4][1], "state": "excluded", "state_label": two("kept out", "排除"), "rules": ["complaint_open"], "sentence": two("A complaint is open, promotion rests.", "有未结投诉，暂停促销。"), "channel": None, "offer": None, "valid_until": None},
                ],
            },
            "timeline": {
                "rows": [
                    {"at": "2026-03-30T09:00:00Z", "kind": "complaint", "label": two("Complaint", "投诉"), "title": two("Packaging, severe, phone: open", "包装，严重，电话：处理中"), "amount_minor": None, "value": None, "detail": {}},
                    {"at": "2026-03-14T02:11:00Z", "kind": "campaign_event", "label": two("Message opened", "打开消息"), "title": two("Holiday, WeChat", "节假日，微信"), "amount_minor": None, "value": None, "detail": {}},
                    {"at": "2026-01-29T12:31:00Z", "kind": "order", "label": two("Order", "订单"), "title": two("3 products, app", "3 件商品，APP"), "amount_minor": 38_900, "value": None, "detail": {}},
                    {"at": "2026-01-08T12:31:00Z", "kind": "survey", "label": two("NPS answer", "NPS 评分"), "title": two("9 of 10", "9 分"), "amount_minor": None, "value": 9, "detail": {}},
                    {"at": "2025-11-02T00:00:00Z", "kind": "tier_move", "label": two("Tier", "层级变动"), "title": two("Potential → VIP: the value class changed", "潜力客户 → 大客户：价值分类变化"), "amount_minor": None, "value": None, "detail": {}},
                ],
                "total": 240,
                "shown": 5,
            },
            "logged": {"at": NOW, "actor": "wu", "looks_left": 59},
        }
    )


def pushes() -> Json:
    """What waits for a person's word."""
    return ok(
        {
            "items": [
                {
                    "id": "scheduled__2026-03-31T00:00:00+00:00",
                    "business_date": "2026-03-31",
                    "asked_at": "2026-03-31T23:10:00Z",
                    "answer_by": "2026-04-01T23:10:00Z",
                    "can_answer": True,
                    "why_not": None,
                    "version": "6f1c",
                    "excess": [
                        {"play": "win_back", "label": PLAYS[8][1], "measure": "joins", "measure_label": two("people who would join", "将新增人数"), "found": 1270, "allowed": 600, "cause": "budget", "cause_label": two("the budget was raised", "预算上调"), "sentence": two("1,270 people would join “Win-back” at once; 600 a day pass without asking.", "将有 1,270 人一次性加入“挽回”，每日无需批准的上限为 600 人。")},
                        {"play": "holiday", "label": PLAYS[4][1], "measure": "leaves", "measure_label": two("people who would leave", "将移除人数"), "found": 3900, "allowed": 1900, "cause": "settings", "cause_label": two("a rule changed", "规则变更"), "sentence": two("3,900 people would leave “Holiday”.", "将有 3,900 人退出“节假日”。")},
                    ],
                }
            ],
            "history": [
                {"business_date": (BUSINESS - timedelta(days=i)).isoformat(), "pushed_at": f"2026-03-{31 - i:02d}T23:10:00Z", "state": "needs_approval" if i == 0 else "committed", "state_label": two("part waits", "部分待批准") if i == 0 else two("went out", "已推送"), "added": 1840, "updated": 312, "removed": 905, "members": 26_464, "withheld": 5170 if i == 0 else 0, "approved_by": "lin" if i == 6 else None, "approval_reason": "women's day" if i == 6 else None}
                for i in range(14)
            ],
            "approvals": [{"business_date": "2026-03-25", "approved_by": "lin", "reason": "new collection, agreed with marketing", "approved_at": "2026-03-25T01:30:00Z", "used_at": "2026-03-25T01:31:00Z", "ceilings": [{"play": "welcome", "measure": "joins", "found": 900}]}],
        }
    )


ANSWERS: dict[str, Callable[..., Json]] = {
    "overview": overview,
    "kpis": kpis,
    "customers": customers,
    "plays": plays,
    "programme": programme,
    "models": models,
    "quality": quality,
    "health": health,
    "complaints": complaints,
    "pushes": pushes,
}
