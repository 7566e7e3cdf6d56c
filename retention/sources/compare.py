"""What a delivery does not say by itself: which rows a snapshot lacks, which it brings unchanged, which were deleted.

A deletion is landed as the row's last published state with ``deleted_at``, an ordinary row of the batch: it is validated,
may be refused, and reaches core like any other. All statements run on a batch in state ``extracting``, which nobody reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.sources.errors import SnapshotShrank
from retention.sources.kept import instant, key_of, row_of
from retention.sources.spec import canonical_columns
from retention.warehouse import Run
from retention.warehouse.identifiers import quote

_FEW = 10
"""So many rows may always vanish: of a small table a tenth is soon deleted."""


@dataclass(frozen=True)
class Compared:
    """What a comparison made of a batch."""

    deleted: int = 0
    """Rows landed beside those delivered, because the source has deleted them."""
    unchanged: int = 0
    """Rows taken out of landing again, because they are what core holds: duplicates."""
    unknown: int = 0
    """Deletions of rows that were never published."""
    unread: int = 0
    """Rows of a snapshot without a key, because they could not be read: whose they are nobody knows, so nobody was deleted."""


@dataclass(frozen=True)
class _Batch:
    """The batch being compared, and how its statements name things."""

    source: str
    entity: str
    batch_id: int
    rows: int
    day_end: datetime

    @property
    def table(self) -> str:
        return f"landing.{quote(self.entity)}"

    @property
    def binds(self) -> dict[str, Any]:
        return {
            "source": self.source, "entity": self.entity, "batch_id": self.batch_id, "rows": self.rows,
            "day_end": self.day_end,
        }  # fmt: skip


def compare_snapshot(run: Run, source: str, entity: str, batch_id: int, rows: int) -> Compared:
    """Compare a landed snapshot with the last published state of the entity.

    Rows missing from it land as deleted, unless there are rows that could not be read: one of those may be the one that is
    missing, and the next readable snapshot will tell. A row that is what was published leaves landing and counts as a
    duplicate. A row that is another, or is there again, is later than what was published even where its own ``updated_at``
    does not say so (restored from a backup, or the source keeps no such time): it is then given the end of the business day.

    Parameters
    ----------
    rows : int
        Rows read, all landed.

    Raises
    ------
    SnapshotShrank when more is missing than a source deletes in a day; nothing was changed.
    """
    batch = _Batch(source, entity, batch_id, rows, _last_instant(run))
    with run.warehouse.begin() as connection:
        _compare_by_hashing(connection)
        kept = _rows_kept(connection, batch)
        if not kept:
            return Compared()
        connection.exec_driver_sql(f"analyze {batch.table}")  # the planner knows nothing of rows loaded a moment ago
        unread = _rows_without_key(connection, batch)
        missing = _count_missing(connection, batch) if unread else _land_missing(connection, batch)
        _stop_when_shrunk(run, batch, missing, kept, f"{rows:,} rows read")
        unchanged = connection.execute(sa.text(_take_out_unchanged(batch)), batch.binds).rowcount
        connection.execute(sa.text(_make_later(batch)), batch.binds)
    return Compared(deleted=0 if unread else missing, unchanged=int(unchanged), unread=unread)


def land_deletions(
    run: Run, source: str, entity: str, batch_id: int, rows: int, deleted: Iterable[tuple[tuple[str | None, ...], str | None]]
) -> Compared:
    """Land rows that a source reports as deleted, in the state last published or delivered in this very batch.

    Parameters
    ----------
    rows : int
        Rows read, all landed.
    deleted : iterable of (key, time)
        Key in the order of the entity's key as landed; time as canonical text, the end of the business day where it is null.
        A deletion older than the row's own ``updated_at`` is none: the row was made again.

    Raises
    ------
    SnapshotShrank when the feed reports more than a source deletes in a day; nothing was changed.
    """
    batch = _Batch(source, entity, batch_id, rows, _last_instant(run))
    reported = [(list(key), time) for key, time in deleted]
    if not reported:
        return Compared()
    with run.warehouse.begin() as connection:
        _compare_by_hashing(connection)
        _list_reported(connection, batch, reported)
        known = connection.execute(sa.text(_known(batch)), batch.binds).scalar_one()
        kept = _rows_kept(connection, batch)
        landed = connection.execute(sa.text(_land_reported(batch)), batch.binds).rowcount
        _stop_when_shrunk(run, batch, landed, kept, f"{len(reported):,} deletions reported")
        distinct = connection.execute(sa.text("select count(distinct key) from pg_temp.reported")).scalar_one()
    return Compared(deleted=int(landed), unknown=int(distinct) - int(known))


def _compare_by_hashing(connection: Connection) -> None:
    """Keep the planner from looping: it takes the rows of a batch for few whenever the batch is new to its statistics."""
    connection.exec_driver_sql("set local work_mem = '256MB'")
    connection.exec_driver_sql("set local enable_nestloop = off")


def _last_instant(run: Run) -> datetime:
    """Return the end of the business day: its last instant, so that the state as of the next day knows of it."""
    return run.as_of - timedelta(microseconds=1)


def _rows_kept(connection: Connection, batch: _Batch) -> int:
    return int(
        connection.execute(
            sa.text("select count(*) from landing.kept_row where source = :source and entity = :entity and not is_gone"),
            {"source": batch.source, "entity": batch.entity},
        ).scalar_one()
    )


def _rows_without_key(connection: Connection, batch: _Batch) -> int:
    without = (
        f"select count(*) from {batch.table} as landed where landed.batch_id = :batch_id "
        f"and array_position({key_of('landed', batch.entity)}, null) is not null"
    )
    return int(connection.execute(sa.text(without), batch.binds).scalar_one())


def _missing(batch: _Batch) -> str:
    return (
        "select kept.row, kept.changed_at, cast(:day_end as timestamptz) as deleted_at, kept.key "
        "from landing.kept_row as kept where kept.source = :source and kept.entity = :entity and not kept.is_gone "
        f"and not exists (select 1 from {batch.table} as landed where landed.batch_id = :batch_id "
        f"and {key_of('landed', batch.entity)} = kept.key)"
    )


def _count_missing(connection: Connection, batch: _Batch) -> int:
    return int(connection.execute(sa.text(f"select count(*) from ({_missing(batch)}) as gone"), batch.binds).scalar_one())


def _land_missing(connection: Connection, batch: _Batch) -> int:
    return int(connection.execute(sa.text(_land_gone(batch, _missing(batch))), batch.binds).rowcount)


def _stop_when_shrunk(run: Run, batch: _Batch, deleted: int, kept: int, seen: str) -> None:
    share = run.settings.ingest.deletion_stop_share
    if deleted <= max(_FEW, int(kept * share)):
        return
    raise SnapshotShrank(
        f"{batch.source} {batch.entity} {run.business_date}: {deleted:,} of the {kept:,} rows published would be deleted "
        f"({seen}; allowed {max(_FEW, int(kept * share)):,}, deletion_stop_share {share:g}). Nothing landed; what was "
        "published stays. See whether the source delivered everything; if so many were really deleted, raise "
        "deletion_stop_share for this day."
    )


def _take_out_unchanged(batch: _Batch) -> str:
    """Delete the rows that are as published, but for an ``updated_at`` that is missing or not later."""
    return (
        f"delete from {batch.table} as landed using landing.kept_row as kept where landed.batch_id = :batch_id "
        "and kept.source = :source and kept.entity = :entity and not kept.is_gone "
        f"and kept.key = {key_of('landed', batch.entity)} "
        f"and {row_of('landed')} - 'updated_at' = kept.row - 'updated_at' "
        f"and (nullif(btrim(landed.updated_at), '') is null or {instant('landed.updated_at')} <= kept.changed_at)"
    )


def _make_later(batch: _Batch) -> str:
    return (
        f"update {batch.table} as landed set updated_at = {_text_of(_after_kept('cast(:day_end as timestamptz)'))} "
        "from landing.kept_row as kept where landed.batch_id = :batch_id "
        f"and kept.source = :source and kept.entity = :entity and kept.key = {key_of('landed', batch.entity)} "
        f"and (nullif(btrim(landed.updated_at), '') is null or {instant('landed.updated_at')} <= kept.changed_at)"
    )


def _land_gone(batch: _Batch, gone: str) -> str:
    """Land rows from their kept form with the time of their deletion, after the rows that were read.

    Parameters
    ----------
    gone : str
        Query that gives ``row``, ``changed_at``, ``deleted_at`` and ``key``.
    """
    names = canonical_columns(batch.entity)
    own = {"deleted_at": _text_of("kept.deleted_at"), "updated_at": _text_of(_after_kept("kept.deleted_at"))}
    values = ", ".join(own.get(name, f"state.{quote(name)}") for name in names)
    return (
        f"insert into {batch.table} (batch_id, position, file, {', '.join(map(quote, names))}) "
        f"select :batch_id, :rows + row_number() over (order by kept.key), null, {values} from ({gone}) as kept "
        f"cross join lateral jsonb_populate_record(cast(null as {batch.table}), kept.row) as state"
    )


def _list_reported(connection: Connection, batch: _Batch, reported: list[tuple[list[str | None], str | None]]) -> None:
    """Make ``pg_temp.reported``: each deletion with its key and time."""
    connection.exec_driver_sql("drop table if exists pg_temp.reported")
    connection.exec_driver_sql("create temporary table reported (key text[], deleted_at timestamptz) on commit drop")
    cursor = connection.connection.cursor()
    try:
        with cursor.copy("copy pg_temp.reported (key, deleted_at) from stdin") as copy:
            for key, time in reported:
                copy.write_row((key, time or batch.day_end.isoformat()))
    finally:
        cursor.close()
    connection.exec_driver_sql("analyze pg_temp.reported")


def _states(batch: _Batch) -> str:
    """Return the query for the rows a deletion may be meant for: delivered in this batch, else as published."""
    return (
        f"select distinct on (key) * from (select {key_of('landed', batch.entity)} as key, {row_of('landed')} as row, "
        f"coalesce({instant('landed.updated_at')}, cast(:day_end as timestamptz)) as changed_at, false as is_gone, 0 as rank "
        f"from {batch.table} as landed where landed.batch_id = :batch_id and landed.position <= :rows "
        "union all select key, row, changed_at, is_gone, 1 from landing.kept_row "
        "where source = :source and entity = :entity) as either order by key, rank, changed_at desc"
    )


def _known(batch: _Batch) -> str:
    return (
        f"select count(distinct reported.key) from pg_temp.reported as reported inner join ({_states(batch)}) as state "
        "on reported.key = state.key"
    )


def _land_reported(batch: _Batch) -> str:
    gone = (
        "select state.row, state.changed_at, max(reported.deleted_at) as deleted_at, state.key "
        f"from pg_temp.reported as reported inner join ({_states(batch)}) as state on reported.key = state.key "
        "where not state.is_gone and (reported.deleted_at >= state.changed_at or not state.row ? 'updated_at') "
        "group by state.row, state.changed_at, state.key"
    )
    return _land_gone(batch, gone)


def _after_kept(moment: str) -> str:
    """Return the SQL expression for a time that core takes for later than the state published."""
    return f"greatest({moment}, kept.changed_at + interval '1 microsecond')"


def _text_of(moment: str) -> str:
    """Return the SQL expression for a time as canonical text."""
    return f"to_char({moment} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24\\:MI\\:SS.US') || '+00\\:00'"  # \: is no bind
