"""Customers as groups."""

from __future__ import annotations

import math
from datetime import date, timedelta

from tests.browser.company.words import AS_OF, SEGMENTS, STAGES, TIERS, Json, ok, two

RFM = [  # by frequency from 5 down, recency from 1 up
    "cannot_lose at_risk loyal champions champions",
    "at_risk at_risk loyal champions champions",
    "at_risk need_attention need_attention loyal loyal",
    "hibernating about_to_sleep about_to_sleep potential_loyalist potential_loyalist",
    "lost hibernating about_to_sleep promising new",
]


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
            segment = next(one for one in SEGMENTS if one[0] == RFM[5 - frequency].split()[recency - 1])
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
            flows.append(
                {
                    "from": old,
                    "to": new,
                    "customers": people,
                    "share_of_from": people / [6000, 18000, 41000, 32000][i],
                    "is_suppressed": False,
                }
            )
    flows.append({"from": "none", "to": "ordinary", "customers": 640, "share_of_from": None, "is_suppressed": False})
    flows[3] |= {"customers": None, "share_of_from": None, "is_suppressed": True}
    tier_members = [{"member": name, "label": label} for name, label, _ in TIERS] + [
        {"member": "none", "label": two("none", "无")}
    ]
    span = {"dimensions": {"tier": {"label": two("Service tier", "客户分层"), "members": tier_members, "flows": flows}}}
    cohorts = []
    for i in range(12):
        month = date(2025, 4, 1) + timedelta(days=31 * i)
        cohorts.append(
            {
                "cohort_month": month.replace(day=1).isoformat(),
                "customers": 2100 + 90 * (i % 5),
                "months": [
                    {
                        "months_since": k,
                        "retention": 1.0 if k == 0 else round(0.42 * math.exp(-k / 7) + 0.08 + 0.01 * (i % 3), 3),
                        "active": 900,
                        "net_minor": 31_000_000,
                    }
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
                "stage": {
                    "label": two("Lifecycle stage", "生命周期"),
                    "members": members(STAGES, [32_240, 7_300, 4_100, 22_160, 14_700, 9_260, 8_140, 500]),
                },
                "membership_level": {
                    "label": two("Membership level", "会员等级"),
                    "members": members(
                        [
                            ("gold", two("Gold", "金卡"), 3),
                            ("silver", two("Silver", "银卡"), 2),
                            ("none", two("None", "无"), 1),
                        ],
                        [4_210, 11_900, 82_290],
                    ),
                },
                "persona": {
                    "label": two("Persona", "画像"),
                    "members": members(
                        [
                            ("quality_seeking", two("Quality-seeking", "品质追求"), 2),
                            ("price_sensitive", two("Price-sensitive", "价格敏感"), 1),
                            ("collectors", two("Collectors", "收藏型"), 3),
                        ],
                        [23_100, 43_055, 5],
                    ),
                },
                "rfm_segment": {
                    "label": two("RFM segment", "RFM 细分"),
                    "members": members(segments, [5_300, 8_900, 9_700, 5_100, 4_300, 6_600, 5_400, 7_900, 1_200, 6_700, 5_060]),
                },
                "value_class": {
                    "label": two("Value class", "价值分类"),
                    "members": members(
                        [
                            ("strategic", two("Strategic", "战略"), 4),
                            ("growth", two("Growth", "成长"), 3),
                            ("base", two("Base", "基础"), 2),
                            ("marginal", two("Marginal", "边缘"), 1),
                        ],
                        [9_900, 12_400, 11_200, 32_660],
                    ),
                },
            },
            "tier_by_stage": {
                "rows": [
                    {
                        "tier": tier,
                        "stage": stage,
                        "customers": 300 + 1300 * ((i * 5 + j * 3) % 7),
                        "at_risk_customers": 40 if stage == "at_risk" else 0,
                        "is_suppressed": False,
                    }
                    for i, (tier, _, _) in enumerate(TIERS)
                    for j, (stage, _, _) in enumerate(STAGES)
                    if stage != "prospect"
                ]
            },
            "rfm_map": {"cells": cells},
            "migration": {
                "since_date": "2026-03-04",
                "span": "month",
                **span,
                "previous": {"since_date": "2026-03-31", "span": "previous", **span},
            },
            "stability": {
                "rows": [
                    {
                        "dimension": "tier",
                        "label": two("Service tier", "客户分层"),
                        "since_date": "2026-03-31",
                        "days": 1,
                        "customers": 98_400,
                        "movers": 310,
                        "flap_days": 30,
                        "flappers": 120,
                        "flap_rate": 0.00122,
                    },
                    {
                        "dimension": "stage",
                        "label": two("Lifecycle stage", "生命周期"),
                        "since_date": "2026-03-31",
                        "days": 1,
                        "customers": 98_400,
                        "movers": 890,
                        "flap_days": 30,
                        "flappers": 410,
                        "flap_rate": 0.00417,
                    },
                ]
            },
            "cohorts": {"cohorts": cohorts},
        }
    )
