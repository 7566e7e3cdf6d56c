"""Staging: who may be contacted, streamed from the warehouse into the marketing database without being held in memory."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.difference import Stage
from retention.campaigns.errors import NothingPlanned, PushBroken
from retention.campaigns.receipts import marketing_of
from retention.campaigns.refusing import asked_again
from retention.campaigns.streaming import copy_rows
from retention.warehouse import Run, load_contract, sql_file

_STAGE = "marketing.audience_stage"
_COMPARED = ("campaign_audience", "issued_send_key", "staff_task")
"""What the stage is compared with (``marketing/_difference``)."""


def read_plan(run: Run, token: int, rows: int) -> Stage:
    """Return what was planned for the day, beside the stage it was loaded into.

    Raises
    ------
    NothingPlanned when the day has no published decisions, or they looked at nobody.
    """
    with run.warehouse.connect() as connection:
        found = connection.execute(
            sa.text(
                "select play_run.play, play_run.population, play.definition -> 'guard' as guard "
                "from campaigns.play_run as play_run "
                "inner join ops.published as published on published.table_name = 'campaigns.decision' "
                "and published.slice_key = cast(play_run.as_of_date as text) "
                "left join campaigns.play as play on play_run.play = play.play and play_run.content_hash = play.content_hash "
                "where play_run.as_of_date = :as_of_date order by play_run.play"
            ),
            {"as_of_date": run.as_of_date},
        ).all()
    population = max((row.population for row in found), default=0)
    if not population:
        raise NothingPlanned(
            f"campaigns.decision {run.as_of_date}: expected the day's decisions, found none published. Nothing was pushed, "
            "nobody was removed. Plan the day first."
        )
    return Stage(
        token,
        rows,
        int(population),
        plays=tuple(row.play for row in found),
        budgets={row.play: row.guard for row in found if row.guard},
    )


def load_stage(run: Run, token: int) -> int:
    """Load who may be contacted into the stage, in a transaction of its own; return how many rows."""
    with marketing_of(run).begin() as connection:
        clear_stage(connection, token)
        rows = fill_stage(connection, run, token)
        # The stage is filled and emptied by every push: what the planner believes of it is the size of some earlier day, and in
        # a database that was restored nothing at all. It then compares a million members row by row.
        connection.exec_driver_sql(f"analyze {_STAGE} (token, campaign, customer_key, kind, send_key)")
        for table in _unknown_tables(connection):
            connection.exec_driver_sql(f"analyze {table}")
    return rows


def _unknown_tables(connection: Connection) -> list[str]:
    """Tables of the comparison that were never looked at: no dump carries what the planner knows before PostgreSQL 18."""
    return list(
        connection.execute(
            sa.text(
                "select format('%I.%I', namespace.nspname, class.relname) from pg_catalog.pg_class as class "
                "inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid "
                "where namespace.nspname = 'marketing' and class.relkind = 'r' and class.reltuples < 0 "
                "and class.relname = any(cast(:names as text[])) order by 1"
            ),
            {"names": list(_COMPARED)},
        ).scalars()
    )


def fill_stage(connection: Connection, run: Run, token: int) -> int:
    """Load who may be contacted into the stage within a transaction of the marketing database; return how many rows.

    Raises
    ------
    PushBroken when fewer rows arrived than were sent.
    """
    contract = load_contract(_STAGE)
    # Cast to what the table has: the stream is binary, and nobody converts it.
    columns = ", ".join(f"cast(staged.{column.name} as {column.type}) as {column.name}" for column in contract.columns)
    query = f"select {columns} from (\n{sql_file('campaigns/_deliverable')}\n) as staged where staged.refusal is null"
    with run.warehouse.connect() as source:
        # What the planner believes of a day that was planned a moment ago may be nothing at all; a join row by row of what it
        # takes for one row, and is a million, does not end.
        source.exec_driver_sql("set local enable_nestloop = off")
        sent, arrived = copy_rows(
            source, query, asked_again(run, token), connection, f"{_STAGE} ({', '.join(contract.column_names)})", "push.read"
        )
    if sent != arrived:
        raise PushBroken(f"{_STAGE}, token {token}: {sent:,} rows were sent, {arrived:,} arrived. Nothing was pushed.")
    return arrived


def clear_stage(connection: Connection, token: int) -> None:
    """Empty the stage of this push and of those that died before it."""
    connection.execute(sa.text(f"delete from {_STAGE} where token <= :token"), {"token": token})
