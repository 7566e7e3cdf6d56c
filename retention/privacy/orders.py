"""Orders of erased people. Their lines name the order and not the customer, and may be delivered long after the erasure."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.pseudonyms import order_hash


def bury_orders(connection: Connection, pepper: bytes, orders: Iterable[tuple[str, str]]) -> None:
    """Remember orders of erased people by keyed hashes, so that lines delivered later are dropped.

    Parameters
    ----------
    connection : Connection
        An open transaction.
    pepper : bytes
        `run.secrets.pepper`.
    orders : iterable of (source, order number)
        The orders.
    """
    connection.execute(
        sa.text(
            "insert into privacy.order_tombstone (order_hash) select unnest(cast(:hashes as bigint[])) on conflict do nothing"
        ),
        {"hashes": sorted({order_hash(pepper, source, order_id) for source, order_id in orders})},
    )


def buried_orders(connection: Connection, pepper: bytes, orders: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those of the orders (source, order number) that were of people erased since.

    The hash can only be made here, where the pepper is.
    """
    hashes = {order_hash(pepper, *order): order for order in orders}
    found = connection.execute(
        sa.text("select order_hash from privacy.order_tombstone where order_hash = any(cast(:hashes as bigint[]))"),
        {"hashes": list(hashes)},
    ).scalars()
    return {hashes[known] for known in found}
