"""The life of a batch in ``ops.batch`` while it is extracted: opened, then closed as landed, or failed and swept away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.sources.spec import EntitySpec
from retention.sources.window import Window
from retention.warehouse import Fenced, RetentionError, Run, failpoint
from retention.warehouse.identifiers import quote


def open_batch(run: Run, source: str, entity: EntitySpec, window: Window) -> int:
    """Start a batch, and sweep away what earlier tries of it left behind when they died.

    Returns
    -------
    Its number.
    """
    slice_ = {"source": source, "entity": entity.entity, "business_date": run.business_date}
    with run.warehouse.begin() as connection:
        dead = connection.scalars(
            sa.text(
                "update ops.batch set state = 'failed', message = 'the extraction died before it was complete' where "
                "state = 'extracting' and source = :source and entity = :entity and business_date = :business_date "
                "returning batch_id"
            ),
            slice_,
        ).all()
        delete_landed(connection, entity.entity, dead)
        batch_id = connection.execute(
            sa.text(
                "insert into ops.batch "
                "(source, entity, business_date, run_id, state, is_full, keeps_rows, cursor_from, cursor_to) values "
                "(:source, :entity, :business_date, :run_id, 'extracting', :is_full, :keeps_rows, :cursor_from, :cursor_to) "
                "returning batch_id"
            ),
            {
                **slice_,
                "run_id": run.attempt.run_id,
                "is_full": window.is_full,
                "keeps_rows": entity.keeps_rows,
                "cursor_from": window.stored,
                "cursor_to": window.reached,
            },
        ).scalar_one()
    failpoint("extract.batch_opened")
    return int(batch_id)


def cover(run: Run, source: str, entity: EntitySpec, published: date) -> int:
    """Close the snapshots of a day that wait, when a later day is published: its snapshot shows the later state of everything.

    Returns
    -------
    Batches closed.
    """
    with run.warehouse.begin() as connection:
        covered = connection.scalars(
            sa.text(
                "update ops.batch set state = 'superseded', message = 'covered by what was published of ' || :published "
                "where state in ('landed', 'validated') and source = :source and entity = :entity "
                "and business_date = :business_date and message is distinct from 'replay' returning batch_id"
            ),
            {
                "source": source,
                "entity": entity.entity,
                "business_date": run.business_date,
                "published": published.isoformat(),
            },
        ).all()
        delete_landed(connection, entity.entity, covered)
    return len(covered)


def mark_landed(
    connection: Connection,
    run: Run,
    source: str,
    entity: str,
    batch_id: int,
    *,
    rows: int,
    duplicates: int,
    cursor_to: str | None,
    files: str | None,
    checksum: str | None,
) -> None:
    """Make a batch visible in place of earlier unpublished ones of the same day, within a fenced transaction.

    Batches of repaired rows (replays) stay: those rows come from quarantine and not from the source.

    Raises
    ------
    Fenced when a newer attempt has given the batch up.
    """
    landed = connection.execute(
        sa.text(
            "update ops.batch set state = 'landed', rows_extracted = :rows, rows_duplicate = :duplicates, "
            "cursor_to = :cursor_to, file = :file, checksum = :checksum, landed_at = clock_timestamp() "
            "where batch_id = :batch_id and state = 'extracting'"
        ),
        {
            "rows": rows, "duplicates": duplicates, "cursor_to": cursor_to, "file": files, "checksum": checksum,
            "batch_id": batch_id,
        },
    ).rowcount  # fmt: skip
    if landed != 1:
        raise Fenced(f"{source} {entity} {run.business_date}: batch {batch_id} was given up by a newer attempt.")
    superseded = connection.scalars(
        sa.text(
            "update ops.batch set state = 'superseded', message = 'read again as batch ' || :batch_id "
            "where source = :source and entity = :entity and business_date = :business_date and batch_id <> :batch_id "
            "and state in ('landed', 'validated') and message is distinct from 'replay' returning batch_id"
        ),
        {"batch_id": batch_id, "source": source, "entity": entity, "business_date": run.business_date},
    ).all()
    delete_landed(connection, entity, superseded)


def fail_batch(run: Run, entity: str, batch_id: int, error: Exception) -> None:
    """Close a batch that will not land and take away what had been loaded; of foreign errors only the kind is kept."""
    message = str(error) if isinstance(error, RetentionError) else type(error).__name__
    with run.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "update ops.batch set state = 'failed', message = :message where batch_id = :batch_id and state = 'extracting'"
            ),
            {"message": message, "batch_id": batch_id},
        )
        # Not of a batch that has landed after all: the connection may have broken while the commit was on its way.
        failed = connection.scalars(
            sa.text("select batch_id from ops.batch where batch_id = :batch_id and state = 'failed'"), {"batch_id": batch_id}
        ).all()
        delete_landed(connection, entity, failed)


def delete_landed(connection: Connection, entity: str, batch_ids: Sequence[int]) -> None:
    """Delete the landed rows of batches."""
    if batch_ids:
        connection.execute(
            sa.text(f"delete from landing.{quote(entity)} where batch_id = any(:batches)"), {"batches": list(batch_ids)}
        )
