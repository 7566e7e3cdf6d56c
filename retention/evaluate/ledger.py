"""The signed, dated ledger of orders from purchases and refunds, as the pipeline keeps it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.evaluate.orders import Rows


@dataclass
class Ledger:
    """What goes into core.

    Attributes
    ----------
    customers : customer_key -> the customer's own number, for all in the file.
    orders : one row per order: order_key, customer_key, order_id, paid_at, net_minor, discount_minor, channel, coupon.
    entries : one row per ledger entry: order_key, customer_key, kind, sequence, happened_at, order_count, net_minor,
        discount_minor, order_number, gap_days, previous_paid_at.
    lines : order_key of each purchase row and what is known of its product; empty where products are not named.
    notes : what was matched and what not.
    """

    customers: pd.Series[Any]
    orders: pd.DataFrame
    entries: pd.DataFrame
    lines: pd.DataFrame
    notes: list[str]


def keys_of(values: pd.Series[Any]) -> NDArray[np.int64]:
    """A key for each text, the same for ever and spread evenly."""
    codes, distinct = pd.factorize(values)
    hashed = pd.util.hash_array(np.asarray(distinct, dtype=object), categorize=False)
    return np.asarray(hashed.view(np.int64)[codes])


def build_ledger(rows: Rows) -> Ledger:
    """Group purchases into orders and book what was given back on them.

    An order is what one customer bought under one number on one day; without numbers, on one day. Negative amounts at the
    same moment under the same number are part of the order; others are booked on the order they belong to: the one with
    their number, else the newest earlier one of the same amount (which they cancel), else the newest earlier ones.
    """
    frame = rows.frame
    frame = frame.assign(customer_key=keys_of(frame["customer"]))
    day = frame["day"].dt.strftime("%Y%m%d")
    number = ("n" + frame["order"].astype("string")).fillna("d").astype(object)
    frame["order_key"] = keys_of(frame["customer"].str.cat(number, sep="\x1f").str.cat(day, sep="\x1f"))
    bought = frame["amount_minor"] >= 0
    # What is negative at the very moment and under the number of a purchase is a discount or a correction in the basket.
    moments = pd.Index(pd.util.hash_pandas_object(frame[["order_key", "at"]], index=False))
    inside = ~bought & frame["order"].notna() & moments.isin(moments[bought.to_numpy()])
    purchases, refunds = _cancelled_in_part(frame[bought | inside]), frame[~(bought | inside)]
    by_order = purchases.sort_values(["customer_key", "order_key", "at"], kind="stable").groupby("order_key", sort=False)
    orders = by_order.agg(
        customer_key=("customer_key", "first"),
        order_id=("order", "first"),
        paid_at=("at", "min"),
        net_minor=("amount_minor", "sum"),
        discount_minor=("discount_minor", "sum"),
        channel=("channel", "first"),
        coupon=("coupon", "first"),
        cancelled_at=("cancelled_at", "max"),
        refund_minor=("refund_minor", "sum"),
        refunded_at=("refunded_at", "max"),
    ).reset_index()
    orders["net_minor"] = orders["net_minor"].clip(lower=0)
    orders = orders.sort_values(["customer_key", "paid_at", "order_key"]).reset_index(drop=True)
    by_customer = orders.groupby("customer_key", sort=False)
    orders["order_number"] = by_customer.cumcount() + 1
    orders["previous_paid_at"] = by_customer["paid_at"].shift()
    orders["gap_days"] = by_customer["paid_at"].diff().dt.total_seconds() / 86_400
    notes: list[str] = []
    undated = int(((orders["refund_minor"] > 0) & orders["cancelled_at"].isna() & orders["refunded_at"].isna()).sum())
    if undated:
        notes.append(
            f"money given back without a date, taken as known from the order's day on: {undated:,} of {len(orders):,} orders"
        )
    entries = pd.concat([_paid(orders), _dated(orders), _given_back(orders, refunds, notes)], ignore_index=True)
    # Joined with a table without rows, times become objects, which are copied without their zone.
    entries["happened_at"] = entries["happened_at"].astype("datetime64[us]")
    entries = entries.sort_values(["order_key", "kind", "happened_at"], kind="stable")
    entries["sequence"] = entries.groupby(["order_key", "kind"], sort=False).cumcount() + 1
    customers = frame.drop_duplicates("customer_key").set_index("customer_key")["customer"]
    lines = purchases[purchases["amount_minor"] >= 0] if rows.has_products else purchases.iloc[:0]
    return Ledger(customers, orders, entries, lines, notes)


def _cancelled_in_part(purchases: pd.DataFrame) -> pd.DataFrame:
    """Money of cancelled lines of an order whose other lines stand is given back; only all of them cancel the order."""
    gone = purchases["cancelled_at"].notna()
    order = purchases["order_key"]
    in_part = gone & order.isin(order[~gone])
    if not in_part.any():
        return purchases
    refunded = np.maximum(purchases["refund_minor"], purchases["amount_minor"].clip(lower=0))
    return purchases.assign(
        refund_minor=purchases["refund_minor"].where(~in_part, refunded),
        refunded_at=purchases["refunded_at"].where(~in_part, purchases["cancelled_at"]),
        cancelled_at=purchases["cancelled_at"].where(~in_part),
    )


def _paid(orders: pd.DataFrame) -> pd.DataFrame:
    columns = ["order_key", "customer_key", "net_minor", "discount_minor", "order_number", "gap_days", "previous_paid_at"]
    return orders[columns].assign(kind="paid", happened_at=orders["paid_at"], order_count=1)


def _dated(orders: pd.DataFrame) -> pd.DataFrame:
    """Cancellations and refunds that the order's own row dates."""
    gone = orders[orders["cancelled_at"].notna()]
    cancelled = gone[["order_key", "customer_key"]].assign(
        kind="cancelled",
        happened_at=np.maximum(gone["cancelled_at"], gone["paid_at"]),
        order_count=-1,
        net_minor=-gone["net_minor"],
        discount_minor=-gone["discount_minor"],
    )
    back = orders[(orders["refund_minor"] > 0) & orders["cancelled_at"].isna()]
    refunded = back[["order_key", "customer_key"]].assign(
        kind="refunded",
        happened_at=np.maximum(back["refunded_at"].fillna(back["paid_at"]), back["paid_at"]),
        order_count=0,
        net_minor=-np.minimum(back["refund_minor"], back["net_minor"]),
        discount_minor=0,
    )
    return pd.concat([cancelled, refunded])


def _given_back(orders: pd.DataFrame, refunds: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Book negative rows on orders."""
    columns = ["order_key", "customer_key", "kind", "happened_at", "order_count", "net_minor", "discount_minor"]
    if refunds.empty:
        return pd.DataFrame(columns=columns)
    key = refunds["order"].fillna(refunds["day"].dt.strftime("%Y%m%d"))
    documents = (
        refunds.assign(document=key)
        .groupby(["customer_key", "document"], sort=False)
        .agg(at=("at", "min"), minor=("amount_minor", "sum"), order=("order", "first"))
        .reset_index()
        .sort_values(["customer_key", "at", "document"])
    )
    mine = orders[orders["customer_key"].isin(documents["customer_key"]) & orders["cancelled_at"].isna()]
    histories: dict[Any, _Orders] = {customer: _Orders(part) for customer, part in mine.groupby("customer_key", sort=False)}
    booked: list[tuple[Any, ...]] = []
    counts: defaultdict[str, int] = defaultdict(int)
    for customer, at, minor, number in zip(
        documents["customer_key"].tolist(), documents["at"], documents["minor"].tolist(), documents["order"], strict=True
    ):
        history = histories.get(customer)
        found = history.book(at, -minor, number) if history else []
        counts["unmatched" if not found else found[0][1]] += 1
        booked += [(order, customer, kind, when, count, net, 0) for order, kind, when, count, net in found]
    for what, words in (
        ("cancelled", "negative orders that cancel an earlier one of the same customer and amount"),
        ("refunded", "negative orders booked as money given back on earlier ones"),
        ("unmatched", "left out, negative orders without an earlier purchase"),
    ):
        if counts[what]:
            notes.append(f"{words}: {counts[what]:,}")
    return pd.DataFrame(booked, columns=columns)


class _Orders:
    """The orders of one customer, and what of each is left to give back."""

    def __init__(self, orders: pd.DataFrame) -> None:
        self.keys = orders["order_key"].tolist()
        self.numbers = orders["order_id"].tolist()
        self.at = orders["paid_at"].tolist()
        self.net = [int(net) for net in orders["net_minor"]]
        self.left = list(self.net)
        self.stands = [True] * len(self.keys)

    def book(self, at: pd.Timestamp, minor: int, number: str | None) -> list[tuple[int, str, pd.Timestamp, int, int]]:
        """Return the entries by which an amount is given back: order, kind, time, order count, net."""
        earlier = [place for place in range(len(self.keys)) if self.stands[place] and self.at[place] <= at]
        same = [place for place in earlier if number is not None and self.numbers[place] == number]
        candidates = (same or earlier)[::-1]
        for place in candidates:
            if self.left[place] == minor == self.net[place] > 0:
                self.stands[place], self.left[place] = False, 0
                return [(self.keys[place], "cancelled", at, -1, -minor)]
        found = []
        for place in sorted(candidates, key=lambda one: (self.left[one] < minor, -one)):
            part = min(minor, self.left[place])
            if part > 0:
                self.left[place] -= part
                minor -= part
                found.append((self.keys[place], "refunded", at, 0, -part))
            if minor == 0:
                break
        return found
