"""The guard: how much an audience may change in one push, and who may let it change more.

A wrong threshold or a half-empty source makes an audience ten times as large, or empties it. The push then stops before
anything is changed. Let through by :func:`approve`: name, reason, one push, up to the counts that were stopped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from retention.campaigns.errors import GuardStopped, NothingToApprove
from retention.settings_campaigns import CampaignSettings
from retention.warehouse import Run, Warehouse


@dataclass(frozen=True)
class Movement:
    """What a push would do to one audience."""

    play: str
    held: int
    """Members that the last push left and that have not expired."""
    size: int
    """Members after the push."""
    joins: int
    leaves: int
    """Members who would leave without having expired or said no: those may always go."""
    was_delivered: bool
    """Whether the marketing database holds the audience."""
    usual: int | None = None
    """Most customers selected on a day of the weeks before; None for a play that is new."""


@dataclass(frozen=True)
class Excess:
    """One count over its budget."""

    play: str
    measure: str
    found: int
    allowed: int


@dataclass(frozen=True)
class Approval:
    """An unused approval."""

    approval_id: int
    approved_by: str
    reason: str
    ceilings: Mapping[str, int]


def find_excess(movements: Sequence[Movement], population: int, budgets: CampaignSettings) -> list[Excess]:
    """Return the counts over budget.

    Parameters
    ----------
    movements : sequence of Movement
        One per audience.
    population : int
        Customers looked at; shares are of these, except that leaves are a share of the members held and growth is measured
        by the audience's own past.
    budgets : CampaignSettings
        The ``guard_*`` numbers.
    """
    found: list[Excess] = []
    for movement in movements:
        # A small audience can grow tenfold and still be a small share of everybody: its own past counts as well.
        largest = budgets.guard_first_push_share * population
        if movement.usual is not None:
            largest = min(largest, budgets.guard_growth * movement.usual)
        limits = [("size", movement.size, largest)]
        if movement.was_delivered:
            limits.append(("joins", movement.joins, budgets.guard_join_share * population))
            limits.append(("leaves", movement.leaves, budgets.guard_leave_share * movement.held))
        for measure, count, limit in limits:
            allowed = max(int(limit), budgets.guard_minimum_rows)
            if count > allowed:
                found.append(Excess(movement.play, measure, count, allowed))
    return found


def pass_or_stop(run: Run, excess: Sequence[Excess]) -> Approval | None:
    """Let a push through, by an approval when it needs one.

    Returns
    -------
    The approval that covers everything over budget; None when nothing is.

    Raises
    ------
    GuardStopped when something is over budget and not approved. The counts are kept, for whoever decides.
    """
    if not excess:
        return None
    approval = _unused(run)
    ceilings = approval.ceilings if approval else {}
    open_ = [item for item in excess if ceilings.get(f"{item.play}.{item.measure}", 0) < item.found]
    if approval is not None and not open_:
        return approval
    with run.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into campaigns.guard_stop (business_date, run_id, play, measure, found, allowed) "
                "values (:business_date, :run_id, :play, :measure, :found, :allowed)"
            ),
            [
                {
                    "business_date": run.business_date,
                    "run_id": run.attempt.run_id,
                    "play": item.play,
                    "measure": item.measure,
                    "found": item.found,
                    "allowed": item.allowed,
                }
                for item in excess
            ],
        )
    listed = "; ".join(f"{item.play}: {item.measure} {item.found:,}, allowed {item.allowed:,}" for item in open_)
    raise GuardStopped(
        f"marketing.campaign_audience {run.business_date}: {listed}. Nothing was pushed, the audiences of the last push stay. "
        "If the change is meant, approve it with name and reason; the approval is good for one push and up to these counts."
    )


def approve(
    warehouse: Warehouse, business_date: date, approved_by: str, reason: str, run_id: str | None = None
) -> dict[str, object]:
    """Approve the stopped push of a day, for one push and up to the counts that stopped it.

    Parameters
    ----------
    warehouse : Warehouse
        Where stops and approvals are kept.
    business_date : date
        Day of the stopped push.
    approved_by, reason : str
        Who and why; both are kept for good.
    run_id : str, optional
        Good only for this run.

    Returns
    -------
    The approval's number and its ceilings.

    Raises
    ------
    NothingToApprove when no push of that day was stopped, or name or reason is empty.
    """
    if not approved_by.strip() or not reason.strip():
        raise NothingToApprove("an approval needs a name and a reason. Nothing was approved.")
    with warehouse.begin() as connection:
        stops = connection.execute(
            sa.text(
                "select distinct on (play, measure) play, measure, found from campaigns.guard_stop "
                "where business_date = :business_date order by play, measure, stop_id desc"
            ),
            {"business_date": business_date},
        ).all()
        if not stops:
            raise NothingToApprove(f"no push of {business_date} was stopped: there is nothing to approve.")
        ceilings = {f"{stop.play}.{stop.measure}": int(stop.found) for stop in stops}
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
