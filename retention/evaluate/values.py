"""Times, numbers and codes as people write them, read column by column; what cannot be read is null, never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from retention.sources.numbers import ascii_digits, decimal_text
from retention.sources.profile import FORMATS

_MORE_FORMATS = (
    "%d/%m/%y %H:%M:%S", "%d/%m/%y %H:%M", "%d/%m/%y", "%m/%d/%y %H:%M:%S", "%m/%d/%y %H:%M", "%m/%d/%y",
    "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M %p",
    "%d.%m.%y %H:%M", "%d.%m.%y", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%m-%d-%Y %H:%M:%S", "%m-%d-%Y %H:%M",
    "%m-%d-%Y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y %H:%M:%S",
    "%d %b %Y %H:%M:%S", "%d %b %Y %H:%M", "%b %d, %Y %H:%M", "%a, %d %b %Y %H:%M:%S", "%Y%m%d%H%M", "%Y%m%d %H:%M:%S",
)  # fmt: skip
_SWAPPED = {"%d/%m": "%m/%d", "%m/%d": "%d/%m", "%d-%m": "%m-%d", "%m-%d": "%d-%m"}
_ISO = re.compile(r"^\d{4}-\d{1,2}-\d{1,2}")
_LIKE_A_DATE = r"\d{1,4}[-/. ]+\w{1,9}[-/., ]+\d{1,4}|[A-Za-z]{3,9}[ .]+\d{1,2},? +\d{2,4}"
_OFFSET = r"(?:Z|[+-]\d{2}:?\d{2})\s*$"
_LOOKED_AT = 2_000
NEARLY_ALL = 0.8
_CURRENCY = r"(?i)[¥￥€£$元]|\b(?:cny|rmb|usd|eur|gbp|hkd|jpy|chf|us)\b|人民币|円"
_EPOCHS = ((1e6, 3e8, 4e9), (1e3, 3e11, 4e12), (1.0, 3e14, 4e15), (1e-3, 3e17, 4e18))
"""Microseconds in a unit of each way of counting since 1970, and the numbers that recent times have in it."""
COUNTED_FROM = "2000-01-01"
"""Day 0 of columns that count days without saying from when."""
_SERIAL_DAYS = (20_000, 80_000)
"""Days since 1899-12-30, as spreadsheets count them: 1954 to 2119."""


@dataclass(frozen=True)
class Times:
    """Times of a column.

    Attributes
    ----------
    instants : UTC, microseconds; NaT where there is none or it cannot be read.
    read_share : share of the filled values that could be read.
    note : what had to be assumed; empty where nothing.
    """

    instants: NDArray[np.datetime64]
    read_share: float
    note: str = ""


def read_times(values: pa.Array, timezone: str) -> Times:
    """Read a column of times; those without a zone are of `timezone`."""
    kind = values.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        moments = pc.cast(values, pa.timestamp("us", getattr(kind, "tz", None)), safe=False)
        found = pd.Series(moments.to_pandas())
        return _times(values, _in_utc(found, timezone))
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return _numeric_times(values, timezone)
    encoded = pc.dictionary_encode(pc.cast(values, pa.string()))
    distinct = pd.Series(encoded.dictionary.to_pylist(), dtype="object")
    read, note = _read_distinct(distinct, timezone)
    if note == "numbers":
        return _numeric_times(pa.array(read_numbers(values), from_pandas=True), timezone)
    places = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    taken = np.full(len(values), np.datetime64("NaT"), dtype="datetime64[us]")
    taken[places >= 0] = read[places[places >= 0]]
    return _times(values, taken, note)


def _times(values: pa.Array, instants: NDArray[np.datetime64], note: str = "") -> Times:
    filled = len(values) - values.null_count
    return Times(instants, float((~np.isnat(instants)).sum() / filled) if filled else 0.0, note)


def _in_utc(found: pd.Series[Any], timezone: str) -> NDArray[np.datetime64]:
    """Instants of wall-clock times; in the hour that repeats the first, in the hour left out the next one there is."""
    if not pd.api.types.is_datetime64_any_dtype(found):
        found = pd.to_datetime(found, errors="coerce")
    if found.dt.tz is None:
        repeated = np.ones(len(found), dtype=bool)
        found = found.dt.tz_localize(timezone, ambiguous=repeated, nonexistent="shift_forward")
    return np.asarray(found.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]"))


def _read_distinct(texts: pd.Series[Any], timezone: str) -> tuple[NDArray[np.datetime64], str]:
    """Read distinct texts by the way of writing that fits most of them."""
    if texts.empty:
        return np.array([], dtype="datetime64[us]"), ""
    looked_at = texts.iloc[np.unique(np.linspace(0, len(texts) - 1, min(len(texts), _LOOKED_AT)).astype(int))]
    if looked_at.str.match(_ISO).mean() >= NEARLY_ALL:
        return _iso(texts, timezone), ""
    compact = looked_at.str.fullmatch(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?").mean()
    if compact < NEARLY_ALL and looked_at.str.fullmatch(r"\d+(?:\.\d+)?").mean() >= NEARLY_ALL:
        return np.array([], dtype="datetime64[us]"), "numbers"
    shares = {one: float(pd.to_datetime(looked_at, format=one, errors="coerce").notna().mean()) for one in _all_formats()}
    best = max(shares, key=lambda one: shares[one])
    if shares[best] < NEARLY_ALL / 2:
        looks = texts.where(texts.str.contains(_LIKE_A_DATE, regex=True, na=False))
        mixed = pd.to_datetime(looks.to_list(), errors="coerce", format="mixed", utc=True)
        return _in_utc(pd.Series(mixed), timezone), ""
    swapped = next((best.replace(one, other) for one, other in _SWAPPED.items() if best.startswith(one)), None)
    note = ""
    if swapped is not None:
        best, note = _day_or_month(texts, best, swapped)
    found = pd.to_datetime(texts, format=best, errors="coerce")
    rest = found.isna() & texts.notna()
    if rest.any() and "%H" in best:
        # Spreadsheets leave out the time at midnight.
        found = found.fillna(pd.to_datetime(texts.where(rest), format=best.split(" ")[0], errors="coerce"))
    return _in_utc(found, timezone), note


def _day_or_month(texts: pd.Series[Any], first: str, second: str) -> tuple[str, str]:
    """Tell 3/4/2026 in March from 3/4/2026 in April by all values of the column.

    Where every value reads both ways (no day above 12), the reading by which the history is shorter holds: taken the wrong
    way round, neighbouring days lie months apart.
    """
    read = {one: pd.to_datetime(texts, format=one, errors="coerce").dropna() for one in (first, second)}
    if len(read[first]) != len(read[second]):
        return max(read, key=lambda one: len(read[one])), ""
    spans = {one: found.max() - found.min() for one, found in read.items()}
    chosen = min(spans, key=lambda one: (spans[one], not one.startswith("%d")))
    named = "day" if chosen.startswith("%d") else "month"
    return chosen, f"day and month could be the other way round: the {named} was read first"


def _all_formats() -> tuple[str, ...]:
    return (*FORMATS, *_MORE_FORMATS)


def _iso(texts: pd.Series[Any], timezone: str) -> NDArray[np.datetime64]:
    has_offset = texts.str.contains(_OFFSET, regex=True, na=False) & (texts.str.len() > 11)
    plain = _in_utc(pd.to_datetime(texts.where(~has_offset), format="ISO8601", errors="coerce"), timezone)
    if not has_offset.any():
        return plain
    zoned = pd.to_datetime(texts.where(has_offset), format="ISO8601", errors="coerce", utc=True)
    return np.where(has_offset.to_numpy(), _in_utc(zoned, timezone), plain)


def _numeric_times(values: pa.Array, timezone: str) -> Times:
    """Numbers as times: seconds or finer since 1970, 20260131, or a spreadsheet's days."""
    numbers = pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)
    known = numbers[np.isfinite(numbers)]
    nothing = np.full(len(numbers), np.datetime64("NaT"), dtype="datetime64[us]")
    if not known.size:
        return _times(values, nothing)
    middle = float(np.median(known))
    if 19_000_101 <= middle <= 21_001_231:
        texts = pd.Series(np.where(np.isfinite(numbers), numbers, 0).astype(np.int64)).astype(str)
        return _times(values, _in_utc(pd.to_datetime(texts, format="%Y%m%d", errors="coerce"), timezone))
    for micros, low, high in _EPOCHS:
        if low <= middle <= high:
            usable = np.isfinite(numbers) & (np.abs(numbers) * micros < 1e17)
            nothing[usable] = np.round(numbers[usable] * micros).astype(np.int64).astype("datetime64[us]")
            return _times(values, nothing)
    if counts_days(values):
        found = pd.to_datetime(pd.Series(numbers), unit="D", origin=COUNTED_FROM, errors="coerce")
        return _times(
            values, _in_utc(found, timezone), f"days were counted from {COUNTED_FROM} (day 0) on: give --as-of by that"
        )
    if _SERIAL_DAYS[0] <= middle <= _SERIAL_DAYS[1]:
        found = pd.to_datetime(pd.Series(numbers), unit="D", origin="1899-12-30", errors="coerce")
        return _times(values, _in_utc(found.dt.round("s"), timezone), "dates were read as a spreadsheet's count of days")
    return _times(values, nothing)


def is_plainly_dated(values: pa.Array) -> bool:
    """Tell numbers like 19970131 and instants since 1970 from those that merely could count days."""
    numbers = read_numbers(values)
    known = numbers[np.isfinite(numbers)]
    if not known.size:
        return False
    middle = float(np.median(known))
    return 19_000_101 <= middle <= 21_001_231 or any(low <= middle <= high for _, low, high in _EPOCHS)


def counts_days(values: pa.Array) -> bool:
    """Tell whether a column counts days, as published panels do: whole numbers from 0 or 1 up to a few thousand."""
    numbers = read_numbers(values)
    known = np.unique(numbers[np.isfinite(numbers)])
    if len(known) < 20 or (known != np.round(known)).any():
        return False
    return bool(0 <= known[0] <= 31 and known[-1] <= 10_000 and len(known) >= 0.2 * (known[-1] - known[0]))


def read_numbers(values: pa.Array) -> NDArray[np.float64]:
    """Read a column of numbers, with currency signs, groups of digits and either decimal sign; nan where there is none."""
    kind = values.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return np.asarray(pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
    if pa.types.is_boolean(kind) or pa.types.is_temporal(kind):
        return np.full(len(values), np.nan)
    encoded = pc.dictionary_encode(pc.cast(values, pa.string()))
    distinct = _numbers(encoded.dictionary)
    places = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return np.where(places >= 0, np.append(distinct, np.nan)[places], np.nan)


def _numbers(distinct: pa.Array) -> NDArray[np.float64]:
    cleaned = pc.utf8_trim_whitespace(pc.replace_substring_regex(ascii_digits(distinct), _CURRENCY, ""))
    cleaned = pc.replace_substring_regex(cleaned, r"^\((.*)\)$", r"-\1")  # accountants' minus
    cleaned = pc.replace_substring_regex(cleaned, r"^-\s+", "-")
    best = np.full(len(distinct), np.nan)
    for decimal in (None, ".", ","):
        text = pd.Series(decimal_text(cleaned, decimal).to_pylist(), dtype="object")
        found = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)
        if np.isfinite(found).sum() > np.isfinite(best).sum():
            best = found
    return np.where(np.isfinite(best), best, np.nan)


def read_identifiers(values: pa.Array) -> NDArray[Any]:
    """Read identifiers as text: 17850, 17850.0 and "17850" are the same; None where there is none."""
    kind = values.type
    if pa.types.is_floating(kind):
        whole = pc.if_else(pc.is_finite(values), pc.floor(values), pa.scalar(None, kind))
        same = pc.fill_null(pc.and_(pc.equal(whole, values), pc.less(pc.abs(values), 2.0**53)), fill_value=False)
        integers = pc.cast(pc.cast(pc.if_else(same, whole, pa.scalar(None, kind)), pa.int64()), pa.string())
        text = pc.coalesce(integers, pc.cast(pc.if_else(pc.is_finite(values), values, pa.scalar(None, kind)), pa.string()))
    else:
        text = pc.cast(values, pa.string())
        if pc.all(pc.match_substring_regex(text, r"^\d+\.0$")).as_py():
            text = pc.replace_substring(text, ".0", "")
    return np.asarray(text.to_pandas(), dtype=object)


def as_delivered(identifiers: pd.Series[Any]) -> pd.Series[Any]:
    """Identifiers as whole numbers where every one of them is written as one, so that they join with the user's own."""
    if identifiers.str.fullmatch(r"(?:0|-?[1-9]\d{0,17})").all():
        return identifiers.astype(np.int64)
    return identifiers
