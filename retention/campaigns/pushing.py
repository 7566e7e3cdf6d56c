"""The push: the day's decisions into the marketing database, as a difference, once.

Members are staged there, compared and applied in one transaction that locks ``push_state``, refuses an older day and an older
token, and writes ``audience_sync`` with the rows (:mod:`retention.campaigns.transaction`). The receipt in the warehouse
follows; see :mod:`retention.campaigns.receipts` for what happens when the process dies between the two.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from retention.campaigns.approvals import approve, is_approved
from retention.campaigns.errors import NothingToApprove, PushBroken
from retention.campaigns.holds import hold_promotion
from retention.campaigns.outcome import Outcome
from retention.campaigns.receipts import STREAM, marketing_of, receive
from retention.campaigns.staging import load_stage, read_plan
from retention.campaigns.transaction import apply_stage
from retention.warehouse import ConnectionLost, Run, failpoint, lease

log = logging.getLogger(__name__)
_DATASET = "audience"


def push(run: Run) -> dict[str, Any]:
    """Bring the marketing database to the day's decisions, and book what happened.

    Pushing a day again changes only what has changed since; a day older than one that was pushed, or than the newest day that
    was ingested, is never pushed.

    Parameters
    ----------
    run : Run
        The day; its decisions must be published. Needs both databases.

    Returns
    -------
    Counts of additions, updates, removals and tasks, or ``{"skipped": "older than …"}``. Where an audience would change more
        than its budget, ``withheld`` counts what waits for approval and ``needs_approval`` says what it is; the rest went out.

    Raises
    ------
    NothingPlanned without decisions; Fenced when a newer attempt took over. Nothing was changed then.
    """
    marketing_of(run)
    with lease(run, _DATASET) as held:
        received = receive(run)
        newer = _newer_day(run)
        if newer is not None:
            held.note = f"older than {newer}: not pushed"
            return {"skipped": f"older than {newer}"}
        plan = read_plan(run, held.token, 0)
        failpoint("push.before_stage")
        hold_promotion(run)
        stage = replace(plan, rows=load_stage(run, held.token))
        failpoint("push.staged")
        try:
            outcome = apply_stage(run, stage)
        except ConnectionLost:
            # Did the commit arrive? Only the marketing database knows.
            found = _committed(run, held.token)
            if found is None:
                raise
            outcome = found
        failpoint("push.committed")
        if outcome.skipped is not None:
            held.note = f"{outcome.skipped}: not pushed"
            return {"skipped": outcome.skipped}
        _read_back(run, held.token, outcome)
        received += receive(run)
        failpoint("push.receipt_booked")
        counts = outcome.counts()
        with held.publishing() as connection:
            held.record(connection, "campaigns.delivery", counts["added"] + counts["tasks_added"])
            held.counts.update(counts)
            held.note = f"needs approval: {outcome.waiting}" if outcome.waiting else ""
    return {**counts, "receipts": received, **_waiting(run, outcome)}


def push_approved(run: Run, approved_by: str, reason: str) -> dict[str, Any]:
    """Approve what the day's push held back and push again: what Airflow's task does with somebody's answer.

    Safe to try again: an approval given by the try before is used rather than given twice, and when nothing waits any more the
    push finds that by itself.

    Raises
    ------
    NothingToApprove when name or reason is empty; else as :func:`push`.
    """
    try:
        if not is_approved(run, approved_by, reason):
            approve(run.warehouse, run.business_date, approved_by, reason, run.attempt.run_id)
    except NothingToApprove:
        if not (approved_by.strip() and reason.strip()):
            raise
        log.info("nothing of %s waits any more", run.business_date)
    return push(run)


def _waiting(run: Run, outcome: Outcome) -> dict[str, str]:
    """Say what waits for approval, where it is read: in the log and in the counts of the run."""
    if not outcome.waiting:
        return {}
    log.warning(
        "marketing.campaign_audience %s: %s. %s changes wait for approval, everything else was pushed. If they are meant, "
        "approve them with name and reason (`retention audience approve`): good for one push and up to these counts. "
        "See docs/runbook.md#needs-approval",
        run.business_date,
        outcome.waiting,
        f"{outcome.withheld:,}",
    )
    return {"needs_approval": outcome.waiting}


def _newer_day(run: Run) -> date | None:
    """Return the newest day known that is newer than the run's: pushed, booked or ingested."""
    with run.warehouse.connect() as connection:
        known = connection.execute(
            sa.text(
                "select greatest((select max(business_date) from campaigns.push_receipt), "
                "(select max(business_date) from ops.batch where state = 'published'))"
            )
        ).scalar_one()
    with marketing_of(run).connect() as connection:
        pushed = connection.execute(
            sa.text("select business_date from marketing.push_state where stream = :stream"), {"stream": STREAM}
        ).scalar_one_or_none()
    newest = max((day for day in (known, pushed) if day is not None), default=None)
    return newest if newest is not None and newest > run.business_date else None


def _committed(run: Run, token: int) -> Outcome | None:
    """Return what the marketing database says the push with a token did; None when it has no such push."""
    with marketing_of(run).connect() as connection:
        sync = connection.execute(
            sa.text("select * from marketing.audience_sync where stream = :stream and token = :token"),
            {"stream": STREAM, "token": token},
        ).one_or_none()
    return None if sync is None else _as_outcome(sync)


def _read_back(run: Run, token: int, outcome: Outcome) -> None:
    """Compare what the marketing database says happened with what this push meant to do."""
    if outcome.sync_id is None:
        return
    found = _committed(run, token)
    if found != outcome:
        raise PushBroken(
            f"marketing.audience_sync {run.business_date}, token {token}: expected {outcome}, found {found}. The rows were "
            "sent; whether they are there must be looked at before the next push."
        )


def _as_outcome(sync: sa.Row[Any]) -> Outcome:
    """Return what a push did, from the account of it in the marketing database."""
    return Outcome(
        sync_id=sync.sync_id,
        added=sync.rows_added,
        updated=sync.rows_updated,
        removed=sync.rows_removed,
        refused=sync.rows_refused,
        total=sync.rows_total,
        tasks_added=sync.tasks_added,
        tasks_withdrawn=sync.tasks_withdrawn,
        withheld=sync.rows_withheld,
        checksum=sync.checksum,
    )
