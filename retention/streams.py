"""Feeds that do not wait for the day to close: consent and complaints, read every few minutes by cursors of their own.

The daily run reads the same rows again, validates them and quarantines what is wrong with them, so a stream may leave out
what it cannot read. Nothing is landed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.sources import SourceSpec, changes
from retention.warehouse import RetentionError, Run, failpoint, lease

Record = Callable[[Connection, str, Iterable[Mapping[str, Any]], str], Mapping[str, int]]
"""Takes (open transaction, source, rows under our names, source of the customer numbers); returns counts."""

OVERLAP = timedelta(hours=1)
"""A row becomes visible when its transaction commits, later than the time it carries: every reading starts this much
before the end of the one before. What was seen already is no news to the recorder."""


def read_stream(run: Run, specs: Sequence[SourceSpec], entity: str, now: datetime, record: Record) -> dict[str, int]:
    """Hand what every source has new of one entity to a recorder and move the stream's cursor with it.

    Parameters
    ----------
    run : Run
        The run; only its warehouse is used.
    specs : sequence of SourceSpec
        All sources; those without the entity are passed over.
    entity : str
        ``consent`` or ``complaint``.
    now : datetime
        Aware; rows changed before it are read.
    record : callable
        Writes the rows. Rows and cursor are committed together, per source: a crash repeats, it never skips.

    Returns
    -------
    The recorder's counts, added up over the sources.

    Raises
    ------
    SourceError when a source cannot be read. Sources read before it keep what they brought.
    """
    counts: Counter[str] = Counter()
    for spec in specs:
        if entity not in spec.entities:
            continue
        numbers = customer_source(specs, spec)
        with lease(run, f"{entity}_stream", spec.source) as held, held.publishing() as connection:
            reached = _reached(connection, spec.source, entity)
            since = None if reached is None else reached - OVERLAP
            found: Counter[str] = Counter()
            for batch in changes(spec, entity, since, now):
                found.update(record(connection, spec.source, batch.to_pylist(), numbers))
            failpoint("stream.before_cursor")
            _move(connection, spec.source, entity, now, run)
            held.counts.update(found)
        counts.update(found)
    return dict(counts)


def customer_source(specs: Sequence[SourceSpec], spec: SourceSpec) -> str:
    """Return the source whose customer numbers a source uses: its own, or of the only source that has customers.

    Raises
    ------
    RetentionError when several others have customers: a decision must not be bound to somebody else's number.
    """
    owners = sorted(other.source for other in specs if "customer" in other.entities)
    if spec.source in owners or not owners:
        return spec.source
    if len(owners) > 1:
        raise RetentionError(
            f"{spec.source}: it names customers but describes none, and {', '.join(owners)} all do: whose numbers it uses "
            "cannot be told. Nothing was read.",
            runbook="whose-numbers",
        )
    return owners[0]


def _reached(connection: Connection, source: str, entity: str) -> datetime | None:
    found = connection.execute(
        sa.text("select cursor_value from ops.source_cursor where source = :source and entity = :entity for update"),
        {"source": source, "entity": f"{entity}@stream"},
    ).scalar()
    return None if found is None else datetime.fromisoformat(found)


def _move(connection: Connection, source: str, entity: str, now: datetime, run: Run) -> None:
    # Never back: of two readings at once the later one stands.
    connection.execute(
        sa.text(
            "insert into ops.source_cursor as reached (source, entity, cursor_value, business_date) "
            "values (:source, :entity, :value, :business_date) on conflict (source, entity) do update set "
            "cursor_value = excluded.cursor_value, business_date = excluded.business_date, updated_at = clock_timestamp() "
            "where cast(reached.cursor_value as timestamptz) < cast(excluded.cursor_value as timestamptz)"
        ),
        {"source": source, "entity": f"{entity}@stream", "value": now.isoformat(), "business_date": run.business_date},
    )
