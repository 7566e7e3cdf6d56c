"""What a compiled row rule is, what it may know beside the row, and how it reads the values of the row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from retention.warehouse import Contract
from retention.warehouse.identifiers import literal, quote

ROW = "checked"
"""Alias under which every predicate refers to the row."""

TEXT = "text"
_TYPED = "typed"
# A date written as words ('today', 'infinity') is valid input for PostgreSQL and no date that a source may deliver.
_DATE_SHAPE = {
    "date": r"^\s*\d{4,6}-\d{1,2}-\d{1,2}\s*$",
    # With an offset: extraction gives one to every time it can read, and any other would be taken for a time of UTC.
    "timestamptz": r"^\s*\d{4,6}-\d{1,2}-\d{1,2}\s*($|[Tt\s].*([Zz]|[+-]\d{2}(:?\d{2}){0,2})\s*$)",
}
# How extraction writes them. Asked first: this costs a quarter of the time that the form above takes.
_USUAL_SHAPE = {"date": ("____-__-__", "--"), "timestamptz": ("____-__-__T__:__:__+__:__", "--T::+:")}


@dataclass(frozen=True)
class RowRule:
    """One compiled row rule.

    Attributes
    ----------
    kind, name, column
        The rule as the contract calls it, the name under which it is reported (the kind, unless the contract gives another)
        and the column it is about (None for rules on the whole row).
    predicate
        SQL over the row alias :data:`ROW`; never null.
    severity
        ``fail`` (stop), ``quarantine`` (set the row aside) or ``warn`` (tell).
    words
        What the rule asks, for people; never a value of a row.
    joins
        Left joins that the predicate needs, e.g. to the customers that are known.
    """

    name: str
    column: str | None
    predicate: str
    severity: str
    words: str
    joins: tuple[str, ...] = ()
    kind: str = ""

    @property
    def label(self) -> str:
        """Rule and column in one word, as quarantine and reports show it."""
        return f"{self.name}({self.column})" if self.column else self.name


@dataclass(frozen=True)
class RowContext:
    """What a predicate must know beside the row.

    Attributes
    ----------
    contract
        Of the table the rows are in.
    day_end
        First instant that a delivery of the business day cannot know of.
    known
        Returns for an entity (``customer``, ``order``, ``product``) and a column of the row a subquery with one column
        ``id``: those of the column's values that may be referred to.
    rates
        Subquery with ``series`` and ``first_date``: from when on there are exchange rates.
    versions
        Subquery over the rows of the batch, to find contradictory versions of one key.
    base_currency, timezone
        Of the company: the currency that needs no rate, and where its days are cut.
    typed
        Filled while compiling: the text values that rules read as a type, by alias.
    """

    contract: Contract
    day_end: datetime | None = None
    known: Callable[[str, str], str] | None = None
    rates: str = ""
    versions: str = ""
    base_currency: str = "CNY"
    timezone: str = "Asia/Shanghai"
    typed: dict[str, str] = field(default_factory=dict)

    def typed_values(self) -> str:
        """Return the lateral join that reads each text value as its type once, however many rules look at it."""
        if not self.typed:
            return ""
        # "offset 0" keeps the planner from pasting the conversions into every predicate again.
        values = ", ".join(f"{expression} as {name}" for name, expression in self.typed.items())
        return f"cross join lateral (select {values} offset 0) as {_TYPED}"


Built = tuple[str, str, tuple[str, ...]]
"""What a rule compiles to: predicate, words, joins."""

Builder = Callable[[Mapping[str, Any], RowContext], Built]


def ref(context: RowContext, name: str) -> str:
    """Return the reference to a column of the row."""
    context.contract.column(name)
    return f"{ROW}.{quote(name)}"


def filled(context: RowContext, name: str) -> str:
    """Return the value of a column, null when it is a blank text."""
    column = ref(context, name)
    return f"nullif(btrim({column}), '')" if context.contract.column(name).type == TEXT else column


def typed(context: RowContext, name: str, type_: str) -> str:
    """Return the value of a column as a type; null where it has no valid value (``is_type`` reports that)."""
    column = ref(context, name)
    if context.contract.column(name).type != TEXT or type_ == TEXT:
        return filled(context, name)
    alias = f"{name}_{type_}"
    shape = ""
    if type_ in _DATE_SHAPE:
        places, signs = _USUAL_SHAPE[type_]
        usual = f"({column} like {literal(places)} and translate({column}, '0123456789', '') = {literal(signs)})"
        shape = f" and ({usual} or {column} ~ {literal(_DATE_SHAPE[type_])})"
    context.typed[alias] = f"case when pg_input_is_valid({column}, {literal(type_)}){shape} then {column}::{type_} end"
    return f"{_TYPED}.{alias}"


def constant(value: Any) -> str:
    """Return a value of a contract as SQL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else literal(str(value))
