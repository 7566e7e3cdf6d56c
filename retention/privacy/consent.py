"""Consent: decisions into the ledger, from the ledger to every target, with a heartbeat even when nothing changed.

A withdrawal must not wait for the day's run. Three ways lead into the ledger: the daily core, the ten-minute stream of the
sources' own consent rows (:func:`record_consents`), and unsubscribes which marketing tools report (read here). One way leads
out: :func:`sync_consent`. Decisions are ordered by when the person took them, never by when they arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.pseudonyms import address_hash, keyed_bigint, source_customer_key
from retention.warehouse import RetentionError, Run, failpoint, lease

PURPOSES = frozenset({"marketing", "profiling", "ads"})
CHANNELS = frozenset({"email", "sms", "phone", "wechat", "app", "post", "all"})
DECISIONS = frozenset({"granted", "withdrawn"})
FEED = "consent"
_CURSOR = ("warehouse", "consent@sync")
# Rows become visible when their transaction commits, which can be later than the time they carry: every reading starts
# this much before the end of the one before. Longer than the longest statement allowed.
_OVERLAP = timedelta(hours=1)
_CHUNK = 20_000


class NoMarketingDatabase(RetentionError):
    """There is nowhere to send consent to."""

    runbook = "no-database-url"


@dataclass
class Recorded:
    """What became of the consent rows handed to :func:`record_consents`."""

    added: int = 0
    known: int = 0
    refused: int = 0
    erased: int = 0

    def as_counts(self) -> dict[str, int]:
        """Return the counts under the names that a run reports."""
        return {
            "consents_added": self.added,
            "consents_known": self.known,
            "consents_refused": self.refused,
            "consents_of_erased": self.erased,
        }


def consent_key(pepper: bytes, source: str, consent_id: str) -> int:
    """Key of one decision in the ledger: the same whichever way the decision came in."""
    return keyed_bigint(pepper, source, "consent", consent_id)


def record_consents(
    connection: Connection, pepper: bytes, source: str, rows: Iterable[Mapping[str, Any]], customer_source: str | None = None
) -> Recorded:
    """Append consent rows of a source to the ledger; rows already there are left alone.

    Parameters
    ----------
    connection : Connection
        An open transaction, in which the caller also moves the stream's cursor.
    pepper : bytes
        `run.secrets.pepper`.
    source : str
        Source the rows come from.
    rows : iterable of mappings
        Canonical columns of the entity ``consent``; times as text with offset, or aware datetimes.
    customer_source : str, optional
        Source whose customer numbers the rows carry; default the source itself.

    Returns
    -------
    Recorded. A refused row (unknown purpose, channel, decision or time) is not lost: the daily run reads it again and puts
        it into quarantine with its reason.
    """
    outcome = Recorded()
    tombstones = _tombstones(connection)
    ready: list[dict[str, Any]] = []
    for row in rows:
        decided_at = _time(row.get("decided_at"))
        if (
            decided_at is None
            or row.get("purpose") not in PURPOSES
            or row.get("channel") not in CHANNELS
            or row.get("decision") not in DECISIONS
            or not row.get("customer_id")
            or not row.get("consent_id")
        ):
            outcome.refused += 1
            continue
        person = source_customer_key(pepper, customer_source or source, str(row["customer_id"]))
        if person in tombstones:
            outcome.erased += 1
            continue
        ready.append(
            {
                "consent_key": consent_key(pepper, source, str(row["consent_id"])),
                "source_customer_key": person,
                "purpose": row["purpose"],
                "channel": row["channel"],
                "decision": row["decision"],
                "decided_at": decided_at,
                "origin": row.get("origin"),
                "is_simulated": str(row.get("is_simulated")).lower() == "true",
            }
        )
    outcome.added = _append(connection, source, ready)
    outcome.known = len(ready) - outcome.added
    return outcome


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


def _tombstones(connection: Connection) -> frozenset[int]:
    return frozenset(connection.execute(sa.text("select source_customer_key from privacy.tombstone")).scalars())


def _time(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else None
    try:
        parsed = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None


def _append(connection: Connection, source: str, rows: list[dict[str, Any]]) -> int:
    """Append ledger rows; the person is looked up in the aliases, or is their own until an alias says otherwise."""
    added = 0
    statement = sa.text(
        "insert into privacy.consent (consent_key, source_customer_key, customer_key, purpose, channel, decision, decided_at, "
        "recorded_at, origin, source, is_simulated) "
        "select row.consent_key, row.source_customer_key, coalesce(alias.customer_key, row.source_customer_key), row.purpose, "
        "row.channel, row.decision, row.decided_at, clock_timestamp(), row.origin, :source, row.is_simulated "
        "from unnest(cast(:consent_key as bigint[]), cast(:source_customer_key as bigint[]), cast(:purpose as text[]), "
        "cast(:channel as text[]), cast(:decision as text[]), cast(:decided_at as timestamptz[]), cast(:origin as text[]), "
        "cast(:is_simulated as boolean[])) as row (consent_key, source_customer_key, purpose, channel, decision, decided_at, "
        "origin, is_simulated) "
        "left join core.customer_alias as alias on row.source_customer_key = alias.source_customer_key "
        "on conflict (consent_key) do nothing"
    )
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        columns = {name: [row[name] for row in part] for name in part[0]}
        added += int(connection.execute(statement, {"source": source, **columns}).rowcount)
    return added


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
    tombstones = _tombstones(connection)
    rows = [
        {
            "consent_key": consent_key(run.secrets.pepper, "marketing", str(event.event_id)),
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
    return _append(connection, "marketing", rows) if rows else 0


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
