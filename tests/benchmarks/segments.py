"""A day's segments of a million customers: tags, tiers, stages, levels, moves, migration matrix and flap rate, published.

``python -m tests.benchmarks segments``: about six minutes at a million (``BENCH_CUSTOMERS`` names another number), most of it making
features and scores. Two days are assigned, the second with everything that a slice before brings (damping, moves, matrix); then
what-if. Each in a process of its own, so that its memory is its own; the database's is what its processes held beyond what they share.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rich.console import Console

from retention.deployment import Secrets
from retention.features import FEATURE_TABLES
from retention.segments import assign
from retention.segments.assign import SCORE_TABLES, SEGMENT_TABLES
from retention.segments.what_if import what_if
from retention.settings import Settings, ValueSettings
from retention.warehouse import Attempt, Run, Warehouse, ensure_partitions, load_contract, migrate, partition_name
from retention.warehouse.embedded import EmbeddedPostgres

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "1000000"))
DAYS = (date(2026, 4, 1), date(2026, 4, 2))
_EMPTY = {"integer": "0", "bigint": "0", "double precision": "0.0", "text": "'bench'", "boolean": "false"}

# Nine of ten have bought; the other numbers follow from the key by hashing, and drift a little from day to day.
_PURCHASERS = "n % 10 <> 0"
_R = "(hashint8(n * 7 + {salt}) & 1048575) / 1048576.0"
_TOLD = {
    "customer_key": "hashint8extended(n, 1)",
    "recency_days": "1 + cast(power(" + _R.format(salt=1) + ", 2) * 700 as integer) + :drift",
    "tenure_days": "800 + :drift",
    "first_to_last_order_days": "400",
    "count_orders_lifetime": "1 + cast(power(" + _R.format(salt=2) + ", 3) * 30 as integer)",
    "count_order_days_lifetime": "1 + cast(power(" + _R.format(salt=2) + ", 3) * 30 as integer)",
    "count_orders_90d": "cast(" + _R.format(salt=3) + " * 4 as integer)",
    "count_orders_365d": "cast(" + _R.format(salt=4) + " * 9 as integer)",
    "net_minor_365d": "cast(exp(" + _R.format(salt=5) + " * 6 + 6) as bigint)",
    "net_minor_membership_year": "cast(exp(" + _R.format(salt=5) + " * 6 + 5) as bigint)",
    "discount_share_365d": _R.format(salt=6),
    "overdue_ratio": _R.format(salt=7) + " * 2.2 + :drift * 0.01",
    "mean_days_between_orders": "30.0",
    "latest_nps": "cast(" + _R.format(salt=8) + " * 10 as integer)",
    "points_balance": "cast(" + _R.format(salt=9) + " * 3000 as integer)",
    "churn_probability": "least(1, " + _R.format(salt=10) + " + :drift * 0.01)",
    "clv_12m_minor": "cast(exp(" + _R.format(salt=11) + " * 6 + 5) * (1 + :drift * 0.05 * (n % 3 - 1)) as bigint)",
    "clv_12m_lower_minor": "0",
    "clv_12m_upper_minor": "cast(exp(" + _R.format(salt=11) + " * 6 + 6.5) as bigint)",
    "interval_probability": "0.8",
    "first_order_at": "timestamptz '2024-01-01'",
    "last_order_at": "timestamptz '2026-01-01'",
    "horizon_days": "365",
}


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    os.environ["RETENTION_HOME"] = str(server.home)
    server.ensure_databases(["segments"])
    url = server.url("segments")
    warehouse = Warehouse(url)
    migrate(warehouse, "warehouse")
    started = time.perf_counter()
    _load(warehouse)
    warehouse.dispose()
    console.print(f"features and scores of {CUSTOMERS:,} customers on two days made in {time.perf_counter() - started:.0f} s")
    rows: list[tuple[object, ...]] = []
    for step, what in (
        ("0", "segments of a first day, published"),
        ("1", "segments of the day after, with moves and matrix"),
        ("what-if", "what-if of one cut-off, nothing written"),
    ):
        with _Watching() as watched:
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.segments", step, url], stdout=subprocess.PIPE, text=True, check=True
            )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        console.print(step, found)
        rows.append((what, found["rows"], found["wall"], found["peak_mb"], watched.peak_mb))
    sizes = Warehouse(url)
    with sizes.connect() as connection:
        for table in SEGMENT_TABLES:
            name = partition_name(table, DAYS[1])
            rows.append((f"  {table} on disk, MB", "", "", "", _size(connection, name)))
        for row in connection.execute(sa.text("select dimension, movers, undamped_movers, flappers from segments.stability")):
            console.print(
                f"{row.dimension}: {row.movers:,} moved, {row.undamped_movers} without damping, {row.flappers} flapped"
            )
    sizes.dispose()
    return (
        f"Segments of {CUSTOMERS:,} customers",
        ["what", "rows", "wall s", "peak MB of the process", "peak MB of the database's processes"],
        rows,
    )


def _size(connection: sa.Connection, name: str) -> float:
    return float(
        connection.execute(
            sa.text("select pg_total_relation_size(cast(:name as regclass)) / 1048576.0"), {"name": name}
        ).scalar_one()
    )


def _load(warehouse: Warehouse) -> None:
    tables = [*FEATURE_TABLES, *SCORE_TABLES]
    for drift, day in enumerate(DAYS):
        ensure_partitions(warehouse, tables, day)
        for table in tables:
            columns = {
                column.name: f"cast({_TOLD[column.name]} as {column.type})" if column.name in _TOLD else _EMPTY[column.type]
                for column in load_contract(table).columns
                if column.name != "as_of_date" and (column.name in _TOLD or not column.nullable)
            }
            bought = "" if table in ("features.customer_engagement", "features.customer_service") else f"where {_PURCHASERS}"
            with warehouse.begin() as connection:
                connection.execute(
                    sa.text(
                        f"insert into {table} (as_of_date, {', '.join(columns)}) select :day, {', '.join(columns.values())} "
                        f"from generate_series(cast(1 as bigint), :customers) as n {bought}"
                    ),
                    {"day": day, "drift": drift, "customers": CUSTOMERS},
                )
                connection.execute(
                    sa.text(
                        "insert into ops.published (table_name, slice_key, token, rows, run_id, published_at) "
                        "values (:table, :day, 1, 0, 'bench', now())"
                    ),
                    {"table": table, "day": day.isoformat()},
                )
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into core.customer (customer_key, valid_from, gender, birth_year, city, region, customer_kind, "
                "member_since, is_test, is_staff, source, batch_id, is_simulated) "
                "select hashint8extended(n, 1), timestamptz '2023-01-01', case n % 2 when 0 then 'female' else 'male' end, "
                "1950 + cast(n % 55 as integer), (array['Shanghai', 'Chengdu', 'Xiamen'])[1 + n % 3], 'East', 'consumer', "
                "timestamptz '2023-01-01', false, false, 'bench', 1, true "
                "from generate_series(cast(1 as bigint), :customers) as n"
            ),
            {"customers": CUSTOMERS},
        )
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum analyze")


class _Watching:
    """Adds up what the database's processes hold for themselves (private memory), five times a second."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Watching:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.2):
            self.peak_mb = max(self.peak_mb, sum(_private_mb(pid) for pid in _backends()))


def _backends() -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and b" segments " in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def _private_mb(pid: int) -> float:
    total = 0
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Private_Clean", "Private_Dirty")):
                total += int(line.split()[1])
    return total / 1024


def main(step: str, url: str) -> dict[str, Any]:
    """One step, in the process that :func:`measure` made."""
    warehouse = Warehouse(url)
    started = time.perf_counter()
    if step == "what-if":
        found = what_if(warehouse, DAYS[1], Settings(), Settings(value=ValueSettings(potential_value_quantile=0.75)))
        rows = sum(move.settled for move in found.movers("tier"))
    else:
        day = DAYS[int(step)]
        run = Run(
            day - timedelta(days=1), warehouse, Settings(), Attempt("bench", f"run-{day}", "segments", 1), Secrets(b"x" * 32)
        )
        rows = sum(assign(run).values())
    wall = time.perf_counter() - started
    return {"rows": rows, "wall": wall, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2])))
