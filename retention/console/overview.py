"""The first view: what ran, is it fresh, what waits for somebody, how it goes, what is at risk. Aggregates only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from retention.console.customers import tiers
from retention.console.kpis import headline
from retention.console.labels import Labels
from retention.console.pushes import history
from retention.console.quality import complaints_clock, summary_of_health
from retention.console.reading import Reader
from retention.console.shapes import Shape, empty, instant, section
from retention.console.words import label, said, what_to_do, words
from retention.settings import Settings

STAGES = (
    "ingest", "features", "score", "segment", "audience", "measure", "complaint_clock", "consent", "privacy", "train",
)  # fmt: skip
_RANK = {"high": 0, "medium": 1, "low": 2}
_DRIFTED = ("warn", "stop")


def overview(reader: Reader, labels: Labels, as_of_date: date | None, waiting: list[Shape]) -> Shape:
    """Return the first view.

    Parameters
    ----------
    reader, labels : Reader, Labels
        Where from, and what things are called.
    as_of_date : date, optional
        The newest measured date; None before the first.
    waiting : list
        Pushes that wait, as :func:`retention.console.pushes.waiting` gives them.
    """
    now = reader.now()
    newest = {row["table_name"]: row for row in reader.rows("newest")}
    stages = _stages(reader, newest)
    fresh = freshness(reader.settings, now, newest.get("segments.tier", {}).get("as_of_date"))
    clock = section(lambda: complaints_clock(reader))
    health = section(lambda: summary_of_health(reader))
    kpis = headline(reader, as_of_date) if as_of_date else []
    attention = _attention(reader, waiting, clock, stages, fresh, newest, health)
    return {
        "attention": sorted(attention, key=lambda item: _RANK[item["severity"]]),
        "freshness": fresh,
        "stages": stages,
        "kpis": kpis,
        "value_at_risk": section(lambda: _value_at_risk(reader, as_of_date, kpis)),
        "complaints": clock,
        "tiers": section(lambda: tiers(reader, as_of_date)) if as_of_date else empty("nothing_segmented"),
        "pushes": section(lambda: _pushes(reader, waiting)),
        "health": health,
    }


def freshness(settings: Settings, now: datetime, as_of_date: date | None) -> Shape:
    """Return how far the newest day lies behind the last closed business day; a night's work is not called late.

    Parameters
    ----------
    settings : Settings
        Time zone, and within how many hours of its end a business day is to be ready.
    now : datetime
        The present, aware.
    as_of_date : date, optional
        The newest that was published.
    """
    local = now.astimezone(ZoneInfo(settings.company.business_timezone))
    expected = local.date()
    if as_of_date is None:
        return {"state": "never", "as_of_date": None, "expected_as_of_date": expected.isoformat(), "days_behind": None}
    behind = max(0, (expected - as_of_date).days)
    ready_by = settings.day_start(expected) + timedelta(hours=settings.health.day_ready_hours)
    is_late = behind > 1 or (behind == 1 and local >= ready_by)
    return {
        "state": "late" if is_late else "fresh",
        "as_of_date": as_of_date.isoformat(),
        "expected_as_of_date": expected.isoformat(),
        "days_behind": behind,
    }


def _stages(reader: Reader, newest: Mapping[str, Any]) -> list[Shape]:
    last = {row["stage"]: row for row in reader.rows("stages")}
    today = reader.now().astimezone(ZoneInfo(reader.settings.company.business_timezone)).date()
    shaped = []
    for stage in STAGES:
        row = last.get(stage)
        shaped.append(
            {
                "stage": stage,
                "dag_id": f"retention_{stage}",
                "label": label("stage", stage),
                "state": row["state"] if row else "never",
                "business_date": row["business_date"].isoformat() if row else None,
                "as_of_date": (row["business_date"] + timedelta(days=1)).isoformat() if row else None,
                "started_at": instant(row["started_at"]) if row else None,
                "ended_at": instant(row["ended_at"]) if row else None,
                "seconds": row["seconds"] if row else None,
                "message": row["message"] if row else None,
                "days_behind": max(0, (today - row["business_date"]).days - 1) if row else None,
            }
        )
    return shaped


def _value_at_risk(reader: Reader, as_of_date: date | None, kpis: list[Shape]) -> Shape:
    groups = reader.rows("groups", {"as_of_date": as_of_date}) if as_of_date else []
    everybody = next((row for row in groups if row["dimension"] == "all"), None)
    if everybody is None:
        return empty("nothing_segmented")
    found = next((item for item in kpis if item["kpi"] == "value_at_risk"), None)
    total = _sum(everybody, "mean_value_at_risk_minor")
    value = found["value"] if found and found["value"] is not None else total
    clv = _sum(everybody, "mean_clv_12m_minor")
    return {
        "value_minor": round(value) if value is not None else None,
        "clv_12m_minor": clv,
        "share": value / clv if value is not None and clv else None,
        "customers": everybody["customers"],
        "at_risk_customers": everybody["at_risk_customers"],
        "by_tier": [
            {
                "member": row["member"],
                "label": {"en": row["label_en"], "zh": row["label_zh"]},
                "customers": row["customers"],
                "value_minor": _sum(row, "mean_value_at_risk_minor"),
                "is_suppressed": row["is_suppressed"],
            }
            for row in groups
            if row["dimension"] == "tier"
        ],
        "trend": [{"date": point["date"], "value_minor": point["value"]} for point in found["trend"]] if found else [],
        "formula": dict(words()["value_at_risk"]),
    }


def _sum(row: Mapping[str, Any], mean: str) -> int | None:
    return None if row[mean] is None or row["customers"] is None else int(row[mean] * row["customers"])


def _pushes(reader: Reader, waiting: list[Shape]) -> Shape:
    pushed = history(reader)
    return {
        "waiting": sum(1 for item in waiting if not item.get("is_settled")),
        "items": waiting[:3],
        "last": pushed[0] if pushed else None,
    }


def _attention(
    reader: Reader,
    waiting: list[Shape],
    clock: Shape,
    stages: list[Shape],
    fresh: Shape,
    newest: Mapping[str, Any],
    health: Shape,
) -> list[Shape]:
    """Return what waits for somebody, each with what to do."""
    found: list[Shape] = []

    def add(kind: str, severity: str, link: str | None, runbook: str, since: str | None = None, **values: object) -> None:
        found.append(
            {
                "kind": kind,
                "severity": severity,
                "title": said("attention", kind, **values),
                "what_to_do": what_to_do("attention", kind, **values),
                "since": since,
                "link": link,
                "runbook": runbook,
            }
        )

    for item in waiting:
        if not item.get("is_settled"):
            counts = {"day": item["business_date"], "count": len(item["excess"])}
            add("push_waiting", "high", "#/approvals", "needs-approval", item["asked_at"], **counts)
    if clock.get("over_clock"):
        add("complaint_over_clock", "high", "#/service", "complaint-clock", clock["oldest_due_at"], count=clock["over_clock"])
    for stage in stages:
        if stage["state"] in ("failed", "died"):
            add(
                "run_failed" if stage["state"] == "failed" else "run_died",
                "high",
                "#/quality?part=runs",
                "failed-task",
                stage["started_at"],
                stage=stage["label"],
                day=stage["business_date"],
                message=stage["message"] or "",
            )
    if fresh["state"] == "late":
        add("data_late", "high", "#/quality?part=runs", "late-run", count=fresh["days_behind"])
    stale = [row for row in newest.values() if row["stale"]]
    if stale:
        add("stale_slice", "medium", None, "backfill", count=len(stale), day=max(str(row["stale_slice"]) for row in stale))
    if health.get("counts", {}).get("breach"):
        add("health", "high", "#/quality?part=health", "health", count=health["counts"]["breach"])
    for kind in _models(reader):
        add(*kind[:4], model=label("model", kind[4]))
    bad = [row for row in reader.rows("controls", {"play": None}) if row["balance"] == "imbalanced"]
    if bad:
        add("control_unbalanced", "medium", "#/plays", "measurement", count=len(bad))
    problems = reader.one("play_problems")
    if problems and problems["problems"]:
        add("play_file", "medium", "#/plays", "plays", instant(problems["since"]), count=problems["problems"])
    refused = reader.one("quarantine_waiting")
    if refused and refused["waiting"]:
        add("quarantine", "low", "#/quality?part=quarantine", "quarantine", instant(refused["since"]), count=refused["waiting"])
    return found


def _models(reader: Reader) -> list[tuple[str, str, str, str, str]]:
    """Return models whose inputs have moved or whose predictions do not hold."""
    drifted = {row["kind"]: row["level"] for row in reversed(reader.rows("drift")) if row["level"] in _DRIFTED}
    found = [
        ("model_drift", "high" if level == "stop" else "medium", "#/models", "scores-stopped", kind)
        for kind, level in sorted(drifted.items())
    ]
    verdicts = section(lambda: {"rows": reader.rows("model_verdicts")})
    bad = [row["model"] for row in verdicts.get("rows", []) if row["verdict"] == "bad"]
    return found + [("model_bad", "medium", "#/models", "training", kind) for kind in sorted(bad)]
