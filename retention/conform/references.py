"""References that arrive before what they refer to: they are kept, and filled when it comes.

A complaint may come before its order, a contract before its product, a recommendation before whoever was recommended.
Nothing is refused for that; the key stays null until then. Each filling is found by a partial index on what still waits, so it
costs nothing where nothing waits.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.pseudonyms import source_customer_key
from retention.warehouse import Run


def list_unknown_customers(connection: Connection, run: Run) -> None:
    """Make ``pg_temp.unknown_customer``: the keys of recommended customers that have not been delivered.

    The keyed hash can only be made here, where the pepper is; the number itself stays out of core.
    """
    connection.exec_driver_sql("drop table if exists pg_temp.unknown_customer")
    connection.exec_driver_sql(
        "create temporary table unknown_customer (source text, customer_id text, source_customer_key bigint, "
        "primary key (source, customer_id)) on commit drop"
    )
    unknown = connection.execute(
        sa.text(
            "select distinct delivery.customer_source, landed.referred_customer_id from landing.referral as landed "
            "inner join pg_temp.delivery as delivery on landed.batch_id = delivery.batch_id "
            "where nullif(btrim(landed.referred_customer_id), '') is not null and delivery.customer_source is not null "
            "and not exists (select 1 from pii.source_customer as known where known.source = delivery.customer_source "
            "and known.customer_id = landed.referred_customer_id)"
        )
    ).all()
    if unknown:
        connection.execute(
            sa.text("insert into pg_temp.unknown_customer values (:source, :customer_id, :key)"),
            [
                {"source": source, "customer_id": number, "key": source_customer_key(run.secrets.pepper, source, number)}
                for source, number in unknown
            ],
        )


def fill_customers(connection: Connection) -> None:
    """Give recommendations the people who have been delivered now."""
    for table in ("core.referral", "core.referral_version"):
        connection.exec_driver_sql(
            f"update {table} as fact set referred_customer_key = known.customer_key from pg_temp.person_now as incoming "
            "inner join pii.source_customer as known on incoming.source_customer_key = known.source_customer_key "
            "where fact.referred_source_customer_key = known.source_customer_key and fact.referred_customer_key is null"
        )


def fill_products(connection: Connection) -> None:
    """Give contracts and public comments the products that have been delivered now (``pg_temp.incoming``)."""
    for table in ("core.contract", "core.external_mention"):
        connection.exec_driver_sql(
            f"update {table} as fact set product_key = product.product_key from pg_temp.incoming as product "
            "where fact.product_key is null and fact.product_id = product.product_id and (product.source = fact.source "
            "or not exists (select 1 from core.product as own where own.source = fact.source))"
        )


def fill_orders(connection: Connection) -> None:
    """Give complaints the orders that have been delivered now (``pg_temp.landed_order``)."""
    connection.exec_driver_sql(
        "update core.complaint as fact set order_key = delivered.order_key from pg_temp.landed_order as delivered "
        "where fact.order_key is null and fact.order_id = delivered.order_id and (delivered.source = fact.source "
        "or not exists (select 1 from core.order_header as own where own.source = fact.source))"
    )
