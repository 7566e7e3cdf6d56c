"""Rules about the values of one row: given, of a type, in a range, in a form, in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retention.quality.currencies import MINOR_DIGITS
from retention.quality.rows import TEXT, Builder, Built, RowContext, constant, filled, ref, typed
from retention.warehouse.identifiers import literal

_Arguments = Mapping[str, Any]


def _required(arguments: _Arguments, context: RowContext) -> Built:
    return f"{filled(context, arguments['column'])} is not null", f"{arguments['column']} must be given", ()


def _not_null(arguments: _Arguments, context: RowContext) -> Built:
    columns = arguments.get("columns") or [arguments["column"]]
    return " and ".join(f"{ref(context, c)} is not null" for c in columns), f"{', '.join(columns)} must be given", ()


def _is_type(arguments: _Arguments, context: RowContext) -> Built:
    column, type_ = arguments["column"], arguments["type"]
    if context.contract.column(column).type != TEXT:
        return "true", f"{column} is {type_} by its column", ()
    return (
        f"{typed(context, column, type_)} is not null or {filled(context, column)} is null",
        f"{column} must be a valid {type_}",
        (),
    )


def _finite(arguments: _Arguments, context: RowContext) -> Built:
    column = arguments["column"]
    kind = context.contract.column(column).type
    if kind.startswith(("double", "real", "float")):
        return f"{ref(context, column)} not in ('NaN', 'Infinity', '-Infinity')", f"{column} must be a finite number", ()
    number = typed(context, column, "numeric")
    return (
        f"({number}) not in ('NaN'::numeric, 'Infinity'::numeric, '-Infinity'::numeric)",
        f"{column} must be a finite number",
        (),
    )


def _whole(arguments: _Arguments, context: RowContext) -> Built:
    column = arguments["column"]
    number = typed(context, column, "numeric")
    # Finite numbers only: the remainder of infinity is an error that would end the batch, and `finite` refuses it anyway.
    finite = f"({number}) > '-Infinity'::numeric and ({number}) < 'Infinity'::numeric"
    return f"case when {finite} then trunc({number}) = ({number}) end", f"{column} must be a whole number", ()


def _between(arguments: _Arguments, context: RowContext) -> Built:
    column = arguments["column"]
    number = typed(context, column, arguments.get("type", "numeric"))
    low, high = arguments.get("min"), arguments.get("max")
    if low is None and high is None:
        raise KeyError("min or max")
    # NaN is greater than every number in PostgreSQL, so an upper bound refuses it and a lower one alone would not.
    parts = [f"({number}) >= {constant(low)}"] if low is not None else []
    parts += [f"({number}) <= {constant(high)}" if high is not None else f"({number})::text not in ('NaN', 'Infinity')"]
    range_ = f"from {low} to {high}" if None not in (low, high) else f"at least {low}" if high is None else f"at most {high}"
    return " and ".join(parts), f"{column} must be {range_}", ()


def _in_set(arguments: _Arguments, context: RowContext) -> Built:
    column, values = arguments["column"], arguments["values"]
    return (
        f"{filled(context, column)} in ({', '.join(map(constant, values))})",
        f"{column} must be one of {', '.join(map(str, values))}",
        (),
    )


def _iso_currency(arguments: _Arguments, context: RowContext) -> Built:
    column = arguments["column"]
    codes = ", ".join(map(literal, MINOR_DIGITS))
    return f"{filled(context, column)} in ({codes})", f"{column} must be an ISO 4217 currency", ()


def _minor_digits(arguments: _Arguments, context: RowContext) -> Built:
    column, currency = arguments["column"], arguments["currency"]
    number = typed(context, column, "numeric")
    code = f"coalesce({filled(context, currency)}, {literal(context.base_currency)})"
    by_digits: dict[int, list[str]] = {}
    for name, digits in MINOR_DIGITS.items():
        by_digits.setdefault(digits, []).append(name)
    cases = " ".join(
        f"when {code} in ({', '.join(map(literal, names))}) then {digits}" for digits, names in by_digits.items() if digits != 2
    )
    words = f"{column} must have no more decimal places than its {currency} has (two, but none in JPY and three in KWD)"
    # "trim_scale" forgives 100.00 JPY: what counts is the value and not how it is written.
    return f"scale(trim_scale({number})) <= case {cases} else 2 end", words, ()


def _pattern(arguments: _Arguments, context: RowContext) -> Built:
    column = arguments["column"]
    words = arguments.get("words") or f"the form {arguments['pattern']}"
    return f"{filled(context, column)} ~ {literal(arguments['pattern'])}", f"{column} must have {words}", ()


def _max_length(arguments: _Arguments, context: RowContext) -> Built:
    column, limit = arguments["column"], int(arguments["max"])
    reference = ref(context, column)
    # Bytes are known without looking at the text; characters have to be counted only where there are more bytes than allowed.
    return (
        f"octet_length({reference}) <= {limit} or length({reference}) <= {limit}",
        f"{column} must have at most {limit:,} characters",
        (),
    )


def _expression(arguments: _Arguments, context: RowContext) -> Built:
    text = given = str(arguments.get("expression") or arguments["sql"])
    for column in context.contract.column_names:
        text = text.replace("{" + column + "}", ref(context, column))
    return text, str(arguments.get("description") or arguments.get("name") or f"must hold: {given}"), ()


def _plausible_time(arguments: _Arguments, context: RowContext) -> Built:
    column = arguments["column"]
    moment = typed(context, column, "timestamptz")
    words = f"{column} must lie between 1900 and 2100"
    predicate = f"({moment}) >= timestamptz '1900-01-01 00:00:00+00' and ({moment}) < timestamptz '2100-01-01 00:00:00+00'"
    if arguments.get("future", "refused") == "refused" and context.day_end is not None:
        # A deletion that is noticed by comparing snapshots bears the end of the day itself.
        compared = "<=" if arguments.get("end") == "included" else "<"
        predicate += f" and ({moment}) {compared} timestamptz {literal(context.day_end.isoformat())}"
        words += " and not after the end of the business day"
    return predicate, words, ()


def _not_before(arguments: _Arguments, context: RowContext) -> Built:
    column, other = arguments["column"], arguments["other"]
    return (
        f"({typed(context, column, 'timestamptz')}) >= ({typed(context, other, 'timestamptz')})",
        f"{column} must not be before {other}",
        (),
    )


def _at_most(arguments: _Arguments, context: RowContext) -> Built:
    column, other = arguments["column"], arguments["other"]
    return (
        f"({typed(context, column, 'numeric')}) <= ({typed(context, other, 'numeric')})",
        f"{column} must be at most {other}",
        (),
    )


def _product_at_most(arguments: _Arguments, context: RowContext) -> Built:
    left, right = (typed(context, column, "numeric") for column in arguments["columns"])
    limit = constant(arguments["max"])
    # Each factor has its own bound; beyond it the product itself might overflow and end the whole batch.
    bounded = f"abs({left}) <= 1e12 and abs({right}) <= 1e12"
    words = f"{' times '.join(arguments['columns'])} must be at most {limit}"
    return f"case when {bounded} then ({left}) * ({right}) <= {limit} end", words, ()


def _no_nul(arguments: _Arguments, context: RowContext) -> Built:
    # Extraction writes U+2400 where a value held the character NUL, which PostgreSQL cannot store.
    texts = ", ".join(ref(context, c.name) for c in context.contract.columns if c.type == TEXT)
    return f"strpos(concat({texts}), U&'\\2400') = 0", "no value may hold the character NUL", ()


def _clean_key(arguments: _Arguments, context: RowContext) -> Built:
    column = arguments["column"]
    reference = ref(context, column)
    # 1.38E+17 is a number that a spreadsheet has rounded: the digits that told it from others are gone.
    rounded = f"{reference} like '%+%' and {reference} ~ '^[0-9]([.][0-9]+)?[Ee][+][0-9]{{2,3}}$'"
    predicate = f"{reference} !~ '[\\x01-\\x1f\\x7f]' and not ({rounded})"
    return predicate, f"{column} must not hold control characters nor be a number that a spreadsheet has rounded", ()


BUILDERS: dict[str, Builder] = {
    "required": _required,
    "not_null": _not_null,
    "is_type": _is_type,
    "finite": _finite,
    "whole": _whole,
    "between": _between,
    "in_set": _in_set,
    "iso_currency": _iso_currency,
    "minor_digits": _minor_digits,
    "pattern": _pattern,
    "max_length": _max_length,
    "expression": _expression,
    "plausible_time": _plausible_time,
    "not_before": _not_before,
    "at_most": _at_most,
    "product_at_most": _product_at_most,
    "no_nul": _no_nul,
    "clean_key": _clean_key,
}
"""The rules of this module by the name that contracts use."""
