"""Verdicts of checks, as stored: rule, counts and words, never a value of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import Run


@dataclass(frozen=True)
class CheckResult:
    """The verdict of one check; its fields are the columns of ``ops.check_result``."""

    table: str
    rule: str
    column_name: str | None
    severity: str
    passed: bool
    expected: str
    engine: str
    rows_checked: int | None = None
    rows_failed: int | None = None
    observed: float | None = None
    batch_id: int | None = None


def store(connection: Connection, run: Run, results: Sequence[CheckResult]) -> None:
    """Write verdicts into ``ops.check_result``; those of a slice carry its as-of date."""
    if not results:
        return
    connection.execute(
        sa.text(
            "insert into ops.check_result (dag_id, run_id, task_id, try_number, table_name, batch_id, "
            "business_date, as_of_date, "
            "rule, column_name, severity, passed, rows_checked, rows_failed, expected, observed, engine) "
            "values (:dag_id, :run_id, "
            ":task_id, :try_number, :table_name, :batch_id, :business_date, :as_of_date, :rule, :column_name, "
            ":severity, :passed, "
            ":rows_checked, :rows_failed, :expected, cast(:observed as double precision), :engine)"
        ),
        [
            {
                "dag_id": run.attempt.dag_id,
                "run_id": run.attempt.run_id,
                "task_id": run.attempt.task_id,
                "try_number": run.attempt.try_number,
                "table_name": result.table,
                "batch_id": result.batch_id,
                "business_date": run.business_date,
                "as_of_date": None if result.batch_id is not None else run.as_of_date,
                "rule": result.rule,
                "column_name": result.column_name,
                "severity": result.severity,
                "passed": result.passed,
                "rows_checked": result.rows_checked,
                "rows_failed": result.rows_failed,
                "expected": result.expected,
                "observed": result.observed,
                "engine": result.engine,
            }
            for result in results
        ],
    )
