"""A table of a source database into landing, beside its floor (raw binary COPY out and in) and beside pandas; memory by size.

Wall time on a busy machine says little, so the CPU seconds of client and server together stand beside it, and the rate that two
cores give when both do nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import psutil
import psycopg
import sqlalchemy as sa
from rich.console import Console

from retention.deployment import Secrets
from retention.settings import PROJECT_ROOT, Settings
from retention.sources import extract, load_spec
from retention.warehouse import Attempt, Run, Warehouse, migrate
from retention.warehouse.embedded import EmbeddedPostgres

ROWS = int(os.environ.get("RETENTION_BENCH_ROWS", "1000000"))
SIZES = [int(size) for size in os.environ.get("RETENTION_BENCH_SIZES", "1000000,5000000").split(",") if size]
PANDAS_ROWS = 50_000
ROUNDS = 3
_COLUMNS = "touch_id bigint, client_id integer, channel text, kind text, at timestamp, seconds integer, changed timestamp"
_FILL = (
    "insert into {table} select n, n % 100000, (array['app', 'web', 'store'])[1 + n % 3], "
    "(array['click', 'visit', 'open'])[1 + n % 3], timestamp '2026-01-01' + (n % 6000000) * interval '1 second', n % 300, "
    "timestamp '2026-01-01' + (n % 6000000) * interval '1 second' from generate_series(1, {rows}) as n"
)
_SPEC = """
source: crm
kind: sql
connection: CRM
entities:
  interaction:
    table: {table}
    mode: full
    key: [touch_id]
    columns: {{interaction_id: touch_id, customer_id: client_id, channel: channel, kind: kind, occurred_at: at,
               dwell_seconds: seconds, updated_at: changed}}
"""


@dataclass(frozen=True)
class Cost:
    """What one way took: the best of the rounds by wall time, and by CPU."""

    wall: float
    cpu: float


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    """Time the ways at one size, then the memory of an extraction at several."""
    server.ensure_databases(["extract_source", "extract_warehouse"])
    source, warehouse = server.url("extract_source"), Warehouse(server.url("extract_warehouse"))
    migrate(warehouse, "warehouse")
    with psycopg.connect(source, autocommit=True) as connection:
        connection.execute(f"create table touch ({_COLUMNS})")
        connection.execute(_FILL.format(table="touch", rows=ROWS))
        connection.execute("vacuum analyze touch")
    with warehouse.begin() as connection:
        connection.exec_driver_sql(f"create schema bench; create table bench.touch ({_COLUMNS})")
    postmaster = psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))
    target = server.url("extract_warehouse")

    def cost(function: Callable[[], object]) -> Cost:
        walls, cpus = [], []
        for _ in range(ROUNDS):
            with warehouse.begin() as connection:
                connection.exec_driver_sql("truncate landing.interaction, bench.touch")
            before, start = _cpu(postmaster), time.perf_counter()
            function()
            walls.append(time.perf_counter() - start)
            cpus.append(_cpu(postmaster) - before)
        return Cost(min(walls), min(cpus))

    with tempfile.TemporaryDirectory() as folder:
        rows: list[tuple[object, ...]] = []
        floor = cost(lambda: _relay(source, target))
        ours = cost(lambda: extract_once(target, source, Path(folder), "touch"))
        frame = cost(lambda: _pandas(source, warehouse))
        frame = Cost(frame.wall * ROWS / PANDAS_ROWS, frame.cpu * ROWS / PANDAS_ROWS)
        for name, one in (
            ("raw binary COPY out and in, same types (floor)", floor),
            ("extract: mapped, as text, logged, indexed", ours),
            (f"pandas read_sql and to_sql (from {PANDAS_ROWS:,} rows)", frame),
        ):
            rows.append((name, one.wall, f"{ROWS / one.wall:,.0f}", one.cpu, f"{2 * ROWS / one.cpu:,.0f}", one.cpu / floor.cpu))
    warehouse.dispose()
    for size in SIZES:
        console.print(f"memory at {size:,} rows: {_memory(server, size):,.0f} MB at its highest")
    headings = ["way", "wall s", "rows/s", "cpu s", "rows/s of two full cores", "cpu, times the floor"]
    return f"PostgreSQL to landing, {ROWS:,} rows of 7 columns, best of {ROUNDS}", headings, rows


def extract_once(warehouse_url: str, source_url: str, folder: Path, table: str) -> int:
    """Extract one table as the first load of a day of its own and return the rows."""
    (folder / "crm.yml").write_text(_SPEC.format(table=table))
    warehouse = Warehouse(warehouse_url)
    try:
        run = Run(
            date(2026, 3, 31), warehouse, Settings(), Attempt("bench", "bench", "extract", 1), Secrets(pepper=b"bench" * 8)
        )
        return int(extract(run, load_spec(folder / "crm.yml"), "interaction", source_url)["rows"])
    finally:
        warehouse.dispose()


def _relay(source: str, target: str) -> None:
    with psycopg.connect(source) as reading, psycopg.connect(target) as writing:
        out, into = reading.cursor(), writing.cursor()
        with (
            out.copy("copy touch to stdout (format binary)") as read,
            into.copy("copy bench.touch from stdin (format binary)") as write,
        ):
            for part in read:
                write.write(part)


def _pandas(source: str, warehouse: Warehouse) -> None:
    engine = sa.create_engine(source.replace("postgresql://", "postgresql+psycopg://"))
    frame = pd.read_sql(sa.text(f"select * from touch limit {PANDAS_ROWS}"), engine)
    frame.to_sql("touch", warehouse.engine, schema="bench", if_exists="append", index=False)
    engine.dispose()


def _cpu(postmaster: psutil.Process) -> float:
    """CPU seconds of this process and of the server with all that it ever started."""
    total = 0.0
    for process in (psutil.Process(), postmaster, *postmaster.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
        if process.pid == postmaster.pid:
            total += times.children_user + times.children_system
    return total


def _memory(server: EmbeddedPostgres, size: int) -> float:
    """Extract a table of a size in a process of its own and return the most memory that it ever held."""
    with psycopg.connect(server.url("extract_source"), autocommit=True) as connection:
        connection.execute(f"drop table if exists sized; create table sized ({_COLUMNS})")
        connection.execute(_FILL.format(table="sized", rows=size))
    with psycopg.connect(server.url("extract_warehouse"), autocommit=True) as connection:
        connection.execute("truncate landing.interaction")
    arguments = [server.url("extract_warehouse"), server.url("extract_source"), str(size)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.extract", *arguments],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(json.loads(done.stdout.splitlines()[-1])["megabytes"])


if __name__ == "__main__":
    import resource

    with tempfile.TemporaryDirectory() as home:
        landed = extract_once(sys.argv[1], sys.argv[2], Path(home), "sized")
    if landed != int(sys.argv[3]):
        raise SystemExit(f"{landed:,} rows landed, {sys.argv[3]} expected")
    print(json.dumps({"megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
