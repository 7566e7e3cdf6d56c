"""The complaint clock: who has been waiting too long for an acknowledgement or a first reply.

Complaints are read every few minutes by a stream of their own (:func:`record_complaints`), because the day's core comes
too late for a clock of one hour. What core knows is merged in as well, so that the clock also runs without the stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.measurement.complaint_alerts import untold
from retention.privacy.numbering import customer_source_of
from retention.privacy.pseudonyms import row_key, source_customer_key
from retention.warehouse import Run, lease

_CHUNK = 10_000


def record_complaints(
    connection: Connection, pepper: bytes, source: str, rows: Iterable[Mapping[str, Any]], customer_source: str | None = None
) -> dict[str, int]:
    """Bring delivered complaints into ``ops.complaint_clock``; an older state never overwrites a newer one.

    Parameters
    ----------
    connection : Connection
        An open transaction, in which the caller also moves the stream's cursor.
    pepper : bytes
        `run.secrets.pepper`.
    source : str
        Source the rows come from.
    rows : iterable of mappings
        Canonical columns of the entity ``complaint``; times as text with offset, or aware datetimes. The text of the complaint
        is not kept here.
    customer_source : str, optional
        Source whose customer numbers the rows carry; default the source itself when it delivers customers, else the one that
        does.

    Returns
    -------
    Counts: changed, unchanged, refused (no number or no opening time: the daily run quarantines it with its reason), of
        erased people.
    """
    counts = {"complaints_changed": 0, "complaints_unchanged": 0, "complaints_refused": 0, "complaints_of_erased": 0}
    numbers_of = customer_source or customer_source_of(connection, source)
    tombstones = set(connection.execute(sa.text("select source_customer_key from privacy.tombstone")).scalars())
    newest: dict[int, dict[str, Any]] = {}
    for row in rows:
        opened_at, updated_at = _time(row.get("opened_at")), _time(row.get("updated_at"))
        if not row.get("complaint_id") or opened_at is None:
            counts["complaints_refused"] += 1
            continue
        person = None
        if row.get("customer_id"):
            person = source_customer_key(pepper, numbers_of, str(row["customer_id"]))
            if person in tombstones:
                counts["complaints_of_erased"] += 1
                continue
        acknowledged_at, first_replied_at = _time(row.get("acknowledged_at")), _time(row.get("first_replied_at"))
        resolved_at, deleted_at = _time(row.get("resolved_at")), _time(row.get("deleted_at"))
        key = row_key(source, str(row["complaint_id"]))
        known: dict[str, Any] = {
            "complaint_key": key,
            "source_customer_key": person,
            "category": row.get("category"),
            "severity": row.get("severity"),
            "team": row.get("responsible_team"),
            "opened_at": opened_at,
            "acknowledged_at": acknowledged_at,
            "first_replied_at": first_replied_at,
            "resolved_at": resolved_at,
            "deleted_at": deleted_at,
            # Sources without a time of change still move forward: the latest time on the case stands in.
            "updated_at": updated_at
            or max(t for t in (opened_at, acknowledged_at, first_replied_at, resolved_at, deleted_at) if t is not None),
        }
        before = newest.get(key)
        if before is None or known["updated_at"] >= before["updated_at"]:
            newest[key] = known
    ready = list(newest.values())
    for start in range(0, len(ready), _CHUNK):
        part = ready[start : start + _CHUNK]
        columns = {name: [row[name] for row in part] for name in part[0]}
        counts["complaints_changed"] += int(connection.execute(sa.text(_RECORD), columns).rowcount)
    counts["complaints_unchanged"] = len(ready) - counts["complaints_changed"]
    return counts


_COLUMNS = (
    "complaint_key, customer_key, category, severity, team, opened_at, acknowledged_at, first_replied_at, resolved_at, "
    "deleted_at, updated_at"
)

_MERGE = """
on conflict (complaint_key) do update set
    customer_key = excluded.customer_key, category = excluded.category, severity = excluded.severity,
    team = excluded.team, opened_at = excluded.opened_at, acknowledged_at = excluded.acknowledged_at,
    first_replied_at = excluded.first_replied_at, resolved_at = excluded.resolved_at, deleted_at = excluded.deleted_at,
    updated_at = excluded.updated_at
where excluded.updated_at > clock.updated_at
    or (
        excluded.updated_at = clock.updated_at
        and (excluded.acknowledged_at, excluded.first_replied_at, excluded.resolved_at, excluded.deleted_at, excluded.team)
        is distinct from (clock.acknowledged_at, clock.first_replied_at, clock.resolved_at, clock.deleted_at, clock.team)
    )
"""

_RECORD = f"""
insert into ops.complaint_clock as clock ({_COLUMNS})
select
    row.complaint_key, coalesce(alias.customer_key, row.source_customer_key), row.category, row.severity, row.team,
    row.opened_at, row.acknowledged_at, row.first_replied_at, row.resolved_at, row.deleted_at, row.updated_at
from unnest(
    cast(:complaint_key as bigint[]), cast(:source_customer_key as bigint[]), cast(:category as text[]),
    cast(:severity as text[]), cast(:team as text[]), cast(:opened_at as timestamptz[]),
    cast(:acknowledged_at as timestamptz[]), cast(:first_replied_at as timestamptz[]), cast(:resolved_at as timestamptz[]),
    cast(:deleted_at as timestamptz[]), cast(:updated_at as timestamptz[])
) as row (
    complaint_key, source_customer_key, category, severity, team, opened_at, acknowledged_at, first_replied_at, resolved_at,
    deleted_at, updated_at
)
left join core.customer_alias as alias on row.source_customer_key = alias.source_customer_key
{_MERGE}
"""

# Cases whose clocks may run, and those with a breach that nobody has closed: an answer can arrive in a file weeks late.
_FROM_CORE = f"""
insert into ops.complaint_clock as clock ({_COLUMNS})
select
    complaint.complaint_key, complaint.customer_key, complaint.category, complaint.severity, complaint.responsible_team,
    complaint.opened_at, complaint.acknowledged_at, complaint.first_replied_at, complaint.resolved_at, complaint.deleted_at,
    complaint.version_at
from core.complaint
where complaint.valid_to is null
    and (
        (
            complaint.deleted_at is null
            and (
                complaint.opened_at >= :recent or complaint.acknowledged_at is null or complaint.first_replied_at is null
            )
        )
        or complaint.complaint_key in (
            select breach.complaint_key from ops.complaint_breach as breach where breach.state = 'open'
        )
    )
{_MERGE}
"""

_FIND = """
with clocks as (
    select
        clock.complaint_key, clock.customer_key, clock.team, clock.severity, due.clock, due.due_at, due.answered_at
    from ops.complaint_clock as clock
    cross join lateral (
        values
        ('acknowledge', clock.opened_at + cast(:acknowledge_within as interval), clock.acknowledged_at),
        ('first_reply', clock.opened_at + cast(:reply_within as interval), clock.first_replied_at)
    ) as due (clock, due_at, answered_at)
    where clock.deleted_at is null
)
insert into ops.complaint_breach (
    complaint_key, clock, customer_key, team, severity, due_at, breached_at, found_at, state, closed_at
)
select
    complaint_key, clock, customer_key, team, severity, due_at, due_at, :now,
    case when answered_at <= :now then 'closed' else 'open' end,
    case when answered_at <= :now then answered_at end
from clocks
where due_at < :now and (answered_at is null or answered_at > due_at)
on conflict (complaint_key, clock) do nothing
returning complaint_key, clock, team, severity, due_at, state
"""

# A case that the source deleted waits for no answer any more.
_CLOSE = """
update ops.complaint_breach as breach
set state = 'closed', closed_at = answer.answered_at, team = coalesce(answer.team, breach.team)
from (
    select complaint_key, 'acknowledge' as clock, coalesce(acknowledged_at, deleted_at) as answered_at, team
    from ops.complaint_clock
    union all
    select complaint_key, 'first_reply' as clock, coalesce(first_replied_at, deleted_at) as answered_at, team
    from ops.complaint_clock
) as answer
where breach.complaint_key = answer.complaint_key and breach.clock = answer.clock
    and breach.state = 'open' and answer.answered_at <= :now
"""


def check_complaint_clock(run: Run, now: datetime) -> dict[str, Any]:
    """Find complaints past their clocks, record each breach once, close those that were answered since.

    Parameters
    ----------
    run : Run
        Gives warehouse and settings (hours until acknowledgement and first reply).
    now : datetime
        The present instant, aware.

    Returns
    -------
    Counts, and what nobody has been told of yet: under ``new_breaches`` the open ones (pseudonymous key, clock, team, severity,
        due time; at most twenty, the most overdue first), under ``waiting`` all of them by team. They come again until
        :func:`confirm_alerted` says that the teams were told: a task that dies in between tells them at its next try.
    """
    settings = run.settings.complaints
    binds = {
        "now": now,
        "acknowledge_within": timedelta(hours=settings.acknowledge_hours),
        "reply_within": timedelta(hours=settings.first_reply_hours),
    }
    with lease(run, "complaint_clock") as held, held.publishing() as connection:
        connection.execute(sa.text(_FROM_CORE), {"recent": now - timedelta(days=2)})
        closed = connection.execute(sa.text(_CLOSE), {"now": now}).rowcount
        found = connection.execute(sa.text(_FIND), binds).all()
        open_by_clock: dict[str, int] = {
            str(row.clock): int(row.breaches)
            for row in connection.execute(
                sa.text("select clock, count(*) as breaches from ops.complaint_breach where state = 'open' group by clock")
            )
        }
        counts = {
            "breaches_found": len(found),
            "breaches_closed": int(closed),
            "open_acknowledge": open_by_clock.get("acknowledge", 0),
            "open_first_reply": open_by_clock.get("first_reply", 0),
        }
        held.counts.update(counts)
        waiting = untold(connection)
    return {**counts, "new_open_breaches": sum(row["cases"] for row in waiting["waiting"]), **waiting}


def _time(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else None
    try:
        parsed = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None
