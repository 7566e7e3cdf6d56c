"""Whose features a day changes: those whose facts changed since the slice before, and those who cross the edge of a window.

Changes are read from ``ops.touched``, which triggers fill in the transaction of each change: seen by this build and not by the
one before is exactly what is new. Rows can also speak of a time that lay ahead of the slice before (an order dated tomorrow, a
correction made at one o'clock and read at two): they are found by the latest time they speak of. What is left is the calendar:
rows that leave a window, points that expire, complaints that pass their limit. These are found on the facts themselves, by the
stretch of time that each edge moved across.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.features.binds import used_binds
from retention.features.tables import facts_of, feature_sql


@dataclass(frozen=True)
class Moving:
    """A time of a fact, and the edges (binds of the queries) that move across it from one day to the next."""

    fact: str
    column: str
    edges: tuple[str, ...]


MOVING = (
    Moving("core.order_entry", "happened_at", ("since_30d", "since_90d", "since_180d", "since_365d", "membership_year_start")),
    Moving("core.order_header", "paid_at", ("since_365d",)),
    Moving("core.complaint", "opened_at", ("since_90d", "since_180d", "since_365d", "acknowledge_hours", "first_reply_hours")),
    Moving("core.complaint", "resolved_at", ("since_365d",)),
    Moving("core.interaction", "happened_at", ("since_30d", "since_60d", "since_90d", "since_365d")),
    Moving("core.survey_answer", "happened_at", ("since_365d",)),
    Moving("core.campaign_event", "happened_at", ("since_90d",)),
    Moving("core.points_entry", "happened_at", ("since_365d",)),
    Moving("core.points_entry", "expires_at", ("as_of", "points_until")),
)
"""Order lines are not in it: their time is the payment of their order, which is in the ledger."""


@dataclass(frozen=True)
class Narrower:
    """What a feature table reads of a fact, where it is less than all of it."""

    edges: tuple[str, ...]
    """The only edges that move across its times."""
    who: str
    """Condition on whom it is read for at all."""


NARROWER = {
    # Complaints per order: of those who have complained, the orders of a year.
    ("features.customer_service", "core.order_entry"): Narrower(
        ("since_365d",), "customer_key in (select complaint.customer_key from core.complaint)"
    )
}

_LOGGED = """
select
    customer_key,
    is_everybody
from ops.touched
where
    fact = any(:facts)
    and (
        (
            changed_in >= pg_snapshot_xmin(cast(:since as pg_snapshot))
            and not pg_visible_in_snapshot(changed_in, cast(:since as pg_snapshot))
        )
        or latest_at >= :ahead_of
    )
"""


def touched_customers(
    connection: Connection, table: str, since: str, previous: Mapping[str, Any], binds: Mapping[str, Any]
) -> list[int] | None:
    """Return the customers whose row of a feature table may differ from the day before, in ascending order; None is everybody.

    Parameters
    ----------
    since : str
        Snapshot that the slice before was built from.
    previous, binds : mapping
        Binds of the queries as of the day before, and as of the day to build.
    """
    narrower = {fact: narrow for (of, fact), narrow in NARROWER.items() if of == table}
    parts = [
        _LOGGED + "".join(f"and (is_everybody or fact <> '{fact}' or {narrow.who})\n" for fact, narrow in narrower.items())
    ]
    values: dict[str, Any] = {"facts": sorted(facts_of(table)), "since": since, "ahead_of": previous["as_of"]}
    before, after = _edges(previous), _edges(binds)
    named = used_binds(feature_sql(table), binds)
    for moving in MOVING:
        if moving.fact not in facts_of(table):
            continue
        narrow = narrower.get(moving.fact)
        for edge in moving.edges if narrow is None else narrow.edges:
            if edge in named and before[edge] != after[edge]:
                values |= {f"{edge}_from": min(before[edge], after[edge]), f"{edge}_to": max(before[edge], after[edge])}
                parts.append(
                    f"select customer_key, false from {moving.fact} "
                    f"where {moving.column} >= :{edge}_from and {moving.column} < :{edge}_to"
                    + (f" and {narrow.who}" if narrow is not None else "")
                )
    return _customers(connection, " union all ".join(parts), values)


def changed_since(connection: Connection, table: str, since: str) -> list[int] | None:
    """Return the customers whose facts have changed since a snapshot, in ascending order; None is everybody."""
    return _customers(connection, _LOGGED, {"facts": sorted(facts_of(table)), "since": since, "ahead_of": None})


def _customers(connection: Connection, found: str, values: Mapping[str, Any]) -> list[int] | None:
    customers, is_everybody = connection.execute(
        sa.text(
            "select array_agg(distinct customer_key order by customer_key), bool_or(is_everybody) "
            f"from ({found}) as found (customer_key, is_everybody)"
        ),
        values,
    ).one()
    return None if is_everybody else list(customers or ())


def _edges(binds: Mapping[str, Any]) -> dict[str, datetime]:
    """Return the instants at which the meaning of a time changes, by the bind that says so."""
    edges = {name: value for name, value in binds.items() if isinstance(value, datetime)}
    for limit in ("acknowledge_hours", "first_reply_hours"):
        edges[limit] = binds["as_of"] - timedelta(hours=binds[limit])
    return edges
