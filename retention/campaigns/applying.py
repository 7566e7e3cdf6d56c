"""Applying a difference in the marketing database: members, changes, keys, tasks; what waits for approval is left alone."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.errors import PushBroken
from retention.campaigns.outcome import Outcome
from retention.warehouse import Run, failpoint, load_contract, sql_file


def apply_difference(
    connection: Connection, run: Run, token: int, sync_id: int, *, withheld: int = 0, waiting: str = ""
) -> Outcome:
    """Apply ``pg_temp.push_difference``: removals first, so that a key can move between two records of one person.

    Raises
    ------
    PushBroken when the members afterwards are not those that were staged.
    """
    binds = {"token": token, "sync_id": sync_id}

    def execute(statement: str) -> int:
        return int(connection.execute(sa.text(statement), binds).rowcount)

    members = [name for name in load_contract("marketing.campaign_audience").column_names if name != "sync_id"]
    listed = ", ".join(members)
    staged = ", ".join(f"stage.{name}" for name in members)

    def of_stage(*changes: str) -> str:
        """Staged rows of some kinds of change."""
        kinds = ", ".join(f"'{change}'" for change in changes)
        return (
            "from marketing.audience_stage as stage inner join pg_temp.push_difference as difference "
            "on stage.campaign = difference.campaign and stage.customer_key = difference.customer_key "
            f"where stage.token = :token and difference.change in ({kinds}) and not difference.is_withheld"
        )

    removed = _remove(connection, listed, members, sync_id)
    failpoint("push.removed")
    updated = execute(
        f"update marketing.campaign_audience as member set ({listed}, sync_id) = row({staged}, :sync_id) "
        f"{of_stage('updated', 'renewed')} and member.campaign = stage.campaign "
        "and member.customer_key = stage.customer_key"
    )
    moved = execute(
        f"insert into marketing.campaign_audience ({listed}, sync_id) select {staged}, :sync_id {of_stage('moved')}"
    )
    added = execute(
        f"insert into marketing.campaign_audience ({listed}, sync_id) select {staged}, :sync_id {of_stage('added')}"
    )
    for change, source in (("updated", of_stage("updated", "renewed", "moved")), ("added", of_stage("added"))):
        execute(
            f"insert into marketing.audience_change (sync_id, change, {listed}) "
            f"select :sync_id, '{change}', {staged} {source} order by stage.campaign, stage.customer_key"
        )
    execute(
        "insert into marketing.issued_send_key (send_key, customer_key, sync_id) "
        f"select stage.send_key, stage.customer_key, :sync_id {of_stage('added', 'renewed')} "
        "on conflict (send_key) do nothing"
    )
    tasks_added, tasks_withdrawn = _tasks(connection, token, sync_id)
    _contacts(connection, run, token)
    total, checksum = _verify(connection, run, token)
    return Outcome(
        sync_id=sync_id,
        added=added,
        updated=updated + moved,
        removed=removed,
        refused=count_refused(connection),
        total=total,
        tasks_added=tasks_added,
        tasks_withdrawn=tasks_withdrawn,
        withheld=withheld,
        waiting=waiting,
        checksum=checksum,
    )


def _remove(connection: Connection, listed: str, members: list[str], sync_id: int) -> int:
    held = ", ".join(f"member.{name}" for name in members)
    connection.execute(
        sa.text(
            f"insert into marketing.audience_change (sync_id, change, reason, {listed}) "
            f"select :sync_id, 'removed', difference.reason, {held} from marketing.campaign_audience as member "
            "inner join pg_temp.push_difference as difference on member.campaign = difference.campaign "
            "and member.customer_key = difference.customer_key where difference.change = 'removed' "
            "and not difference.is_withheld order by member.campaign, member.customer_key"
        ),
        {"sync_id": sync_id},
    )
    return int(
        connection.execute(
            sa.text(
                "delete from marketing.campaign_audience as member using pg_temp.push_difference as difference "
                "where difference.change = 'removed' and not difference.is_withheld and member.campaign = difference.campaign "
                "and member.customer_key = difference.customer_key"
            )
        ).rowcount
    )


def _tasks(connection: Connection, token: int, sync_id: int) -> tuple[int, int]:
    """Make new staff tasks and withdraw those whose reason has gone; return how many of each."""
    binds = {"token": token, "sync_id": sync_id}
    added = connection.execute(sa.text(sql_file("marketing/_new_tasks")), binds).rowcount
    connection.execute(
        sa.text(
            "insert into marketing.issued_send_key (send_key, customer_key, sync_id) "
            "select send_key, customer_key, :sync_id from marketing.staff_task where sync_id = :sync_id "
            "on conflict (send_key) do nothing"
        ),
        {"sync_id": sync_id},
    )
    withdrawn = connection.execute(
        sa.text(
            "update marketing.staff_task as task set state = 'withdrawn', withdrawn_by = :sync_id "
            "from pg_temp.push_difference as difference where difference.change = 'task_withdrawn' "
            "and not difference.is_withheld and task.send_key = difference.send_key"
        ),
        binds,
    ).rowcount
    return int(added), int(withdrawn)


def _contacts(connection: Connection, run: Run, token: int) -> None:
    """Hold plain addresses of current members, or of nobody where the settings do not push them."""
    if not run.settings.campaigns.push_contact_details:
        connection.exec_driver_sql("delete from marketing.contact")
        return
    connection.execute(
        sa.text(
            "insert into marketing.contact (customer_key, email, phone) "
            "select customer_key, max(email), max(phone) from marketing.audience_stage "
            "where token = :token and kind <> 'staff' and (email is not null or phone is not null) group by customer_key "
            "on conflict (customer_key) do update set email = excluded.email, phone = excluded.phone"
        ),
        {"token": token},
    )
    connection.exec_driver_sql(
        "delete from marketing.contact where customer_key not in (select customer_key from marketing.campaign_audience)"
    )


def count_refused(connection: Connection) -> int:
    """Return how many staged members were left out because their send_key had been handed out before."""
    return int(
        connection.execute(sa.text("select count(*) from pg_temp.push_difference where change = 'refused'")).scalar_one()
    )


def _verify(connection: Connection, run: Run, token: int) -> tuple[int, str]:
    """Compare the members with the stage, and return their number and checksum."""
    total, checksum = connection.execute(sa.text(sql_file("marketing/_checksum"))).one()
    expected = connection.execute(
        sa.text(
            "select (select count(*) from marketing.audience_stage where token = :token and kind <> 'staff') "
            "- (select count(*) from pg_temp.push_difference where change = 'refused' and not is_held) "
            "- (select count(*) from pg_temp.push_difference where change = 'added' and is_withheld) "
            "+ (select count(*) from pg_temp.push_difference where change = 'removed' and is_withheld)"
        ),
        {"token": token},
    ).scalar_one()
    if total != expected:
        raise PushBroken(
            f"marketing.campaign_audience {run.business_date}: expected {expected:,} members after the push, found "
            f"{total:,}. Nothing was pushed."
        )
    return int(total), str(checksum)
