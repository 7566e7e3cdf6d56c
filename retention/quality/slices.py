"""Checks of computed slices: the contract's rules as SQL on the staging tables, before anything is published."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from retention.quality.errors import CheckFailed
from retention.quality.results import CheckResult, store
from retention.quality.rules import ROW, RowContext, RowRule, compile_row_rule, is_row_rule
from retention.warehouse import Check, Contract, ContractError, DatabaseFailed, StageWriter, load_contract
from retention.warehouse.identifiers import quote

_TABLE_RULES = ("row_count", "unique")


def check_slices(writer: StageWriter, tables: Sequence[str] | None = None) -> dict[str, int]:
    """Check every slice that a writer has filled against its contract; all rows in one pass per table.

    Parameters
    ----------
    writer : StageWriter
        Holds the staging tables.
    tables : sequence of str, optional
        Only these tables.

    Returns
    -------
    Checks made by table; warnings are in ``ops.check_result``.

    Raises
    ------
    CheckFailed when a check of severity ``fail`` does not hold, naming the first and how many more. Nothing is published.
    """
    run, made, failed = writer.run, dict[str, int](), list[str]()
    results: list[CheckResult] = []
    for table in tables if tables is not None else list(writer.tables):
        contract = load_contract(table)
        found = _check(writer, contract)
        results += found
        made[table] = len(found)
        failed += [_sentence(contract, f"{run.as_of_date}", r) for r in found if r.severity == "fail" and not r.passed]
    with run.warehouse.begin() as connection:
        store(connection, run, results)
    if failed:
        more = f" {len(failed) - 1} more checks fail." if len(failed) > 1 else ""
        raise CheckFailed(f"{failed[0]} Nothing published.{more}", runbook="checks")
    return made


def _check(writer: StageWriter, contract: Contract) -> list[CheckResult]:
    context = RowContext(contract=contract)
    rules = [compile_row_rule(check, context) for check in contract.checks if is_row_rule(check)]
    counts = [f"count(*) filter (where not {rule.predicate})" for rule in rules]
    total, _, _, *failures = writer.count(contract.table, *counts, alias=ROW)
    results = [_row_result(contract, rule, total, int(failed)) for rule, failed in zip(rules, failures, strict=True)]
    results += [_table_result(writer, contract, c, total) for c in contract.checks if not is_row_rule(c)]
    return results


def _row_result(contract: Contract, rule: RowRule, total: int, failed: int) -> CheckResult:
    return CheckResult(
        table=contract.table, rule=rule.name, column_name=rule.column, severity=rule.severity, passed=failed == 0,
        expected=rule.words, engine="sql", rows_checked=total, rows_failed=failed,
    )  # fmt: skip


def _table_result(writer: StageWriter, contract: Contract, check: Check, total: int) -> CheckResult:
    if check.rule == "row_count":
        low, high = check.arguments.get("min"), check.arguments.get("max")
        passed = (low is None or total >= int(low)) and (high is None or total <= int(high))
        bounds = [f"{side} {bound:,} rows" for side, bound in (("at least", low), ("at most", high)) if bound is not None]
        words = " and ".join(bounds)
        return CheckResult(
            table=contract.table, rule="row_count", column_name=None, severity=check.severity, passed=passed, expected=words,
            engine="sql", rows_checked=total, observed=float(total),
        )  # fmt: skip
    if check.rule == "unique":
        columns = list(check.arguments.get("columns") or [check.arguments["column"]])
        for column in columns:
            contract.column(column)
        repeated = _repeated(writer, contract, columns)
        return CheckResult(
            table=contract.table, rule="unique", column_name=", ".join(columns), severity=check.severity, passed=repeated == 0,
            expected=f"one row per {', '.join(columns)}", engine="sql", rows_checked=total, rows_failed=int(repeated),
        )  # fmt: skip
    raise ContractError(f"{contract.table}: no rule {check.rule} for a slice; table rules are {', '.join(_TABLE_RULES)}.")


def _repeated(writer: StageWriter, contract: Contract, columns: list[str]) -> int:
    """Count the rows that repeat a key; a primary key that the slice has to get anyway says without counting that none does."""
    if columns == list(contract.primary_key):
        with suppress(DatabaseFailed):  # some do, and how many is counted
            if writer.build_key(contract.table):
                return 0
    with writer.run.warehouse.connect() as connection:
        return int(
            connection.exec_driver_sql(
                f"select coalesce(sum(rows - 1), 0) from (select count(*) as rows from {writer.staging(contract.table)} "
                f"group by {', '.join(map(quote, columns))} having count(*) > 1) as repeated"
            ).scalar_one()
        )


def _sentence(contract: Contract, as_of_date: str, result: CheckResult) -> str:
    if result.rule == "row_count":
        return f"{contract.table} {as_of_date}: {result.rows_checked or 0:,} rows, expected {result.expected}."
    on = f" ({result.column_name})" if result.column_name else ""
    return (
        f"{contract.table} {as_of_date}: {result.rows_failed or 0:,} of {result.rows_checked or 0:,} rows break "
        f"{result.rule}{on}: "
        f"{result.expected} (allowed 0)."
    )
