"""Exchange rates: what one unit of a currency cost on each day, and what follows when a rate comes late or is corrected.

The rule: an order, with its lines, refunds and returns, takes the rate of the business day on which it was placed, which is the
last quotation until then. A quotation that arrives late counts as if it had been there; a corrected value changes the ledger on
the day of the correction and not before. So what arrives first makes no difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from retention.warehouse import sql_file, statement


def list_rates(connection: Connection, binds: Mapping[str, Any]) -> None:
    """Make ``pg_temp.rate``: per currency, day and time from which it was known, what one unit cost in the base currency.

    Joined by equality, it costs one look-up a row where asking for the latest quotation of each row would cost a search.
    """
    connection.exec_driver_sql("drop table if exists pg_temp.rate")
    connection.execute(*statement(sql_file("core/_rate"), dict(binds)))
    connection.exec_driver_sql("analyze pg_temp.rate")


def remember_rates(connection: Connection, binds: Mapping[str, Any]) -> None:
    """Make ``pg_temp.rate_before``: the rates as they are before new quotations are merged."""
    list_rates(connection, binds)
    connection.exec_driver_sql("drop table if exists pg_temp.rate_before")
    connection.exec_driver_sql("alter table pg_temp.rate rename to rate_before")


def reprice(connection: Connection, binds: Mapping[str, Any]) -> int:
    """Convert anew what lies on days whose rate is another one than before; list the orders in ``pg_temp.repriced_order``.

    Returns
    -------
    Orders whose rate, or its history, changed. Their ledger is to be derived anew.
    """
    connection.exec_driver_sql("drop table if exists pg_temp.changed_rate, pg_temp.repriced_order")
    connection.execute(*statement(sql_file("core/_reprice"), dict(binds)))
    connection.exec_driver_sql("analyze pg_temp.changed_rate")
    repriced = connection.execute(*statement(_ORDERS, dict(binds))).rowcount
    connection.exec_driver_sql("analyze pg_temp.repriced_order")
    for change in (_HEADERS, _PRODUCTS, _CONTRACTS, _HOLDINGS):
        connection.execute(*statement(change, dict(binds)))
    return int(repriced)


_ORDERS = """
create temporary table repriced_order on commit drop as
select
    header.order_key,
    changed.rate
from pg_temp.changed_rate as changed
inner join core.order_header as header
    on
        changed.currency = header.currency
        and header.fx_rate <> 1
        and header.ordered_at >= changed.day::timestamp at time zone :business_timezone
        and header.ordered_at < (changed.day + 1)::timestamp at time zone :business_timezone
"""

_HEADERS = """
update core.order_header as header
set
    fx_rate = repriced.rate,
    gross_minor = round(header.gross_original * repriced.rate * :minor_factor)::bigint,
    discount_minor = (
        round(header.gross_original * repriced.rate * :minor_factor)
        - round((header.gross_original - header.discount_original) * repriced.rate * :minor_factor)
    )::bigint,
    net_minor = round((header.gross_original - header.discount_original) * repriced.rate * :minor_factor)::bigint,
    refund_minor = round(header.refund_original * repriced.rate * :minor_factor)::bigint
from pg_temp.repriced_order as repriced
where header.order_key = repriced.order_key and header.fx_rate <> repriced.rate
"""

_PRODUCTS = """
update core.product as product
set
    list_price_minor = round(product.list_price_original * changed.rate * :minor_factor)::bigint,
    unit_cost_minor = round(product.unit_cost_original * changed.rate * :minor_factor)::bigint
from pg_temp.changed_rate as changed
where
    product.currency = changed.currency
    and least((product.updated_at at time zone :business_timezone)::date, :as_of_date) = changed.day
"""

_CONTRACTS = """
update core.contract as contract
set fee_minor = round(contract.fee_original * changed.rate * :minor_factor)::bigint
from pg_temp.changed_rate as changed
where
    contract.currency = changed.currency
    and least((contract.started_at at time zone :business_timezone)::date, :as_of_date) = changed.day
"""

_HOLDINGS = """
update core.holding as holding
set amount_minor = round(holding.amount_original * changed.rate * :minor_factor)::bigint
from pg_temp.changed_rate as changed
where holding.currency = changed.currency and least(holding.balance_date, :as_of_date) = changed.day
"""
