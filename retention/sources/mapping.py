"""From the source's columns to ours: names, codes, constants, and every value as canonical text. All of it in Arrow.

Canonical text: times as ISO 8601 with the offset they had in the source's zone, dates as ISO 8601, numbers as decimal text,
booleans as true and false, missing as null. What cannot be read in exactly one way stays as delivered, for validation to
refuse. Identifiers are never changed: 1, 01 and 1.0 are three customers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retention.sources.errors import SourceUnreadable
from retention.sources.families import contract_types, identifiers
from retention.sources.numbers import ascii_digits, decimal_text, float_text, is_plain, lost_digits, rounded, without_currency
from retention.sources.spec import ColumnMap, EntitySpec, allowed_values, canonical_columns
from retention.sources.times import EPOCHS, from_epoch, from_formats, local_time, render, with_offset

NUL_SYMBOL = "\u2400"
"""Stands for a NUL byte, which PostgreSQL cannot store; a rule of every landing table refuses rows that hold it."""
_LIKE_A_TIME = r"^[\d\s.:/,TZ+年月日时分秒-]*$"

_CODES_KEPT = 50
_NUMERIC = ("numeric", "integer", "bigint", "smallint")


@dataclass
class Oddities:
    """What mapping met and does not translate: counted, for the notes of the batch."""

    unknown: Counter[str] = field(default_factory=Counter)
    """Rows by our column whose code the description does not name and whose policy is not ``judge``."""
    codes: dict[str, set[str]] = field(default_factory=dict)
    """Some of those codes, by our column."""
    rounded: Counter[str] = field(default_factory=Counter)
    """Rows by our column whose identifier is what a spreadsheet leaves of a long number (1.38E+17)."""

    def count_unknown(self, column: str, codes: pa.Array) -> None:
        """Count codes that are not named."""
        self.unknown[column] += len(codes)
        known = self.codes.setdefault(column, set())
        if len(known) < _CODES_KEPT:
            known |= set(pc.unique(codes).slice(0, _CODES_KEPT).to_pylist())


@cache
def time_kinds(entity: str) -> Mapping[str, str]:
    """Return our columns of an entity that hold a time or a date: name to ``timestamptz`` or ``date``, by its contract."""
    return {name: kind for name, kind in contract_types(entity).items() if kind in ("timestamptz", "date")}


def needed_columns(spec: EntitySpec) -> tuple[str, ...]:
    """Return the source's columns that a description reads, each once; all of ours when the names are the same."""
    if spec.columns is None:
        return canonical_columns(spec.entity)
    return tuple(dict.fromkeys([*spec.key, *(name for column in spec.columns.values() for name in column.reads)]))


def mapper(
    spec: EntitySpec, timezone: str, oddities: Oddities | None = None
) -> Callable[[Mapping[str, pa.Array], int], dict[str, pa.Array]]:
    """Return a function that turns the columns of one batch (by the source's names) into ours, all text.

    Columns of ours that the description leaves out are null; ``is_simulated`` is then false.

    Parameters
    ----------
    oddities : Oddities, optional
        Is told of codes and identifiers that are not as described.
    """
    columns = spec.columns or {name: ColumnMap(source=name) for name in canonical_columns(spec.entity)}
    types, keys = contract_types(spec.entity), identifiers(spec.entity)
    seen = oddities if oddities is not None else Oddities()

    def fill(name: str, delivered: Mapping[str, pa.Array], rows: int) -> pa.Array:
        column = columns.get(name)
        if column is None:
            return pa.nulls(rows, pa.string())
        if column.constant is not None:
            return pa.repeat(pa.scalar(column.constant, pa.string()), rows)
        if column.join:
            parts = [canonical_text(delivered[part], timezone) for part in column.join]
            return _coded(_joined(parts, column.separator), name, column, spec.entity, seen)
        if column.source is None or column.source not in delivered:
            return pa.nulls(rows, pa.string())
        values = delivered[column.source]
        if name in keys:
            _refuse_lost_digits(spec.entity, column.source, values)
        text = canonical_text(values, timezone, types.get(name), column.format)
        if name in keys and _is_text(values.type) and (lost := rounded(text)):
            seen.rounded[name] += lost
        return _coded(text, name, column, spec.entity, seen)

    def apply(delivered: Mapping[str, pa.Array], rows: int) -> dict[str, pa.Array]:
        ours = {name: fill(name, delivered, rows) for name in canonical_columns(spec.entity)}
        for name, kind in types.items():
            column = columns.get(name)
            if kind not in _NUMERIC or column is None or column.source is None or column.source not in delivered:
                continue
            if _is_text(delivered[column.source].type) and (column.decimal == "," or not is_plain(ours[name])):
                text = without_currency(ours[name], ours["currency"]) if "currency" in ours else ours[name]
                ours[name] = decimal_text(text, column.decimal)
        if "is_simulated" in ours:
            ours["is_simulated"] = pc.fill_null(ours["is_simulated"], "false")
        return ours

    return apply


def canonical_text(
    values: pa.Array, timezone: str, kind: str | None = None, format: str | Sequence[str] | None = None
) -> pa.Array:
    """Return one column as canonical text.

    Parameters
    ----------
    values : Array
        As the source typed it.
    timezone : str
        Zone of times without an offset.
    kind : str, optional
        Type that the contract asks for; ``timestamptz`` and ``date`` tell how a time is written.
    format : str or sequence of str, optional
        How a text time is written (strptime), or ``epoch_s`` / ``epoch_ms``; of several the first that fits a value.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind_of = values.type
    formats = () if format is None else (format,) if isinstance(format, str) else tuple(format)
    epoch = next((one for one in formats if one in EPOCHS), None)
    if pa.types.is_null(kind_of):
        return pa.nulls(len(values), pa.string())
    if pa.types.is_timestamp(kind_of):
        return render(local_time(values, timezone), timezone, kind)
    if pa.types.is_date(kind_of):
        if kind == "timestamptz":
            return render(pc.cast(values, pa.timestamp("us")), timezone, kind)
        return pc.cast(values, pa.string())
    if _is_text(kind_of):
        text = _empty_to_null(_without_nul(pc.cast(values, pa.string())))
        if kind in ("timestamptz", "date"):
            # Only what is written like a time: anything else goes to quarantine as it was delivered.
            plain = ascii_digits(text)
            text = pc.if_else(pc.match_substring_regex(plain, _LIKE_A_TIME), plain, text)
        if formats:
            return from_formats(text, formats, timezone, kind)
        return with_offset(text, timezone) if kind == "timestamptz" else text
    if pa.types.is_boolean(kind_of) or pa.types.is_integer(kind_of) or pa.types.is_decimal(kind_of):
        text = pc.cast(values, pa.string())
    elif pa.types.is_floating(kind_of):
        text = float_text(values)
    else:
        raise SourceUnreadable(f"a column of type {kind_of} cannot be read as text; cast it in a query or leave it out.")
    return text if epoch is None else pc.coalesce(from_epoch(values, epoch, timezone, kind), text)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _refuse_lost_digits(entity: str, column: str, values: pa.Array) -> None:
    if pa.types.is_floating(values.type) and lost_digits(values):
        raise SourceUnreadable(
            f"{entity}: column {column} holds identifiers of more than 15 digits as floating point: their last digits are "
            "gone, and different customers look the same. Nothing landed. Have the column delivered as text."
        )


def _joined(parts: Sequence[pa.Array], separator: str) -> pa.Array:
    """Join texts, leaving out what is missing; nothing at all gives null."""
    # Not by the function's own way of skipping nulls: it loses rows in which all are null (Arrow 26).
    joined = parts[0]
    for part in parts[1:]:
        joined = pc.coalesce(pc.binary_join_element_wise(joined, part, separator), joined, part)
    return joined


def _coded(text: pa.Array, name: str, column: ColumnMap, entity: str, seen: Oddities) -> pa.Array:
    """Replace the source's codes by ours; of codes that are not named the column's policy says what becomes."""
    known = pa.array(list(column.values), pa.string())
    found = pc.index_in(text, value_set=known)
    named = pc.is_valid(found)
    ours = text
    if column.values:
        ours = pc.if_else(named, pa.array(list(column.values.values()), pa.string()).take(found), text)
    if column.unknown == "judge":
        return ours
    accepted = {value for value in column.values.values() if value is not None} | set(allowed_values(entity, name))
    strange = pc.and_(
        pc.is_valid(text), pc.and_not(pc.invert(named), pc.is_in(text, value_set=pa.array(sorted(accepted), pa.string())))
    )
    if not pc.any(strange).as_py():
        return ours
    seen.count_unknown(name, text.filter(strange))
    if column.unknown in ("null", "other"):
        return pc.if_else(strange, pa.scalar("other" if column.unknown == "other" else None, pa.string()), ours)
    return ours


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


def assemble(columns: Mapping[str, Any], schema: pa.Schema) -> pa.RecordBatch:
    """Put columns together in the order of a schema."""
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
