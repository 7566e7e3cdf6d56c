"""What ``retention source check`` and ``preview`` show: measures of columns, and rows with everything personal masked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from retention.cli._shared import mask
from retention.report import Section
from retention.sources.families import contract_types, identifiers
from retention.sources.profile import ColumnProfile
from retention.sources.spec import EntitySpec, allowed_values

_ISO = re.compile(r"^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:[+-]\d{2}:\d{2}|Z)?)?$")
_LARGEST = 1e9
"""A greater number may be a telephone's that stands in the wrong column; no amount that passes validation is."""
_ONE_PERSONS_DAYS = {"birth_date", "wedding_anniversary"}
_VALUE_WIDTH = 22
_SIDE_BY_SIDE = 3


def may_show(spec: EntitySpec, column: str, value: str) -> bool:
    """Tell whether a value says nothing about who a row is about: times, amounts, and codes that somebody has named."""
    entity = spec.entity
    if column in identifiers(entity) or column in _ONE_PERSONS_DAYS:
        return False
    described = (spec.columns or {}).get(column)
    if value in allowed_values(entity, column) or (described is not None and value in described.values.values()):
        return True
    if column == "currency":
        return bool(re.fullmatch(r"[A-Z]{3}", value))
    kind = contract_types(entity).get(column)
    if kind in ("timestamptz", "date"):
        return bool(_ISO.match(value))
    if kind == "boolean":
        return value.lower() in ("true", "false")
    if kind in ("numeric", "integer", "bigint"):
        return bool(re.fullmatch(r"-?\d{1,9}(?:\.\d{1,6})?", value)) and abs(float(value)) < _LARGEST
    return False


def shown(spec: EntitySpec, column: str, value: str | None) -> str:
    """Return a value as a preview shows it: itself where it is nobody's, otherwise its form."""
    if value is None:
        return ""
    text = value if may_show(spec, column, value) else mask(value)
    return text if len(text) <= 40 else f"{text[:32]}… ({len(value):,})"


def shown_columns(entity: EntitySpec) -> dict[str, bool]:
    """Return by column of the source whether codes and ranges of it may be shown, judged by ours that it fills."""
    found: dict[str, bool] = {}
    if entity.columns is None:
        return {name: _is_nobodys(entity.entity, name) for name in contract_types(entity.entity)}
    for name, column in entity.columns.items():
        for source in column.reads:
            found[source] = found.get(source, True) and _is_nobodys(entity.entity, name)
    return found


def _is_nobodys(entity: str, column: str) -> bool:
    if column in identifiers(entity) or column in _ONE_PERSONS_DAYS:
        return False
    return column in contract_types(entity) or bool(allowed_values(entity, column))


def profile_section(
    title: str, profiles: Sequence[ColumnProfile], ours: Mapping[str, Sequence[str]], note: str = ""
) -> Section:
    """Return a table with one line for each column of a source."""
    return Section(
        title,
        "字段概况",
        [
            ("column", "left"), ("type", "left"), ("filled", "right"), ("different", "right"),
            ("range, or form (length)", "left"), ("ours", "left"),
        ],
        [
            [
                one.name,
                one.family if one.kind in (one.family, "time", "empty") and one.family != "text" else one.kind,
                f"{one.filled_share:.0%}" if one.rows else "",
                f"{one.distinct:,}{' unique' if one.is_unique else ''}",
                _range(one),
                ", ".join(ours.get(one.name, ())) or "–",
            ]
            for one in profiles
        ],
        note=note,
        empty="no column",
    )  # fmt: skip


def _range(one: ColumnProfile) -> str:
    if one.codes:
        text = " ".join(one.codes)
        return text if len(text) <= 30 else f"{text[:29]}…"
    if one.low is not None:
        low, high = one.low[:10], str(one.high)[:10]
        text = low if low == high else f"{low} … {high}"
        return f"{text}{f' as {one.format}' if one.format else ''}"
    if one.kind in ("empty", "boolean"):
        return ""
    length = f"{one.shortest}" if one.shortest == one.longest else f"{one.shortest}–{one.longest}"
    return f"{one.form}  ({length})" if one.form else ""


def preview_sections(
    spec: EntitySpec, names: Sequence[str], rows: Sequence[Mapping[str, Any]], heads: Sequence[str]
) -> list[Section]:
    """Return the rows side by side, three at a time, ours down the side; columns that are empty throughout are left out."""
    filled = [name for name in names if any(row[name] is not None for row in rows)]
    sections = []
    for first in range(0, len(rows), _SIDE_BY_SIDE):
        part = rows[first : first + _SIDE_BY_SIDE]
        sections.append(
            Section(
                f"Row {first + 1} of {len(rows)}"
                if len(part) == 1
                else f"Rows {first + 1} to {first + len(part)} of {len(rows)}",
                "预览",
                [("ours", "left"), *((heads[first + place], "left") for place in range(len(part)))],
                [[name, *(_cut(shown(spec, name, row[name])) for row in part)] for name in filled],
            )
        )
    return sections


def _cut(text: str) -> str:
    if _ISO.match(text):  # whole hours of an offset need no minutes, and three rows then fit side by side
        text = text.removesuffix(":00") if text[-6:-5] in ("+", "-") else text
    return text if len(text) <= _VALUE_WIDTH else f"{text[: _VALUE_WIDTH - 1]}…"


def line(*parts: tuple[str, str] | str) -> Text:
    """Return a line of text with styles, none of it taken for markup."""
    return Text.assemble(*parts)
