"""The push: the day's decisions into the marketing database, as a difference, once.

Members are staged there, compared and applied in one transaction that locks ``push_state``, refuses an older day and an older
token, and writes ``audience_sync`` with the rows. The receipt in the warehouse follows; see :mod:`retention.campaigns.receipts`
for what happens when the process dies between the two.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from retention.campaigns.applying import clear_stage
from retention.campaigns.difference import Stage, apply_stage
from retention.campaigns.errors import GuardStopped, NothingPlanned, PushBroken
from retention.campaigns.outcome import Outcome
from retention.campaigns.receipts import STREAM, marketing_of, receive
from retention.campaigns.suppression import suppressed_people
from retention.warehouse import ConnectionLost, Run, failpoint, ingest_arrow, lease, read_arrow, sql_file

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
    Counts of additions, updates, removals and tasks, or ``{"skipped": "older than …"}``.

    Raises
    ------
    GuardStopped when an audience would change more than its budget; NothingPlanned without decisions; Fenced when a newer
    attempt took over. Nothing was changed then.
    """
    marketing_of(run)
    with lease(run, _DATASET) as held:
        received = receive(run)
        newer = _newer_day(run)
        if newer is not None:
            held.note = f"older than {newer}: not pushed"
            return {"skipped": f"older than {newer}"}
        population = _population(run)
        failpoint("push.before_stage")
        staged = _stage(run, held.token)
        failpoint("push.staged")
        try:
            outcome = apply_stage(run, Stage(held.token, staged, population))
        except GuardStopped:
            with marketing_of(run).begin() as connection:
                clear_stage(connection, held.token)
            raise
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
    return {**counts, "receipts": received}


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


def _population(run: Run) -> int:
    """Return how many customers the plan looked at: the base of the guard's budgets."""
    with run.warehouse.connect() as connection:
        row = connection.execute(
            sa.text(
                "select max(play_run.population) as population from campaigns.play_run "
                "inner join ops.published as published on published.table_name = 'campaigns.decision' "
                "and published.slice_key = cast(play_run.as_of_date as text) where play_run.as_of_date = :as_of_date"
            ),
            {"as_of_date": run.as_of_date},
        ).one()
    if not row.population:
        raise NothingPlanned(
            f"campaigns.decision {run.as_of_date}: expected the day's decisions, found none published. Nothing was pushed, "
            "nobody was removed. Plan the day first."
        )
    return int(row.population)


def _stage(run: Run, token: int) -> int:
    """Load who may be contacted into the marketing database's stage and return how many."""
    blocked = "{" + ",".join(map(str, suppressed_people(run))) + "}"
    rows: pa.Table = read_arrow(
        run.warehouse,
        sql_file("campaigns/_deliverable"),
        {
            "as_of_date": run.as_of_date,
            "token": token,
            "suppressed": blocked,
            "push_contact_details": run.settings.campaigns.push_contact_details,
        },
    )
    failpoint("push.read")
    marketing = marketing_of(run)
    with marketing.begin() as connection:
        clear_stage(connection, token)
    if rows.num_rows:
        ingest_arrow(marketing, "marketing.audience_stage", rows)
    return int(rows.num_rows)


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
        checksum=sync.checksum,
    )
