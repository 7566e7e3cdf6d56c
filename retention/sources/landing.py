"""Land one delivery: from the source into ``landing.<entity>`` as one batch, whole or not at all.

A batch becomes visible when its state turns to ``landed`` in one fenced transaction; until then, and for ever after a
crash, its rows belong to a batch in state ``extracting`` that nobody reads. The cursor does not move here: it moves when the
batch is published, so a day that fails is read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa

from retention.sources.batches import cover, fail_batch, mark_landed, open_batch
from retention.sources.columns import last_published, remember
from retention.sources.compare import Compared, compare_snapshot, land_deletions
from retention.sources.drift import Found
from retention.sources.errors import EmptyDay, HeaderOnlyFile, SourceError
from retention.sources.files import FileStore, open_files
from retention.sources.loading import load
from retention.sources.manifest import FileEntry, choose_files, record_files
from retention.sources.read import file_batches, reported_deletions, source_url, store_batches
from retention.sources.spec import EntitySpec, SourceSpec
from retention.sources.stores import open_store
from retention.sources.window import Window, open_window
from retention.warehouse import RetentionError, Run, failpoint, lease
from retention.warehouse.lease import Lease

_LISTED = 20
"""So many files are named where a task reports; of more the number is told."""


@dataclass
class _Delivery:
    """What one extraction has seen so far."""

    found: Found = field(default_factory=Found)
    rows: int = 0
    """Rows read."""
    compared: Compared = field(default_factory=Compared)
    files: list[FileEntry] = field(default_factory=list)

    @property
    def read_files(self) -> list[FileEntry]:
        return [entry for entry in self.files if entry.skipped is None]

    @property
    def paths(self) -> list[str]:
        return [entry.path for entry in self.read_files]

    @property
    def extracted(self) -> int:
        """Rows landed: those read, and the deletions found beside them."""
        return self.rows + self.compared.deleted


def extract(run: Run, spec: SourceSpec, entity: str, url: str | None = None) -> dict[str, Any]:
    """Land what one entity of a source delivered for the run's business day.

    With a published cursor these are the rows changed since; the bounds are the midnights of business days, lower one
    included and upper one not, so that rows with equal times can never fall between two reads. Without one everything up to
    the end of the day is read. Of an entity of mode ``snapshot`` everything is read every day and compared with what was
    published: rows that are missing land as deleted. An unpublished batch of the same source, entity and day is superseded. A
    day that has been published is left alone.

    Parameters
    ----------
    url : str, optional
        Address of the source, in place of ``RETENTION_SOURCE_<connection>_URL``.

    Returns
    -------
    ``{"source", "entity", "batch_id", "state", "rows", "deleted", "is_full", "files", "notes"}``.

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
        window = open_window(run, spec, entity_spec)
        delivery = _Delivery()
        if window.published is not None and window.published >= run.business_date:
            held.note = f"nothing to do: published up to {window.published}"
            if entity_spec.mode == "snapshot" and cover(run, spec.source, entity_spec, window.published):
                held.note += "; what waited of this day is covered by that and was closed"
            return _result(spec, window, None, delivery, [held.note])
        batch_id = open_batch(run, spec.source, entity_spec, window)
        try:
            notes = _land(run, spec, window, address, batch_id, delivery)
            _close_batch(run, held, spec, window, batch_id, delivery)
        except Exception as error:
            with suppress(RetentionError):  # the database may be what failed; the next try sweeps up then
                fail_batch(run, entity, batch_id, error)
            raise
        return _result(spec, window, batch_id, delivery, notes)


def _land(run: Run, spec: SourceSpec, window: Window, address: str, batch_id: int, delivery: _Delivery) -> list[str]:
    """Read and load all rows of a batch, judge whether they are a delivery at all, and return what is worth noting."""
    entity, notes = window.entity, []
    delivery.found.before = last_published(run.warehouse, spec.source, entity.entity)
    if spec.kind == "files":
        notes = _land_files(run, spec, entity, address, batch_id, delivery)
    else:
        notes = _land_store(run, spec, window, address, batch_id, delivery)
    failpoint("extract.rows_loaded")
    _judge(spec, entity, run.business_date, window.is_first, delivery)
    notes += delivery.found.conclude(spec, entity)
    if entity.mode == "snapshot" and (spec.kind != "files" or delivery.read_files):
        delivery.compared = compare_snapshot(run, spec.source, entity.entity, batch_id, delivery.rows)
        failpoint("extract.compared")
    if delivery.rows == 0:
        notes.append("no rows on this day, which its description allows")
    if delivery.compared.deleted:
        notes.append(f"{delivery.compared.deleted:,} rows deleted at the source")
    if delivery.compared.unread:
        notes.append(f"{delivery.compared.unread:,} rows could not be read, so none that is missing counts as deleted")
    if delivery.compared.unknown:
        notes.append(f"{delivery.compared.unknown:,} deletions of rows that were never published, left out")
    return notes


def _land_store(run: Run, spec: SourceSpec, window: Window, address: str, batch_id: int, delivery: _Delivery) -> list[str]:
    """Read and load from a database or API; returns what the store notes of its reading, such as requests tried again."""
    entity = window.entity
    with open_store(spec, address) as store:
        batches = store_batches(store, spec, entity, window.lower, window.upper, delivery.found, window.see)
        delivery.rows = load(run.warehouse, entity, batch_id, batches)
        # Before the first publication there is nothing that could have been deleted.
        if entity.deletions is not None and window.deletions_since is not None:
            # Read after the rows: a row that is deleted between the two is then known here, and not missed.
            deleted = reported_deletions(store, spec, entity, window.deletions_since, window.day_end)
            delivery.compared = land_deletions(run, spec.source, entity.entity, batch_id, delivery.rows, deleted)
        return list(getattr(store, "notes", ()))


def _land_files(run: Run, spec: SourceSpec, entity: EntitySpec, address: str, batch_id: int, delivery: _Delivery) -> list[str]:
    files = open_files(spec, address, run.settings.ingest)
    due = files.due(entity, run.business_date)
    if entity.expect.missing_file == "stop":
        files.require_day(entity, due, run.business_date)
    delivery.files = choose_files(run, files, spec, entity, due)
    delivery.rows = load(run.warehouse, entity, batch_id, _all_files(files, spec, entity, delivery))
    skipped = [f"{entry.path} skipped: {entry.skipped}" for entry in delivery.files if entry.skipped]
    broken = [f"{entry.path} set aside: {entry.file.seen.defect}" for entry in delivery.read_files if entry.file.seen.defect]
    return [*listed(files.notes), *listed(skipped), *listed(broken)]


def _all_files(files: FileStore, spec: SourceSpec, entity: EntitySpec, delivery: _Delivery) -> Iterator[pa.RecordBatch]:
    for entry in delivery.read_files:
        for batch in file_batches(files, spec, entity, entry.file, delivery.found):
            entry.rows += batch.num_rows
            yield batch


def _judge(spec: SourceSpec, entity: EntitySpec, day: date, is_first: bool, delivery: _Delivery) -> None:
    """Stop when nothing came where something was expected; the words say which kind of nothing it was."""
    name = f"{spec.source} {entity.entity} {day}"
    expect = entity.expect
    if is_first and delivery.rows < expect.first_rows:
        kind: type[SourceError] = HeaderOnlyFile if spec.kind == "files" else EmptyDay
        raise kind(
            f"{name}: the first, full load of {entity.where} brought {delivery.rows} rows, expected at least "
            f"{expect.first_rows}. Nothing published. Check that the source is the right one and holds data."
        )
    if delivery.extracted or expect.empty_day == "ok":
        return
    if delivery.read_files:
        raise HeaderOnlyFile(
            f"{name}: {', '.join(listed(delivery.paths))} has a header and no row, expected at least one. "
            "Nothing published; the last good state stays. Ask the source, or set expect.empty_day: ok for it."
        )
    skipped = " (its files were all loaded before)" if delivery.files else ""
    raise EmptyDay(
        f"{name}: {entity.where} has no row for the day{skipped}, expected at least one. Nothing published; the last good "
        "state stays. Check that the source was written to that day, or set expect.empty_day: ok for it."
    )


def _close_batch(run: Run, held: Lease, spec: SourceSpec, window: Window, batch_id: int, delivery: _Delivery) -> None:
    """Make the batch visible, with its files and its ledger entry, in one fenced transaction."""
    entity, files = window.entity, delivery.read_files
    with held.publishing() as connection:
        mark_landed(
            connection,
            run,
            spec.source,
            entity.entity,
            batch_id,
            rows=delivery.extracted,
            duplicates=delivery.compared.unchanged,
            cursor_to=window.reached,
            files=", ".join(listed(delivery.paths)) or None,
            checksum=hashlib.sha256("".join(entry.sha256 for entry in files).encode()).hexdigest() if files else None,
        )
        record_files(connection, spec, entity, run.business_date, batch_id, delivery.files)
        columns = delivery.found.columns(entity)
        remember(connection, spec.source, entity.entity, batch_id, run.business_date, columns)
        held.record(connection, f"landing.{entity.entity}", delivery.extracted)


def listed(texts: Sequence[str]) -> list[str]:
    """Return the first texts and how many more there are: a drop folder brings thousands of files in a day.

    Every one of them stands in ``ops.file_manifest``.
    """
    more = len(texts) - _LISTED
    return [*texts] if more <= 0 else [*texts[:_LISTED], f"… and {more:,} more"]


def _result(spec: SourceSpec, window: Window, batch_id: int | None, delivery: _Delivery, notes: list[str]) -> dict[str, Any]:
    return {
        "source": spec.source,
        "entity": window.entity.entity,
        "batch_id": batch_id,
        "state": "published" if batch_id is None else "landed",
        "rows": delivery.extracted,
        "deleted": delivery.compared.deleted,
        "is_full": batch_id is not None and window.is_full,
        "files": listed(delivery.paths),
        "notes": notes,
    }
