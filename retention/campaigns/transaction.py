"""The transaction of a push: lock, compare, ask the guard, apply what may go, account for it. All of it or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from retention.campaigns import difference
from retention.campaigns.accounts import close_sync, open_sync
from retention.campaigns.applying import apply_difference, count_refused
from retention.campaigns.approvals import judge, note_waiting
from retention.campaigns.difference import Stage
from retention.campaigns.errors import PushBroken, WrongEnvironment
from retention.campaigns.outcome import Outcome
from retention.campaigns.receipts import STREAM, marketing_of
from retention.campaigns.staging import clear_stage
from retention.warehouse import Fenced, Run, failpoint


def apply_stage(run: Run, stage: Stage) -> Outcome:
    """Compare, ask the guard and apply, in one transaction in the marketing database.

    Parameters
    ----------
    run : Run
        The day.
    stage : Stage
        What is staged.

    Returns
    -------
    What was done, with what waits for approval.

    Raises
    ------
    Fenced, WrongEnvironment, PushBroken. Nothing is changed then.
    """
    with marketing_of(run).begin() as connection:
        state = lock_stream(connection, stage.token)
        if state.business_date is not None and state.business_date > run.business_date:
            return Outcome(skipped=f"older than {state.business_date}")
        failpoint("push.locked")
        check_environment(connection, run)
        _store_settings(connection, run)
        _whole(connection, stage)
        difference.compare(connection, run, stage.token)
        verdict, approval = judge(run, difference.over_budget(connection, run, stage))
        withheld, verdict = difference.withhold(connection, verdict)
        note_waiting(run, stage.token, verdict)
        failpoint("push.judged")
        if state.business_date == run.business_date and difference.is_empty(connection):
            members = connection.execute(sa.text("select count(*) from marketing.campaign_audience")).scalar_one()
            clear_stage(connection, stage.token)
            return Outcome(total=int(members), refused=count_refused(connection), withheld=withheld, waiting=str(verdict))
        sync_id = open_sync(connection, run, stage, approval, verdict)
        outcome = apply_difference(connection, run, stage.token, sync_id, withheld=withheld, waiting=str(verdict))
        failpoint("push.applied")
        close_sync(connection, run, stage, outcome)
        failpoint("push.before_commit")
    return outcome


def lock_stream(connection: Connection, token: int) -> Row[Any]:
    """Lock the stream; an older token than one that was here belongs to an attempt that was overtaken."""
    connection.execute(
        sa.text("insert into marketing.push_state (stream, token) values (:stream, 0) on conflict (stream) do nothing"),
        {"stream": STREAM},
    )
    state = connection.execute(
        sa.text("select business_date, token from marketing.push_state where stream = :stream for update"),
        {"stream": STREAM},
    ).one()
    if state.token >= token:
        raise Fenced(
            f"marketing.push_state {STREAM}: a push with token {state.token} was here, this one holds {token}. It pushed "
            "nothing. (A warehouse restored from a backup hands out old tokens: raise the token of dataset audience in "
            "ops.lease above that number.)"
        )
    return state


def check_environment(connection: Connection, run: Run) -> None:
    """Refuse a marketing database of another environment."""
    environment = run.settings.company.environment
    found = connection.execute(sa.text("select value from marketing.setting where name = 'environment'")).scalar_one_or_none()
    if found is not None and found != environment:
        raise WrongEnvironment(
            f"marketing.setting: this database belongs to environment {found}, the run is {environment}. Nothing was "
            "pushed. Check RETENTION_MARKETING_URL."
        )


def _store_settings(connection: Connection, run: Run) -> None:
    """Stamp the database with its environment; store the numbers that its views need."""
    values: Sequence[dict[str, str]] = [
        {"name": "environment", "value": run.settings.company.environment},
        {"name": "consent_heartbeat_hours", "value": str(run.settings.campaigns.consent_heartbeat_hours)},
    ]
    connection.execute(
        sa.text(
            "insert into marketing.setting as setting (name, value) values (:name, :value) "
            "on conflict (name) do update set value = excluded.value where setting.value <> excluded.value"
        ),
        values,
    )


def _whole(connection: Connection, stage: Stage) -> None:
    """Trust the stage only when every row that was sent is there."""
    found = connection.execute(
        sa.text("select count(*) from marketing.audience_stage where token = :token"), {"token": stage.token}
    ).scalar_one()
    if found != stage.rows:
        raise PushBroken(
            f"marketing.audience_stage, token {stage.token}: expected {stage.rows:,} staged rows, found {found:,}. Nothing "
            "was pushed; the next try stages afresh."
        )
