"""Contracts to DDL: ``python -m retention.warehouse.ddl --write`` rewrites the baseline migrations.

Until the first release the baseline is rewritten; after it, a changed contract needs a migration of its own, and the test
that compares a migrated database with the contracts says so.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from retention.settings import PROJECT_ROOT
from retention.warehouse.contracts import Contract, all_contracts, sql_file
from retention.warehouse.identifiers import literal, quote
from retention.warehouse.indexes import create_indexes

MIGRATIONS = PROJECT_ROOT / "migrations"
SCHEMAS = {
    "warehouse": {
        "landing": "What a source delivered, as delivered, with batch, file and position.",
        "quarantine": "Rows refused, with rule, column and reason; they can be repaired and replayed.",
        "pii": "The only place with names, e-mail addresses and phone numbers.",
        "core": "Conformed facts and dimensions, by customer_key (a keyed pseudonym).",
        "features": "What is known of a customer as of a date.",
        "scores": "What is predicted of a customer as of a date.",
        "segments": "Classes, tiers, stages and levels as of a date.",
        "campaigns": "Decisions: who gets which play and why, who does not and why, what was delivered.",
        "bi": "Views for BI tools: documented, no personal data, small groups suppressed.",
        "privacy": "Consent ledger, suppression, erasure requests and receipts.",
        "ops": "Run ledger, leases, batches, checks, model registry, audit.",
        "slices": "Partitions of the tables that hold one slice a date; read them through their tables.",
        "staging": "Slices being built, named by the token of their writer; nobody reads them before they are published.",
    },
    "marketing": {
        "marketing": "What marketing tools read and report: the contract between the pipeline and them.",
        "staging": "Audiences being pushed; nobody reads them before they are published.",
        "ops": "Version of this database's layout.",
    },
}

_EVENTS = {
    "insert": "new table as new_rows",
    "update": "old table as old_rows new table as new_rows",
    "delete": "old table as old_rows",
}


def create_table(contract: Contract) -> str:
    """Return the statements that make one table with keys, indexes and comments."""
    lines = []
    for column in contract.columns:
        parts = [quote(column.name), column.type]
        if column.identity:
            parts.append("generated always as identity")
        if column.default is not None:
            parts.append(f"default {column.default}")
        if not column.nullable or column.name in contract.primary_key:
            parts.append("not null")
        lines.append("    " + " ".join(parts))
    if contract.primary_key:
        lines.append(f"    primary key ({', '.join(map(quote, contract.primary_key))})")
    lines.extend(f"    {constraint}" for constraint in contract.constraints)
    partition = " partition by range (as_of_date)" if contract.kind == "slice" else ""
    statements = [f"create table {contract.schema}.{quote(contract.name)} (\n" + ",\n".join(lines) + f"\n){partition};"]
    statements.extend(f"{statement};" for statement in create_indexes(contract, f"{contract.schema}.{quote(contract.name)}"))
    return "\n".join([*statements, *_comments(contract)])


def create_view(contract: Contract) -> str:
    """Return the statements that make one view with its comments."""
    body = sql_file(f"{contract.schema}/{contract.name}").strip().rstrip(";")
    options = ""
    header = re.match(r"--\s*with \(([^)]*)\)\s*\n", body)
    if header:
        options = f" with ({header.group(1)})"
    columns = ", ".join(map(quote, contract.column_names))
    return "\n".join(
        [f"create view {contract.schema}.{quote(contract.name)} ({columns}){options} as\n{body};", *_comments(contract)]
    )


def create_triggers(contract: Contract) -> str:
    """Return the statements by which changes of a table are logged by customer, where its contract says ``touched``.

    A table without ``customer_key`` has the customer of its order.
    """
    owner = (
        "select fact.customer_key"
        if "customer_key" in contract.column_names
        else "select header.customer_key from core.order_header as header where header.order_key = fact.order_key"
    )
    arguments = f"{literal(', '.join(f'fact.{quote(column)}' for column in contract.touched))}, {literal(owner)}"
    return "\n".join(
        f"create trigger log_touched_by_{event} after {event} on {contract.schema}.{quote(contract.name)} "
        f"referencing {rows} for each statement execute function ops.log_touched({arguments});"
        for event, rows in _EVENTS.items()
    )


def _comments(contract: Contract) -> Iterable[str]:
    kind = "view" if contract.kind == "view" else "table"
    target = f"{contract.schema}.{quote(contract.name)}"
    yield f"comment on {kind} {target} is {literal(f'{contract.description} Grain: {contract.grain}.')};"
    for column in contract.columns:
        yield f"comment on column {target}.{quote(column.name)} is {literal(column.description)};"


def baseline(database: str) -> str:
    """Return the DDL of one whole database, in an order in which it runs."""
    contracts = [c for c in all_contracts().values() if c.database == database]
    parts = ["-- Generated from include/sql by `python -m retention.warehouse.ddl --write`. Do not edit."]
    for schema, description in SCHEMAS[database].items():
        parts.append(f"create schema if not exists {schema};\ncomment on schema {schema} is {literal(description)};")
    parts.extend(create_table(c) for c in contracts if c.kind != "view")
    touched = [c for c in contracts if c.touched]
    if touched:
        parts.append(sql_file("ops/_log_touched").strip())
        parts.extend(create_triggers(c) for c in touched)
        parts.append(sql_file("features/_forget_past").strip())
    parts.extend(create_view(c) for c in _in_order([c for c in contracts if c.kind == "view"]))
    return "\n\n".join(parts) + "\n"


def _in_order(views: list[Contract]) -> list[Contract]:
    """Order views so that each follows the views it reads."""
    waiting, ordered = {v.table: v for v in views}, list[Contract]()
    while waiting:
        ready = [
            view
            for view in waiting.values()
            if not any(
                re.search(rf"\b{re.escape(other)}\b", sql_file(f"{view.schema}/{view.name}"))
                for other in waiting
                if other != view.table
            )
        ]
        if not ready:
            raise ValueError(f"views read each other in a circle: {', '.join(waiting)}")
        for view in ready:
            ordered.append(waiting.pop(view.table))
    return ordered


def baseline_path(database: str) -> Path:
    """Return the file that holds the baseline of a database."""
    return MIGRATIONS / database / "0001_baseline.sql"


def main() -> None:
    """Print the baseline DDL, or write it into the migrations with ``--write``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--write", action="store_true", help="write migrations/*/0001_baseline.sql")
    arguments = parser.parse_args()
    for database in SCHEMAS:
        text = baseline(database)
        if arguments.write:
            baseline_path(database).write_text(text, encoding="utf-8")
        else:
            sys.stdout.write(text)


if __name__ == "__main__":
    main()
