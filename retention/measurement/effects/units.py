"""Who is compared with whom, kept from day to day: a measurement works out anew only those whose facts changed.

One row per customer, play and period (``campaigns.effect_unit``) holds what was known when it began and what followed; sums
over these rows by play, day, tier and group (``campaigns.effect_sum``) are all that effects of plays are computed from, and
most of what that of the programme is. Both hold as of the newest date measured. Worked out anew on the next day are those who
ordered, whose facts were changed or arrived late (``ops.touched``), who were handed out or held back, or who became one
person with somebody. Their rows are replaced, and the sums move by the difference: whole numbers, so that they are those of
a computation of everybody, to the last digit. A date before the newest one is computed for everybody, beside, and replaces
nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import Run, lease, load_contract, sql_file, statement
from retention.warehouse.lease import Lease

KEPT_DAYS = 31
"""Units are kept this much longer than effects look back, so that those of a month go together."""
TOUCHED_SHARE = 0.25
"""With more of all customers to work out than this, working out everybody is quicker."""
_UNIT, _SUM, _SCOPE_TABLE = "campaigns.effect_unit", "campaigns.effect_sum", "campaigns.effect_scope"
_QUERIES = ("campaigns/_effect_units", "campaigns/_effect_sums", "campaigns/_effect_scope")


@dataclass(frozen=True)
class Units:
    """Where the units and sums as of a run's date are."""

    unit_table: str
    sum_table: str
    kind: str
    """full or touched."""
    customers: int
    """Worked out for this run."""


@dataclass(frozen=True)
class _Build:
    """State of the tables as the last measurement left them."""

    as_of_date: date
    snapshot: str
    server: str
    recipe: str
    sync_id: int
    built_at: Any


@contextmanager
def units_as_of(run: Run) -> Iterator[Units]:
    """Bring units and sums to the run's date, and say where they are.

    Parameters
    ----------
    run : Run
        Deliveries, control groups and orders before its ``as_of_date`` count. Of an earlier date than the newest one measured,
        tables are made beside for the time of the block.
    """
    with lease(run, _UNIT) as held:
        staged = {
            table: f"staging.{table.replace('.', '__')}__{held.token}" for table in (_UNIT, _SUM, "campaigns.effect_scope")
        }
        try:
            before = _last_build(run)
            is_past = before is not None and run.as_of_date < before.as_of_date
            state = _state(run)
            reason = "the date is before the newest one measured" if is_past else _doubt(run, before, state)
            scope = staged[_SCOPE_TABLE]
            customers = _make_scope(run, scope, before if reason is None else None)
            if customers is None:  # too many have changed
                reason = "a large part of the customers have changed"
                customers = _make_scope(run, scope, None)
            kind = "touched" if reason is None else "full"
            _fill_units(run, staged[_UNIT], scope, staged[_SUM] if kind == "full" else None)
            if is_past:
                yield Units(staged[_UNIT], staged[_SUM], kind, customers or 0)
                return
            carried = f"carried on from {before.as_of_date}" if before is not None else ""
            build = {
                "as_of_date": run.as_of_date, "kind": kind, "reason": reason or carried, "customers": customers,
                "recipe": _recipe(run), **state,
            }  # fmt: skip
            _publish(run, held, staged, build)
        finally:
            with run.warehouse.begin() as connection:
                for name in staged.values():
                    connection.exec_driver_sql(f"drop table if exists {name}")
    yield Units(_UNIT, _SUM, kind, customers or 0)


def unit_binds(run: Run) -> dict[str, Any]:
    """Return the binds of the queries over units."""
    days = run.settings.measurement.effect_history_days
    first = run.as_of_date - timedelta(days=max(days, 366) + KEPT_DAYS)
    return run.binds(
        business_timezone=run.settings.company.business_timezone,
        outcome_days=run.settings.measurement.outcome_days,
        horizon=first.replace(day=1),
    )


def _last_build(run: Run) -> _Build | None:
    with run.warehouse.connect() as connection:
        row = connection.exec_driver_sql(
            "select as_of_date, cast(snapshot as text), server, recipe, sync_id, built_at from ops.effect_build"
        ).one_or_none()
    return None if row is None else _Build(*row)


def _state(run: Run) -> dict[str, Any]:
    """Return the state from which this run works: what is committed after it is found by the next run."""
    with run.warehouse.connect() as connection:
        row = connection.exec_driver_sql(
            "select cast(pg_current_snapshot() as text) as snapshot, "
            "case when has_function_privilege('pg_catalog.pg_control_system()', 'execute') "
            "then (select cast(system_identifier as text) from pg_catalog.pg_control_system()) else 'unknown' end as server, "
            "coalesce((select max(sync_id) from campaigns.push_receipt), 0) as sync_id"
        ).one()
    return dict(row._mapping)


def _doubt(run: Run, before: _Build | None, state: dict[str, Any]) -> str | None:
    """Return why everybody has to be worked out; None where the last measurement can be carried on from."""
    if before is None:
        return "nothing has been measured before"
    if before.server != state["server"]:
        return "the last measurement was made on another server"
    if before.recipe != _recipe(run):
        return "queries, settings or the year of the universal group have changed"
    with run.warehouse.connect() as connection:
        is_known, is_later = connection.execute(
            sa.text(
                "select coalesce((select min(pg_snapshot_xmin(snapshot)) from ops.feature_build where is_base) "
                "<= pg_snapshot_xmin(cast(:since as pg_snapshot)), true), "
                "pg_snapshot_xmax(cast(:since as pg_snapshot)) > pg_snapshot_xmax(cast(:now as pg_snapshot))"
            ),
            {"since": before.snapshot, "now": state["snapshot"]},
        ).one()
    if is_later:
        return "the last measurement was made in a later state of the database"
    return None if is_known else "changes since the last measurement are not known any more"


def _recipe(run: Run) -> str:
    """Return the digest of all that rows follow from beside the facts; with a new universal group everybody begins anew."""
    with run.warehouse.connect() as connection:
        years = connection.execute(
            sa.text(
                "select distinct period_key from campaigns.holdout where play = '*' and assigned_on < :as_of_date "
                "and assigned_on - 1 in (select business_date from campaigns.push_receipt) order by 1"
            ),
            {"as_of_date": run.as_of_date},
        ).scalars()
        found = list(years)
    binds = unit_binds(run)
    parts = [*map(sql_file, _QUERIES), binds["business_timezone"], str(binds["outcome_days"]), *found[-1:]]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _make_scope(run: Run, scope: str, before: _Build | None) -> int | None:
    """Make the table of the people to work out, with each of their customer numbers; None where that is nearly everybody.

    Parameters
    ----------
    scope : str
        Name of the table.
    before : _Build, optional
        The state to go on from; None for everybody.
    """
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql(f"drop table if exists {scope}")
        connection.exec_driver_sql(f"create unlogged table {scope} (source_customer_key bigint, customer_key bigint)")
        if before is None:
            connection.exec_driver_sql(_EVERYBODY.replace("effect.scope", scope))
        else:
            query = sql_file("campaigns/_effect_scope")
            found = f"create temporary table found on commit drop as select distinct customer_key from (\n{query}\n) as changed"
            binds = {
                **unit_binds(run), "since": before.snapshot, "built_as_of_date": before.as_of_date, "built_at": before.built_at,
                "built_as_of": run.settings.day_start(before.as_of_date), "sync_id": before.sync_id,
            }  # fmt: skip
            connection.execute(*statement(found, binds))
            is_everybody, many = connection.execute(
                sa.text(
                    "select coalesce(bool_or(customer_key is null), false), count(*) > greatest(1000, :share * "
                    "(select reltuples from pg_catalog.pg_class where oid = cast('core.customer' as regclass))) from found"
                ),
                {"share": TOUCHED_SHARE},
            ).one()
            if is_everybody or many:
                return None
            connection.exec_driver_sql(_SCOPE.replace("effect.scope", scope))
        connection.exec_driver_sql(f"analyze {scope}")
        return int(connection.exec_driver_sql(f"select count(distinct customer_key) from {scope}").scalar_one())


_EVERYBODY = """
insert into effect.scope (source_customer_key, customer_key)
select source_customer_key, customer_key from core.customer_alias
union all
select customer_key, customer_key
from (
    select customer_key from campaigns.delivery
    union
    select customer_key from campaigns.holdout
    union
    select customer_key from core.customer
) as known
where not exists (select 1 from core.customer_alias as alias where alias.source_customer_key = known.customer_key)
"""
_SCOPE = """
insert into effect.scope (source_customer_key, customer_key)
with people as (
    select found.customer_key as source_customer_key, coalesce(alias.customer_key, found.customer_key) as customer_key
    from found
    left join core.customer_alias as alias on found.customer_key = alias.source_customer_key
)
select source_customer_key, customer_key from people
union
select customer_key, customer_key from people
union
select alias.source_customer_key, alias.customer_key
from core.customer_alias as alias
where alias.customer_key in (select customer_key from people)
"""


def _fill_units(run: Run, staged: str, scope: str, sums: str | None) -> None:
    """Work out the units of the people in scope, side by side by customer bucket; where asked for, the sums of each bucket."""
    buckets = run.settings.features.buckets
    with run.warehouse.begin() as connection:
        for name, like in ((staged, _UNIT), (sums, _SUM)):
            if name is not None:
                connection.exec_driver_sql(f"drop table if exists {name}")
                connection.exec_driver_sql(f"create unlogged table {name} (like {like} including defaults)")
    columns = ", ".join(load_contract(_UNIT).column_names)
    query = re.sub(r"\beffect\.scope\b", scope, sql_file("campaigns/_effect_units"))
    insert = f"insert into {staged} ({columns}) select {columns} from (\n{query}\n) as unit"

    def fill(bucket: int) -> None:
        with run.warehouse.begin() as connection:
            connection.exec_driver_sql("set local max_parallel_workers_per_gather = 0")
            connection.exec_driver_sql("set local work_mem = '128MB'")
            connection.execute(*statement(insert, {**unit_binds(run), "bucket": bucket, "bucket_count": buckets}))
            if sums is not None:
                own = (
                    f"select 1 as sign, staged.* from {staged} as staged where mod(customer_key & 65535, {buckets}) = {bucket}"
                )
                connection.exec_driver_sql(_insert_sums(sums, own))

    with ThreadPoolExecutor(max_workers=buckets) as pool:
        list(pool.map(fill, range(buckets)))


def _sums_of(changes: str) -> str:
    return sql_file("campaigns/_effect_sums").replace("effect.changes", f"({changes})")


def _insert_sums(target: str, changes: str) -> str:
    columns = ", ".join(load_contract(_SUM).column_names)
    return f"insert into {target} as known ({columns}) select {columns} from (\n{_sums_of(changes)}\n) as summed"


def _publish(run: Run, held: Lease, staged: dict[str, str], build: dict[str, Any]) -> None:
    """Replace the units of the people in scope and move the sums by the difference, in one transaction."""
    unit, columns = staged[_UNIT], ", ".join(load_contract(_UNIT).column_names)
    scope = staged[_SCOPE_TABLE]
    horizon = {"horizon": unit_binds(run)["horizon"]}
    with held.publishing() as connection:
        if build["kind"] == "full":
            for table in (_UNIT, _SUM):
                connection.exec_driver_sql(f"delete from {table}")
        else:
            connection.exec_driver_sql(
                f"create temporary table replaced on commit drop as select unit.* from {_UNIT} as unit "
                f"where unit.customer_key in (select source_customer_key from {scope})"
            )
            connection.exec_driver_sql(f"delete from {_UNIT} where customer_key in (select source_customer_key from {scope})")
            changes = f"select 1 as sign, staged.* from {unit} as staged union all select -1 as sign, replaced.* from replaced"
        rows = connection.exec_driver_sql(
            f"insert into {_UNIT} ({columns}) select {columns} from {unit} order by customer_key"
        ).rowcount
        if build["kind"] == "full":
            _add_buckets(connection, staged[_SUM])
        else:
            _move_sums(connection, changes)
        for table in (_SUM, _UNIT):
            if build["kind"] == "full" or run.as_of_date.day == 1:  # those of a month go together
                connection.execute(sa.text(f"delete from {table} where started_on < :horizon"), horizon)
        _renew_spend(connection, run, build["kind"])
        names = ", ".join(build)
        connection.exec_driver_sql("delete from ops.effect_build")
        connection.execute(
            sa.text(
                f"insert into ops.effect_build (name, {names}) values ('effects', "
                + ", ".join("cast(:snapshot as pg_snapshot)" if name == "snapshot" else f":{name}" for name in build)
                + ")"
            ),
            build,
        )
        held.record(connection, _UNIT, int(rows))
    if build["kind"] == "full":
        with run.warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"vacuum (analyze) {_UNIT}")


def _renew_spend(connection: Connection, run: Run, kind: str) -> None:
    """Add up what promotion cost on the days that may have changed: those since the last measurement and those pushed since."""
    since = (
        "cast(:horizon as date)"
        if kind == "full"
        else "(select least(build.as_of_date, (select min(receipt.business_date) + 1 from campaigns.push_receipt as receipt "
        "where receipt.sync_id > build.sync_id)) from ops.effect_build as build)"
    )
    binds = {"horizon": unit_binds(run)["horizon"], "as_of_date": run.as_of_date}
    connection.execute(*statement(f"delete from campaigns.effect_spend where as_of_date >= {since}", binds))
    connection.execute(
        *statement(
            "insert into campaigns.effect_spend (as_of_date, play, service_tier, touches, touch_minor, spend_minor) "
            "select as_of_date, play, coalesce(service_tier, 'none'), count(*), sum(cost_minor), "
            "sum(coalesce(expected_cost_minor, cost_minor)) from campaigns.delivery "
            f"where kind = 'promotional' and as_of_date >= {since} and as_of_date < :as_of_date group by 1, 2, 3",
            binds,
        )
    )


def _add_buckets(connection: Connection, sums: str) -> None:
    """Add the sums of the buckets up."""
    contract = load_contract(_SUM)
    key = ", ".join(contract.primary_key)
    summed = [name for name in contract.column_names if name not in contract.primary_key]
    added = ", ".join(f"sum({name})" for name in summed)
    connection.exec_driver_sql(
        f"insert into {_SUM} ({key}, {', '.join(summed)}) select {key}, {added} from {sums} group by {key}"
    )


def _move_sums(connection: Connection, changes: str) -> None:
    names = [name for name in load_contract(_SUM).column_names if name not in load_contract(_SUM).primary_key]
    moved = ", ".join(f"{name} = known.{name} + excluded.{name}" for name in names)
    key = ", ".join(load_contract(_SUM).primary_key)
    connection.exec_driver_sql(f"{_insert_sums(_SUM, changes)} on conflict ({key}) do update set {moved}")
    connection.exec_driver_sql(f"delete from {_SUM} where customers = 0")
