"""What each delivery's columns were like, kept in ``ops.source_column`` for the next one to be compared with.

Rows are written by the transaction that makes a batch visible and carry its number. They count once that batch is published,
so that a day which fails never becomes the standard for the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import RetentionError, Warehouse


@dataclass(frozen=True)
class SeenColumn:
    """One column of a source as a delivery had it."""

    name: str
    type: str | None
    """Family of its type; None where nothing told it."""
    state: str
    """``mapped`` or ``ignored``."""
    filled_share: float | None = None
    readable_share: float | None = None
    first_seen: date | None = None


def last_published(warehouse: Warehouse, source: str, entity: str) -> dict[str, SeenColumn]:
    """Return the columns of an entity as its last published batches had them, by name; empty before the first."""
    with warehouse.connect() as connection:
        return _last_published(connection, source, entity)


def _last_published(connection: Connection, source: str, entity: str) -> dict[str, SeenColumn]:
    rows = connection.execute(
        sa.text(
            "select distinct on (seen.column_name) seen.column_name, seen.type, seen.state, seen.filled_share, "
            "seen.readable_share, seen.first_seen from ops.source_column as seen "
            "join ops.batch as batch on batch.batch_id = seen.batch_id and batch.state = 'published' "
            "where seen.source = :source and seen.entity = :entity order by seen.column_name, seen.batch_id desc"
        ),
        {"source": source, "entity": entity},
    ).all()
    return {row.column_name: SeenColumn(*row) for row in rows}


def remember(
    connection: Connection, source: str, entity: str, batch_id: int, business_date: date, columns: Iterable[SeenColumn]
) -> None:
    """Write what a batch's columns are like, and drop what no later delivery will be compared with.

    What this batch was too small to tell is taken over from the last published one.
    """
    before = _last_published(connection, source, entity)
    one = {"source": source, "entity": entity, "batch_id": batch_id}
    rows = []
    for column in columns:
        earlier = before.get(column.name)
        rows.append(
            {
                **one,
                "column_name": column.name,
                "type": column.type or (earlier.type if earlier else None),
                "state": column.state,
                "filled_share": _else(column.filled_share, earlier.filled_share if earlier else None),
                "readable_share": _else(column.readable_share, earlier.readable_share if earlier else None),
                "first_seen": earlier.first_seen if earlier else business_date,
                "last_seen": business_date,
            }
        )
    connection.execute(
        sa.text(
            "delete from ops.source_column as seen using ops.batch as batch where batch.batch_id = seen.batch_id "
            "and seen.source = :source and seen.entity = :entity and (batch.state in ('failed', 'superseded') "
            "or (batch.state = 'published' and exists (select 1 from ops.source_column as newer "
            "join ops.batch as its_batch on its_batch.batch_id = newer.batch_id and its_batch.state = 'published' "
            "where newer.source = seen.source and newer.entity = seen.entity and newer.column_name = seen.column_name "
            "and newer.batch_id > seen.batch_id)))"
        ),
        {"source": source, "entity": entity},
    )
    if rows:
        connection.execute(
            sa.text(
                "insert into ops.source_column (batch_id, source, entity, column_name, type, state, filled_share, "
                "readable_share, first_seen, last_seen) values (:batch_id, :source, :entity, :column_name, :type, :state, "
                ":filled_share, :readable_share, :first_seen, :last_seen)"
            ),
            rows,
        )


def accept(warehouse: Warehouse, source: str, entity: str, actor: str) -> int:
    """Forget what the columns of an entity were like: the next delivery is taken as it comes and becomes the standard.

    Returns
    -------
    int
        Columns forgotten.

    Raises
    ------
    RetentionError when nothing of the entity has been published, so that there is nothing to compare with.
    """
    with warehouse.begin() as connection:
        changed = connection.execute(
            sa.text(
                "update ops.source_column set type = null, filled_share = null, readable_share = null "
                "where source = :source and entity = :entity"
            ),
            {"source": source, "entity": entity},
        ).rowcount
        if not changed:
            raise RetentionError(
                f"{source} {entity}: no columns are stored that a delivery would be compared with. Nothing to accept.",
                runbook="retyped-column",
            )
        connection.execute(
            sa.text("insert into ops.audit (actor, action, subject) values (:actor, 'accept_columns', :subject)"),
            {"actor": actor, "subject": f"{source} {entity}"},
        )
    return int(changed)


def _else(value: float | None, otherwise: float | None) -> float | None:
    return otherwise if value is None else value
