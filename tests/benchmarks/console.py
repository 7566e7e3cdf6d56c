"""How long people wait for the console over a million customers: every view, asked for the first time and again.

``python -m tests.benchmarks console``: about ten minutes at a million customers (``BENCH_CUSTOMERS`` names another number), nearly all
of it writing them, as ``bi`` does. "First" is a console that has just been opened: connections, names and all; "publication" is the
first question after something was published, by a console that is open; "again" is what everybody else sees. Shaping and JSON count.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from rich.console import Console as Terminal

from retention.warehouse.embedded import EmbeddedPostgres
from tests.benchmarks.bi import LAST, _fill, _more, _publish, _year
from tests.benchmarks.campaigns import CUSTOMERS, _vacuum, carry_on, load

AIM_SECONDS = 1.0


def measure(server: EmbeddedPostgres, terminal: Terminal) -> tuple[str, list[str], list[tuple[object, ...]]]:
    from retention.warehouse import Warehouse, migrate

    server.ensure_databases(["warehouse"])
    warehouse = Warehouse(server.url("warehouse"))
    migrate(warehouse, "warehouse")
    began = time.perf_counter()
    load(warehouse, CUSTOMERS)
    _more(warehouse)
    carry_on(warehouse, LAST)
    _publish(warehouse)
    for _ in _fill(warehouse):
        pass
    _year(warehouse)
    _vacuum(warehouse)
    terminal.print(f"{CUSTOMERS:,} customers written in {time.perf_counter() - began:.0f} s")
    rows = wait(warehouse)
    warehouse.dispose()
    return f"The console at {CUSTOMERS:,} customers", ["view", "first s", "publication s", "again s", "kB", ""], rows


def wait(warehouse: Any) -> list[tuple[object, ...]]:
    """Ask for every view three times; return what each took, and how much of it there is."""
    from retention.console import Console
    from retention.settings import Settings

    with warehouse.connect() as connection:
        key = connection.execute(sa.text("select customer_key from scores.churn limit 1")).scalar_one()
    views: dict[str, Callable[[Console], Any]] = {
        "overview": lambda console: console.overview(console.waiting()),
        "kpis": lambda console: console.kpis(),
        "kpis by region, months": lambda console: console.kpis("region", "month"),
        **{
            name: lambda console, name=name: getattr(console, name)()
            for name in ("customers", "plays", "programme", "models", "quality", "health", "complaints", "pushes")
        },
        "one play": lambda console: console.play("churn_rescue"),
        "one customer": lambda console: console.customer(str(key), "bench"),
    }
    rows: list[tuple[object, ...]] = []
    for name, view in views.items():
        console = Console(warehouse.url.render_as_string(hide_password=False), Settings())
        spent, size = [], 0
        for forget in (False, True, False):
            if forget:
                console._memory._kept.clear()
            began = time.perf_counter()
            size = len(json.dumps(view(console).data))
            spent.append(time.perf_counter() - began)
        console.close()
        late = "" if spent[0] <= AIM_SECONDS else f"OVER {AIM_SECONDS:.0f} s"
        rows.append((name, *(f"{seconds:.3f}" for seconds in spent), f"{size / 1000:,.0f}", late))
    return rows
