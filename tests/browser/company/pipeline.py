"""Data, health, complaints."""

from __future__ import annotations

from tests.browser.company.clocks import clock, stages
from tests.browser.company.words import AS_OF, BUSINESS, NOW, PLAYS, Json, days, ok, two, wave


def quality() -> Json:
    """Checks and refused rows."""
    check = {
        "severity": "quarantine",
        "severity_label": two("row is refused", "拒收该行"),
        "rows_checked": 10_233,
        "expected": "0 rows",
        "checked_at": NOW,
    }
    return ok(
        {
            "business_date": BUSINESS.isoformat(),
            "summary": {"checks": 318, "failed": 3, "stopped": 0, "quarantined_rows": 431, "waiting_rows": 19},
            "checks": {
                "rows": [
                    check
                    | {
                        "table": "landing.order",
                        "rule": "not_negative",
                        "column": "gross_minor",
                        "passed": False,
                        "rows_failed": 412,
                        "observed": "412 rows",
                    },
                    check
                    | {
                        "table": "landing.customer",
                        "rule": "valid_email",
                        "column": "email",
                        "passed": False,
                        "rows_failed": 16,
                        "observed": "16 rows",
                    },
                    check
                    | {
                        "table": "core.order",
                        "rule": "volume",
                        "column": None,
                        "severity": "warn",
                        "severity_label": two("tell someone", "通知"),
                        "passed": False,
                        "rows_failed": None,
                        "observed": "41 % fewer rows than usual",
                    },
                    *[
                        check
                        | {
                            "table": "landing.complaint",
                            "rule": "not_null",
                            "column": f"column_{i}",
                            "passed": True,
                            "rows_failed": 0,
                            "observed": None,
                        }
                        for i in range(18)
                    ],
                ],
                "total": 318,
                "passed": 315,
            },
            "history": {
                "days": [
                    {
                        "date": day.isoformat(),
                        "checks": 318,
                        "failed": 2,
                        "rows_checked": 40_000,
                        "rows_failed": round(abs(wave(i, 30, 0.9))),
                    }
                    for i, day in enumerate(days(30))
                ]
            },
            "quarantine": {
                "rules": [
                    {
                        "source": "sales",
                        "entity": "order",
                        "rule": "not_negative",
                        "column": "gross_minor",
                        "severity": "quarantine",
                        "waiting": 12,
                        "refused": 412,
                        "last_seen_at": "2026-03-31T16:12:00Z",
                    },
                    {
                        "source": "crm",
                        "entity": "customer",
                        "rule": "valid_email",
                        "column": "email",
                        "severity": "quarantine",
                        "waiting": 7,
                        "refused": 19,
                        "last_seen_at": "2026-03-30T16:12:00Z",
                    },
                ]
            },
            "batches": {
                "rows": [
                    {
                        "source": source,
                        "entity": entity,
                        "business_date": BUSINESS.isoformat(),
                        "state": "published",
                        "state_label": two("published", "已发布"),
                        "extracted": n,
                        "valid": n - q,
                        "quarantined": q,
                        "duplicate": 0,
                        "erased": 0,
                        "balanced": True,
                    }
                    for source, entity, n, q in (
                        ("crm", "customer", 812, 16),
                        ("sales", "order", 10_233, 412),
                        ("sales", "order_line", 24_110, 0),
                        ("service_desk", "complaint", 183, 3),
                    )
                ]
            },
        }
    )


def health() -> Json:
    """Objectives, runs, feeds."""
    base = {"since": "2026-03-30", "objective": 1, "unit": "days"}
    rows = [
        base
        | {
            "check": "audience_size",
            "label": two("Size of the audience", "人群规模"),
            "subject": "holiday",
            "subject_label": two("Holiday", "节假日"),
            "value": -0.41,
            "objective": 0.3,
            "unit": "share",
            "state": "breach",
            "sentence": two(
                "“Holiday” has 41 % fewer members than usual; at most 30 % is normal.",
                "“节假日”成员比平时少 41%，正常不超过 30%。",
            ),
        },
        base
        | {
            "check": "late_share",
            "label": two("Rows that came late", "迟到数据占比"),
            "subject": "sales",
            "subject_label": two("sales", "sales"),
            "value": 0.018,
            "objective": 0.02,
            "unit": "share",
            "state": "warn",
            "sentence": two(
                "1.8 % of the rows came after their day; at most 2 % is meant.", "1.8% 的数据晚于当日到达，目标不超过 2%。"
            ),
        },
        base
        | {
            "check": "match_coverage",
            "label": two("Match coverage", "匹配覆盖率"),
            "subject": "google",
            "subject_label": two("Google", "Google"),
            "value": 0.71,
            "objective": 0.7,
            "unit": "share",
            "state": "warn",
            "sentence": two("71 % of the members can be matched; 70 % is meant.", "71% 的成员可匹配，目标为 70%。"),
        },
        base
        | {
            "check": "delivery",
            "label": two("Delivery completeness", "下发完整性"),
            "subject": "sms",
            "subject_label": two("SMS", "短信"),
            "value": None,
            "objective": 0.98,
            "unit": "share",
            "state": "not_measured",
            "sentence": two("No tool has reported back yet.", "尚无工具回传结果。"),
        },
        *[
            base
            | {
                "check": "audience_freshness",
                "label": two("Freshness of the audience", "人群时效"),
                "subject": name,
                "subject_label": label,
                "value": 0,
                "state": "ok",
                "sentence": two("Built for the newest day.", "已为最新业务日构建。"),
            }
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
                    {
                        "dag_id": f"retention_{name}",
                        "label": next(row["label"] for row in stages() if row["stage"] == name),
                        "days": [
                            {
                                "business_date": day.isoformat(),
                                "seconds": round(wave(i + k, 30 + 8 * k, 0.2), 1),
                                "state": "published",
                                "tries": 1,
                            }
                            for i, day in enumerate(days(14))
                        ],
                        "median_seconds": 30.0 + 8 * k,
                    }
                    for k, name in enumerate(names)
                ]
            },
            "feeds": {
                "rows": [
                    {
                        "source": source,
                        "entity": entity,
                        "business_date": BUSINESS.isoformat(),
                        "days_behind": late,
                        "state": "published",
                    }
                    for source, entity, late in (
                        ("crm", "customer", 0),
                        ("sales", "order", 0),
                        ("service_desk", "complaint", 1),
                    )
                ],
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
                            {
                                "member": "婴儿配方奶粉 900 g",
                                "root_cause": "packaging",
                                "complaints": 41,
                                "complaints_before": 18,
                                "severe": 12,
                                "late": 3,
                                "median_hours_to_resolve": 21.5,
                                "compensation_minor": 61_500,
                                "is_suppressed": False,
                            },
                            {
                                "member": "Stroller",
                                "root_cause": "delivery",
                                "complaints": 23,
                                "complaints_before": 27,
                                "severe": 2,
                                "late": 0,
                                "median_hours_to_resolve": 9.0,
                                "compensation_minor": 11_500,
                                "is_suppressed": False,
                            },
                            {
                                "member": "Nappies M",
                                "root_cause": None,
                                "complaints": None,
                                "complaints_before": None,
                                "severe": None,
                                "late": None,
                                "median_hours_to_resolve": None,
                                "compensation_minor": None,
                                "is_suppressed": True,
                            },
                        ],
                    },
                    {
                        "dimension": "channel",
                        "label": two("Channel", "渠道"),
                        "rows": [
                            {
                                "member": "phone",
                                "root_cause": "wrong advice",
                                "complaints": 14,
                                "complaints_before": 11,
                                "severe": 1,
                                "late": 2,
                                "median_hours_to_resolve": 30.0,
                                "compensation_minor": 7_000,
                                "is_suppressed": False,
                            }
                        ],
                    },
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
                        "plays": [
                            {"play": "holiday", "label": two("Holiday", "节假日")},
                            {"play": "welcome", "label": two("Welcome", "欢迎")},
                        ],
                        "advice": "harmful",
                        "advice_label": two(
                            "“Holiday” loses 1.40 a customer: stop it for them.", "“节假日”每位客户损失 1.40：建议对其停止。"
                        ),
                        "advice_play": "holiday",
                    }
                ],
            },
        }
    )
