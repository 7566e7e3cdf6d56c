"""Play files as they are read: YAML with the line of everything in it, so that what is wrong can be pointed at."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from retention.yaml_text import Loader

Place = tuple[str | int, ...]


_RESOLVERS = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in Loader.yaml_implicit_resolvers.items()
}
_LOADER = type("AsWritten", (Loader,), {"yaml_implicit_resolvers": _RESOLVERS})
"""YAML as it is written: a date stays text, as JSON and the schema know it."""


@dataclass(frozen=True)
class Document:
    """One YAML file with the line of everything in it."""

    path: Path
    content: Mapping[str, Any]
    lines: Mapping[Place, int] = field(default_factory=dict)
    problem: str | None = None

    def at(self, place: Iterable[str | int]) -> str:
        """Return ``file:line`` of a place, or of the nearest place around it."""
        steps = tuple(place)
        while steps and steps not in self.lines:
            steps = steps[:-1]
        return f"{self.path.name}:{self.lines.get(steps, 1)}"


def read_document(path: Path) -> Document:
    """Read a play file; what is no YAML is kept as the document's problem."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        return Document(
            path, {}, problem=f"{path.name}:{line}: no valid YAML: {getattr(error, 'problem', None) or 'not UTF-8'}"
        )
    lines: dict[Place, int] = {}
    problem = _walk(path, node, (), lines) if node is not None else None
    content = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER) if problem is None else {}
    if problem is None and not isinstance(content, dict):
        problem = f"{path.name}:1: a play is a mapping of names to values"
    return Document(path, content if isinstance(content, dict) else {}, lines, problem)


def _walk(path: Path, node: yaml.Node, place: Place, lines: dict[Place, int]) -> str | None:
    """Note the line of every part; return a message for a key that is there twice (YAML would keep the last in silence)."""
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            step = (*place, key.value)
            if step in lines:
                return f"{path.name}:{key.start_mark.line + 1}: {key.value} is there twice, first in line {lines[step]}"
            problem = _walk(path, value, step, lines)
            lines[step] = key.start_mark.line + 1
            if problem:
                return problem
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            problem = _walk(path, value, (*place, number), lines)
            if problem:
                return problem
    return None


def nearest(name: str, known: Sequence[str]) -> str:
    """Return ``; did you mean X?``, or what is known when nothing is near and the list is short."""
    match = difflib.get_close_matches(name, known, n=1)
    if match:
        return f"; did you mean {match[0]}?"
    return f"; known are {', '.join(sorted(known))}" if len(known) <= 16 else ""
