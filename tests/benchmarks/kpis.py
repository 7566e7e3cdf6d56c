"""All KPIs, effects of plays and of the programme, cohorts and funnels: the first time with a year behind it, and on the next day.

``BENCH_CUSTOMERS`` sets the size (50,000 unless told; a million takes ten minutes, most of it to write the company). Every
customer has twenty orders in three years and was handed out or held back by five promotions in the last one; a twentieth are in the
universal control group. The next day brings its orders, hand-outs and feedback, and a few orders that come late.

``BENCH_HOME`` names a folder in which the company is kept: made where there is none, and brought back to the state in which nothing
was measured where there is one, which takes half a minute at a million. ``BENCH_ALONE=1`` does one thing after the other, so that
the processor seconds of each can be told.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console

from retention.deployment import Secrets
from retention.settings import Settings
from retention.warehouse import Attempt, Run, StageWriter, Warehouse, migrate
from retention.warehouse.embedded import EmbeddedPostgres
from tests.benchmarks import kpis_history
from tests.benchmarks.campaigns import FIRST
from tests.benchmarks.features import Clock

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "50000"))
AIMS = {FIRST: "60 s", FIRST + timedelta(days=1): "10 s"}
ALONE = bool(os.environ.get("BENCH_ALONE"))


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    if home := os.environ.get("BENCH_HOME"):
        server = EmbeddedPostgres(Path(home))
        server.start()
    is_made = not server.ensure_databases(["kpis"])
    warehouse = Warehouse(server.url("kpis"))
    began = time.perf_counter()
    if is_made:
        kpis_history.forget(warehouse)
        with warehouse.connect() as connection:
            customers = connection.exec_driver_sql("select count(*) from bench.person").scalar_one()
        console.print(f"{customers:,} customers as they were before a measurement, in {time.perf_counter() - began:.0f} s")
    else:
        customers = CUSTOMERS
        migrate(warehouse, "warehouse")
        kpis_history.make(warehouse, customers)
        console.print(f"{customers:,} customers with their history written in {time.perf_counter() - began:.0f} s")
    rows: list[tuple[object, ...]] = []
    for day, aim in AIMS.items():
        if day != FIRST:
            kpis_history.next_day(warehouse, day)
        rows += measured(warehouse, day, aim)
    warehouse.dispose()
    return f"KPIs and results of {customers:,} customers", ["as of", "what", "wall s", "CPU s", "rows", "aim"], rows


def measured(warehouse: Warehouse, day: date, aim: str = "") -> list[tuple[object, ...]]:
    """Measure a day; return what it took, in all and by step, the longest first."""
    clock, spent = Clock(warehouse), dict[str, tuple[float, float]]()
    start, busy = time.perf_counter(), clock.busy()
    with _timed(spent, clock):
        counts = _measure(warehouse, day)
    rows = sum(value for value in counts.values() if isinstance(value, int))
    used = clock.busy() - busy
    steps = sorted(spent.items(), key=lambda step: -step[1][0])[:24]
    return [
        (str(day), "all", time.perf_counter() - start, used, f"{rows:,}", aim),
        *((str(day), f"  {step}", wall, used if ALONE else "", "", "") for step, (wall, used) in steps),
    ]


def _measure(warehouse: Warehouse, day: date) -> dict[str, Any]:
    from retention.measurement import measure as measure_day

    settings = Settings()
    if ALONE:
        settings = dataclasses.replace(settings, features=dataclasses.replace(settings.features, buckets=1))
    attempt = Attempt("bench", f"bench-{day}", "measure")
    return measure_day(Run(day - timedelta(days=1), warehouse, settings, attempt, Secrets(b"x" * 32)))


@contextmanager
def _timed(spent: dict[str, tuple[float, float]], clock: Clock) -> Iterator[None]:
    """Time the steps of a measurement from outside."""
    from retention import quality
    from retention.measurement.effects import units

    module = sys.modules["retention.measurement.measure"]  # the package's function has the same name

    def clocked(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
        def call(*args: Any, **given: Any) -> Any:
            began, busy = time.perf_counter(), clock.busy()
            try:
                return function(*args, **given)
            finally:
                title = name or str(args[1])
                if name is None and title == "bi.kpi_value":
                    title += " " + str(args[2])[:40].splitlines()[0].removeprefix("-- ")
                wall, used = spent.get(title, (0.0, 0.0))
                spent[title] = wall + time.perf_counter() - began, used + clock.busy() - busy

        return call

    steps = [
        (StageWriter, "fill_select", None), (StageWriter, "fill_arrow", None), (StageWriter, "publish", "publish"),
        (module, "programme_effects", "programme"), (module, "play_effects", "effects of plays"), (units, "_fill_units", "units"),
        (units, "_make_scope", "units: whose facts changed"), (units, "_publish", "units: publish and sums"),
        (module, "fill_control_checks", "control checks"), (module, "record_outcomes", "outcomes of scores"), (module, "fill_restatements", "restatements"),
        (module, "measure_scores", "verdicts: scores measured"), (quality, "check_slices", "checks"),
    ]  # fmt: skip
    patches = [mock.patch.object(owner, name, clocked(getattr(owner, name), title)) for owner, name, title in steps]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()
