"""Land one delivery: from the source into ``landing.<entity>`` as one batch, whole or not at all.

A batch becomes visible when its state turns to ``landed`` in one fenced transaction; until then, and for ever after a
crash, its rows belong to a batch in state ``extracting`` that nobody reads. The cursor does not move here: it moves when the
batch is published, so a day that fails is read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.sources.drift import Found
from retention.sources.errors import EmptyDay, HeaderOnlyFile, SourceError
from retention.sources.files import FileStore
from retention.sources.manifest import FileEntry, choose_files, record_files
from retention.sources.read import batch_schema, file_batches, source_url, store_batches
from retention.sources.spec import EntitySpec, SourceSpec
from retention.sources.stores import open_store
from retention.warehouse import Fenced, RetentionError, Run, failpoint, ingest_arrow, lease
from retention.warehouse.lease import Lease


@dataclass
class _Delivery:
    """What one extraction has seen so far."""

    found: Found = field(default_factory=Found)
    rows: int = 0
    files: list[FileEntry] = field(default_factory=list)
    error: BaseException | None = None


def extract(run: Run, spec: SourceSpec, entity: str, url: str | None = None) -> dict[str, Any]:
    """Land what one entity of a source delivered for the run's business day.

    With a published cursor these are the rows changed since; the bounds are the midnights of business days, lower one
    included and upper one not, so that rows with equal times can never fall between two reads. Without one everything up to
    the end of the day is read. An unpublished batch of the same source, entity and day is superseded. A day that has been
    published is left alone.

    Parameters
    ----------
    url : str, optional
        Address of the source, in place of ``RETENTION_SOURCE_<connection>_URL``.

    Returns
    -------
    ``{"source", "entity", "batch_id", "state", "rows", "is_full", "files", "notes"}``.

    Raises
    ------
    SourceError of the kind that fits: SourceMissing and its kinds, EmptyDay, HeaderOnlyFile, EmptyFile, ColumnMissing …
    Fenced when a newer attempt has taken over.
    """
    entity_spec = spec.entities[entity]
    address = source_url(spec, url)
    with lease(
        run, dataset=f"landing/{spec.source}/{entity}", slice_key=run.business_date.isoformat(), stage="extract"
    ) as held:
        cursor, cursor_date = _cursor(run, spec.source, entity)
        if cursor_date is not None and cursor_date >= run.business_date:
            held.note = f"nothing to do: published up to {cursor_date}"
            return _result(spec, entity, None, "published", 0, False, [], [held.note])
        batch_id = _open_batch(run, spec.source, entity, cursor)
        delivery = _Delivery()
        try:
            notes = _land(run, spec, entity_spec, address, batch_id, cursor, delivery)
            _close_batch(run, held, spec, entity_spec, batch_id, cursor is None, delivery)
        except Exception as error:
            with suppress(RetentionError):  # the database may be what failed; the next try sweeps up then
                _fail_batch(run, entity, batch_id, error)
            raise
        files = [entry.path for entry in delivery.files if entry.skipped is None]
        return _result(spec, entity, batch_id, "landed", delivery.rows, cursor is None, files, notes)


def _land(
    run: Run, spec: SourceSpec, entity: EntitySpec, address: str, batch_id: int, cursor: datetime | None, delivery: _Delivery
) -> list[str]:
    """Read and load all rows of a batch, judge whether they are a delivery at all, and return what is worth noting."""
    day = run.business_date
    if spec.kind != "files":
        with open_store(spec, address) as store:
            batches = store_batches(store, spec, entity, cursor, run.as_of, delivery.found)
            _ingest(run, entity.entity, batch_id, batches, delivery)
        notes = []
    else:
        files = FileStore(address, spec.source)
        due = files.due(entity, day)
        if entity.expect.missing_file == "stop":
            files.require_day(entity, due, day)
        delivery.files = choose_files(run, files, spec, entity, due)
        _ingest(run, entity.entity, batch_id, _all_files(files, spec, entity, delivery), delivery)
        notes = [f"{entry.path} skipped: {entry.skipped}" for entry in delivery.files if entry.skipped]
    _judge(spec, entity, day, cursor is None, delivery)
    if delivery.rows == 0:
        notes.append("no rows on this day, which its description allows")
    if delivery.found.ignored and entity.columns is not None:
        notes.append(f"columns not described and left out: {', '.join(sorted(delivery.found.ignored))}")
    return notes


def _all_files(files: FileStore, spec: SourceSpec, entity: EntitySpec, delivery: _Delivery) -> Iterator[pa.RecordBatch]:
    for entry in delivery.files:
        if entry.skipped is None:
            for batch in file_batches(files, spec, entity, entry.file, delivery.found):
                entry.rows += batch.num_rows
                yield batch


def _ingest(run: Run, entity: str, batch_id: int, batches: Iterator[pa.RecordBatch], delivery: _Delivery) -> None:
    """Load batches as they come; an error of the source comes out as itself and not as one of the loading."""
    schema = batch_schema(entity).insert(0, pa.field("batch_id", pa.int64()))

    def numbered() -> Iterator[pa.RecordBatch]:
        try:
            for batch in batches:
                ids = pa.repeat(pa.scalar(batch_id, pa.int64()), batch.num_rows)
                delivery.rows += batch.num_rows
                yield pa.RecordBatch.from_arrays([ids, *batch.columns], schema=schema)
                failpoint("extract.batch_read")
        except BaseException as error:
            delivery.error = error
            raise

    reader = pa.RecordBatchReader.from_batches(schema, numbered())
    try:
        ingest_arrow(run.warehouse, f"landing.{entity}", reader)
    except Exception:
        if delivery.error is not None:
            raise delivery.error from None
        raise
    failpoint("extract.rows_loaded")


def _judge(spec: SourceSpec, entity: EntitySpec, day: date, is_full: bool, delivery: _Delivery) -> None:
    """Stop when nothing came where something was expected; the words say which kind of nothing it was."""
    name = f"{spec.source} {entity.entity} {day}"
    expect = entity.expect
    if is_full and delivery.rows < expect.first_rows:
        kind: type[SourceError] = HeaderOnlyFile if spec.kind == "files" else EmptyDay
        raise kind(
            f"{name}: the first, full load of {entity.where} brought {delivery.rows} rows, expected at least "
            f"{expect.first_rows}. "
            "Nothing published. Check that the source is the right one and holds data."
        )
    if delivery.rows or expect.empty_day == "ok":
        return
    if any(entry.skipped is None for entry in delivery.files):
        raise HeaderOnlyFile(
            f"{name}: {', '.join(entry.path for entry in delivery.files if entry.skipped is None)} has a header and no "
            "row, expected "
            "at least one. Nothing published; the last good state stays. Ask the source, or set expect.empty_day: ok for it."
        )
    skipped = " (its files were all loaded before)" if delivery.files else ""
    raise EmptyDay(
        f"{name}: {entity.where} has no row for the day{skipped}, expected at least one. Nothing published; the last "
        "good state "
        "stays. Check that the source was written to that day, or set expect.empty_day: ok for it."
    )


def _cursor(run: Run, source: str, entity: str) -> tuple[datetime | None, date | None]:
    """Return up to when, and for which business day, an entity has been published; None for both before the first time."""
    with run.warehouse.connect() as connection:
        row = connection.execute(
            sa.text("select cursor_value, business_date from ops.source_cursor where source = :source and entity = :entity"),
            {"source": source, "entity": entity},
        ).one_or_none()
    return (None, None) if row is None else (datetime.fromisoformat(row.cursor_value), row.business_date)


def _open_batch(run: Run, source: str, entity: str, cursor: datetime | None) -> int:
    """Start a batch, and sweep away what earlier tries of it left behind when they died."""
    slice_ = {"source": source, "entity": entity, "business_date": run.business_date}
    with run.warehouse.begin() as connection:
        dead = connection.scalars(
            sa.text(
                "update ops.batch set state = 'failed', message = 'the extraction died before it was complete' where "
                "state = 'extracting' and source = :source and entity = :entity and business_date = :business_date "
                "returning batch_id"
            ),
            slice_,
        ).all()
        _delete_landed(connection, entity, dead)
        batch_id = connection.execute(
            sa.text(
                "insert into ops.batch (source, entity, business_date, run_id, state, is_full, cursor_from, cursor_to) values "
                "(:source, :entity, :business_date, :run_id, 'extracting', :is_full, :cursor_from, :cursor_to) "
                "returning batch_id"
            ),
            {
                **slice_,
                "run_id": run.attempt.run_id,
                "is_full": cursor is None,
                "cursor_from": cursor.isoformat() if cursor else None,
                "cursor_to": run.as_of.isoformat(),
            },
        ).scalar_one()
    failpoint("extract.batch_opened")
    return int(batch_id)


def _close_batch(
    run: Run, held: Lease, spec: SourceSpec, entity: EntitySpec, batch_id: int, is_full: bool, delivery: _Delivery
) -> None:
    """Make the batch visible in place of earlier unpublished ones of the same day, in one fenced transaction.

    Batches of repaired rows (replays) stay: those rows come from quarantine and not from the source.
    """
    files = [entry for entry in delivery.files if entry.skipped is None]
    checksum = hashlib.sha256("".join(entry.sha256 for entry in files).encode()).hexdigest() if files else None
    with held.publishing() as connection:
        landed = connection.execute(
            sa.text(
                "update ops.batch set state = 'landed', rows_extracted = :rows, file = :file, checksum = :checksum, "
                "landed_at = clock_timestamp() where batch_id = :batch_id and state = 'extracting'"
            ),
            {
                "rows": delivery.rows,
                "file": ", ".join(entry.path for entry in files) or None,
                "checksum": checksum,
                "batch_id": batch_id,
            },
        ).rowcount
        if landed != 1:
            raise Fenced(
                f"{spec.source} {entity.entity} {run.business_date}: batch {batch_id} was given up by a newer attempt."
            )
        superseded = connection.scalars(
            sa.text(
                "update ops.batch set state = 'superseded', message = 'read again as batch ' || :batch_id where source "
                "= :source "
                "and entity = :entity and business_date = :business_date and batch_id <> :batch_id "
                "and state in ('landed', 'validated') and message is distinct from 'replay' returning batch_id"
            ),
            {
                "batch_id": batch_id,
                "source": spec.source,
                "entity": entity.entity,
                "business_date": run.business_date,
            },
        ).all()
        _delete_landed(connection, entity.entity, superseded)
        record_files(connection, spec, entity, run.business_date, batch_id, delivery.files)
        held.record(connection, f"landing.{entity.entity}", delivery.rows)


def _delete_landed(connection: Connection, entity: str, batch_ids: Any) -> None:
    if batch_ids:
        landing = sa.table(entity, sa.column("batch_id", sa.BigInteger()), schema="landing")
        connection.execute(sa.delete(landing).where(landing.c.batch_id.in_(list(batch_ids))))


def _fail_batch(run: Run, entity: str, batch_id: int, error: Exception) -> None:
    """Close a batch that will not land and take away what had been loaded; of foreign errors only the kind is kept."""
    message = str(error) if isinstance(error, RetentionError) else type(error).__name__
    with run.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "update ops.batch set state = 'failed', message = :message where batch_id = :batch_id and state = 'extracting'"
            ),
            {"message": message, "batch_id": batch_id},
        )
        _delete_landed(connection, entity, [batch_id])


def _result(
    spec: SourceSpec,
    entity: str,
    batch_id: int | None,
    state: str,
    rows: int,
    is_full: bool,
    files: list[str],
    notes: list[str],
) -> dict[str, Any]:
    return {
        "source": spec.source,
        "entity": entity,
        "batch_id": batch_id,
        "state": state,
        "rows": rows,
        "is_full": is_full,
        "files": files,
        "notes": notes,
    }
