"""Writing slices: build into staging named by the token, check there, publish all tables of a stage in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from threading import Lock
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse.attach import (
    ParentsInUse,
    attach,
    build_key,
    comment_on_partition,
    finish,
    has_partition,
    partition_name,
)
from retention.warehouse.connections import Warehouse, ingest_arrow, statement
from retention.warehouse.contracts import Contract, load_contract
from retention.warehouse.errors import ContractError, DatabaseFailed
from retention.warehouse.failpoints import failpoint
from retention.warehouse.identifiers import literal, quote
from retention.warehouse.lease import Lease, lease
from retention.warehouse.run import Run


class StageWriter:
    """The slices of one stage and date while they are being built. Made by :func:`stage_writer`."""

    def __init__(self, run: Run, held: Lease, attaches: bool = False) -> None:
        self.run = run
        self.lease = held
        self.tables: dict[str, str] = {}
        self._beside: dict[str, str] = {}
        self._written: dict[str, int] = {}
        self._counting = Lock()
        self._attaches = attaches
        self._to_attach: set[str] = set()
        self._keyed: set[str] = set()
        self._totals: dict[str, tuple[int, int | None, int]] = {}
        self._finished: dict[str, tuple[int, int | None]] = {}

    def staging(self, table: str) -> str:
        """Return the name of the staging table of a slice, making it when it does not exist yet."""
        if table not in self.tables:
            contract = load_contract(table)
            if contract.kind != "slice":
                raise ContractError(f"{table}: only a slice can be staged, the contract says {contract.kind}.")
            name = f"staging.{contract.schema}__{contract.name}__{self.run.as_of_date:%Y%m%d}__{self.lease.token}"
            with self.run.warehouse.begin() as connection:
                connection.exec_driver_sql(f"drop table if exists {name}")
                kind = "unlogged table"  # empty after a crash: safe, as no other attempt ever reads a staging of this token
                if self._attaches and not has_partition(connection, table, self.run.as_of_date):
                    kind = "table"  # it becomes the partition
                    self._to_attach.add(table)
                parent = f"{contract.schema}.{quote(contract.name)}"
                connection.exec_driver_sql(f"create {kind} {name} (like {parent} including defaults including constraints)")
            self.tables[table] = name
        return self.tables[table]

    def beside(self, table: str) -> str:
        """Return the name of a second staging table of a slice, making it when it does not exist yet.

        For rows that were computed, and are merged into the slice with others that need neither computing nor checking again.
        """
        if table not in self._beside:
            contract = load_contract(table)
            name = f"staging.{contract.schema}__{contract.name}__beside__{self.run.as_of_date:%Y%m%d}__{self.lease.token}"
            with self.run.warehouse.begin() as connection:
                connection.exec_driver_sql(f"drop table if exists {name}")
                parent = f"{contract.schema}.{quote(contract.name)}"
                connection.exec_driver_sql(f"create unlogged table {name} (like {parent} including constraints)")
            self._beside[table] = name
        return self._beside[table]

    def drop_beside(self) -> None:
        """Drop the second staging tables: the slices are filled by other statements after all."""
        with self.run.warehouse.begin() as connection:
            for name in self._beside.values():
                connection.exec_driver_sql(f"drop table if exists {name}")
        self._beside.clear()

    def fill_select(
        self,
        table: str,
        sql: str,
        params: Mapping[str, Any] | None = None,
        buckets: int = 1,
        snapshot: str | None = None,
        work_mem_mb: int | None = None,
        parallel: bool = True,
        beside: bool = False,
    ) -> int:
        """Fill a slice by a SELECT whose columns carry the names of the contract's.

        With ``buckets`` above 1 the statement runs once per customer bucket (binds ``bucket`` and ``bucket_count``), side by
        side on connections of their own. With an exported ``snapshot`` every one of them reads that state of the database,
        whatever is committed meanwhile. ``work_mem_mb`` is what a sort or hash may take before it goes to disk; without
        ``parallel`` PostgreSQL adds no workers of its own to statements that already run side by side. Rows that a later
        statement merges into the slice go :meth:`beside` it.

        Returns
        -------
        Rows written.
        """
        target, columns = self.beside(table) if beside else self.staging(table), self._columns(load_contract(table))
        self._totals.pop(table, None)
        insert = f"insert into {target} ({columns}) select {columns} from (\n{sql}\n) as slice"
        binds = {**self.run.binds(), **(params or {})}

        def fill(bucket: int) -> int:
            with self.run.warehouse.begin() as connection:
                if snapshot is not None:
                    connection.exec_driver_sql("set transaction isolation level repeatable read")
                    connection.exec_driver_sql(f"set transaction snapshot {literal(snapshot)}")
                if work_mem_mb is not None:
                    connection.exec_driver_sql(f"set local work_mem = '{work_mem_mb}MB'")
                if not parallel:
                    connection.exec_driver_sql("set local max_parallel_workers_per_gather = 0")
                buckets_of = {"bucket": bucket, "bucket_count": buckets}
                written = int(connection.execute(*statement(insert, {**binds, **buckets_of})).rowcount)
            if not beside:
                with self._counting:
                    self._written[table] = self._written.get(table, 0) + written
            return written

        failpoint("writer.before_fill")
        with ThreadPoolExecutor(max_workers=buckets) as pool:
            rows = sum(pool.map(fill, range(buckets)))
        failpoint("writer.filled")
        return rows

    def fill_arrow(self, table: str, data: pa.Table | pa.RecordBatchReader | pd.DataFrame) -> int:
        """Fill a slice from Arrow data or a frame whose columns carry the names of the contract's.

        Returns
        -------
        Rows written.
        """
        if isinstance(data, pd.DataFrame):
            data = pa.Table.from_pandas(data, preserve_index=False)
        self._totals.pop(table, None)
        failpoint("writer.before_fill")
        rows = ingest_arrow(self.run.warehouse, self.staging(table), data)
        failpoint("writer.filled")
        return rows

    def publish(self, also: Callable[[Connection], None] | None = None) -> dict[str, int]:
        """Replace the slices of all filled tables in one fenced transaction and record them.

        Parameters
        ----------
        also : callable, optional
            More to do in the same transaction, e.g. moves that are kept for ever.

        Returns
        -------
        Rows by table.

        Raises
        ------
        Fenced when a newer attempt took over; nothing was changed.
        """
        for table in self.tables:
            self.finish(table)
        try:
            self._publish(self._to_attach, also)
        except ParentsInUse:
            self._publish(set(), also)
        return dict(self.lease.counts)

    def finish(self, table: str) -> None:
        """Do for a filled slice all that can be done before it is published, once: checksum, keys, statistics.

        Called by :meth:`publish`; call it before to do it for several tables side by side.

        Raises
        ------
        ContractError when rows carry another ``as_of_date``; Fenced when a newer attempt took over.
        """
        if table in self._finished:
            return
        try:
            self._finished[table] = self._finish(table)
        except DatabaseFailed:
            self.lease.require_current()
            raise

    def count(self, table: str, *more: str, alias: str = "slice") -> tuple[Any, ...]:
        """Count the rows of a filled slice in one pass: all, their checksum, those of another date; and more aggregates.

        What is not filled again afterwards is not counted again by :meth:`finish`. Of a slice that computed rows were merged
        into only these are looked at (:meth:`beside`): how many rows there are in all is known from writing them, their dates
        are looked at when it is finished, and it has no checksum.
        """
        totals = (
            "count(*)",
            f"bit_xor(hash_record_extended({alias}, 0))",
            f"count(*) filter (where as_of_date <> {self._date})",
        )
        sql = f"select {', '.join((*totals, *more))} from {self._beside.get(table) or self.staging(table)} as {alias}"
        with self.run.warehouse.connect() as connection:
            found = tuple(connection.exec_driver_sql(sql.replace("%", "%%")).one())
        if table in self._beside:
            found = (self._written.get(table, 0), None, *found[2:])
        self._totals[table] = found[:3]
        return found

    def build_key(self, table: str) -> bool:
        """Give a filled slice its primary key ahead of time, where its staged table becomes the partition.

        Returns
        -------
        Whether it has its key now; where rows are copied, the key of the table itself is what they meet.

        Raises
        ------
        DatabaseFailed when rows carry a key twice.
        """
        if table in self._to_attach and table not in self._keyed:
            build_key(self.run.warehouse, load_contract(table), self.tables[table])
            self._keyed.add(table)
        return table in self._keyed

    @property
    def _date(self) -> str:
        return f"date {literal(self.run.as_of_date.isoformat())}"

    def _finish(self, table: str) -> tuple[int, int | None]:
        as_of_date, staged = self.run.as_of_date, self.tables[table]
        rows, checksum, foreign = self._totals.get(table) or self.count(table)[:3]
        if foreign:
            raise ContractError(f"{table} {as_of_date}: {foreign} of {rows} rows carry another as_of_date. Nothing published.")
        if table in self._to_attach:
            self.build_key(table)
            finish(self.run.warehouse, load_contract(table), staged, as_of_date)
        return rows, checksum

    def _publish(self, attached: set[str], also: Callable[[Connection], None] | None) -> None:
        """Replace the slices in one transaction: staged tables become partitions, or their rows are copied."""
        as_of_date = self.run.as_of_date
        copied = [table for table in self.tables if table not in attached]
        ensure_partitions(self.run.warehouse, copied, as_of_date)
        with self.lease.publishing() as connection:
            for table, staged in self.tables.items():
                contract = load_contract(table)
                target, columns = f"{contract.schema}.{quote(contract.name)}", self._columns(contract)
                if table in copied:
                    connection.execute(
                        sa.text(f"delete from {target} where as_of_date = :as_of_date"), {"as_of_date": as_of_date}
                    )
                    key = ", ".join(map(quote, contract.primary_key))  # in its order: random keys would go all over its index
                    connection.exec_driver_sql(
                        f"insert into {target} ({columns}) select {columns} from {staged} order by {key}"
                    )
                failpoint("writer.slice_replaced")
                rows, checksum = self._finished[table]
                self.lease.record(connection, table, rows, as_of_date.isoformat(), checksum)
                connection.execute(
                    sa.text(
                        "update ops.published set is_stale = true where table_name = :table_name and slice_key > :slice_key"
                    ),
                    {"table_name": table, "slice_key": as_of_date.isoformat()},
                )
            if also is not None:
                also(connection)
            if attached:
                staged_by = {table: self.tables[table] for table in self.tables if table in attached}
                attach(connection, staged_by, {table: load_contract(table) for table in staged_by}, as_of_date)
        self._analyze(copied)

    def drop_staging(self) -> None:
        """Drop the staging tables of this writer; what is staged afterwards begins anew."""
        self.drop_beside()
        with self.run.warehouse.begin() as connection:
            for name in self.tables.values():
                connection.exec_driver_sql(f"drop table if exists {name}")
        self.tables, self._finished = {}, {}
        self._written.clear()
        self._to_attach.clear()

    def _analyze(self, tables: list[str]) -> None:
        """Refresh statistics and the visibility map of the new partitions, so that reading them stays cheap."""
        with self.run.warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in tables:
                connection.exec_driver_sql(f"vacuum (analyze) {partition_name(table, self.run.as_of_date)}")

    @staticmethod
    def _columns(contract: Contract) -> str:
        return ", ".join(quote(column.name) for column in contract.columns if not column.identity)


@contextmanager
def stage_writer(run: Run, stage: str, *, attaches: bool = False) -> Iterator[StageWriter]:
    """Hold the lease on (stage, as-of date) and build its slices; call :meth:`StageWriter.publish` at the end.

    Staging left behind by attempts that died is dropped first, ours is dropped last.

    Parameters
    ----------
    attaches : bool
        Where a date is published for the first time, its staged tables become the partitions (``retention.warehouse.attach``):
        for stages of millions of rows, whose readers ask ``ops.published`` what is there.
    """
    with lease(run, stage, run.as_of_date.isoformat()) as held:
        writer = StageWriter(run, held, attaches)
        _drop_leftovers(run, stage, held.token)
        try:
            yield writer
        finally:
            writer.drop_staging()


def ensure_partitions(warehouse: Warehouse, tables: list[str], as_of_date: date) -> None:
    """Make the partitions of a date ahead of publishing: empty, and hung in by a lock that readers do not notice.

    ``create table .. partition of`` would lock its parent against them, and wait until all of them are done.
    """
    for table in tables:
        contract = load_contract(table)
        name = partition_name(table, as_of_date)
        with warehouse.begin() as connection:
            if has_partition(connection, table, as_of_date):
                continue
            connection.execute(sa.text("select pg_advisory_xact_lock(hashtext(:name))"), {"name": name})
            if has_partition(connection, table, as_of_date):  # while we waited
                continue
            parent = f"{contract.schema}.{quote(contract.name)}"
            connection.exec_driver_sql(
                f"create table {name} (like {parent} including defaults including constraints including indexes)"
            )
            connection.exec_driver_sql(
                f"alter table {parent} attach partition {name} "
                f"for values from ('{as_of_date:%Y-%m-%d}') to ('{as_of_date + timedelta(days=1):%Y-%m-%d}')"
            )
            comment_on_partition(connection, table, as_of_date)


def _drop_leftovers(run: Run, stage: str, token: int) -> None:
    """Drop staging tables of earlier tokens of this stage and date; an attempt that still fills one of them fails there."""
    suffix = f"__{run.as_of_date:%Y%m%d}__"
    with run.warehouse.begin() as connection:
        names = connection.execute(
            sa.text(
                "select tablename from pg_catalog.pg_tables where schemaname = 'staging' and starts_with(tablename, :prefix)"
            ),
            {"prefix": f"{stage}__"},
        ).scalars()
        for name in names.all():
            _, marker, number = name.partition(suffix)
            if marker and int(number) < token:
                connection.exec_driver_sql(f"drop table if exists staging.{quote(name)}")
