"""A company with known truth in core: orders of a simulated purchase process, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from retention.settings import Settings
from retention.warehouse import Run, ingest_arrow

HISTORY_DAYS = 420
_DEFAULT = Settings()
# A short horizon keeps the company small: two months to learn from, two to check against.
SHORT = replace(_DEFAULT, churn=replace(_DEFAULT.churn, horizon_days=60, training_dates=2, minimum_history_days=60))


def orders_of(as_of: date, customers: int = 700, seed: int = 1, silent_from: int | None = None) -> pd.DataFrame:
    """Paid orders before `as_of`: customer_key, day, net_minor. Buyers differ in rhythm, spending and loyalty.

    `silent_from`: nobody orders in this many last days (a broken feed).
    """
    rng = np.random.default_rng(seed)
    rows: list[tuple[int, int, int]] = []
    rate = rng.gamma(0.9, 1 / 18.0, customers)
    leaving = rng.beta(0.8, 4.0, customers)
    spend = 1 / rng.gamma(4.0, 1 / 60.0, customers)
    begin = rng.integers(0, HISTORY_DAYS - 5, customers)
    for customer in range(customers):
        day = float(begin[customer])
        while day < HISTORY_DAYS:
            value = max(1, int(100 * rng.gamma(5.0) * spend[customer] * 4))
            rows.append((1_000_003 * (customer + 1), int(day), value))
            if rng.random() < leaving[customer]:
                break
            # Customers are more regular than the purchase process believes, so that there is something to learn beside it.
            day += 1 + rng.gamma(4.0, 0.25 / rate[customer])
    frame = pd.DataFrame(rows, columns=["customer_key", "day", "net_minor"])
    if silent_from is not None:
        frame = frame[frame["day"] < HISTORY_DAYS - silent_from]
    frame["date"] = [as_of - timedelta(days=HISTORY_DAYS - int(day)) for day in frame["day"]]
    return frame.reset_index(drop=True)


def load_orders(run: Run, orders: pd.DataFrame, first_key: int = 1) -> None:
    """Write paid entries at noon of the business day."""
    noon = [run.settings.day_start(day) + timedelta(hours=12) for day in orders["date"]]
    ordered = orders.assign(happened_at=pd.to_datetime(noon, utc=True)).sort_values(["customer_key", "happened_at"])
    size = len(ordered)
    table = pa.table(
        {
            "order_key": pa.array(range(first_key, first_key + size), pa.int64()),
            "kind": ["paid"] * size,
            "sequence": pa.array([1] * size, pa.int32()),
            "customer_key": pa.array(ordered["customer_key"], pa.int64()),
            "happened_at": pa.array(ordered["happened_at"].dt.to_pydatetime(), pa.timestamp("us", tz="UTC")),
            "order_count": pa.array([1] * size, pa.int32()),
            "gross_minor": pa.array(ordered["net_minor"], pa.int64()),
            "discount_minor": pa.array([0] * size, pa.int64()),
            "net_minor": pa.array(ordered["net_minor"], pa.int64()),
            "order_number": pa.array(ordered.groupby("customer_key").cumcount() + 1, pa.int32()),
            "source": ["test"] * size,
            "batch_id": pa.array([1] * size, pa.int64()),
            "is_simulated": [True] * size,
        }
    )
    ingest_arrow(run.warehouse, "core.order_entry", table)
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "insert into core.customer (customer_key, valid_from, member_since, customer_kind, is_test, is_staff, source, "
            "batch_id, is_simulated) select distinct customer_key, timestamptz '2020-01-01', timestamptz '2020-01-01', "
            "'consumer', false, false, 'test', 1, true from core.order_entry on conflict do nothing"
        )
    # numeric has no Arrow type that COPY takes: written by statement.
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "update core.order_entry set days_since_previous_order = previous.gap from (select order_key as key, round(cast("
            "extract(epoch from happened_at - lag(happened_at) over (partition by customer_key order by happened_at)) "
            "as numeric) / 86400, 6) as gap from core.order_entry) as previous where previous.key = order_key"
        )
