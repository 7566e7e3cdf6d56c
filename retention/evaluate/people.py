"""Customers and complaints of a user's files as core keeps them. Names and addresses are not read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retention.evaluate.columns import TIMES, Columns
from retention.evaluate.errors import HistoryUnusable
from retention.evaluate.ledger import keys_of
from retention.evaluate.reading import Delivered
from retention.evaluate.values import read_identifiers, read_numbers, read_times
from retention.evaluate.words import counted

_YES = ("1", "true", "yes", "y", "t", "是", "ja")
_SEVERITY = {
    "severe": ("severe", "critical", "high", "urgent", "blocker", "1", "p1", "hoch", "kritisch", "严重", "高", "紧急"),
    "medium": ("medium", "normal", "moderate", "2", "p2", "mittel", "中", "一般", "中等"),
    "minor": ("minor", "low", "trivial", "3", "4", "p3", "p4", "niedrig", "gering", "低", "轻微"),
}


def read_customers(delivered: Delivered, columns: Columns, timezone: str, notes: list[str]) -> pd.DataFrame:
    """One row per customer: customer_key, member_since, is_test."""
    frame = _base(delivered, columns, timezone, ("member_since", "is_test"), notes)
    flag = frame["is_test"].astype("string").str.strip().str.lower()
    is_test = flag.isin(_YES).fillna(False).to_numpy(dtype=bool)
    if is_test.any():
        notes.append(f"{delivered.name}: left out, marked as test: {counted(int(is_test.sum()), 'customer')}")
    return frame.assign(is_test=is_test)


def read_complaints(
    delivered: Delivered, columns: Columns, orders: pd.DataFrame, timezone: str, notes: list[str], minor: float
) -> pd.DataFrame:
    """One row per complaint, as the single version of it that holds from its opening; `minor` units in one of the file's."""
    if "opened_at" not in columns:
        raise HistoryUnusable(
            f"{delivered.name}: no column could be recognised that says when a complaint was opened. It has "
            f"{', '.join(delivered.table.column_names)}. Say which it is: --map opened_at=COLUMN. Nothing was computed."
        )
    roles = (
        "complaint_id", "opened_at", "acknowledged_at", "first_replied_at", "resolved_at", "severity", "category", "channel",
        "satisfaction", "compensation",
    )  # fmt: skip
    frame = _base(delivered, columns, timezone, roles, notes)
    never = frame["opened_at"].isna()
    strangers = ~frame["customer_key"].isin(orders["customer_key"])
    if never.any():
        notes.append(f"{delivered.name}: {int(never.sum()):,} complaints have no readable time of opening and were left out")
    if strangers.any():
        notes.append(f"{delivered.name}: {int(strangers.sum()):,} complaints are of people without an order in the file")
    frame = frame[~never].copy()
    number = frame["complaint_id"].fillna(pd.Series(frame.index.astype(str), index=frame.index))
    frame["complaint_key"] = keys_of(number.astype(str) + "\x1f" + frame["customer"])
    repeated = frame.duplicated("complaint_key")
    if repeated.any():
        notes.append(f"{delivered.name}: {int(repeated.sum()):,} complaints come more than once; the first of each counts")
    frame = frame[~repeated]
    severity = frame["severity"].astype("string").str.strip().str.lower()
    ranks = {word: ours for ours, words in _SEVERITY.items() for word in words}
    for name in ("acknowledged_at", "first_replied_at", "resolved_at"):
        # An answer before the question is a slip of the keyboard.
        frame[name] = frame[name].where(frame[name].isna() | (frame[name] >= frame["opened_at"]))
    satisfaction = pd.to_numeric(frame["satisfaction"], errors="coerce")
    return frame.assign(
        complaint_id=number[frame.index].astype(str),
        valid_from=frame["opened_at"],
        version_at=frame["opened_at"],
        source_customer_key=frame["customer_key"],
        severity=severity.map(ranks),
        satisfaction=satisfaction.where(satisfaction.between(1, 5)).round().astype("Int64").astype("Int32"),
        satisfaction_at=frame["resolved_at"].fillna(frame["opened_at"]).where(satisfaction.notna()),
        compensation_minor=_minor(frame["compensation"], minor),
    ).drop(columns=["customer", "compensation"])


def _minor(amounts: pd.Series[Any], minor: float) -> pd.Series[Any]:
    numbers = pd.to_numeric(amounts, errors="coerce")
    return (numbers * minor).round().astype("Int64")


def _base(delivered: Delivered, columns: Columns, timezone: str, roles: tuple[str, ...], notes: list[str]) -> pd.DataFrame:
    """Customer and the named roles of each row that names a customer."""
    table = delivered.table
    if "customer_id" not in columns:
        raise HistoryUnusable(
            f"{delivered.name}: no column could be recognised that says which customer a row is about. It has "
            f"{', '.join(table.column_names)}. Give it the same name as in the file of orders. Nothing was computed."
        )
    found: dict[str, Any] = {"customer": read_identifiers(table.column(columns.found["customer_id"]).combine_chunks())}
    for role in roles:
        if role not in columns:
            empty = np.full(table.num_rows, np.datetime64("NaT"), dtype="datetime64[us]") if role in TIMES else None
            found[role] = empty if empty is not None else pd.Series([None] * table.num_rows, dtype="object")
            continue
        values = table.column(columns.found[role]).combine_chunks()
        if role in TIMES:
            found[role] = read_times(values, timezone).instants
        elif role in ("satisfaction", "compensation"):
            found[role] = read_numbers(values)
        else:
            found[role] = read_identifiers(values)
    frame = pd.DataFrame(found)
    nobody = frame["customer"].isna()
    if nobody.any():
        notes.append(f"{delivered.name}: {int(nobody.sum()):,} of {len(frame):,} rows name no customer and were left out")
    frame = frame[~nobody].reset_index(drop=True)
    return frame.assign(customer_key=keys_of(frame["customer"]))
