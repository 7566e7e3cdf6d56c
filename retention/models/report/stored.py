"""Chapters as JSON and back: what the registry keeps of a report."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from retention.models.report import data
from retention.models.report.data import Chapter


def to_json(value: Any) -> Any:
    """Plain dicts, lists, numbers and text."""
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def chapter_from_json(stored: Mapping[str, Any]) -> Chapter:
    """Make a chapter from :func:`to_json`; what a later version added is left at its default."""
    chapter: Chapter = _make(Chapter, stored)
    return chapter


def _make(wanted: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(wanted, type) and is_dataclass(wanted):
        hints = _hints(wanted)
        return wanted(**{name: _make(hints[name], item) for name, item in value.items() if name in hints})
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is types.UnionType:
        return _make(next(argument for argument in arguments if argument is not type(None)), value)
    if origin is tuple:
        return tuple(_make(arguments[0], item) for item in value)
    if origin is Mapping:
        return {key: _make(arguments[1], item) for key, item in value.items()}
    return date.fromisoformat(value) if wanted is date else value


@cache
def _hints(wanted: type) -> dict[str, Any]:
    return get_type_hints(wanted, vars(data))
