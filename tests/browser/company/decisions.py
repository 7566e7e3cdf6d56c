"""What waits for a person's word."""

from __future__ import annotations

from datetime import timedelta

from tests.browser.company.words import BUSINESS, PLAYS, Json, ok, two


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
                        {
                            "play": "win_back",
                            "label": PLAYS[8][1],
                            "measure": "joins",
                            "measure_label": two("people who would join", "将新增人数"),
                            "found": 1270,
                            "allowed": 600,
                            "cause": "budget",
                            "cause_label": two("the budget was raised", "预算上调"),
                            "sentence": two(
                                "1,270 people would join “Win-back” at once; 600 a day pass without asking.",
                                "将有 1,270 人一次性加入“挽回”，每日无需批准的上限为 600 人。",
                            ),
                        },
                        {
                            "play": "holiday",
                            "label": PLAYS[4][1],
                            "measure": "leaves",
                            "measure_label": two("people who would leave", "将移除人数"),
                            "found": 3900,
                            "allowed": 1900,
                            "cause": "settings",
                            "cause_label": two("a rule changed", "规则变更"),
                            "sentence": two("3,900 people would leave “Holiday”.", "将有 3,900 人退出“节假日”。"),
                        },
                    ],
                }
            ],
            "history": [
                {
                    "business_date": (BUSINESS - timedelta(days=i)).isoformat(),
                    "pushed_at": f"2026-03-{31 - i:02d}T23:10:00Z",
                    "state": "needs_approval" if i == 0 else "committed",
                    "state_label": two("part waits", "部分待批准") if i == 0 else two("went out", "已推送"),
                    "added": 1840,
                    "updated": 312,
                    "removed": 905,
                    "members": 26_464,
                    "withheld": 5170 if i == 0 else 0,
                    "approved_by": "lin" if i == 6 else None,
                    "approval_reason": "women's day" if i == 6 else None,
                }
                for i in range(14)
            ],
            "approvals": [
                {
                    "business_date": "2026-03-25",
                    "approved_by": "lin",
                    "reason": "new collection, agreed with marketing",
                    "approved_at": "2026-03-25T01:30:00Z",
                    "used_at": "2026-03-25T01:31:00Z",
                    "ceilings": [{"play": "welcome", "measure": "joins", "found": 900}],
                }
            ],
        }
    )
