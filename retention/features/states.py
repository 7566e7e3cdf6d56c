"""One state of core for a whole build: every connection reads the same snapshot, whatever is published meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil

from sqlalchemy.engine import Connection

from retention.features.binds import key_ranges
from retention.settings import FeatureSettings
from retention.warehouse import Warehouse

_STATE = """
select
    cast(pg_current_snapshot() as text),
    pg_export_snapshot(),
    case
        when has_function_privilege('pg_catalog.pg_control_system()', 'execute')
            then (select cast(system_identifier as text) from pg_catalog.pg_control_system())
        else 'unknown'
    end
"""


@dataclass(frozen=True)
class State:
    """A state of the database that stays readable while the block of :func:`state_of_core` lasts."""

    snapshot: str
    """Which transactions it has seen (``pg_snapshot``), to compare later states with."""
    exported: str
    """Name by which other connections read the same state."""
    server: str
    """Identity of the cluster: transactions of another one are numbered differently."""


@contextmanager
def state_of_core(warehouse: Warehouse) -> Iterator[tuple[Connection, State]]:
    """Hold one state of the database, with a connection that reads it."""
    with warehouse.connect() as connection:
        connection.exec_driver_sql("set transaction isolation level repeatable read, read only")
        # It waits for the others to compute: that is no client that went away.
        connection.exec_driver_sql("set local idle_in_transaction_session_timeout = 0")
        snapshot, exported, server = connection.exec_driver_sql(_STATE).one()
        yield connection, State(snapshot, exported, server)


def customer_ranges(connection: Connection, settings: FeatureSettings) -> list[dict[str, int]]:
    """Cut all customers into ranges of keys: at least one a connection, none so large that its sorts would go to disk."""
    customers = connection.exec_driver_sql(
        "select greatest(reltuples, 0) from pg_catalog.pg_class where oid = cast('core.customer' as regclass)"
    ).scalar_one()
    rounds = ceil(customers / settings.range_customers / settings.buckets)
    return key_ranges(settings.buckets * max(1, rounds))
