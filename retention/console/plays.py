"""Plays: who is in, who is kept out by what, what changed, what it brought, and whether the comparison can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from retention.console.labels import Labels
from retention.console.reading import Reader
from retention.console.shapes import Refused, Shape, empty, pick, plain, section
from retention.console.words import both, label

MONEY, BOUGHT = "net_revenue_minor", "bought"
_SPLIT = ("population", "not_in_audience", "excluded", "control", "selected")
_FUNNEL = (
    "month", "held_back", "handed_out", "sent", "delivered", "opened", "clicked", "converted", "bought", "unsubscribed",
    "cost_minor",
)  # fmt: skip
_RESULT = (
    "service_tier", "outcome", "outcome_days", "treated_customers", "control_customers", "treated_mean", "control_mean",
    "difference", "lower_95", "upper_95", "lower_any_95", "upper_any_95", "detectable", "verdict", "is_suppressed",
)  # fmt: skip
_CONTROL = (
    "service_tier", "treated_customers", "control_customers", "expected_share", "observed_share", "p_value", "balance",
    "contaminated_share", "contamination",
)  # fmt: skip
_ALLOCATION = (
    "as_of_date", "contenders", "chosen", "value_minor", "cost_minor", "net_minor", "top_share", "meant_share",
    "actual_share", "actual_share_30d", "gap_share", "method",
)  # fmt: skip


def plays(reader: Reader, labels: Labels, as_of_date: date) -> Shape:
    """Return every play of the newest plan, beside the audience it has and what it brought."""
    planned = reader.rows("plays")
    if not planned:
        return empty("no_play_planned")
    everything: Mapping[str, None] = {"play": None}
    audiences = {row["play"]: row for row in reader.rows("audiences")}
    effects = {row["play"]: row for row in reader.rows("play_results", everything) if row["outcome"] == MONEY}
    controls = {row["play"]: row for row in reader.rows("controls", everything)}
    funnels = {row["play"]: row for row in reader.rows("funnel", {**everything, "as_of_date": as_of_date})}
    newest = {row["play"]: row for row in planned if row["is_newest"]}
    before = {row["play"]: row for row in planned if not row["is_newest"]}
    names = sorted({*newest, *audiences}, key=lambda play: (-(labels.plays.get(play, {}).get("priority") or 0), play))
    return {
        "as_of_date": plain(planned[0]["as_of_date"]),
        "plays": [
            {
                **_described(labels, play),
                **_audience(audiences.get(play)),
                "planned": pick(newest[play], *_SPLIT) if play in newest else None,
                "planned_before": pick(before[play], *_SPLIT) if play in before else None,
                "effect": _effect(effects.get(play)),
                "control": _trust(controls.get(play)),
                **_month(funnels.get(play)),
            }
            for play in names
        ],
        "exclusions": [
            {"rule": row["rule"], "label": both(row["label_en"], row["label_zh"], row["rule"]),
             "customers": row["first"], "is_suppressed": row["is_suppressed"]}
            for row in reader.rows("exclusions", everything)
            if row["rule"] != "not_in_audience"
        ],
        "allocation": section(lambda: allocation(reader, as_of_date)),
        "budgets": budgets(reader, as_of_date),
    }  # fmt: skip


def play(reader: Reader, labels: Labels, as_of_date: date, name: str) -> Shape:
    """Return everything of one play.

    Raises
    ------
    Refused when no such play was ever planned.
    """
    if name not in labels.plays:
        raise Refused("unknown_play", 404)
    asked = {"play": name, "as_of_date": as_of_date}
    definition = labels.plays[name]
    return {
        **_described(labels, name),
        "purpose": definition["purpose"],
        "purpose_label": label("purpose", definition["purpose"]),
        "registered_at": plain(definition["registered_at"]),
        "audience": section(lambda: _one_audience(reader, asked)),
        "planned": section(lambda: _days(reader, asked)),
        "exclusions": section(lambda: _exclusions(reader, asked)),
        "results": section(lambda: _results(reader, labels, asked)),
        "control": section(lambda: control(reader, labels, name)),
        "funnel": section(lambda: _funnel(reader, asked)),
        "allocation": section(lambda: _play_allocation(reader, asked)),
    }


def allocation(reader: Reader, as_of_date: date) -> Shape:
    """Return where the money went on the newest allocated day, with the days before."""
    rows = reader.rows("allocation", {"as_of_date": as_of_date})
    if not rows:
        return empty("no_allocation_yet")
    return {
        **pick(rows[0], *_ALLOCATION),
        "days": [
            {"date": plain(row["as_of_date"]), **pick(row, "value_minor", "cost_minor", "net_minor", "actual_share")}
            for row in reversed(rows)
        ],
    }


def budgets(reader: Reader, as_of_date: date) -> list[Shape]:
    """Return the limits of the day and what one more unit of each would bring."""
    rows = reader.rows("budgets", {"as_of_date": as_of_date})
    return [
        {
            "label": both(row["label"], row["label_zh"], row["applies_to"]),
            "unit": "money_minor" if str(row["unit"]).startswith("money") else "count",
            **pick(row, "kind", "applies_to", "most", "used", "used_share", "shadow_price_minor"),
            "meaning": both(row["meaning_en"], row["meaning_zh"]),
        }
        for row in rows
    ]


def control(reader: Reader, labels: Labels, name: str) -> Shape:
    """Return whether the control groups of a play (``*``: of the whole programme) can be trusted."""
    rows = reader.rows("controls", {"play": name})
    if not rows:
        return empty("no_control_yet")
    return {
        "rows": [
            {
                "label": labels.member("tier", row["service_tier"]),
                **pick(row, *_CONTROL),
                "advice": both(row["advice_en"], row["advice_zh"]),
            }
            for row in rows
        ]
    }


def _described(labels: Labels, play: str) -> Shape:
    known = labels.plays.get(play, {})
    kind = known.get("kind")
    return {
        "play": play,
        "label": labels.play(play),
        "kind": kind,
        "kind_label": label("play_kind", kind) if kind else None,
        "period": known.get("period"),
        "priority": known.get("priority"),
        "holdout_share": known.get("holdout_share"),
    }


def _audience(row: Mapping[str, Any] | None) -> Shape:
    names = ("members", "sendable_members", "audience_date", "days_behind", "added", "updated", "removed")
    return dict.fromkeys(names) if row is None else pick(row, *names)


def _effect(row: Mapping[str, Any] | None) -> Shape | None:
    if row is None:
        return None
    return {
        "outcome": MONEY,
        "unit": "money_minor",
        **pick(row, "difference", "verdict", "detectable", "treated_customers", "control_customers", "is_suppressed"),
        "lower": row["lower_any_95"],
        "upper": row["upper_any_95"],
        "verdict_label": label("verdict", row["verdict"]),
    }


def _trust(row: Mapping[str, Any] | None) -> Shape | None:
    if row is None:
        return None
    return {**pick(row, "balance", "contamination"), "advice": both(row["advice_en"], row["advice_zh"])}


def _month(row: Mapping[str, Any] | None) -> Shape:
    return (
        dict.fromkeys(("cost_minor", "handed_out", "month")) if row is None else pick(row, "cost_minor", "handed_out", "month")
    )


def _one_audience(reader: Reader, asked: Mapping[str, Any]) -> Shape:
    row = next((found for found in reader.rows("audiences") if found["play"] == asked["play"]), None)
    if row is None:
        return empty("no_play_planned")
    changes = reader.rows("audience_changes", asked)
    return {
        **_audience(row),
        "changes": [
            {"date": plain(change["as_of_date"]), **pick(change, "added", "removed", "updated", "members")}
            for change in reversed(changes)
        ],
    }


def _days(reader: Reader, asked: Mapping[str, Any]) -> Shape:
    rows = reader.rows("play_days", asked)
    if not rows:
        return empty("no_play_planned")
    return {"days": [{"date": plain(row["as_of_date"]), **pick(row, *_SPLIT)} for row in reversed(rows)]}


def _exclusions(reader: Reader, asked: Mapping[str, Any]) -> Shape:
    rows = reader.rows("exclusions", asked)
    if not rows:
        return empty("no_play_planned")
    return {
        "as_of_date": plain(rows[0]["as_of_date"]),
        "rules": [
            {
                "label": both(row["label_en"], row["label_zh"], row["rule"]),
                **pick(row, "rule", "position", "first", "first_before", "is_suppressed"),
                "any": row["any_rule"],
            }
            for row in rows
        ],
    }


def _results(reader: Reader, labels: Labels, asked: Mapping[str, Any]) -> Shape:
    rows = reader.rows("play_results", asked)
    if not rows:
        return empty("no_effect_yet")
    return {
        "as_of_date": plain(rows[0]["as_of_date"]),
        "rows": [
            {
                "label": labels.member("tier", row["service_tier"]),
                "outcome_label": label("outcome", row["outcome"]),
                "unit": "money_minor" if row["outcome"] == MONEY else "share",
                "verdict_label": label("verdict", row["verdict"]),
                **pick(row, *_RESULT),
            }
            for row in rows
        ],
        "history": [
            {"date": plain(row["as_of_date"]), **pick(row, "outcome", "difference", "lower_any_95", "upper_any_95")}
            for row in reader.rows("play_result_history", asked)
        ],
    }


def _funnel(reader: Reader, asked: Mapping[str, Any]) -> Shape:
    rows = reader.rows("funnel", asked)
    return {"months": [pick(row, *_FUNNEL) for row in rows]} if rows else empty("no_funnel_yet")


def _play_allocation(reader: Reader, asked: Mapping[str, Any]) -> Shape:
    rows = reader.rows("play_allocation", asked)
    if not rows:
        return empty("no_allocation_yet")
    names = list(rows[0])
    return {"rows": [pick(row, *names) for row in reversed(rows)]}
