"""The programme as a whole: what everything together brought, what it cost, and which plays lost budget for want of effect."""

from __future__ import annotations

from datetime import date, timedelta

from retention.console.labels import Labels
from retention.console.plays import allocation, control
from retention.console.reading import Reader
from retention.console.shapes import Shape, empty, plain, section
from retention.console.words import both, label


def programme(reader: Reader, labels: Labels, as_of_date: date) -> Shape:
    """Return effect, control group, money and changes of budget."""
    return {
        "effect": section(lambda: _effect(reader, labels)),
        "control": section(lambda: control(reader, labels, "*")),
        "spend": section(lambda: allocation(reader, as_of_date)),
        "budget_changes": section(lambda: _changes(reader, labels)),
    }


def _effect(reader: Reader, labels: Labels) -> Shape:
    rows = reader.rows("programme")
    if not rows:
        return empty("no_effect_yet")
    return {
        "as_of_date": plain(rows[0]["as_of_date"]),
        "rows": [
            {
                **{name: plain(value) for name, value in row.items() if not name.startswith(("sentence_", "label"))},
                "period": row["play_window"],
                "label": label("programme_window", row["play_window"]),
                "outcome": "net_revenue_minor",
                "outcome_label": label("outcome", "net_revenue_minor"),
                "unit": "money_minor",
                "label_tier": labels.member("tier", row["service_tier"]),
                "from": plain(row["window_start"]),
                "to": plain(row["window_start"] + timedelta(days=(row["window_days"] or 1) - 1)),
                "total_minor": row["revenue_minor"],
                "cost_minor": row["spend_minor"],
                "verdict_label": label("verdict", row["verdict"]),
                "sentence": both(row["sentence_en"], row["sentence_zh"]),
            }
            for row in rows
        ],
    }


def _changes(reader: Reader, labels: Labels) -> Shape:
    rows = reader.rows("budget_changes")
    if not rows:
        return empty("no_budget_change")
    return {
        "rows": [
            {
                **{name: plain(value) for name, value in row.items() if not name.startswith(("sentence_", "label"))},
                "date": plain(row["decided_on"]),
                "label": labels.play(row["play"]),
                "sentence": both(row["sentence_en"], row["sentence_zh"]),
            }
            for row in rows
        ]
    }
