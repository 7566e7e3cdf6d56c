"""What a pandas script takes for features of the same kind, from the same database: one table read at a time, group by group."""

from __future__ import annotations

import time
from datetime import date

import numpy as np
import pandas as pd
import sqlalchemy as sa

from retention.settings import Settings
from retention.warehouse import Warehouse

_WINDOWS = (30, 90, 365)


def seconds(warehouse: Warehouse, as_of: date, share: float) -> float:
    """Return the seconds that the features of a share of the customers take, read and computed; nothing is written."""
    largest = -(2**63) + int((2**64 - 1) * share)
    began = time.perf_counter()
    made = _features(warehouse, as_of, largest)
    taken = time.perf_counter() - began
    assert len(made.columns) >= 40
    return taken


def _read(warehouse: Warehouse, columns: str, table: str, largest: int) -> pd.DataFrame:
    sql = sa.text(f"select {columns} from core.{table} where customer_key <= :largest")
    with warehouse.engine.connect() as connection:
        return pd.read_sql(sql, connection, params={"largest": largest})


def _features(warehouse: Warehouse, as_of: date, largest: int) -> pd.DataFrame:
    until = pd.Timestamp(Settings().day_start(as_of))
    entries = _read(
        warehouse,
        "customer_key, order_key, kind, happened_at, order_count, gross_minor, discount_minor, net_minor",
        "order_entry",
        largest,
    )
    entries = entries[entries["happened_at"] < until]
    money = ["order_count", "gross_minor", "discount_minor", "net_minor"]
    orders = entries.groupby(["customer_key", "order_key"])[money].sum()
    orders["paid_at"] = entries[entries["kind"] == "paid"].groupby(["customer_key", "order_key"])["happened_at"].min()
    orders = orders[orders["order_count"] > 0].reset_index().sort_values(["customer_key", "paid_at"])
    days = orders["paid_at"].dt.tz_convert("Asia/Shanghai").dt.normalize()
    orders["gap_days"] = days.groupby(orders["customer_key"]).diff().dt.days
    orders["day"] = days
    by = orders.groupby("customer_key")
    made = pd.DataFrame(
        {
            "first_order_at": by["paid_at"].min(), "last_order_at": by["paid_at"].max(), "orders": by.size(),
            "order_days": by["day"].nunique(), "gross": by["gross_minor"].sum(), "discount": by["discount_minor"].sum(),
            "net": by["net_minor"].sum(), "largest": by["net_minor"].max(), "gap_mean": by["gap_days"].mean(),
            "gap_std": by["gap_days"].std(), "gap_max": by["gap_days"].max(), "first_net": by["net_minor"].first(),
        }
    )  # fmt: skip
    made["recency_days"] = (until - made["last_order_at"]).dt.days
    made["tenure_days"] = (until - made["first_order_at"]).dt.days
    made["overdue_ratio"] = made["recency_days"] / made["gap_mean"].replace(0, np.nan)
    made["repeat_mean"] = (made["net"] - made["first_net"]) / (made["orders"] - 1).replace(0, np.nan)
    for window in _WINDOWS:
        inside = orders[orders["paid_at"] >= until - pd.Timedelta(days=window)].groupby("customer_key")
        sums = inside[["gross_minor", "discount_minor", "net_minor"]].sum().add_suffix(f"_{window}d")
        made = made.join(sums).join(inside.size().rename(f"orders_{window}d"))
    lines = _read(
        warehouse, "customer_key, order_key, product_key, category_1, happened_at, quantity, net_minor, discount_minor, "
        "returned_quantity, returned_at", "order_line", largest,
    )  # fmt: skip
    lines = lines[(lines["happened_at"] < until) & (lines["happened_at"] >= until - pd.Timedelta(days=365))]
    by = lines.groupby("customer_key")
    made = made.join(
        pd.DataFrame(
            {
                "baskets": by["order_key"].nunique(), "lines": by.size(), "products": by["product_key"].nunique(),
                "categories": by["category_1"].nunique(), "units": by["quantity"].sum(), "returned": by["returned_quantity"].sum(),
                "discounted": (lines["discount_minor"] > 0).groupby(lines["customer_key"]).mean(),
            }
        )
    )  # fmt: skip
    mix = lines.groupby(["customer_key", "category_1"])["net_minor"].sum()
    made["top_share"] = mix.groupby("customer_key").max() / mix.groupby("customer_key").sum()
    cases = _read(
        warehouse, "customer_key, opened_at, acknowledged_at, first_replied_at, resolved_at, satisfaction", "complaint", largest
    )
    cases = cases[cases["opened_at"] < until]
    by = cases.groupby("customer_key")
    made = made.join(
        pd.DataFrame(
            {
                "complaints": by.size(), "open": by["resolved_at"].apply(lambda resolved: (resolved >= until).sum()),
                "satisfaction": by["satisfaction"].mean(), "last_complaint": by["opened_at"].max(),
                "hours": ((cases["resolved_at"] - cases["opened_at"]).dt.total_seconds() / 3600).groupby(cases["customer_key"]).mean(),
            }
        )
    )  # fmt: skip
    touches = _read(warehouse, "customer_key, happened_at, channel, dwell_seconds", "interaction", largest)
    for window in _WINDOWS:
        inside = touches[touches["happened_at"] >= until - pd.Timedelta(days=window)].groupby("customer_key")
        made = made.join(inside.size().rename(f"touches_{window}d")).join(
            inside["channel"].nunique().rename(f"channels_{window}d")
        )
    return made
