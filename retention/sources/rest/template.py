"""Requests as described: JSON and text with placeholders, filled with values and never with code.

A text that is nothing but a placeholder becomes the value with its type; inside a longer text only plain values are let in.
What has no value yet (no lower bound on the first load, no page token on the first page) takes what depends on it away: a
parameter, a key, or the whole mapping where it stands in a list, so that a filter disappears as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from retention.sources.rest.errors import RequestRefused

PLACEHOLDER = re.compile(r"\{([a-z_]+(?:\.\w+)?)\}")
NAMES = ("lower", "upper", "page", "page_size", "offset", "token", "after", "read", "uuid")
"""Placeholders of every request; beside them stand ``secret.NAME`` and ``auth.name``."""
_PLAIN = re.compile(r"[A-Za-z0-9_.:+\-]*")
_GONE = object()

Values = Mapping[str, Any]


def placeholders(node: Any) -> Iterator[str]:
    """Yield the names of all placeholders in a template."""
    if isinstance(node, str):
        yield from PLACEHOLDER.findall(node)
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from placeholders(value)
    elif isinstance(node, list):
        for value in node:
            yield from placeholders(value)


def fill(node: Any, values: Values) -> Any:
    """Return a template with its placeholders replaced; None when nothing of it is left.

    Raises
    ------
    RequestRefused when a value that is to stand inside a longer text is not plain: it could change what the text means.
    """
    filled = _fill(node, values, in_list=False)
    return None if filled is _GONE else filled


def _fill(node: Any, values: Values, *, in_list: bool) -> Any:
    if isinstance(node, str):
        return _text(node, values)
    if isinstance(node, Mapping):
        filled = {key: _fill(value, values, in_list=False) for key, value in node.items()}
        left = {key: value for key, value in filled.items() if value is not _GONE}
        gone = len(left) < len(filled) and (in_list or not left)
        return _GONE if gone else left
    if isinstance(node, list):
        items = [_fill(value, values, in_list=True) for value in node]
        if any(item is _GONE and not isinstance(value, Mapping) for item, value in zip(items, node, strict=True)):
            return _GONE  # half a list of values, such as the two ends of a range, means something else
        return [item for item in items if item is not _GONE]
    return node


def _text(text: str, values: Values) -> Any:
    names = PLACEHOLDER.findall(text)
    if any(values.get(name) is None for name in names):
        return _GONE
    if len(names) == 1 and text == f"{{{names[0]}}}":
        return values[names[0]]
    return PLACEHOLDER.sub(lambda match: _plain(match[1], values[match[1]]), text)


def _plain(name: str, value: Any) -> str:
    written = str(value)
    if not name.startswith(("secret.", "auth.")) and not _PLAIN.fullmatch(written):
        raise RequestRefused(
            f"the value of {{{name}}} that the API gave holds more than letters, digits and ._:+-, so it may not be written "
            "into the text of a request. Nothing landed."
        )
    return written
