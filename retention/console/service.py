"""Complaints: who waits past the clock, why customers complain, and which groups fall behind (the weekly review)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retention.console.kpis import unit_of
from retention.console.labels import Labels
from retention.console.quality import complaints_clock
from retention.console.reading import Reader
from retention.console.shapes import Shape, empty, grouped, pick, plain, section
from retention.console.words import both, label, words

_CAUSE = (
    "member", "root_cause", "complaints", "complaints_before", "severe", "late", "median_hours_to_resolve",
    "compensation_minor", "is_suppressed",
)  # fmt: skip


def complaints(reader: Reader, labels: Labels) -> Shape:
    """Return the clock, the causes of the newest week, and what the weekly review flagged."""
    return {
        "clock": section(lambda: complaints_clock(reader)),
        "causes": section(lambda: _causes(reader)),
        "review": section(lambda: _review(reader, labels)),
    }


def _causes(reader: Reader) -> Shape:
    rows = reader.rows("causes")
    if not rows:
        return empty("no_complaint_week")
    return {
        "week_start": plain(rows[0]["week_start"]),
        "is_complete": rows[0]["is_complete"],
        "dimensions": [
            {
                "dimension": dimension,
                "label": label("dimension", dimension),
                "rows": [{**pick(row, *_CAUSE), "member_label": _named(row["member"])} for row in found],
            }
            for dimension, found in grouped(rows, "dimension").items()
        ],
    }


def _named(member: str) -> dict[str, str]:
    return label("member", member) if member in words()["member"] else {"en": member, "zh": member}


def _review(reader: Reader, labels: Labels) -> Shape:
    rows = reader.rows("review")
    if not rows:
        return empty("nothing_flagged")
    return {
        "as_of_date": plain(rows[0]["as_of_date"]),
        "rows": [_flagged(row, labels) for row in rows],
    }


def _flagged(row: Mapping[str, Any], labels: Labels) -> Shape:
    return {
        "label": both(row["label"], row["label_zh"], row["kpi"]),
        "unit": unit_of(row["unit"]),
        "better": words()["kpi"].get(row["kpi"], {}).get("better"),
        "dimension_label": label("dimension", row["dimension"]),
        "member_label": labels.member(row["dimension"], row["member"]),
        **pick(row, "kpi", "dimension", "member", "value", "others", "before", "customers", "is_behind", "is_falling"),
        "plays": [{"play": play, "label": labels.play(play)} for play in row["plays"] or []],
        "advice": row["advice"],
        "advice_label": label("advice", row["advice"]) if row["advice"] else None,
        "advice_play": row["advice_play"],
        "advice_play_label": labels.play(row["advice_play"]) if row["advice_play"] else None,
    }
