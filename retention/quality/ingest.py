"""Validation of a day: every landed row ends valid, refused, duplicate or dropped as erased, and the counts add up.

What stays in landing is valid. What is refused lies in quarantine, as delivered, with its place and the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.quality.awaited import land_awaited
from retention.quality.batch import validate_batch
from retention.quality.deliveries import Delivery, find_deliveries, published_until
from retention.quality.errors import DoesNotReconcile, NothingLanded
from retention.quality.fence import fenced
from retention.quality.suite import Suites
from retention.quality.tombstones import drop_erased
from retention.warehouse import Lease, Run, failpoint, lease


def validate(run: Run) -> dict[str, Any]:
    """Validate all landed batches of the business day; rows that break a rule move to ``quarantine.row``.

    Batches already validated or published are left alone, so a repeated or resumed call does only what is missing.

    Returns
    -------
    Counts over the batches of the day: batches, rows extracted (of them replayed: landed again from quarantine), valid,
    quarantined, duplicate and tombstoned, and refused rows by rule. A past day that a later load has brought already has
    no batch of its own: zeros, and ``already_published_until``.

    Raises
    ------
    NothingLanded when no source delivered anything for the day, nor any later load.
    VolumeDropped, VolumeRose, TooManyRefused, CheckFailed when a rule of severity ``fail`` does not hold.
    DoesNotReconcile when rows were lost on the way.
    """
    day = run.business_date
    with run.warehouse.connect() as connection:
        found = find_deliveries(connection, day, ["landed", "validated", "published"])
        covered = published_until(connection, day)
    if not found and covered is not None:
        return {**_report(run), "already_published_until": covered.isoformat()}
    if not found:
        raise NothingLanded(
            f"landing {day}: no batch has landed for this business date (expected at least one). Nothing "
            "published; the last good "
            "state stays in force. Run the extraction of this date first."
        )
    if any(delivery.state == "landed" for delivery in found):
        with lease(run, "validation", day.isoformat()) as held:
            _validate_landed(held)
    return _report(run)


def _validate_landed(held: Lease) -> None:
    run = held.run
    with fenced(held) as connection:
        for name, rows in land_awaited(connection, run).items():
            note = f"{name}: {rows:,} rows refused as too early landed again"
            held.note = f"{held.note}; {note}" if held.note else note
        day = find_deliveries(connection, run.business_date, ["landed", "validated"])
        waiting = [delivery for delivery in day if delivery.state == "landed"]
        # The same rows were read again and will be judged again: refused twice, each would count twice.
        connection.execute(
            sa.text(
                'delete from quarantine."row" as refused using ops.batch as batch where batch.batch_id = refused.batch_id '
                "and batch.state = 'superseded' and batch.business_date = :day and refused.state = 'open'"
            ),
            {"day": run.business_date},
        )
        for table in sorted({delivery.table for delivery in waiting}):
            # Landing has just grown by a load the planner knows nothing of; its guesses cost minutes where seconds do.
            connection.exec_driver_sql(f"analyze {table}")
        for delivery in waiting:
            _nothing_lost(connection, delivery)
        for batch_id, rows in drop_erased(connection, run, waiting).items():
            connection.execute(
                sa.text("update ops.batch set rows_tombstoned = rows_tombstoned + :rows where batch_id = :batch_id"),
                {"rows": rows, "batch_id": batch_id},
            )
    failpoint("quality.prepared")
    suites = Suites(run.warehouse)
    try:
        for delivery in waiting:
            held.counts[f"{delivery.source}.{delivery.entity}"] = validate_batch(held, delivery, day, suites)
            failpoint("quality.batch_validated")
    finally:
        suites.close()
    with held.publishing():
        pass  # closes the ledger entry, fenced: every batch has been marked in its own transaction


def _nothing_lost(connection: Connection, delivery: Delivery) -> None:
    """Compare what lies in landing with what the extraction counted, before anything is taken away."""
    landed = connection.execute(
        sa.text(f"select count(*) from {delivery.table} where batch_id = :batch_id"), {"batch_id": delivery.batch_id}
    ).scalar_one()
    expected = delivery.rows_extracted - delivery.rows_duplicate - delivery.rows_tombstoned
    if landed != expected:
        raise DoesNotReconcile(
            f"{delivery.where}: {landed:,} rows lie in landing, {expected:,} were extracted and not yet set aside. Nothing "
            "published. Extract this date again."
        )


def _report(run: Run) -> dict[str, Any]:
    with run.warehouse.connect() as connection:
        totals = connection.execute(
            sa.text(
                "select count(*) as batches, coalesce(sum(rows_extracted), 0)::bigint as extracted, "
                "coalesce(sum(rows_extracted) filter (where message = 'replay'), 0)::bigint as replayed, "
                "coalesce(sum(rows_valid), 0)::bigint as valid, coalesce(sum(rows_quarantined), 0)::bigint as quarantined, "
                "coalesce(sum(rows_duplicate), 0)::bigint as duplicate, coalesce(sum(rows_tombstoned), "
                "0)::bigint as tombstoned "
                "from ops.batch where business_date = :business_date and state in ('validated', 'published')"
            ),
            {"business_date": run.business_date},
        ).one()
        rules: Sequence[Any] = connection.execute(
            sa.text(
                "select entity || '.' || rule || coalesce('(' || column_name || ')', ''), count(*) from quarantine.\"row\" "
                "where business_date = :business_date group by 1 order by 1"
            ),
            {"business_date": run.business_date},
        ).all()
    return {**totals._asdict(), "quarantined_by_rule": {rule: int(rows) for rule, rows in rules}}
