"""Whether the slices that a step reads are there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import sqlalchemy as sa

from retention.warehouse import RetentionError, Warehouse


class MissingSlice(RetentionError):
    """A slice that is to be read was never published."""


def require_published(warehouse: Warehouse, tables: Iterable[str], as_of: date) -> None:
    """Stop unless every one of the tables has a published slice as of a date.

    An absent slice and one without rows look alike to a query; the ledger tells them apart.

    Raises
    ------
    MissingSlice naming the tables and the date.
    """
    wanted = set(tables)
    with warehouse.connect() as connection:
        found = connection.execute(
            sa.text("select table_name from ops.published where slice_key = :slice_key"), {"slice_key": as_of.isoformat()}
        ).scalars()
        missing = sorted(wanted - set(found))
    if missing:
        raise MissingSlice(
            f"{', '.join(missing)} {as_of}: expected a published slice, found none. Nothing was published by this step. "
            "Run the stages before it for that day first.",
            runbook="missing-slice",
        )
