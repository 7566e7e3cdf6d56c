"""What the writing protocol costs: a slice through lease, staging, fence and ledger, beside a bare DELETE and INSERT."""

from __future__ import annotations

import statistics
import time
from datetime import date

import numpy as np
import pyarrow as pa
from rich.console import Console

from retention.deployment import Secrets
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse, ensure_partitions, ingest_arrow, migrate, stage_writer
from retention.warehouse.embedded import EmbeddedPostgres
from tests.retention.warehouse import people_slice

ROUNDS = 5


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    server.ensure_databases(["protocol"])
    warehouse = Warehouse(server.url("protocol"))
    migrate(warehouse, "warehouse")
    people_slice.register()
    people_slice.create(warehouse)
    rows: list[tuple[object, ...]] = []
    for size in (1_000, 100_000, 1_000_000):
        data = pa.table(
            {
                "as_of_date": pa.array(np.repeat(np.datetime64(people_slice.AS_OF), size)),
                "customer_key": np.arange(size),
                "version": np.zeros(size, dtype="int64"),
            }
        )
        bare = statistics.median(_timed(lambda data=data: _bare(warehouse, data)) for _ in range(ROUNDS))
        safe = statistics.median(_timed(lambda data=data: _safe(warehouse, data)) for _ in range(ROUNDS))
        rows.append((f"{size:,}", bare, safe, safe - bare, safe / bare))
    warehouse.dispose()
    return "Publishing a slice of 3 columns", ["rows", "bare s", "protocol s", "difference s", "ratio"], rows


def _timed(function: object) -> float:
    start = time.perf_counter()
    function()  # type: ignore[operator]
    return time.perf_counter() - start


def _bare(warehouse: Warehouse, data: pa.Table) -> None:
    ensure_partitions(warehouse, [people_slice.TABLE], people_slice.AS_OF)
    with warehouse.begin() as connection:
        connection.exec_driver_sql(f"delete from {people_slice.TABLE} where as_of_date = '{people_slice.AS_OF}'")
    ingest_arrow(warehouse, people_slice.TABLE, data)


def _safe(warehouse: Warehouse, data: pa.Table) -> None:
    run = Run(date(2026, 3, 31), warehouse, Settings(), Attempt("bench", "run", "task"), Secrets(b"x" * 32))
    with stage_writer(run, "features") as writer:
        writer.fill_arrow(people_slice.TABLE, data)
        writer.publish()
