"""Steps of a long piece of work, each in a transaction of its own that an overtaken attempt cannot commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import Fenced, Lease


@contextmanager
def fenced(held: Lease) -> Iterator[Connection]:
    """Open a transaction after comparing the token of the lease.

    Raises
    ------
    Fenced when a newer attempt has taken the lease; nothing was changed in this transaction.
    """
    with held.run.warehouse.begin() as connection:
        token = connection.execute(
            sa.text("select token from ops.lease where dataset = :dataset and slice_key = :slice_key for update"),
            {"dataset": held.dataset, "slice_key": held.slice_key},
        ).scalar_one()
        if token != held.token:
            raise Fenced(
                f"{held.dataset} {held.slice_key}: this attempt holds token {held.token}, a newer one holds "
                f"{token}. It changed "
                "nothing more; the newer attempt carries on."
            )
        yield connection
