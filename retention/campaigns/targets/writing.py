"""Writing to a target: a staged load, then one transaction that locks, compares, applies and accounts for it, set-wise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.targets.connections import OpenTarget
from retention.campaigns.targets.errors import TargetChanged
from retention.campaigns.targets.feedback import Feedback
from retention.campaigns.targets.layout import Layout
from retention.warehouse import Fenced, failpoint

STREAM = "audience"


@dataclass(frozen=True)
class Position:
    """How far a target has come."""

    token: int
    sequence: int
    environment: str
    campaigns: str
    fed_at: datetime


@dataclass(frozen=True)
class Feed:
    """What one feed brings, beside the rows it has staged."""

    token: int
    sequence: int
    is_full: bool
    staged: int
    environment: str
    campaigns: str
    stale_after: datetime
    fed_at: datetime
    holds: tuple[str, ...]
    contacts: tuple[Mapping[str, Any], ...]
    erased: tuple[int, ...]
    feedback: Feedback


@dataclass(frozen=True)
class Fed:
    """What one feed changed."""

    added: int
    updated: int
    removed: int


def read_position(there: OpenTarget) -> Position | None:
    """Return how far a target has come; None before its first feed."""
    with there.begin("reading its position") as connection:
        row = connection.execute(sa.select(there.layout.state).where(there.layout.state.c.stream == STREAM)).one_or_none()
    return None if row is None else Position(row.token, row.sequence, row.environment, row.campaigns, row.fed_at)


def stage(there: OpenTarget, token: int, rows: Iterator[Mapping[str, Any]]) -> int:
    """Load rows where no tool reads them, some at a time; return how many."""
    table, count = there.layout.stage, 0
    with there.begin("emptying the stage") as connection:
        connection.execute(sa.delete(table).where(table.c.token <= token))
    for some in _batches(rows, there.target.batch_rows):
        with there.begin("staging members") as connection:
            connection.execute(
                sa.insert(table),
                [
                    {"token": token, **{name: row[name] for name in ("is_member", "removal", *there.layout.members)}}
                    for row in some
                ],
            )
        count += len(some)
        failpoint("target.some_staged")
    return count


def apply(there: OpenTarget, feed: Feed) -> Fed:
    """Apply what is staged, in one transaction.

    Raises
    ------
    Fenced when a newer feed was here; TargetChanged when the stage is not what was sent. Nothing is changed then.
    """
    layout = there.layout
    with there.begin("applying changes") as connection:
        _lock(connection, layout, feed)
        failpoint("target.locked")
        staged = connection.execute(
            sa.select(sa.func.count()).select_from(layout.stage).where(layout.stage.c.token == feed.token)
        ).scalar_one()
        if staged != feed.staged:
            raise TargetChanged(
                f"target {there.target.target}: {feed.staged:,} rows were staged, {staged:,} are there. Nothing was applied; "
                "the next feed stages afresh."
            )
        fed = _members(connection, layout, feed)
        _forget(connection, layout, feed, there.target.batch_rows)
        _replace(connection, layout.hold, ({"send_key": key} for key in feed.holds), there.target.batch_rows)
        _replace(connection, layout.contact, feed.contacts, there.target.batch_rows)
        _mark_read(connection, layout, feed.feedback, there.target.batch_rows)
        _account(connection, layout, feed, fed)
        failpoint("target.before_commit")
    return fed


def _lock(connection: Connection, layout: Layout, feed: Feed) -> None:
    """Take the row of the stream, by writing to it: every database locks for that, SQLite as a whole."""
    state = layout.state
    if not connection.execute(sa.update(state).where(state.c.stream == STREAM).values(stream=STREAM)).rowcount:
        here = connection.execute(sa.select(sa.func.count()).select_from(state).where(state.c.stream == STREAM)).scalar_one()
        if not here:  # MySQL counts no row that an update leaves as it was
            connection.execute(
                sa.insert(state).values(
                    stream=STREAM, environment=feed.environment, token=0, sequence=0, campaigns="",
                    stale_after=feed.stale_after, fed_at=feed.fed_at,
                )
            )  # fmt: skip
    token = connection.execute(sa.select(state.c.token).where(state.c.stream == STREAM)).scalar_one()
    if token >= feed.token:
        raise Fenced(
            f"{state.name}: a feed with token {token} was here, this one holds {feed.token}. It changed nothing. (A warehouse "
            "restored from a backup hands out old tokens: raise that of the target's dataset in ops.lease above that number.)"
        )


def _members(connection: Connection, layout: Layout, feed: Feed) -> Fed:
    """Bring the members to what is staged; what changes is appended for tools that follow by difference."""
    held, change = layout.audience, layout.change
    wanted, gone = layout.stage.alias("wanted"), layout.stage.alias("gone")
    is_wanted = sa.and_(wanted.c.token == feed.token, wanted.c.is_member == sa.true())
    same = sa.and_(wanted.c.campaign == held.c.campaign, wanted.c.customer_key == held.c.customer_key)
    differs = sa.or_(*(wanted.c[name].is_distinct_from(held.c[name]) for name in layout.members))
    left: sa.ColumnElement[bool]
    why: sa.ColumnElement[Any]
    if feed.is_full:
        left = ~sa.exists().where(is_wanted, same).correlate(held)
        why = sa.literal("gone")
    else:
        matches = sa.and_(
            gone.c.token == feed.token,
            gone.c.is_member == sa.false(),
            gone.c.campaign == held.c.campaign,
            gone.c.customer_key == held.c.customer_key,
        )
        left = sa.exists().where(matches).correlate(held)
        why = sa.select(gone.c.removal).where(matches).correlate(held).scalar_subquery()

    def log(what: str, source: Any, reason: Any, where: sa.ColumnElement[bool], frm: Any) -> int:
        constants = [sa.literal(feed.token), sa.literal(what), reason, sa.literal(feed.fed_at, change.c.changed_at.type)]
        query = sa.select(*constants, *(source.c[name] for name in layout.members)).select_from(frm).where(where)
        columns = ["token", "change", "reason", "changed_at", *layout.members]
        ordered = query.order_by(source.c.campaign, source.c.customer_key)
        statement = sa.insert(change).from_select(columns, ordered).execution_options(preserve_rowcount=True)
        return int(connection.execute(statement).rowcount)

    no_reason = sa.cast(sa.null(), change.c.reason.type) if connection.dialect.name == "postgresql" else sa.null()
    is_new = sa.and_(is_wanted, ~sa.exists().where(same).correlate(wanted))
    removed = log("removed", held, why, left, held)
    connection.execute(sa.delete(held).where(left))
    failpoint("target.removed")
    updated = log("updated", wanted, no_reason, sa.and_(is_wanted, differs), wanted.join(held, same))
    added = log("added", wanted, no_reason, is_new, wanted)
    # Deleted and inserted rather than updated: a key may move between two records of one person.
    connection.execute(sa.delete(held).where(sa.exists().where(is_wanted, same, differs).correlate(held)))
    members = sa.select(*(wanted.c[name] for name in layout.members)).select_from(wanted).where(is_new)
    connection.execute(sa.insert(held).from_select(list(layout.members), members))
    return Fed(added, updated, removed)


def _forget(connection: Connection, layout: Layout, feed: Feed, at_once: int) -> None:
    """Remove what is left of people who were erased; that they left, every audience they ever were in still tells its tools."""
    change, taken = layout.change, layout.acknowledgement
    is_untold = sa.or_(change.c.reason.is_(None), change.c.reason != "erased")
    nothing = {"customer_id": None, "reasons_en": "erased", "reasons_zh": "已删除"}
    for keys in _batches(iter(feed.erased), at_once):
        mine = change.c.customer_key.in_(keys)
        rows = connection.execute(sa.select(change).where(mine).order_by(change.c.sequence)).mappings().all()
        told = {
            (row["campaign"], row["customer_key"]) for row in rows if row["token"] == feed.token and row["reason"] == "erased"
        }
        latest = {
            (row["campaign"], row["customer_key"]): row
            for row in rows
            if not (row["change"] == "removed" and row["reason"] == "erased")
        }
        announced = [
            {
                **{name: row[name] for name in layout.members},
                **nothing, "token": feed.token, "change": "removed", "reason": "erased", "changed_at": feed.fed_at,
            }
            for place, row in latest.items()
            if place not in told
        ]  # fmt: skip
        connection.execute(sa.delete(change).where(mine, sa.or_(change.c.change != "removed", is_untold)))
        connection.execute(sa.update(change).where(mine).values(**nothing))
        if announced:
            connection.execute(sa.insert(change), announced)
        for table in (layout.event, layout.contact, layout.audience):
            connection.execute(sa.delete(table).where(table.c.customer_key.in_(keys)))
        for send_keys in _batches(iter(sorted({row["send_key"] for row in rows})), at_once):
            connection.execute(sa.delete(taken).where(taken.c.send_key.in_(send_keys)))


def _replace(connection: Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]], at_once: int) -> None:
    connection.execute(sa.delete(table))
    for some in _batches(iter(rows), at_once):
        connection.execute(sa.insert(table), [dict(row) for row in some])


def _mark_read(connection: Connection, layout: Layout, feedback: Feedback, at_once: int) -> None:
    for numbers in _batches(iter(feedback.events), at_once):
        connection.execute(sa.update(layout.event).where(layout.event.c.event_id.in_(numbers)).values(is_read=True))
    taken = layout.acknowledgement
    for keys in _batches(iter(feedback.acknowledged), at_once):
        connection.execute(sa.update(taken).where(taken.c.send_key.in_(keys)).values(is_read=True))


def _account(connection: Connection, layout: Layout, feed: Feed, fed: Fed) -> None:
    """Move the stream forward, account for the feed and empty the stage."""
    state, sync = layout.state, layout.sync
    connection.execute(
        sa.update(state)
        .where(state.c.stream == STREAM)
        .values(
            environment=feed.environment,
            token=feed.token,
            sequence=feed.sequence,
            campaigns=feed.campaigns,
            stale_after=feed.stale_after,
            fed_at=feed.fed_at,
        )
    )
    connection.execute(
        sa.insert(sync).values(
            token=feed.token,
            sequence=feed.sequence,
            is_full=feed.is_full,
            rows_added=fed.added,
            rows_updated=fed.updated,
            rows_removed=fed.removed,
            rows_held=len(feed.holds),
            fed_at=feed.fed_at,
        )
    )
    connection.execute(sa.delete(layout.stage).where(layout.stage.c.token <= feed.token))


def _batches(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while some := list(islice(rows, size)):
        yield some
