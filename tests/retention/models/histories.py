"""Order features and outcomes straight from purchase days, without a warehouse: named as in features.customer_orders."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from retention.models.learning import TrainingSet

WINDOWS_DAYS = (30, 90, 180, 365)


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
    """What these customers did in [starts, ends): churned, orders, net_minor, days_to_next (nan where no order came)."""
    window = days[(days["day"] >= pd.Timestamp(starts)) & (days["day"] < pd.Timestamp(ends))].groupby("customer_key")
    spent, orders = window["net_minor"].sum().reindex(customers), window.size().reindex(customers)
    wait = (window["day"].min() - pd.Timestamp(starts)).dt.days.reindex(customers)
    return pd.DataFrame(
        {
            "churned": spent.isna().astype(np.float64),
            "orders": orders.fillna(0.0),
            "net_minor": spent.fillna(0.0),
            "days_to_next": wait.astype(np.float64),
        },
        index=customers,
    )


def training_of(days: pd.DataFrame, dates: list[date], horizon_days: int) -> TrainingSet:
    """Features as of each date and what followed; `days` has customer_key, day, net_minor."""
    frames = [features_as_of(days, day) for day in dates]
    followed = [
        outcome(days, frame.index, day, day + timedelta(days=horizon_days)) for frame, day in zip(frames, dates, strict=True)
    ]
    tags = [np.full(len(frame), np.datetime64(day, "D")) for frame, day in zip(frames, dates, strict=True)]
    return TrainingSet(pd.concat(frames), np.concatenate(tags), pd.concat(followed))


def shoppers(customers: int, days: int, seed: int, season: float = 0.0) -> pd.DataFrame:
    """Purchase days of people who keep a rhythm, spend differently and leave for good one day.

    `season`: share by which gaps shorten and lengthen over the year.
    """
    rng = np.random.default_rng(seed)
    rate, leaving = rng.gamma(0.8, 1 / 20.0, customers), rng.beta(0.8, 5.0, customers)
    scale, begin = 1 / rng.gamma(4.0, 1 / 60.0, customers), rng.integers(0, days - 5, customers)
    rows = []
    for customer in range(customers):
        day = float(begin[customer])
        while day < days:
            rows.append((1_000_003 * (customer + 1), int(day), max(1, int(400 * rng.gamma(5.0) * scale[customer]))))
            if rng.random() < leaving[customer]:
                break
            gap = 1 + rng.gamma(4.0, 0.25 / rate[customer])
            day += gap * (1 - season * np.sin(2 * np.pi * day / 364))
    frame = pd.DataFrame(rows, columns=["customer_key", "day", "net_minor"])
    frame["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["day"], unit="D")
    return frame.groupby(["customer_key", "day"], as_index=False)["net_minor"].sum()
