"""A company for the benchmark of the measurement: made, given a further day, and brought back to where nothing was measured.

Every customer has twenty orders in three years and was handed out or held back by five promotions in the last one; a twentieth are
in the universal control group.
"""

from __future__ import annotations

from datetime import date, timedelta

import sqlalchemy as sa

from retention.warehouse import Warehouse, all_contracts, partition_name
from tests.benchmarks.campaigns import FIRST, SLICES, carry_on, load
from tests.benchmarks.campaigns import _vacuum as vacuum

ORDERS, DELIVERIES, YEARS = 20, 5, 3

_ORDERS = """
insert into core.order_entry (
    order_key, kind, sequence, customer_key, happened_at, order_count, gross_minor, discount_minor, net_minor, order_number,
    days_since_previous_order, source, batch_id, updated_at, is_simulated
)
select
    number * 100 + place, 'paid', 1, customer_key,
    cast(:day as timestamp) at time zone 'Asia/Shanghai' - interval '1 second' * (power(random(), 1.2) * :span) as happened_at,
    1, order_minor, 0, cast(order_minor * (0.5 + random()) as bigint), place, case when place > 1 then 40 end, 'sales', 1,
    timestamptz '2026-01-01', false
from bench.person
cross join generate_series(1, :orders) as place
where stage <> 'prospect'{more}
order by happened_at -- as it is delivered, day by day
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
order by drawn.started_on
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
order by delivery.valid_from
on conflict do nothing
"""

_MEASURED = (
    "campaigns.effect_unit", "campaigns.effect_sum", "campaigns.effect_spend", "campaigns.budget_change", "ops.effect_build",
    "ops.measured_day", "scores.outcome",
)  # fmt: skip
"""What a measurement keeps beside the slices of ``bi``."""
_TAKE_AWAY = (
    "delete from core.campaign_event where happened_at >= cast(:day as date)",
    "delete from campaigns.delivery where as_of_date >= :day",
    "delete from campaigns.holdout where assigned_on >= :day",
    "delete from campaigns.push_receipt where business_date >= cast(:day as date) - 1",
    "delete from core.order_entry where mod(order_key, 100) > 90",
    "delete from ops.touched",
)
"""What :func:`next_day` brought."""


def make(warehouse: Warehouse, customers: int) -> None:
    """Write the customers, three years of orders and a year of promotion."""
    load(warehouse, customers)
    binds = {"day": FIRST, "orders": ORDERS, "deliveries": DELIVERIES, "days": 365, "part": 1}
    with warehouse.begin() as connection:
        connection.exec_driver_sql("set local work_mem = '256MB'")
        connection.exec_driver_sql("select setseed(0.5)")
        connection.exec_driver_sql("update core.customer_alias set linked_at = timestamptz '2025-01-01'")  # not found out today
        connection.exec_driver_sql("alter table core.order_entry disable trigger user")
        indexes = connection.exec_driver_sql(
            "select indexname, indexdef from pg_indexes where schemaname = 'core' and tablename = 'order_entry' "
            "and indexname not in (select conname from pg_constraint where conrelid = cast('core.order_entry' as regclass))"
        ).all()
        for name, _ in indexes:
            connection.exec_driver_sql(f"drop index core.{name}")
        connection.execute(sa.text(_ORDERS.format(more="")), {**binds, "span": YEARS * 365 * 86_400})
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
        connection.execute(sa.text(_PUBLISHED), {"day": FIRST, "tables": list(SLICES)})
    vacuum(warehouse)


_PUBLISHED = """
insert into ops.published (table_name, slice_key, token, rows, run_id, published_at)
select name, cast(cast(:day as date) as text), 1, 1, 'bench', now() from unnest(cast(:tables as text[])) as name
on conflict do nothing
"""
"""What is told of a day is told anew only where its segments are published."""


def forget(warehouse: Warehouse) -> None:
    """Bring the company back to the first day: nothing measured, and nothing of the days after it known."""
    written = [
        name for name, contract in all_contracts().items() if contract.schema == "bi" and contract.kind in ("slice", "table")
    ]
    with warehouse.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = replica")  # nobody carries on from what is taken away
        connection.exec_driver_sql(f"truncate {', '.join((*written, *_MEASURED))}")
        connection.exec_driver_sql("delete from ops.published")
        connection.execute(sa.text(_PUBLISHED), {"day": FIRST, "tables": list(SLICES)})
        for table in SLICES:
            connection.exec_driver_sql(f"drop table if exists {partition_name(table, FIRST + timedelta(days=1))}")
        for statement in _TAKE_AWAY:
            connection.execute(sa.text(statement), {"day": FIRST})
    vacuum(warehouse)


def next_day(warehouse: Warehouse, day: date) -> None:
    """A day of orders, hand-outs, feedback, and a few orders of the days before that come late."""
    carry_on(warehouse, day)
    share = max(1, YEARS * 365 // ORDERS)
    binds = {"day": day, "orders": 1, "deliveries": DELIVERIES, "days": 1, "part": 365}
    one = _ORDERS.replace("number * 100 + place", "number * 100 + 90 + place").format(more=" and mod(number, :share) = 1")
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
        connection.execute(sa.text(_PUBLISHED), {"day": day, "tables": list(SLICES)})
