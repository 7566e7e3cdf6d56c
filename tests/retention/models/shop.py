"""A small shop with order lines in core: planted habits, rules, prices and discounts, and a few people by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from retention.warehouse import Run, ingest_arrow

# product: category, price in minor units, replenishable by the catalogue, stock
PRODUCTS = {
    1: ("baby > formula", 200_00, True, 50),
    2: ("baby > nappies", 90_00, True, 50),
    3: ("food > milk", 10_00, True, 50),
    4: ("food > bread", 8_00, True, 50),
    5: ("home > kettle", 300_00, False, 50),
    6: ("home > lamp", 120_00, False, 50),
    7: ("food > honey", 40_00, False, 0),
    **{10 + n: ("tea > leaf", 20_00 * (n + 1), False, 50) for n in range(10)},
}
ANA, BO, CY, DEE, EVE = 1, 2, 3, 4, 5


@dataclass
class Shop:
    """Orders as they are put together: (customer, days before the as-of date, products, discounted)."""

    as_of: date
    orders: list[tuple[int, int, tuple[int, ...], bool]] = field(default_factory=list)

    def add(self, customer: int, days_ago: int, *products: int, discounted: bool = False) -> None:
        self.orders.append((customer, days_ago, products, discounted))


def usual_shop(as_of: date, customers: int = 240, seed: int = 5) -> Shop:
    """Milk and bread go together, formula is followed by nappies, a third hunts discounts on cheap tea, a third buys dear tea.

    Ana buys milk every ten days, the last time ten days ago, and bought a kettle a week ago. Bo bought honey, which is out of
    stock, and formula. Cy ordered once, long ago. Dee has orders without lines. Eve alone bought a kettle with honey.
    """
    rng, shop = np.random.default_rng(seed), Shop(as_of)
    for customer in range(10, 10 + customers):
        kind = customer % 3
        step = (14, 21, 28)[kind]
        for days_ago in range(int(rng.integers(1, step)), 300, step):
            products = {3, 4} if rng.random() < 0.6 else {int(rng.choice([3, 4, 6]))}
            if kind == 0:
                products.add(int(10 + rng.integers(0, 3)))
            elif kind == 1:
                products.add(int(17 + rng.integers(0, 3)))
            if rng.random() < 0.1:
                products.add(1)
                shop.add(customer, max(days_ago - 5, 1), 2)
            shop.add(customer, days_ago, *sorted(products), discounted=kind == 0 and rng.random() < 0.8)
    for days_ago in range(10, 100, 10):
        shop.add(ANA, days_ago, 3)
    shop.add(ANA, 7, 5)
    shop.add(BO, 20, 7)
    shop.add(BO, 21, 1)
    shop.add(CY, 350, 3)
    shop.add(DEE, 40)
    shop.add(EVE, 30, 5, 7)
    return shop


def load_shop(run: Run, shop: Shop) -> None:
    """Write products, customers, orders and lines as core would hold them."""
    rows = [(number, *order) for number, order in enumerate(sorted(shop.orders), start=1)]
    noon = {days: run.settings.day_start(shop.as_of - timedelta(days=days)) + timedelta(hours=12) for _, _, days, _, _ in rows}
    lines = [
        (number, position, customer, product, days, discounted)
        for number, customer, days, products, discounted in rows
        for position, product in enumerate(products, start=1)
    ]
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "create unlogged table staging.shop_line (order_key bigint, line_number int, customer_key bigint, product_key bigint, "
            "happened_at timestamptz, price bigint, discount bigint)"
        )
        connection.exec_driver_sql(
            "create unlogged table staging.shop_order (order_key bigint, customer_key bigint, happened_at timestamptz, net bigint)"
        )
        for product, (category, price, replenishable, stock) in PRODUCTS.items():
            first, second = category.split(" > ")
            connection.exec_driver_sql(
                "insert into core.product (product_key, product_id, valid, name, category_1, category_2, category_path, "
                "list_price_minor, currency, stock_on_hand, is_replenishable, source, batch_id, updated_at, is_simulated) values "
                f"({product}, '{product}', true, '{second} {product}', '{first}', '{second}', '{category}', {price}, 'CNY', {stock}, "
                f"{replenishable}, 'test', 1, timestamptz '2020-01-01', true)"
            )
    prices = [PRODUCTS[line[3]][1] for line in lines]
    frame = pd.DataFrame(lines, columns=["order_key", "line_number", "customer_key", "product_key", "days", "discounted"])
    frame["price"], frame["discount"] = prices, np.where(frame["discounted"], np.array(prices) // 4, 0)
    net = (frame["price"] - frame["discount"]).groupby(frame["order_key"]).sum()
    at = pa.timestamp("us", tz="UTC")
    ingest_arrow(
        run.warehouse,
        "staging.shop_line",
        pa.table(
            {
                "order_key": pa.array(frame["order_key"], pa.int64()),
                "line_number": pa.array(frame["line_number"], pa.int32()),
                "customer_key": pa.array(frame["customer_key"], pa.int64()),
                "product_key": pa.array(frame["product_key"], pa.int64()),
                "happened_at": pa.array([noon[days] for days in frame["days"]], at),
                "price": pa.array(frame["price"], pa.int64()),
                "discount": pa.array(frame["discount"], pa.int64()),
            }
        ),
    )
    ingest_arrow(
        run.warehouse,
        "staging.shop_order",
        pa.table(
            {
                "order_key": pa.array([row[0] for row in rows], pa.int64()),
                "customer_key": pa.array([row[1] for row in rows], pa.int64()),
                "happened_at": pa.array([noon[row[2]] for row in rows], at),
                "net": pa.array([int(net.get(row[0], 50_00)) for row in rows], pa.int64()),
            }
        ),
    )
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql(_FILL)


_FILL = """
insert into core.order_line (order_key, line_number, customer_key, product_key, category_1, category_2, happened_at, quantity,
    unit_price_minor, gross_minor, discount_minor, net_minor, returned_quantity, source, batch_id, is_simulated)
select l.order_key, l.line_number, l.customer_key, l.product_key, p.category_1, p.category_2, l.happened_at, 1, l.price, l.price,
    l.discount, l.price - l.discount, 0, 'test', 1, true
from staging.shop_line as l join core.product as p on l.product_key = p.product_key;
insert into core.order_entry (order_key, kind, sequence, customer_key, happened_at, order_count, gross_minor, discount_minor,
    net_minor, order_number, days_since_previous_order, source, batch_id, is_simulated)
select order_key, 'paid', 1, customer_key, happened_at, 1, net, 0, net, row_number() over w,
    cast(extract(epoch from happened_at - lag(happened_at) over w) as numeric) / 86400, 'test', 1, true
from staging.shop_order window w as (partition by customer_key order by happened_at, order_key);
insert into core.order_header (order_key, source_customer_key, customer_key, order_id, ordered_at, paid_at, currency, fx_rate,
    gross_minor, discount_minor, net_minor, refund_minor, gross_original, channel, source, batch_id, is_simulated)
select order_key, customer_key, customer_key, cast(order_key as text), happened_at, happened_at, 'CNY', 1, net, 0, net, 0,
    net / 100.0, case when customer_key = 1 then 'app' else 'store' end, 'test', 1, true
from staging.shop_order;
insert into core.customer (customer_key, valid_from, member_since, customer_kind, birth_year, is_test, is_staff, source, batch_id,
    is_simulated)
select distinct customer_key, timestamptz '2020-01-01', timestamptz '2020-01-01', 'consumer',
    case when customer_key = 1 then 2000 when customer_key = 2 then 1975 end, false, false, 'test', 1, true
from staging.shop_order;
drop table staging.shop_line;
drop table staging.shop_order;
"""
