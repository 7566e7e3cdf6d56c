"""What a push would change, and whether it may: the stage against the members held, under the lock of ``push_state``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from retention.campaigns.applying import apply_difference, clear_stage, close_sync, count_refused, open_sync
from retention.campaigns.errors import PushBroken, WrongEnvironment
from retention.campaigns.guard import Movement, find_excess, pass_or_stop
from retention.campaigns.outcome import Outcome
from retention.campaigns.receipts import STREAM, marketing_of
from retention.warehouse import Fenced, Run, failpoint, sql_file

ALWAYS_LEAVE = frozenset({"erased", "suppressed", "test_or_staff", "no_consent", "profiling_withdrawn"})
"""Reasons that the guard's budget does not count: nobody who said no is kept because many did."""

USUAL_DAYS = 35
"""How far back the guard looks for the usual size of an audience."""


@dataclass(frozen=True)
class Stage:
    """What a push has staged."""

    token: int
    rows: int
    population: int
    """Customers the plan looked at: base of the guard's shares."""


def apply_stage(run: Run, stage: Stage) -> Outcome:
    """Compare, ask the guard and apply, in one transaction in the marketing database.

    Parameters
    ----------
    run : Run
        The day.
    stage : Stage
        What is staged.

    Raises
    ------
    Fenced, GuardStopped, WrongEnvironment, PushBroken. Nothing is changed then.
    """
    with marketing_of(run).begin() as connection:
        state = _lock(connection, stage.token)
        if state.business_date is not None and state.business_date > run.business_date:
            return Outcome(skipped=f"older than {state.business_date}")
        failpoint("push.locked")
        _own(connection, run)
        _whole(connection, stage)
        _compare(connection, run, stage.token)
        _explain_leaving(connection, run)
        movements = _movements(connection, run, stage.token)
        approval = pass_or_stop(run, find_excess(movements, stage.population, run.settings.campaigns))
        if state.business_date == run.business_date and not _anything(connection, stage.token):
            members = connection.execute(sa.text("select count(*) from marketing.campaign_audience")).scalar_one()
            clear_stage(connection, stage.token)
            return Outcome(total=int(members), refused=count_refused(connection))
        sync_id = open_sync(connection, run, stage.token, approval)
        outcome = apply_difference(connection, run, stage.token, sync_id)
        failpoint("push.applied")
        close_sync(connection, run, stage.token, outcome)
        failpoint("push.before_commit")
    return outcome


def _lock(connection: Connection, token: int) -> Row[Any]:
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


def _own(connection: Connection, run: Run) -> None:
    """Refuse a marketing database of another environment; store the numbers that its views need."""
    environment = run.settings.company.environment
    found = connection.execute(sa.text("select value from marketing.setting where name = 'environment'")).scalar_one_or_none()
    if found is not None and found != environment:
        raise WrongEnvironment(
            f"marketing.setting: this database belongs to environment {found}, the run is {environment}. Nothing was "
            "pushed. Check RETENTION_MARKETING_URL."
        )
    connection.execute(
        sa.text(
            "insert into marketing.setting as setting (name, value) values (:name, :value) "
            "on conflict (name) do update set value = excluded.value where setting.value <> excluded.value"
        ),
        [
            {"name": "environment", "value": environment},
            {"name": "consent_heartbeat_hours", "value": str(run.settings.campaigns.consent_heartbeat_hours)},
        ],
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


def _compare(connection: Connection, run: Run, token: int) -> None:
    connection.exec_driver_sql(
        "create temporary table push_difference (change text not null, campaign text not null, "
        "customer_key bigint not null, is_held boolean not null, is_expired boolean not null, reason text) on commit drop"
    )
    connection.execute(
        sa.text(
            "insert into pg_temp.push_difference (change, campaign, customer_key, is_held, is_expired) "
            "select change, campaign, customer_key, is_held, is_expired from (\n"
            f"{sql_file('marketing/_difference')}\n) as difference"
        ),
        {"token": token, "as_of": run.as_of},
    )
    connection.exec_driver_sql("analyze pg_temp.push_difference")


def _explain_leaving(connection: Connection, run: Run) -> None:
    """Ask the warehouse why members leave and note it with the difference."""
    connection.exec_driver_sql("update pg_temp.push_difference set reason = 'expired' where change = 'removed' and is_expired")
    leaving = connection.execute(
        sa.text("select campaign, customer_key from pg_temp.push_difference where change = 'removed' and not is_expired")
    ).all()
    if not leaving:
        return
    with run.warehouse.connect() as warehouse:
        why = warehouse.execute(
            sa.text(sql_file("campaigns/_leaving_reasons")),
            {
                "plays": [row.campaign for row in leaving],
                "keys": [row.customer_key for row in leaving],
                "as_of_date": run.as_of_date,
            },
        ).all()
    connection.execute(
        sa.text(
            "update pg_temp.push_difference as difference set reason = why.reason "
            "from unnest(cast(:plays as text[]), cast(:keys as bigint[]), cast(:reasons as text[])) "
            "as why (play, customer_key, reason) where difference.change = 'removed' "
            "and difference.campaign = why.play and difference.customer_key = why.customer_key"
        ),
        {
            "plays": [row.play for row in why],
            "keys": [row.customer_key for row in why],
            "reasons": [row.reason for row in why],
        },
    )


def _movements(connection: Connection, run: Run, token: int) -> list[Movement]:
    """Count, per audience, what the push would do."""
    rows = connection.execute(
        sa.text(sql_file("marketing/_movements")),
        {"as_of": run.as_of, "token": token, "exempt": sorted(ALWAYS_LEAVE)},
    )
    usual = _usual_sizes(run)
    return [
        Movement(
            row.campaign,
            row.standing,
            row.size,
            row.joins,
            row.leaves,
            was_delivered=row.held_rows > 0,
            usual=usual.get(row.campaign),
        )
        for row in rows
    ]


def _usual_sizes(run: Run) -> dict[str, int]:
    """Return the largest audience of each play on the days pushed in the five weeks before: a month and its end."""
    with run.warehouse.connect() as warehouse:
        rows = warehouse.execute(
            sa.text(
                "select play, max(selected) as selected from campaigns.play_run "
                "where as_of_date < :as_of_date and as_of_date >= :earliest "
                "and as_of_date - 1 in (select business_date from campaigns.push_receipt) group by play"
            ),
            {"as_of_date": run.as_of_date, "earliest": run.as_of_date - timedelta(days=USUAL_DAYS)},
        )
        return {row.play: int(row.selected) for row in rows}


def _anything(connection: Connection, token: int) -> bool:
    """Whether a day that was pushed before has changed since."""
    return bool(
        connection.execute(
            sa.text(
                "select exists (select 1 from pg_temp.push_difference where change <> 'refused') "
                "or exists (select 1 from marketing.audience_stage as stage where stage.token = :token "
                "and stage.kind = 'staff' and not exists (select 1 from marketing.issued_send_key as issued "
                "where issued.send_key = stage.send_key)) "
                f"or exists (\n{sql_file('marketing/_withdrawn_tasks')}\n)"
            ),
            {"token": token},
        ).scalar_one()
    )
