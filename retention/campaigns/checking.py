"""Is a play file right: its shape by a JSON schema, its meaning by the attribute catalogue.

Every message names file and line, what was found, what is expected, and the nearest known name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import jsonschema

from retention.campaigns.catalogue import PROTECTED, Attribute, attributes
from retention.campaigns.conditions import Leaf, parse
from retention.campaigns.contradictions import contradictions
from retention.campaigns.documents import Document, Place, nearest
from retention.campaigns.match_keys.naming import lint_name
from retention.settings import PROJECT_ROOT

SCHEMA = PROJECT_ROOT / "include" / "plays" / "play.schema.json"
FREE_OFFERS = frozenset({"none", "information", "service"})
"""Offers without a price: only these may go to an audience chosen by a protected attribute."""


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
    yield from _names(document)
    unsound = list(_conditions(document))
    yield from unsound or contradictions(document)
    yield from _offers(document)
    yield from _channels(document)
    yield from _rules(document)
    yield from _numbers(document)


def _names(document: Document) -> Iterator[str]:
    """Names go out with every row: they must not say anything of people's health or money."""
    raw = document.content
    named: list[tuple[Place, str]] = [(("play",), raw["play"]), (("content_key",), raw["content_key"])]
    named += [(("name", language), raw["name"][language]) for language in ("en", "zh")]
    for number, rung in enumerate(raw["offer"]):
        named.append((("offer", number, "code"), rung["code"]))
        named += [(("offer", number, "label", language), rung["label"][language]) for language in ("en", "zh")]
    for place, text in named:
        for finding in lint_name(text):
            yield f"{document.at(place)}: {finding}; tools outside read this name: choose another"


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
            yield _protected(document, (*place, "attribute"), leaf.attribute)
        for message in _value_problems(leaf, known[leaf.attribute]):
            yield f"{document.at((*place, leaf.operator))}: {leaf.attribute}: {message}"


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
    if (leaf.operator in ("has", "has_any")) != (attribute.unit == "list") and leaf.operator != "is_known":
        takes = "has or has_any" if attribute.unit == "list" else "one value: is, is_not, in or not_in"
        yield f"takes {takes}, {leaf.operator} does not apply"
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
        elif attribute.unit in ("label", "list") and not isinstance(value, str):
            yield f"is a text, found {value!r}"
        elif attribute.values and value not in attribute.values:
            yield f"has no value {value}{nearest(str(value), list(attribute.values))}"
        elif attribute.unit == "share" and not 0 <= value <= 1:
            yield f"is a share between 0 and 1, found {value}"
        elif attribute.unit in ("days", "count", "minor") and leaf.operator == "is" and value != int(value):
            yield f"is a whole number, found {value}: holds for nobody"
    if leaf.operator == "between" and len(values) == 2 and attribute.is_number and values[0] > values[1]:
        yield f"between {values[0]} and {values[1]} holds for nobody: the lower bound comes first"


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
        yield from _granted(document, place, rung)
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


def _granted(document: Document, place: Place, rung: Mapping[str, Any]) -> Iterator[str]:
    """Check that a rung says how much it grants, and that its details may go to a marketing tool."""
    kind = rung["kind"]
    if kind == "coupon" and "amount" not in rung:
        yield f"{document.at(place)}: offer {rung['code']} is a coupon and names no amount"
    if kind == "percent_discount" and "percent" not in rung:
        yield f"{document.at(place)}: offer {rung['code']} is a percent_discount and names no percent"
    for number, name in enumerate(rung.get("details", ())):
        where = document.at((*place, "details", number))
        attribute = attributes().get(name)
        if attribute is None:
            yield f"{where}: attribute {name} is not in the catalogue{nearest(name, list(attributes()))}"
        elif name in PROTECTED:
            yield _protected(document, (*place, "details", number), name)
        elif not attribute.is_comparable:
            yield f"{where}: {name} names an event or a time, no message can show it"


def _protected(document: Document, place: Place, name: str) -> str:
    return (
        f"{document.at(place)}: {name} is a protected attribute and may not decide about an offer; it may choose the audience "
        "of a play without a priced offer"
    )


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


def _numbers(document: Document) -> Iterator[str]:
    """Check what the play may cost, what it is expected to bring, whom it is too good for and when it runs."""
    raw = document.content
    budget = raw.get("budget", {})
    if budget.get("day", 0) > budget.get("month", float("inf")):
        yield f"{document.at(('budget', 'day'))}: the budget of a day is above that of the month"
    for key, step in (("expected", "of"), ("minimum_value", "attribute")):
        name = raw.get(key, {}).get(step)
        if name is None:
            continue
        unit = {"expected": ("minor",), "minimum_value": ("minor", "share", "count")}[key]
        known = [known for known, attribute in attributes().items() if attribute.unit in unit]
        if name not in known or name in PROTECTED:
            what = "amount" if key == "expected" else "number"
            yield f"{document.at((key, step))}: {name} is no {what} of the catalogue{nearest(name, known)}"
    dates = {key: _date(document, key) for key in ("observe_from", "observe_until") if key in raw}
    yield from (problem for problem in dates.values() if isinstance(problem, str))
    first, last = dates.get("observe_from"), dates.get("observe_until")
    if isinstance(first, date) and isinstance(last, date) and first > last:
        yield f"{document.at(('observe_until',))}: the play ends on {last}, before it starts on {first}"
    due = raw.get("task", {}).get("due_days")
    if due is not None and due > raw["valid_days"]:
        where = document.at(("task", "due_days"))
        yield f"{where}: the task is due after {due} days, the play is over after {raw['valid_days']}"


def _date(document: Document, key: str) -> date | str:
    value = document.content[key]
    try:
        return date.fromisoformat(value)
    except ValueError:
        return f"{document.at((key,))}: {key} is no day of the calendar: {value}"
