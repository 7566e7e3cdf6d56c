"""Exact duplicates: rows delivered twice with the very same values, inside a batch or against what was loaded before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.quality.deliveries import Delivery
from retention.warehouse import Contract
from retention.warehouse.identifiers import literal, quote

PLACE = ("batch_id", "position", "file")
"""Columns of landing that say where a row stood, not what it says."""


@dataclass(frozen=True)
class Repeated:
    """What was found: rows dropped, and whether a key still stands more than once among the rows left."""

    rows: int
    has_versions: bool


def drop_duplicates(connection: Connection, delivery: Delivery, contract: Contract) -> Repeated:
    """Delete exact duplicates of a batch from landing; the first of each stays.

    A row that equals what was published before is a duplicate too: sources that overlap, or are read whole every day,
    deliver rows again. Where the last published state of every row is kept (``landing.kept_row``), that is what counts;
    else the rows of earlier batches do, as far as they may hold a row of the same ``updated_at``. Rows without
    ``updated_at`` are compared with the batch before only, since such a row may go back to a value that it had long ago.

    Returns
    -------
    Rows deleted, and whether keys are left that several rows of the batch share.
    """
    connection.exec_driver_sql("set local work_mem = '256MB'")
    connection.exec_driver_sql("set local jit = off")
    has_versions = _list_repeated_keys(connection, delivery, contract)
    rows = _drop(connection, delivery, _inside(delivery, contract)) if has_versions else 0
    keeps = connection.execute(
        sa.text("select exists (select 1 from landing.kept_row where source = :source and entity = :entity)"),
        {"source": delivery.source, "entity": delivery.entity},
    ).scalar_one()
    if keeps:
        return Repeated(rows + _drop(connection, delivery, _like_kept(delivery, contract)), has_versions)
    batches, latest, low, high = _comparable(connection, delivery)
    if batches:
        rows += _drop(connection, delivery, _like_loaded(delivery, contract, batches, latest, low, high))
    return Repeated(rows, has_versions)


def key_columns(contract: Contract) -> list[str]:
    """Return the columns by which the rows of an entity are told apart."""
    for check in contract.checks:
        if check.rule == "unique_version":
            return [str(column) for column in check.arguments["columns"]]
    return value_columns(contract)[:1]


def value_columns(contract: Contract) -> list[str]:
    """Return the columns of an entity's own values."""
    return [column.name for column in contract.columns if column.name not in PLACE]


def _drop(connection: Connection, delivery: Delivery, found: str) -> int:
    """Delete the rows whose places a query finds. In two steps: a query that only reads may use several processes."""
    connection.exec_driver_sql("drop table if exists pg_temp.repeated_row")
    connection.exec_driver_sql(f"create temporary table repeated_row on commit drop as {found}".replace("%", "%%"))
    return int(
        connection.execute(
            sa.text(
                f"delete from {delivery.table} as landed using pg_temp.repeated_row as repeated "
                "where landed.ctid = repeated.row_id and landed.batch_id = :batch_id"
            ),
            {"batch_id": delivery.batch_id},
        ).rowcount
    )


def _list_repeated_keys(connection: Connection, delivery: Delivery, contract: Contract) -> bool:
    """Make ``pg_temp.repeated_key``: only rows of these keys need to be compared, mostly none. Return whether there are any."""
    keys = ", ".join(map(quote, key_columns(contract)))
    connection.exec_driver_sql("drop table if exists pg_temp.repeated_key")
    connection.exec_driver_sql(
        f"create temporary table repeated_key on commit drop as select {keys} from {delivery.table} "
        f"where batch_id = {delivery.batch_id} group by {keys} having count(*) > 1"
    )
    connection.exec_driver_sql("analyze pg_temp.repeated_key")
    return bool(connection.exec_driver_sql("select exists (select 1 from pg_temp.repeated_key)").scalar_one())


def _inside(delivery: Delivery, contract: Contract) -> str:
    key, values = key_columns(contract), value_columns(contract)
    return (
        f"with ranked as (select landed.ctid as row_id, row_number() over (partition by {_list('landed', values)} "
        f"order by landed.file, landed.position) as occurrence from {delivery.table} as landed "
        f"inner join pg_temp.repeated_key as repeated on {_same('repeated', 'landed', key)} "
        f"where landed.batch_id = {delivery.batch_id}) select row_id from ranked where occurrence > 1"
    )


def _like_kept(delivery: Delivery, contract: Contract) -> str:
    place = ", ".join(map(literal, PLACE))
    return (
        f"select landed.ctid as row_id from {delivery.table} as landed inner join landing.kept_row as kept "
        f"on kept.source = {literal(delivery.source)} and kept.entity = {literal(delivery.entity)} "
        f"and kept.key = array[{_list('landed', key_columns(contract))}] where landed.batch_id = {delivery.batch_id} "
        f'and kept."row" = jsonb_strip_nulls(to_jsonb(landed) - array[{place}])'
    )


def _comparable(connection: Connection, delivery: Delivery) -> tuple[list[int], int, str | None, str | None]:
    """Return the earlier batches that may hold a row of this one, the newest batch, and the range of ``updated_at``.

    Equal rows have equal texts there, so the range of texts tells which batches need no look: after a full load of many
    years an ordinary day has none in common with it. Nothing is asked of the texts but an order, any order.
    """
    low, high, undated = connection.execute(
        sa.text(
            'select min(updated_at collate "C"), max(updated_at collate "C"), count(*) filter (where updated_at is null) '
            f"from {delivery.table} where batch_id = :batch_id"
        ),
        {"batch_id": delivery.batch_id},
    ).one()
    earlier = connection.execute(
        sa.text(
            "select batch_id, "
            'coalesce(updated_from collate "C" <= :high and updated_to collate "C" >= :low, false) as overlaps '
            "from ops.batch where source = :source and entity = :entity and state = 'published' and batch_id <> :batch_id "
            "order by batch_id desc"
        ),
        {"low": low, "high": high, "source": delivery.source, "entity": delivery.entity, "batch_id": delivery.batch_id},
    ).all()
    if not earlier:
        return [], 0, low, high
    latest = int(earlier[0].batch_id)
    chosen = {int(batch.batch_id) for batch in earlier if batch.overlaps} | ({latest} if undated else set())
    return sorted(chosen), latest, low, high


def _like_loaded(
    delivery: Delivery, contract: Contract, batches: Sequence[int], latest: int, low: str | None, high: str | None
) -> str:
    values = value_columns(contract)
    dated = (
        f'(loaded.updated_at collate "C" between {literal(low)} and {literal(high)})'
        if low is not None and high is not None
        else "false"
    )
    return (
        f"select fresh.ctid as row_id from {delivery.table} as fresh inner join {delivery.table} as loaded "
        f"on {_same('loaded', 'fresh', key_columns(contract))} "
        f"where fresh.batch_id = {delivery.batch_id} and loaded.batch_id in ({', '.join(map(str, batches))}) "
        f"and ({dated} or (loaded.updated_at is null and loaded.batch_id = {latest})) "
        f"and ({_list('loaded', values)}) is not distinct from ({_list('fresh', values)})"
    )


def _list(alias: str, columns: list[str]) -> str:
    return ", ".join(f"{alias}.{quote(column)}" for column in columns)


def _same(left: str, right: str, key: list[str]) -> str:
    """Match keys; the first part by equality, so that the join can hash (rows without it are refused as incomplete)."""
    first, *rest = key
    parts = [f"{left}.{quote(first)} = {right}.{quote(first)}"]
    parts += [f"{left}.{quote(column)} is not distinct from {right}.{quote(column)}" for column in rest]
    return " and ".join(parts)
