"""Row rules: one entry of a contract becomes one SQL predicate, true where the row keeps the rule.

The same predicate says which rows go to quarantine and what Great Expectations counts, so the two cannot disagree. A rule
is silent about absent values (null, or blank in the text columns of landing), except ``required`` and ``not_null``: a
missing value is one finding, not ten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from retention.warehouse import Check, Contract, ContractError
from retention.warehouse.identifiers import literal, quote

ROW = "checked"
"""Alias under which every predicate refers to the row."""

# A date written as words ('today', 'infinity') is valid input for PostgreSQL and no date that a source may deliver.
_DATE_SHAPE = {
    "date": r"^\s*\d{4,6}-\d{1,2}-\d{1,2}\s*$",
    # With an offset: extraction gives one to every time it can read, and any other would be taken for a time of UTC.
    "timestamptz": r"^\s*\d{4,6}-\d{1,2}-\d{1,2}\s*($|[Tt\s].*([Zz]|[+-]\d{2}(:?\d{2}){0,2})\s*$)",
}
_TEXT = "text"
_TYPED = "typed"


@dataclass(frozen=True)
class RowRule:
    """One compiled row rule.

    Attributes
    ----------
    name, column
        The rule and the column it is about (None for rules on the whole row).
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
        Subqueries by entity (``customer``, ``order``, ``product``) with one column ``id``: what may be referred to.
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
    known: Mapping[str, str] | None = None
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


def compile_row_rule(check: Check, context: RowContext) -> RowRule:
    """Compile one row rule of a contract.

    Raises
    ------
    ContractError when the rule is unknown or lacks an argument.
    """
    builder = _BUILDERS.get(check.rule)
    if builder is None:
        known = ", ".join(sorted(_BUILDERS))
        raise ContractError(f"{context.contract.table}: no row rule {check.rule}; known are {known}.")
    if check.severity not in ("fail", "quarantine", "warn"):
        raise ContractError(f"{context.contract.table}: severity of {check.rule} is fail, quarantine or warn.")
    try:
        predicate, words, joins = builder(check.arguments, context)
    except KeyError as missing:
        raise ContractError(f"{context.contract.table}: rule {check.rule} lacks the argument {missing}.") from None
    name = str(check.arguments.get("name", check.rule))
    column = check.arguments.get("column") or _first(check.arguments.get("columns"))
    return RowRule(name, column, f"(({predicate}) is not false)", check.severity, words, joins)


def ok(i: int) -> str:
    """Return the name of the boolean column that holds the verdict of the i-th rule."""
    return f"ok_{i}"


def is_row_rule(check: Check) -> bool:
    """Return whether a check is about single rows."""
    return check.rule in _BUILDERS


def _first(columns: Sequence[str] | None) -> str | None:
    return ", ".join(columns) if columns else None


def _ref(context: RowContext, name: str) -> str:
    context.contract.column(name)
    return f"{ROW}.{quote(name)}"


def _value(context: RowContext, name: str) -> str:
    """Return the value of a column, null when it is a blank text."""
    reference = _ref(context, name)
    return f"nullif(btrim({reference}), '')" if context.contract.column(name).type == _TEXT else reference


def _typed(context: RowContext, name: str, type_: str) -> str:
    """Return the value of a column as a type; null where it has no valid value (``is_type`` reports that)."""
    reference = _ref(context, name)
    if context.contract.column(name).type != _TEXT or type_ == _TEXT:
        return _value(context, name)
    alias = f"{name}_{type_}"
    shape = f" and {reference} ~ {literal(_DATE_SHAPE[type_])}" if type_ in _DATE_SHAPE else ""
    context.typed[alias] = f"case when pg_input_is_valid({reference}, {literal(type_)}){shape} then {reference}::{type_} end"
    return f"{_TYPED}.{alias}"


_Built = tuple[str, str, tuple[str, ...]]


def _required(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    return f"{_value(context, arguments['column'])} is not null", f"{arguments['column']} must be given", ()


def _not_null(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    columns = arguments.get("columns") or [arguments["column"]]
    return " and ".join(f"{_ref(context, c)} is not null" for c in columns), f"{', '.join(columns)} must be given", ()


def _is_type(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    column, type_ = arguments["column"], arguments["type"]
    if context.contract.column(column).type != _TEXT:
        return "true", f"{column} is {type_} by its column", ()
    return (
        f"{_typed(context, column, type_)} is not null or {_value(context, column)} is null",
        f"{column} must be a valid {type_}",
        (),
    )


def _finite(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    column = arguments["column"]
    kind = context.contract.column(column).type
    if kind.startswith(("double", "real", "float")):
        return f"{_ref(context, column)} not in ('NaN', 'Infinity', '-Infinity')", f"{column} must be a finite number", ()
    value = _typed(context, column, "numeric")
    return (
        f"({value}) not in ('NaN'::numeric, 'Infinity'::numeric, '-Infinity'::numeric)",
        f"{column} must be a finite number",
        (),
    )


def _between(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    column = arguments["column"]
    value = _typed(context, column, arguments.get("type", "numeric"))
    low, high = arguments.get("min"), arguments.get("max")
    if low is None and high is None:
        raise KeyError("min or max")
    # NaN is greater than every number in PostgreSQL, so an upper bound refuses it and a lower one alone would not.
    parts = [f"({value}) >= {_constant(low)}"] if low is not None else []
    parts += [f"({value}) <= {_constant(high)}" if high is not None else f"({value})::text not in ('NaN', 'Infinity')"]
    range_ = f"from {low} to {high}" if None not in (low, high) else f"at least {low}" if high is None else f"at most {high}"
    return " and ".join(parts), f"{column} must be {range_}", ()


def _in_set(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    column, values = arguments["column"], arguments["values"]
    return (
        f"{_value(context, column)} in ({', '.join(map(_constant, values))})",
        f"{column} must be one of {', '.join(map(str, values))}",
        (),
    )


def _pattern(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    column = arguments["column"]
    return (
        f"{_value(context, column)} ~ {literal(arguments['pattern'])}",
        f"{column} must have the form {arguments['pattern']}",
        (),
    )


def _max_length(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    column, limit = arguments["column"], int(arguments["max"])
    return f"length({_ref(context, column)}) <= {limit}", f"{column} must have at most {limit:,} characters", ()


def _expression(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    text = str(arguments.get("expression") or arguments["sql"])
    for column in context.contract.column_names:
        text = text.replace("{" + column + "}", _ref(context, column))
    return (
        text,
        str(
            arguments.get("description")
            or arguments.get("name")
            or f"must hold: {arguments.get('expression') or arguments['sql']}"
        ),
        (),
    )


def _plausible_time(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    column = arguments["column"]
    value = _typed(context, column, "timestamptz")
    words = f"{column} must lie between 1900 and 2100"
    predicate = f"({value}) >= timestamptz '1900-01-01 00:00:00+00' and ({value}) < timestamptz '2100-01-01 00:00:00+00'"
    if arguments.get("future", "refused") == "refused" and context.day_end is not None:
        predicate += f" and ({value}) < timestamptz {literal(context.day_end.isoformat())}"
        words += " and not after the end of the business day"
    return predicate, words, ()


def _not_before(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    column, other = arguments["column"], arguments["other"]
    return (
        f"({_typed(context, column, 'timestamptz')}) >= ({_typed(context, other, 'timestamptz')})",
        f"{column} must not be before {other}",
        (),
    )


def _at_most(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    column, other = arguments["column"], arguments["other"]
    return (
        f"({_typed(context, column, 'numeric')}) <= ({_typed(context, other, 'numeric')})",
        f"{column} must be at most {other}",
        (),
    )


def _product_at_most(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    left, right = (_typed(context, column, "numeric") for column in arguments["columns"])
    limit = _constant(arguments["max"])
    # Each factor has its own bound; beyond it the product itself might overflow and end the whole batch.
    bounded = f"abs({left}) <= 1e12 and abs({right}) <= 1e12"
    words = f"{' times '.join(arguments['columns'])} must be at most {limit}"
    return f"case when {bounded} then ({left}) * ({right}) <= {limit} end", words, ()


def _no_nul(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    # Extraction writes U+2400 where a value held the character NUL, which PostgreSQL cannot store.
    texts = ", ".join(_ref(context, c.name) for c in context.contract.columns if c.type == _TEXT)
    return f"strpos(concat({texts}), U&'\\2400') = 0", "no value may hold the character NUL", ()


def _clean_key(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    column = arguments["column"]
    return f"{_ref(context, column)} !~ '[\\x01-\\x1f\\x7f]'", f"{column} must not hold control characters", ()


def _unique_version(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    key = [str(c) for c in arguments["columns"]]
    columns = [*key, "updated_at"] if "updated_at" not in key else key
    chosen = ", ".join(quote(c) for c in columns)
    join = (
        f"left join (select {chosen} from {context.versions} as versions group by {chosen} having count(*) > 1) as twice on "
        + " and ".join(f"twice.{quote(c)} is not distinct from {ROW}.{quote(c)}" for c in columns[1:])
        + (" and " if len(columns) > 1 else "")
        + f"twice.{quote(columns[0])} = {ROW}.{quote(columns[0])}"
    )
    return (
        f"twice.{quote(columns[0])} is null",
        f"{', '.join(key)} must not be delivered twice with different values for one updated_at",
        (join,),
    )


def _known(entity: str) -> Callable[[Mapping[str, Any], RowContext], _Built]:
    def build(arguments: Mapping[str, Any], context: RowContext) -> _Built:
        column = arguments["column"]
        source = (context.known or {})[entity]
        alias = f"known_{column}"
        join = f"left join ({source}) as {alias} on {alias}.id = {ROW}.{quote(column)}"
        return f"{_value(context, column)} is null or {alias}.id is not null", f"{column} must be a known {entity}", (join,)

    return build


def _known_rate(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    column, at = arguments["column"], arguments["at"]
    value, moment = _value(context, column), _typed(context, at, "timestamptz")
    series = f"'fx.' || btrim({_ref(context, column)}) || '.{context.base_currency}'"
    join = f"left join ({context.rates}) as rate on rate.series = {series}"
    # A text date is read in the session's zone (UTC): at most a day early, where the rate of the day before serves as well.
    day = f"({moment} at time zone {literal(context.timezone)})::date"
    home = f"{value} is null or {value} = {literal(context.base_currency)} or {moment} is null"
    predicate = f"{home} or coalesce({day} >= rate.first_date, false)"
    return predicate, f"{column} must have an exchange rate at or before {at}", (join,)


def _references(arguments: Mapping[str, Any], context: RowContext) -> _Built:
    columns = arguments.get("columns") or [arguments["column"]]
    schema, _, table = str(arguments["table"]).partition(".")
    theirs = arguments.get("to") or arguments.get("references") or columns
    theirs = [theirs] if isinstance(theirs, str) else list(theirs)
    on = " and ".join(f"target.{quote(t)} = {_ref(context, c)}" for t, c in zip(theirs, columns, strict=True))
    absent = " or ".join(f"{_ref(context, c)} is null" for c in columns)
    return (
        f"{absent} or exists (select 1 from {schema}.{quote(table)} as target where {on})",
        f"{', '.join(columns)} must exist in {schema}.{table}",
        (),
    )


def _constant(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else literal(str(value))


_BUILDERS: dict[str, Callable[[Mapping[str, Any], RowContext], _Built]] = {
    "required": _required,
    "not_null": _not_null,
    "is_type": _is_type,
    "finite": _finite,
    "between": _between,
    "in_set": _in_set,
    "pattern": _pattern,
    "max_length": _max_length,
    "expression": _expression,
    "plausible_time": _plausible_time,
    "not_before": _not_before,
    "at_most": _at_most,
    "product_at_most": _product_at_most,
    "no_nul": _no_nul,
    "clean_key": _clean_key,
    "unique_version": _unique_version,
    "known_customer": _known("customer"),
    "known_order": _known("order"),
    "known_product": _known("product"),
    "known_rate": _known_rate,
    "references": _references,
}
