"""Bulk transfer beside its floor (raw binary COPY bytes) and beside pandas."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import sqlalchemy as sa
from rich.console import Console

from retention.warehouse import Warehouse, ingest_arrow, read_arrow
from retention.warehouse.embedded import EmbeddedPostgres

ROWS = 1_000_000
PANDAS_ROWS = 50_000
ROUNDS = 3


def seconds(function: Callable[[], object]) -> float:
    """Median of the rounds."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    server.ensure_databases(["bulk"])
    warehouse = Warehouse(server.url("bulk"))
    generator = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "customer_key": generator.integers(-(2**62), 2**62, ROWS),
            "happened_at": pd.to_datetime("2026-01-01", utc=True)
            + pd.to_timedelta(generator.integers(0, 10**7, ROWS), unit="s"),
            "net_minor": generator.integers(100, 10**6, ROWS),
            "channel": generator.choice(["store", "app", "web"], ROWS),
        }
    )
    table = pa.Table.from_pandas(frame, preserve_index=False)
    definition = "(customer_key bigint, happened_at timestamptz, net_minor bigint, channel text)"
    with warehouse.begin() as connection:
        connection.exec_driver_sql(f"create schema bench; create unlogged table bench.facts {definition}")
    empty = lambda: _execute(warehouse, "truncate bench.facts")  # noqa: E731  # used as a step of each round
    ingest_arrow(warehouse, "bench.facts", table)
    raw = _copy_out(server.url("bulk"))

    def load(writer: Callable[[], object]) -> float:
        def once() -> None:
            empty()
            writer()

        return seconds(once) - seconds(empty)

    floor = load(lambda: _copy_in(server.url("bulk"), raw))
    ours = load(lambda: ingest_arrow(warehouse, "bench.facts", table))
    small = frame.head(PANDAS_ROWS)
    to_sql = load(lambda: small.to_sql("facts", warehouse.engine, schema="bench", if_exists="append", index=False))
    to_sql *= ROWS / PANDAS_ROWS
    empty()
    ingest_arrow(warehouse, "bench.facts", table)
    read = seconds(lambda: read_arrow(warehouse, "select * from bench.facts"))
    read_sql = seconds(lambda: pd.read_sql(sa.text("select * from bench.facts"), warehouse.engine))
    read_floor = seconds(lambda: _copy_out(server.url("bulk")))
    warehouse.dispose()
    rows: list[tuple[object, ...]] = [
        ("write: raw binary COPY (floor)", floor, ROWS / floor, 1.0),
        ("write: ingest_arrow", ours, ROWS / ours, ours / floor),
        (f"write: pandas.to_sql (from {PANDAS_ROWS:,} rows)", to_sql, ROWS / to_sql, to_sql / floor),
        ("read: raw binary COPY (floor)", read_floor, ROWS / read_floor, 1.0),
        ("read: read_arrow", read, ROWS / read, read / read_floor),
        ("read: pandas.read_sql", read_sql, ROWS / read_sql, read_sql / read_floor),
    ]
    return f"Bulk transfer, {ROWS:,} rows of 4 columns, unlogged table", ["way", "s", "rows/s", "times the floor"], rows


def _execute(warehouse: Warehouse, statement: str) -> None:
    with warehouse.begin() as connection:
        connection.exec_driver_sql(statement)


def _copy_out(url: str) -> bytes:
    with psycopg.connect(url) as connection, connection.cursor().copy("copy bench.facts to stdout (format binary)") as copy:
        return b"".join(bytes(part) for part in copy)


def _copy_in(url: str, raw: bytes) -> None:
    with psycopg.connect(url) as connection, connection.cursor().copy("copy bench.facts from stdin (format binary)") as copy:
        stream = io.BytesIO(raw)
        while part := stream.read(1 << 20):
            copy.write(part)
