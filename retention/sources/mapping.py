"""From the source's columns to ours: names, codes, constants, and every value as canonical text. All of it in Arrow.

Canonical text: times as ISO 8601 with the offset they had in the source's zone, dates as ISO 8601, numbers as decimal text,
booleans as true and false, missing as null. What cannot be read as a time stays as delivered, for validation to refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retention.sources.errors import SourceUnreadable
from retention.sources.spec import ColumnMap, EntitySpec, canonical_columns, contract_of

NUL_SYMBOL = "\u2400"
"""Stands for a NUL byte, which PostgreSQL cannot store; a rule of every landing table refuses rows that hold it."""
_NAIVE = r"^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?$"


@cache
def time_kinds(entity: str) -> Mapping[str, str]:
    """Return our columns of an entity that hold a time or a date: name to ``timestamptz`` or ``date``, by its contract."""
    return {
        str(check.arguments["column"]): str(check.arguments["type"])
        for check in contract_of(entity).checks
        if check.rule == "is_type" and check.arguments.get("type") in ("timestamptz", "date")
    }


def needed_columns(spec: EntitySpec) -> tuple[str, ...]:
    """Return the source's columns that a description reads, each once; all of ours when the names are the same."""
    if spec.columns is None:
        return canonical_columns(spec.entity)
    return tuple(dict.fromkeys([*spec.key, *(name for column in spec.columns.values() for name in column.reads)]))


def mapper(spec: EntitySpec, timezone: str) -> Callable[[Mapping[str, pa.Array], int], dict[str, pa.Array]]:
    """Return a function that turns the columns of one batch (by the source's names) into ours, all text.

    Columns of ours that the description leaves out are null; ``is_simulated`` is then false.
    """
    columns = spec.columns or {name: ColumnMap(source=name) for name in canonical_columns(spec.entity)}
    kinds = time_kinds(spec.entity)

    def apply(delivered: Mapping[str, pa.Array], rows: int) -> dict[str, pa.Array]:
        ours: dict[str, pa.Array] = {}
        for name in canonical_columns(spec.entity):
            column = columns.get(name)
            if column is None:
                ours[name] = pa.nulls(rows, pa.string())
            elif column.constant is not None:
                ours[name] = pa.repeat(pa.scalar(column.constant, pa.string()), rows)
            elif column.join:
                parts = [canonical_text(delivered[part], timezone) for part in column.join]
                ours[name] = _coded(_joined(parts, column.separator), column.values)
            elif column.source is None or column.source not in delivered:
                ours[name] = pa.nulls(rows, pa.string())
            else:
                text = canonical_text(delivered[column.source], timezone, kinds.get(name), column.format)
                ours[name] = _coded(text, column.values)
        if "is_simulated" in ours:
            ours["is_simulated"] = pc.fill_null(ours["is_simulated"], "false")
        return ours

    return apply


def canonical_text(values: pa.Array, timezone: str, kind: str | None = None, format: str | None = None) -> pa.Array:
    """Return one column as canonical text.

    Parameters
    ----------
    values : Array
        As the source typed it.
    timezone : str
        Zone of times without an offset.
    kind : str, optional
        ``timestamptz`` or ``date`` where our column is one.
    format : str, optional
        How a text time is written (strptime), or ``epoch_s`` / ``epoch_ms``.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind_of = values.type
    if pa.types.is_null(kind_of):
        return pa.nulls(len(values), pa.string())
    if format in ("epoch_s", "epoch_ms"):
        return _from_epoch(values, format, timezone, kind)
    if pa.types.is_timestamp(kind_of):
        return _render(_local(values, timezone), timezone, kind)
    if pa.types.is_date(kind_of):
        if kind == "timestamptz":
            return _render(pc.cast(values, pa.timestamp("us")), timezone, kind)
        return pc.cast(values, pa.string())
    if pa.types.is_string(kind_of) or pa.types.is_large_string(kind_of) or pa.types.is_string_view(kind_of):
        text = _empty_to_null(_without_nul(pc.cast(values, pa.string())))
        if format is not None:
            return _from_format(text, format, timezone, kind)
        return _with_offset(text, timezone) if kind == "timestamptz" else text
    if pa.types.is_boolean(kind_of) or pa.types.is_integer(kind_of) or pa.types.is_decimal(kind_of):
        return pc.cast(values, pa.string())
    if pa.types.is_floating(kind_of):
        return _whole_without_point(pc.cast(values, pa.string()))
    raise SourceUnreadable(f"a column of type {kind_of} cannot be read as text; cast it in a query or leave it out.")


def _local(values: pa.Array, timezone: str) -> pa.Array:
    """Return wall-clock times of the source's zone; microseconds, finer parts cut off."""
    values = pc.cast(values, pa.timestamp("us", values.type.tz), safe=False)
    if values.type.tz is None:
        return values
    return pc.local_timestamp(pc.cast(values, pa.timestamp("us", timezone)))


def _render(local: pa.Array, timezone: str, kind: str | None) -> pa.Array:
    """Render wall-clock times: the day for a date column, otherwise with the offset the zone had at that time."""
    seconds = pc.cast(pc.floor_temporal(local, unit="second"), pa.timestamp("s"))
    text = pc.cast(seconds, pa.string())
    if kind == "date":
        return pc.utf8_slice_codeunits(text, 0, 10)
    text = pc.utf8_replace_slice(text, 10, 11, "T")
    fraction = pc.not_equal(pc.microsecond(local), 0), pc.not_equal(pc.millisecond(local), 0)
    has_fraction = pc.or_(*fraction)
    if pc.any(has_fraction).as_py():
        exact = pc.utf8_replace_slice(pc.cast(local, pa.string()), 10, 11, "T")
        text = pc.if_else(has_fraction, exact, text)
    return pc.binary_join_element_wise(text, _offsets(seconds, timezone), "")


def _offsets(local_seconds: pa.Array, timezone: str) -> pa.Array:
    """Return the zone's offset at each wall-clock time as text; in the hour that repeats, the first."""
    instants = pc.assume_timezone(local_seconds, timezone, ambiguous="earliest", nonexistent="latest")
    shift = pc.subtract(pc.cast(local_seconds, pa.int64()), pc.cast(instants, pa.int64()))
    distinct = pc.unique(shift).drop_null()
    names = pa.array([_offset_text(seconds.as_py()) for seconds in distinct], pa.string())
    return names.take(pc.index_in(shift, value_set=distinct))


def _offset_text(seconds: int) -> str:
    sign, minutes = ("-" if seconds < 0 else "+"), abs(seconds) // 60
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def _with_offset(text: pa.Array, timezone: str) -> pa.Array:
    """Give text times without an offset theirs; everything else, also what is no time, stays as delivered."""
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


def _from_format(text: pa.Array, format: str, timezone: str, kind: str | None) -> pa.Array:
    parsed = pc.strptime(text, format=format, unit="s", error_is_null=True)
    if parsed.type.tz is not None:
        parsed = _local(parsed, timezone)
    # As above: a day that does not exist must not become another day. %Y pads, so compare without leading zeros.
    back = pc.replace_substring_regex(pc.strftime(parsed, format=format), r"(^|\D)0+(\d)", r"\1\2")
    same = pc.equal(back, pc.replace_substring_regex(text, r"(^|\D)0+(\d)", r"\1\2"))
    if "%z" not in format:
        parsed = pc.if_else(same, parsed, pa.scalar(None, parsed.type))
    return pc.coalesce(_render(pc.cast(parsed, pa.timestamp("us")), timezone, kind), text)


def _from_epoch(values: pa.Array, format: str, timezone: str, kind: str | None) -> pa.Array:
    text = pc.cast(values, pa.string())
    digits = pc.fill_null(pc.match_substring_regex(text, r"^-?\d{1,14}$"), fill_value=False)
    numbers = pc.cast(pc.if_else(digits, text, pa.scalar(None, pa.string())), pa.int64())
    instants = pc.cast(numbers, pa.timestamp("s" if format == "epoch_s" else "ms", "UTC"))
    return pc.coalesce(_render(_local(instants, timezone), timezone, kind), text)


def _joined(parts: Sequence[pa.Array], separator: str) -> pa.Array:
    """Join texts, leaving out what is missing; nothing at all gives null."""
    # Not by the function's own way of skipping nulls: it loses rows in which all are null (Arrow 26).
    joined = parts[0]
    for part in parts[1:]:
        joined = pc.coalesce(pc.binary_join_element_wise(joined, part, separator), joined, part)
    return joined


def _coded(text: pa.Array, values: Mapping[str, str | None]) -> pa.Array:
    """Replace the source's codes by ours; codes that are not named stay."""
    if not values:
        return text
    codes = pa.array(list(values), pa.string())
    found = pc.index_in(text, value_set=codes)
    ours = pa.array(list(values.values()), pa.string()).take(found)
    return pc.if_else(pc.is_valid(found), ours, text)


def _without_nul(text: pa.Array) -> pa.Array:
    data = text.buffers()[2]
    if data is None or not bool((np.frombuffer(data, dtype=np.uint8) == 0).any()):
        return text
    # Arrow's own replacement stops at a NUL, so the few batches that hold one take the slow way.
    return pa.array([None if value is None else value.replace("\x00", NUL_SYMBOL) for value in text.to_pylist()], pa.string())


def _empty_to_null(text: pa.Array) -> pa.Array:
    """Return null for empty text: files cannot tell the two apart, so nothing behind may depend on it."""
    empty = pc.fill_null(pc.equal(pc.binary_length(text), 0), fill_value=False)
    return pc.if_else(empty, pa.scalar(None, pa.string()), text) if pc.any(empty).as_py() else text


def _whole_without_point(text: pa.Array) -> pa.Array:
    """Return 7 rather than 7.0: a whole number that a file format could only store as a float, such as an id with gaps."""
    return pc.replace_substring_regex(text, r"^(-?\d+)\.0$", r"\1")


def assemble(columns: Mapping[str, Any], schema: pa.Schema) -> pa.RecordBatch:
    """Put columns together in the order of a schema."""
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
