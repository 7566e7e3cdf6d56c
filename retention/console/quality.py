"""Data quality and the health of the pipeline: checks, refused rows, deliveries, how long things take, how fresh they are."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from retention.console.reading import Reader
from retention.console.shapes import Shape, empty, grouped, instant, pick, plain, section
from retention.console.words import both, label, words

_UNITS = {"minor": "money_minor", "times": "ratio", "index": "ratio"}
_DAG_PARTS = {
    "core": "ingest", "landing": "ingest", "validation": "ingest", "quality": "ingest", "features": "features",
    "scores": "score", "segments": "segment", "campaigns": "audience", "audience": "audience", "bi": "measure",
    "review": "measure", "complaint_review": "measure", "models": "train",
}  # fmt: skip


def quality(reader: Reader) -> Shape:
    """Return the verdicts of the newest checked day, refused rows by rule, and whether deliveries add up."""
    checks = reader.rows("checks")
    waiting = reader.one("quarantine_waiting") or {"waiting": 0}
    first = checks[0] if checks else None
    return {
        "business_date": plain(first["business_date"]) if first else None,
        "summary": {
            "checks": first["total"] if first else 0,
            "failed": first["total"] - first["total_passed"] if first else 0,
            "stopped": first["total_stopped"] if first else 0,
            "quarantined_rows": plain(first["total_quarantined"]) or 0 if first else 0,
            "waiting_rows": waiting["waiting"],
        },
        "checks": {
            "total": first["total"],
            "passed": first["total_passed"],
            "rows": [
                {
                    "table": row["table_name"],
                    "rule": row["rule"],
                    "column": row["column_name"],
                    "severity_label": label("check_severity", row["severity"]),
                    **pick(row, "severity", "passed", "rows_checked", "rows_failed", "expected", "observed", "checked_at"),
                }
                for row in checks
            ],
        }
        if first
        else empty("no_check_yet"),
        "history": section(lambda: _days(reader)),
        "quarantine": section(lambda: _quarantine(reader)),
        "batches": section(lambda: _batches(reader)),
    }


def _days(reader: Reader) -> Shape:
    rows = reader.rows("check_days")
    names = ("checks", "failed", "rows_checked", "rows_failed")
    return (
        {"days": [{"date": plain(row["business_date"]), **pick(row, *names)} for row in rows]}
        if rows
        else empty("no_check_yet")
    )


def _quarantine(reader: Reader) -> Shape:
    rows = reader.rows("quarantine")
    if not rows:
        return empty("nothing_refused")
    return {
        "rules": [
            {
                "column": row["column_name"],
                **pick(row, "source", "entity", "rule", "severity", "waiting", "refused", "last_seen_at"),
            }
            for row in rows
        ]
    }


def _batches(reader: Reader) -> Shape:
    rows = reader.rows("batches")
    if not rows:
        return empty("no_check_yet")
    return {
        "rows": [
            {
                **pick(row, "source", "entity", "business_date", "state"),
                "state_label": label("batch_state", row["state"]),
                "extracted": row["rows_extracted"],
                "valid": row["rows_valid"],
                "quarantined": row["rows_quarantined"],
                "duplicate": row["rows_duplicate"],
                "erased": row["rows_tombstoned"],
                "balanced": row["is_balanced"],
            }
            for row in rows
        ]
    }


def health(reader: Reader, closed_day: date) -> Shape:
    """Return every check of health beside its objective, how long each stage took day by day, and how fresh each source is."""
    return {
        "as_of_date": plain(closed_day + timedelta(days=1)),
        "checks": section(lambda: checks_of_health(reader)),
        "runs": section(lambda: _runs(reader)),
        "feeds": section(lambda: _feeds(reader, closed_day)),
    }


def checks_of_health(reader: Reader) -> Shape:
    """Return every check of health at its newest look, the worst first."""
    rows = reader.rows("health")
    if not rows:
        return empty("no_health_yet")
    return {
        "as_of_date": plain(rows[0]["as_of_date"]),
        "checked_at": plain(rows[0]["checked_at"]),
        "rows": [
            {
                "check": row["check_name"],
                "label": both(row["label_en"], row["label_zh"], row["check_name"]),
                "subject": row["subject"],
                "subject_label": {"en": row["subject"], "zh": row["subject"]},
                "unit": _UNITS.get(row["unit"], row["unit"]),
                **pick(row, "area", "value", "objective", "is_at_least", "state", "since"),
                "sentence": both(row["sentence_en"], row["sentence_zh"]),
                "advice": both(row["advice_en"], row["advice_zh"]) if row["advice_en"] else None,
            }
            for row in rows
        ],
    }


def summary_of_health(reader: Reader) -> Shape:
    """Return how many checks are in which state, and the worst of them, for the first view."""
    found = checks_of_health(reader)
    if "rows" not in found:
        return found
    counts = Counter(row["state"] for row in found["rows"])
    worst = next((state for state in ("breach", "warn", "ok", "not_measured") if counts[state]), "not_measured")
    return {
        "worst": worst,
        "counts": {state: counts[state] for state in ("ok", "warn", "breach", "not_measured")},
        "items": [row for row in found["rows"] if row["state"] in ("breach", "warn")][:5],
    }


def _runs(reader: Reader) -> Shape:
    rows = reader.rows("run_days")
    if not rows:
        return empty("no_run_yet")
    return {
        "dags": [
            {
                "dag_id": part if part.startswith("retention_") else None,
                "label": _part(part),
                "days": [pick(row, "business_date", "seconds", "state", "tries") for row in days],
                "median_seconds": _median([row["seconds"] for row in days if row["seconds"] is not None]),
            }
            for part, days in grouped(rows, "part").items()
        ]
    }


def _median(seconds: list[float]) -> float | None:
    return median(seconds) if seconds else None


def _part(part: str) -> dict[str, str]:
    stage = part.removeprefix("retention_")
    stage = _DAG_PARTS.get(stage, stage)
    return label("stage", stage) if stage in words()["stage"] else label("part", part)


def _feeds(reader: Reader, closed_day: date) -> Shape:
    rows = reader.rows("batches")
    if not rows:
        return empty("no_check_yet")
    return {
        "rows": [
            {
                **pick(row, "source", "entity", "business_date", "state"),
                "state_label": label("batch_state", row["state"]),
                "days_behind": (closed_day - row["business_date"]).days,
            }
            for row in rows
        ],
        "consent": [],
    }


def complaints_clock(reader: Reader) -> Shape:
    """Return complaints past their clock by team: cases, not people."""
    rows = reader.rows("clock")
    checked = reader.one("clock_checked") or {"checked_at": None}
    due: list[datetime] = [row["oldest_due_at"] for row in rows if row["oldest_due_at"] is not None]
    return {
        "over_clock": int(sum(row["breaches_open"] for row in rows)),
        "oldest_due_at": instant(min(due)) if due else None,
        "checked_at": instant(checked["checked_at"]),
        "by_team": [_team(row) for row in rows],
    }


def _team(row: Any) -> Shape:
    return {
        "team": row["team"],
        "team_label": label("member", row["team"]) if row["team"] == "unassigned" else {"en": row["team"], "zh": row["team"]},
        "clock": row["clock"],
        "clock_label": label("clock", row["clock"]),
        "severity": row["severity"],
        "severity_label": label("severity_of_case", row["severity"]),
        "open": row["breaches_open"],
        "closed_late": row["breaches_closed"],
        "oldest_due_at": instant(row["oldest_due_at"]),
    }
