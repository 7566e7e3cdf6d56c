"""Judging an evaluated batch: Great Expectations counts, the verdicts are stored, and what must stop the day does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retention.quality.deliveries import Delivery
from retention.quality.errors import CheckFailed, VolumeDropped, VolumeRose
from retention.quality.evaluation import Evaluation, fresh_checks
from retention.quality.results import CheckResult, store
from retention.quality.rules import broken
from retention.quality.suite import Suites, Verdict
from retention.quality.volume import Volume
from retention.warehouse import Contract, Run, failpoint


@dataclass(frozen=True)
class Judge:
    """Judges one batch.

    Attributes
    ----------
    run, delivery, contract
        Who asks, the batch, and the contract of its landing table.
    volume
        The rows that it should have brought.
    """

    run: Run
    delivery: Delivery
    contract: Contract
    volume: Volume

    def stop_unless_believable(self) -> None:
        """Stop when far fewer or far more rows came than usually do.

        Raises
        ------
        VolumeDropped, VolumeRose naming rows, bounds and what they come from.
        """
        extracted, volume = self.delivery.rows_extracted, self.volume
        if volume.holds(extracted) or self._volume_severity != "fail":
            return  # as a warning it is judged with the other rules
        self._store([self._volume_result(None)])
        settings = self.run.settings.ingest
        too_few = extracted < volume.floor
        bound = f"at least {volume.floor:,}" if too_few else f"at most {volume.ceiling:,}"
        share = f"{settings.volume_floor_share:.0%}" if too_few else f"{settings.volume_ceiling_share:g} times"
        advice = (
            "See whether the source delivered everything, then extract again."
            if too_few
            else "See whether the source delivered the same rows again or changed them all at once."
        )
        kind = VolumeDropped if too_few else VolumeRose
        raise kind(
            f"{self.delivery.where}: {extracted:,} rows, expected {bound} ({share} of {volume.median:,}, the median of "
            f"{volume.compared}). Nothing published; the last good state stays in force. {advice}"
        )

    def judge(self, evaluation: Evaluation, suites: Suites, rows: int) -> None:
        """Have Great Expectations judge every rule, and store what it says.

        Parameters
        ----------
        evaluation : Evaluation
            Of a batch that has rows.
        suites : Suites
            Great Expectations.
        rows : int
            Rows evaluated: what was delivered, less duplicates and rows of erased people.

        Raises
        ------
        CheckFailed when a rule of severity ``fail`` does not hold.
        """
        if evaluation.table is None:
            raise ValueError("a batch without rows has nothing to judge")
        fresh = fresh_checks(self.contract, self.delivery)
        removed = self.delivery.rows_extracted - rows
        verdicts = suites.check(
            f"{self.contract.table} batch {self.delivery.batch_id}",
            evaluation.table,
            [broken(i) for i in range(len(evaluation.rules))],
            at_least=max(1, self.volume.floor - removed),
            at_most=self.volume.ceiling,
            at_most_value={f"age_{i}": float(check.arguments["max_age_days"]) for i, check in enumerate(fresh)},
        )
        results = [
            CheckResult(
                table=self.contract.table, rule=rule.name, column_name=rule.column, severity=rule.severity,
                passed=verdicts[broken(i)].passed, expected=rule.words, engine="great_expectations",
                rows_checked=verdicts[broken(i)].rows_checked, rows_failed=verdicts[broken(i)].rows_failed,
                batch_id=self.delivery.batch_id,
            )
            for i, rule in enumerate(evaluation.rules)
        ]  # fmt: skip
        results.append(self._volume_result(verdicts["rows"]))
        for i, check in enumerate(fresh):
            results.append(
                CheckResult(
                    table=self.contract.table, rule="freshness", column_name=check.arguments["column"],
                    severity=check.severity, passed=verdicts[f"age_{i}"].passed,
                    expected=f"newest row at most {check.arguments['max_age_days']} days old at the end of the business day",
                    engine="great_expectations", observed=verdicts[f"age_{i}"].observed, batch_id=self.delivery.batch_id,
                )
            )  # fmt: skip
        self._store(results)
        failpoint("quality.judged")
        self._stop_where_failed(results)

    def _stop_where_failed(self, results: Sequence[CheckResult]) -> None:
        for result in results:
            if result.severity == "fail" and not result.passed:
                found = f"{result.rows_failed:,} of {result.rows_checked:,} rows" if result.rows_failed else "the delivery"
                raise CheckFailed(
                    f"{self.delivery.where}: {found} break{'' if result.rows_failed else 's'} {result.rule}"
                    f"{f' on {result.column_name}' if result.column_name else ''}: {result.expected} (allowed "
                    "0). Nothing published."
                )

    @property
    def _volume_severity(self) -> str:
        return next((check.severity for check in self.contract.checks if check.rule == "volume"), "fail")

    def _volume_result(self, verdict: Verdict | None) -> CheckResult:
        extracted = self.delivery.rows_extracted
        return CheckResult(
            table=self.contract.table, rule="volume", column_name=None, severity=self._volume_severity,
            passed=self.volume.holds(extracted) and (verdict is None or verdict.passed), expected=self.volume.words,
            engine="great_expectations" if verdict else "sql", rows_checked=extracted, observed=float(extracted),
            batch_id=self.delivery.batch_id,
        )  # fmt: skip

    def _store(self, results: Sequence[CheckResult]) -> None:
        with self.run.warehouse.begin() as connection:
            store(connection, self.run, results)
