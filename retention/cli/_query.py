"""One query of a person at the keyboard: read-only, bounded in time and rows, personal tables only on record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa

from retention.deployment import Deployment
from retention.warehouse import RetentionError, Warehouse, all_contracts, quote_error

PERSONAL_SCHEMAS = {"landing", "quarantine", "pii"}
"""Schemas whose every table may hold personal values, beside the columns that a contract marks as personal."""


@dataclass(frozen=True)
class Result:
    """Rows of a query with their column names."""

    columns: list[str]
    numeric: list[bool]
    rows: list[Sequence[Any]]
    has_more: bool


_EXPLAIN = "explain (verbose, format json) "
_NUMERIC_OIDS = {20, 21, 23, 700, 701, 1700}


def run_query(database: str, text: str, timeout_s: int, limit: int, personal_data: bool, actor: str) -> Result:
    """Run one statement that reads.

    Parameters
    ----------
    database : str
        ``warehouse`` or ``marketing``.
    text : str
        One statement; a second one is refused.
    timeout_s : int
        Seconds after which the server gives the statement up.
    limit : int
        Rows fetched at most.
    personal_data : bool
        Allow tables that hold personal data; the read is written to ``ops.audit`` first.
    actor : str
        Who asks, for the record.

    Raises
    ------
    RetentionError when the statement writes, reads personal data without permission, or fails.
    """
    deployment = Deployment.from_env()
    url = deployment.warehouse_url if database == "warehouse" else deployment.marketing_url
    warehouse = Warehouse(
        url,
        application_name="retention sql",
        settings={"default_transaction_read_only": "on", "statement_timeout": f"{timeout_s}s", "lock_timeout": "5s"},
    )
    statement = text.strip().rstrip(";").strip()
    if not statement:
        raise RetentionError("the query is empty.", runbook="query-refused")
    try:
        with warehouse.engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, psycopg.Connection)
            touched = tables_read(raw, statement)
            personal = sorted(name for name in touched if is_personal(name))
            if personal and not personal_data:
                raise RetentionError(
                    f"the query reads {', '.join(personal)}, which may hold personal data: add --personal-data; the read "
                    "is put on record in ops.audit. Nothing was read.",
                    runbook="personal-data-query",
                )
            if personal:
                record_read(actor, database, personal)
            return fetch(raw, statement, limit)
    except psycopg.Error as error:
        raise _refused(error) from None
    except sa.exc.DBAPIError as error:
        raise quote_error(error, "query") from None
    finally:
        warehouse.dispose()


def fetch(raw: psycopg.Connection[Any], statement: str, limit: int) -> Result:
    """Execute a statement and fetch its first rows.

    ``prepare=True`` sends it by the extended protocol, in which PostgreSQL takes one statement only: nobody can end the
    read-only transaction inside the text and write in another.
    """
    with raw.cursor() as cursor:
        cursor.execute(statement.encode(), prepare=True)
        if cursor.description is None:
            raise RetentionError("the statement returns no rows: only queries are run here.", runbook="query-refused")
        rows = cursor.fetchmany(limit + 1)
        return Result(
            columns=[column.name for column in cursor.description],
            numeric=[column.type_code in _NUMERIC_OIDS for column in cursor.description],
            rows=rows[:limit],
            has_more=len(rows) > limit,
        )


def tables_read(raw: psycopg.Connection[Any], statement: str) -> set[str]:
    """Return the tables that a statement reads, through views too, as PostgreSQL's plan names them.

    What has no plan is refused, except ``show`` and ``explain``. This keeps people from reading personal data by
    accident; what keeps others out is the database role they are given.
    """
    if re.match(r"(?i)(show|explain)\b", statement):
        return set()
    with raw.cursor() as cursor:
        cursor.execute(f"{_EXPLAIN}{statement}".encode(), prepare=True)
        row = cursor.fetchone()
    return set(_relations(row[0])) if row else set()


def _relations(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _relations(item)
    elif isinstance(node, dict):
        if "Relation Name" in node:
            yield f"{node.get('Schema', '')}.{node['Relation Name']}"
        for value in node.values():
            if isinstance(value, dict | list):
                yield from _relations(value)


def is_personal(table: str) -> bool:
    """Tell whether a table may hold personal values (partitions count as their parent)."""
    schema, _, name = table.partition(".")
    if schema in PERSONAL_SCHEMAS:
        return True
    for contract in all_contracts().values():
        same = contract.schema == schema and (name == contract.name or name.startswith(f"{contract.name}_p"))
        if same and any(column.personal for column in contract.columns):
            return True
    return False


def record_read(actor: str, database: str, tables: Sequence[str]) -> None:
    """Put a read of personal data on record before it happens."""
    recorder = Warehouse(Deployment.from_env().warehouse_url, application_name="retention sql audit")
    try:
        with recorder.begin() as connection:
            connection.execute(
                sa.text("insert into ops.audit (actor, action, subject) values (:actor, 'read_personal_data', :subject)"),
                {"actor": actor, "subject": f"{database}: {', '.join(tables)}"},
            )
    finally:
        recorder.dispose()


def _refused(error: psycopg.Error) -> RetentionError:
    """Say why PostgreSQL refused a person's own query; its text names the statement, not rows, for these states."""
    state = error.sqlstate or ""
    if state == "25006":
        return RetentionError("the statement would write; only reading is possible here. Nothing changed.", "query-refused")
    if state == "57014":
        return RetentionError("the query took longer than allowed: raise --timeout or narrow it.", "query-refused")
    if state.startswith("42"):  # syntax errors and unknown names quote the query itself
        # Counted in what was asked of the server, which begins with our `explain`.
        place = int(error.diag.statement_position or 0) - len(_EXPLAIN)
        position = f" at character {place}" if place > 0 else ""
        return RetentionError(f"{error.diag.message_primary}{position}.", "query-refused")
    return quote_error(error, "query")
