"""Row rules: one entry of a contract becomes one SQL predicate, true where the row keeps the rule.

The same predicate says which rows go to quarantine and what Great Expectations counts, so the two cannot disagree. A rule
is silent about absent values (null, or blank in the text columns of landing), except ``required`` and ``not_null``: a
missing value is one finding, not ten.
"""

from __future__ import annotations

from collections.abc import Sequence

from retention.quality import relations, values
from retention.quality.rows import ROW, Builder, RowContext, RowRule
from retention.warehouse import Check, ContractError

ROW_RULES: dict[str, Builder] = {**values.BUILDERS, **relations.BUILDERS}
"""Every rule on single rows by the name that contracts use."""

SEVERITIES = ("fail", "quarantine", "warn")
"""What a broken rule does: stop the day, set the row aside, tell somebody."""

__all__ = ["ROW", "ROW_RULES", "SEVERITIES", "RowContext", "RowRule", "broken", "compile_row_rule", "is_row_rule"]


def compile_row_rule(check: Check, context: RowContext) -> RowRule:
    """Compile one row rule of a contract.

    Raises
    ------
    ContractError when the rule is unknown or lacks an argument.
    """
    builder = ROW_RULES.get(check.rule)
    if builder is None:
        known = ", ".join(sorted(ROW_RULES))
        raise ContractError(f"{context.contract.table}: no row rule {check.rule}; known are {known}.")
    if check.severity not in SEVERITIES:
        raise ContractError(f"{context.contract.table}: severity of {check.rule} is one of {', '.join(SEVERITIES)}.")
    try:
        predicate, words, joins = builder(check.arguments, context)
    except KeyError as missing:
        raise ContractError(f"{context.contract.table}: rule {check.rule} lacks the argument {missing}.") from None
    name = str(check.arguments.get("name", check.rule))
    column = check.arguments.get("column") or _first(check.arguments.get("columns"))
    return RowRule(name, column, f"(({predicate}) is not false)", check.severity, words, joins, check.rule)


def broken(i: int) -> str:
    """Return the name of the column that holds the verdict of the i-th rule: 1 where the row breaks it, 0 where not."""
    return f"broken_{i}"


def is_row_rule(check: Check) -> bool:
    """Return whether a check is about single rows."""
    return check.rule in ROW_RULES


def _first(columns: Sequence[str] | None) -> str | None:
    return ", ".join(columns) if columns else None
