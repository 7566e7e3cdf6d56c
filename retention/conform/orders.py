"""Orders, their lines and the ledger that follows from them: only what a delivery touches is derived anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.conform.merge import upsert
from retention.conform.references import fill_orders
from retention.warehouse import load_contract, sql_file, statement
from retention.warehouse.identifiers import quote


def list_moved_products(connection: Connection) -> None:
    """Make ``pg_temp.moved_product``: known products whose delivered states may date their categories otherwise.

    Called before products are merged. A state in the stored category and newer than the stored one dates nothing otherwise, and
    that is what almost every delivery of products brings.
    """
    connection.exec_driver_sql("drop table if exists pg_temp.moved_product")
    connection.execute(sa.text(_MOVED_PRODUCTS))


def publish_orders(
    connection: Connection, entities: Collection[str], binds: Mapping[str, Any], people: Collection[int]
) -> dict[str, int]:
    """Write orders and lines, derive the ledger of every order they touch, and number the orders of everybody touched.

    Parameters
    ----------
    entities : collection of str
        What was delivered.
    people : collection of int
        People whose members changed: their orders are to be numbered anew.

    Returns
    -------
    Rows written by table.
    """
    rows: dict[str, int] = {}
    connection.exec_driver_sql("drop table if exists pg_temp.landed_order, pg_temp.landed_line, pg_temp.touched_order")
    connection.execute(*statement(sql_file("core/_landed_order"), dict(binds)))
    connection.exec_driver_sql("analyze pg_temp.landed_order")
    if "order" in entities:
        rows["core.order_header"] = upsert(connection, "core.order_header", binds)
        rows["core.order_version"] = upsert(connection, "core.order_version", binds)
        fill_orders(connection)
    if "order_line" in entities:
        rows["core.order_line"] = upsert(connection, "core.order_line", binds)
        connection.exec_driver_sql("alter table pg_temp.incoming rename to landed_line")
    else:
        connection.exec_driver_sql("create temporary table landed_line (like core.order_line) on commit drop")
    connection.execute(sa.text(_TOUCHED_ORDERS))
    connection.exec_driver_sql("analyze pg_temp.touched_order")
    rows["core.order_entry"] = _derive_ledger(connection, binds, people)
    _follow_orders(connection, binds)
    _date_categories(connection)
    return rows


def _derive_ledger(connection: Connection, binds: Mapping[str, Any], people: Collection[int]) -> int:
    """Replace the entries of the touched orders, and bring number and rhythm of everybody touched into line."""
    connection.exec_driver_sql("drop table if exists pg_temp.rebuilt, pg_temp.touched_person, pg_temp.rhythm")
    # Before the entries are made anew: whoever an order is taken from has to be renumbered as well.
    connection.execute(sa.text(_TOUCHED_PEOPLE), {"people": list(people)})
    derived = f"create temporary table rebuilt on commit drop as\n{sql_file('core/order_entry')}"
    connection.execute(*statement(derived, dict(binds)))
    connection.exec_driver_sql("analyze pg_temp.rebuilt, pg_temp.touched_person")
    connection.execute(sa.text(sql_file("core/order_rhythm")))
    connection.exec_driver_sql("analyze pg_temp.rhythm")
    connection.exec_driver_sql(
        "delete from core.order_entry as kept using pg_temp.touched_order as touched where kept.order_key = touched.order_key"
    )
    names = load_contract("core.order_entry").column_names
    numbered = ", ".join(f"{'rhythm' if name in _RHYTHM else 'derived'}.{quote(name)}" for name in names)
    written = connection.exec_driver_sql(
        f"insert into core.order_entry ({', '.join(map(quote, names))}) select {numbered} from pg_temp.rebuilt as derived "
        "left join pg_temp.rhythm on derived.order_key = rhythm.order_key and derived.kind = 'paid' "
        "order by derived.customer_key, derived.happened_at"
    ).rowcount
    connection.execute(sa.text(_RENUMBER))
    return int(written)


def _follow_orders(connection: Connection, binds: Mapping[str, Any]) -> None:
    """Give lines the customer and the rate of their order, and the time at which the ledger books its payment.

    A line follows even when the line itself is not delivered again.
    """
    connection.exec_driver_sql("drop table if exists pg_temp.followed_order")
    connection.execute(sa.text(_FOLLOWED_ORDERS))
    connection.exec_driver_sql("analyze pg_temp.followed_order")
    connection.execute(*statement(_FOLLOW_ORDERS, dict(binds)))


def _date_categories(connection: Connection) -> None:
    connection.exec_driver_sql("drop table if exists pg_temp.line_to_date")
    connection.exec_driver_sql(
        "create temporary table line_to_date on commit drop as select line.order_key, line.line_number "
        "from core.order_line as line inner join pg_temp.followed_order as followed on line.order_key = followed.order_key"
    )
    # Rare, and without an index of its own: all lines are read for it.
    if connection.exec_driver_sql("select exists (select 1 from pg_temp.moved_product)").scalar():
        connection.exec_driver_sql(
            "insert into pg_temp.line_to_date select line.order_key, line.line_number from core.order_line as line "
            "inner join pg_temp.moved_product as moved on line.product_key = moved.product_key "
            "where line.order_key not in (select followed.order_key from pg_temp.followed_order as followed)"
        )
    connection.exec_driver_sql("analyze pg_temp.line_to_date")
    connection.execute(sa.text(sql_file("core/_line_category")))


_RHYTHM = ("order_number", "days_since_previous_order", "previous_paid_at")
"""What the ledger says of an order's place among the customer's others."""

_MOVED_PRODUCTS = """
create temporary table moved_product on commit drop as
select distinct stored.product_key
from landing.product as landed
inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id
inner join core.product as stored on delivery.source = stored.source and landed.product_id = stored.product_id
where
    coalesce(nullif(btrim(landed.updated_at), '')::timestamptz, delivery.landed_at) <= stored.updated_at
    or (
        nullif(btrim(split_part(landed.category_path, ' > ', 1)), ''),
        nullif(btrim(split_part(landed.category_path, ' > ', 2)), '')
    ) is distinct from (stored.category_1, stored.category_2)
"""

# Of lines those that say something about returns, now or before.
_TOUCHED_ORDERS = """
create temporary table touched_order on commit drop as
select landed.order_key
from pg_temp.landed_order as landed
union
select repriced.order_key
from pg_temp.repriced_order as repriced
union
select landed.order_key
from pg_temp.landed_line as landed
where
    landed.returned_quantity > 0
    or exists (select 1 from core.order_line as line where line.order_key = landed.order_key and line.returned_quantity > 0)
    or exists (
        select 1 from core.order_line_version as line where line.order_key = landed.order_key and line.returned_quantity > 0
    )
"""

_TOUCHED_PEOPLE = """
create temporary table touched_person on commit drop as
select header.customer_key
from core.order_header as header
inner join pg_temp.touched_order as touched on header.order_key = touched.order_key
union
select entry.customer_key
from core.order_entry as entry
inner join pg_temp.touched_order as touched on entry.order_key = touched.order_key
union
select unnest(cast(:people as bigint []))
"""

_RENUMBER = """
update core.order_entry as entry
set
    order_number = rhythm.order_number,
    days_since_previous_order = rhythm.days_since_previous_order,
    previous_paid_at = rhythm.previous_paid_at
from pg_temp.rhythm as rhythm
where entry.order_key = rhythm.order_key and entry.kind = 'paid' and not rhythm.is_derived
"""

_FOLLOWED_ORDERS = """
create temporary table followed_order on commit drop as
select touched.order_key
from pg_temp.touched_order as touched
union
select landed.order_key
from pg_temp.landed_line as landed
"""

# Whose it is, when it was paid, and at which rate: all of it is the order's.
_FOLLOW_ORDERS = """
with

lines as (
    select
        line.order_key,
        line.line_number,
        paid.happened_at,
        header.customer_key,
        round(line.unit_price_original * header.fx_rate * :minor_factor)::bigint as unit_price_minor,
        round(line.quantity * line.unit_price_original * header.fx_rate * :minor_factor)::bigint as gross_minor,
        round(
            (line.quantity * line.unit_price_original - line.discount_original) * header.fx_rate * :minor_factor
        )::bigint as net_minor
    from pg_temp.followed_order as followed
    inner join core.order_header as header on followed.order_key = header.order_key
    inner join core.order_line as line on header.order_key = line.order_key
    left join core.order_entry as paid on header.order_key = paid.order_key and paid.kind = 'paid' and paid.sequence = 1
)

update core.order_line as line
set
    happened_at = lines.happened_at,
    customer_key = lines.customer_key,
    unit_price_minor = lines.unit_price_minor,
    gross_minor = lines.gross_minor,
    discount_minor = lines.gross_minor - lines.net_minor,
    net_minor = lines.net_minor
from lines
where
    line.order_key = lines.order_key
    and line.line_number = lines.line_number
    and (line.happened_at, line.customer_key, line.unit_price_minor, line.gross_minor, line.net_minor)
    is distinct from (lines.happened_at, lines.customer_key, lines.unit_price_minor, lines.gross_minor, lines.net_minor)
"""
