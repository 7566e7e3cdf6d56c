"""Validation of one landed batch.

Exact duplicates leave landing; the row rules are evaluated once, into a table of booleans; Great Expectations judges that
table; rows breaking a rule of severity ``quarantine`` move from landing to quarantine; the counts are added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.quality.context import row_context
from retention.quality.deliveries import Delivery
from retention.quality.duplicates import drop_duplicates
from retention.quality.errors import CheckFailed, DoesNotReconcile, TooManyRefused, VolumeDropped
from retention.quality.fence import fenced
from retention.quality.refusal import refuse, worst_rules
from retention.quality.results import CheckResult, store
from retention.quality.rules import ROW, RowRule, compile_row_rule, is_row_rule, ok
from retention.quality.suite import Suites, Verdict
from retention.warehouse import Contract, Lease, failpoint, load_contract
from retention.warehouse.identifiers import literal, quote


def validate_batch(held: Lease, delivery: Delivery, day: Sequence[Delivery], suites: Suites) -> int:
    """Validate one batch and mark it validated.

    Parameters
    ----------
    held : Lease
        Of the validation of the day; an overtaken attempt changes nothing.
    delivery : Delivery
        The batch, in state ``landed``.
    day : sequence of Delivery
        All batches of the day; those before this one are validated already.
    suites : Suites
        Great Expectations.

    Returns
    -------
    Valid rows.
    """
    return _Batch(held, delivery, load_contract(f"landing.{delivery.entity}")).validate(day, suites)


@dataclass(frozen=True)
class _Volume:
    """The fewest rows to be believed, and the median of earlier deliveries that they come from."""

    floor: int = 0
    median: int = 0


@dataclass(frozen=True)
class _Batch:
    held: Lease
    delivery: Delivery
    contract: Contract

    def validate(self, day: Sequence[Delivery], suites: Suites) -> int:
        with fenced(self.held) as connection:
            duplicates = drop_duplicates(connection, self.delivery, self.contract)
            left = connection.execute(
                sa.text(
                    "update ops.batch set rows_duplicate = rows_duplicate + :duplicates where batch_id = :batch_id "
                    "returning rows_extracted - rows_duplicate - rows_tombstoned"
                ),
                {"duplicates": duplicates, "batch_id": self.delivery.batch_id},
            ).scalar_one()
            volume = self._volume(connection)
        self._stop_when_volume_dropped(volume)
        context = row_context(self.held.run, self.delivery, self.contract, day)
        rules = [compile_row_rule(check, context) for check in self.contract.checks if is_row_rule(check)]
        if not left:
            return self._close(rules, None)
        staging = f"staging.verdict__{self.delivery.batch_id}__{self.held.token}"
        try:
            self._evaluate(rules, context.typed_values(), staging)
            removed = self.delivery.rows_extracted - int(left)
            self._judge(rules, staging, suites, volume, max(1, volume.floor - removed))
            return self._close(rules, staging)
        finally:
            with self.held.run.warehouse.begin() as connection:
                connection.exec_driver_sql(f"drop table if exists {staging}")

    def _volume(self, connection: Connection) -> _Volume:
        settings = self.held.run.settings.ingest
        if not any(check.rule == "volume" for check in self.contract.checks) or self.delivery.is_replay:
            return _Volume()
        median = connection.execute(
            sa.text(
                "select percentile_cont(0.5) within group (order by rows_extracted) from ("
                "select rows_extracted from ops.batch where source = :source and entity = :entity and state = 'published' "
                "and is_full = :is_full and business_date < :business_date and message is distinct from 'replay' "
                "order by business_date desc, batch_id desc limit :history) as earlier"
            ),
            {
                "source": self.delivery.source,
                "entity": self.delivery.entity,
                "is_full": self.delivery.is_full,
                "business_date": self.delivery.business_date,
                "history": settings.volume_history_batches,
            },
        ).scalar_one()
        if median is None or median < settings.volume_minimum_rows:
            return _Volume(0, int(median or 0))
        return _Volume(int(-(-float(median) * settings.volume_floor_share // 1)), int(median))

    def _stop_when_volume_dropped(self, volume: _Volume) -> None:
        extracted = self.delivery.rows_extracted
        if extracted >= volume.floor:
            return
        self._store([self._volume_result(volume, None)])
        raise VolumeDropped(
            f"{self.delivery.where}: {extracted:,} rows, expected at least {volume.floor:,} "
            f"({self.held.run.settings.ingest.volume_floor_share:.0%} of {volume.median:,}, the median of earlier deliveries). "
            "Nothing published; the last good state stays in force. See whether the source delivered "
            "everything, then extract again."
        )

    def _evaluate(self, rules: Sequence[RowRule], typed: str, staging: str) -> None:
        """Evaluate every row rule once, into a table of booleans with the place of the row and nothing of its values."""
        columns = [f"{rule.predicate} as {ok(i)}" for i, rule in enumerate(rules)]
        for check in self.contract.checks:
            if check.rule == "freshness":
                column = f"{ROW}.{quote(check.arguments['column'])}"
                moment = f"case when pg_input_is_valid({column}, 'timestamptz') then {column}::timestamptz end"
                end = f"timestamptz {literal(self.held.run.as_of.isoformat())}"
                columns.append(f"extract(epoch from {end} - ({moment}))::float8 / 86400 as age_days")
        joins = " ".join(dict.fromkeys(join for rule in rules for join in rule.joins))
        statement = (
            f"create unlogged table {staging} as select {ROW}.ctid::text as row_id, {', '.join(columns)} "
            f"from {self.delivery.table} as {ROW} {typed} {joins} where {ROW}.batch_id = {self.delivery.batch_id}"
        )
        with self.held.run.warehouse.begin() as connection:
            connection.exec_driver_sql(f"drop table if exists {staging}")
            connection.exec_driver_sql("set local work_mem = '256MB'")
            connection.exec_driver_sql(statement.replace("%", "%%"))

    def _judge(self, rules: Sequence[RowRule], staging: str, suites: Suites, volume: _Volume, at_least: int) -> None:
        fresh = [check for check in self.contract.checks if check.rule == "freshness"]
        verdicts = suites.check(
            f"{self.contract.table} batch {self.delivery.batch_id}",
            staging,
            [ok(i) for i in range(len(rules))],
            at_least=at_least,
            at_most_value={"age_days": min(float(c.arguments["max_age_days"]) for c in fresh)} if fresh else {},
        )
        results = [
            self._result(
                rule.name, rule.column, rule.severity, verdicts[ok(i)].passed, rule.words,
                rows_checked=verdicts[ok(i)].rows_checked, rows_failed=verdicts[ok(i)].rows_failed,
            )
            for i, rule in enumerate(rules)
        ]  # fmt: skip
        results.append(self._volume_result(volume, verdicts["rows"]))
        for check in fresh:
            words = f"the newest row at most {check.arguments['max_age_days']} days old at the end of the business day"
            age = verdicts["age_days"]
            results.append(
                self._result("freshness", check.arguments["column"], check.severity, age.passed, words, observed=age.observed)
            )
        self._store(results)
        failpoint("quality.judged")
        for result in results:
            if result.severity == "fail" and not result.passed:
                found = f"{result.rows_failed:,} of {result.rows_checked:,} rows" if result.rows_failed else "the delivery"
                raise CheckFailed(
                    f"{self.delivery.where}: {found} break{'' if result.rows_failed else 's'} {result.rule}"
                    f"{f' on {result.column_name}' if result.column_name else ''}: {result.expected} (allowed "
                    "0). Nothing published."
                )

    def _close(self, rules: Sequence[RowRule], staging: str | None) -> int:
        """Move refused rows to quarantine, check that the counts add up and mark the batch validated, all at once."""
        delivery, settings = self.delivery, self.held.run.settings.ingest
        with fenced(self.held) as connection:
            refused = refuse(connection, self.held.run, delivery, rules, staging) if staging else 0
            failpoint("quality.refused")
            allowed = int(delivery.rows_extracted * settings.quarantine_stop_share)
            if refused > allowed and delivery.rows_extracted >= settings.volume_minimum_rows and not delivery.is_replay:
                raise TooManyRefused(
                    f"{delivery.where}: {refused:,} of {delivery.rows_extracted:,} rows break a rule (allowed {allowed:,}): "
                    f"{worst_rules(connection, delivery)}. Nothing published; the last good state stays in "
                    "force. The source has "
                    "probably changed: compare it with its description."
                )
            row = connection.execute(
                sa.text(
                    "update ops.batch set state = 'validated', "
                    f"rows_valid = (select count(*) from {delivery.table} where batch_id = :batch_id), "
                    'rows_quarantined = (select count(*) from quarantine."row" where batch_id = :batch_id) '
                    "where batch_id = :batch_id "
                    "returning rows_extracted, rows_valid, rows_quarantined, rows_duplicate, rows_tombstoned"
                ),
                {"batch_id": delivery.batch_id},
            ).one()
            if row.rows_extracted != sum(row[1:]):
                raise DoesNotReconcile(
                    f"{delivery.where}: {row.rows_extracted:,} rows extracted, but {row.rows_valid:,} valid + "
                    f"{row.rows_quarantined:,} refused + {row.rows_duplicate:,} duplicate + {row.rows_tombstoned:,} of erased "
                    "people. Nothing published. Extract this date again."
                )
            return int(row.rows_valid)

    def _result(
        self,
        rule: str,
        column: str | None,
        severity: str,
        passed: bool,
        words: str,
        *,
        rows_checked: int | None = None,
        rows_failed: int | None = None,
        observed: float | None = None,
        engine: str = "great_expectations",
    ) -> CheckResult:
        return CheckResult(
            table=self.contract.table, rule=rule, column_name=column, severity=severity, passed=passed, expected=words,
            engine=engine, rows_checked=rows_checked, rows_failed=rows_failed, observed=observed,
            batch_id=self.delivery.batch_id,
        )  # fmt: skip

    def _volume_result(self, volume: _Volume, verdict: Verdict | None) -> CheckResult:
        extracted = self.delivery.rows_extracted
        words = (
            f"at least {volume.floor:,} rows (median of earlier deliveries {volume.median:,})"
            if volume.floor
            else "at least one row"
        )
        passed = extracted >= volume.floor and (verdict is None or verdict.passed)
        engine = "great_expectations" if verdict else "sql"
        return self._result(
            "volume", None, "fail", passed, words, rows_checked=extracted, observed=float(extracted), engine=engine
        )

    def _store(self, results: Sequence[CheckResult]) -> None:
        with self.held.run.warehouse.begin() as connection:
            store(connection, self.held.run, results)
