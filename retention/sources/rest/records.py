"""Records of an API as rows: nested values by dotted path, every number with the digits it came with."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from retention.sources.errors import ColumnMissing
from retention.sources.rest.errors import RequestRefused

Row = dict[str, str | None]
"""One record: values as text by the API's own names."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_DEPTH, _COLUMNS = 8, 2_000


class Number(str):
    """A number as it was written: 1.10 stays 1.10, and a long id keeps its last digit."""

    __slots__ = ()


def parse(body: bytes) -> Any:
    """Read JSON.

    Raises
    ------
    ValueError when it is none; also for JSON nested deeper than the parser goes.
    """
    try:
        return json.loads(body, parse_float=Number, parse_int=Number, parse_constant=Number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def dig(node: Any, path: str) -> Any:
    """Return what lies at a dotted path (list items by number); None where there is nothing."""
    if not path:
        return node
    if isinstance(node, Mapping) and path in node:
        return node[path]
    head, _, rest = path.partition(".")
    if isinstance(node, Mapping):
        return dig(node.get(head), rest)
    if isinstance(node, list) and head.isdigit() and int(head) < len(node):
        return dig(node[int(head)], rest)
    return None


def flatten(record: Any) -> Row:
    """Return a record as one level of names; lists stay together as JSON text.

    Raises
    ------
    RequestRefused when a record has more columns than any table could.
    """
    row: Row = {}
    _flatten(record if isinstance(record, Mapping) else {"value": record}, "", row, 0)
    return row


def _flatten(node: Mapping[str, Any], prefix: str, row: Row, depth: int) -> None:
    for name, value in node.items():
        key = f"{prefix}{name}"
        if value is None or value == {}:
            row[scrub(key)] = None
        elif isinstance(value, dict) and depth < _DEPTH:
            _flatten(value, f"{key}.", row, depth + 1)
        else:
            row[scrub(key)] = as_text(value)
    if len(row) > _COLUMNS:
        raise RequestRefused(f"a record has more than {_COLUMNS} columns: not a table. Nothing landed.")


def as_text(value: Any) -> str | None:
    """Return one value as text; None stays None."""
    if type(value) is str and value.isascii():  # most values by far
        return value
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else _dumps(value)
    # Half a character cannot be stored; as NUL it is set aside with its row, and not altered without a word.
    return text if text.isascii() else _SURROGATE.sub("\x00", text)


def scrub(text: str) -> str:
    """Replace halves of characters, which JSON can spell and no database can store."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _dumps(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{_dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_dumps(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def add_columns(row: Row, added: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Add the columns that a description composes: each the first of its choices that has a value."""
    for name, choices in added.items():
        row[name] = next((text for choice in choices if (text := _chosen(row, choice)) is not None), None)


def _chosen(row: Row, choice: Mapping[str, Any]) -> str | None:
    if not all(_is_one_of(row, column, wanted) for column, wanted in choice.get("when", {}).items()):
        return None
    if any(_is_one_of(row, column, wanted) for column, wanted in choice.get("unless", {}).items()):
        return None
    found = as_text(choice["text"]) if "text" in choice else _value(row, choice["from"])
    return None if found in (None, "") else f"{choice.get('prefix', '')}{found}"


def _is_one_of(row: Row, column: str, wanted: Sequence[Any]) -> bool:
    return row.get(column) in [as_text(value) for value in wanted]


def require(rows: Sequence[Row], added: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Check that the columns from which others are composed are there: a field that was renamed must not become no value.

    Raises
    ------
    ColumnMissing naming the nearest column.
    """
    for name in used_by(added):
        if name not in added and not all(_has(row, name) for row in rows):
            raise missing_column(rows, name)


def used_by(added: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Return the columns that composed ones are made of or depend on; of an item of a list, the list."""
    choices = [choice for column in added.values() for choice in column]
    composed_from = [re.sub(r"\.\d+$", "", choice["from"]) for choice in choices if "from" in choice]
    conditions = [name for choice in choices for kind in ("when", "unless") for name in choice.get(kind, {})]
    return list(dict.fromkeys([*composed_from, *conditions]))


def missing_column(rows: Sequence[Row], name: str) -> ColumnMissing:
    """Return the error that says that a field is not delivered, with the nearest that is."""
    known = sorted({other for row in rows for other in row} - {name})
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"did it become {nearest[0]}?" if nearest else f"it delivers {len(known)} others."
    return ColumnMissing(
        f"the API delivers no field {name} (or not with every record); {hint} Nothing landed. Correct the names in the "
        "description, ask for the field, or write sparse: true for an API that leaves out what is empty."
    )


def _value(row: Row, path: str) -> str | None:
    """Return a column, or with a number at the end an item of a list."""
    if path in row:
        return row[path]
    head, _, index = path.rpartition(".")
    if head and index.isdigit() and (row.get(head) or "").startswith("["):
        return as_text(dig(json.loads(row[head] or "[]"), index))
    return None


def columns_of(rows: Sequence[Row], needed: Iterable[str]) -> dict[str, pa.Array]:
    """Return rows as columns of text; every needed column is there, null where the API left it out."""
    names = dict.fromkeys([*needed, *(name for row in rows for name in row)])
    return {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}


def names_found(rows: Sequence[Row], needed: Iterable[str], key: Iterable[str], *, sparse: bool) -> list[str]:
    """Return the names that rows bring, for the comparison with a description.

    A needed column counts as found only when every row has it (a nested one also where what it is nested in is null), unless
    the API is known to leave out what is empty: a page whose rows lack a column must not pass for one of empty values.
    """
    found, always = dict.fromkeys(name for row in rows for name in row), set(key)
    for name in needed:
        if (sparse and name not in always) or all(_has(row, name) for row in rows):
            found.setdefault(name)
        else:
            found.pop(name, None)
    return list(found)


def _has(row: Row, name: str) -> bool:
    if name in row:
        return True
    while "." in name:
        name = name.rpartition(".")[0]
        if name in row:
            return row[name] is None
    return False
