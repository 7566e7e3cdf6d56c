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
from tests.benchmarks.campaigns import CUSTOMERS, FIRST, _vacuum, carry_on, load

AIM_SECONDS = 1.0
_OPERATIONS = (
    "insert into campaigns.play (play, content_hash, name_en, name_zh, kind, purpose, priority, period, holdout_share, definition) "
    "select 'play ' || place, 'x', 'Play ' || place, 'Play', 'promotional', 'marketing', place, 'month', 0.1, '{}' "
    "from generate_series(1, 29) as place",
    "insert into campaigns.play_run (as_of_date, play, content_hash, population, not_in_audience, excluded, control, selected) "
    "select day, 'play ' || place, 'x', 1000000, 500000, 400000, 10000, 90000 "
    "from unnest(cast(:days as date[])) as day, generate_series(1, 29) as place",
    "insert into campaigns.exclusion_count (as_of_date, play, rule, customers_first, customers_any) "
    "select day, 'play ' || place, rule.rule, 100 * place, 200 * place "
    "from unnest(cast(:days as date[])) as day, generate_series(1, 29) as place, campaigns.exclusion_rule as rule",
    "insert into bi.kpi_definition (kpi, label, label_zh, unit, formula, formula_zh) select distinct kpi, kpi, kpi, 'share', 'x', 'x' from bi.kpi_value "
    "where as_of_date = :last on conflict do nothing",
    "insert into ops.published (table_name, slice_key, token, rows, run_id, published_at) select name, cast(day as text), 1, 1, "
    "'bench', now() from unnest(array['bi.kpi_value', 'bi.group_profile_value', 'campaigns.play_run', 'campaigns.exclusion_count']) "
    "as name, unnest(cast(:days as date[])) as day on conflict do nothing",
    "insert into ops.run_ledger (stage, dataset, slice_key, business_date, dag_id, run_id, task_id, try_number, token, state, "
    "started_at, ended_at) select part, part, '*', cast(:last as date) - ago / 40, 'retention_' || part, 'r', 't', 1, ago, 'published', "
    "now() - ago * interval '40 minutes', now() - ago * interval '40 minutes' + interval '9 seconds' from generate_series(0, 3000) as ago, "
    "unnest(array['core', 'features', 'scores', 'segments', 'campaigns', 'bi', 'consent', 'complaint_clock']) as part",
    "insert into ops.check_result (run_id, table_name, business_date, rule, column_name, severity, passed, rows_checked, rows_failed, "
    "engine) select 'r', 'landing.t' || place % 20, cast(:last as date) - ago, 'rule ' || place, 'c', 'quarantine', place > 3, 1000000, "
    "case when place > 3 then 0 else 100 end, 'sql' from generate_series(0, 60) as ago, generate_series(1, 400) as place",
    "insert into quarantine.row (batch_id, source, entity, position, business_date, rule, rules, column_name, severity, reason, row) "
    "select 1, 'crm', 'entity ' || place % 12, place, cast(:last as date) - place % 30, 'rule ' || place % 40, array['rule'], 'c', "
    "'quarantine', 'r', '{}' from generate_series(1, 100000) as place",
)
"""What runs, plans and checks leave behind: plays of two days, four months of attempts, two of checks, 100,000 refused rows."""


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
    _operate(warehouse)
    _vacuum(warehouse)
    terminal.print(f"{CUSTOMERS:,} customers written in {time.perf_counter() - began:.0f} s")
    rows = wait(warehouse)
    warehouse.dispose()
    return f"The console at {CUSTOMERS:,} customers", ["view", "first s", "publication s", "again s", "kB", ""], rows


def _operate(warehouse: Any) -> None:
    """Write what the pipeline's own running leaves behind."""
    from retention.warehouse import ensure_partitions

    for day in (FIRST, LAST):
        ensure_partitions(warehouse, ["campaigns.play_run", "campaigns.exclusion_count"], day)
    with warehouse.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = replica")
        for statement in _OPERATIONS:
            text = sa.text(statement)
            binds = {"days": [FIRST, LAST], "last": LAST}
            connection.execute(text, {name: value for name, value in binds.items() if name in text._bindparams})


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
        "one play": lambda console: console.play("play 7"),
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
