"""Filling the feature tables of one as-of date: for the customers a day has touched, or for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.features.binds import feature_binds
from retention.features.lineage import Build, Origin, forget_changes, origin, recipe, record
from retention.features.past import past_until
from retention.features.states import customer_ranges, state_of_core
from retention.features.tables import FEATURE_TABLES, carried_sql, feature_sql, touched_sql
from retention.features.touched import touched_customers
from retention.quality import check_slices
from retention.warehouse import Run, StageWriter, failpoint, stage_writer


@dataclass(frozen=True)
class Part:
    """One statement of a build: some rows of one table."""

    table: str
    sql: str
    binds: Mapping[str, Any]
    is_computed: bool


def build(run: Run, *, full: bool = False) -> dict[str, int]:
    """Compute, check and publish all feature tables as of ``run.as_of_date``.

    Rows are computed for the customers whom the day has touched and carried forward for everybody else, where the slice of the
    day before allows it; otherwise all are computed, by the same queries. Both give the same rows. All of it is read from one
    state of core, on ``settings.features.buckets`` connections side by side. Safe to run again: the slices are replaced in one
    transaction, and the slices of later dates are marked as stale.

    Parameters
    ----------
    full : bool
        Compute everybody, whatever could be carried forward.

    Returns
    -------
    Rows by table.

    Raises
    ------
    CheckFailed when a check of severity ``fail`` of a contract does not hold; nothing is published then.
    """
    with stage_writer(run, "features", attaches=True) as writer:
        with state_of_core(run.warehouse) as (connection, state):
            came_from = Origin("computed in full: asked for") if full else origin(connection, run, state)
            parts = [part for table in FEATURE_TABLES for part in _parts(connection, run, table, came_from)]
            computed = _fill(writer, parts, state.exported)
        failpoint("features.filled")
        _finish(writer)
        made = Build(came_from, state, recipe(run.settings), computed)
        rows = writer.publish(also=lambda publishing: record(publishing, run, writer.lease.token, made))
    forget_changes(run)
    return rows


def _parts(connection: Connection, run: Run, table: str, came_from: Origin) -> list[Part]:
    """Cut one table into statements that run side by side."""
    binds, ranges = feature_binds(run.settings, run.as_of_date), customer_ranges(connection, run.settings.features)
    binds["past_until"] = past_until(connection, run.settings, binds)
    everybody = [Part(table, feature_sql(table), {**binds, **keys}, True) for keys in ranges]
    if came_from.based_on is None or came_from.since is None:
        return everybody
    previous = feature_binds(run.settings, run.as_of_date - timedelta(days=1))
    touched = touched_customers(connection, table, came_from.since, previous, binds)
    if touched is None or len(touched) > run.settings.features.full_from_share * _rows(connection, table, came_from.based_on):
        return everybody  # looking up so many one by one costs more than reading all in order
    carried = {**binds, "previous_date": came_from.based_on, "customers": touched}
    count = max(run.settings.features.buckets, ceil(len(touched) / run.settings.features.range_customers))
    pieces = [touched[len(touched) * i // count : len(touched) * (i + 1) // count] for i in range(count)]
    return [
        *(Part(table, touched_sql(table), {**binds, "customers": piece}, True) for piece in pieces if piece),
        *(Part(table, carried_sql(table), {**carried, **keys}, False) for keys in ranges),
    ]


def _fill(writer: StageWriter, parts: list[Part], snapshot: str) -> dict[str, int]:
    """Run the statements; return the rows computed by table (those carried forward are not counted)."""
    for table in FEATURE_TABLES:
        writer.staging(table)

    given = writer.run.settings.features

    def fill(part: Part) -> int:
        return writer.fill_select(
            part.table, part.sql, part.binds, snapshot=snapshot, work_mem_mb=given.work_mem_mb, parallel=False
        )

    with ThreadPoolExecutor(max_workers=given.buckets) as pool:
        written = list(pool.map(fill, parts))
    return {
        table: sum(rows for part, rows in zip(parts, written, strict=True) if part.table == table and part.is_computed)
        for table in FEATURE_TABLES
    }


def _finish(writer: StageWriter) -> None:
    """Check the slices and give them keys and statistics, side by side.

    After the state of core is let go: vacuum marks no row as seen by all while somebody reads an older state.
    """

    def finish(table: str) -> None:
        check_slices(writer, [table])
        writer.finish(table)

    with ThreadPoolExecutor(max_workers=writer.run.settings.features.buckets) as pool:
        list(pool.map(finish, FEATURE_TABLES))


def _rows(connection: Connection, table: str, as_of_date: date) -> int:
    return int(
        connection.execute(
            sa.text("select rows from ops.published where table_name = :table and slice_key = :slice_key"),
            {"table": table, "slice_key": as_of_date.isoformat()},
        ).scalar_one()
    )
