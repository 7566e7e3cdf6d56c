"""Records inside a JSON document: what a name means in one, and where each stands in the text.

Here rather than with the sources because erasure, which comes before them, must find the same records that are read.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def member(record: Any, path: str) -> Any:
    """Return what a name means in a record: the key itself, or the keys inside each other that its dots separate."""
    if not isinstance(record, dict):
        return None
    if path in record or "." not in path:
        return record.get(path)
    first, _, rest = path.partition(".")
    return member(record.get(first), rest)


@dataclass(frozen=True)
class Records:
    """The records of a document, each with the place of its text."""

    text: str
    start: int
    end: int
    """Place of the list, or of the single object."""
    spans: list[tuple[int, int]]
    values: list[Any]

    def without(self, leave_out: list[bool]) -> str:
        """Return the document without some records; the others stay as they are written. ``[]`` where none is left."""
        kept = [self.text[start:end] for (start, end), gone in zip(self.spans, leave_out, strict=True) if not gone]
        return f"{self.text[: self.start]}[{','.join(kept)}]{self.text[self.end :]}"


def records_of(text: str, path: str = "") -> Records:
    """Return the records of a document: the object it is, the list it is, or what ``path`` leads to.

    Raises
    ------
    ValueError, RecursionError when the text is no JSON, or neither object nor list is there.
    """
    json.loads(text)  # that it is one document as a whole; below only its parts are looked at
    start = _found(text, _behind_space(text, 0), path) if path else _behind_space(text, 0)
    value, end = _DECODER.raw_decode(text, start)
    if isinstance(value, dict):
        return Records(text, start, end, [(start, end)], [value])
    if not isinstance(value, list):
        raise ValueError("neither an object nor a list")
    spans, position = [], start + 1
    for _ in value:
        position = _behind_space(text, position)
        _, stop = _DECODER.raw_decode(text, position)
        spans.append((position, stop))
        position = _behind_space(text, stop) + 1  # behind the comma, or the closing bracket
    return Records(text, start, end, spans, value)


def _found(text: str, start: int, path: str) -> int:
    """Return where the value that a path leads to begins."""
    if text[start] != "{":
        raise ValueError("no object there")
    members: dict[str, int] = {}
    position = _behind_space(text, start + 1)
    while text[position] != "}":
        key, position = _DECODER.raw_decode(text, position)
        position = _behind_space(text, _behind_space(text, position) + 1)
        members[key] = position
        _, position = _DECODER.raw_decode(text, position)
        position = _behind_space(text, position)
        if text[position] == ",":
            position = _behind_space(text, position + 1)
    if path in members:
        return members[path]
    first, dot, rest = path.partition(".")
    if not dot or first not in members:
        raise ValueError("nothing there")
    return _found(text, members[first], rest)


def _behind_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return position if found is None else found.end()
