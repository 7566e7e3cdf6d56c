"""Tags by rule: ``include/segments/tags.csv`` compiled to the query of ``segments.tag``.

Rules name attributes (columns of the features, of preferences and personas, and of the person), never SQL, so a team adds
its own tag with a line in a table. Values are bound, names come from contracts: nothing of the file is ever executed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from retention.segments.reference import REFERENCE_DIR, REFERENCE_FILES, ReferenceTableError, read_reference
from retention.warehouse import load_contract, sql_file

KINDS = {"geographic": "geographic_tags", "demographic": "demographic_tags", "behavioural": "tags"}
"""Kinds of tags with the column of ``segments.tag`` that holds them."""

OPERATORS = ("at_least", "at_most", "equals", "in", "each")

_TABLES = {
    "orders": "features.customer_orders",
    "engagement": "features.customer_engagement",
    "service": "features.customer_service",
    "preference": "scores.preference",
    "persona": "scores.persona",
}
_PERSON = {
    "gender": "text", "age_years": "integer", "region": "text", "city": "text", "occupation": "text", "customer_kind": "text",
    "language": "text", "acquisition_channel": "text", "personality_tag": "text", "has_wedding_anniversary": "boolean",
    "days_since_member": "integer",
}  # fmt: skip
_PROTECTED = {"gender", "age_years", "region", "city"}
_LEFT_OUT = {"as_of_date", "customer_key", "model_version", "is_fallback"}
_TYPES = {"integer": int, "bigint": int, "double precision": float}
_CODE = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Attribute:
    """What a rule may ask about: an SQL expression with its type."""

    name: str
    sql: str
    type: str


@dataclass(frozen=True)
class TagRule:
    """One line of the table: a condition of a tag."""

    tag: str
    kind: str
    label_en: str
    label_zh: str
    attribute: Attribute
    operator: str
    value: str

    @property
    def words(self) -> str:
        """The condition as people read it."""
        signs = {"at_least": ">=", "at_most": "<=", "equals": "=", "in": "in", "each": "has a value"}
        return f"{self.attribute.name} {signs[self.operator]} {self.value}".strip()


@cache
def attributes() -> Mapping[str, Attribute]:
    """Return everything that a rule may ask about, by name.

    Counts and sums of those who have no row there (prospects have no orders) are 0; anything else is null and meets no
    condition.
    """
    found = {name: Attribute(name, f"person.{name}", type_) for name, type_ in _PERSON.items()}
    for alias, table in _TABLES.items():
        for column in load_contract(table).columns:
            if column.name in _LEFT_OUT or column.name in found or column.type not in (*_TYPES, "text", "boolean"):
                continue
            sql = f"{alias}.{column.name}"
            if column.type == "bigint" and not column.nullable:
                sql = f"coalesce({sql}, 0)"
            found[column.name] = Attribute(column.name, sql, column.type)
    return found


def tag_rules(folder: Any = REFERENCE_DIR) -> list[TagRule]:
    """Return the rules, in the order of the file.

    Raises
    ------
    ReferenceTableError naming the line and what is wrong: an unknown kind, attribute (with the nearest known one) or
    operator, a value of the wrong type, conditions that contradict each other, a tag of two kinds, a protected attribute in
    a behavioural tag.
    """
    rules: list[TagRule] = []
    for line, row in enumerate(read_reference("segments.tag_rule", folder), start=2):
        rules.append(_rule(line, {name: str(value or "") for name, value in row.items()}))
        _agrees(line, rules)
    return rules


def _rule(line: int, row: Mapping[str, str]) -> TagRule:
    known = attributes()
    if row["kind"] not in KINDS:
        raise _wrong(line, f"{row['kind']!r} is no kind of tag{_nearest(row['kind'], KINDS)}")
    if not _CODE.fullmatch(row["tag"]):
        raise _wrong(line, f"{row['tag']!r} is no code; use small letters, digits and _")
    if row["attribute"] not in known:
        raise _wrong(line, f"{row['attribute']!r} is no attribute{_nearest(row['attribute'], known)}")
    if row["operator"] not in OPERATORS:
        raise _wrong(line, f"{row['operator']!r} is no operator{_nearest(row['operator'], OPERATORS)}")
    if row["kind"] == "behavioural" and row["attribute"] in _PROTECTED:
        raise _wrong(line, f"{row['attribute']} is protected: its tags are demographic or geographic, never behavioural")
    attribute, operator, value = known[row["attribute"]], row["operator"], row["value"]
    if (operator == "each") != (value == ""):
        raise _wrong(line, "only the operator each goes without a value, and it has none")
    if operator in ("at_least", "at_most") and attribute.type not in _TYPES:
        raise _wrong(line, f"{attribute.name} is {attribute.type}: {operator} needs a number")
    if operator == "each" and attribute.type != "text":
        raise _wrong(line, f"{attribute.name} is {attribute.type}: each needs a text")
    if operator != "each":
        for one in _values(operator, value):
            _typed(line, attribute, one)
    return TagRule(row["tag"], row["kind"], row["label_en"], row["label_zh"], attribute, operator, value)


def _agrees(line: int, rules: Sequence[TagRule]) -> None:
    """Compare the newest line with the lines of the same tag before it."""
    newest = rules[-1]
    for other in rules[:-1]:
        if other.tag != newest.tag:
            continue
        if (other.kind, other.label_en, other.label_zh) != (newest.kind, newest.label_en, newest.label_zh):
            raise _wrong(line, f"{newest.tag} has another kind or label than in a line before")
        if "each" in (other.operator, newest.operator):
            raise _wrong(line, f"{newest.tag}: each stands alone, a further condition is not possible")
        bounds = {rule.operator: rule for rule in (other, newest) if rule.attribute == newest.attribute}
        if {"at_least", "at_most"} <= set(bounds):
            low, high = (_typed(line, newest.attribute, bounds[side].value) for side in ("at_least", "at_most"))
            if low > high:
                raise _wrong(line, f"{newest.tag}: {newest.attribute.name} cannot be at least {low} and at most {high}")


def compile_tags(rules: Sequence[TagRule]) -> tuple[str, dict[str, Any]]:
    """Return the query of ``segments.tag`` and its binds."""
    binds: dict[str, Any] = {}
    arrays = []
    for kind, column in KINDS.items():
        cases = [_case([rule for rule in rules if rule.tag == tag], binds) for tag in _codes(rules, kind)]
        arrays.append(f"array_remove(cast(array[{', '.join(cases)}] as text []), null) as {column}")
    from_ = _joins(rules)
    return (
        "select :as_of_date as as_of_date, person.customer_key, "
        f"{', '.join(arrays)}, person.crm_tags, person.is_promotion_barred, person.is_legal_hold, person.tier_tag, "
        f"person.tier_effect, person.effect_tier from ({sql_file('segments/_tag_people')}) as person{from_}"
    ), binds


def evidence_query(rules: Sequence[TagRule]) -> str:
    """Return the query of the values that one customer's tags rest on (bind ``customer_key``): one column per attribute."""
    named = {rule.attribute.name: rule.attribute for rule in rules}
    columns = "".join(f", {attribute.sql} as {name}" for name, attribute in named.items())
    return (
        f"select person.customer_key{columns} from ({sql_file('segments/_tag_people')}) as person{_joins(rules)} "
        "where person.customer_key = :customer_key"
    )


def _codes(rules: Sequence[TagRule], kind: str) -> list[str]:
    return list(dict.fromkeys(rule.tag for rule in rules if rule.kind == kind))


def _case(rules: Sequence[TagRule], binds: dict[str, Any]) -> str:
    first = rules[0]
    if first.operator == "each":
        # Null where there is no value: concatenation with null is null.
        return f"'{first.tag}:' || nullif(btrim({first.attribute.sql}), '')"
    conditions = []
    for rule in rules:
        sign = {"at_least": ">=", "at_most": "<=", "equals": "=", "in": "="}[rule.operator]
        values = [_typed(0, rule.attribute, one) for one in _values(rule.operator, rule.value)]
        name = f"tag_{len(binds)}"
        if rule.operator == "in":
            binds[name] = values
            conditions.append(f"{rule.attribute.sql} = any(cast(:{name} as {rule.attribute.type} []))")
        else:
            binds[name] = values[0]
            conditions.append(f"{rule.attribute.sql} {sign} cast(:{name} as {rule.attribute.type})")
    return f"case when {' and '.join(conditions)} then '{first.tag}' end"


def _joins(rules: Sequence[TagRule]) -> str:
    used = {alias for alias in _TABLES for rule in rules if re.search(rf"\b{alias}\.", rule.attribute.sql)}
    return "".join(
        f" left join {table} as {alias} on {alias}.as_of_date = :as_of_date and {alias}.customer_key = person.customer_key"
        for alias, table in _TABLES.items()
        if alias in used
    )


def _values(operator: str, value: str) -> list[str]:
    return [one.strip() for one in value.split("|")] if operator == "in" else [value]


def _typed(line: int, attribute: Attribute, value: str) -> Any:
    if attribute.type == "boolean":
        if value not in ("true", "false"):
            raise _wrong(line, f"{attribute.name} is true or false, found {value!r}")
        return value == "true"
    if attribute.type not in _TYPES:
        return value
    try:
        return _TYPES[attribute.type](value)
    except ValueError:
        raise _wrong(line, f"{attribute.name} needs a number ({attribute.type}), found {value!r}") from None


def _nearest(name: str, known: Any) -> str:
    match = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {match[0]}?" if match else ""


def _wrong(line: int, what: str) -> ReferenceTableError:
    return ReferenceTableError(
        f"include/segments/{REFERENCE_FILES['segments.tag_rule']} line {line}: {what}. Nothing was published; put the "
        "file right and run again.",
        runbook="segment-tables",
    )
