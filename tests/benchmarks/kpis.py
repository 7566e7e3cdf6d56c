"""All KPIs, effects of plays and of the programme, cohorts and funnels: the first time with a year behind it, and on the next day.

``BENCH_CUSTOMERS`` sets the size (50,000 unless told; a million takes about half an hour, most of it to write the company). Every
customer has twenty orders in three years and was handed out or held back by five promotions in the last one; a twentieth are in the
universal control group. The next day brings its orders, hand-outs and feedback, and a few orders that come late.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from unittest import mock

import sqlalchemy as sa
from rich.console import Console

from retention.deployment import Secrets
from retention.settings import Settings
from retention.warehouse import Attempt, Run, StageWriter, Warehouse, migrate
from retention.warehouse.embedded import EmbeddedPostgres
from tests.benchmarks import campaigns
from tests.benchmarks.features import Clock

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "50000"))
FIRST = campaigns.FIRST
AIMS = {FIRST: "60 s", FIRST + timedelta(days=1): "10 s"}
ORDERS, DELIVERIES, YEARS = 20, 5, 3

_ORDERS = """
insert into core.order_entry (
    order_key, kind, sequence, customer_key, happened_at, order_count, gross_minor, discount_minor, net_minor, order_number,
    days_since_previous_order, source, batch_id, updated_at, is_simulated
)
select
    number * 100 + place, 'paid', 1, customer_key,
    cast(:day as timestamp) at time zone 'Asia/Shanghai' - interval '1 second' * (power(random(), 1.2) * :span),
    1, order_minor, 0, cast(order_minor * (0.5 + random()) as bigint), place, case when place > 1 then 40 end, 'sales', 1,
    timestamptz '2026-01-01', false
from bench.person
cross join generate_series(1, :orders) as place
where stage <> 'prospect'
"""
_HANDED_OUT = """
insert into campaigns.delivery (
    send_key, play, customer_key, kind, period_key, channel, is_capped, offer, offer_terms, content_key, service_tier, reasons_en,
    reasons_zh, cost_minor, expected_cost_minor, as_of_date, valid_from, valid_until, sync_id, delivered_at
)
select
    play || '|' || channel || '|' || period || '|' || customer_key, play, customer_key, 'promotional', period, channel, true, 'none',
    '{{}}', play, 'ordinary', 'orders in the last year: 3; predicted value of twelve months: 1,200.00', '近一年订单数：3；预测价值：1,200.00',
    5, 25.0, started_on, cast(started_on as timestamptz), cast(started_on as timestamptz) + interval '14 days',
    started_on - date '2020-01-01', cast(started_on as timestamptz)
from ({drawn}) as drawn
where not is_control
"""
_HELD_BACK = """
insert into campaigns.holdout (play, period_key, customer_key, bucket, share, assigned_on)
select play, period, customer_key, 0.05, 0.1, started_on
from ({drawn}) as drawn
where is_control
"""
_DRAWN = """
    select
        customer_key, 'play' || place as play, to_char(started_on, 'YYYY-MM-DD') as period, started_on,
        (array['email', 'sms', 'app'])[place % 3 + 1] as channel, mod(abs(hashint8extended(number, place)), 10) = 0 as is_control
    from (
        select
            customer_key, number, place,
            cast(:day as date) - 1 - cast(mod(abs(hashint8extended(number, 100 + place)), :days) as integer) as started_on
        from bench.person
        cross join generate_series(1, :deliveries) as place
        where mod(number, :part) = 0
    ) as spread
"""
_EVENTS = """
insert into core.campaign_event (
    event_key, source_customer_key, customer_key, campaign, channel, kind, send_key, happened_at, source, batch_id, updated_at,
    is_simulated
)
select
    hashtextextended(send_key || step, 1), customer_key, customer_key, play, channel, step, send_key, valid_from + interval '10 hours',
    'marketing', 0, valid_from, false
from campaigns.delivery
cross join (values ('sent'), ('delivered'), ('clicked')) as told (step)
where as_of_date >= :since and (step <> 'clicked' or mod(abs(customer_key), 12) = 0)
on conflict do nothing
"""


def measure(server: EmbeddedPostgres, console: Console) -> tuple[str, list[str], list[tuple[object, ...]]]:
    databases = ["kpis"]
    server.ensure_databases(databases)
    warehouse = Warehouse(server.url("kpis"))
    migrate(warehouse, "warehouse")
    began = time.perf_counter()
    campaigns.load(warehouse, CUSTOMERS)
    _history(warehouse)
    console.print(f"{CUSTOMERS:,} customers with their history written in {time.perf_counter() - began:.0f} s")
    clock = Clock(warehouse)
    rows: list[tuple[object, ...]] = []
    for day, aim in AIMS.items():
        if day != FIRST:
            _next_day(warehouse, day)
        spent: Counter[str] = Counter()
        start, busy = time.perf_counter(), clock.busy()
        with _timed(spent):
            counts = _measure(warehouse, day)
        rows.append((str(day), "all", time.perf_counter() - start, clock.busy() - busy, f"{sum(_whole(counts)):,}", aim))
        rows.extend((str(day), f"  {step}", seconds, "", "", "") for step, seconds in spent.most_common(14))
    warehouse.dispose()
    return f"KPIs and results of {CUSTOMERS:,} customers", ["as of", "what", "wall s", "CPU s", "rows", "aim"], rows


def _whole(counts: dict[str, Any]) -> list[int]:
    return [value for value in counts.values() if isinstance(value, int)]


def _measure(warehouse: Warehouse, day: date) -> dict[str, Any]:
    from retention.measurement import measure as measure_day

    attempt = Attempt("bench", f"bench-{day}", "measure")
    return measure_day(Run(day - timedelta(days=1), warehouse, Settings(), attempt, Secrets(b"x" * 32)))


@contextmanager
def _timed(spent: Counter[str]) -> Iterator[None]:
    """Time the steps of a measurement from outside."""
    from retention.measurement.effects import units

    module = sys.modules["retention.measurement.measure"]  # the package's function has the same name

    def clocked(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
        def call(*args: Any, **given: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*args, **given)
            finally:
                title = name or str(args[1])
                if name is None and title == "bi.kpi_value":
                    title += " " + str(args[2])[:40].splitlines()[0].removeprefix("-- ")
                spent[title] += time.perf_counter() - began

        return call

    steps = [
        (StageWriter, "fill_select", None), (StageWriter, "fill_arrow", None), (StageWriter, "publish", "publish"),
        (module, "programme_effects", "programme"), (module, "play_effects", "effects of plays"), (units, "_fill_units", "units"),
        (units, "_make_scope", "units: whose facts changed"), (units, "_publish", "units: publish and sums"),
        (module, "record_outcomes", "outcomes of scores"), (module, "fill_restatements", "restatements"),
    ]  # fmt: skip
    patches = [mock.patch.object(owner, name, clocked(getattr(owner, name), title)) for owner, name, title in steps]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def _history(warehouse: Warehouse) -> None:
    """Write three years of orders and a year of promotion."""
    binds = {"day": FIRST, "orders": ORDERS, "deliveries": DELIVERIES, "days": 365, "part": 1}
    with warehouse.begin() as connection:
        connection.exec_driver_sql("set local work_mem = '256MB'")
        connection.exec_driver_sql("select setseed(0.5)")
        connection.exec_driver_sql("alter table core.order_entry disable trigger user")
        indexes = connection.exec_driver_sql(
            "select indexname, indexdef from pg_indexes where schemaname = 'core' and tablename = 'order_entry' "
            "and indexname not in (select conname from pg_constraint where conrelid = cast('core.order_entry' as regclass))"
        ).all()
        for name, _ in indexes:
            connection.exec_driver_sql(f"drop index core.{name}")
        connection.execute(sa.text(_ORDERS), {**binds, "span": YEARS * 365 * 86_400})
        for _, definition in indexes:
            connection.exec_driver_sql(definition)
        connection.exec_driver_sql("alter table core.order_entry enable trigger user")
        connection.exec_driver_sql(
            "insert into segments.tier_move (customer_key, as_of_date, to_tier, value_class, reason, tier_probability) "
            "select customer_key, date '2025-01-01', service_tier, 'x', 'x', 1 from segments.tier"
        )
        connection.execute(
            sa.text(
                "insert into campaigns.push_receipt (sync_id, business_date, token, rows_added, rows_updated, rows_removed, "
                "tasks_added, tasks_withdrawn, checksum) select day - date '2020-01-01', day - 1, 1, 0, 0, 0, 0, 0, 'x' "
                "from (select cast(:day as date) - 1 - place as day from generate_series(0, 365) as place) as days"
            ),
            binds,
        )
        for statement in (_HANDED_OUT, _HELD_BACK):
            connection.execute(sa.text(statement.format(drawn=_DRAWN)), binds)
        connection.exec_driver_sql(
            "insert into campaigns.holdout (play, period_key, customer_key, bucket, share, assigned_on) "
            "select '*', '2026', customer_key, 0.01, 0.05, date '2026-01-01' from bench.person where mod(number, 20) = 3"
        )
        connection.execute(sa.text(_EVENTS), {"since": FIRST - timedelta(days=60)})
    campaigns._vacuum(warehouse)


def _next_day(warehouse: Warehouse, day: date) -> None:
    """A day of orders, hand-outs, feedback, and a few orders of the days before that come late."""
    campaigns.carry_on(warehouse, day)
    share = max(1, YEARS * 365 // ORDERS)
    binds = {"day": day, "orders": 1, "deliveries": DELIVERIES, "days": 1, "part": 365}
    one = _ORDERS.replace("number * 100 + place", "number * 100 + 90 + place") + " and mod(number, :share) = 1"
    with warehouse.begin() as connection:
        connection.execute(sa.text(one), {**binds, "span": 86_400, "share": share})
        late = one.replace("+ 90", "+ 95").replace("mod(number, :share) = 1", "mod(number, :share) = 2")
        connection.execute(sa.text(late), {**binds, "span": 3 * 86_400, "share": share * 100})
        connection.execute(
            sa.text(
                "insert into campaigns.push_receipt (sync_id, business_date, token, rows_added, rows_updated, rows_removed, "
                "tasks_added, tasks_withdrawn, checksum) values (:sync_id, :business_date, 1, 0, 0, 0, 0, 0, 'x')"
            ),
            {"sync_id": (day - date(2020, 1, 1)).days - 1, "business_date": day - timedelta(days=2)},
        )
        for statement in (_HANDED_OUT, _HELD_BACK):
            connection.execute(sa.text(statement.format(drawn=_DRAWN)), binds)
        connection.execute(sa.text(_EVENTS), {"since": day - timedelta(days=1)})
