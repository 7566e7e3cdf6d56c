"""Customers as groups: how many, worth what, how much of it at risk, and who moved where. Nobody singly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from retention.console.labels import Labels
from retention.console.reading import Reader
from retention.console.shapes import Shape, empty, grouped, pick, plain, section
from retention.console.words import both, label

GROUPINGS = ("tier", "stage", "value_class", "rfm_class", "rfm_segment", "membership_level", "persona")


def customers(reader: Reader, labels: Labels, as_of_date: date) -> Shape:
    """Return every group of customers with its worth, the map of recency and frequency, migration, steadiness and cohorts."""
    found = grouped(reader.rows("groups", {"as_of_date": as_of_date}), "dimension")
    everybody = found.get("all", [])
    return {
        "as_of_date": plain(as_of_date),
        "totals": _member(everybody[0]) if everybody else None,
        "groups": {
            grouping: (
                {"label": label("dimension", grouping), "members": [_member(row) for row in found[grouping]]}
                if grouping in found
                else empty("nothing_segmented")
            )
            for grouping in GROUPINGS
        },
        "tier_by_stage": section(lambda: _tier_by_stage(found.get("tier_stage", []))),
        "rfm_map": section(lambda: _rfm_map(reader, as_of_date)),
        "migration": section(lambda: _migration(reader, labels, as_of_date)),
        "stability": section(lambda: _stability(reader, as_of_date)),
        "cohorts": section(lambda: _cohorts(reader, as_of_date)),
    }


def tiers(reader: Reader, as_of_date: date) -> Shape:
    """Return the service tiers alone, for the first view."""
    rows = [row for row in reader.rows("groups", {"as_of_date": as_of_date}) if row["dimension"] == "tier"]
    if not rows:
        return empty("nothing_segmented")
    return {"as_of_date": plain(as_of_date), "members": [_member(row) for row in rows]}


def _member(row: Mapping[str, Any]) -> Shape:
    """Return one group. Sums are means times rounded numbers of people: near enough to see, too coarse to subtract."""
    return {
        "member": row["member"],
        "label": both(row["label_en"], row["label_zh"], row["member"]),
        "order": row["position"],
        **pick(row, "customers", "purchasers", "share", "at_risk_customers"),
        **_sums(row),
        **pick(row, "mean_net_minor_365d", "mean_clv_12m_minor", "mean_value_at_risk_minor"),
        **pick(row, "mean_churn_probability", "is_suppressed"),
    }


def _sums(row: Mapping[str, Any]) -> Shape:
    """Return sums as means times people."""
    return {
        name: None if row[f"mean_{name}"] is None or row["customers"] is None else int(row[f"mean_{name}"] * row["customers"])
        for name in ("net_minor_365d", "clv_12m_minor", "value_at_risk_minor")
    }


def _tier_by_stage(rows: list[Mapping[str, Any]]) -> Shape:
    if not rows:
        return empty("nothing_segmented")
    return {
        "rows": [
            {
                "tier": row["member"].partition("/")[0],
                "stage": row["member"].partition("/")[2],
                **pick(row, "customers", "at_risk_customers", "is_suppressed"),
            }
            for row in rows
        ]
    }


def _rfm_map(reader: Reader, as_of_date: date) -> Shape:
    rows = reader.rows("rfm_map", {"as_of_date": as_of_date})
    if not rows:
        return empty("nothing_segmented")
    return {
        "cells": [
            {
                **pick(row, "recency", "frequency", "customers", "share", "at_risk_customers"),
                **_sums(row),
                **pick(row, "mean_net_minor_365d", "mean_clv_12m_minor", "mean_value_at_risk_minor", "mean_churn_probability"),
                "rfm_segment": row["rfm_segment"],
                "label": both(row["label_en"], row["label_zh"], row["rfm_segment"]),
                "by_monetary": row["by_monetary"],
                "is_suppressed": row["is_suppressed"],
            }
            for row in rows
        ]
    }


def _migration(reader: Reader, labels: Labels, as_of_date: date) -> Shape:
    spans = grouped(reader.rows("migration", {"as_of_date": as_of_date}), "span")
    if not spans:
        return empty("no_earlier_day")
    shaped = {span: _span(labels, span, rows) for span, rows in spans.items()}
    newest = shaped.get("month") or shaped["previous"]
    return {**newest, "previous": shaped.get("previous")}


def _span(labels: Labels, span: str, rows: list[Mapping[str, Any]]) -> Shape:
    dimensions = {}
    for dimension, moves in grouped(rows, "dimension").items():
        names: dict[str, Shape] = {}
        for move in moves:
            for side in ("from", "to"):
                name = move[f"{side}_member"]
                text = (
                    label("member", "none")
                    if name == "none"
                    else both(move[f"{side}_en"], move[f"{side}_zh"], name)
                    if move[f"{side}_en"] != name
                    else labels.member(dimension, name)
                )
                names.setdefault(name, {"member": name, "label": text})
        order = sorted(names, key=lambda name: (name == "none", -(labels.order(dimension, name) or 0), name))
        dimensions[dimension] = {
            "label": label("dimension", dimension),
            "members": [names[name] for name in order],
            "flows": [
                {
                    "from": move["from_member"],
                    "to": move["to_member"],
                    **pick(move, "customers", "share_of_from", "is_suppressed"),
                }
                for move in moves
            ],
        }
    return {"since_date": plain(rows[0]["since_date"]), "span": span, "dimensions": dimensions}


def _stability(reader: Reader, as_of_date: date) -> Shape:
    rows = reader.rows("stability", {"as_of_date": as_of_date})
    if not rows:
        return empty("no_earlier_day")
    return {
        "rows": [
            {
                "label": label("dimension", row["dimension"]),
                **pick(row, "dimension", "since_date", "days", "customers", "movers", "flap_days", "flappers", "flap_rate"),
            }
            for row in rows
        ]
    }


def _cohorts(reader: Reader, as_of_date: date) -> Shape:
    by_month = grouped(reader.rows("cohorts", {"as_of_date": as_of_date}), "cohort_month")
    if not by_month:
        return empty("nothing_measured")
    return {
        "cohorts": [
            {
                "cohort_month": plain(month),
                "customers": rows[0]["cohort_customers"],
                "months": [
                    {
                        "months_since": row["months_since"],
                        "active": row["active_customers"],
                        **pick(row, "retention", "net_minor"),
                    }
                    for row in rows
                ],
            }
            for month, rows in by_month.items()
        ]
    }
