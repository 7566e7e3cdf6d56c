"""Great Expectations behind a thin wrapper: verdicts out, values never.

What it is given is a table of verdicts, one column per row rule, made from the same predicates as the quarantine: 1 where a
row breaks the rule, 0 where it keeps it. It adds up each column, so there is no failing value that it could quote. Its other
traps are closed here: a failed suite does not raise (we return the verdicts and the caller raises), an expectation that
crashed looks like bad data (we raise), an empty table passes every row rule (a floor of rows is part of every suite), usage
statistics and progress bars are off.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from retention.quality.errors import CheckFailed
from retention.warehouse import Warehouse

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

# Must be set before the first import of the library, which reports its use to its makers otherwise.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

_RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class Verdict:
    """What the suite says about one rule: counts, never values."""

    key: str
    passed: bool
    rows_checked: int
    rows_failed: int
    observed: float | None = None


class Suites:
    """One Great Expectations context on one warehouse, used for all batches of a run.

    Importing the library takes seconds, so only the task that validates makes one.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        import great_expectations as gx

        logging.getLogger("great_expectations").setLevel(logging.ERROR)
        self._gx = gx
        self.last_outcome: Any = None
        """What the library returned last, for whoever wants to look at it: counts, no values."""
        self._context = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]  # a mapping is what it stores
        url = warehouse.url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it would rather have its own PostgreSQL class, which knows no psycopg 3
            self._source = self._context.data_sources.add_sql("warehouse", connection_string=url)

    def check(
        self,
        name: str,
        table: str,
        broken: Sequence[str],
        *,
        at_least: int = 1,
        at_most: int | None = None,
        at_most_value: Mapping[str, float] | None = None,
    ) -> dict[str, Verdict]:
        """Validate the rows of a table.

        Parameters
        ----------
        name : str
            Name of the suite in reports.
        table : str
            Holds one column per row rule, 1 where the row breaks it and 0 where not, and numbers for table rules.
        broken : sequence of str
            The columns of the row rules.
        at_least, at_most : int
            Fewer or more rows than this fail (verdict ``rows``).
        at_most_value : mapping, optional
            Columns whose smallest value may be at most this, e.g. the age of the newest row.

        Returns
        -------
        Verdicts by column, and ``rows``.

        Raises
        ------
        CheckFailed when an expectation could not be evaluated.
        """
        expectations = self._gx.expectations
        suite: list[Expectation] = [
            expectations.ExpectTableRowCountToBeBetween(min_value=at_least, max_value=at_most, meta={"key": "rows"})
        ]
        suite += [
            # A sum, not a rule for each value: the same count, in a third of the time.
            expectations.ExpectColumnSumToBeBetween(column=column, max_value=0, meta={"key": column, "is_count": True})
            for column in broken
        ]
        suite += [
            expectations.ExpectColumnMinToBeBetween(column=column, max_value=limit, meta={"key": column})
            for column, limit in (at_most_value or {}).items()
        ]
        schema, _, table_name = table.partition(".")
        try:
            # A table, not a query: a query is fetched whole by the library before it looks at anything.
            asset = self._source.add_table_asset(name=name, table_name=table_name, schema_name=schema)
            batch = asset.add_batch_definition_whole_table("all").get_batch()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outcome = batch.validate(self._gx.ExpectationSuite(name=name, expectations=suite), result_format=_RESULT_FORMAT)
        except Exception as error:  # the library's own errors quote the query and, with it, whatever stands in it
            raise CheckFailed(
                f"{name}: Great Expectations could not run ({type(error).__name__}). Nothing published.", runbook="gx-crashed"
            ) from None
        self._source.delete_asset(name)
        self.last_outcome = outcome
        verdicts = {verdict.key: verdict for verdict in (_verdict(name, result) for result in outcome.results)}
        rows = verdicts["rows"].rows_checked
        return {key: replace(verdict, rows_checked=rows) for key, verdict in verdicts.items()}

    def close(self) -> None:
        """Give the connections back."""
        engine = self._source.get_engine()
        engine.dispose()


def _verdict(name: str, result: Any) -> Verdict:
    key = str(result.expectation_config.meta["key"])
    crashed = result.exception_info or {}
    # Either one record of an exception, or one per metric that raised.
    records = [crashed] if "raised_exception" in crashed else list(crashed.values())
    if any(record.get("raised_exception") for record in records):
        raise CheckFailed(f"{name}: the check {key} crashed instead of judging. Nothing published.", runbook="gx-crashed")
    observed = result.result.get("observed_value")
    number = float(observed) if isinstance(observed, int | float | Decimal) else None
    is_count = bool(result.expectation_config.meta.get("is_count"))
    return Verdict(
        key=key,
        passed=bool(result.success),
        rows_checked=int(number or 0) if key == "rows" else 0,
        rows_failed=int(number or 0) if is_count else 0,
        observed=None if is_count else number,
    )
