"""Rows of people who were erased: dropped before anything reads them, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.orders import buried_orders, bury_orders
from retention.privacy.pseudonyms import source_customer_key
from retention.quality.deliveries import Delivery
from retention.warehouse import Run, load_contract

_REFERRING = ("customer_id", "referrer_customer_id", "referred_customer_id")


def drop_erased(connection: Connection, run: Run, deliveries: Sequence[Delivery]) -> dict[int, int]:
    """Delete the rows of erased people from batches in landing.

    The lines of their orders go with them, whenever they are delivered: they say what the person bought.

    Parameters
    ----------
    connection : Connection
        An open transaction.
    run : Run
        Gives the pepper.
    deliveries : sequence of Delivery
        Batches in the order in which entities refer to each other: orders before their lines.

    Returns
    -------
    Rows deleted by batch; batches without any are left out.
    """
    dropped: Counter[int] = Counter()
    if not connection.execute(sa.text("select exists (select 1 from privacy.tombstone)")).scalar_one():
        return {}
    for delivery in deliveries:
        columns = load_contract(f"landing.{delivery.entity}").column_names
        for column in _REFERRING:
            if column not in columns or delivery.customer_source is None:
                continue
            erased = _erased_ids(connection, run, delivery, column)
            if erased and delivery.entity == "order":
                _bury(connection, run, delivery, erased)
            dropped[delivery.batch_id] += _delete(connection, delivery, column, erased)
        if delivery.entity == "order_line" and delivery.order_source is not None:
            dropped[delivery.batch_id] += _delete(connection, delivery, "order_id", _buried_ids(connection, run, delivery))
    return {batch_id: rows for batch_id, rows in dropped.items() if rows}


def _delete(connection: Connection, delivery: Delivery, column: str, values: list[str]) -> int:
    if not values:
        return 0
    return connection.execute(
        sa.text(f"delete from {delivery.table} where batch_id = :batch_id and {column} = any(:values)"),
        {"batch_id": delivery.batch_id, "values": values},
    ).rowcount


def _erased_ids(connection: Connection, run: Run, delivery: Delivery, column: str) -> list[str]:
    """Return the customer numbers of the batch that belong to erased people.

    The keyed hash can only be made here, where the pepper is, and only for numbers that are not known: an erased person is
    not among the known ones.
    """
    source = delivery.customer_source or delivery.source
    unknown = connection.execute(
        sa.text(
            f"select distinct landed.{column} from {delivery.table} as landed where landed.batch_id = :batch_id "
            f"and landed.{column} is not null and not exists (select 1 from pii.source_customer as known "
            f"where known.source = :source and known.customer_id = landed.{column})"
        ),
        {"batch_id": delivery.batch_id, "source": source},
    ).scalars()
    keys = {source_customer_key(run.secrets.pepper, source, customer_id): customer_id for customer_id in unknown}
    erased = connection.execute(
        sa.text("select source_customer_key from privacy.tombstone where source_customer_key = any(:keys)"),
        {"keys": list(keys)},
    ).scalars()
    return [keys[key] for key in erased]


def _bury(connection: Connection, run: Run, orders: Delivery, erased: list[str]) -> None:
    """Remember the orders of erased customers that are about to be dropped: their lines may come another day."""
    numbers = connection.execute(
        sa.text(
            'select distinct order_id from landing."order" where batch_id = :batch_id and customer_id = any(:erased) '
            "and order_id is not null"
        ),
        {"batch_id": orders.batch_id, "erased": erased},
    ).scalars()
    bury_orders(connection, run.secrets.pepper, [(orders.source, number) for number in numbers])


def _buried_ids(connection: Connection, run: Run, lines: Delivery) -> list[str]:
    """Return the order numbers of the batch that belonged to erased people; as above, only unknown ones can."""
    source = lines.order_source or lines.source
    unknown = connection.execute(
        sa.text(
            "select distinct landed.order_id from landing.order_line as landed where landed.batch_id = :batch_id "
            "and landed.order_id is not null and not exists (select 1 from core.order_header as known "
            "where known.source = :source and known.order_id = landed.order_id)"
        ),
        {"batch_id": lines.batch_id, "source": source},
    ).scalars()
    return [number for _, number in buried_orders(connection, run.secrets.pepper, [(source, number) for number in unknown])]
