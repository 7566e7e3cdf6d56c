"""Rows of a user's file as purchases and money given back: readable, once each, in one unit of money."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from retention.evaluate.columns import Columns
from retention.evaluate.errors import HistoryUnusable
from retention.evaluate.reading import Delivered
from retention.evaluate.values import read_identifiers, read_numbers, read_times
from retention.evaluate.words import counted

MINOR_DIGITS = 2
"""Hundredths of the file's unit of money are counted inside, finer where amounts are; results are in the file's unit again."""
_FINEST_DIGITS = 8
LARGEST = 1e13
_EARLIEST = np.datetime64("1971-01-01", "us")
_FEW = 0.1
# What was an order until its status came, and what never was one.
_ENDED = (
    "cancelled|canceled|cancel|void|voided|refunded|returned|chargeback|storniert|retourniert|erstattet|已取消|取消|退款|已退款|"
    "退货|已退货|作废"
)
_NEVER = "failed|declined|rejected|unpaid|pending|draft|expired|abgebrochen|offen|已关闭|交易关闭|关闭|未付款|待付款"
_RETURN_ROW = "return|refund|credit|credit note|credit memo|retoure|gutschrift|erstattung|退货|退款"


@dataclass
class Rows:
    """Purchases and refunds, one row per row of the file that counts.

    Attributes
    ----------
    frame : customer, order (text or None), at (UTC), day (in the business time zone), amount_minor, discount_minor,
        product, category, quantity, cancelled_at, channel, coupon, ended_undated (cancelled or given back by a status without
        a date; see :meth:`settled`).
    has_money : whether the file says what was paid.
    has_products : whether lines name products or categories.
    notes : what was left out or assumed, with counts, in words.
    minor_digits : decimals of the file's unit of money that are counted.
    """

    frame: pd.DataFrame
    has_money: bool
    has_products: bool
    notes: list[str] = field(default_factory=list)
    minor_digits: int = MINOR_DIGITS

    @property
    def minor(self) -> float:
        """Minor units in the file's unit of money."""
        return float(10**self.minor_digits)

    def settled(self, known_at: np.datetime64 | None) -> Rows:
        """Date what a status without a date says was cancelled or given back.

        Such a status is the last one there was; on the as-of date nobody may have known it. What was ordered before that stands
        until then, what was ordered from then on never counts.

        Parameters
        ----------
        known_at : beginning of the as-of date (UTC); None where the file ends before it, and all of it is known.
        """
        ended = self.frame["ended_undated"].to_numpy(dtype=bool)
        if not ended.any():
            return self
        stands = ended & (self.frame["at"].to_numpy() < known_at) if known_at is not None else np.zeros(len(ended), dtype=bool)
        cancelled_at = self.frame["cancelled_at"].mask(stands, known_at)
        frame = self.frame.assign(cancelled_at=cancelled_at)[~ended | stands].reset_index(drop=True)
        says = f"cancelled or given back by status, without a date: {counted(int(ended.sum()), 'row')}"
        if stands.any():
            says += f", of which {int(stands.sum()):,} from before the as-of date stand until then and the others never count"
        return replace(self, frame=frame, notes=[*self.notes, says])


def read_rows(delivered: Delivered, columns: Columns, timezone: str, now: datetime) -> Rows:
    """Read the rows of a file of orders or order lines.

    Raises
    ------
    HistoryUnusable when no row is left that can be used.
    """
    table, notes, total = delivered.table, [], delivered.table.num_rows

    def values(role: str) -> pa.Array | None:
        return table.column(columns.found[role]).combine_chunks() if role in columns else None

    def times(role: str) -> NDArray[np.datetime64]:
        found = values(role)
        if found is None:
            return np.full(total, np.datetime64("NaT"), dtype="datetime64[us]")
        read = read_times(_one(found), timezone)
        if read.note:
            notes.append(f"{columns.found[role]}: {read.note}")
        return read.instants

    def text(role: str) -> NDArray[Any]:
        found = values(role)
        return np.full(total, None, dtype=object) if found is None else read_identifiers(_one(found))

    if _is_line_total(columns, table):
        notes.append(f"{columns.found['unit_price']} was read as the price of the whole line: it grows with the quantity")
        columns = Columns({**columns.found, "amount": columns.found["unit_price"]}, columns.reasons)
    paid = times("paid_at") if "paid_at" in columns else times("ordered_at")
    money, has_money = _money(columns, lambda role: None if values(role) is None else read_numbers(_one(values(role))), total)
    frame = pd.DataFrame(
        {
            "customer": text("customer_id"),
            "order": text("order_id"),
            "at": paid,
            "amount": money["amount"],
            "discount": money["discount"],
            "quantity": money["quantity"],
            "refund": money["refund"],
            "product": text("product_id"),
            "category": text("category"),
            "status": text("status"),
            "channel": text("channel"),
            "coupon": text("coupon_code"),
            "cancelled_at": times("cancelled_at"),
            "refunded_at": times("refunded_at"),
        }
    )
    frame = _without_repeats(frame, table, columns, notes)
    frame = _readable(frame, columns, has_money, notes)
    frame = _signs(frame, notes)
    frame = _possible_times(frame, now, notes)
    frame = _by_status(frame, notes)
    if frame.empty:
        raise HistoryUnusable(
            f"{delivered.name}: none of its {total:,} rows is a purchase that can be used ({'; '.join(notes) or 'no rows'}). "
            "Nothing was computed."
        )
    frame = _amounts_of_whole_orders(frame, notes)
    frame["day"] = frame["at"].dt.tz_localize("UTC").dt.tz_convert(timezone).dt.tz_localize(None).dt.normalize()
    digits = _minor_digits(frame["amount"].to_numpy()) if has_money else MINOR_DIGITS
    for name in ("amount", "discount", "refund"):
        frame[f"{name}_minor"] = np.round(frame.pop(name).to_numpy() * 10.0**digits).astype(np.int64)
    has_products = "product_id" in columns or "category" in columns
    if "order_id" not in columns:
        notes.append("there is no order number: all a customer buys on one day is one order")
    if not has_money:
        notes.append("no column of money was found: churn and orders are predicted, clv is left empty")
    return Rows(frame.reset_index(drop=True), has_money, has_products, notes, digits)


def _minor_digits(amounts: NDArray[np.float64]) -> int:
    """Decimals to count: two, or more where a usual row is worth less than one, as prices published on a scale of their own."""
    paid = amounts[amounts > 0]
    usual = float(np.median(paid)) if paid.size else 1.0
    room = int(np.log10(LARGEST / max(1.0, float(np.abs(amounts).max(initial=0.0)))))
    return min(_FINEST_DIGITS, MINOR_DIGITS + min(room, max(0, int(np.ceil(-np.log10(usual))))))


def _is_line_total(columns: Columns, table: pa.Table) -> bool:
    """Tell by the products bought in different quantities whether a price is one of the line rather than of a piece."""
    if not {"unit_price", "quantity", "product_id"} <= set(columns.found) or "amount" in columns:
        return False
    frame = pd.DataFrame(
        {
            "product": read_identifiers(_one(table.column(columns.found["product_id"]))),
            "price": read_numbers(_one(table.column(columns.found["unit_price"]))),
            "pieces": read_numbers(_one(table.column(columns.found["quantity"]))),
        }
    )
    frame = frame[(frame["price"] > 0) & (frame["pieces"] > 0)]
    single = frame[frame["pieces"] == 1].groupby("product")["price"].median()
    several = frame[frame["pieces"] > 1]
    usual = several["product"].map(single)
    ratio = np.log(several["price"] / usual) / np.log(several["pieces"])
    return bool(ratio.notna().sum() >= 20 and ratio.median() > 0.5)


def _one(values: Any) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _money(
    columns: Columns, number: Callable[[str], NDArray[np.float64] | None], rows: int
) -> tuple[dict[str, NDArray[np.float64]], bool]:
    """What was paid for each row, the discount in it, units, and money given back that stands on the same row."""
    amount, gross, price = number("amount"), number("gross_amount"), number("unit_price")
    quantity, given = number("quantity"), number("discount")
    units = np.ones(rows) if quantity is None else np.where(np.isfinite(quantity), quantity, 1.0)
    off = np.zeros(rows) if given is None else np.abs(np.nan_to_num(given))
    is_rate = given is not None and float(off.max(initial=0.0)) <= 1.0
    if amount is None:
        before = gross if gross is not None else None if price is None else price * units
        if before is not None:
            off = before * off if is_rate else np.minimum(off, np.abs(before)) * np.sign(np.nan_to_num(before))
            amount = before - off
    elif is_rate:
        off = np.where(off < 1, amount * off / np.maximum(1 - off, 1e-9), 0.0)
    has_money = amount is not None
    if amount is None:
        amount = np.ones(rows) * np.sign(np.where(units == 0, 1.0, units))
    elif price is None or quantity is not None:
        # Some systems mark what came back by the number of units alone.
        amount = np.where((units < 0) & (amount > 0), -amount, amount)
    back = number("refund_amount")
    refund = np.zeros(rows) if back is None else np.abs(np.nan_to_num(back))
    return {"amount": amount, "discount": np.maximum(np.nan_to_num(off), 0.0), "quantity": units, "refund": refund}, has_money


def _without_repeats(frame: pd.DataFrame, table: pa.Table, columns: Columns, notes: list[str]) -> pd.DataFrame:
    """Leave out rows delivered twice, where two equal rows cannot both be meant.

    They cannot where rows are numbered, where an order has one row, where nobody buys twice in the same second, and where
    every row of the file comes equally often. Two equal lines of one basket may be two of the same article.
    """
    raw = table.to_pandas(split_blocks=True)
    repeated = raw.duplicated().to_numpy()
    count = int(repeated.sum())
    if count == 0:
        return frame
    once: pd.DataFrame = frame[~repeated]
    one_row_each = "order_id" in columns and once["order"].nunique() >= 0.98 * once["order"].notna().sum()
    seconds = once["at"].dropna()
    to_the_second = bool(((seconds - seconds.dt.normalize()).dt.seconds % 3600 != 0).mean() > 0.5)
    copies = raw.groupby(raw.columns.tolist(), dropna=False, sort=False).size()
    whole_file = int(copies.min()) > 1
    # An order of several rows may have two lines of the same amount at its moment.
    one_at_a_time = to_the_second and not {"order_id", "product_id"} & set(columns.found)
    if "line_number" in columns or one_row_each or one_at_a_time or whole_file:
        notes.append(f"counted once because they repeat another one exactly: {counted(count, 'row')}")
        return once
    notes.append(
        f"kept although they repeat another one exactly, because nothing tells the same purchase from two alike: "
        f"{counted(count, 'row')}"
    )
    return frame


def _readable(frame: pd.DataFrame, columns: Columns, has_money: bool, notes: list[str]) -> pd.DataFrame:
    """Leave out rows without customer, time or amount."""
    total = len(frame)
    nobody = frame["customer"].isna().to_numpy()
    never = frame["at"].isna().to_numpy()
    nothing = ~np.isfinite(frame["amount"].to_numpy()) | (np.abs(frame["amount"].to_numpy()) > LARGEST)
    unpaid = "paid_at" in columns
    for bad, words in (
        (nobody, "no customer named"),
        (never & ~nobody, "never paid or without a readable time" if unpaid else "without a readable time"),
        (nothing & ~nobody & ~never & has_money, "without a readable amount"),
    ):
        if bad.any():
            notes.append(f"left out, {words}: {int(bad.sum()):,} of {counted(total, 'row')}")
    kept: pd.DataFrame = frame[~(nobody | never | nothing)]
    return kept


def _signs(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Bookkeeping writes sales as negative amounts: where nearly all are, they are meant so."""
    negative = frame["amount"] < 0
    if len(frame) and negative.mean() > 0.95:
        notes.append(f"{int(negative.sum()):,} of {len(frame):,} amounts are negative: they were read as purchases")
        return frame.assign(amount=-frame["amount"])
    return frame


def _possible_times(frame: pd.DataFrame, now: datetime, notes: list[str]) -> pd.DataFrame:
    """Leave out rows of days that cannot be: before 1971 (a placeholder), and in the future where they are few."""
    if frame.empty:
        return frame
    at = frame["at"].to_numpy()
    early = at < _EARLIEST
    late = at > np.datetime64(pd.Timestamp(now).tz_convert("UTC").tz_localize(None), "us") + np.timedelta64(1, "D")
    if early.any():
        notes.append(f"left out, dated before 1971: {counted(int(early.sum()), 'row')}")
    if late.any() and late.mean() <= _FEW:
        notes.append(f"left out, dated in the future: {counted(int(late.sum()), 'row')}")
    elif late.any():
        notes.append(f"dated in the future, kept because they are too many for slips: {counted(int(late.sum()), 'row')}")
        late[:] = False
    return frame[~(early | late)]


def _by_status(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Apply a status: what was never paid does not count, a row of a return is money given back, an end is remembered."""
    status = frame.pop("status")
    frame = frame.assign(ended_undated=False)
    if not status.notna().any() or status.nunique() > 50:
        return frame
    plain = status.str.strip().str.lower().fillna("")
    is_return = plain.isin(_RETURN_ROW.split("|")) & (frame["amount"] > 0)
    plain_purchase = frame["cancelled_at"].isna() & (frame["amount"] >= 0)
    ended, never = (plain.isin(words.split("|")) & plain_purchase for words in (_ENDED, _NEVER))
    is_return &= ~ended
    if never.any():
        notes.append(f"left out, never paid by status: {counted(int(never.sum()), 'row')}")
    if is_return.any():
        notes.append(f"money given back, returns by status: {counted(int(is_return.sum()), 'row')}")
    frame = frame.assign(amount=np.where(is_return, -frame["amount"], frame["amount"]), ended_undated=ended)
    return frame[~never]


def _amounts_of_whole_orders(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Tell an order's total that is repeated on each of its lines from amounts of lines, and count it once."""
    known = frame["order"].notna() & (frame["amount"] > 0)
    by_order = frame[known].groupby(["customer", "order"], sort=False)["amount"]
    sizes, low, high = by_order.size(), by_order.min(), by_order.max()
    several = sizes > 1
    if several.sum() < 5 or (low == high)[several].mean() < 0.95:
        return frame
    repeats = frame[known].duplicated(["customer", "order"])
    again = repeats[repeats].index
    notes.append("every line of an order carries the same amount: it was read as the order's total and counted once")
    frame = frame.copy()
    frame.loc[again, ["amount", "discount"]] = 0.0
    return frame
