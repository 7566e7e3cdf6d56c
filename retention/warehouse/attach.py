"""The first slice of a date: its staged table becomes the partition, instead of being copied into one.

Copying writes every row twice, and the second time into an index, within the one transaction that publishes. A date that has no
partition yet needs neither: nobody can have read it. The staged table gets its keys, statistics and visibility map where nobody
reads it; publishing then only hangs it in.

Hanging in is a change of the catalogue, which other sessions see from their next lock on and not by their snapshot. Hence two
rules. The parents are locked against readers for the moment from hanging in to the commit, so that no session can see the slice
recorded as published and plan without its partition. And a lock that is not free at once is not waited for, as those who come
later would wait behind: after a few tries the rows are copied (:class:`ParentsInUse`). A transaction that still looks at an
older state may find rows of the new date; it does not find the date in ``ops.published``, which tells readers what is there.
A date that is published again is always copied: its readers must see the old rows or the new.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import date, timedelta

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from retention.warehouse.connections import Warehouse
from retention.warehouse.contracts import Contract
from retention.warehouse.identifiers import literal, quote
from retention.warehouse.indexes import create_indexes

TRIES = 30
"""How often the locks are asked for."""
PAUSE_SECONDS = 0.1
_STATISTICS = 20
"""A fifth of the usual sample: of a hundred columns of a slice, which is read whole, the number of rows is what plans need."""


class ParentsInUse(Exception):
    """Somebody was reading one of the tables all the time, or an overtaken attempt has made an empty partition of the date."""


def partition_name(table: str, as_of_date: date) -> str:
    """Return the name of the partition that holds one date of a sliced table.

    Partitions lie in a schema of their own: tools that list what is in ``bi`` should find views there, not hundreds of dates.
    """
    return f"slices.{table.replace('.', '_')}_p{as_of_date:%Y%m%d}"


def has_partition(connection: Connection, table: str, as_of_date: date) -> bool:
    """Return whether a date of a sliced table has its partition already."""
    name = partition_name(table, as_of_date)
    return connection.execute(sa.text("select to_regclass(:name)"), {"name": name}).scalar_one() is not None


def build_key(warehouse: Warehouse, contract: Contract, staged: str) -> None:
    """Give a filled staging table the primary key of its table.

    Raises
    ------
    DatabaseFailed when rows carry a key twice.
    """
    with warehouse.begin() as connection:
        columns = ", ".join(map(quote, contract.primary_key))
        connection.exec_driver_sql(f"alter table {staged} add constraint {_key_name(staged)} primary key ({columns})")


def finish(warehouse: Warehouse, contract: Contract, staged: str, as_of_date: date) -> None:
    """Give a filled staging table with its key what else a partition of its table has: indexes, statistics, one date only.

    Raises
    ------
    DatabaseFailed when rows carry another date.
    """
    with warehouse.begin() as connection:
        for statement in create_indexes(contract, staged):
            connection.exec_driver_sql(statement)
        # Spares the check of all rows while the parents are locked.
        connection.exec_driver_sql(f"alter table {staged} add constraint one_date check (as_of_date = {_literal(as_of_date)})")
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"set default_statistics_target = {_STATISTICS}")
        try:
            connection.exec_driver_sql(f"vacuum (analyze) {staged}")
        finally:
            connection.exec_driver_sql("reset default_statistics_target")


def attach(connection: Connection, staged: Mapping[str, str], contracts: Mapping[str, Contract], as_of_date: date) -> None:
    """Hang finished staging tables in as the partitions of a date; the last thing that a publishing transaction does.

    Parameters
    ----------
    staged : mapping
        Staging table by sliced table.

    Raises
    ------
    ParentsInUse when the tables are being read, or have a partition of the date by now: the transaction has to be rolled back,
    and the rows copied.
    """
    _lock(connection, [_target(contracts[table]) for table in staged])
    # Under the lock nobody makes one any more. One that is there is empty: whoever fills it holds the token, which we do.
    if any(has_partition(connection, table, as_of_date) for table in staged):
        raise ParentsInUse
    for table, name in staged.items():
        contract, bare = contracts[table], name.partition(".")[2]
        partition = partition_name(table, as_of_date)
        schema, _, own_name = partition.partition(".")
        connection.exec_driver_sql(
            f"alter table {_target(contract)} attach partition {name} "
            f"for values from ({_literal(as_of_date)}) to ({_literal(as_of_date + timedelta(days=1))})"
        )
        connection.exec_driver_sql(f"alter table {name} set schema {schema}")
        connection.exec_driver_sql(f"alter table {schema}.{quote(bare)} rename to {quote(own_name)}")
        connection.exec_driver_sql(f"alter index {schema}.{_key_name(name)} rename to {quote(own_name + '_pkey')}")
        connection.exec_driver_sql(f"alter table {partition} drop constraint one_date")
        comment_on_partition(connection, table, as_of_date)


def comment_on_partition(connection: Connection, table: str, as_of_date: date) -> None:
    """Say of a partition what it holds."""
    text = literal(f"Slice of {table} as of {as_of_date}.")
    connection.exec_driver_sql(f"comment on table {partition_name(table, as_of_date)} is {text}")


def _lock(connection: Connection, parents: list[str]) -> None:
    wanted = ", ".join(f"only {parent}" for parent in parents)
    for _ in range(TRIES):
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(f"lock table {wanted} in access exclusive mode nowait")
        except DBAPIError as error:
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return
    raise ParentsInUse


def _target(contract: Contract) -> str:
    return f"{contract.schema}.{quote(contract.name)}"


def _key_name(staged: str) -> str:
    return quote(f"{staged.partition('.')[2]}_pkey")


def _literal(day: date) -> str:
    return literal(day.isoformat())
