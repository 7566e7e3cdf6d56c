"""Conditions of plays: parsed from YAML, checked against the catalogue, compiled to SQL with bound values.

A condition is ``{attribute: NAME, OPERATOR: VALUE}``, or ``all``, ``any`` or ``not`` over conditions. An unknown (null)
attribute satisfies no comparison, not even ``is_not``: of whom nothing is known, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retention.campaigns.catalogue import attributes

OPERATORS = (
    "is",
    "is_not",
    "in",
    "not_in",
    "at_least",
    "at_most",
    "more_than",
    "less_than",
    "between",
    "has",
    "has_any",
    "is_known",
)
_COMPARISONS = {"at_least": ">=", "at_most": "<=", "more_than": ">", "less_than": "<"}


@dataclass(frozen=True)
class Leaf:
    """One comparison of one attribute."""

    attribute: str
    operator: str
    value: Any


@dataclass(frozen=True)
class Group:
    """``all``, ``any`` or ``not`` over conditions."""

    kind: str
    parts: tuple[Condition, ...]


Condition = Leaf | Group


def parse(spec: Mapping[str, Any]) -> Condition:
    """Read a condition that the schema has accepted."""
    for kind in ("all", "any"):
        if kind in spec:
            return Group(kind, tuple(parse(part) for part in spec[kind]))
    if "not" in spec:
        return Group("not", (parse(spec["not"]),))
    operator = next(name for name in spec if name != "attribute")
    value = spec[operator]
    return Leaf(str(spec["attribute"]), operator, tuple(value) if isinstance(value, list) else value)


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Yield every comparison of a condition."""
    if isinstance(condition, Leaf):
        yield condition
    else:
        for part in condition.parts:
            yield from leaves(part)


@dataclass
class Binds:
    """Collects the values of a statement under names that no other value has."""

    prefix: str
    values: dict[str, Any] = field(default_factory=dict)

    def add(self, value: Any) -> str:
        """Return the placeholder of a value."""
        name = f"{self.prefix}_{len(self.values)}"
        self.values[name] = list(value) if isinstance(value, tuple) else value
        return f":{name}"


def predicate(condition: Condition, binds: Binds) -> str:
    """Compile a condition to a SQL predicate over ``attributes`` that is never null.

    Names come from the catalogue, values only through binds: nothing a play file says is ever part of the statement's text.
    """
    return f"coalesce({_expression(condition, binds)}, false)"


def _expression(condition: Condition, binds: Binds) -> str:
    if isinstance(condition, Group):
        if condition.kind == "not":
            return f"not {predicate(condition.parts[0], binds)}"
        joint = " and " if condition.kind == "all" else " or "
        return "(" + joint.join(_expression(part, binds) for part in condition.parts) + ")"
    column, value = _column(condition.attribute), condition.value
    kind = _sql_type(condition.attribute)
    match condition.operator:
        case "is":
            return f"{column} = cast({binds.add(value)} as {kind})"
        case "is_not":
            return f"{column} <> cast({binds.add(value)} as {kind})"
        case "in":
            return f"{column} = any(cast({binds.add(value)} as {kind} []))"
        case "not_in":
            return f"{column} <> all(cast({binds.add(value)} as {kind} []))"
        case "between":
            low, high = (binds.add(bound) for bound in value)
            return f"{column} between cast({low} as {kind}) and cast({high} as {kind})"
        case "has":
            return f"cast({binds.add(value)} as text) = any({column})"
        case "has_any":
            return f"{column} && cast({binds.add(value)} as text [])"
        case "is_known":
            return f"({column} is not null) = cast({binds.add(bool(value))} as boolean)"
        case operator:
            return f"{column} {_COMPARISONS[operator]} cast({binds.add(value)} as {kind})"


def _sql_type(attribute: str) -> str:
    unit = attributes()[attribute].unit
    return {"label": "text", "flag": "boolean"}.get(unit, "double precision")


def _column(attribute: str) -> str:
    return f"attributes.{attributes()[attribute].name}"


def reasons(condition: Condition, binds: Binds, language: str, currency: str, digits: int) -> str:
    """Compile the sentence why a customer matched: each attribute of which a comparison holds, once, with its value."""
    stated: dict[str, list[Leaf]] = {}
    for leaf in _stated(condition):
        stated.setdefault(leaf.attribute, []).append(leaf)
    parts = ", ".join(_reason(same, binds, language, currency, digits) for same in stated.values())
    return f"concat_ws({binds.add('; ' if language == 'en' else '；')}, {parts})"


def _stated(condition: Condition) -> Iterator[Leaf]:
    """Yield the comparisons worth stating: what is excluded by ``not`` is no reason to be in."""
    if isinstance(condition, Leaf):
        yield condition
    elif condition.kind != "not":
        for part in condition.parts:
            yield from _stated(part)


def _reason(stated: Sequence[Leaf], binds: Binds, language: str, currency: str, digits: int) -> str:
    attribute = attributes()[stated[0].attribute]
    column = _column(attribute.name)
    holds = " or ".join(f"({_expression(leaf, binds)})" for leaf in stated)
    label = attribute.label_en if language == "en" else attribute.label_zh
    colon = ": " if language == "en" else "："
    match attribute.unit:
        case "minor":
            shown = (
                f"cast(round(cast({column} as numeric) / {10**digits}, {digits}) as text) || "
                f"cast({binds.add(' ' + currency)} as text)"
            )
        case "share":
            shown = f"cast(round(cast({column} * 100 as numeric)) as text) || ' %'"
        case "ratio":
            shown = f"cast(round(cast({column} as numeric), 1) as text)"
        case "list":
            shown = f"array_to_string({column}, ', ')"
        case "flag":
            yes, no = ("yes", "no") if language == "en" else ("是", "否")
            shown = f"case when {column} then cast({binds.add(yes)} as text) else cast({binds.add(no)} as text) end"
        case "label" if language == "zh" and attribute.values:
            names = " ".join(
                f"when cast({binds.add(key)} as text) then cast({binds.add(name)} as text)"
                for key, name in attribute.values.items()
            )
            shown = f"case {column} {names} else {column} end"
        case _:
            shown = f"cast({column} as text)"
    return f"case when {holds} then cast({binds.add(label + colon)} as text) || {shown} end"
