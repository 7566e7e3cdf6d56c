"""Rows as delivered (landing, quarantine): found by what they say, because their person may not have reached core at all."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.subject import Subject
from retention.warehouse import all_contracts
from retention.warehouse.identifiers import literal, quote

_PERSON_COLUMNS = ("customer_id", "referrer_customer_id", "referred_customer_id")


def delivered_rows(subject: Subject) -> list[tuple[str, str, dict[str, Any]]]:
    """Statements for rows in landing and quarantine, by what they say: the person may not have reached core at all."""
    binds = {
        "sources": [source for source, _ in subject.ids],
        "numbers": [number for _, number in subject.ids],
        "order_sources": [source for source, _ in subject.orders],
        "order_numbers": [number for _, number in subject.orders],
        "addresses": sorted(subject.addresses),
    }
    person = (
        "exists (select 1 from unnest(cast(:sources as text[]), cast(:numbers as text[])) as person (source, number) "
        "where person.number in ({ids}) and (person.source = {source} or not exists ("
        "select 1 from pii.source_customer as other where other.source = {source})))"
    )
    orders = (
        "exists (select 1 from unnest(cast(:order_sources as text[]), cast(:order_numbers as text[])) "
        "as bought (source, number) "
        "where bought.number = {order_id} and (bought.source = {source} or not exists ("
        "select 1 from ops.batch as own where own.source = {source} and own.entity = 'order')))"
    )
    statements = []
    for contract in all_contracts().values():
        if contract.schema != "landing" or "batch_id" not in contract.column_names:
            continue
        ids = [f"landed.{name}" for name in _PERSON_COLUMNS if name in contract.column_names]
        tests = [person.format(ids=", ".join(ids), source="batch.source")] if ids else []
        if contract.name == "order_line":
            tests.append(orders.format(order_id="landed.order_id", source="batch.source"))
        if "referred_contact" in contract.column_names:
            tests.append("landed.referred_contact = any(cast(:addresses as text[]))")
        if tests:
            statement = (
                f"delete from landing.{quote(contract.name)} as landed using ops.batch as batch "
                f"where landed.batch_id = batch.batch_id and ({' or '.join(tests)}) returning landed.batch_id"
            )
            statements.append((contract.table, statement, _needed(statement, binds)))
    refused_ids = [f"refused.row ->> {literal(name)}" for name in _PERSON_COLUMNS]
    refused = " or ".join(
        [
            person.format(ids=", ".join(refused_ids), source="refused.source"),
            orders.format(order_id="refused.row ->> 'order_id'", source="refused.source"),
            "refused.row ->> 'referred_contact' = any(cast(:addresses as text[]))",
        ]
    )
    statement = f'delete from quarantine."row" as refused where {refused} returning refused.batch_id'
    statements.append(("quarantine.row", statement, _needed(statement, binds)))
    return statements


def _needed(statement: str, binds: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in binds.items() if re.search(rf":{name}\b", statement)}


def delete_delivered(connection: Connection, table: str, statement: str, binds: dict[str, Any]) -> int:
    """Delete landed or refused rows and move them in their batches' counts to the erased: extraction still adds up."""
    from_count = "rows_quarantined" if table == "quarantine.row" else "rows_valid"
    # A batch not validated yet has no valid rows to take from.
    taken = (
        "counted.rows"
        if table == "quarantine.row"
        else "case when state in ('validated', 'published') then counted.rows else 0 end"
    )
    return sum(
        connection.execute(
            sa.text(
                f"with gone as ({statement}), counted as (select batch_id, count(*) as rows from gone group by batch_id), "
                f"moved as (update ops.batch as batch set rows_tombstoned = rows_tombstoned + counted.rows, "
                f"{from_count} = greatest({from_count} - {taken}, 0) from counted where batch.batch_id = counted.batch_id) "
                "select rows from counted"
            ),
            binds,
        ).scalars()
    )
