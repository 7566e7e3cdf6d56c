"""Consent: from the ledger to every target, with a heartbeat even when nothing changed.

A withdrawal must not wait for the day's run. Three ways lead into the ledger: the daily core, the ten-minute stream of the
sources' own consent rows (:func:`retention.privacy.record_consents`), and unsubscribes from campaign feedback
(:mod:`retention.privacy.unsubscribes`). One way leads out: :func:`sync_consent`. Decisions are ordered by when the person took
them, never by when they arrived, and a no binds everybody who has the address (:mod:`retention.privacy.shared`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.pseudonyms import address_hash
from retention.privacy.shared import follow_refusals, read_sharing, write_sharing
from retention.privacy.unsubscribes import collect_unsubscribes
from retention.warehouse import Fenced, RetentionError, Run, failpoint, lease, statement

FEED = "consent"
_CURSOR = ("warehouse", "consent@sync")
# Rows become visible when their transaction commits, which can be later than the time they carry: every reading starts
# this much before the end of the one before. Longer than the longest statement allowed.
_OVERLAP = timedelta(hours=1)


class NoMarketingDatabase(RetentionError):
    """There is nowhere to send consent to."""

    runbook = "no-database-url"


def sync_consent(run: Run, now: datetime) -> dict[str, int]:
    """Carry consent from the ledger to the marketing database and beat its heart.

    Reads the unsubscribes that tools reported, appends them to the ledger, then writes what changed since the last sync to
    ``marketing.consent_state``, where only a later decision replaces an earlier one. People whose address is suppressed go
    to ``marketing.suppression``. Safe to repeat and to interrupt.

    Parameters
    ----------
    run : Run
        Needs both databases.
    now : datetime
        The present instant, aware; becomes the heartbeat.

    Raises
    ------
    NoMarketingDatabase when the run has no marketing database.
    """
    if run.marketing is None:
        raise NoMarketingDatabase("consent has nowhere to go: set RETENTION_MARKETING_URL. Nothing was written.")
    with lease(run, "consent") as held:
        with run.warehouse.begin() as connection:
            since, started = _last_sync(connection)
            relinked = _follow_people(connection, since)
            unsubscribed = collect_unsubscribes(run, connection, since)
        failpoint("consent.ledger_written")
        with run.warehouse.begin() as ledger, run.marketing.begin() as target:
            people = _list_touched(ledger, since)
            follow_refusals(ledger)
            suppressed = _suppressed(ledger, run.secrets.pepper)
            _carry(ledger, target, everybody=since is None)
            binding = write_sharing(target, read_sharing(ledger, run.secrets.pepper))
            written = _write_targets(target, suppressed, now, held.token, everybody=since is None)
        failpoint("consent.targets_written")
        with held.publishing() as connection:
            connection.execute(
                sa.text(
                    "insert into ops.source_cursor (source, entity, cursor_value, business_date, updated_at) "
                    "values (:source, :entity, :cursor_value, :business_date, :now) "
                    "on conflict (source, entity) do update set cursor_value = excluded.cursor_value, "
                    "business_date = excluded.business_date, updated_at = excluded.updated_at"
                ),
                {
                    "source": _CURSOR[0],
                    "entity": _CURSOR[1],
                    "cursor_value": started.isoformat(),
                    "business_date": run.business_date,
                    "now": now,
                },
            )
            counts = {
                "people_read": people,
                "unsubscribes_recorded": unsubscribed,
                "decisions_relinked": relinked,
                "suppressed_people": len(suppressed),
                "refusals_that_bind_others": binding,
                **written,
            }
            held.counts.update(counts)
    return counts


# Found from what is new on either side: the ledger and the links hold all there ever was, and are not to be read whole.
_FOLLOW_PEOPLE = """
with

linked as (
    select source_customer_key, customer_key from core.customer_alias
    where linked_at >= coalesce(cast(:since as timestamptz), '-infinity')
),

belonging as (
    select consent.consent_key, linked.customer_key
    from linked
    inner join privacy.consent as consent on linked.source_customer_key = consent.source_customer_key
    union
    select consent.consent_key, linked.customer_key
    from linked
    inner join privacy.consent as consent on linked.source_customer_key = consent.customer_key
    where consent.source_customer_key is null
    union
    select consent.consent_key, alias.customer_key
    from privacy.consent as consent
    inner join core.customer_alias as alias
        on coalesce(consent.source_customer_key, consent.customer_key) = alias.source_customer_key
    where consent.recorded_at >= coalesce(cast(:since as timestamptz), '-infinity')
)

update privacy.consent as consent
set customer_key = belonging.customer_key
from belonging
where consent.consent_key = belonging.consent_key and consent.customer_key <> belonging.customer_key
"""


def _last_sync(connection: Connection) -> tuple[datetime | None, datetime]:
    row = connection.execute(
        sa.text(
            "select (select cursor_value from ops.source_cursor where source = :source and entity = :entity) as reached, "
            # What a transaction writes carries the time of its beginning: one under way now is read by the next sync, however
            # long it lasts. A first load lasts longer than the overlap.
            "least(clock_timestamp(), (select min(xact_start) from pg_catalog.pg_stat_activity "
            "where datname = current_database())) as started"
        ),
        {"source": _CURSOR[0], "entity": _CURSOR[1]},
    ).one()
    reached = datetime.fromisoformat(row.reached) - _OVERLAP if row.reached else None
    return reached, row.started.astimezone(UTC)


def _follow_people(connection: Connection, since: datetime | None) -> int:
    """Bind decisions to the person: ids which were merged share one consent, the later decision on any of them holds."""
    result = connection.execute(sa.text(_FOLLOW_PEOPLE), {"since": since})
    return int(result.rowcount)


def _list_touched(connection: Connection, since: datetime | None) -> int:
    """Make ``pg_temp.touched``, the people whose decisions, links or suppression changed; everybody at the first sync."""
    changed = (
        "select customer_key from privacy.consent where recorded_at >= :since "
        "union select customer_key from core.customer_alias where linked_at >= :since "
        "union select old_customer_key from core.identity_change where changed_at >= :since "
        "union select person.customer_key from pii.source_customer as person "
        "inner join ops.batch as batch on person.batch_id = batch.batch_id where batch.published_at >= :since "
        "union select contact.customer_key from pii.contact as contact "
        "where exists (select 1 from privacy.suppression where since >= :since)"
    )
    everybody = "select customer_key from privacy.consent union select customer_key from pii.source_customer"
    people = connection.execute(
        *statement(
            f"create temporary table touched on commit drop as {everybody if since is None else changed}", {"since": since}
        )
    ).rowcount
    connection.exec_driver_sql("analyze pg_temp.touched")
    return int(people)


def _suppressed(connection: Connection, pepper: bytes) -> list[int]:
    """Return the people among those touched of whom any address is suppressed."""
    hashes = frozenset(connection.execute(sa.text("select address_hash from privacy.suppression")).scalars())
    if not hashes:
        return []
    records = connection.execute(
        sa.text(
            "select customer_key, email_normalised, phone_e164 from pii.source_customer "
            "where customer_key in (select customer_key from pg_temp.touched)"
        )
    )
    return sorted(
        {
            record.customer_key
            for record in records
            for address in (record.email_normalised, record.phone_e164)
            if address and address_hash(pepper, address) in hashes
        }
    )


def _carry(ledger: Connection, target: Connection, *, everybody: bool) -> None:
    """Copy the touched people and what they decided from one server to the other, as a stream of bytes nobody looks into."""
    target.exec_driver_sql("create temporary table touched (customer_key bigint) on commit drop")
    target.exec_driver_sql(
        "create temporary table decided (customer_key bigint, purpose text, channel text, decision text, "
        "decided_at timestamptz) on commit drop"
    )
    # `in (select …)` around the view's distinct: PostgreSQL pushes it down because customer_key leads the distinct.
    mine = "" if everybody else "where customer_key in (select customer_key from pg_temp.touched)"
    current = f"select customer_key, purpose, channel, decision, decided_at from privacy.consent_current {mine}"
    source, sink = ledger.connection.cursor(), target.connection.cursor()
    for query, table in (("select customer_key from pg_temp.touched", "touched"), (current, "decided")):
        with (
            source.copy(f"copy ({query}) to stdout (format binary)") as rows,
            sink.copy(f"copy pg_temp.{table} from stdin (format binary)") as copied,
        ):
            for block in rows:
                copied.write(block)
        target.exec_driver_sql(f"analyze pg_temp.{table}")
    source.close()
    sink.close()


_WRITE = """
insert into marketing.consent_state as state (customer_key, purpose, channel, decision, decided_at, updated_at)
select decided.customer_key, decided.purpose, decided.channel, decided.decision, decided.decided_at, :now
from pg_temp.decided
on conflict (customer_key, purpose, channel) do update set
    decision = excluded.decision, decided_at = excluded.decided_at, updated_at = excluded.updated_at
where excluded.decided_at > state.decided_at
    or (excluded.decided_at = state.decided_at and excluded.decision = 'withdrawn' and state.decision <> 'withdrawn')
"""

# A key that was merged into another has no decisions of its own any more.
_REMOVE = """
delete from marketing.consent_state as state using pg_temp.touched
where state.customer_key = touched.customer_key
    and not exists (select 1 from pg_temp.decided where decided.customer_key = touched.customer_key)
"""


def _write_targets(
    connection: Connection, suppressed: list[int], now: datetime, token: int, *, everybody: bool
) -> dict[str, int]:
    """Write decisions, suppression and heartbeat to the marketing database, in the one transaction that is open there.

    Raises
    ------
    Fenced when a newer sync has written there: this one was stopped for a while and knows less.
    """
    written = int(connection.execute(sa.text(_WRITE), {"now": now}).rowcount)
    removed = 0 if everybody else int(connection.execute(sa.text(_REMOVE)).rowcount)
    if suppressed:
        connection.execute(
            sa.text(
                "insert into marketing.suppression (customer_key, since) "
                "select person.customer_key, :now from unnest(cast(:people as bigint[])) as person (customer_key) "
                "on conflict (customer_key) do nothing"
            ),
            {"people": suppressed, "now": now},
        )
    failpoint("consent.before_heartbeat")
    beat = connection.execute(
        sa.text(
            "insert into marketing.consent_feed as feed (feed, token, heartbeat_at) values (:feed, :token, :now) "
            "on conflict (feed) do update set heartbeat_at = greatest(feed.heartbeat_at, excluded.heartbeat_at), "
            "token = excluded.token where feed.token is null or feed.token <= excluded.token"
        ),
        {"feed": FEED, "token": token, "now": now},
    )
    if not beat.rowcount:
        raise Fenced("marketing.consent_feed: a newer consent sync has written here meanwhile. Nothing of this one was kept.")
    return {"decisions_written": written, "decisions_removed": removed}
