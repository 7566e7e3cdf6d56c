"""What happened with one customer, in words of our own: nothing that anybody wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retention.console.labels import Labels
from retention.console.reading import Reader
from retention.console.shapes import Shape, empty, instant, plain
from retention.console.words import Text, both, label


def timeline(reader: Reader, labels: Labels, asked: Mapping[str, Any]) -> Shape:
    """Return the last two hundred events, newest first."""
    keys = [row["key"] for row in reader.query(_KEYS, asked)]
    rows = reader.rows("customer_timeline", {**asked, "keys": [asked["customer"], *keys]})
    if not rows:
        return empty("nothing_happened")
    return {
        "total": rows[0]["total"],
        "shown": len(rows),
        "rows": [
            {
                "at": instant(row["at"]),
                "kind": row["kind"],
                "label": label("event", row["kind"]),
                "title": _title(row, labels),
                "channel": label("channel", row["channel"]) if row["channel"] else None,
                "amount_minor": row["amount_minor"],
                "value": plain(row["value"]),
            }
            for row in rows
        ],
    }


_KEYS = "select source_customer_key as key from core.customer_alias where customer_key = :customer"
"""Deliveries keep the key a person had when they were made."""


def _title(row: Mapping[str, Any], labels: Labels) -> Text:
    kind, what, new = row["kind"], row["what"], row["new_value"]
    if kind in ("complaint", "complaint_resolved"):
        severity = label("severity_of_case", what or "unknown")
        return _joined(severity, both(new, new)) if new else severity
    if kind in ("tier_move", "stage_move"):
        dimension = "tier" if kind == "tier_move" else "stage"
        after = labels.member(dimension, new)
        if row["old_value"] is None:
            return after
        before = labels.member(dimension, row["old_value"])
        return {language: f"{before[language]} → {after[language]}" for language in after}
    if kind == "delivery":
        return _joined(labels.play(what), both(new, new)) if new and new != "none" else labels.play(what)
    if kind == "campaign_event":
        return _joined(label("event_kind", what), labels.play(new)) if new else label("event_kind", what)
    if kind == "interaction":
        return _joined(label("event_kind", what), both(new, new)) if new else label("event_kind", what)
    return label("event_kind", what) if what else label("event", kind)


def _joined(first: Text, second: Text) -> Text:
    return {language: f"{first[language]}: {second[language]}" for language in first}
