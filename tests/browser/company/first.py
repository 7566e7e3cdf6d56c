"""The first view."""

from __future__ import annotations

from datetime import timedelta

from tests.browser.company.clocks import clock, stages
from tests.browser.company.decisions import pushes
from tests.browser.company.figures import KPIS, kpi_value
from tests.browser.company.pipeline import health
from tests.browser.company.words import BUSINESS, TIERS, Json, days, ok, two, wave


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
                "formula_zh": f"{name} 的计算方法",
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
                    {"date": day.isoformat(), "value": None if i == 37 else v}
                    for i, (day, v) in enumerate(zip(days(90), series, strict=True))
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
                    "what_to_do": two(
                        "Look at it under Approvals, then approve or reject it.", "请在“审批”中查看，然后批准或拒绝。"
                    ),
                    "since": "2026-03-31T23:10:00Z",
                    "link": "#/approvals",
                    "runbook": "needs-approval",
                },
                {
                    "kind": "complaint_over_clock",
                    "severity": "high",
                    "title": two("3 complaints are over their clock", "3 件投诉已超时"),
                    "what_to_do": two(
                        "The team listed first waits longest; answer there first.", "请优先处理列表中等待最久的团队。"
                    ),
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
                        TIERS,
                        (6_120, 18_340, 41_700, 32_240),
                        (830, 2_410, 6_020, 0),
                        (510_000_000, 690_000_000, 480_000_000, 70_000_000),
                        strict=True,
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
            for (name, label, _), people, value in zip(
                TIERS, (830, 2410, 6020, 0), (122_000_000, 164_300_000, 118_000_000, 8_000_000), strict=True
            )
        ],
        "trend": [
            {"date": day.isoformat(), "value_minor": round(wave(i, 402_000_000, 0.01, 0.04))} for i, day in enumerate(days(60))
        ],
        "formula": two(
            "Sum over purchasers of churn probability times predicted 12-month value.",
            "对全部购买客户求和：流失概率 × 预测 12 个月价值。",
        ),
    }
