"""Filling the slices of a plan one after the other, each from the staging tables of those before."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from retention.campaigns.compiling import Statement
from retention.warehouse import Run, sql_file
from retention.warehouse.writer import StageWriter

CUSTOMERS_PER_STATEMENT = 125_000
"""So few that the hash tables of some twenty joins need a few hundred megabytes, not some gigabytes."""


class Stages:
    """The slices of one plan while they are being filled.

    Parameters
    ----------
    run : Run
        The day.
    writer : StageWriter
        Makes the staging tables.
    binds : mapping
        What all queries are given.
    """

    def __init__(self, run: Run, writer: StageWriter, binds: Mapping[str, Any]) -> None:
        self._run, self._writer, self._binds = run, writer, binds
        self._cores = run.settings.features.buckets
        self._turns = max(1, math.ceil(count_customers(run) / (CUSTOMERS_PER_STATEMENT * self._cores)))

    def fill(self, table: str, query: Statement | None = None, snapshot: str | None = None) -> None:
        """Fill a slice by its file, or by a statement that was compiled from it.

        A query that asks for a bucket of customers runs on as many connections as there are cores, and in as many turns as keep
        the memory of each small. With an exported ``snapshot`` all of them read that state, which shows no staging table.
        """
        query = query or Statement(sql_file(table.replace(".", "/")), {})
        sql, binds = self._staged(query.sql), {**self._binds, **query.binds}
        memory = self._run.settings.features.work_mem_mb
        if ":bucket_count" in sql:
            sql = re.sub(r":bucket_count\b", "(:bucket_count * cast(:turns as integer))", sql)
            sql = re.sub(r":bucket\b", "(:bucket + :bucket_count * cast(:turn as integer))", sql)
            for turn in range(self._turns):
                turns = {"turn": turn, "turns": self._turns}
                self._writer.fill_select(table, sql, {**binds, **turns}, self._cores, snapshot, memory)
        else:
            self._writer.fill_select(table, sql, binds, snapshot=snapshot, work_mem_mb=memory)
        self.execute(f"analyze {table}")  # the planner must know the size of what was filled a moment ago

    def refill(self, table: str, rows: pa.Table) -> None:
        """Put other rows in the place of those that a slice was filled with."""
        self.execute(f"truncate {table}")
        self._writer.fill_arrow(table, rows)
        self.execute(f"analyze {table}")

    def execute(self, sql: str) -> None:
        """Execute a statement on the staging tables."""
        with self._run.warehouse.begin() as connection:
            connection.exec_driver_sql(self._staged(sql))

    def _staged(self, sql: str) -> str:
        """Return a query with the tables that are staged already in the place of the published ones."""
        for table, staging in self._writer.tables.items():
            sql = re.sub(rf"\b{re.escape(table)}\b", staging, sql)
        return sql


def count_customers(run: Run) -> int:
    """Return how many customers core knows now."""
    with run.warehouse.connect() as connection:
        return int(connection.execute(sa.text("select count(*) from core.customer where valid_to is null")).scalar_one())
