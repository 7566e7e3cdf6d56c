"""Erased people whom a source or a tool delivers again: their rows are removed from where they first arrive.

The day's run drops them before core. What it read still lies in landing, and tools may report events about a pseudonym they
kept; both are swept here.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.delivered import delete_delivered
from retention.privacy.orders import buried_orders
from retention.privacy.pseudonyms import source_customer_key
from retention.warehouse import Run, all_contracts
from retention.warehouse.identifiers import quote

_CURSOR = ("warehouse", "landing@sweep")
_PERSON_COLUMNS = ("customer_id", "referrer_customer_id", "referred_customer_id")


def sweep_redelivered(run: Run) -> dict[str, int]:
    """Delete landed, refused and reported rows whose customer has a tombstone.

    Returns
    -------
    Rows deleted, by where they were.
    """
    counts = {"landing_rows_of_erased": 0, "quarantine_rows_of_erased": 0, "events_of_erased": 0}
    with run.warehouse.connect() as connection:
        tombstones = frozenset(connection.execute(sa.text("select source_customer_key from privacy.tombstone")).scalars())
    if not tombstones:
        return counts
    with run.warehouse.begin() as connection:
        since, started = _last_sweep(connection)
        sources = connection.execute(sa.text("select distinct source from pii.source_customer")).scalars().all()
        for contract in all_contracts().values():
            columns = [name for name in _PERSON_COLUMNS if name in contract.column_names]
            if contract.schema == "landing" and columns:
                counts["landing_rows_of_erased"] += _sweep_landing(
                    connection, run.secrets.pepper, contract.name, columns, list(sources), tombstones, since
                )
        counts["landing_rows_of_erased"] += _sweep_lines(connection, run.secrets.pepper, since)
        counts["quarantine_rows_of_erased"] = _sweep_quarantine(connection, run.secrets.pepper, list(sources), tombstones)
        connection.execute(
            sa.text(
                "insert into ops.source_cursor (source, entity, cursor_value, business_date) "
                "values (:source, :entity, :cursor_value, :business_date) on conflict (source, entity) do update set "
                "cursor_value = excluded.cursor_value, business_date = excluded.business_date, updated_at = clock_timestamp()"
            ),
            {"source": _CURSOR[0], "entity": _CURSOR[1], "cursor_value": started, "business_date": run.business_date},
        )
    if run.marketing is not None:
        with run.marketing.begin() as connection:
            counts["events_of_erased"] = int(
                connection.execute(
                    sa.text("delete from marketing.campaign_event where customer_key = any(cast(:keys as bigint[]))"),
                    {"keys": sorted(tombstones)},
                ).rowcount
            )
    return counts


def _last_sweep(connection: Connection) -> tuple[str | None, str]:
    """Return from when on batches have to be looked at, and the present instant, both by the database's clock."""
    row = connection.execute(
        sa.text(
            "select (select cast(cast(cursor_value as timestamptz) - interval '1 day' as text) from ops.source_cursor "
            "where source = :source and entity = :entity) as since, cast(clock_timestamp() as text) as started"
        ),
        {"source": _CURSOR[0], "entity": _CURSOR[1]},
    ).one()
    return row.since, row.started


def _erased(pepper: bytes, source: str, number: str, sources: list[str], tombstones: frozenset[int]) -> bool:
    """Return whether a number is of somebody erased; a source without customers of its own uses the others' numbers."""
    candidates = {source} if source in sources else {source, *sources}
    return any(source_customer_key(pepper, candidate, number) in tombstones for candidate in candidates)


def _sweep_landing(
    connection: Connection,
    pepper: bytes,
    entity: str,
    columns: list[str],
    sources: list[str],
    tombstones: frozenset[int],
    since: str | None,
) -> int:
    """Sweep one entity, in the batches that arrived since the last sweep (with a day of overlap for slow ones)."""
    removed = 0
    table = f"landing.{quote(entity)}"
    for column in columns:
        pairs = connection.execute(
            sa.text(
                f"select distinct batch.source, landed.{column} as number from {table} as landed "
                f"inner join ops.batch as batch on landed.batch_id = batch.batch_id where landed.{column} is not null "
                "and (cast(:since as text) is null or batch.created_at >= cast(:since as timestamptz))"
            ),
            {"since": since},
        ).all()
        hits = [(pair.source, pair.number) for pair in pairs if _erased(pepper, pair.source, pair.number, sources, tombstones)]
        if hits:
            removed += delete_delivered(
                connection,
                f"landing.{entity}",
                f"delete from {table} as landed using ops.batch as batch, "
                "unnest(cast(:sources as text[]), cast(:numbers as text[])) as hit (source, number) "
                f"where landed.batch_id = batch.batch_id and batch.source = hit.source and landed.{column} = hit.number "
                "returning landed.batch_id",
                {"sources": [hit[0] for hit in hits], "numbers": [hit[1] for hit in hits]},
            )
    return removed


def _sweep_lines(connection: Connection, pepper: bytes, since: str | None) -> int:
    """Sweep lines of orders of erased people: they name the order only."""
    lines = connection.execute(
        sa.text(
            "select distinct batch.source, landed.order_id from landing.order_line as landed "
            "inner join ops.batch as batch on landed.batch_id = batch.batch_id where landed.order_id is not null "
            "and (cast(:since as text) is null or batch.created_at >= cast(:since as timestamptz)) "
            "and not exists (select 1 from core.order_header as known where known.order_id = landed.order_id)"
        ),
        {"since": since},
    )
    hits = _buried(connection, pepper, {(line.source, line.order_id) for line in lines})
    if not hits:
        return 0
    return delete_delivered(
        connection,
        "landing.order_line",
        "delete from landing.order_line as landed using ops.batch as batch, "
        "unnest(cast(:sources as text[]), cast(:numbers as text[])) as hit (source, number) "
        "where landed.batch_id = batch.batch_id and batch.source = hit.source and landed.order_id = hit.number "
        "returning landed.batch_id",
        {"sources": [source for source, _ in hits], "numbers": [number for _, number in hits]},
    )


def _buried(connection: Connection, pepper: bytes, orders: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return those of the orders (source that names them, number) whose customer was erased.

    A source that delivers no orders names those of the others.
    """
    owners = set(connection.execute(sa.text("select distinct source from ops.batch where entity = 'order'")).scalars())
    meant = {order: ({order[0]} if order[0] in owners else {order[0], *owners}) for order in orders}
    buried = buried_orders(connection, pepper, {(source, number) for (_, number), of in meant.items() for source in of})
    return [order for order, of in meant.items() if any((source, order[1]) in buried for source in of)]


def _sweep_quarantine(connection: Connection, pepper: bytes, sources: list[str], tombstones: frozenset[int]) -> int:
    rows = connection.execute(
        sa.text(
            "select quarantine_id, source, row ->> 'customer_id' as a, row ->> 'referrer_customer_id' as b, "
            "row ->> 'referred_customer_id' as c, row ->> 'order_id' as order_id from quarantine.\"row\""
        )
    ).all()
    buried = set(_buried(connection, pepper, {(row.source, row.order_id) for row in rows if row.order_id}))
    hits = [
        row.quarantine_id
        for row in rows
        if (row.source, row.order_id) in buried
        or any(number and _erased(pepper, row.source, number, sources, tombstones) for number in (row.a, row.b, row.c))
    ]
    if not hits:
        return 0
    return delete_delivered(
        connection,
        "quarantine.row",
        'delete from quarantine."row" where quarantine_id = any(cast(:hits as bigint[])) returning batch_id',
        {"hits": hits},
    )
