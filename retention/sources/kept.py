"""The last published state of rows: what a snapshot is compared with, and what a deletion told by key alone is a deletion of.

Extraction only reads it (:mod:`retention.sources.compare`); it is written here, in the transaction that publishes core. So a
day that fails, or is read again, is compared with what core holds and never with what it would have held.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.sources.errors import SnapshotOutdated
from retention.sources.spec import LANDING_COLUMNS, natural_key
from retention.warehouse.identifiers import literal, quote

_ANALYZE_FROM_ROWS = 10_000


class LandedBatch(Protocol):
    """What has to be known of a batch that is being published."""

    @property
    def batch_id(self) -> int:
        """Its number in ``ops.batch``."""
        ...

    @property
    def source(self) -> str:
        """The source that delivered it."""
        ...

    @property
    def entity(self) -> str:
        """What its rows are."""
        ...


def keep(connection: Connection, deliveries: Iterable[LandedBatch]) -> int:
    """Merge the rows of batches that are being published into ``landing.kept_row``.

    Only batches of entities that keep rows (``ops.batch.keeps_rows``, set at extraction) and repaired rows of such entities
    take part, and those of entities that kept rows before their description changed: what is kept is compared with, so it must
    not grow old. What lies in landing at this point is valid. Of several states of a row the one changed last stays.

    Parameters
    ----------
    connection : Connection
        The transaction that publishes core.
    deliveries : iterable
        The batches, each with ``batch_id``, ``source`` and ``entity``.

    Returns
    -------
    Rows kept anew or in another state.

    Raises
    ------
    SnapshotOutdated when another day was published after a batch was compared with what had been published.
    """
    total = 0
    for delivery in sorted(deliveries, key=lambda one: one.batch_id):
        if not _keeps_rows(connection, delivery):
            continue
        _refuse_outdated(connection, delivery)
        batches = [*_never_kept(connection, delivery), delivery.batch_id]
        total += int(
            connection.execute(
                sa.text(_merge_statement(delivery.entity)),
                {"source": delivery.source, "entity": delivery.entity, "batches": batches},
            ).rowcount
        )
    if total >= _ANALYZE_FROM_ROWS:
        connection.exec_driver_sql("analyze landing.kept_row")
    return total


def key_of(alias: str, entity: str) -> str:
    """Return the SQL expression for the key of a landed row, as ``landing.kept_row`` holds it."""
    return f"array[{', '.join(f'{alias}.{quote(column)}' for column in natural_key(entity))}]"


def row_of(alias: str) -> str:
    """Return the SQL expression for a landed row as ``landing.kept_row`` holds it."""
    meta = ", ".join(literal(column) for column in LANDING_COLUMNS)
    return f"(jsonb_strip_nulls(to_jsonb({alias})) - array[{meta}])"


def instant(text: str) -> str:
    """Return the SQL expression for the time in a landed column, null where it holds none."""
    return f"case when pg_input_is_valid(nullif(btrim({text}), ''), 'timestamptz') then btrim({text})::timestamptz end"


def _keeps_rows(connection: Connection, delivery: LandedBatch) -> bool:
    """Return whether the entity keeps rows, or did; of repaired rows the batch they were refused from says so."""
    found = connection.execute(
        sa.text(
            "select keeps_rows from ops.batch where source = :source and entity = :entity "
            "and state in ('landed', 'validated', 'published') and (batch_id = :batch_id or message is distinct from 'replay') "
            "order by message is not distinct from 'replay', batch_id = :batch_id desc, batch_id desc limit 1"
        ),
        {"source": delivery.source, "entity": delivery.entity, "batch_id": delivery.batch_id},
    ).scalar()
    return bool(found) or bool(
        connection.execute(
            sa.text("select exists (select 1 from landing.kept_row where source = :source and entity = :entity)"),
            {"source": delivery.source, "entity": delivery.entity},
        ).scalar_one()
    )


def _refuse_outdated(connection: Connection, delivery: LandedBatch) -> None:
    """Stop when the state that a batch was compared with is no longer the published one."""
    outdated = connection.execute(
        sa.text(
            "select batch.business_date, stored.business_date as published from ops.batch as batch "
            "left join ops.source_cursor as stored on batch.source = stored.source and batch.entity = stored.entity "
            "where batch.batch_id = :batch_id and batch.keeps_rows and batch.is_full "
            "and batch.message is distinct from 'replay' "
            "and stored.cursor_value is distinct from batch.cursor_from "
            "and stored.cursor_value is distinct from batch.cursor_to"  # the cursor may have moved in this transaction
        ),
        {"batch_id": delivery.batch_id},
    ).one_or_none()
    if outdated is not None:
        raise SnapshotOutdated(
            f"{delivery.source} {delivery.entity} {outdated.business_date} (batch {delivery.batch_id}): it was compared with "
            f"what had been published when it was extracted; since then {outdated.published or 'the published state'} was "
            f"{'published' if outdated.published else 'withdrawn'}. Nothing published. Extract {outdated.business_date} "
            "again, validate, publish."
        )


def _never_kept(connection: Connection, delivery: LandedBatch) -> list[int]:
    """Return the published batches of an entity that begins to keep rows: their rows are what core holds of it."""
    return [
        int(batch_id)
        for batch_id in connection.execute(
            sa.text(
                "select batch_id from ops.batch where source = :source and entity = :entity and state = 'published' "
                "and batch_id <> :batch_id and not exists ("
                "select 1 from landing.kept_row where source = :source and entity = :entity) order by batch_id"
            ),
            {"source": delivery.source, "entity": delivery.entity, "batch_id": delivery.batch_id},
        ).scalars()
    ]


def _merge_statement(entity: str) -> str:
    return f"""
with

states as (
    select
        {key_of("landed", entity)} as key,
        {row_of("landed")} as row,
        nullif(btrim(landed.deleted_at), '') is not null as is_gone,
        coalesce({instant("landed.updated_at")}, batch.landed_at, batch.created_at) as changed_at,
        landed.batch_id,
        landed.position
    from landing.{quote(entity)} as landed
    inner join ops.batch as batch on landed.batch_id = batch.batch_id
    where landed.batch_id = any(:batches)
),

latest as (
    select distinct on (key) *
    from states
    order by key, changed_at desc, batch_id desc, position desc
)

insert into landing.kept_row as kept (source, entity, key, row, is_gone, changed_at, seen_in)
select :source, :entity, key, row, is_gone, changed_at, batch_id
from latest
on conflict (source, entity, key) do update set
    row = excluded.row,
    is_gone = excluded.is_gone,
    changed_at = excluded.changed_at,
    seen_in = excluded.seen_in
where kept.changed_at <= excluded.changed_at
"""
