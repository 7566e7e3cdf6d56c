"""Rows of one entity of one source under our names, as record batches: what extraction lands and the quick feeds read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from retention.deployment import Deployment
from retention.sources.drift import Found, checker
from retention.sources.errors import SpecError
from retention.sources.files import FileStore, SourceFile, open_files
from retention.sources.mapping import assemble, canonical_text, mapper, needed_columns
from retention.sources.pipes import ahead
from retention.sources.spec import ColumnMap, EntitySpec, SourceSpec, canonical_columns, natural_key
from retention.sources.stores import TableStore, open_store
from retention.sources.window import Bound


def source_url(spec: SourceSpec, url: str | None = None) -> str:
    """Return the address of a source: as given, or of its connection in the environment.

    Raises
    ------
    SpecError naming the variable to set.
    """
    found = url or Deployment.from_env().source_urls.get(spec.connection, "")
    if not found:
        raise SpecError(
            f"{spec.file.name}: connection {spec.connection} has no address. Set RETENTION_SOURCE_{spec.connection}_URL."
        )
    return found


def batch_schema(entity: str) -> pa.Schema:
    """Return the schema of the batches of an entity: position, file and our columns, all text but the position."""
    names = canonical_columns(entity)
    return pa.schema([("position", pa.int64()), ("file", pa.string()), *((name, pa.string()) for name in names)])


def store_batches(
    store: TableStore,
    spec: SourceSpec,
    entity: EntitySpec,
    lower: Bound | None,
    upper: datetime | None,
    found: Found,
    see: Callable[[Mapping[str, pa.Array]], None] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the rows with ``lower <= cursor < upper``; all of them where the entity is always read whole.

    Parameters
    ----------
    lower : datetime or int, optional
        Of an ``integer`` cursor a number, above which (less ``overlap_rows``) is read; a time then says nothing.
    see : callable, optional
        Is shown the columns of every batch, by the source's names.
    """
    schema, apply, position = batch_schema(entity.entity), mapper(entity, spec.timezone, found.oddities), 0
    start, end = _bounds(spec, entity, lower, upper)
    for columns, rows in ahead(store.read(entity, start, end, checker(spec, entity, found))):
        if see is not None:
            see(columns)
        ours = apply(columns, rows)
        found.observe(spec, entity, columns, ours)
        ours["position"] = pa.array(np.arange(position + 1, position + rows + 1))
        ours["file"] = pa.nulls(rows, pa.string())
        position += rows
        yield assemble(ours, schema)


def reported_deletions(
    store: TableStore, spec: SourceSpec, entity: EntitySpec, lower: datetime, upper: datetime
) -> Iterator[tuple[tuple[str | None, ...], str | None]]:
    """Yield what the source's feed of deletions reports: key as it lands, and time as canonical text."""
    key = natural_key(entity.entity)
    columns = entity.columns or {name: ColumnMap(source=name) for name in key}
    apply = mapper(replace(entity, columns={name: columns[name] for name in key}), spec.timezone)
    for delivered, rows in store.deletions(entity, lower.astimezone(spec.zone), upper.astimezone(spec.zone)):
        ours = apply(delivered, rows)
        times = canonical_text(delivered["deleted_at"], spec.timezone, "timestamptz")
        yield from zip(zip(*(ours[name].to_pylist() for name in key), strict=True), times.to_pylist(), strict=True)


def _bounds(
    spec: SourceSpec, entity: EntitySpec, lower: Bound | None, upper: datetime | None
) -> tuple[Bound | None, datetime | None]:
    """Return the bounds as the source is asked for them: with the overlap, times in its zone."""
    if entity.mode != "incremental":
        return None, None
    if entity.cursor_type == "integer":
        return (lower - entity.overlap_rows if isinstance(lower, int) else None), None
    assert not isinstance(lower, int)
    start = None if lower is None else lower.astimezone(spec.zone) - timedelta(minutes=entity.overlap_minutes)
    return start, None if upper is None else upper.astimezone(spec.zone)


def file_batches(
    store: FileStore, spec: SourceSpec, entity: EntitySpec, file: SourceFile, found: Found
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of one file."""
    schema, apply = batch_schema(entity.entity), mapper(entity, spec.timezone, found.oddities)
    needed = needed_columns(entity)
    for columns, rows, positions in store.read(file, entity, checker(spec, entity, found, file.path)):
        if entity.format == "jsonl":  # a key that no line of this block has
            columns = {**{name: pa.nulls(rows, pa.string()) for name in needed}, **columns}
        ours = apply(columns, rows)
        found.observe(spec, entity, columns, ours)
        ours["position"] = positions
        ours["file"] = pa.repeat(pa.scalar(file.path, pa.string()), rows)
        yield assemble(ours, schema)


def changes(
    spec: SourceSpec, entity: str, since: datetime | None, until: datetime, url: str | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield what an entity changed in ``since <= t < until``, for feeds that do not wait for the day to close.

    A database or an API is read by its cursor; whole where the entity is always read whole, or its cursor is a number. Files of
    the days from ``since`` to ``until`` are read whole: the reader must take a
    row it has seen before as no news. Nothing is landed, no cursor moves.

    Parameters
    ----------
    since, until : datetime
        Aware; ``since`` None reads from the beginning.
    """
    entity_spec, found = spec.entities[entity], Found()
    address = source_url(spec, url)
    if spec.kind != "files":
        if entity_spec.cursor_type == "date":  # the day that is not over holds news already
            until = until.astimezone(spec.zone) + timedelta(days=1)
        with open_store(spec, address) as store:
            yield from store_batches(store, spec, entity_spec, since, until, found)
        return
    files = open_files(spec, address)
    after = None if since is None else since.astimezone(spec.zone).date() - timedelta(days=1)
    for file in files.due(entity_spec, until.astimezone(spec.zone).date(), after):
        yield from file_batches(files, spec, entity_spec, file, found)
