"""Rows into a landing table as fast as they come: reading, mapping and writing at the same time, in memory of a fixed size.

The rows of one batch may be written by two connections, each committing its own part: nobody reads a batch before it is closed,
and a batch that is not closed is swept away as a whole. Landing tables are logged: an unlogged one would be empty after a crash
of the server, together with the published batches that duplicates are told by.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import pyarrow as pa
import sqlalchemy as sa

from retention.sources.pipes import POLL_S, WAITING
from retention.sources.read import batch_schema
from retention.sources.spec import EntitySpec
from retention.warehouse import Warehouse, failpoint, ingest_arrow
from retention.warehouse.identifiers import quote

_WRITERS = 2
_SUMMARIZE_FROM = 5_000
"""Rows of about half a block range: fewer are found quickly without the index."""


def load(warehouse: Warehouse, entity: EntitySpec, batch_id: int, batches: Iterator[pa.RecordBatch]) -> int:
    """Load record batches into a landing table as rows of one batch.

    Columns that the description leaves out are null by themselves and are not sent.

    Parameters
    ----------
    batches : iterator
        Position, file and our columns (:func:`batch_schema`). An error of the source comes out as itself.

    Returns
    -------
    Rows loaded.
    """
    schema = batch_schema(entity.entity)
    names = [name for name in schema.names if _is_filled(entity, name)]
    schema = pa.schema([pa.field("batch_id", pa.int64()), *(schema.field(name) for name in names)])
    crew, rows = _Writers(warehouse, entity.entity, schema), 0
    try:
        for batch in batches:
            ids = pa.repeat(pa.scalar(batch_id, pa.int64()), batch.num_rows)
            crew.put(pa.RecordBatch.from_arrays([ids, *(batch.column(name) for name in names)], schema=schema))
            rows += batch.num_rows
            failpoint("extract.batch_read")
    except BaseException:
        crew.abandon()
        raise
    crew.finish()
    if rows >= _SUMMARIZE_FROM:
        _summarize(warehouse, entity.entity)
    return rows


def _summarize(warehouse: Warehouse, entity: str) -> None:
    """Tell the index by batch about the blocks just written; until then every reading of a batch reads them too."""
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "select brin_summarize_new_values(index.indexrelid) from pg_catalog.pg_index as index "
                "inner join pg_catalog.pg_class as class on index.indexrelid = class.oid "
                "inner join pg_catalog.pg_am as method on class.relam = method.oid "
                "where method.amname = 'brin' and index.indrelid = cast(:table as regclass)"
            ),
            {"table": f"landing.{quote(entity)}"},
        )


def _is_filled(entity: EntitySpec, name: str) -> bool:
    """Return whether a landing column can hold anything, going by the description."""
    if name == "file":
        return entity.path is not None
    return entity.columns is None or name in entity.columns or name in ("position", "is_simulated")


class _Abandoned(Exception):
    """Ends a writer's stream without committing it."""


class _Writers:
    """Up to two connections that write what is put; the second one begins when the first falls behind."""

    def __init__(self, warehouse: Warehouse, entity: str, schema: pa.Schema) -> None:
        self._warehouse, self._table, self._schema = warehouse, f"landing.{entity}", schema
        self._line: queue.Queue[pa.RecordBatch | None] = queue.Queue(WAITING)
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []
        self._given_up = threading.Event()

    def put(self, batch: pa.RecordBatch) -> None:
        """Hand over one record batch; waits while the writers are busy, raises what ended one of them."""
        if not self._threads or (self._line.full() and len(self._threads) < _WRITERS):
            thread = threading.Thread(target=self._write, name=f"load-{self._table}-{len(self._threads)}", daemon=True)
            thread.start()
            self._threads.append(thread)
        self._offer(batch)

    def finish(self) -> None:
        """Wait until everything is written and committed."""
        for _ in self._threads:
            self._offer(None)
        self._join()
        if self._errors:
            raise self._errors[0]

    def abandon(self) -> None:
        """Stop the writers; what a writer has not committed is gone when this returns."""
        self._given_up.set()
        self._join()

    def _offer(self, batch: pa.RecordBatch | None) -> None:
        while True:
            if self._errors:
                self.abandon()
                raise self._errors[0]
            try:
                return self._line.put(batch, timeout=POLL_S)
            except queue.Full:
                continue

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _write(self) -> None:
        try:
            ingest_arrow(self._warehouse, self._table, pa.RecordBatchReader.from_batches(self._schema, self._taken()))
        except BaseException as error:
            if not self._given_up.is_set():
                self._errors.append(error)

    def _taken(self) -> Iterator[pa.RecordBatch]:
        while not self._given_up.is_set():
            try:
                batch = self._line.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if batch is None:
                return
            yield batch
        raise _Abandoned
