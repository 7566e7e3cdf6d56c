"""Features of all customers, of a day's touched customers, and training frames, beside a pandas script on the same database.

``RETENTION_BENCH_CUSTOMERS`` sets the size (50,000 unless told; twenty times as many orders, each with a line, complaints about
three in two hundred of them, two touches a customer). 1,000,000 takes about half an hour, most of it to make the history, and
25 GB of disk. The pandas script is given a tenth of the customers there, and what it takes is multiplied. With
``RETENTION_BENCH_HOME`` the history is made once; each further run has one more day happen and builds it.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa
from rich.console import Console

from retention import features
from retention.deployment import Secrets
from retention.settings import Settings
from retention.warehouse import Attempt, Run, StageWriter, Warehouse, migrate
from retention.warehouse.embedded import EmbeddedPostgres
from tests.benchmarks import features_history, features_pandas

CUSTOMERS = int(os.environ.get("RETENTION_BENCH_CUSTOMERS", "50000"))
ORDERS = 20 * CUSTOMERS


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    server.ensure_databases(["features"])
    warehouse = Warehouse(server.url("features"))
    migrate(warehouse, "warehouse")
    started = time.perf_counter()
    if _customers(warehouse) == 0:
        features_history.make(warehouse, CUSTOMERS, ORDERS)
        console.print(f"history of {ORDERS:,} orders made in {time.perf_counter() - started:.0f} s")
    if _customers(warehouse) != CUSTOMERS:
        raise SystemExit(f"this home holds {_customers(warehouse):,} customers: set RETENTION_BENCH_CUSTOMERS to as many")
    as_of = features_history.latest(warehouse, ORDERS)
    rows: list[tuple[object, ...]] = []
    clock = Clock(warehouse)
    began, busy = time.perf_counter(), clock.busy()
    summed = features.keep_past(_run(warehouse, as_of))["summed"]  # as publishing core does, once in three months
    rows.append(
        ("what was ordered before the windows, summed", time.perf_counter() - began, clock.busy() - busy, f"{summed:,}", "")
    )
    _forget(warehouse, as_of)
    full = _day(clock, as_of, "full build", rows)
    share = 1.0 if CUSTOMERS <= 200_000 else 0.1
    busy = clock.busy()
    script = features_pandas.seconds(warehouse, as_of, share) / share
    busy = (clock.busy() - busy) / share
    who = "all" if share == 1 else f"{share:.0%} of the"
    rows.append((f"pandas script ({who} customers; no result written)", script, busy, "", ""))
    rows.append(("  times the computing of the full build", script / full["compute"], busy / full["compute, busy"], "", ""))
    rows.append(("  times the whole full build", script / full["all"], busy / full["all, busy"], "", ""))
    features_history.next_day(warehouse, CUSTOMERS, ORDERS, as_of)
    _day(clock, as_of + timedelta(days=1), "touched day", rows)
    run = _run(warehouse, as_of + timedelta(days=1))
    began, busy = time.perf_counter(), clock.busy()
    compared = features.compare(run).get("compared", 0)
    rows.append(("comparison with a full computation", time.perf_counter() - began, clock.busy() - busy, f"{compared:,}", ""))
    dates = [as_of - timedelta(days=28 * step) for step in range(12)]
    part = min(1.0, 20_000 / CUSTOMERS)
    began, busy = time.perf_counter(), clock.busy()
    made = features.frames(warehouse, dates, settings=Settings(), share=part)
    seconds = time.perf_counter() - began
    count = f"{sum(map(len, made.values())):,}"
    rows.append((f"frames of 12 dates, {part:.0%} of the customers", seconds, clock.busy() - busy, count, ""))
    warehouse.dispose()
    title = f"{len(features.model_features())} features of {CUSTOMERS:,} customers with {ORDERS:,} orders"
    return title, ["what", "s", "CPU s", "rows", "how"], rows


def _customers(warehouse: Warehouse) -> int:
    with warehouse.connect() as connection:
        return int(connection.exec_driver_sql("select count(*) from core.customer").scalar_one())


def _forget(warehouse: Warehouse, as_of: date) -> None:
    """Take away the slices from a date on, and all that may be carried forward: as before its first build."""
    with warehouse.begin() as connection:
        for table in features.FEATURE_TABLES:
            parts = connection.execute(
                sa.text("select cast(inhrelid as regclass) from pg_inherits where inhparent = cast(:t as regclass)"),
                {"t": table},
            ).scalars()
            for part in parts.all():
                if str(part)[-8:] >= f"{as_of:%Y%m%d}":
                    connection.exec_driver_sql(f"drop table {part}")
        binds = {"as_of_date": as_of, "slice_key": as_of.isoformat()}
        connection.execute(
            sa.text("delete from ops.published where table_name like 'features.%' and slice_key >= :slice_key"), binds
        )
        connection.exec_driver_sql("update ops.feature_build set is_base = false")
        connection.execute(sa.text("delete from ops.feature_build where as_of_date >= :as_of_date"), binds)


def _run(warehouse: Warehouse, as_of: date) -> Run:
    attempt = Attempt("bench", f"run-{as_of}-{time.monotonic_ns()}", "build")
    return Run(as_of - timedelta(days=1), warehouse, Settings(), attempt, Secrets(b"x" * 32))


class Clock:
    """CPU time of the database server and of this process: what stays the same on a busy machine."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        with warehouse.connect() as connection:
            backend = connection.exec_driver_sql("select pg_backend_pid()").scalar_one()
        self.server = _fields(backend)[1]

    def busy(self) -> float:
        """Seconds so far: of server processes that ended, of those that live, and of this one."""
        ticks = sum(map(int, _fields(self.server)[11:15]))
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                with suppress(OSError):
                    fields = _fields(process.name)
                    ticks += sum(map(int, fields[11:13])) if fields[1] == self.server else 0
        return ticks / os.sysconf("SC_CLK_TCK") + time.process_time()


def _fields(process: object) -> list[str]:
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()


def _day(clock: Clock, as_of: date, what: str, rows: list[tuple[object, ...]]) -> Counter[str]:
    """Build one date and add what it took, in all and by step."""
    spent: Counter[str] = Counter()
    began, busy = time.perf_counter(), clock.busy()
    with _timed(spent, clock):
        written = features.build(_run(clock.warehouse, as_of))
    spent["all"], spent["all, busy"] = time.perf_counter() - began, clock.busy() - busy
    with clock.warehouse.connect() as connection:
        reason, computed = connection.execute(
            sa.text("select reason, computed_rows from ops.feature_build where as_of_date = :d"), {"d": as_of}
        ).one()
    rows.append((what, spent["all"], spent["all, busy"], f"{sum(written.values()):,}", reason))
    steps = ("find touched", "compute", "write everybody else's", "check, keys, statistics", "publish")
    rows.extend(
        (f"  {step}", spent[step], spent[f"{step}, busy"], f"{sum(computed.values()):,}" if step == "compute" else "", "")
        for step in steps
    )
    return spent


@contextmanager
def _timed(spent: Counter[str], clock: Clock) -> Any:
    """Time the steps of a build from outside."""
    module = sys.modules["retention.features.build"]

    def clocked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **given: Any) -> Any:
            began, busy = time.perf_counter(), clock.busy()
            try:
                return function(*args, **given)
            finally:
                spent[name] += time.perf_counter() - began
                spent[f"{name}, busy"] += clock.busy() - busy

        return call

    with (
        mock.patch.object(module, "touched_customers", clocked("find touched", module.touched_customers)),
        mock.patch.object(module, "_compute", clocked("compute", module._compute)),
        mock.patch.object(module, "_merge", clocked("write everybody else's", module._merge)),
        mock.patch.object(module, "_finish", clocked("check, keys, statistics", module._finish)),
        mock.patch.object(StageWriter, "publish", clocked("publish", StageWriter.publish)),
    ):
        yield
