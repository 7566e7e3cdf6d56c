"""A history for the benchmark of the features, written into core by PostgreSQL itself: many buy little, few buy much."""

from __future__ import annotations

from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import Warehouse

AS_OF = date(2026, 3, 31)
_INDEXED = ("core.order_header", "core.order_entry", "core.order_line", "core.interaction")


def make(warehouse: Warehouse, customers: int, orders: int) -> None:
    """Write three years of history up to the day before ``AS_OF``.

    Indexes are taken off and put back: a load into sorted order, as a first load of years would be done.
    """
    binds = {"customers": customers, "orders": orders}
    with warehouse.begin() as connection:
        connection.exec_driver_sql("set local statement_timeout = 0")
        connection.exec_driver_sql("set local session_replication_role = replica")  # no log of a first load
        connection.exec_driver_sql("set local maintenance_work_mem = '1GB'")
        connection.exec_driver_sql("set local work_mem = '512MB'")
        indexes = _take_off(connection)
        for statement in _HISTORY:
            connection.execute(sa.text(statement), binds)
        for statement in indexes:
            connection.exec_driver_sql(statement)
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("set statement_timeout = 0")
        connection.exec_driver_sql("vacuum analyze")


def latest(warehouse: Warehouse, orders: int) -> date:
    """Return the date as of which all is known that has happened so far in a history of so many orders."""
    with warehouse.connect() as connection:
        last = connection.exec_driver_sql("select max(order_key) from core.order_header").scalar_one()
    return AS_OF + timedelta(days=(last - orders) // (orders // 1000))


def next_day(warehouse: Warehouse, customers: int, orders: int, today: date) -> None:
    """Write a day: new orders, late rows of the weeks before, cancellations, returns, touches, complaints."""
    days, daily = (today - AS_OF).days, orders // 1000
    binds = {
        "customers": customers, "orders": orders, "first": orders + days * daily + 1, "last": orders + (days + 1) * daily,
        "today": f"{today} 00:00+08", "days": days,
    }  # fmt: skip
    with warehouse.begin() as connection:
        for statement in _DAY:
            connection.execute(sa.text(statement), binds)
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("analyze core.order_entry, core.order_header, core.order_line, core.interaction")


def _take_off(connection: Connection) -> list[str]:
    put_back = []
    for table in _INDEXED:
        keys = connection.execute(
            sa.text(
                "select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = cast(:t as regclass) "
                "and contype = 'p'"
            ),
            {"t": table},
        ).all()
        others = connection.execute(
            sa.text(
                "select cast(indexrelid as regclass), pg_get_indexdef(indexrelid) from pg_index "
                "where indrelid = cast(:t as regclass) and not indisprimary"
            ),
            {"t": table},
        ).all()
        for name, definition in keys:
            connection.exec_driver_sql(f"alter table {table} drop constraint {name}")
            put_back.append(f"alter table {table} add constraint {name} {definition}")
        for name, definition in others:
            connection.exec_driver_sql(f"drop index {name}")
            put_back.append(definition)
    return put_back


def _random(seed: int, of: str = "n") -> str:
    """A number in [0, 1) that is the same in every run."""
    return f"((hashint8extended({of}, {seed}) & 9007199254740991) / 9007199254740992.0::float8)"


_START = "timestamptz '2023-03-31 00:00+08'"
_DAYS = 1096
_KEY = "hashint8extended(floor(:customers * power({random}, 1.8))::bigint, 7)"
_LINEAGE = "'shop' as source, 1 as batch_id, {at} as updated_at, false as is_simulated"
_ORDERS = (
    "create temporary table o on commit drop as select n as order_key, {key} as customer_key, {at} as at, "
    "(500 + 20000 * power({amount}, 3))::bigint as gross, (n % 4 = 0)::int * 100 as discount, n % 13 = 0 as has_coupon, "
    "(array['app', 'store', 'web'])[1 + n % 3] as channel from generate_series({first}, {last}) as n"
)
_HEADERS = (
    "insert into core.order_header (order_key, source_customer_key, customer_key, order_id, ordered_at, paid_at, currency, fx_rate, "
    "gross_minor, discount_minor, net_minor, refund_minor, gross_original, discount_original, refund_original, channel, "
    "coupon_code, source, batch_id, updated_at, is_simulated) select order_key, customer_key, customer_key, 'o' || order_key, at, "
    "at, 'CNY', 1, gross, discount, gross - discount, 0, gross / 100.0, discount / 100.0, 0, channel, "
    f"case when has_coupon then 'SPRING' end, {_LINEAGE.format(at='at')} from o order by customer_key, at"
)
_ENTRIES = (
    "insert into core.order_entry (order_key, kind, sequence, customer_key, happened_at, order_count, gross_minor, discount_minor, "
    "net_minor, order_number, days_since_previous_order, previous_paid_at, source, batch_id, updated_at, is_simulated) select "
    "order_key, 'paid', 1, customer_key, at, 1, gross, discount, gross - discount, row_number() over by_time, round(extract(epoch "
    f"from at - lag(at) over by_time)::numeric / 86400, 6), lag(at) over by_time, {_LINEAGE.format(at='at')} from o window by_time as (partition by customer_key order by at, "
    "order_key)"
)
_LINES = (
    "insert into core.order_line (order_key, line_number, customer_key, product_key, category_1, category_2, happened_at, quantity, "
    "unit_price_minor, gross_minor, discount_minor, net_minor, unit_price_original, discount_original, returned_quantity, "
    "returned_at, source, batch_id, updated_at, is_simulated) select order_key, 1, customer_key, order_key % 5000, 'c' || order_key "
    "% 9, 'd' || order_key % 40, at, 1, gross, gross, discount, gross - discount, gross / 100.0, discount / 100.0, "
    "(order_key % 20 = 0)::int, case when order_key % 20 = 0 then least(at + interval '4 days', greatest(at, timestamptz '2026-03-30 23:00+08')) end, "
    f"{_LINEAGE.format(at='at')} from o order by customer_key, at"
)
_HISTORY = [
    "insert into core.customer (customer_key, valid_from, customer_kind, member_since, is_test, is_staff, source, batch_id, "
    f"updated_at, is_simulated) select hashint8extended(n, 7), {_START}, 'consumer', {_START}, false, false, "
    f"{_LINEAGE.format(at=_START)} from generate_series(0, cast(:customers as bigint) - 1) as n order by 1",
    _ORDERS.format(
        key=_KEY.format(random=_random(1)),
        at=f"{_START} + {_random(2)} * interval '{_DAYS} days'",
        amount=_random(3),
        first="1",
        last="cast(:orders as bigint)",
    ),
    _HEADERS,
    _ENTRIES,
    # Three in a hundred: one is cancelled, two are refunded in half.
    "insert into core.order_entry (order_key, kind, sequence, customer_key, happened_at, order_count, gross_minor, discount_minor, "
    "net_minor, source, batch_id, updated_at, is_simulated) select order_key, case when order_key % 99 = 0 then 'cancelled' else "
    "'refunded' end, 1, customer_key, least(at + interval '3 days', timestamptz '2026-03-30 23:00+08'), -(order_key % 99 = 0)::int, "
    f"-gross / 2, 0, -gross / 2, {_LINEAGE.format(at='at')} from o where order_key % 33 = 0",
    _LINES,
    "insert into core.complaint (complaint_key, valid_from, version_at, complaint_id, source_customer_key, customer_key, severity, "
    "opened_at, acknowledged_at, first_replied_at, resolved_at, compensation_minor, satisfaction, satisfaction_at, source, "
    "batch_id, updated_at, is_simulated) select order_key, opened, opened, 'k' || order_key, customer_key, customer_key, "
    "(array['minor', 'medium', 'severe'])[1 + order_key % 3], opened, opened + interval '50 minutes', opened + interval '20 hours', "
    "opened + interval '3 days', 500, 1 + order_key % 5, opened + interval '4 days', "
    f"{_LINEAGE.format(at='opened')} from (select *, least(at, timestamptz '2026-03-25 00:00+08') as opened from o where order_key % 67 = 0) as cases",
    "insert into core.interaction (interaction_key, source_customer_key, customer_key, happened_at, channel, kind, direction, "
    "dwell_seconds, source, batch_id, updated_at, is_simulated) select n, key, key, at, (array['app', 'phone', 'wechat', 'email'])"
    "[1 + n % 4], (array['visit', 'click', 'open', 'page_view'])[1 + n % 4], 'in', n % 300, "
    f"{_LINEAGE.format(at='at')} from (select n, {_KEY.format(random=_random(4))} as key, timestamptz '2026-03-31 00:00+08' - "
    f"{_random(5)} * interval '420 days' as at from generate_series(1, 2 * cast(:customers as bigint)) as n) as touches "
    "order by key, at",
    "insert into core.survey_answer (answer_key, source_customer_key, customer_key, happened_at, instrument, score, source, "
    "batch_id, updated_at, is_simulated) select n, key, key, at, (array['nps', 'csat'])[1 + n % 2], 1 + n % 5, "
    f"{_LINEAGE.format(at='at')} from (select n, {_KEY.format(random=_random(6))} as key, timestamptz '2026-03-31 00:00+08' - "
    f"{_random(7)} * interval '500 days' as at from generate_series(1, cast(:customers as bigint) / 5) as n) as answers",
    "insert into core.campaign_event (event_key, source_customer_key, customer_key, campaign, channel, kind, happened_at, source, "
    "batch_id, updated_at, is_simulated) select n, key, key, 'welcome', 'email', (array['sent', 'opened'])[1 + n % 2], at, "
    f"{_LINEAGE.format(at='at')} from (select n, {_KEY.format(random=_random(8))} as key, timestamptz '2026-03-31 00:00+08' - "
    f"{_random(9)} * interval '150 days' as at from generate_series(1, cast(:customers as bigint)) as n) as events",
    "insert into core.points_entry (entry_key, source_customer_key, customer_key, kind, points, happened_at, expires_at, source, "
    "batch_id, updated_at, is_simulated) select n, key, key, 'earned', 10 + n % 90, at, at + interval '400 days', "
    f"{_LINEAGE.format(at='at')} from (select n, {_KEY.format(random=_random(10))} as key, timestamptz '2026-03-31 00:00+08' - "
    f"{_random(11)} * interval '500 days' as at from generate_series(1, cast(:customers as bigint) / 2) as n) as points",
]
_TODAY = "cast(:today as timestamptz)"
_DAY = [
    _ORDERS.format(
        key=_KEY.format(random=_random(1)),
        # nine in ten of today, one in ten late
        at=f"{_TODAY} + {_random(2)} * interval '23 hours' - (n % 10 = 0)::int * interval '20 days'",
        amount=_random(3),
        first="cast(:first as bigint)",
        last="cast(:last as bigint)",
    ),
    _HEADERS,
    _ENTRIES,
    _LINES,
    # Orders of the weeks before are cancelled today.
    "insert into core.order_entry (order_key, kind, sequence, customer_key, happened_at, order_count, gross_minor, discount_minor, "
    "net_minor, source, batch_id, updated_at, is_simulated) select order_key, 'cancelled', 2, customer_key, "
    f"{_TODAY} + interval '9 hours', -1, -gross_minor, -discount_minor, -net_minor, 'shop', 1, {_TODAY}, false "
    "from core.order_entry where kind = 'paid' and order_key % 33 > 0 and order_key > :days * (cast(:orders as bigint) / 2000) "
    "and order_key <= (:days + 1) * (cast(:orders as bigint) / 2000)",
    "insert into core.interaction (interaction_key, source_customer_key, customer_key, happened_at, channel, kind, direction, "
    "dwell_seconds, source, batch_id, updated_at, is_simulated) select cast(:first as bigint) + n, key, key, at, 'app', 'visit', "
    f"'in', 5, {_LINEAGE.format(at='at')} from (select n, {_KEY.format(random=_random(12))} as key, {_TODAY} + "
    f"{_random(13)} * interval '23 hours' as at from generate_series(1, cast(:customers as bigint) / 50) as n) as touches",
    f"update core.complaint set satisfaction = 5 where opened_at >= {_TODAY} - interval '2 days'",
]
