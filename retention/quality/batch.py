"""Validation of one landed batch.

Exact duplicates leave landing; the row rules are evaluated once, into a table of booleans; Great Expectations judges that
table; rows breaking a rule of severity ``quarantine`` move from landing to quarantine; the counts are added up.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from retention.quality.deliveries import Delivery, hold
from retention.quality.duplicates import drop_duplicates
from retention.quality.errors import DoesNotReconcile, TooManyRefused
from retention.quality.evaluation import Evaluation, evaluated
from retention.quality.fence import fenced
from retention.quality.judging import Judge
from retention.quality.landing_again import settle_replayed
from retention.quality.refusal import close_refusals, refuse, worst_rules
from retention.quality.suite import Suites
from retention.quality.volume import expected_volume
from retention.warehouse import Contract, Lease, failpoint, load_contract


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
    contract = load_contract(f"landing.{delivery.entity}")
    with held.run.warehouse.connect() as connection:
        volume = expected_volume(connection, held.run, delivery, contract)
    judge = Judge(held.run, delivery, contract, volume)
    judge.stop_unless_believable()
    with fenced(held) as connection:
        hold(connection, [delivery], "landed")
        repeated = drop_duplicates(connection, delivery, contract)
        rows = connection.execute(
            sa.text(
                "update ops.batch set rows_duplicate = rows_duplicate + :duplicates where batch_id = :batch_id "
                "returning rows_extracted - rows_duplicate - rows_tombstoned"
            ),
            {"duplicates": repeated.rows, "batch_id": delivery.batch_id},
        ).scalar_one()
    with evaluated(held, delivery, contract, day, int(rows), repeated.has_versions) as evaluation:
        if evaluation.table is not None:
            judge.judge(evaluation, suites, int(rows))
        return _close(held, delivery, contract, evaluation)


def _close(held: Lease, delivery: Delivery, contract: Contract, evaluation: Evaluation) -> int:
    """Move refused rows to quarantine, check that the counts add up and mark the batch validated, all at once."""
    settings = held.run.settings.ingest
    with fenced(held) as connection:
        hold(connection, [delivery], "landed")
        refused = refuse(connection, held.run, delivery, evaluation)
        failpoint("quality.refused")
        allowed = int(delivery.rows_extracted * settings.quarantine_stop_share)
        broken = refused.rows + refused.repeated
        if broken > allowed and delivery.rows_extracted >= settings.volume_minimum_rows and not delivery.is_replay:
            raise TooManyRefused(
                f"{delivery.where}: {broken:,} of {delivery.rows_extracted:,} rows break a rule (allowed {allowed:,}): "
                f"{worst_rules(connection, delivery)}. Nothing published; the last good state stays in force. The source has "
                "probably changed: compare it with its description."
            )
        close_refusals(connection, delivery, contract)
        settle_replayed(connection, delivery)
        found = connection.execute(
            sa.text(
                'select count(*), min(updated_at collate "C"), max(updated_at collate "C") '
                f"from {delivery.table} where batch_id = :batch_id"
            ),
            {"batch_id": delivery.batch_id},
        ).one()
        row = connection.execute(
            sa.text(
                "update ops.batch set rows_duplicate = rows_duplicate + :repeated, rows_valid = :valid, "
                'rows_quarantined = (select count(*) from quarantine."row" where batch_id = :batch_id), '
                "updated_from = :low, updated_to = :high where batch_id = :batch_id "
                "returning rows_extracted, rows_valid, rows_quarantined, rows_duplicate, rows_tombstoned"
            ),
            {
                "batch_id": delivery.batch_id, "repeated": refused.repeated,
                "valid": found[0], "low": found[1], "high": found[2],
            },
        ).one()  # fmt: skip
        if row.rows_extracted != sum(row[1:]):
            raise DoesNotReconcile(
                f"{delivery.where}: {row.rows_extracted:,} rows extracted, but {row.rows_valid:,} valid + "
                f"{row.rows_quarantined:,} refused + {row.rows_duplicate:,} duplicate + {row.rows_tombstoned:,} of erased "
                "people. Nothing published. Extract this date again."
            )
        # The database itself refuses this state where the counts do not add up (constraint rows_reconcile).
        connection.execute(
            sa.text("update ops.batch set state = 'validated' where batch_id = :batch_id"), {"batch_id": delivery.batch_id}
        )
        return int(row.rows_valid)
