"""What ``retention status`` shows."""

from __future__ import annotations

from datetime import datetime

from retention.report import Section, number, rows, seconds_text
from retention.settings import Settings
from retention.warehouse import Warehouse, sql_file


def sections(warehouse: Warehouse, marketing: Warehouse | None, settings: Settings, now: datetime, runs: int) -> list[Section]:
    """Return the tables of the status, most urgent first."""
    return [
        stuck(warehouse, marketing, now),
        attempts(warehouse, runs),
        freshness(warehouse, now),
        batches(warehouse),
        consent_feed(marketing, settings, now),
    ]


def stuck(warehouse: Warehouse, marketing: Warehouse | None, now: datetime) -> Section:
    """Find attempts whose lease ran out, batches left half-way, slices behind an earlier one, a push that waits."""
    found = rows(warehouse, sql_file("_report/stuck"))
    if marketing is not None:
        found += rows(marketing, sql_file("_report/pushes_waiting"))
    return Section(
        "Needs attention",
        "需要处理",
        [("what", "left"), ("since", "left"), ("what to do", "left")],
        [[r["what"], _ago(r["since"], now), r["advice"]] for r in found],
        empty="nothing is stuck",
    )


def attempts(warehouse: Warehouse, limit: int) -> Section:
    """List the last attempts to write."""
    found = rows(warehouse, sql_file("_report/attempts"), {"row_limit": limit})
    return Section(
        "Last attempts to write",
        "最近运行",
        [("started", "left"), ("day", "left"), ("stage", "left"), ("by", "left"), ("state", "left"), ("took", "right")],
        [
            [
                r["started_at"].strftime("%m-%d %H:%M:%S"),
                str(r["business_date"]),
                r["stage"],
                f"{r['dag_id']} try {r['try_number']}",
                r["state"],
                "" if r["seconds"] is None else seconds_text(r["seconds"]),
            ]
            for r in found
        ],
    )


def freshness(warehouse: Warehouse, now: datetime) -> Section:
    """Show which slice of each table is in force."""
    found = rows(warehouse, sql_file("_report/freshness"))
    return Section(
        "What is in force",
        "数据新鲜度",
        [("table", "left"), ("newest slice", "left"), ("rows written", "right"), ("published", "left")],
        [[r["table_name"], r["slice_key"], number(r["rows"]), _ago(r["published_at"], now)] for r in found],
    )


def batches(warehouse: Warehouse) -> Section:
    """Show the newest delivery of each source and entity with its reconciled counts."""
    found = rows(warehouse, sql_file("_report/batches"))
    return Section(
        "Newest delivery of each entity",
        "最近批次",
        [
            ("source.entity", "left"), ("day", "left"), ("state", "left"), ("rows", "right"), ("valid", "right"),
            ("quarantined", "right"), ("repeated", "right"), ("erased", "right"),
        ],
        [
            [
                f"{r['source']}.{r['entity']}", str(r["business_date"]), r["state"], number(r["rows_extracted"]),
                number(r["rows_valid"]), number(r["rows_quarantined"]), number(r["rows_duplicate"]),
                number(r["rows_tombstoned"]),
            ]
            for r in found
        ],
    )  # fmt: skip


def consent_feed(marketing: Warehouse | None, settings: Settings, now: datetime) -> Section:
    """Show when the marketing database last heard from the consent ledger."""
    columns = [("target", "left"), ("last heartbeat", "left"), ("meaning", "left")]
    if marketing is None:
        return Section("Consent feed", "授权同步", columns, [], empty="no marketing database is configured")
    found = rows(marketing, sql_file("_report/consent_feed"))
    limit_hours = settings.campaigns.consent_heartbeat_hours
    return Section(
        "Consent feed",
        "授权同步",
        columns,
        [
            [
                r["feed"],
                _ago(r["heartbeat_at"], now),
                "marketing tools see audiences"
                if (now - r["heartbeat_at"]).total_seconds() < limit_hours * 3600
                else f"silent for more than {limit_hours} h: marketing tools see nobody",
            ]
            for r in found
        ],
        empty="no heartbeat yet: marketing tools see nobody",
    )


def _ago(then: datetime | None, now: datetime) -> str:
    if then is None:
        return ""
    seconds = (now - then).total_seconds()
    if seconds < 90:
        return "just now"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min ago"
    if seconds < 172_800:
        return f"{seconds / 3600:.0f} h ago"
    return f"{seconds / 86400:.0f} days ago"
