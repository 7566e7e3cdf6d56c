"""The account of a push: one row for all of it, one per audience, and the stream moved forward, in its own transaction."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.approvals import Approval
from retention.campaigns.difference import ALWAYS_LEAVE, Stage
from retention.campaigns.guard import Verdict
from retention.campaigns.outcome import Outcome
from retention.campaigns.receipts import STREAM
from retention.campaigns.staging import clear_stage
from retention.warehouse import Run, sql_file


def open_sync(connection: Connection, run: Run, stage: Stage, approval: Approval | None, verdict: Verdict) -> int:
    """Open the account of a push; its counts follow in :func:`close_sync`, in the same transaction."""
    return int(
        connection.execute(
            sa.text(
                "insert into marketing.audience_sync (stream, business_date, as_of_date, token, state, rows_total, "
                "rows_added, rows_updated, rows_removed, rows_refused, tasks_added, tasks_withdrawn, checksum, environment, "
                "run_id, population, approval_id, approved_by, approval_reason) values (:stream, :business_date, :as_of_date, "
                ":token, :state, 0, 0, 0, 0, 0, 0, 0, '', :environment, :run_id, :population, :approval_id, :approved_by, "
                ":approval_reason) returning sync_id"
            ),
            {
                "stream": STREAM,
                "business_date": run.business_date,
                "as_of_date": run.as_of_date,
                "token": stage.token,
                "state": "needs_approval" if verdict.waiting else "committed",
                "environment": run.settings.company.environment,
                "run_id": run.attempt.run_id,
                "population": stage.population,
                "approval_id": approval.approval_id if approval else None,
                "approved_by": approval.approved_by if approval else None,
                "approval_reason": approval.reason if approval else None,
            },
        ).scalar_one()
    )


def close_sync(connection: Connection, run: Run, stage: Stage, outcome: Outcome) -> None:
    """Write the counts of a push, in all and by audience, move the stream forward and empty the stage."""
    connection.execute(
        sa.text(
            "update marketing.audience_sync set rows_total = :total, rows_added = :added, rows_updated = :updated, "
            "rows_removed = :removed, rows_refused = :refused, rows_withheld = :withheld, tasks_added = :tasks_added, "
            "tasks_withdrawn = :tasks_withdrawn, checksum = :checksum where sync_id = :sync_id"
        ),
        {**outcome.counts(), "checksum": outcome.checksum, "sync_id": outcome.sync_id},
    )
    columns = (
        "campaign, rows_total, rows_added, rows_updated, rows_removed, joins, leaves, joins_withheld, leaves_withheld, "
        "updates_withheld"
    )
    connection.execute(
        sa.text(
            f"insert into marketing.audience_sync_play (sync_id, as_of_date, {columns}) "
            f"select :sync_id, :as_of_date, {columns} from (\n{sql_file('marketing/_sizes')}\n) as audience"
        ),
        {
            "sync_id": outcome.sync_id,
            "as_of_date": run.as_of_date,
            "plays": list(stage.plays),
            "exempt": sorted(ALWAYS_LEAVE),
        },
    )
    connection.execute(
        sa.text(
            "update marketing.push_state set business_date = :business_date, token = :token, sync_id = :sync_id, "
            "updated_at = now() where stream = :stream"
        ),
        {"business_date": run.business_date, "token": stage.token, "sync_id": outcome.sync_id, "stream": STREAM},
    )
    clear_stage(connection, stage.token)
