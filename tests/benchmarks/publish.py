"""An incremental day on a long history: conforming and publishing 20,000 orders, their lines, customers and complaints.

``RETENTION_BENCH_ORDERS`` sets the history (2,000,000 unless told; a tenth as many customers). Each statement that takes long
is named: what a day costs must follow the day and not the history. Extraction and validation are not in it.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rich.console import Console

from retention.conform import publish_core
from retention.deployment import Secrets
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse, migrate
from retention.warehouse.embedded import EmbeddedPostgres

ORDERS = int(os.environ.get("RETENTION_BENCH_ORDERS", "2000000"))
DAY_ORDERS = 20_000
DAYS = (date(2026, 3, 30), date(2026, 3, 31))


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    server.ensure_databases(["publish"])
    warehouse = Warehouse(server.url("publish"))
    migrate(warehouse, "warehouse")
    started = time.perf_counter()
    with warehouse.begin() as connection:
        connection.exec_driver_sql("set local statement_timeout = 0")
        for statement in _HISTORY:
            connection.execute(sa.text(statement), {"orders": ORDERS})
    _execute(warehouse, "vacuum analyze")
    console.print(f"history of {ORDERS:,} orders made in {time.perf_counter() - started:.0f} s")
    rows: list[tuple[object, ...]] = []
    spent: Counter[str] = Counter()
    server_cpu: dict[int, list[float]] = {}

    def before(connection: sa.Connection, cursor: Any, statement: str, parameters: object, context: Any, many: bool) -> None:
        pid = cursor.connection.info.backend_pid
        server_cpu.setdefault(pid, [_cpu_seconds(pid)] * 2)
        context.began = time.perf_counter()

    def after(connection: sa.Connection, cursor: Any, statement: str, parameters: object, context: Any, many: bool) -> None:
        pid = cursor.connection.info.backend_pid
        server_cpu[pid][1] = _cpu_seconds(pid)
        spent[" ".join(statement.split())[:70]] += time.perf_counter() - context.began

    sa.event.listen(warehouse.engine, "before_cursor_execute", before)
    sa.event.listen(warehouse.engine, "after_cursor_execute", after)
    for number, day in enumerate(DAYS):
        _land(warehouse, day, number)
        spent.clear()
        server_cpu.clear()
        began, own = time.perf_counter(), time.process_time()
        written = publish_core(
            Run(day, warehouse, Settings(), Attempt("bench", f"run-{day}", "publish", 1), Secrets(b"x" * 32))
        )
        seconds, own = time.perf_counter() - began, time.process_time() - own
        database = sum(last - first for first, last in server_cpu.values())
        rows.append((day.isoformat(), "publish core", seconds, own, database))
        slowest = [(text, took) for text, took in spent.most_common(13) if "ops.lease" not in text]  # which waits, renewing
        rows += [(day.isoformat(), f"  {text}", took, "", "") for text, took in slowest]
        console.print(f"{day}: {sum(v for k, v in written.items() if '.' in k and isinstance(v, int)):,} rows written")
    warehouse.dispose()
    return (
        f"{DAY_ORDERS:,} orders of a day on {ORDERS:,} orders and {ORDERS // 10:,} customers",
        ["business day", "what", "s", "CPU s of the process", "CPU s of the database"],
        rows,
    )


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _execute(warehouse: Warehouse, statement: str) -> None:
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(statement)


def _land(warehouse: Warehouse, day: date, number: int) -> None:
    """Land a validated day: new orders and changed ones, their lines, changed and new customers, complaints, touches."""
    with warehouse.begin() as connection:
        for entity, rows in _DAY.items():
            batch = connection.execute(
                sa.text(
                    "insert into ops.batch (source, entity, business_date, run_id, state, rows_extracted, rows_valid, landed_at) "
                    "values ('shop', :entity, :day, 'bench', 'validated', 0, 0, now()) returning batch_id"
                ),
                {"entity": entity, "day": day},
            ).scalar_one()
            connection.execute(
                sa.text(rows),
                {
                    "batch": batch,
                    "day": day.isoformat(),
                    "orders": ORDERS,
                    "first": ORDERS + number * DAY_ORDERS,
                    "rows": DAY_ORDERS,
                },
            )
        connection.exec_driver_sql(
            'analyze landing."order", landing.order_line, landing.customer, landing.complaint, landing.interaction'
        )


_KEY = "('x' || encode(substr(sha256(convert_to('shop' || chr(31) || {}, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint"
_ORDER_KEY = _KEY.format("('o' || n)")
_PRODUCT_KEY = _KEY.format("('p' || n)")
_COMMON = "'shop' as source, 1 as batch_id, {at} as updated_at, null::timestamptz as deleted_at, false as is_simulated"
_AT = "timestamptz '2023-01-01 00:00+08' + (n % 1180) * interval '1 day' + (n % 80000) * interval '1 second'"

# Customer n has the key n; order n belongs to customer n % customers, and has one or two lines.
_HISTORY = [
    "insert into ops.batch (source, entity, business_date, run_id, state, rows_extracted, rows_valid, landed_at, published_at) "
    "select 'shop', entity, date '2026-03-29', 'bench', 'published', 1, 1, now(), now() "
    "from unnest(array['customer', 'product', 'order']) as entity",
    f"insert into core.product (product_key, product_id, valid, name, category_1, category_2, is_replenishable, source, batch_id, "
    f"updated_at, is_simulated) select {_PRODUCT_KEY}, 'p' || n, true, 'p' || n, 'c' || n % 9, 'd' || n % 40, true, 'shop', 1, "
    "timestamptz '2023-01-01 00:00+08', false from generate_series(0, 4999) as n",
    "insert into pii.source_customer (source_customer_key, source, customer_id, customer_key, source_created_at, name, "
    "email_normalised, batch_id, updated_at, is_simulated) select n, 'shop', 'c' || n, n, timestamptz '2022-01-01 00:00+08', "
    "'Name ' || n, 'c' || n || '@example.com', 1, timestamptz '2022-01-01 00:00+08', false "
    "from generate_series(0, cast(:orders as bigint) / 10 - 1) as n",
    "insert into core.customer_alias (source_customer_key, customer_key, rule, linked_at) "
    "select source_customer_key, customer_key, 'alone', now() from pii.source_customer",
    "insert into core.customer_source (source_customer_key, version_at, customer_kind, member_since, is_test, is_staff, source, "
    "batch_id, updated_at, is_simulated) select source_customer_key, updated_at, 'consumer', updated_at, false, false, 'shop', 1, "
    "updated_at, false from pii.source_customer",
    "insert into core.customer (customer_key, valid_from, customer_kind, member_since, is_test, is_staff, source, batch_id, "
    "updated_at, is_simulated) select customer_key, updated_at, 'consumer', updated_at, false, false, 'shop', 1, updated_at, false "
    "from pii.source_customer",
    f"create temporary table o on commit drop as select {_ORDER_KEY} as order_key, n, n % (cast(:orders as bigint) / 10) as customer, "
    f"{_AT} as at from generate_series(0, cast(:orders as bigint) - 1) as n",
    "insert into core.order_header (order_key, source_customer_key, customer_key, order_id, ordered_at, paid_at, currency, fx_rate, "
    "gross_minor, discount_minor, net_minor, refund_minor, gross_original, discount_original, refund_original, source, batch_id, "
    "updated_at, is_simulated) select order_key, customer, customer, 'o' || n, at, at, 'CNY', 1, 10000, 0, 10000, 0, 100, 0, 0, "
    "'shop', 1, at, false from o order by customer, at",
    "insert into core.order_version (order_key, version_at, ordered_at, paid_at, currency, gross_original, discount_original, "
    "refund_original, source, batch_id, updated_at, is_simulated) select order_key, at, at, at, 'CNY', 100, 0, 0, 'shop', 1, at, false from o",
    "insert into core.order_entry (order_key, kind, sequence, customer_key, happened_at, order_count, gross_minor, discount_minor, "
    "net_minor, order_number, days_since_previous_order, source, batch_id, updated_at, is_simulated) "
    "select order_key, 'paid', 1, customer, at, 1, 10000, 0, 10000, row_number() over by_time, "
    "round(extract(epoch from at - lag(at) over by_time)::numeric / 86400, 6), 'shop', 1, at, false from o "
    "window by_time as (partition by customer order by at, order_key)",
    f"insert into core.order_line (order_key, line_number, customer_key, product_key, category_1, category_2, happened_at, quantity, "
    f"unit_price_minor, gross_minor, discount_minor, net_minor, unit_price_original, discount_original, returned_quantity, source, "
    f"batch_id, updated_at, is_simulated) select order_key, 1, customer, {_PRODUCT_KEY.replace('|| n', '|| n % 5000')}, 'c', 'd', at, 1, "
    "10000, 10000, 0, 10000, 100, 0, 0, 'shop', 1, at, false from o order by customer, at",
    "insert into core.interaction (interaction_key, source_customer_key, customer_key, happened_at, channel, kind, source, batch_id, "
    "updated_at, is_simulated) select order_key, customer, customer, at, 'web', 'visit', 'shop', 1, at, false from o order by customer, at",
]

_DAY = {
    "customer": "insert into landing.customer (batch_id, position, customer_id, name, email, created_at, updated_at) "
    "select :batch, n, 'new' || cast(:first as text) || n, 'Person ' || md5(n::text), "
    "case when n <= 1000 then 'c' || n * 7 || '@example.com' else cast(:first as text) || n || '@new.example.com' end, '2026-01-01T00:00:00+08:00', "
    "cast(:day as text) || 'T09:00:00+08:00' from generate_series(1, 2000) as n",
    "order": 'insert into landing."order" (batch_id, position, order_id, customer_id, ordered_at, paid_at, gross_amount, updated_at, '
    "cancelled_at) select :batch, n, 'o' || number, 'c' || number % (cast(:orders as bigint) / 10), at, at, '100.00', "
    "cast(:day as text) || 'T12:00:00+08:00', case when n % 10 = 0 then cast(:day as text) || 'T12:00:00+08:00' end from ("
    # nine in ten are new; the others were paid long ago and are cancelled now
    "select n, case when n % 10 = 0 then n * 3 else cast(:first as bigint) + n end as number, "
    "cast(:day as text) || 'T10:00:00+08:00' as at from generate_series(1, cast(:rows as bigint)) as n) as numbered",
    "order_line": "insert into landing.order_line (batch_id, position, order_id, line_number, product_id, quantity, unit_price, "
    "updated_at, returned_quantity, returned_at) select :batch, n, 'o' || case when n % 10 = 0 then n * 7 else cast(:first as bigint) "
    "+ n end, '1', 'p' || n % 5000, '1', '100.00', cast(:day as text) || 'T12:00:00+08:00', case when n % 20 = 0 then '1' end, "
    "case when n % 20 = 0 then cast(:day as text) || 'T11:00:00+08:00' end "
    "from generate_series(1, cast(:rows as bigint)) as n where n % 10 > 0 or n * 7 < cast(:orders as bigint)",
    "complaint": "insert into landing.complaint (batch_id, position, complaint_id, customer_id, order_id, severity, opened_at, "
    "updated_at) select :batch, n, :day || n, 'c' || n, 'o' || n, 'minor', cast(:day as text) || 'T10:00:00+08:00', "
    "cast(:day as text) || 'T12:00:00+08:00' from generate_series(1, 200) as n",
    "interaction": "insert into landing.interaction (batch_id, position, interaction_id, customer_id, kind, channel, occurred_at, "
    "updated_at) select :batch, n, :day || n, 'c' || n * 3, 'visit', 'web', cast(:day as text) || 'T10:00:00+08:00', "
    "cast(:day as text) || 'T12:00:00+08:00' from generate_series(1, 20000) as n where n * 3 < cast(:orders as bigint) / 10",
}
