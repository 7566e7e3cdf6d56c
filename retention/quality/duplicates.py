"""Exact duplicates: rows delivered twice with the very same values, inside a batch or against what was loaded before."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.quality.deliveries import Delivery
from retention.warehouse import Contract
from retention.warehouse.identifiers import quote

_PLACE = ("batch_id", "position", "file")


def drop_duplicates(connection: Connection, delivery: Delivery, contract: Contract) -> int:
    """Delete exact duplicates of a batch from landing; the first of each stays.

    A row that equals one of an earlier published batch is a duplicate too: sources with an overlapping cursor deliver rows
    again. Rows without ``updated_at`` are compared with the batch before only, since such a row may go back to a value
    that it had long ago.

    Returns
    -------
    Rows deleted.
    """
    key = _key(contract)
    values = [column.name for column in contract.columns if column.name not in _PLACE]
    binds = {"batch_id": delivery.batch_id, "source": delivery.source, "entity": delivery.entity}
    keys, all_values = ", ".join(map(quote, key)), ", ".join(map(quote, values))
    connection.exec_driver_sql("set local work_mem = '256MB'")
    # Only keys that occur twice are compared in full: grouping whole rows would cost many times more.
    inside = connection.execute(
        sa.text(
            f"with repeated as (select {keys} from {delivery.table} where batch_id = :batch_id group by {keys} "
            "having count(*) > 1), "
            f"ranked as (select landed.ctid as row_id, row_number() over (partition by {_list('landed', values)} "
            f"order by landed.file, landed.position) as occurrence from {delivery.table} as landed inner join repeated "
            f"on {_same('repeated', 'landed', key)} where landed.batch_id = :batch_id) "
            f"delete from {delivery.table} as landed using ranked where landed.ctid = ranked.row_id and ranked.occurrence > 1 "
            "and landed.batch_id = :batch_id"
        ),
        {"batch_id": delivery.batch_id},
    ).rowcount
    earlier = connection.execute(
        sa.text(
            "select batch_id from ops.batch where source = :source and entity = :entity and state = 'published' "
            "and batch_id <> :batch_id order by batch_id desc"
        ),
        binds,
    ).scalars()
    batches = [int(b) for b in earlier]
    if not batches:
        return int(inside)
    before = connection.execute(
        sa.text(
            f"with fresh as (select ctid as row_id, {all_values} from {delivery.table} where batch_id = :batch_id), "
            f"seen as (select fresh.row_id from fresh inner join {delivery.table} as loaded on {_same('loaded', 'fresh', key)} "
            "where loaded.batch_id = any(:batches) and (loaded.updated_at is not null or loaded.batch_id = :latest) "
            f"and ({_list('loaded', values)}) is not distinct from ({_list('fresh', values)})) "
            f"delete from {delivery.table} as landed using seen where landed.ctid = seen.row_id and landed.batch_id = :batch_id"
        ),
        {"batch_id": delivery.batch_id, "batches": batches, "latest": batches[0]},
    ).rowcount
    return int(inside) + int(before)


def _key(contract: Contract) -> list[str]:
    for check in contract.checks:
        if check.rule == "unique_version":
            return [str(column) for column in check.arguments["columns"]]
    return [column.name for column in contract.columns if column.name not in _PLACE][:1]


def _list(alias: str, columns: list[str]) -> str:
    return ", ".join(f"{alias}.{quote(column)}" for column in columns)


def _same(left: str, right: str, key: list[str]) -> str:
    """Match keys; the first part by equality, so that the join can hash (rows without it are refused as incomplete)."""
    first, *rest = key
    parts = [f"{left}.{quote(first)} = {right}.{quote(first)}"]
    parts += [f"{left}.{quote(column)} is not distinct from {right}.{quote(column)}" for column in rest]
    return " and ".join(parts)
