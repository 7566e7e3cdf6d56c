"""Is a play file right: its shape by a JSON schema, its meaning by the attribute catalogue.

Every message names file and line, what was found, what is expected, and the nearest known name.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from retention.campaigns.catalogue import PROTECTED, Attribute, attributes
from retention.campaigns.conditions import Leaf, leaves, parse
from retention.settings import PROJECT_ROOT

SCHEMA = PROJECT_ROOT / "include" / "plays" / "play.schema.json"
FREE_OFFERS = frozenset({"none", "information", "service"})
"""Offers without a price: only these may go to an audience chosen by a protected attribute."""

Place = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """YAML as it is written: a date stays text, as JSON and the schema know it."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


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
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        return Document(
            path, {}, problem=f"{path.name}:{line}: no valid YAML: {getattr(error, 'problem', None) or 'not UTF-8'}"
        )
    lines: dict[Place, int] = {}
    problem = _walk(path, node, (), lines) if node is not None else None
    content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader) if problem is None else {}
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


def check_play(document: Document) -> list[str]:
    """Return every problem of a play file; empty when it is right."""
    if document.problem:
        return [document.problem]
    shape = [_shape_message(document, error) for error in sorted(_validator().iter_errors(document.content), key=_order)]
    return shape or list(_meaning(document))


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _order(error: jsonschema.ValidationError) -> str:
    return "/".join(map(str, error.absolute_path))


def _shape_message(document: Document, error: jsonschema.ValidationError) -> str:
    error = _deepest(error)
    place = tuple(error.absolute_path)
    where = ".".join(str(step) for step in place) or "play"
    rule: Any = error.validator_value
    schema: Any = error.schema
    found: Any = error.instance
    if error.validator == "additionalProperties" and isinstance(found, dict):
        known = list(schema.get("properties", {}))
        unknown = [str(key) for key in found if key not in known]
        return f"{document.at((*place, unknown[0]))}: {where} has no {unknown[0]}{nearest(unknown[0], known)}"
    if error.validator == "enum":
        return f"{document.at(place)}: {where} is {found!r}{nearest(str(found), [str(value) for value in rule])}"
    if error.validator == "required":
        missing = [name for name in rule if name not in found]
        return f"{document.at(place)}: {where} lacks {', '.join(missing)}"
    return f"{document.at(place)}: {where}: {error.message}"


def _deepest(error: jsonschema.ValidationError) -> jsonschema.ValidationError:
    """Of the alternatives of a condition, report the one that was meant: the one that went furthest."""
    while error.context:
        error = max(error.context, key=lambda inner: (len(inner.absolute_path), inner.validator == "additionalProperties"))
    return error


def _meaning(document: Document) -> Iterator[str]:
    raw = document.content
    if raw["play"] != document.path.stem:
        yield f"{document.at(('play',))}: play is {raw['play']}, the file's name says {document.path.stem}"
    yield from _conditions(document)
    yield from _offers(document)
    yield from _channels(document)
    yield from _rules(document)


def _conditions(document: Document) -> Iterator[str]:
    raw = document.content
    priced = any(rung["kind"] not in FREE_OFFERS for rung in raw["offer"])
    for place, spec in _leaf_specs(raw):
        leaf = parse(spec)
        if not isinstance(leaf, Leaf):
            continue
        known = attributes()
        if leaf.attribute not in known:
            yield (
                f"{document.at((*place, 'attribute'))}: attribute {leaf.attribute} is not in the catalogue"
                f"{nearest(leaf.attribute, list(known))}"
            )
            continue
        if leaf.attribute in PROTECTED and (place[0] == "offer" or priced):
            yield (
                f"{document.at((*place, 'attribute'))}: {leaf.attribute} is a protected attribute and may not decide about an "
                "offer; it may choose the audience of a play without a priced offer"
            )
        for message in _value_problems(leaf, known[leaf.attribute]):
            yield f"{document.at((*place, leaf.operator))}: {leaf.attribute}: {message}"
    yield from _contradictions(document)


def _leaf_specs(raw: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Yield every comparison of a play with its place in the file."""

    def within(place: Place, spec: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
        for kind in ("all", "any"):
            for number, part in enumerate(spec.get(kind, ())):
                yield from within((*place, kind, number), part)
        if "not" in spec:
            yield from within((*place, "not"), spec["not"])
        if "attribute" in spec:
            yield place, spec

    yield from within(("audience",), raw["audience"])
    if "trigger" in raw:
        yield from within(("trigger",), raw["trigger"])
    for number, rung in enumerate(raw["offer"]):
        if "when" in rung:
            yield from within(("offer", number, "when"), rung["when"])


def _value_problems(leaf: Leaf, attribute: Attribute) -> Iterator[str]:
    if not attribute.is_comparable:
        yield "names an event or a time, it can only be used as event"
        return
    if leaf.operator == "is_known":
        if not isinstance(leaf.value, bool):
            yield f"is_known takes true or false, found {leaf.value!r}"
        return
    values: Sequence[Any] = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    if leaf.operator in ("at_least", "at_most", "more_than", "less_than", "between") and not attribute.is_number:
        yield f"is no number, {leaf.operator} does not apply; use is, is_not, in or not_in"
        return
    for value in values:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if attribute.is_number and not is_number:
            yield f"is a number ({attribute.unit}), found {value!r}"
        elif attribute.unit == "flag" and not isinstance(value, bool):
            yield f"is true or false, found {value!r}"
        elif attribute.unit == "label" and not isinstance(value, str):
            yield f"is a text, found {value!r}"
        elif attribute.values and value not in attribute.values:
            yield f"has no value {value}{nearest(str(value), list(attribute.values))}"
        elif attribute.unit == "share" and not 0 <= value <= 1:
            yield f"is a share between 0 and 1, found {value}"
    if leaf.operator == "between" and len(values) == 2 and attribute.is_number and values[0] > values[1]:
        yield f"between {values[0]} and {values[1]} holds for nobody: the lower bound comes first"


def _contradictions(document: Document) -> Iterator[str]:
    """Find comparisons that must all hold and cannot: nobody would ever be in the audience."""
    raw = document.content
    together = [spec for spec in raw["audience"].get("all", [raw["audience"]]) if "attribute" in spec]
    together += [raw["trigger"]] if "trigger" in raw else []
    bounds: dict[str, tuple[float, float]] = {}
    for spec in together:
        leaf = next(leaves(parse(spec)))
        attribute = attributes().get(leaf.attribute)
        if attribute is None or not attribute.is_number:
            continue
        if any(not isinstance(v, int | float) for v in (leaf.value if isinstance(leaf.value, tuple) else (leaf.value,))):
            continue
        low, high = _interval(leaf)
        before = bounds.get(leaf.attribute, (float("-inf"), float("inf")))
        bounds[leaf.attribute] = (max(low, before[0]), min(high, before[1]))
    for name, (low, high) in bounds.items():
        if low > high:
            yield (
                f"{document.at(('audience',))}: {name} would have to be at least {low:g} and at most {high:g}: holds for nobody"
            )


def _interval(leaf: Leaf) -> tuple[float, float]:
    infinity = float("inf")
    match leaf.operator:
        case "is":
            return float(leaf.value), float(leaf.value)
        case "at_least" | "more_than":
            return float(leaf.value), infinity
        case "at_most" | "less_than":
            return -infinity, float(leaf.value)
        case "between":
            return float(leaf.value[0]), float(leaf.value[1])
        case _:
            return -infinity, infinity


def _offers(document: Document) -> Iterator[str]:
    ladder = document.content["offer"]
    codes = [rung["code"] for rung in ladder]
    for number, rung in enumerate(ladder):
        place = ("offer", number)
        if codes.index(rung["code"]) != number:
            yield f"{document.at(place)}: offer {rung['code']} is on the ladder twice"
        last = number == len(ladder) - 1
        if last and "when" in rung:
            yield f"{document.at((*place, 'when'))}: the last rung of an offer takes everybody who is left: no when there"
        if not last and "when" not in rung:
            yield (
                f"{document.at(place)}: offer {rung['code']} takes everybody, the rungs below it are never reached: add a when"
            )
        negotiation = rung.get("negotiation")
        if negotiation is None:
            continue
        if negotiation["opening"] > negotiation["ceiling"]:
            yield f"{document.at((*place, 'negotiation'))}: the opening offer is above the ceiling"
        if ("of" in negotiation) != ("opening_share" in negotiation and "ceiling_share" in negotiation):
            yield f"{document.at((*place, 'negotiation'))}: of, opening_share and ceiling_share belong together"
        elif "of" in negotiation and negotiation["opening_share"] > negotiation["ceiling_share"]:
            yield f"{document.at((*place, 'negotiation'))}: the opening share is above the ceiling's"
        base = negotiation.get("of")
        if base is not None and (base not in attributes() or attributes()[base].unit != "minor"):
            amounts = [name for name, attribute in attributes().items() if attribute.unit == "minor"]
            yield f"{document.at((*place, 'negotiation', 'of'))}: {base} is no amount of the catalogue{nearest(base, amounts)}"


def _channels(document: Document) -> Iterator[str]:
    raw = document.content
    if (raw["kind"] == "staff") != (raw["channels"] == ["staff"]):
        yield f"{document.at(('channels',))}: a staff play has the one channel staff, and no other play has it"
    for channel in raw["channels"]:
        if channel not in raw["cost_per_touch"]:
            yield f"{document.at(('cost_per_touch',))}: the cost of a touch by {channel} is missing"
    for channel in raw["cost_per_touch"]:
        if channel not in raw["channels"]:
            yield (
                f"{document.at(('cost_per_touch', channel))}: {channel} is no channel of this play"
                f"{nearest(channel, raw['channels'])}"
            )


def _rules(document: Document) -> Iterator[str]:
    raw = document.content
    kind = raw["kind"]
    if kind == "promotional" and raw["purpose"] != "marketing":
        yield f"{document.at(('purpose',))}: a promotional play needs consent to marketing, found {raw['purpose']}"
    if kind == "promotional" and raw.get("frequency_cap") == "exempt":
        yield (
            f"{document.at(('frequency_cap',))}: contact caps bind every promotional play; service and staff plays may be "
            "exempt"
        )
    if raw["holdout_share"] == 0 and ("holdout_reason" not in raw or kind == "promotional"):
        yield (
            f"{document.at(('holdout_share',))}: every play keeps a control group; a service or staff play without one "
            "says why in holdout_reason"
        )
    if (kind == "staff") != ("task" in raw):
        yield f"{document.at(('task',))}: a staff play says what to do in task, and no other play does"
    if (raw["period"] == "event") != ("event" in raw):
        yield f"{document.at(('period',))}: period event needs event, the attribute that tells one event from the next"
    if "event" in raw:
        events = [name for name, attribute in attributes().items() if attribute.unit == "key"]
        if raw["event"] not in events:
            yield f"{document.at(('event',))}: {raw['event']} names no event{nearest(raw['event'], events)}"


def nearest(name: str, known: Sequence[str]) -> str:
    """Return ``; did you mean X?``, or what is known when nothing is near and the list is short."""
    match = difflib.get_close_matches(name, known, n=1)
    if match:
        return f"; did you mean {match[0]}?"
    return f"; known are {', '.join(sorted(known))}" if len(known) <= 16 else ""
