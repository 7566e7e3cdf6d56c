"""Who has to be compared anew when source customers change: the blocks they enter and leave, kept in ``pii.linkage_key``.

The outcome for a pair depends on its two records, the model, and on which of their common blocks are small enough. So what
has to be judged anew is: pairs of the changed records; pairs of those who share an address with them (how many use it has
changed); and pairs of the members of a block that a change made too large, or small enough again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.identity.linking import candidate_pairs
from retention.identity.model import LinkageModel
from retention.identity.records import Keys, blocks, prepare
from retention.identity.transfer import get_frame, get_numbers, put_numbers
from retention.settings import IngestSettings
from retention.warehouse import sql_file

_ANALYZE_FROM_ROWS = 50_000
_RECORDS = {
    "source_customer_key": pa.int64(), "source": pa.string(), "customer_id": pa.string(), "source_created_at": pa.int64(),
    "name": pa.string(), "email_normalised": pa.string(), "phone_e164": pa.string(), "birth_date": pa.string(),
    "gender": pa.string(), "city": pa.string(), "region": pa.string(), "wedding_anniversary": pa.string(),
    "customer_kind": pa.string(),
}  # fmt: skip


@dataclass(frozen=True)
class Candidates:
    """What has to be judged anew.

    Attributes
    ----------
    focus
        Source customers all of whose pairs are judged anew, sorted.
    pairs
        Their candidate pairs.
    records, prepared
        The records of the focus and of everybody they are paired with; the same in comparable form.
    large
        Address blocks too large to be looked into.
    large_blocks
        How many touched blocks were too large.
    everybody
        True when nobody was known before: the focus is everybody.
    """

    focus: Keys
    pairs: pa.Table
    records: pd.DataFrame
    prepared: pd.DataFrame
    large: set[int]
    large_blocks: int
    everybody: bool


def find_candidates(
    connection: Connection, changed: Keys, model: LinkageModel, settings: IngestSettings, pepper: bytes
) -> Candidates:
    """Bring the blocks of changed source customers up to date and find whom to compare anew."""
    cursor = raw_cursor(connection)
    records = fetch_records(connection, changed)
    prepared = prepare(records, model.frequencies)
    new = blocks(prepared, model.expected_bearers(prepared), pepper)
    nobody_before = not connection.execute(sa.text("select exists (select 1 from pii.linkage_key)")).scalar_one()
    for name in ("linkage_new", "linkage_old", "linkage_touched"):
        connection.exec_driver_sql(f"drop table if exists pg_temp.{name}")
    block, key = new["block"].to_numpy(), new["source_customer_key"].to_numpy()
    if nobody_before:
        order = np.lexsort((key, block))
        put_numbers(cursor, "pii.linkage_key", ("block", "source_customer_key"), (block[order], key[order]))
        if len(new) >= _ANALYZE_FROM_ROWS:
            connection.exec_driver_sql("analyze pii.linkage_key")
        sizes = new.groupby("block")["source_customer_key"].transform("size").to_numpy()
        meeting, crowded = (
            new[sizes <= settings.linkage_block_limit],
            new.loc[sizes > settings.linkage_block_limit, "block"].unique(),
        )
        pairs = candidate_pairs(meeting, None)
        return Candidates(np.sort(changed), pairs, records, prepared, _addresses(crowded), len(crowded), True)
    _store(connection, cursor, block, key)
    connection.execute(sa.text(sql_file("core/_identity_blocks")))
    connection.exec_driver_sql("analyze pg_temp.linkage_touched")
    limit = settings.linkage_block_limit
    [others] = get_numbers(cursor, _FOCUS.format(limit=int(limit)), 1)
    focus = np.union1d(changed, others)
    meeting, crowded = _meeting(connection, cursor, focus, limit)
    pairs = candidate_pairs(meeting, focus)
    needed = np.unique(np.concatenate([focus, pairs["left"].to_numpy(), pairs["right"].to_numpy()]))
    missing = np.setdiff1d(needed, changed)
    if len(missing):
        more = fetch_records(connection, missing)
        records = pd.concat([records, more], ignore_index=True)
        prepared = pd.concat([prepared, prepare(more, model.frequencies)], ignore_index=True)
    return Candidates(focus, pairs, records, prepared, _addresses(crowded), len(crowded), False)


def fetch_records(connection: Connection, keys: Keys) -> pd.DataFrame:
    """Return what linkage reads of source customers; those erased meanwhile are missing."""
    wanted(connection, "linkage_wanted", keys)
    return get_frame(raw_cursor(connection), _FETCH, _RECORDS)


def wanted(connection: Connection, name: str, keys: Keys) -> None:
    """Make a temporary table of keys."""
    connection.exec_driver_sql(f"drop table if exists pg_temp.{name}")
    connection.exec_driver_sql(f"create temporary table {name} (source_customer_key bigint primary key) on commit drop")
    put_numbers(raw_cursor(connection), f"pg_temp.{name}", ("source_customer_key",), (np.unique(keys),))
    connection.exec_driver_sql(f"analyze pg_temp.{name}")


def raw_cursor(connection: Connection) -> psycopg.Cursor[object]:
    """Return a cursor of the transaction's own connection, for COPY."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.cursor()


def _addresses(crowded: Keys) -> set[int]:
    return {int(block) for block in crowded if block & 1}


def _store(connection: Connection, cursor: psycopg.Cursor[object], block: Keys, key: Keys) -> None:
    """Write which blocks the changed are in now; ``linkage_new`` and ``linkage_old`` stay for comparison."""
    connection.exec_driver_sql(
        "create temporary table linkage_new (block bigint, source_customer_key bigint, "
        "primary key (block, source_customer_key)) on commit drop"
    )
    put_numbers(cursor, "pg_temp.linkage_new", ("block", "source_customer_key"), (block, key))
    connection.exec_driver_sql("analyze pg_temp.linkage_new")
    connection.exec_driver_sql(
        "create temporary table linkage_old on commit drop as select stored.block, stored.source_customer_key "
        "from pii.linkage_key as stored inner join pg_temp.linkage_wanted as wanted "
        "on stored.source_customer_key = wanted.source_customer_key"
    )
    connection.exec_driver_sql("analyze pg_temp.linkage_old")
    connection.exec_driver_sql(
        "delete from pii.linkage_key as stored "
        "using (select * from pg_temp.linkage_old except select * from pg_temp.linkage_new) as gone "
        "where stored.block = gone.block and stored.source_customer_key = gone.source_customer_key"
    )
    connection.exec_driver_sql(
        "insert into pii.linkage_key (block, source_customer_key) "
        "select block, source_customer_key from pg_temp.linkage_new "
        "except select block, source_customer_key from pg_temp.linkage_old "
        "order by 1, 2"
    )


def _meeting(connection: Connection, cursor: psycopg.Cursor[object], focus: Keys, limit: int) -> tuple[pd.DataFrame, Keys]:
    """Return the members of the small blocks that the focus is in, and the blocks that are too large."""
    wanted(connection, "linkage_focus", focus)
    connection.exec_driver_sql("drop table if exists pg_temp.linkage_size")
    connection.exec_driver_sql(_SIZES)
    connection.exec_driver_sql("analyze pg_temp.linkage_size")
    block, key = get_numbers(
        cursor,
        "select stored.block, stored.source_customer_key from pii.linkage_key as stored "
        "inner join pg_temp.linkage_size as size "
        f"on stored.block = size.block where size.members between 2 and {int(limit)}",
        2,
    )
    [crowded] = get_numbers(cursor, f"select block from pg_temp.linkage_size where members > {int(limit)}", 1)
    return pd.DataFrame({"block": block, "source_customer_key": key}), crowded


_FETCH = """
select known.source_customer_key, known.source, known.customer_id,
    (extract(epoch from known.source_created_at) * 1000000)::bigint, known.name, known.email_normalised, known.phone_e164,
    known.birth_date, known.gender, known.city, known.region, known.wedding_anniversary, known.customer_kind
from pg_temp.linkage_wanted as wanted
inner join pii.source_customer as known on wanted.source_customer_key = known.source_customer_key
"""

_FOCUS = """
select distinct stored.source_customer_key
from pg_temp.linkage_touched as touched
inner join pii.linkage_key as stored on touched.block = stored.block
where (touched.block & 1 = 1 and touched.members_now <= {limit})
or ((touched.members_now <= {limit}) <> (touched.members_before <= {limit}) and touched.members_before > 0)
"""

_SIZES = """
create temporary table linkage_size on commit drop as
with mine as (
    select distinct stored.block
    from pii.linkage_key as stored
    inner join pg_temp.linkage_focus as focus on stored.source_customer_key = focus.source_customer_key
)

select stored.block, count(*) as members
from pii.linkage_key as stored
inner join mine on stored.block = mine.block
group by stored.block
"""
