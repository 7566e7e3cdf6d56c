"""KPIs: their first view and over time."""

from __future__ import annotations

from tests.browser.company.words import BUSINESS, TIERS, Json, days, ok, two, wave

KPIS = [
    ("net_revenue", two("Net revenue", "净收入"), "money_minor", "up", "money", 41_200_000.0, 0.22, 0.09),
    ("orders", two("Orders", "订单数"), "count", "up", "money", 1290.0, 0.2, 0.07),
    ("member_revenue_share", two("Share of revenue from members", "会员收入占比"), "share", "up", "money", 0.612, 0.03, 0.02),
    (
        "mean_clv_12m",
        two("Mean customer lifetime value", "平均客户终身价值"),
        "money_minor",
        "up",
        "money",
        231_400.0,
        0.004,
        0.03,
    ),
    ("retention_rate", two("Retention rate", "留存率"), "share", "up", "loyalty", 0.643, 0.006, 0.03),
    ("churn_rate", two("Churn rate", "流失率"), "share", "down", "loyalty", 0.357, 0.006, -0.05),
    ("repurchase_rate", two("Repurchase rate", "复购率"), "share", "up", "loyalty", 0.584, 0.05, 0.03),
    ("mean_repurchase_interval", two("Mean repurchase interval", "平均复购间隔"), "days", "down", "loyalty", 38.4, 0.07, -0.06),
    ("nps", two("Net promoter score", "净推荐值"), "points", "up", "satisfaction", 41.0, 0.12, 0.08),
    ("csat", two("Customer satisfaction", "客户满意度"), "score", "up", "satisfaction", 4.42, 0.02, 0.01),
    ("complaint_rate", two("Complaint rate", "投诉率"), "share", "down", "satisfaction", 0.0163, 0.3, 0.25),
    (
        "complaints_inside_clock",
        two("Complaints inside the clock", "投诉及时率"),
        "share",
        "up",
        "satisfaction",
        0.931,
        0.03,
        -0.03,
    ),
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
                    "formula_zh": f"{name} 的计算方法",
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
