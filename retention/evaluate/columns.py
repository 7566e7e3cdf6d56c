"""Which column of a file holds what: told by its name and by what is in it, or by the user."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from retention.evaluate.errors import HistoryUnusable
from retention.evaluate.reading import Delivered
from retention.evaluate.values import is_plainly_dated, read_numbers, read_times
from retention.sources.names import column_likeness, likeness

MAPPED = 0.6
"""Likeness of names from which on a column is taken."""
_LOOKED_AT = 5_000
_SURE = 0.9
_A_FEW = 5

# Our roles, and the entity and column that stand for them in the catalogue of sources, where there is one.
ORDER_ROLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "customer_id": (("order", "customer_id"),),
    "order_id": (("order", "order_id"),),
    "ordered_at": (("order", "ordered_at"),),
    "amount": (("order", "gross_amount"),),
    "gross_amount": (),
    "unit_price": (("order_line", "unit_price"),),
    "quantity": (("order_line", "quantity"),),
    "discount": (("order", "discount_amount"), ("order_line", "discount_amount")),
    "product_id": (("order_line", "product_id"),),
    "category": (("product", "category_path"),),
    "status": (),
    "paid_at": (("order", "paid_at"),),
    "cancelled_at": (("order", "cancelled_at"),),
    "refunded_at": (("order", "refunded_at"),),
    "refund_amount": (("order", "refund_amount"),),
    "line_number": (("order_line", "line_number"),),
    "channel": (("order", "channel"),),
    "coupon_code": (("order", "coupon_code"),),
    "email": (("customer", "email"),),
}
CUSTOMER_ROLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "customer_id": (("customer", "customer_id"),),
    "member_since": (("customer", "member_since"), ("customer", "created_at")),
    "is_test": (("customer", "is_test"),),
}
COMPLAINT_ROLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "customer_id": (("complaint", "customer_id"),),
    **{
        name: (("complaint", name),)
        for name in (
            "complaint_id", "opened_at", "acknowledged_at", "first_replied_at", "resolved_at", "severity", "category",
            "channel", "order_id", "satisfaction",
        )
    },
    "compensation": (("complaint", "compensation_amount"),),
}  # fmt: skip
ROLES = {"orders": ORDER_ROLES, "customers": CUSTOMER_ROLES, "complaints": COMPLAINT_ROLES}
TIMES = {
    "ordered_at", "paid_at", "cancelled_at", "refunded_at", "member_since", "opened_at", "acknowledged_at",
    "first_replied_at", "resolved_at",
}  # fmt: skip
NUMBERS = {"amount", "gross_amount", "unit_price", "quantity", "discount", "refund_amount", "compensation", "satisfaction"}
_PART_OF_A_TIME = {"hour", "hours", "minute", "minutes", "week", "month", "year", "quarter", "dow", "weekday", "weeks"}
# What users call our roles in --map beside their names.
ALIASES = {
    "customer": "customer_id", "customer_key": "customer_id", "order": "order_id", "date": "ordered_at", "time": "ordered_at",
    "order_date": "ordered_at", "timestamp": "ordered_at", "net_amount": "amount", "net": "amount", "total": "amount",
    "value": "amount", "price": "unit_price", "product": "product_id", "discount_amount": "discount", "line": "line_number",
    "compensation_amount": "compensation", "opened": "opened_at", "resolved": "resolved_at",
}  # fmt: skip


@dataclass(frozen=True)
class Columns:
    """Role -> column of the file, and why."""

    found: Mapping[str, str]
    reasons: Mapping[str, str]

    def __contains__(self, role: str) -> bool:
        return role in self.found


def parse_map(given: Sequence[str]) -> dict[str, str]:
    """Read `--map order_id=Invoice,date=Day` (repeatable, comma separated).

    Raises
    ------
    HistoryUnusable when a pair is no pair.
    """
    pairs: dict[str, str] = {}
    for text in given:
        for part in text.split(","):
            role, separator, column = (one.strip() for one in part.partition("="))
            if not separator or not role or not column:
                raise HistoryUnusable(f"--map {part.strip() or text}: write it as ours=theirs, e.g. order_id=InvoiceNo.")
            pairs[ALIASES.get(role.lower(), role.lower())] = column
    return pairs


def find_columns(delivered: Delivered, kind: str, given: Mapping[str, str], timezone: str) -> Columns:
    """Find the columns of a file.

    Parameters
    ----------
    kind : orders, customers or complaints.
    given : what the user said; roles of other files are left aside.

    Raises
    ------
    HistoryUnusable when the user names a column that is not there, or one that must be there cannot be found.
    """
    roles, table = ROLES[kind], delivered.table
    known = {role for one in ROLES.values() for role in one}
    found: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for role, column in given.items():
        if role not in known:
            raise HistoryUnusable(f"--map {role}=…: there is no {role}; known are {', '.join(ORDER_ROLES)}.")
        if role in roles and (kind == "orders" or column in table.column_names):
            found[role] = _named(column, delivered)
            reasons[role] = "as you said"
    samples = {name: _sample(table.column(name)) for name in table.column_names}
    kinds = {name: _kind(values, timezone) for name, values in samples.items()}
    pairs = []
    for place, role in enumerate(roles):
        for name in table.column_names:
            alike = _likeness(role, roles[role], name)
            if alike >= MAPPED and _fits(role, name, kinds[name], samples[name]):
                pairs.append((-alike, place, role, name))
    for _, _, role, name in sorted(pairs):
        if role not in found and name not in found.values():
            found[role], reasons[role] = name, "by its name"
    if kind == "orders":
        _people_not_orders(found, reasons, given, table, pairs)
        _pieces_not_money(found, reasons, given, samples)
        _told_by_content(found, reasons, given, table, kinds, samples)
        if not delivered.has_header:
            _told_by_place(found, reasons, table, kinds)
    return Columns(found, reasons)


def _named(column: str, delivered: Delivered) -> str:
    names: list[str] = delivered.table.column_names
    alike = [name for name in names if name == column] or [name for name in names if name.lower() == column.lower()]
    if alike:
        return alike[0]
    raise HistoryUnusable(f"--map: {delivered.name} has no column {column}; it has {', '.join(names)}.")


def _likeness(role: str, catalogue: tuple[tuple[str, str], ...], name: str) -> float:
    listed = max((likeness(one, name) for one in (role, *_synonyms().get(role, ()))), default=0.0)
    return max([listed, *(0.98 * column_likeness(entity, column, name) for entity, column in catalogue)])


@cache
def _synonyms() -> dict[str, tuple[str, ...]]:
    with Path(__file__).with_name("columns.csv").open(encoding="utf-8", newline="") as stream:
        return {row["role"]: tuple(row["names"].split("|")) for row in csv.DictReader(stream)}


def _sample(values: pa.ChunkedArray) -> pa.Array:
    values = values.drop_null()
    step = max(1, len(values) // _LOOKED_AT)
    places = pa.array(np.arange(0, len(values), step))
    taken = values.take(places)
    return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken


def _kind(values: pa.Array, timezone: str) -> str:
    """What a column holds: empty, time, number or text. Numbers that could be times (19970101) are both."""
    if not len(values):
        return "empty"
    is_number = bool(np.isfinite(read_numbers(values)).mean() >= 0.8)
    is_time = read_times(values, timezone).read_share >= 0.8
    return "both" if is_number and is_time else "number" if is_number else "time" if is_time else "text"


def _fits(role: str, name: str, kind: str, values: pa.Array) -> bool:
    if kind == "empty":
        return False
    if role in TIMES:
        return kind == "time" or (kind == "both" and (is_plainly_dated(values) or not _says_part_of_a_time(name)))
    if role == "coupon_code" and kind in ("number", "both"):
        # What a coupon took off is no code; nor is a flag of nothing but zeros.
        numbers = read_numbers(values)
        return bool((numbers[np.isfinite(numbers)] > 1).all() and not _broken(numbers))
    if role in NUMBERS:
        return kind in ("number", "both") and not pa.types.is_boolean(values.type)
    return kind != "time"


def _says_part_of_a_time(name: str) -> bool:
    """Tell by its name that a column of small numbers counts hours or weeks rather than days."""
    return bool(_PART_OF_A_TIME & set(re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())))


def _people_not_orders(
    found: dict[str, str],
    reasons: dict[str, str],
    given: Mapping[str, str],
    table: pa.Table,
    pairs: Sequence[tuple[float, int, str, str]],
) -> None:
    """Of two columns that sound like a customer, take the one whose values come back: the other numbers orders."""
    sounding = [name for alike, _, role, name in pairs if role == "customer_id" and -alike >= _SURE]
    if len(sounding) > 1 and "customer_id" not in given:
        distinct = {name: len(pc.unique(table.column(name).drop_null())) for name in sounding}
        fewest = min(sounding, key=lambda name: distinct[name])
        if distinct[fewest] < distinct[found["customer_id"]] == table.num_rows:
            found["customer_id"], reasons["customer_id"] = fewest, "its values come back, those of the other never do"


def _pieces_not_money(
    found: dict[str, str], reasons: dict[str, str], given: Mapping[str, str], samples: Mapping[str, pa.Array]
) -> None:
    """An `amount` of a few pieces beside a price is a quantity."""
    amount, price = found.get("amount"), found.get("unit_price")
    if amount is None or price is None or "quantity" in found or {"amount", "unit_price"} & set(given):
        return
    pieces, money = read_numbers(samples[amount]), read_numbers(samples[price])
    pieces, money = pieces[np.isfinite(pieces)], money[np.isfinite(money)]
    is_whole = bool((pieces == np.round(pieces)).all())
    if is_whole and np.median(np.abs(pieces)) <= _A_FEW < np.median(np.abs(money)):
        found["quantity"] = found.pop("amount")
        reasons["quantity"], reasons["unit_price"] = "small whole numbers beside a price", "by its name"


def _told_by_content(
    found: dict[str, str],
    reasons: dict[str, str],
    given: Mapping[str, str],
    table: pa.Table,
    kinds: Mapping[str, str],
    samples: Mapping[str, pa.Array],
) -> None:
    """Correct what names alone get wrong: whose number an `id` is, and columns without speaking names."""
    if "customer_id" not in found and "email" in found:
        found["customer_id"], reasons["customer_id"] = found.pop("email"), "customers are told apart by their e-mail"
    free = [name for name in table.column_names if name not in found.values()]
    if "ordered_at" not in found:
        times = [name for name in free if _fits("ordered_at", name, kinds[name], samples[name])]
        # Numbers that merely could count days, as those of customers do, stand back behind dates; names must say so.
        dated = [name for name in times if is_plainly_dated(samples[name])]
        only = [name for name in times if kinds[name] == "time"] or dated or (times if all(map(str.isdigit, free)) else [])
        if len(only) == 1:
            found["ordered_at"], reasons["ordered_at"] = only[0], "the only column of times"
    if "ordered_at" not in found and "paid_at" in found:
        found["ordered_at"], reasons["ordered_at"] = found["paid_at"], "the only column of times"
    if not {"amount", "gross_amount", "unit_price"} & set(found):
        broken = [name for name in free if name != found.get("ordered_at") and kinds[name] == "number"]
        broken = [name for name in broken if _has_decimals(table.column(name))]
        if len(broken) == 1:
            found["amount"], reasons["amount"] = broken[0], "the only column of amounts"
    order = found.get("order_id")
    if order is not None and "order_id" not in given and "customer_id" not in found and _repeats_over_days(order, found, table):
        found["customer_id"], reasons["customer_id"] = found.pop("order_id"), "it repeats on many days, so it is no order's"
    if "customer_id" not in found:
        rest = [name for name in table.column_names if name not in found.values() and kinds[name] not in ("empty", "time")]
        likely = [name for name in rest if _repeats_over_days(name, found, table) and not _has_decimals(table.column(name))]
        if len(likely) == 1:
            found["customer_id"], reasons["customer_id"] = likely[0], "the only column whose values come back on other days"


def _told_by_place(found: dict[str, str], reasons: dict[str, str], table: pa.Table, kinds: Mapping[str, str]) -> None:
    """Without names: customers stand first, before the time; money is the last column with decimals."""
    names = table.column_names
    at = found.get("ordered_at")
    before = names[: names.index(at)] if at in names else names
    if "customer_id" not in found:
        repeating = [name for name in before if kinds[name] != "time" and len(pc.unique(table.column(name))) < table.num_rows]
        if repeating:
            found["customer_id"], reasons["customer_id"] = repeating[0], "it stands first and repeats"
    if "amount" not in found:
        free = [name for name in names if name not in found.values() and kinds[name] in ("number", "both")]
        broken = [name for name in free if _has_decimals(table.column(name))]
        if broken or len(free) == 1:
            found["amount"], reasons["amount"] = (broken or free)[-1], "the last column of numbers with decimals"


def _has_decimals(values: pa.ChunkedArray) -> bool:
    return _broken(read_numbers(_sample(values)))


def _broken(numbers: NDArray[np.float64]) -> bool:
    numbers = numbers[np.isfinite(numbers)]
    return bool((numbers != np.round(numbers)).any())


def _repeats_over_days(name: str, found: Mapping[str, str], table: pa.Table) -> bool:
    if "ordered_at" not in found:
        return False
    frame = pd.DataFrame({"id": pc.cast(table.column(name), pa.string()).to_pandas()})
    frame["at"] = pc.cast(table.column(found["ordered_at"]), pa.string()).to_pandas()
    days = frame.dropna().groupby("id")["at"].nunique()
    return bool(len(days)) and bool((days > 1).mean() > 0.1)


def needed(delivered: Delivered, columns: Columns) -> None:
    """Stop where customers or times cannot be told.

    Raises
    ------
    HistoryUnusable naming what is missing, what the file has, and how to say which column it is.
    """
    words = {"customer_id": "whose order it is", "ordered_at": "when it was placed"}
    missing = [role for role in words if role not in columns]
    if not missing:
        return
    hint = ",".join(f"{role}=COLUMN" for role in missing)
    empty = [
        name for name in delivered.table.column_names if delivered.table.column(name).null_count == delivered.table.num_rows
    ]
    header = f" Without any value: {', '.join(empty)}." if empty else ""
    header += "" if delivered.has_header else " Its first line was read as values and not as names of columns."
    raise HistoryUnusable(
        f"{delivered.name}: no column could be recognised that says {' or '.join(words[role] for role in missing)}. It has "
        f"{', '.join(delivered.table.column_names)}.{header} Say which it is: --map {hint}. Nothing was computed."
    )
