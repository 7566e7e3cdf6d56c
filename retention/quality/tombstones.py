"""Rows of people who were erased: dropped before anything reads them, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.pseudonyms import source_customer_key
from retention.quality.deliveries import Delivery
from retention.warehouse import Run, load_contract

_REFERRING = ("customer_id", "referrer_customer_id", "referred_customer_id")


def drop_erased(connection: Connection, run: Run, deliveries: Sequence[Delivery]) -> dict[int, int]:
    """Delete the rows of erased people from batches in landing.

    The lines of an order that is dropped go with it: they say what the person bought.

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
            if not erased:
                continue
            if delivery.entity == "order":
                dropped.update(_drop_lines(connection, delivery, erased, deliveries))
            dropped[delivery.batch_id] += connection.execute(
                sa.text(f"delete from {delivery.table} where batch_id = :batch_id and {column} = any(:erased)"),
                {"batch_id": delivery.batch_id, "erased": erased},
            ).rowcount
    return {batch_id: rows for batch_id, rows in dropped.items() if rows}


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


def _drop_lines(connection: Connection, orders: Delivery, erased: list[str], deliveries: Sequence[Delivery]) -> dict[int, int]:
    lines = [d for d in deliveries if d.entity == "order_line" and d.order_source == orders.source]
    rows: Counter[int] = Counter()
    for delivery in lines:
        rows[delivery.batch_id] += connection.execute(
            sa.text(
                'delete from landing.order_line as line using landing."order" as dropped where line.batch_id = :lines '
                "and dropped.batch_id = :orders and dropped.customer_id = any(:erased) and line.order_id = dropped.order_id"
            ),
            {"lines": delivery.batch_id, "orders": orders.batch_id, "erased": erased},
        ).rowcount
    return rows
