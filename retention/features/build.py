"""Filling the feature tables of one as-of date: for the customers a day has touched, or for everybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from retention.features.tables import FEATURE_TABLES, feature_sql, merged_sql, touched_sql
from retention.features.touched import touched_customers
from retention.quality import check_slices
from retention.warehouse import Run, StageWriter, failpoint, stage_writer


@dataclass(frozen=True)
class Plan:
    """How one table is filled: by statements for ranges of everybody, or for the touched, whom all others are merged with."""

    table: str
    sql: str
    parts: Sequence[Mapping[str, Any]]
    """Binds of the statements that compute."""
    carried: Mapping[str, Any] | None = None
    """Binds of the statement that carries everybody else forward; None where everybody is computed."""


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
            plans = [_plan(connection, run, table, came_from) for table in FEATURE_TABLES]
            computed = _compute(writer, plans, state.exported)
            with state_of_core(run.warehouse) as (afterwards, later):
                if origin(afterwards, run, state) == came_from or came_from.based_on is None:
                    _merge(writer, plans, later.exported)
                else:
                    came_from = Origin("computed in full: the slice of the day before was replaced meanwhile")
                    plans = [_plan(connection, run, plan.table, came_from) for plan in plans if plan.carried is not None]
                    writer.drop_beside()
                    computed = {**computed, **_compute(writer, plans, state.exported)}
        failpoint("features.filled")
        _finish(writer)
        made = Build(came_from, state, recipe(run.settings), computed)
        rows = writer.publish(also=lambda publishing: record(publishing, run, writer.lease.token, made))
    forget_changes(run)
    return rows


def _plan(connection: Connection, run: Run, table: str, came_from: Origin) -> Plan:
    """Cut the computing of one table into statements that run side by side."""
    given, binds = run.settings.features, feature_binds(run.settings, run.as_of_date)
    binds["past_until"] = past_until(connection, run.settings, binds)
    everybody = Plan(table, feature_sql(table), [{**binds, **keys} for keys in customer_ranges(connection, given)])
    if came_from.based_on is None or came_from.since is None:
        return everybody
    previous = feature_binds(run.settings, run.as_of_date - timedelta(days=1))
    touched = touched_customers(connection, table, came_from.since, previous, binds)
    if touched is None or len(touched) > given.full_from_share * _rows(connection, table, came_from.based_on):
        return everybody  # looking up so many one by one costs more than reading all in order
    count = given.buckets * ceil(len(touched) / given.range_customers / given.buckets)
    pieces = [touched[len(touched) * i // count : len(touched) * (i + 1) // count] for i in range(count)]
    parts = [{**binds, "customers": piece} for piece in pieces if piece]
    return Plan(table, touched_sql(table), parts, {**binds, "previous_date": came_from.based_on, "customers": touched})


def _compute(writer: StageWriter, plans: Iterable[Plan], snapshot: str) -> dict[str, int]:
    """Compute everybody's rows, or those of the touched beside the slice; return how many by table."""
    given = writer.run.settings.features
    for plan in plans:
        writer.staging(plan.table)
        if plan.carried is not None:
            writer.beside(plan.table)
    with ThreadPoolExecutor(max_workers=given.buckets) as pool:
        computing = {
            plan.table: [
                pool.submit(
                    writer.fill_select, plan.table, plan.sql, part, snapshot=snapshot, work_mem_mb=given.work_mem_mb,
                    parallel=False, beside=plan.carried is not None,
                )
                for part in plan.parts
            ]
            for plan in plans
        }  # fmt: skip
        return {table: sum(part.result() for part in parts) for table, parts in computing.items()}


def _merge(writer: StageWriter, plans: Iterable[Plan], snapshot: str) -> None:
    """Write the computed rows of each table with those of everybody else, one statement a table.

    In a later state than was computed from: it sees the rows computed, and the slice before as it was then.
    """

    def merge(plan: Plan) -> None:
        if plan.carried is not None:
            sql = merged_sql(plan.table, writer.beside(plan.table))
            writer.fill_select(plan.table, sql, plan.carried, snapshot=snapshot, parallel=False)

    with ThreadPoolExecutor(max_workers=writer.run.settings.features.buckets) as pool:
        list(pool.map(merge, plans))


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
