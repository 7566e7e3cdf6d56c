"""One customer."""

from __future__ import annotations

from tests.browser.company.words import AS_OF, NOW, PLAYS, SEGMENTS, STAGES, TIERS, Json, days, ok, two


def customer(key: str) -> Json:
    """One customer."""
    score = {
        "lower": None,
        "upper": None,
        "horizon_days": 90,
        "is_fallback": False,
        "model_version": "churn-2026-03-01-ab12",
        "explained": True,
        "reasons": [],
    }
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
                {
                    "name": "net_minor_365d",
                    "label": two("Net spend, 365 days", "365 天净消费"),
                    "value": 2_431_900,
                    "unit": "money_minor",
                },
                {"name": "count_orders_365d", "label": two("Orders, 365 days", "365 天订单"), "value": 17, "unit": "count"},
                {
                    "name": "recency_days",
                    "label": two("Days since the last order", "距上次下单天数"),
                    "value": 61,
                    "unit": "days",
                },
                {
                    "name": "overdue_ratio",
                    "label": two("Overdue against own rhythm", "较自身节奏延迟"),
                    "value": 2.8,
                    "unit": "ratio",
                },
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
                            {
                                "rank": 1,
                                "is_raising": True,
                                "sentence": two(
                                    "61 days since the last order; usual for this customer are 22.",
                                    "距上次下单 61 天，该客户通常为 22 天。",
                                ),
                                "contribution": 0.8,
                            },
                            {
                                "rank": 2,
                                "is_raising": True,
                                "sentence": two("A severe complaint in the last 30 days.", "近 30 天有一次严重投诉。"),
                                "contribution": 0.5,
                            },
                            {
                                "rank": 3,
                                "is_raising": False,
                                "sentence": two("17 orders in a year.", "一年内下单 17 次。"),
                                "contribution": -0.3,
                            },
                        ],
                    },
                    score
                    | {
                        "score": "clv",
                        "label": two("Value, next 12 months", "未来 12 个月价值"),
                        "value": 812_400,
                        "unit": "money_minor",
                        "lower": 310_000,
                        "upper": 1_240_000,
                        "horizon_days": 365,
                        "model_version": "clv-2026-03-01-cd34",
                        "explained": False,
                    },
                    score
                    | {
                        "score": "repurchase",
                        "label": two("Repurchase within 90 days", "90 天内复购"),
                        "value": 0.29,
                        "unit": "share",
                        "is_fallback": True,
                    },
                ],
                "history": [
                    {
                        "date": day.isoformat(),
                        "churn_probability": min(0.9, 0.2 + i * 0.017),
                        "clv_12m_minor": 900_000 - i * 3_000,
                    }
                    for i, day in enumerate(days(30))
                ],
            },
            "warnings": {
                "rows": [
                    {"warning": "overdue", "sentence": two("2.8 times later than usual.", "较平时晚 2.8 倍。")},
                    {
                        "warning": "complaints",
                        "sentence": two(
                            "Complaints are rising: 2 in 30 days, none before.", "投诉增加：30 天内 2 次，此前为 0。"
                        ),
                    },
                ]
            },
            "next_best": {
                "rows": [
                    {
                        "list": "next",
                        "level": "product",
                        "rank": 1,
                        "item": "Organic formula, stage 3",
                        "probability": 0.22,
                        "why": two("Bought after stage 2 by 41 % of customers.", "41% 的客户在 2 段后购买。"),
                    },
                    {
                        "list": "next",
                        "level": "category",
                        "rank": 1,
                        "item": "婴儿辅食",
                        "probability": 0.15,
                        "why": two("Often bought together with what this customer buys.", "常与该客户所购商品一起购买。"),
                    },
                ]
            },
            "memberships": {
                "as_of_date": AS_OF.isoformat(),
                "rows": [
                    {
                        "play": "churn_rescue",
                        "label": PLAYS[0][1],
                        "state": "selected",
                        "state_label": two("gets it", "参加"),
                        "rules": [],
                        "sentence": two(
                            "Gets “Churn rescue”: high risk and worth keeping.", "参加“流失挽留”：高风险且值得挽留。"
                        ),
                        "channel": "wechat",
                        "offer": "15 % off",
                        "valid_until": "2026-04-08T00:00:00Z",
                    },
                    {
                        "play": "replenishment",
                        "label": PLAYS[3][1],
                        "state": "control",
                        "state_label": two("control group", "对照组"),
                        "rules": [],
                        "sentence": two(
                            "Would get it, but is kept back at random to measure its effect.", "本应参加，但被随机留作对照组。"
                        ),
                        "channel": None,
                        "offer": None,
                        "valid_until": None,
                    },
                    {
                        "play": "holiday",
                        "label": PLAYS[4][1],
                        "state": "excluded",
                        "state_label": two("kept out", "排除"),
                        "rules": ["complaint_open"],
                        "sentence": two("A complaint is open, promotion rests.", "有未结投诉，暂停促销。"),
                        "channel": None,
                        "offer": None,
                        "valid_until": None,
                    },
                ],
            },
            "timeline": {
                "rows": [
                    {
                        "at": "2026-03-30T09:00:00Z",
                        "kind": "complaint",
                        "label": two("Complaint", "投诉"),
                        "title": two("Packaging, severe, phone: open", "包装，严重，电话：处理中"),
                        "amount_minor": None,
                        "value": None,
                        "detail": {},
                    },
                    {
                        "at": "2026-03-14T02:11:00Z",
                        "kind": "campaign_event",
                        "label": two("Message opened", "打开消息"),
                        "title": two("Holiday, WeChat", "节假日，微信"),
                        "amount_minor": None,
                        "value": None,
                        "detail": {},
                    },
                    {
                        "at": "2026-01-29T12:31:00Z",
                        "kind": "order",
                        "label": two("Order", "订单"),
                        "title": two("3 products, app", "3 件商品，APP"),
                        "amount_minor": 38_900,
                        "value": None,
                        "detail": {},
                    },
                    {
                        "at": "2026-01-08T12:31:00Z",
                        "kind": "survey",
                        "label": two("NPS answer", "NPS 评分"),
                        "title": two("9 of 10", "9 分"),
                        "amount_minor": None,
                        "value": 9,
                        "detail": {},
                    },
                    {
                        "at": "2025-11-02T00:00:00Z",
                        "kind": "tier_move",
                        "label": two("Tier", "层级变动"),
                        "title": two("Potential → VIP: the value class changed", "潜力客户 → 大客户：价值分类变化"),
                        "amount_minor": None,
                        "value": None,
                        "detail": {},
                    },
                ],
                "total": 240,
                "shown": 5,
            },
            "logged": {"at": NOW, "actor": "wu", "looks_left": 59},
        }
    )
