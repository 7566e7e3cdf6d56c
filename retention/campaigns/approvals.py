"""Approvals: who lets an audience change more than its budget, why, and for which push.

An approval is a ceiling, never a list: the push that uses it computes the difference afresh, and whatever is over the counts
approved waits again. So does what is over for another cause than the one that was approved: who agreed that many leave has not
agreed that a source was empty. It is good for one push of its day. The command and the task in Airflow both end in
:func:`approve`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from retention.campaigns.errors import NothingToApprove
from retention.campaigns.guard import Excess, Verdict
from retention.warehouse import Run, Warehouse


@dataclass(frozen=True)
class Approval:
    """An unused approval."""

    approval_id: int
    approved_by: str
    reason: str
    ceilings: Mapping[str, int]

    def covers(self, excess: Excess) -> bool:
        """Whether a count is within what was approved, for the cause it was approved for."""
        return excess.found <= self.ceilings.get(_ceiling(excess.play, excess.measure, excess.cause), -1)


def _ceiling(play: str, measure: str, cause: str) -> str:
    """Name of a ceiling: a play's name holds no point."""
    return f"{play}.{measure}.{cause}"


def judge(run: Run, excess: Sequence[Excess]) -> tuple[Verdict, Approval | None]:
    """Return what waits, and the approval that let something through.

    An approval that covers some of what is over its budgets and not the rest lets those through, and is used up by it.
    """
    if not excess:
        return Verdict(), None
    approval = _unused(run)
    if approval is None:
        return Verdict(tuple(excess)), None
    waiting = tuple(item for item in excess if not approval.covers(item))
    return Verdict(waiting), approval if len(waiting) < len(excess) else None


def note_waiting(run: Run, token: int, verdict: Verdict) -> None:
    """Keep what waits, for whoever decides. Before the push commits: a count that nobody can see cannot be approved."""
    if not verdict.waiting:
        return
    with run.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into campaigns.guard_stop (business_date, run_id, token, play, measure, cause, found, allowed) "
                "values (:business_date, :run_id, :token, :play, :measure, :cause, :found, :allowed)"
            ),
            [
                {
                    "business_date": run.business_date,
                    "run_id": run.attempt.run_id,
                    "token": token,
                    "play": item.play,
                    "measure": item.measure,
                    "cause": item.cause,
                    "found": item.found,
                    "allowed": item.allowed,
                }
                for item in verdict.waiting
            ],
        )


def approve(
    warehouse: Warehouse, business_date: date, approved_by: str, reason: str, run_id: str | None = None
) -> dict[str, object]:
    """Approve what the newest push of a day held back, for one push and up to the counts it found.

    Parameters
    ----------
    warehouse : Warehouse
        Where what waits and approvals are kept.
    business_date : date
        Day of the push.
    approved_by, reason : str
        Who and why; both are kept for good.
    run_id : str, optional
        Good only for this run; without it, for the next push of that day.

    Returns
    -------
    The approval's number and its ceilings.

    Raises
    ------
    NothingToApprove when nothing of that day waits, or name or reason is empty.
    """
    if not approved_by.strip() or not reason.strip():
        raise NothingToApprove("an approval needs a name and a reason. Nothing was approved.")
    with warehouse.begin() as connection:
        waiting = connection.execute(
            sa.text(
                "select play, measure, cause, found from campaigns.guard_stop where business_date = :business_date "
                "and token = (select max(token) from campaigns.guard_stop where business_date = :business_date) "
                # A later push of the day that held nothing back has settled it.
                "and not exists (select 1 from campaigns.push_receipt as later "
                "where later.business_date = guard_stop.business_date and later.token > guard_stop.token) "
                "order by play, measure"
            ),
            {"business_date": business_date},
        ).all()
        if not waiting:
            raise NothingToApprove(f"nothing of the push of {business_date} waits: there is nothing to approve.")
        ceilings = {_ceiling(item.play, item.measure, item.cause): int(item.found) for item in waiting}
        values = {
            "business_date": business_date,
            "approved_by": approved_by.strip(),
            "reason": reason.strip(),
            "run_id": run_id,
            "ceilings": json.dumps(ceilings),
        }
        approval_id = connection.execute(
            sa.text(
                "insert into campaigns.approval (business_date, approved_by, reason, run_id, ceilings) "
                "values (:business_date, :approved_by, :reason, :run_id, cast(:ceilings as jsonb)) returning approval_id"
            ),
            values,
        ).scalar_one()
        connection.execute(
            sa.text(
                "insert into ops.audit (actor, action, subject, reason, details) "
                "values (:approved_by, 'approve_push', :subject, :reason, cast(:ceilings as jsonb))"
            ),
            {**values, "subject": f"{business_date}"},
        )
    return {"approval_id": int(approval_id), "ceilings": ceilings}


def is_approved(run: Run, approved_by: str, reason: str) -> bool:
    """Whether this very approval was given for this run already, and not used yet."""
    given = _unused(run)
    return given is not None and (given.approved_by, given.reason) == (approved_by.strip(), reason.strip())


def _unused(run: Run) -> Approval | None:
    with run.warehouse.connect() as connection:
        row = connection.execute(
            sa.text(
                "select approval_id, approved_by, reason, ceilings from campaigns.approval "
                "where business_date = :business_date and used_at is null and (run_id is null or run_id = :run_id) "
                "order by approval_id desc limit 1"
            ),
            {"business_date": run.business_date, "run_id": run.attempt.run_id},
        ).one_or_none()
    return Approval(row.approval_id, row.approved_by, row.reason, row.ceilings) if row else None
