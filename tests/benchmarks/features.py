"""Features of all customers, of a day's touched customers, and training frames, beside a pandas script on the same database.

``RETENTION_BENCH_CUSTOMERS`` sets the size (50,000 unless told; twenty times as many orders, each with a line, complaints about
three in two hundred of them, two touches a customer). 1,000,000 takes about half an hour, most of it to make the history, and
25 GB of disk. The pandas script is given a tenth of the customers there, and what it takes is multiplied.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from datetime import date, timedelta
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
AS_OF = features_history.AS_OF


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    server.ensure_databases(["features"])
    warehouse = Warehouse(server.url("features"))
    migrate(warehouse, "warehouse")
    started = time.perf_counter()
    features_history.make(warehouse, CUSTOMERS, ORDERS)
    console.print(f"history of {ORDERS:,} orders made in {time.perf_counter() - started:.0f} s")
    rows: list[tuple[object, ...]] = []
    full = _day(warehouse, AS_OF, "full build", rows)
    share = 1.0 if CUSTOMERS <= 200_000 else 0.1
    script = features_pandas.seconds(warehouse, AS_OF, share) / share
    rows.append(
        (f"pandas script ({'all' if share == 1 else f'{share:.0%} of the'} customers; no result written)", script, "", "")
    )
    rows.append(("  times the computing of the full build", script / full["compute"], "", ""))
    rows.append(("  times the whole full build", script / full["all"], "", ""))
    features_history.next_day(warehouse, CUSTOMERS, ORDERS)
    _day(warehouse, AS_OF + timedelta(days=1), "touched day", rows)
    run = _run(warehouse, AS_OF + timedelta(days=1))
    began = time.perf_counter()
    compared = features.compare(run)
    rows.append(("comparison with a full computation", time.perf_counter() - began, f"{compared.get('compared', 0):,}", ""))
    dates = [AS_OF - timedelta(days=28 * step) for step in range(12)]
    part = min(1.0, 50_000 / CUSTOMERS)
    began = time.perf_counter()
    made = features.frames(warehouse, dates, settings=Settings(), share=part)
    seconds = time.perf_counter() - began
    rows.append((f"frames of 12 dates, {part:.0%} of the customers", seconds, f"{sum(map(len, made.values())):,}", ""))
    warehouse.dispose()
    title = f"{len(features.model_features())} features of {CUSTOMERS:,} customers with {ORDERS:,} orders"
    return title, ["what", "s", "rows", "how"], rows


def _run(warehouse: Warehouse, as_of: date) -> Run:
    attempt = Attempt("bench", f"run-{as_of}-{time.monotonic_ns()}", "build")
    return Run(as_of - timedelta(days=1), warehouse, Settings(), attempt, Secrets(b"x" * 32))


def _day(warehouse: Warehouse, as_of: date, what: str, rows: list[tuple[object, ...]]) -> Counter[str]:
    """Build one date and add what it took, in all and by step."""
    spent: Counter[str] = Counter()
    began = time.perf_counter()
    with _timed(spent):
        written = features.build(_run(warehouse, as_of))
    spent["all"] = time.perf_counter() - began
    with warehouse.connect() as connection:
        kind, computed = connection.execute(
            sa.text("select reason, cast(computed_rows as text) from ops.feature_build where as_of_date = :d"), {"d": as_of}
        ).one()
    rows.append((what, spent["all"], f"{sum(written.values()):,}", kind))
    steps = ("find touched", "compute", "check", "publish")
    rows.extend((f"  {step}", spent[step], computed if step == "compute" else "", "") for step in steps)
    return spent


@contextmanager
def _timed(spent: Counter[str]) -> Any:
    """Time the steps of a build from outside."""
    module = sys.modules["retention.features.build"]

    def clocked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **given: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*args, **given)
            finally:
                spent[name] += time.perf_counter() - began

        return call

    with (
        mock.patch.object(module, "touched_customers", clocked("find touched", module.touched_customers)),
        mock.patch.object(module, "_fill", clocked("compute", module._fill)),
        mock.patch.object(module, "check_slices", clocked("check", module.check_slices)),
        mock.patch.object(StageWriter, "publish", clocked("publish", StageWriter.publish)),
    ):
        yield
