"""The day's run, and complaints over the clock."""

from __future__ import annotations

from tests.browser.company.words import NOW, Json, two


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
