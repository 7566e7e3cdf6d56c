"""Consent: from the ledger to every target, with a heartbeat even when nothing changed.

A withdrawal must not wait for the day's run. Three ways lead into the ledger: the daily core, the ten-minute stream of the
sources' own consent rows (:func:`retention.privacy.record_consents`), and unsubscribes which marketing tools report (read
here). One way leads out: :func:`sync_consent`. Decisions are ordered by when the person took them, never by when they
arrived.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.ledger import append_decisions, erased_keys
from retention.privacy.pseudonyms import address_hash, row_key
from retention.warehouse import RetentionError, Run, failpoint, lease

FEED = "consent"
_CURSOR = ("warehouse", "consent@sync")
# Rows become visible when their transaction commits, which can be later than the time they carry: every reading starts
# this much before the end of the one before. Longer than the longest statement allowed.
_OVERLAP = timedelta(hours=1)
_CHUNK = 20_000


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
            unsubscribed = _unsubscribes(run, connection, since)
        failpoint("consent.ledger_written")
        with run.warehouse.connect() as connection:
            people = _touched(connection, since)
            decisions = _decisions(connection, people)
            suppressed = _suppressed(connection, run.secrets.pepper, people)
        written = _write_targets(run, decisions, people, suppressed, now)
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
                "people_read": -1 if people is None else len(people),
                "unsubscribes_recorded": unsubscribed,
                "decisions_relinked": relinked,
                "suppressed_people": len(suppressed),
                **written,
            }
            held.counts.update(counts)
    return counts


def _last_sync(connection: Connection) -> tuple[datetime | None, datetime]:
    row = connection.execute(
        sa.text(
            "select (select cursor_value from ops.source_cursor where source = :source and entity = :entity) as reached, "
            "clock_timestamp() as started"
        ),
        {"source": _CURSOR[0], "entity": _CURSOR[1]},
    ).one()
    reached = datetime.fromisoformat(row.reached) - _OVERLAP if row.reached else None
    return reached, row.started.astimezone(UTC)


def _follow_people(connection: Connection, since: datetime | None) -> int:
    """Bind decisions to the person: ids which were merged share one consent, the later decision on any of them holds."""
    result = connection.execute(
        sa.text(
            "update privacy.consent as consent set customer_key = alias.customer_key from core.customer_alias as alias "
            "where alias.source_customer_key = coalesce(consent.source_customer_key, consent.customer_key) "
            "and consent.customer_key <> alias.customer_key and (cast(:since as timestamptz) is null "
            "or alias.linked_at >= :since or consent.recorded_at >= :since)"
        ),
        {"since": since},
    )
    return int(result.rowcount)


def _unsubscribes(run: Run, connection: Connection, since: datetime | None) -> int:
    """Append to the ledger what tools reported as unsubscribed; the event's number keeps it from counting twice."""
    assert run.marketing is not None
    with run.marketing.connect() as marketing:
        events = marketing.execute(
            sa.text(
                "select event_id, customer_key, channel, occurred_at from marketing.campaign_event "
                "where kind = 'unsubscribed' and recorded_at >= coalesce(cast(:since as timestamptz), '-infinity') "
                "order by event_id"
            ),
            {"since": since},
        ).all()
    tombstones = erased_keys(connection)
    rows = [
        {
            "consent_key": row_key("marketing", f"campaign_event {event.event_id}"),
            "source_customer_key": event.customer_key,
            "purpose": "marketing",
            "channel": event.channel,
            "decision": "withdrawn",
            "decided_at": event.occurred_at,
            "origin": "campaign_event",
            "is_simulated": False,
        }
        for event in events
        if event.customer_key not in tombstones
    ]
    return append_decisions(connection, "marketing", rows) if rows else 0


def _touched(connection: Connection, since: datetime | None) -> list[int] | None:
    """Return the people whose decisions, links or suppression changed; None means everybody (first sync)."""
    if since is None:
        return None
    rows = connection.execute(
        sa.text(
            "select customer_key from privacy.consent where recorded_at >= :since "
            "union select customer_key from core.customer_alias where linked_at >= :since "
            "union select old_customer_key from core.identity_change where changed_at >= :since "
            "union select person.customer_key from pii.source_customer as person "
            "inner join ops.batch as batch on person.batch_id = batch.batch_id where batch.published_at >= :since "
            "union select contact.customer_key from pii.contact as contact "
            "where exists (select 1 from privacy.suppression where since >= :since)"
        ),
        {"since": since},
    ).scalars()
    return list(rows)


def _decisions(connection: Connection, people: list[int] | None) -> list[sa.Row[Any]]:
    # `in (select …)` before the view's distinct: PostgreSQL pushes it down because customer_key leads the distinct.
    return list(
        connection.execute(
            sa.text(
                "select customer_key, purpose, channel, decision, decided_at from privacy.consent_current "
                "where :everybody or customer_key = any(cast(:people as bigint[]))"
            ),
            {"everybody": people is None, "people": people or []},
        ).all()
    )


def _suppressed(connection: Connection, pepper: bytes, people: list[int] | None) -> list[int]:
    """Return the people among those touched of whom any address is suppressed."""
    hashes = frozenset(connection.execute(sa.text("select address_hash from privacy.suppression")).scalars())
    if not hashes:
        return []
    records = connection.execute(
        sa.text(
            "select customer_key, email_normalised, phone_e164 from pii.source_customer "
            "where :everybody or customer_key = any(cast(:people as bigint[]))"
        ),
        {"everybody": people is None, "people": people or []},
    )
    return sorted(
        {
            record.customer_key
            for record in records
            for address in (record.email_normalised, record.phone_e164)
            if address and address_hash(pepper, address) in hashes
        }
    )


def _write_targets(
    run: Run, decisions: list[sa.Row[Any]], people: list[int] | None, suppressed: list[int], now: datetime
) -> dict[str, int]:
    """Write decisions, suppression and heartbeat to the marketing database in one transaction."""
    assert run.marketing is not None
    upsert = sa.text(
        "insert into marketing.consent_state as state (customer_key, purpose, channel, decision, decided_at, updated_at) "
        "select row.customer_key, row.purpose, row.channel, row.decision, row.decided_at, :now "
        "from unnest(cast(:customer_key as bigint[]), cast(:purpose as text[]), cast(:channel as text[]), "
        "cast(:decision as text[]), cast(:decided_at as timestamptz[])) "
        "as row (customer_key, purpose, channel, decision, decided_at) "
        "on conflict (customer_key, purpose, channel) do update set decision = excluded.decision, "
        "decided_at = excluded.decided_at, updated_at = excluded.updated_at "
        "where excluded.decided_at > state.decided_at "
        "or (excluded.decided_at = state.decided_at and excluded.decision = 'withdrawn' and state.decision <> 'withdrawn')"
    )
    written = 0
    with run.marketing.begin() as connection:
        for start in range(0, len(decisions), _CHUNK):
            part = decisions[start : start + _CHUNK]
            names = ("customer_key", "purpose", "channel", "decision", "decided_at")
            columns = {name: [getattr(row, name) for row in part] for name in names}
            written += int(connection.execute(upsert, {"now": now, **columns}).rowcount)
        # A key that was merged into another has no decisions of its own any more.
        removed = 0
        if people:
            removed = int(
                connection.execute(
                    sa.text(
                        "delete from marketing.consent_state where customer_key = any(cast(:people as bigint[])) "
                        "and customer_key <> all(cast(:kept as bigint[]))"
                    ),
                    {"people": people, "kept": sorted({row.customer_key for row in decisions})},
                ).rowcount
            )
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
        connection.execute(
            sa.text(
                "insert into marketing.consent_feed as feed (feed, heartbeat_at) values (:feed, :now) "
                "on conflict (feed) do update set heartbeat_at = greatest(feed.heartbeat_at, excluded.heartbeat_at)"
            ),
            {"feed": FEED, "now": now},
        )
    return {"decisions_written": written, "decisions_removed": removed}
