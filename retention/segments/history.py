"""What is kept of segments for ever: moves, borders, the migration matrix and how steady the groups are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import Run, load_contract, partition_name, sql_file, statement

MONTH = timedelta(days=28)
"""Whole weeks, so that weekdays do not differ."""

_READ = ("segments.tier", "segments.lifecycle", "segments.value_matrix", "segments.rfm", "segments.membership")

_TIER_MOVES = """
    select tier.customer_key, tier.as_of_date, tier.previous_tier as from_tier, tier.service_tier as to_tier, tier.value_class,
        tier.rfm_class, tier.move_reason as reason, earlier.basis_value_class as from_value_class,
        earlier.basis_rfm_class as from_rfm_class, tier.tier_probability, tier.tier_tag
    from segments.tier as tier
    left join segments.tier as earlier
        on earlier.as_of_date = cast(:previous_date as date) and tier.customer_key = earlier.customer_key
    where tier.as_of_date = :as_of_date and tier.tier_since = tier.as_of_date
"""

# A stage told for a day before the first run may be told by a still earlier run later on: the earlier one owns it then.
_STAGE_MOVES = """
    with
    own as (
        select customer_key, stage_since as as_of_date, previous_stage as from_stage, lifecycle_stage as to_stage,
            as_of_date as run_as_of_date
        from segments.lifecycle as lifecycle
        where lifecycle.as_of_date = :as_of_date and (
            lifecycle.stage_since = lifecycle.as_of_date
            or not exists (
                select 1 from segments.lifecycle as earlier
                where earlier.as_of_date = cast(:previous_date as date) and earlier.customer_key = lifecycle.customer_key
            )
        )
        union all
        select customer_key, stage_from, from_stage, to_stage, as_of_date
        from segments.lifecycle_gap
        where as_of_date = :as_of_date
    )
    select distinct on (customer_key, as_of_date) customer_key, as_of_date, from_stage, to_stage, run_as_of_date
    from own
    order by customer_key, as_of_date, from_stage nulls last
"""


def keep_history(connection: Connection, run: Run, binds: Mapping[str, Any]) -> dict[str, int]:
    """Put the history of a date in the place of what it was, in the transaction that publishes the date's slices.

    Returns
    -------
    Rows by table.
    """
    as_of = run.as_of_date
    known = {**run.binds(), **binds}
    for table in _READ:
        # The slices were filled in this transaction: without statistics the planner takes them for nearly empty.
        connection.exec_driver_sql(f"analyze {partition_name(table, as_of)}")
    rows = {
        "segments.tier_move": _replace(connection, "segments.tier_move", "as_of_date = :as_of_date", _TIER_MOVES, known),
        "segments.lifecycle_move": _replace(
            connection,
            "segments.lifecycle_move",
            "run_as_of_date = :as_of_date or (as_of_date = :as_of_date and run_as_of_date > :as_of_date)",
            _STAGE_MOVES,
            known,
            "on conflict (customer_key, as_of_date) do update set run_as_of_date = excluded.run_as_of_date, "
            "from_stage = excluded.from_stage, to_stage = excluded.to_stage "
            "where lifecycle_move.run_as_of_date > excluded.run_as_of_date",
        ),
        "segments.cutoff": _replace(
            connection, "segments.cutoff", "as_of_date = :as_of_date", sql_file("segments/_cutoffs"), known
        ),
        "segments.migration": _delete(connection, "segments.migration", "as_of_date = :as_of_date", known),
        "segments.stability": _delete(connection, "segments.stability", "as_of_date = :as_of_date", known),
    }
    previous = binds["previous_date"]
    if previous is not None:
        spans = {"previous": previous, "month": _month_before(connection, as_of)}
        for span, since in spans.items():
            if since is not None:
                rows["segments.migration"] += _insert(
                    connection,
                    "segments.migration",
                    sql_file("segments/_migration"),
                    {**known, "span": span, "since_date": since},
                )
        rows["segments.stability"] += _insert(
            connection, "segments.stability", sql_file("segments/_stability"), {**known, "since_date": previous}
        )
    return rows


def _month_before(connection: Connection, as_of_date: date) -> date | None:
    found: date | None = connection.execute(
        sa.text("select max(as_of_date) from segments.tier where as_of_date <= :limit"), {"limit": as_of_date - MONTH}
    ).scalar_one()
    return found


def _replace(connection: Connection, table: str, own: str, select: str, binds: Mapping[str, Any], on_conflict: str = "") -> int:
    _delete(connection, table, own, binds)
    return _insert(connection, table, select, binds, on_conflict)


def _delete(connection: Connection, table: str, own: str, binds: Mapping[str, Any]) -> int:
    """Delete the rows of a date; 0 is returned, as the count of what is there to begin with."""
    connection.execute(*statement(f"delete from {table} where {own}", binds))
    return 0


def _insert(connection: Connection, table: str, select: str, binds: Mapping[str, Any], on_conflict: str = "") -> int:
    columns = ", ".join(load_contract(table).column_names)
    insert = f"insert into {table} ({columns}) select {columns} from ({select}) as kept {on_conflict}"
    return int(connection.execute(*statement(insert, binds)).rowcount)
