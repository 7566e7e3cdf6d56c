"""Judged pairs as they are stored, and everybody who hangs together through them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.identity.candidates import raw_cursor, wanted
from retention.identity.comparisons import COMPARED
from retention.identity.linking import Decision
from retention.identity.model import LinkageModel
from retention.identity.records import Keys
from retention.identity.transfer import get_frame, get_numbers, put_frame

_ANALYZE_FROM_ROWS = 10_000
_EDGES = {
    "left": pa.int64(), "right": pa.int64(), "strength": pa.int64(), "weight": pa.float64(), "rule": pa.string(),
    "state": pa.string(),
}  # fmt: skip


def store_pairs(connection: Connection, focus: Keys, judged: pd.DataFrame, model: LinkageModel, everybody: bool) -> Keys:
    """Replace the stored pairs of the focus by the judged ones.

    Returns
    -------
    Keys that had a pair with the focus so far: what they belong to may change as well.
    """
    cursor = raw_cursor(connection)
    partners = np.empty(0, dtype=np.int64)
    if not everybody:
        wanted(connection, "linkage_focus", focus)
        connection.exec_driver_sql("drop table if exists pg_temp.linkage_gone")
        connection.exec_driver_sql(
            "create temporary table linkage_gone on commit drop as select left_key, right_key from core.linkage_pair "
            "where left_key in (select source_customer_key from pg_temp.linkage_focus) union "
            "select left_key, right_key from core.linkage_pair "
            "where right_key in (select source_customer_key from pg_temp.linkage_focus)"
        )
        left, right = get_numbers(cursor, "select left_key, right_key from pg_temp.linkage_gone", 2)
        partners = np.union1d(left, right)
        connection.exec_driver_sql(
            "delete from core.linkage_pair as pair using pg_temp.linkage_gone as gone "
            "where pair.left_key = gone.left_key and pair.right_key = gone.right_key"
        )
    if len(judged):
        stored = pd.DataFrame(
            {
                "left_key": judged["left"], "right_key": judged["right"], "state": judged["state"], "rule": judged["rule"],
                "strength": judged["strength"], "match_weight": judged["weight"], "match_probability": judged["probability"],
                "threshold": model.link_probability, "model_version": model.version, "levels": levels_text(judged),
            }
        )  # fmt: skip
        put_frame(cursor, "core.linkage_pair", stored)
        if len(stored) >= _ANALYZE_FROM_ROWS:
            connection.exec_driver_sql("analyze core.linkage_pair")
    return partners


def levels_text(judged: pd.DataFrame) -> pd.Series:
    """Write the levels of comparison of each pair as ``name=6 birth=-1 …``."""
    text = pd.Series("", index=judged.index)
    for name in COMPARED:
        text = text + f" {name}=" + judged[f"gamma_{name}"].astype(int).astype(str)
    return text.str.strip()


def reach(connection: Connection, seeds: Keys) -> Keys:
    """Return everybody connected with the seeds by links or by decisions of people, however long the chain."""
    wanted(connection, "linkage_reached", seeds)
    wanted(connection, "linkage_frontier", seeds)
    while connection.exec_driver_sql(_NEXT).rowcount:
        connection.exec_driver_sql("truncate pg_temp.linkage_frontier")
        connection.exec_driver_sql("insert into pg_temp.linkage_frontier select source_customer_key from pg_temp.linkage_next")
        connection.exec_driver_sql("insert into pg_temp.linkage_reached select source_customer_key from pg_temp.linkage_next")
        connection.exec_driver_sql("drop table pg_temp.linkage_next")
        connection.exec_driver_sql("analyze pg_temp.linkage_frontier")
    connection.exec_driver_sql("drop table pg_temp.linkage_next")
    [reached] = get_numbers(raw_cursor(connection), "select source_customer_key from pg_temp.linkage_reached", 1)
    return np.sort(reached)


def links_among(connection: Connection) -> pd.DataFrame:
    """Return the stored links among ``pg_temp.linkage_reached``."""
    return get_frame(
        raw_cursor(connection),
        "select pair.left_key, pair.right_key, pair.strength, pair.match_weight, pair.rule, pair.state "
        "from core.linkage_pair as pair "
        "inner join pg_temp.linkage_reached as reached on pair.left_key = reached.source_customer_key "
        "where pair.state = 'link'",
        _EDGES,
    )


def decisions_in_force(connection: Connection) -> list[Decision]:
    """Return what people decided about pairs, later decisions instead of earlier ones."""
    rows = connection.execute(
        sa.text("select left_key, right_key, verdict from core.linkage_decision where undone_at is null order by 1, 2")
    )
    return [Decision(row.left_key, row.right_key, row.verdict) for row in rows]


_NEXT = """
create temporary table linkage_next on commit drop as
with neighbours as (
    select pair.right_key as source_customer_key
    from pg_temp.linkage_frontier as frontier
    inner join core.linkage_pair as pair on frontier.source_customer_key = pair.left_key
    where pair.state = 'link'
    union
    select pair.left_key
    from pg_temp.linkage_frontier as frontier
    inner join core.linkage_pair as pair on frontier.source_customer_key = pair.right_key
    where pair.state = 'link'
    union
    select decision.right_key
    from pg_temp.linkage_frontier as frontier
    inner join core.linkage_decision as decision on frontier.source_customer_key = decision.left_key
    where decision.undone_at is null and decision.verdict = 'same'
    union
    select decision.left_key
    from pg_temp.linkage_frontier as frontier
    inner join core.linkage_decision as decision on frontier.source_customer_key = decision.right_key
    where decision.undone_at is null and decision.verdict = 'same'
)

select neighbours.source_customer_key
from neighbours
where not exists (
    select 1 from pg_temp.linkage_reached as reached where reached.source_customer_key = neighbours.source_customer_key
)
"""
