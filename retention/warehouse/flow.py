"""From where to where rows flow: what an attempt has written, and what the queries of a table read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from retention.warehouse.connections import statement
from retention.warehouse.contracts import SQL_DIR, all_contracts, sql_file
from retention.warehouse.run import Run

_READ = re.compile(r'\b(?:from|join)\s+(?:lateral\s+)?([a-z_]+)\."?([a-z_]+)"?', re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*")
BESIDE = {
    "audience": ("marketing.campaign_audience", "marketing.audience_change", "marketing.audience_sync", "marketing.staff_task"),
    "consent": ("marketing.consent_state", "marketing.consent_feed"),
}
"""What a dataset's writers change in the marketing database; the ledger counts it by the warehouse's own tables."""


@dataclass(frozen=True)
class Written:
    """What one attempt has written of one dataset."""

    dataset: str
    state: str
    seconds: float
    rows: dict[str, int]
    """By table."""


def written_by(run: Run) -> list[Written]:
    """Return what the attempt of a run has written so far, from the run ledger."""
    attempt = run.attempt
    binds = {
        "dag_id": attempt.dag_id,
        "run_id": attempt.run_id,
        "task_id": attempt.task_id,
        "try_number": attempt.try_number,
    }
    tables = all_contracts()
    with run.warehouse.connect() as connection:
        entries = connection.execute(*statement(sql_file("ops/_written"), binds)).all()
    return [
        Written(
            entry.dataset,
            entry.state,
            float(entry.seconds),
            {table: int(rows) for table, rows in entry.counts.items() if table in tables},
        )
        for entry in entries
    ]


def tables_written(written: list[Written]) -> list[str]:
    """Return the tables that were published, with those that change in the marketing database beside them."""
    found = [table for entry in written if entry.state == "published" for table in entry.rows]
    found += [table for entry in written if entry.state == "published" for table in BESIDE.get(entry.dataset, ())]
    return list(dict.fromkeys(found))


@cache
def tables_read(table: str) -> tuple[str, ...]:
    """Return the tables that the queries of a table read, in order of name.

    Its own query where it has one; else the named queries that begin with the first word of its name (``_kpi_orders`` of
    ``bi.kpi_value``), else all named queries of its layer: those are what Python fills the others with. What a query keeps
    for a moment (``pg_temp``) is followed to where it comes from. Views stand for themselves.
    """
    contract = all_contracts()[table]
    folder = SQL_DIR / contract.schema
    own = folder / f"{contract.name}.sql"
    if own.exists():
        files = [own]
    else:
        files = sorted(folder.glob(f"_{contract.name.partition('_')[0]}_*.sql")) or sorted(folder.glob("_*.sql"))
    found: set[str] = set()
    seen: set[Path] = set()
    while files:
        path = files.pop()
        if path in seen or not path.exists():
            continue
        seen.add(path)
        for schema, name in _READ.findall(_COMMENT.sub("", path.read_text(encoding="utf-8"))):
            if schema.lower() == "pg_temp":
                files.append(folder / f"_{name.lower()}.sql")
            elif f"{schema}.{name}".lower() in all_contracts():
                found.add(f"{schema}.{name}".lower())
    return tuple(sorted(found - {table}))
