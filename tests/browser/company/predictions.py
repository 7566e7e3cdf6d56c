"""Models."""

from __future__ import annotations

import math

from tests.browser.company.words import AS_OF, Json, days, ok, two, wave


def models() -> Json:
    """Whether the models keep their word."""
    rows = [
        (
            "churn",
            two("Churn", "流失"),
            "good",
            two("Good", "良好"),
            two("What was predicted came true to within 2 points.", "预测与实际相差在 2 个百分点以内。"),
        ),
        (
            "clv",
            two("Lifetime value", "客户终身价值"),
            "watch",
            two("Watch", "需关注"),
            two("The total is 9 % too high.", "总额偏高 9%。"),
        ),
        (
            "repurchase",
            two("Repurchase", "复购"),
            "good",
            two("Good", "良好"),
            two("Ranks customers well and is calibrated.", "排序与校准均良好。"),
        ),
        (
            "renewal",
            two("Renewal", "续约"),
            "unknown",
            two("Not known yet", "尚不可知"),
            two("No prediction has come due.", "尚无到期的预测。"),
        ),
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
        candidates = [
            ("challenger", two("This model", "本模型"), 0.811),
            ("recency_only", two("Recency only", "仅看近度"), 0.742),
            ("bg_nbd", two("BG/NBD", "BG/NBD"), 0.778),
        ]
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
                "challengers": [
                    {
                        "model_version": f"{kind}-2026-03-29-77fe",
                        "created_at": "2026-03-29T02:00:00Z",
                        "decision": "no better than the champion",
                    }
                ],
                "evaluation": [
                    {
                        "metric": metric,
                        "label": metric_label,
                        "better": better,
                        "evaluated_as_of": "2026-01-01",
                        "candidates": [
                            {
                                "candidate": c,
                                "label": c_label,
                                "value": abs(value - shift),
                                "lower": abs(value - shift) - 0.01,
                                "upper": abs(value - shift) + 0.01,
                            }
                            for c, c_label, value in candidates
                        ],
                    }
                    for metric, metric_label, better, shift in (
                        ("auc", two("AUC", "AUC 排序能力"), "up", 0.0),
                        ("ece", two("Calibration error", "校准误差"), "down", 0.83),
                        ("brier", two("Brier score", "Brier 分数"), "down", 0.97),
                    )
                ],
                "reliability": {
                    "state_of_labels": "waiting",
                    "scored_as_of": "2026-03-01",
                    "matures_on": "2026-05-30",
                    "unit": "share",
                    "buckets": [],
                }
                if kind == "renewal"
                else {
                    "state_of_labels": "matured",
                    "scored_as_of": "2026-01-01",
                    "matures_on": "2026-04-01",
                    "unit": "money_minor" if money else "share",
                    "buckets": buckets,
                    "error": 3_100 if money else 0.017,
                    "history": [
                        {
                            "scored_as_of": day.isoformat(),
                            "predicted": wave(i, 231_000 if money else 0.36, 0.02),
                            "realised": wave(i + 3, 225_000 if money else 0.355, 0.03),
                            "error": 0.01,
                            "customers": 1,
                        }
                        for i, day in enumerate(days(30))
                    ],
                },
                "lift": {
                    "groups": [
                        {
                            "share": (i + 1) / 10,
                            "captured": min(1, 0.32 * (i + 1) ** 0.6),
                            "lift": round(0.32 * (i + 1) ** 0.6 / ((i + 1) / 10), 2),
                        }
                        for i in range(10)
                    ]
                },
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
                    "history": [
                        {"date": day.isoformat(), "worst_psi": wave(i, 0.1, 0.3, 0.9), "level": "ok"}
                        for i, day in enumerate(days(30))
                    ],
                },
            }
        )
    return ok({"models": answer})
