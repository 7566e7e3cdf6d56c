"""What BI tools ask of a million customers: every question of ``tests/sql/bi/questions.yml`` as its role, against its bound.

``python -m tests.benchmarks bi``: about ten minutes at a million customers (``BENCH_CUSTOMERS`` names another number), most of it
writing them: two dates of every slice that the views rest on, a month of orders with their lines, KPIs and groups of a year. The
slices that the views need are then filled by the product itself, and timed. Each question is asked three times, the fastest
counts: a tool that shows a dashboard again finds the pages in memory, and the first to ask does not. With ``BENCH_WRITE=1`` the
figures also go into docs/bi.md.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import yaml
from rich.console import Console

from retention.warehouse.embedded import EmbeddedPostgres
from tests.benchmarks.campaigns import CUSTOMERS, FIRST, SLICES, _put, _vacuum, carry_on, load

if TYPE_CHECKING:
    from retention.warehouse import Warehouse

QUESTIONS = Path(__file__).resolve().parents[1] / "sql/bi/questions.yml"
PAGE = Path(__file__).resolve().parents[2] / "docs/bi.md"
MARK = "<!-- figures of python -m tests.benchmarks bi -->\n"
LAST = FIRST + timedelta(days=1)
ORDERS_PER_CUSTOMER_AND_DAY = 20 / 365
PRODUCTS = 5_000
TRIES = 3
MORE = (
    "scores.persona", "features.customer_basket", "features.customer_service", "scores.warning", "scores.replenishment",
    "campaigns.staff_task",
)  # fmt: skip
"""Slices that views read beside those that plays rest on."""

_ORDERS = """
insert into core.order_entry (
    order_key, kind, sequence, customer_key, happened_at, order_count, gross_minor, discount_minor, net_minor, source, batch_id,
    is_simulated
)
select
    day * 10000000::bigint + place,
    'paid',
    1,
    hashint8extended(1 + floor(random() * :customers)::bigint, 42),
    cast(:last as timestamptz) - day * interval '1 day' + random() * interval '20 hours',
    1, 10000, 1000, 9000, 'bench', 1, true
from generate_series(1, 40) as day, generate_series(1, :orders) as place
"""
_LINES = """
insert into core.order_line (
    order_key, line_number, customer_key, product_key, category_1, happened_at, quantity, unit_price_minor, gross_minor,
    discount_minor, net_minor, returned_quantity, source, batch_id, is_simulated
)
select
    entry.order_key, line, entry.customer_key, 1 + floor(power(random(), 2) * :products)::bigint, 'GROCERY', entry.happened_at,
    1 + floor(random() * 3), 3000, 4000, 400, 3600, 0, 'bench', 1, true
from core.order_entry as entry, generate_series(1, 3) as line
"""
_PRODUCTS = """
insert into core.product (
    product_key, product_id, valid, name, category_1, unit_cost_minor, stock_on_hand, is_replenishable, source, batch_id, is_simulated
)
select number, 'P' || number, true, 'Product ' || number, (array['GROCERY', 'DRUG GM', 'PRODUCE', 'DELI'])[1 + number % 4],
    1500, number % 500, true, 'bench', 1, true
from generate_series(1, :products) as number
"""
_KPIS = """
insert into bi.kpi_value (as_of_date, kpi, period, period_start, dimension, member, numerator, denominator, value, customers)
select day, kpi, period, day - 1, dimension, dimension || member, 10, 2, random(), 5 + floor(random() * 5000)
from unnest(cast(:days as date[])) as day,
    unnest(cast(:kpis as text[])) as kpi,
    unnest(array['day', 'month']) as period,
    (values ('all', 1), ('tier', 4), ('stage', 8), ('segment', 11), ('membership', 3), ('acquisition_channel', 6), ('region', 30),
        ('order_channel', 4), ('play', 29), ('channel', 6)) as named (dimension, members),
    lateral (select case when dimension = 'all' then '' else ' ' || place end from generate_series(1, members) as place) as one (member)
"""


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    from retention.warehouse import Warehouse, migrate

    server.ensure_databases(["warehouse"])
    warehouse = Warehouse(server.url("warehouse"))
    migrate(warehouse, "warehouse")
    began = time.perf_counter()
    load(warehouse, CUSTOMERS)
    _more(warehouse)
    carry_on(warehouse, LAST)
    _publish(warehouse)
    console.print(f"{CUSTOMERS:,} customers written in {time.perf_counter() - began:.0f} s")
    rows: list[tuple[object, ...]] = [(*filled, "") for filled in _fill(warehouse)]
    _year(warehouse)
    _vacuum(warehouse)
    rows += ask(warehouse)
    warehouse.dispose()
    if os.environ.get("BENCH_WRITE"):
        write(rows)
    return f"BI at {CUSTOMERS:,} customers", ["as", "question", "rows", "plan cost", "s", "bound s"], rows


def ask(warehouse: Warehouse) -> list[tuple[object, ...]]:
    """Ask every question as its role; return role, question, rows, cost of the plan, seconds and the bound."""
    rows: list[tuple[object, ...]] = []
    with warehouse.connect() as connection:
        key = connection.execute(sa.text("select customer_key from segments.tier limit 1")).scalar_one()
    for question in yaml.safe_load(QUESTIONS.read_text(encoding="utf-8")):
        text = question["sql"].replace("4711", str(key))
        with _as(warehouse, question["role"]) as connection:
            cost = connection.exec_driver_sql(f"explain (format json) {text}").scalar_one()[0]["Plan"]["Total Cost"]
            spent = []
            for _ in range(TRIES):
                began = time.perf_counter()
                found = len(connection.exec_driver_sql(text).all())
                spent.append(time.perf_counter() - began)
        bound = question["seconds"]
        late = "" if min(spent) <= bound else "  OVER"
        rows.append((question["role"], question["name"], found, f"{cost:,.0f}", f"{min(spent):.3f}", f"{bound}{late}"))
    return rows


def write(rows: Sequence[Sequence[object]]) -> None:
    """Put the figures into docs/bi.md, in the place of those before."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARK)
    after = rest[rest.index("\n## ") :]
    lines = [
        f"{CUSTOMERS:,} customers, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} beside it, {datetime.now(UTC):%Y-%m-%d}.",
        "",
    ]
    lines += ["| as | question | rows | cost of the plan | seconds | bound |", "|---|---|--:|--:|--:|--:|"]
    lines += [f"| {' | '.join(str(value) for value in row)} |" for row in rows]
    PAGE.write_text(f"{before}{MARK}\n{chr(10).join(lines)}\n{after}", encoding="utf-8")


@contextmanager
def _as(warehouse: Warehouse, role: str) -> Iterator[sa.Connection]:
    with warehouse.connect() as connection:
        connection.exec_driver_sql(f"set local role {role}")
        yield connection


def _fill(warehouse: Warehouse) -> Iterator[tuple[object, ...]]:
    """Fill the slices by the product: the first day counts the month from its beginning, the second carries on."""
    from retention.deployment import Secrets
    from retention.measurement.bi import fill_bi_tables, product_period, write_bi_settings
    from retention.measurement.kpis import binds_of
    from retention.settings import Settings
    from retention.warehouse import Attempt, Run, stage_writer

    for day in (FIRST, LAST):
        run = Run(
            day - timedelta(days=1),
            warehouse,
            Settings(),
            Attempt("bench", f"bench-{day}", "bi", 1),
            Secrets(pepper=b"bench" * 8),
        )
        began = time.perf_counter()
        with stage_writer(run, "bi") as writer:
            fill_bi_tables(writer, run, binds_of(run))
            whole = product_period(run)["carried_from"] is None
            counts = writer.publish(also=lambda connection, run=run: write_bi_settings(connection, run))
        name = f"slices of {day} filled{', products from the start of the month' if whole else ''}"
        yield "the pipeline", name, sum(counts.values()), "", f"{time.perf_counter() - began:.1f}"


def _more(warehouse: Warehouse) -> None:
    """Write what views read beside what plays rest on."""
    from retention.warehouse import ensure_partitions

    binds: dict[str, Any] = {"day": FIRST}
    ensure_partitions(warehouse, list(MORE), FIRST)
    ensure_partitions(warehouse, list(MORE), LAST)
    bought = "stage <> 'prospect'"
    with warehouse.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = replica")  # nobody builds features here
        connection.exec_driver_sql("set local work_mem = '512MB'")
        for day in (FIRST, LAST):
            binds = {"day": day}
            own = {"customer_key": "customer_key"}
            put = lambda table, given, where: _put(connection, table, given, where, binds)  # noqa: B023, E731
            put(
                "scores.persona",
                {**own, "persona": "(array['price_sensitive', 'quality_seeking', 'frequent'])[1 + number % 3]"},
                bought,
            )
            category = "(array['GROCERY', 'DRUG GM', 'PRODUCE', 'DELI'])[1 + number % 4]"
            put("features.customer_basket", {**own, "top_category_365d": category}, bought)
            put(
                "features.customer_service",
                {**own, "count_complaints_open": "case when number % 200 = 0 then 1 else 0 end"},
                bought,
            )
            put(
                "scores.warning",
                {**own, "warning": "'overdue'", "sentence_en": "'overdue'", "sentence_zh": "'逾期'"},
                f"{bought} and number % 5 = 0",
            )
            replenishment = {**own, "product_key": f"1 + number % {PRODUCTS}", "days_until_expected": "cast(y * 60 as integer)"}
            task = {**own, "play": "'regular_call_back'", "account_owner": "'owner' || number % 50", "title_en": "'Call'"}
            put("campaigns.staff_task", task, f"{bought} and number % 50 = 0")
            put("scores.replenishment", replenishment, f"{bought} and number % 3 = 0")
        connection.execute(sa.text(_PRODUCTS), {"products": PRODUCTS})
        orders = max(1, int(CUSTOMERS * ORDERS_PER_CUSTOMER_AND_DAY))
        connection.execute(sa.text(_ORDERS.replace("::", "\\:\\:")), {"customers": CUSTOMERS, "orders": orders, "last": LAST})
        connection.execute(sa.text(_LINES.replace("::", "\\:\\:")), {"products": PRODUCTS})
        connection.exec_driver_sql("update core.customer set account_owner = 'Lin Wei' where account_owner = 'owner7'")
        connection.exec_driver_sql("update segments.tag set tags = array['regular', 'app'], geographic_tags = array['tier_1']")
    _vacuum(warehouse)


def _publish(warehouse: Warehouse) -> None:
    """Record what was written as published."""
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into ops.published (table_name, slice_key, token, rows, run_id, published_at) "
                "select name, cast(day as text), 1, 1, 'bench', now() from unnest(cast(:tables as text[])) as name, "
                "unnest(cast(:days as date[])) as day"
            ),
            {"tables": sorted({*SLICES, *MORE}), "days": [FIRST, LAST]},
        )


def _year(warehouse: Warehouse) -> None:
    """Copy groups back over a year (days of five weeks, then first days of months), and write KPIs for the same dates."""
    from retention.warehouse import ensure_partitions, load_contract

    months = [date(FIRST.year - (month > FIRST.month), month, 1) for month in range(1, 13)]
    days = sorted({LAST, *(FIRST - timedelta(days=back) for back in range(35)), *(day for day in months if day < FIRST)})
    for table in ("bi.kpi_value", "bi.group_profile_value"):
        for day in days:
            ensure_partitions(warehouse, [table], day)
    kpis = list(load_contract("bi.kpi_value").column("kpi").extra["values"])
    columns = [name for name in load_contract("bi.group_profile_value").column_names if name != "as_of_date"]
    listed = ", ".join(f'"{name}"' for name in columns)
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                f"insert into bi.group_profile_value (as_of_date, {listed}) select day, {listed} from bi.group_profile_value, "
                "unnest(cast(:days as date[])) as day where as_of_date = :last"
            ),
            {"days": [day for day in days if day not in (FIRST, LAST)], "last": LAST},
        )
        connection.execute(sa.text(_KPIS), {"days": days, "kpis": kpis})
