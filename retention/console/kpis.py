"""KPIs as the console shows them: the newest figure with what it was before, and the way there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from retention.console.labels import Labels
from retention.console.reading import Reader
from retention.console.shapes import Shape, grouped, plain
from retention.console.words import both, label, words

TREND_DAYS, TREND_MONTHS = 90, 24
WIDEST_GAP = timedelta(days=7)
MOST_DAYS = 1_100
"""Widest range that may be asked for."""
_UNITS = {
    "minor units of the base currency": "money_minor",
    "share": "share",
    "days": "days",
    "orders": "count",
    "customers": "count",
    "points from -100 to 100": "points",
    "points from 1 to 5": "score",
    "complaints per order": "share",
}


def unit_of(text: str | None) -> str:
    """Return the short name of a unit that the dictionary of KPIs writes out."""
    known = _UNITS.get(text or "")
    if known is None and text and "money" in text:
        return "money_minor"
    return known or ("money_minor" if text and text.startswith("minor units") else "ratio")


def described(definition: Mapping[str, Any]) -> Shape:
    """Return what a KPI is called, measured in, and whether more of it is better."""
    more = words()["kpi"].get(definition["kpi"], {})
    return {
        "kpi": definition["kpi"],
        "label": both(definition["label"], definition["label_zh"], definition["kpi"]),
        "unit": unit_of(definition["unit"]),
        "unit_label": both(definition["unit"], more.get("unit_zh")),
        "better": more.get("better"),
        "group": more.get("group", "other"),
        "formula": definition["formula"],
        "formula_zh": definition["formula_zh"],
    }


def headline(reader: Reader, as_of_date: date) -> list[Shape]:
    """Return every KPI over everybody: the last day, the month so far, and the last ninety days."""
    definitions = {row["kpi"]: row for row in reader.rows("kpi_definitions")}
    days = _series(reader, "day", as_of_date, as_of_date - timedelta(days=TREND_DAYS))
    months = _series(reader, "month", as_of_date, as_of_date - timedelta(days=70))
    order = {name: place for place, name in enumerate(words()["kpi"])}
    found = []
    for kpi in sorted(definitions, key=lambda name: (order.get(name, len(order)), name)):
        points = _unbroken(days.get(kpi, []))
        newest = points[-1] if points else None
        before = points[-2] if len(points) > 1 else None
        is_change = newest and before and newest["value"] is not None and before["value"] is not None
        found.append(
            {
                **described(definitions[kpi]),
                "period": "day",
                "period_start": plain(newest["period_start"]) if newest else None,
                "value": newest["value"] if newest else None,
                "customers": newest["customers"] if newest else None,
                "is_suppressed": bool(newest and newest["is_suppressed"]),
                "previous": before["value"] if before else None,
                "previous_start": plain(before["period_start"]) if before else None,
                "change": newest["value"] - before["value"] if newest and before and is_change else None,
                "month": _month(months.get(kpi, []), as_of_date),
                "trend": [{"date": plain(point["period_start"]), "value": point["value"]} for point in points],
            }
        )
    return found


def _series(reader: Reader, period: str, to_date: date, from_date: date) -> dict[str, list[Mapping[str, Any]]]:
    rows = reader.rows(
        "kpis",
        {"period": period, "dimension": "all", "from_date": from_date, "to_date": to_date, "member": None, "kpis": None},
    )
    return grouped(rows, "kpi")


def _unbroken(points: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the newest days without a wide gap: of older days only the first of each month is kept, which makes no line."""
    for place in range(len(points) - 1, 0, -1):
        if points[place]["period_start"] - points[place - 1]["period_start"] > WIDEST_GAP:
            return points[place:]
    return points


def _month(points: Sequence[Mapping[str, Any]], as_of_date: date) -> Shape | None:
    if not points:
        return None
    newest, before = points[-1], points[-2] if len(points) > 1 else None
    next_month = (newest["period_start"].replace(day=28) + timedelta(days=4)).replace(day=1)
    return {
        "period_start": plain(newest["period_start"]),
        "value": newest["value"],
        "previous": before["value"] if before else None,
        "previous_start": plain(before["period_start"]) if before else None,
        "is_complete": as_of_date >= next_month,
    }


def over_time(
    reader: Reader,
    labels: Labels,
    as_of_date: date,
    *,
    dimension: str,
    period: str,
    from_date: date | None,
    to_date: date | None,
    kpis: Sequence[str] | None,
    member: str | None,
) -> Shape:
    """Return KPIs of one dimension over time, by member.

    Parameters
    ----------
    reader, labels : Reader, Labels
        Where from, and what members are called.
    as_of_date : date
        The newest measured date.
    dimension, period : str
        As in ``bi.kpi``.
    from_date, to_date : date, optional
        First and last business day asked for.
    kpis, member : optional
        Only these.
    """
    span = timedelta(days=TREND_DAYS if period == "day" else TREND_MONTHS * 31)
    last = min(as_of_date, to_date + timedelta(days=1)) if to_date else as_of_date
    first = max(from_date or last - span, last - timedelta(days=MOST_DAYS))
    rows = reader.rows(
        "kpis",
        {
            "period": period,
            "dimension": dimension,
            "from_date": first,
            "to_date": last,
            "member": member,
            "kpis": list(kpis) if kpis else None,
        },
    )
    by_kpi = grouped(rows, "kpi")
    restated = _restated(reader, labels, dimension, period, first)
    moved = {(row["kpi"], row["member"], row["date"]): row for row in restated}
    definitions = {row["kpi"]: row for row in reader.rows("kpi_definitions")}
    order = {name: place for place, name in enumerate(words()["kpi"])}
    return {
        "dimension": dimension,
        "period": period,
        "from": plain(first),
        "to": plain(last - timedelta(days=1)),
        "dimensions": [
            {"dimension": row["dimension"], "label": label("dimension", row["dimension"])}
            for row in sorted(
                reader.rows("kpi_dimensions", {"as_of_date": as_of_date}),
                key=lambda row: (row["dimension"] != "all", row["dimension"]),
            )
        ],
        "kpis": [
            {
                **described(definitions[kpi]),
                "members": [
                    {
                        "member": name,
                        "label": labels.member(dimension, name),
                        "points": [_point(point, moved.get((kpi, name, plain(point["period_start"])))) for point in points],
                    }
                    for name, points in grouped(found, "member").items()
                ],
            }
            for kpi, found in sorted(by_kpi.items(), key=lambda pair: (order.get(pair[0], len(order)), pair[0]))
            if kpi in definitions
        ],
        "restated": restated,
    }


def _point(row: Mapping[str, Any], moved: Shape | None) -> Shape:
    return {
        "date": plain(row["period_start"]),
        "value": moved["value"] if moved else row["value"],
        "customers": row["customers"],
        "is_suppressed": row["is_suppressed"],
        "is_restated": moved is not None,
        "first_value": moved["first_value"] if moved else None,
    }


def _restated(reader: Reader, labels: Labels, dimension: str, period: str, first: date) -> list[Shape]:
    """Return published figures that late data have moved since."""
    asked = {"dimension": dimension, "period": period, "from_date": first}
    dates = [row["as_of_date"] for row in reader.rows("kpi_restated_dates", asked)]
    rows = reader.rows("kpi_restated", {**asked, "dates": dates}) if dates else []
    return [
        {
            "kpi": row["kpi"],
            "label": both(row["label"], row["label_zh"], row["kpi"]),
            "dimension": row["dimension"],
            "member": row["member"],
            "member_label": labels.member(row["dimension"], row["member"]),
            "date": plain(row["period_start"]),
            "first_value": row["first_value"],
            "value": row["value"],
            "change": row["moved"],
            "restated_at": plain(row["known_as_of"]),
        }
        for row in rows
    ]
