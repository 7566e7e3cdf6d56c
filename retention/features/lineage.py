"""Where slices come from: whether the slice of the day before may be carried forward, and what is written down of a build."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.features.binds import feature_binds
from retention.features.states import State
from retention.features.tables import FEATURE_TABLES, carried_sql, feature_sql
from retention.settings import Settings
from retention.warehouse import Run

_BASES_KEPT = 3
"""So many of the latest builds may be carried forward from; what the log says of changes before all of them is dropped."""


@dataclass(frozen=True)
class Origin:
    """What a slice is built from: the slice before (``based_on``, with the snapshot it was built from), or nothing."""

    reason: str
    based_on: date | None = None
    since: str | None = None


@dataclass(frozen=True)
class Build:
    """A build as it is written down."""

    origin: Origin
    state: State
    recipe: str
    computed_rows: Mapping[str, int]


def recipe(settings: Settings) -> str:
    """Return the digest of all that rows follow from beside core: queries, what is carried, and the settings they are given."""
    fixed = date(2000, 1, 1)  # of the dates only the rules by which they are made
    parts = [text for table in FEATURE_TABLES for text in (feature_sql(table), carried_sql(table))]
    binds = {name: str(value) for name, value in feature_binds(settings, fixed).items()}
    return hashlib.sha256(json.dumps([parts, binds, settings.membership.year_start]).encode()).hexdigest()


def origin(connection: Connection, run: Run, state: State) -> Origin:
    """Decide what the slices as of ``run.as_of_date`` are built from.

    They are carried forward only from the slice of the day before, if nobody replaced it or what it rests on since, if it was
    built by the same queries and settings on the same server, and if the log of changes since then is complete.
    """
    day_before = run.as_of_date - timedelta(days=1)
    found = connection.execute(
        sa.text(_BASE), {"as_of_date": day_before, "slice_key": day_before.isoformat(), "now": state.snapshot}
    ).one_or_none()
    if found is None:
        return Origin("computed in full: there is no slice of the day before")
    doubts = {
        "the slice of the day before was published by another attempt, or is stale": found.slices != len(FEATURE_TABLES),
        "queries or settings have changed since": found.recipe != recipe(run.settings),
        "the slice of the day before comes from another server": found.server != state.server or found.is_later,
        "changes since are not known any more": not found.is_base,
    }
    for doubt, holds in doubts.items():
        if holds:
            return Origin(f"computed in full: {doubt}")
    return Origin(f"carried forward from {day_before}", day_before, found.snapshot)


def record(connection: Connection, run: Run, token: int, build: Build) -> None:
    """Write down how the slices of a date came about, in the transaction that publishes them."""
    connection.execute(
        sa.text(_RECORD),
        {
            "as_of_date": run.as_of_date,
            "token": token,
            "kind": "full" if build.origin.based_on is None else "touched",
            "reason": build.origin.reason,
            "based_on": build.origin.based_on,
            "computed_rows": json.dumps(dict(build.computed_rows)),
            "snapshot": build.state.snapshot,
            "server": build.state.server,
            "recipe": build.recipe,
        },
    )


def forget_changes(run: Run) -> int:
    """Drop from the log what no build needs any more.

    Only what every slice that may be carried forward from has seen, and what spoke of no time after it.

    Returns
    -------
    Rows dropped.
    """
    with run.warehouse.begin() as connection:
        connection.execute(sa.text(_RETIRE), {"kept": _BASES_KEPT})
        oldest, seen = connection.exec_driver_sql(
            "select min(as_of_date), cast(min(pg_snapshot_xmin(snapshot)) as text) from ops.feature_build where is_base"
        ).one()
        if oldest is None:
            return 0
        return int(
            connection.execute(
                sa.text(
                    "delete from ops.touched where changed_in < cast(:seen as xid8) "
                    "and (latest_at is null or latest_at < :oldest)"
                ),
                {"seen": seen, "oldest": run.settings.day_start(oldest)},
            ).rowcount
        )


_BASE = """
select
    build.recipe,
    build.server,
    build.is_base,
    cast(build.snapshot as text) as snapshot,
    pg_snapshot_xmax(build.snapshot) > pg_snapshot_xmax(cast(:now as pg_snapshot)) as is_later,
    (
        select count(*)
        from ops.published
        where table_name like 'features.%' and slice_key = :slice_key and token = build.token and not is_stale
    ) as slices
from ops.feature_build as build
where build.as_of_date = :as_of_date
"""

_RECORD = """
insert into ops.feature_build (
    as_of_date, token, kind, reason, based_on, computed_rows, snapshot, server, recipe, is_base, built_at
)
values (
    :as_of_date, :token, :kind, :reason, :based_on, cast(:computed_rows as jsonb), cast(:snapshot as pg_snapshot), :server,
    :recipe, true, clock_timestamp()
)
on conflict (as_of_date) do update set
    token = excluded.token, kind = excluded.kind, reason = excluded.reason, based_on = excluded.based_on,
    computed_rows = excluded.computed_rows, snapshot = excluded.snapshot, server = excluded.server, recipe = excluded.recipe,
    is_base = true, built_at = excluded.built_at, compared_at = null, differing_customers = null
"""

_RETIRE = """
update ops.feature_build
set is_base = false
where is_base and as_of_date not in (select as_of_date from ops.feature_build where is_base order by built_at desc limit :kept)
"""
