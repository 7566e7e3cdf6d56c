"""Plays, and what they bring."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.browser.company.words import AS_OF, KINDS, NOW, PLAYS, RULES, TIERS, VERDICTS, Json, days, ok, two, wave


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
        plan = {
            "population": 98_400,
            "not_in_audience": 98_400 - members_now - excluded - 200,
            "excluded": excluded,
            "control": 200,
            "selected": members_now,
        }
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
                {
                    "kind": "budget",
                    "applies_to": "day",
                    "label": two("Budget of the day", "当日预算"),
                    "unit": "money_minor",
                    "most": 500_000,
                    "used": 412_300,
                    "used_share": 0.8246,
                    "shadow_price_minor": 3,
                    "meaning": two("m", "m"),
                },
                {
                    "kind": "channel",
                    "applies_to": "sms",
                    "label": two("SMS of the day", "当日短信"),
                    "unit": "count",
                    "most": 5000,
                    "used": 5000,
                    "used_share": 1.0,
                    "shadow_price_minor": 12,
                    "meaning": two("m", "m"),
                },
                {
                    "kind": "team",
                    "applies_to": "call_centre",
                    "label": two("Calls of the team", "客服外呼"),
                    "unit": "count",
                    "most": 400,
                    "used": 384,
                    "used_share": 0.96,
                    "shadow_price_minor": 0,
                    "meaning": two("m", "m"),
                },
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
        for outcome, label, unit, scale in (
            ("net_revenue_minor", two("Net revenue", "净收入"), "money_minor", 1.0),
            ("bought", two("Bought", "购买率"), "share", 0.00004),
        ):
            for i, (tier, tier_label) in enumerate(
                [("all", two("Everybody", "全部")), *((name, label) for name, label, _ in TIERS)]
            ):
                wide = 1 + 0.9 * i
                hidden = tier == "marginal"
                at, low, high = (
                    None if hidden else v
                    for v in (
                        values[0] * scale * (1.2 - 0.1 * i),
                        (values[0] - (values[0] - values[1]) * wide) * scale,
                        (values[0] + (values[2] - values[0]) * wide) * scale,
                    )
                )
                verdict = found[6] if i == 0 or (low or -1) > 0 or (high or 1) < 0 else "no_effect_seen"
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
                        "verdict": None if hidden else verdict,
                        "verdict_label": None if hidden else VERDICTS[verdict],
                        "is_suppressed": hidden,
                    }
                )
        results["history"] = [
            {
                "date": day.isoformat(),
                "outcome": "net_revenue_minor",
                "difference": values[0] + 300 / (i + 1),
                "lower_any_95": values[0] - 2600 / (i + 2),
                "upper_any_95": values[0] + 2600 / (i + 2),
            }
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
                    {
                        "date": day.isoformat(),
                        "added": 40,
                        "removed": 33,
                        "updated": 2,
                        "members": round(wave(i, one["members"], 0.05, 0.04)),
                        "joins_withheld": 0,
                        "leaves_withheld": 0,
                    }
                    for i, day in enumerate(days(30))
                ]
            },
            "planned": {
                "days": [
                    {"date": (AS_OF - timedelta(days=1)).isoformat(), **one["planned_before"]},
                    {"date": AS_OF.isoformat(), **one["planned"]},
                ]
            },
            "exclusions": {
                "as_of_date": AS_OF.isoformat(),
                "rules": [
                    {
                        "rule": rule,
                        "position": i,
                        "label": label,
                        "first": people // 10,
                        "any": people // 8,
                        "first_before": people // 10 - 7,
                    }
                    for i, (rule, label, people) in enumerate(RULES)
                ],
            },
            "results": results
            if values
            else {
                "state": "empty",
                "message_en": "Not measured yet.",
                "message_zh": "尚未度量。",
                "what_to_do_en": "Wait 30 days.",
                "what_to_do_zh": "请等待 30 天。",
            },
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
                        "advice": two(
                            "The groups are as drawn; a few of the control group were contacted by hand.",
                            "分组符合抽样；对照组中有少数人被人工触达。",
                        ),
                    }
                ]
            },
            "funnel": {
                "months": [
                    {
                        "month": month,
                        "held_back": 420,
                        "handed_out": 4120,
                        "sent": 4088,
                        "delivered": 3901,
                        "opened": 1874,
                        "clicked": 611,
                        "converted": 204,
                        "bought": 873,
                        "unsubscribed": 12,
                        "cost_minor": 49_440,
                    }
                    for month in ("2026-03-01", "2026-02-01")
                ]
            },
            "allocation": {
                "rows": [
                    {
                        "as_of_date": AS_OF.isoformat(),
                        "contenders": 5600,
                        "chosen": 4120,
                        "beaten": 610,
                        "over_budget": 540,
                        "channel_full": 210,
                        "do_not_disturb": 40,
                        "not_worth_its_cost": 80,
                        "value_minor": 2_310_000,
                        "cost_minor": 49_440,
                    }
                ]
            },
        }
    )


def programme() -> Json:
    """What all plays bring together."""
    rows = [
        ("year", two("Year to date", "年初至今"), "2026-01-01", 1_940.0, 610.0, 3_280.0, 184_000_000, 21_400_000, "positive"),
        (
            "quarter",
            two("Quarter to date", "本季至今"),
            "2026-01-01",
            1_940.0,
            610.0,
            3_280.0,
            184_000_000,
            21_400_000,
            "positive",
        ),
        (
            "last_90_days",
            two("Last 90 days", "近 90 天"),
            "2026-01-01",
            1_120.0,
            -240.0,
            2_480.0,
            106_000_000,
            19_800_000,
            "no_effect_seen",
        ),
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
                        "sentence": two(
                            "Lost half of its budget: it costs 1.40 a customer against its control group.",
                            "预算减半：相对对照组，每位客户损失 1.40。",
                        ),
                    }
                ]
            },
        }
    )
