"""Families of types: what a delivered column holds, told by its type where it has one and by its values where it is text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from retention.sources.spec import contract_of

_SAMPLE = 4_096
"""Values of one record batch that are looked at: a change of a column shows in any of them, and a look costs little."""

_OFFSET = r"(?:[Zz]|[+-]\d{2}(?::?\d{2}){0,2})"
_SHAPES: Mapping[str, str] = {
    "numeric": r"^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?\s*$",
    "integer": r"^\s*[-+]?\d{1,19}\s*$",
    "date": r"^\s*\d{4}-\d{1,2}-\d{1,2}\s*$",
    "timestamptz": rf"^\s*\d{{4}}-\d{{1,2}}-\d{{1,2}}(?:[Tt ]\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:\.\d+)?)?\s*{_OFFSET}?)?\s*$",
    "boolean": r"^\s*(?i:true|false|t|f|yes|no|y|n|on|off|0|1)\s*$",
}
_ALIASES = {"bigint": "integer", "smallint": "integer", "int": "integer", "decimal": "numeric", "timestamp": "timestamptz"}

_WIDENED = {("integer", "number"), ("number", "integer"), ("date", "timestamp")}
"""Changes after which every value still reads as before: noted, and no reason to stop."""


@cache
def contract_types(entity: str) -> Mapping[str, str]:
    """Return our columns of an entity that are no free text: name to the type that its contract asks for."""
    return {
        str(check.arguments["column"]): str(check.arguments["type"])
        for check in contract_of(entity).checks
        if check.rule == "is_type"
    }


@cache
def identifiers(entity: str) -> frozenset[str]:
    """Return our columns of an entity that hold a source's own number of something, by the contract's ``clean_key`` rule."""
    return frozenset(str(check.arguments["column"]) for check in contract_of(entity).checks if check.rule == "clean_key")


def family_of(kind: pa.DataType) -> str | None:
    """Return the family of an Arrow type: integer, number, text, timestamp, date, boolean, other; None for all null."""
    if isinstance(kind, pa.OpaqueType):  # PostgreSQL's types without a word in Arrow, such as numeric
        return "number" if kind.type_name == "numeric" else family_of(kind.storage_type)
    if isinstance(kind, pa.ExtensionType):
        return family_of(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return family_of(kind.value_type)
    if pa.types.is_null(kind):
        return None
    known = {
        "integer": pa.types.is_integer,
        "number": lambda one: pa.types.is_floating(one) or pa.types.is_decimal(one),
        "text": lambda one: pa.types.is_string(one) or pa.types.is_large_string(one) or pa.types.is_string_view(one),
        "timestamp": pa.types.is_timestamp,
        "date": pa.types.is_date,
        "boolean": pa.types.is_boolean,
    }
    return next((family for family, fits in known.items() if fits(kind)), "other")


def is_widened(old: str, new: str) -> bool:
    """Tell whether every value of the old family reads as one of the new."""
    return (old, new) in _WIDENED


def readable(values: pa.Array, type_: str) -> tuple[int, int]:
    """Count the values in a sample of a text column, and those among them that read as a type of a contract."""
    sample = values.slice(0, _SAMPLE)
    shape = _SHAPES.get(_ALIASES.get(type_, type_))
    filled = len(sample) - sample.null_count
    if shape is None or not filled:
        return filled, filled
    return filled, int(pc.sum(pc.match_substring_regex(sample, shape)).as_py() or 0)
