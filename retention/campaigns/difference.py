"""The one transaction in the marketing database: compare the stage with what is held, ask the guard, apply, account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from retention.campaigns.errors import PushBroken, WrongEnvironment
from retention.campaigns.guard import Approval, Movement, find_excess, pass_or_stop
from retention.campaigns.receipts import STREAM, marketing_of
from retention.warehouse import Fenced, Run, failpoint, load_contract, sql_file

_ALWAYS_LEAVE = frozenset({"erased", "suppressed", "test_or_staff", "no_consent", "profiling_withdrawn"})
"""Reasons that the guard's budget does not count: nobody who said no is kept because many did."""


@dataclass(frozen=True)
class Outcome:
    """What one push did."""

    sync_id: int | None = None
    """Number of the push; None when there was nothing to change on a day already pushed."""
    skipped: str | None = None
    added: int = 0
    updated: int = 0
    removed: int = 0
    refused: int = 0
    total: int = 0
    tasks_added: int = 0
    tasks_withdrawn: int = 0
    checksum: str = ""


def apply_stage(run: Run, token: int, staged: int, population: int) -> Outcome:
    """Apply what is staged under a token, in one transaction.

    Parameters
    ----------
    run : Run
        The day.
    token : int
        Fencing token of the push.
    staged : int
        Rows that were staged.
    population : int
        Base of the guard's shares.

    Raises
    ------
    Fenced, GuardStopped, WrongEnvironment, PushBroken. Nothing is changed then.
    """
    with marketing_of(run).begin() as connection:
        state = _lock(connection, run, token)
        if state.business_date is not None and state.business_date > run.business_date:
            return Outcome(skipped=f"older than {state.business_date}")
        failpoint("push.locked")
        _own(connection, run)
        _whole(connection, token, staged)
        _compare(connection, run, token)
        reasons = _leaving(connection, run)
        approval = pass_or_stop(run, find_excess(_movements(connection, run, token, reasons), population, run.settings.campaigns))
        if state.business_date == run.business_date and not _anything(connection, run, token):
            return Outcome(total=int(_one(connection, "select count(*) from marketing.campaign_audience")))
        sync_id = _open_sync(connection, run, token, approval)
        outcome = _apply(connection, run, token, sync_id, reasons)
        failpoint("push.applied")
        _close_sync(connection, run, token, outcome)
        failpoint("push.before_commit")
    return outcome


def _lock(connection: Connection, run: Run, token: int) -> Row[Any]:
    connection.execute(
        sa.text("insert into marketing.push_state (stream, token) values (:stream, 0) on conflict (stream) do nothing"),
        {"stream": STREAM},
    )
    state = connection.execute(
        sa.text("select business_date, token from marketing.push_state where stream = :stream for update"), {"stream": STREAM}
    ).one()
    if state.token >= token:
        raise Fenced(
            f"marketing.push_state {STREAM}: a push with token {state.token} was here, this one holds {token}. It pushed nothing. "
            "A warehouse restored from a backup hands out old tokens: raise ops.lease.token of dataset audience above that number."
        )
    return state


def _own(connection: Connection, run: Run) -> None:
    """Refuse a marketing database of another environment; store the numbers that its views need."""
    environment = run.settings.company.environment
    found = connection.execute(sa.text("select value from marketing.setting where name = 'environment'")).scalar_one_or_none()
    if found is not None and found != environment:
        raise WrongEnvironment(
            f"marketing.setting: this database belongs to environment {found}, the run is {environment}. Nothing was pushed. Check "
            "RETENTION_MARKETING_URL."
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


def _whole(connection: Connection, token: int, staged: int) -> None:
    found = _one(connection, "select count(*) from marketing.audience_stage where token = :token", token=token)
    if found != staged:
        raise PushBroken(
            f"marketing.audience_stage, token {token}: expected {staged:,} staged rows, found {found:,}. Nothing was pushed; the next "
            "try stages afresh."
        )


def _compare(connection: Connection, run: Run, token: int) -> None:
    connection.exec_driver_sql(
        "create temporary table push_difference (change text not null, campaign text not null, customer_key bigint not null, "
        "is_held boolean not null, is_expired boolean not null, reason text) on commit drop"
    )
    connection.execute(
        sa.text(
            "insert into pg_temp.push_difference (change, campaign, customer_key, is_held, is_expired) "
            f"select change, campaign, customer_key, is_held, is_expired from (\n{sql_file('marketing/_difference')}\n) as difference"
        ),
        {"token": token, "as_of": run.as_of},
    )
    connection.exec_driver_sql("analyze pg_temp.push_difference")


def _leaving(connection: Connection, run: Run) -> int:
    """Ask the warehouse why members leave, note it with the difference, and return how many leave."""
    leaving = connection.execute(
        sa.text("select campaign, customer_key from pg_temp.push_difference where change = 'removed' and not is_expired")
    ).all()
    if leaving:
        with run.warehouse.connect() as warehouse:
            why = warehouse.execute(
                sa.text(
                    "select leaving.play, leaving.customer_key, case when decision.state = 'selected' then 'no_consent' "
                    "when decision.play is not null then decision.first_failing_rule "
                    "when attributes.customer_key is not null then 'not_in_audience' else 'gone' end as reason "
                    "from unnest(cast(:plays as text[]), cast(:keys as bigint[])) as leaving (play, customer_key) "
                    "left join campaigns.decision as decision on decision.as_of_date = :as_of_date "
                    "and decision.play = leaving.play and decision.customer_key = leaving.customer_key "
                    "left join campaigns.customer_attributes as attributes on attributes.as_of_date = :as_of_date "
                    "and attributes.customer_key = leaving.customer_key"
                ),
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
    connection.exec_driver_sql("update pg_temp.push_difference set reason = 'expired' where change = 'removed' and is_expired")
    return len(leaving)


def _movements(connection: Connection, run: Run, token: int, leaving: int) -> list[Movement]:
    """Count, per audience, what the push would do."""
    rows = connection.execute(
        sa.text(
            "with held as (select campaign, count(*) as rows, count(*) filter (where valid_until > :as_of) as standing "
            "from marketing.campaign_audience group by campaign), "
            "wanted as (select campaign, count(*) as rows from marketing.audience_stage where token = :token and kind <> 'staff' "
            "group by campaign), "
            "moves as (select campaign, count(*) filter (where change in ('added', 'renewed')) as joins, "
            "count(*) filter (where change = 'removed' and not is_expired and reason <> all(cast(:exempt as text[]))) as leaves "
            "from pg_temp.push_difference group by campaign) "
            "select campaign, coalesce(held.rows, 0) as held_rows, coalesce(held.standing, 0) as standing, "
            "coalesce(wanted.rows, 0) as size, coalesce(moves.joins, 0) as joins, coalesce(moves.leaves, 0) as leaves "
            "from held full join wanted using (campaign) full join moves using (campaign) order by campaign"
        ),
        {"as_of": run.as_of, "token": token, "exempt": sorted(_ALWAYS_LEAVE)},
    )
    return [
        Movement(row.campaign, row.standing, row.size, row.joins, row.leaves, was_delivered=row.held_rows > 0) for row in rows
    ]


def _anything(connection: Connection, run: Run, token: int) -> bool:
    """Whether a day that was pushed before has changed since."""
    return bool(
        _one(
            connection,
            "select exists (select 1 from pg_temp.push_difference where change <> 'refused') "
            "or exists (select 1 from marketing.audience_stage as stage where stage.token = :token and stage.kind = 'staff' "
            "and not exists (select 1 from marketing.issued_send_key as issued where issued.send_key = stage.send_key)) "
            f"or exists ({_WITHDRAWN})",
            token=token,
            as_of=run.as_of,
        )
    )


def _open_sync(connection: Connection, run: Run, token: int, approval: Approval | None) -> int:
    return int(
        _one(
            connection,
            "insert into marketing.audience_sync (stream, business_date, as_of_date, token, state, rows_total, rows_added, "
            "rows_updated, rows_removed, rows_refused, tasks_added, tasks_withdrawn, checksum, environment, run_id, approved_by, "
            "approval_reason) values (:stream, :business_date, :as_of_date, :token, 'committed', 0, 0, 0, 0, 0, 0, 0, '', "
            ":environment, :run_id, :approved_by, :approval_reason) returning sync_id",
            stream=STREAM,
            business_date=run.business_date,
            as_of_date=run.as_of_date,
            token=token,
            environment=run.settings.company.environment,
            run_id=run.attempt.run_id,
            approved_by=approval.approved_by if approval else None,
            approval_reason=approval.reason if approval else None,
        )
    )


def _apply(connection: Connection, run: Run, token: int, sync_id: int, leaving: int) -> Outcome:
    members = [name for name in load_contract("marketing.campaign_audience").column_names if name != "sync_id"]
    listed = ", ".join(members)
    staged = ", ".join(f"stage.{name}" for name in members)
    held = ", ".join(f"member.{name}" for name in members)
    of_stage = (
        "from marketing.audience_stage as stage inner join pg_temp.push_difference as difference "
        "on stage.campaign = difference.campaign and stage.customer_key = difference.customer_key "
        "where stage.token = :token and difference.change {changes} "
    )
    binds = {"token": token, "sync_id": sync_id, "as_of": run.as_of}

    def execute(statement: str) -> int:
        return int(connection.execute(sa.text(statement), binds).rowcount)

    execute(
        f"insert into marketing.audience_change (sync_id, change, reason, {listed}) "
        f"select :sync_id, 'removed', difference.reason, {held} from marketing.campaign_audience as member "
        "inner join pg_temp.push_difference as difference on member.campaign = difference.campaign "
        "and member.customer_key = difference.customer_key where difference.change = 'removed' "
        "order by member.campaign, member.customer_key"
    )
    removed = execute(
        "delete from marketing.campaign_audience as member using pg_temp.push_difference as difference "
        "where difference.change = 'removed' and member.campaign = difference.campaign "
        "and member.customer_key = difference.customer_key"
    )
    failpoint("push.removed")
    changes = of_stage.format(changes="in ('updated', 'renewed')")
    updated = execute(
        f"update marketing.campaign_audience as member set ({listed}, sync_id) = row({staged}, :sync_id) {changes} "
        "and member.campaign = stage.campaign and member.customer_key = stage.customer_key"
    )
    additions = of_stage.format(changes="= 'added'")
    added = execute(f"insert into marketing.campaign_audience ({listed}, sync_id) select {staged}, :sync_id {additions}")
    for change, source in (("updated", changes), ("added", additions)):
        execute(
            f"insert into marketing.audience_change (sync_id, change, {listed}) select :sync_id, '{change}', {staged} {source} "
            "order by stage.campaign, stage.customer_key"
        )
    execute(
        "insert into marketing.issued_send_key (send_key, customer_key, sync_id) select stage.send_key, stage.customer_key, :sync_id "
        f"{of_stage.format(changes="in ('added', 'renewed')")} on conflict (send_key) do nothing"
    )
    tasks_added = execute(_NEW_TASKS)
    execute(
        "insert into marketing.issued_send_key (send_key, customer_key, sync_id) "
        "select send_key, customer_key, :sync_id from marketing.staff_task where sync_id = :sync_id on conflict (send_key) do nothing"
    )
    tasks_withdrawn = execute(
        "update marketing.staff_task as task set state = 'withdrawn', withdrawn_by = :sync_id "
        f"from ({_WITHDRAWN}) as withdrawn where task.send_key = withdrawn.send_key"
    )
    _contacts(connection, run, binds)
    refused = int(_one(connection, "select count(*) from pg_temp.push_difference where change = 'refused'"))
    total, checksum = connection.execute(sa.text(_CHECKSUM)).one()
    expected = int(
        _one(
            connection,
            "select (select count(*) from marketing.audience_stage where token = :token and kind <> 'staff') "
            "- (select count(*) from pg_temp.push_difference where change = 'refused' and not is_held)",
            token=token,
        )
    )
    if total != expected:
        raise PushBroken(
            f"marketing.campaign_audience {run.business_date}: expected {expected:,} members after the push, found {total:,}. Nothing "
            "was pushed."
        )
    return Outcome(
        sync_id=sync_id,
        added=added,
        updated=updated,
        removed=removed,
        refused=refused,
        total=int(total),
        tasks_added=tasks_added,
        tasks_withdrawn=tasks_withdrawn,
        checksum=str(checksum),
    )


def _contacts(connection: Connection, run: Run, binds: dict[str, Any]) -> None:
    """Hold plain addresses of current members, or of nobody where the settings do not push them."""
    if run.settings.campaigns.push_contact_details:
        connection.execute(
            sa.text(
                "insert into marketing.contact (customer_key, email, phone) "
                "select customer_key, max(email), max(phone) from marketing.audience_stage "
                "where token = :token and kind <> 'staff' and (email is not null or phone is not null) group by customer_key "
                "on conflict (customer_key) do update set email = excluded.email, phone = excluded.phone"
            ),
            {"token": binds["token"]},
        )
        connection.exec_driver_sql(
            "delete from marketing.contact where customer_key not in (select customer_key from marketing.campaign_audience)"
        )
    else:
        connection.exec_driver_sql("delete from marketing.contact")


def _close_sync(connection: Connection, run: Run, token: int, outcome: Outcome) -> None:
    connection.execute(
        sa.text(
            "update marketing.audience_sync set rows_total = :total, rows_added = :added, rows_updated = :updated, "
            "rows_removed = :removed, rows_refused = :refused, tasks_added = :tasks_added, tasks_withdrawn = :tasks_withdrawn, "
            "checksum = :checksum where sync_id = :sync_id"
        ),
        {
            "total": outcome.total, "added": outcome.added, "updated": outcome.updated, "removed": outcome.removed,
            "refused": outcome.refused, "tasks_added": outcome.tasks_added, "tasks_withdrawn": outcome.tasks_withdrawn,
            "checksum": outcome.checksum, "sync_id": outcome.sync_id,
        },
    )  # fmt: skip
    connection.execute(
        sa.text(
            "update marketing.push_state set business_date = :business_date, token = :token, sync_id = :sync_id, updated_at = now() "
            "where stream = :stream"
        ),
        {"business_date": run.business_date, "token": token, "sync_id": outcome.sync_id, "stream": STREAM},
    )
    connection.execute(sa.text("delete from marketing.audience_stage where token <= :token"), {"token": token})


def _one(connection: Connection, statement: str, **binds: Any) -> Any:
    return connection.execute(sa.text(statement), binds).scalar_one()


def movements_total(movements: Sequence[Movement]) -> int:
    """Return how many memberships a push would touch over all audiences."""
    return sum(movement.joins + movement.leaves for movement in movements)


_WITHDRAWN = """
select task.send_key
from marketing.staff_task as task
left join marketing.audience_stage as stage on stage.token = :token and stage.kind = 'staff' and stage.send_key = task.send_key
where task.state = 'open' and stage.send_key is null
"""

_NEW_TASKS = """
insert into marketing.staff_task (
    send_key, campaign, customer_key, customer_id, state, priority, language, offer, offer_terms, due_from, due_until, account_owner,
    title_en, title_zh, talking_points_en, talking_points_zh, opening_minor, midpoint_minor, ceiling_minor, reasons_en, reasons_zh,
    sync_id, joined_on
)
select
    send_key, campaign, customer_key, customer_id, 'open', priority, language, offer, offer_terms, valid_from, valid_until,
    account_owner, title_en, title_zh, talking_points_en, talking_points_zh, opening_minor, midpoint_minor, ceiling_minor,
    reasons_en, reasons_zh, :sync_id, joined_on
from marketing.audience_stage as stage
where
    stage.token = :token
    and stage.kind = 'staff'
    and not exists (select 1 from marketing.issued_send_key as issued where issued.send_key = stage.send_key)
on conflict (send_key) do nothing
"""

# 60 bits of each member's md5, summed: independent of order, and a member counted twice would show.
_CHECKSUM = """
select
    count(*) as total,
    cast(
        coalesce(
            sum(
                cast(
                    cast(
                        'x' || left(md5(campaign || '|' || cast(customer_key as text) || '|' || send_key || '|' || channel || '|' || offer), 15)
                        as bit(60)
                    ) as bigint
                )
            ),
            0
        ) as text
    ) as checksum
from marketing.campaign_audience
"""
