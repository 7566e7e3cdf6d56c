"""Comparing a slice with a full computation of the same state of core: carried forward must be what would be computed."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.features.binds import feature_binds
from retention.features.slices import require_published
from retention.features.states import State, customer_ranges, state_of_core
from retention.features.tables import FEATURE_TABLES, feature_sql
from retention.features.touched import changed_since
from retention.warehouse import RetentionError, Run, load_contract, statement
from retention.warehouse.identifiers import literal, quote

_NAMED = 5


class FeaturesDiffer(RetentionError):
    """A published slice holds other rows than a full computation gives."""

    runbook = "features-differ"


def is_due(run: Run) -> bool:
    """Return whether the slice of this date is one of those that are compared (``settings.features.compare_every_days``)."""
    every = run.settings.features.compare_every_days
    return every > 0 and run.as_of_date.toordinal() % every == 0


def compare(run: Run) -> dict[str, Any]:
    """Compute everybody's features as of ``run.as_of_date`` anew and compare them with the published slices, row by row.

    Customers whose facts have changed since the slices were built are left out: theirs may differ. Nothing is published. The
    result is kept in ``ops.feature_build``.

    Returns
    -------
    ``compared`` (rows), ``left_out`` (rows of customers changed since), or ``not_compared`` with the reason.

    Raises
    ------
    MissingSlice when the slices are not published.
    FeaturesDiffer when a row differs. The slices are not carried forward from then on: the next build computes everybody.
    """
    require_published(run.warehouse, FEATURE_TABLES, run.as_of_date)
    with state_of_core(run.warehouse) as (connection, state):
        built_from = _built_from(connection, run, state)
        if built_from is None:
            return {"not_compared": "it is not known any more which customers have changed since this slice was built"}
        changed = dict[str, list[int]]()
        for table in FEATURE_TABLES:
            since = changed_since(connection, table, built_from)
            if since is None:
                return {"not_compared": f"so much has changed since that everybody's row of {table} may differ"}
            changed[table] = since
        ranges = customer_ranges(connection, run.settings.features)
        parts = [(table, keys) for table in FEATURE_TABLES for keys in ranges]
        with ThreadPoolExecutor(max_workers=run.settings.features.buckets) as pool:
            counted = list(pool.map(partial(_compare_part, run, state.exported, changed), parts))
    compared, left_out, differing, where = 0, 0, 0, dict[str, dict[str, int]]()
    for (table, _), counts in zip(parts, counted, strict=True):
        compared += counts.pop("compared rows")
        left_out += counts.pop("left out")
        differing += counts.pop("differing customers")
        columns = where.setdefault(table, {})
        for column, customers in counts.items():
            columns[column] = columns.get(column, 0) + customers
    _store(run, differing)
    if differing:
        raise FeaturesDiffer(_sentence(run, where))
    return {"compared": compared, "left_out": left_out}


def _built_from(connection: Connection, run: Run, state: State) -> str | None:
    """Return the snapshot a slice was built from, if the log knows all changes since."""
    found = connection.execute(
        sa.text(
            "select cast(build.snapshot as text) from ops.feature_build as build where build.as_of_date = :as_of_date "
            "and build.is_base and build.server = :server and not exists (select 1 from ops.published where slice_key = "
            ":slice_key and table_name = any(:tables) and token <> build.token)"
        ),
        {
            "as_of_date": run.as_of_date,
            "server": state.server,
            "slice_key": run.as_of_date.isoformat(),
            "tables": list(FEATURE_TABLES),
        },
    ).scalar()
    return None if found is None else str(found)


def _compare_part(
    run: Run, snapshot: str, changed: Mapping[str, list[int]], part: tuple[str, dict[str, int]]
) -> dict[str, int]:
    """Count the customers of one range whose rows differ: in all, by column, and on one side only."""
    table, keys = part
    columns = [column.name for column in load_contract(table).columns if column.name != "customer_key"]
    differs = {column: f"computed.{quote(column)} is distinct from published.{quote(column)}" for column in columns}
    both = "computed.customer_key is not null and published.customer_key is not null"
    counts = {
        "compared rows": "count(*) filter (where not is_changed)",
        "left out": "count(*) filter (where is_changed)",
        "differing customers": "count(*) filter (where not is_changed and (computed.customer_key is null "
        f"or published.customer_key is null or {' or '.join(differs.values())}))",
        "only computed": "count(*) filter (where not is_changed and published.customer_key is null)",
        "only published": "count(*) filter (where not is_changed and computed.customer_key is null)",
        **{
            column: f"count(*) filter (where not is_changed and {both} and {condition})"
            for column, condition in differs.items()
        },
    }
    sql = (
        f"with computed as (\n{feature_sql(table)}\n), published as (select * from {table} where as_of_date = :as_of_date "
        "and customer_key between :first_key and :last_key) "
        f"select {', '.join(counts.values())} from computed full join published "
        "on computed.customer_key = published.customer_key cross join lateral (select exists (select 1 from "
        "unnest(cast(:changed as bigint [])) as since (key) where since.key = coalesce(computed.customer_key, "
        "published.customer_key)) as is_changed) as state"
    )
    binds = {**feature_binds(run.settings, run.as_of_date), **keys, "changed": changed[table]}
    with run.warehouse.connect() as connection:
        connection.exec_driver_sql("set transaction isolation level repeatable read, read only")
        connection.exec_driver_sql(f"set transaction snapshot {literal(snapshot)}")
        found = connection.execute(*statement(sql, binds)).one()
    return dict(zip(counts, found, strict=True))


def _store(run: Run, differing: int) -> None:
    with run.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "update ops.feature_build set compared_at = clock_timestamp(), differing_customers = :differing, "
                "is_base = is_base and :differing = 0 where as_of_date = :as_of_date"
            ),
            {"differing": differing, "as_of_date": run.as_of_date},
        )


def _sentence(run: Run, where: Mapping[str, Mapping[str, int]]) -> str:
    tables = []
    for table, columns in where.items():
        found = sorted(((n, column) for column, n in columns.items() if n), reverse=True)
        if found:
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            tables.append(f"{table} ({', '.join(f'{column}: {n:,}' for n, column in found[:_NAMED])}{more})")
    return (
        f"features {run.as_of_date}: expected the published slices to equal a full computation of the same state, found "
        f"customers whose rows differ, by column: {'; '.join(tables)}. Nothing published; the slices stay as they are and are "
        "not carried forward: build this date again."
    )
