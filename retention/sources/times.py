"""Times of a source as canonical text: ISO 8601 with the offset that the source's zone had at that moment."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

_NAIVE = r"^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?$"
EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000}
"""Microseconds in one unit of each way of counting since 1970."""
_BY_QUARTERS = 94_694_400
"""1973 in seconds: from then on clocks are changed at full quarters of an hour only (the last other change was in 1972)."""


def local_time(values: pa.Array, timezone: str) -> pa.Array:
    """Return wall-clock times of the source's zone; microseconds, finer parts cut off."""
    values = pc.cast(values, pa.timestamp("us", values.type.tz), safe=False)
    if values.type.tz is None:
        return values
    return pc.local_timestamp(pc.cast(values, pa.timestamp("us", timezone)))


def render(local: pa.Array, timezone: str, kind: str | None) -> pa.Array:
    """Render wall-clock times: the day for a date column, otherwise with the offset the zone had at that time."""
    seconds = pc.cast(pc.floor_temporal(local, unit="second"), pa.timestamp("s"))
    text = pc.cast(seconds, pa.string())
    if kind == "date":
        return pc.utf8_slice_codeunits(text, 0, 10)
    text = pc.binary_replace_slice(text, 10, 11, "T")  # digits only, so bytes are characters
    fraction = pc.not_equal(pc.microsecond(local), 0), pc.not_equal(pc.millisecond(local), 0)
    has_fraction = pc.or_(*fraction)
    if pc.any(has_fraction).as_py():
        exact = pc.utf8_replace_slice(pc.cast(local, pa.string()), 10, 11, "T")
        text = pc.if_else(has_fraction, exact, text)
    return pc.binary_join_element_wise(text, _offsets(seconds, timezone), "")


def _offsets(local_seconds: pa.Array, timezone: str) -> pa.Array:
    """Return the zone's offset at each wall-clock time as text; in the hour that repeats, the first."""
    moments = pc.cast(local_seconds, pa.int64())
    shift = _shift_by_quarters(moments, timezone)
    if shift is None:
        shift = _shift(moments, timezone)
    distinct = pc.unique(shift).drop_null()
    if len(distinct) == 1:
        return pc.if_else(pc.is_valid(shift), pa.scalar(_offset_text(distinct[0].as_py())), pa.scalar(None, pa.string()))
    names = pa.array([_offset_text(seconds.as_py()) for seconds in distinct], pa.string())
    return names.take(pc.index_in(shift, value_set=distinct))


def _shift_by_quarters(moments: pa.Array, timezone: str) -> pa.Array | None:
    """As :func:`_shift`, asked once for each quarter of an hour, of which a batch holds far fewer than times.

    None where the offset is not the same throughout a quarter: in the hour that a change of the clock leaves out.
    """
    earliest = pc.min(moments).as_py()
    if earliest is None or earliest < _BY_QUARTERS:
        return None
    quarters = pc.multiply(pc.divide(moments, 900), 900)
    few = pc.unique(quarters).drop_null()
    shift = _shift(few, timezone)
    if not shift.equals(_shift(pc.add(few, 899), timezone)):
        return None
    return shift.take(pc.index_in(quarters, value_set=few))


def _shift(local_seconds: pa.Array, timezone: str) -> pa.Array:
    """Return seconds between wall-clock times and UTC."""
    local = pc.cast(local_seconds, pa.timestamp("s"))
    instants = pc.assume_timezone(local, timezone, ambiguous="earliest", nonexistent="latest")
    return pc.subtract(local_seconds, pc.cast(instants, pa.int64()))


def _offset_text(seconds: int) -> str:
    sign, minutes = ("-" if seconds < 0 else "+"), abs(seconds) // 60
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def with_offset(text: pa.Array, timezone: str) -> pa.Array:
    """Give text times without an offset theirs; everything else, also what is no time, stays as delivered."""
    usual = _all_of_the_usual_form(text)
    if usual is not None:
        return pc.binary_join_element_wise(pc.binary_replace_slice(text, 10, 11, "T"), _offsets(usual, timezone), "")
    naive = pc.fill_null(pc.match_substring_regex(text, _NAIVE), fill_value=False)
    if not pc.any(naive).as_py():
        return text
    body = pc.utf8_replace_slice(text, 10, 11, " ")
    length = pc.utf8_length(text)
    padded = pc.case_when(
        pc.make_struct(pc.equal(length, 10), pc.equal(length, 16)),
        pc.binary_join_element_wise(pc.utf8_slice_codeunits(text, 0, 10), pa.scalar("00:00:00"), " "),
        pc.binary_join_element_wise(body, pa.scalar("00"), ":"),
        pc.utf8_slice_codeunits(body, 0, 19),
    )
    padded = pc.if_else(naive, padded, pa.scalar(None, pa.string()))
    parsed = pc.strptime(padded, format="%Y-%m-%d %H:%M:%S", unit="s", error_is_null=True)
    # The parser moves 30 February on to March: only what comes back as it was written is a time.
    parsed = pc.if_else(pc.equal(pc.cast(parsed, pa.string()), padded), parsed, pa.scalar(None, parsed.type))
    fraction = pc.utf8_slice_codeunits(text, 19, 29)
    fraction = pc.if_else(pc.greater(length, 19), fraction, pa.scalar(""))
    whole = pc.utf8_replace_slice(padded, 10, 11, "T")
    rendered = pc.binary_join_element_wise(whole, fraction, _offsets(parsed, timezone), "")
    return pc.coalesce(rendered, text)


def _all_of_the_usual_form(text: pa.Array) -> pa.Array | None:
    """Read a column in which every value is ``2026-03-31 10:00:00``, several times faster than value by value; else None."""
    lengths = pc.min_max(pc.binary_length(text))
    if lengths["min"].as_py() != 19 or lengths["max"].as_py() != 19:
        return None
    try:
        return pc.cast(text, pa.timestamp("s"))
    except pa.ArrowInvalid:  # one value is no such time
        return None


def from_formats(text: pa.Array, formats: Sequence[str], timezone: str, kind: str | None) -> pa.Array:
    """Read text times by the first format that fits each; what none of them fits stays as delivered."""
    found = pa.nulls(len(text), pa.string())
    for one in formats:
        read = from_epoch(text, one, timezone, kind) if one in EPOCHS else _from_format(text, one, timezone, kind)
        found = pc.coalesce(found, read)
    return pc.coalesce(found, text)


def _from_format(text: pa.Array, format: str, timezone: str, kind: str | None) -> pa.Array:
    parsed = pc.strptime(text, format=format, unit="s", error_is_null=True)
    if parsed.type.tz is not None:
        parsed = local_time(parsed, timezone)
    # As above: a day that does not exist must not become another day. %Y pads, so compare without leading zeros.
    back = pc.replace_substring_regex(pc.strftime(parsed, format=format), r"(^|\D)0+(\d)", r"\1\2")
    same = pc.equal(back, pc.replace_substring_regex(text, r"(^|\D)0+(\d)", r"\1\2"))
    if "%z" not in format:
        parsed = pc.if_else(same, parsed, pa.scalar(None, parsed.type))
    return render(pc.cast(parsed, pa.timestamp("us")), timezone, kind)


def from_epoch(values: pa.Array, format: str, timezone: str, kind: str | None) -> pa.Array:
    """Read seconds or milliseconds since 1970, whole or with a fraction; null where the value is no such number."""
    if not pa.types.is_floating(values.type):
        text = pc.cast(values, pa.string())
        fits = pc.fill_null(pc.match_substring_regex(text, r"^\s*-?\d{1,13}(?:\.\d+)?\s*$"), fill_value=False)
        values = pc.cast(pc.utf8_trim_whitespace(pc.if_else(fits, text, pa.scalar(None, pa.string()))), pa.float64())
    # Floating point holds any such time to a quarter of a microsecond. (NaN is not less than anything.)
    numbers = pc.if_else(pc.less(pc.abs(values), 1e14), pc.cast(values, pa.float64()), pa.scalar(None, pa.float64()))
    micros = pc.cast(pc.round(pc.multiply(numbers, float(EPOCHS[format]))), pa.int64())
    instants = pc.cast(micros, pa.timestamp("us", "UTC"))
    return render(local_time(instants, timezone), timezone, kind)
