"""The consent ledger: every decision once, in the order in which people decided, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.numbering import customer_source_of
from retention.privacy.pseudonyms import consent_key, source_customer_key

PURPOSES = frozenset({"marketing", "profiling", "ads", "service"})
CHANNELS = frozenset({"email", "sms", "phone", "wechat", "app", "post", "all"})
DECISIONS = frozenset({"granted", "withdrawn"})
DELETED = "deleted_at_source"
"""Basis of a withdrawal that nobody took: the source deleted the grant."""
_CLOCKS_DIFFER = timedelta(hours=1)
"""A grant dated this much after the present is still believed: clocks differ. Beyond it, it is no grant of today."""
_CHUNK = 20_000


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
        Source whose customer numbers the rows carry; default the source itself when it delivers customers, else the one that
        does.

    Returns
    -------
    Recorded. A refused row (unknown purpose, channel, decision or time, a grant dated in the future) is not lost: the daily
    run reads it again and puts it into quarantine with its reason. A withdrawal is believed whatever its date.
    """
    outcome = Recorded()
    numbers_of = customer_source or customer_source_of(connection, source)
    tombstones = erased_keys(connection)
    latest = connection.execute(sa.text("select clock_timestamp()")).scalar_one() + _CLOCKS_DIFFER
    ready: list[dict[str, Any]] = []
    for row in rows:
        decided_at = _aware_time(row.get("decided_at"))
        if (
            decided_at is None
            or row.get("purpose") not in PURPOSES
            or row.get("channel") not in CHANNELS
            or row.get("decision") not in DECISIONS
            or not row.get("customer_id")
            or not row.get("consent_id")
            or (row["decision"] == "granted" and decided_at > latest)
        ):
            outcome.refused += 1
            continue
        person = source_customer_key(pepper, numbers_of, str(row["customer_id"]))
        if person in tombstones:
            outcome.erased += 1
            continue
        entry = {
            "source_customer_key": person,
            "purpose": row["purpose"],
            "channel": row["channel"],
            "decision": row["decision"],
            "decided_at": decided_at,
            "origin": row.get("origin"),
            "basis": "decision",
            "is_simulated": str(row.get("is_simulated")).lower() == "true",
        }
        said = (entry, *_ended(entry, _aware_time(row.get("deleted_at"))))
        ready.extend({**decision, "consent_key": _key(source, str(row["consent_id"]), decision)} for decision in said)
    outcome.added = append_decisions(connection, source, ready)
    outcome.known = len(ready) - outcome.added
    return outcome


def _ended(grant: Mapping[str, Any], deleted_at: datetime | None) -> list[dict[str, Any]]:
    """Return the withdrawal that a grant deleted at its source comes to; a deleted withdrawal comes to nothing."""
    if deleted_at is None or grant["decision"] != "granted":
        return []
    # Deleted before it was given: a clock is wrong. At one instant the withdrawal holds.
    ended = max(deleted_at, grant["decided_at"])
    return [{**grant, "decision": "withdrawn", "decided_at": ended, "origin": "deleted at source", "basis": DELETED}]


def _key(source: str, number: str, entry: Mapping[str, Any]) -> int:
    return consent_key(source, number, entry["purpose"], entry["channel"], entry["decision"], entry["decided_at"])


def append_decisions(connection: Connection, source: str, rows: list[dict[str, Any]]) -> int:
    """Append ledger rows; the person is looked up in the aliases, or is their own until an alias says otherwise."""
    added = 0
    statement = sa.text(
        "insert into privacy.consent (consent_key, source_customer_key, customer_key, purpose, channel, decision, decided_at, "
        "recorded_at, origin, source, basis, is_simulated) "
        "select row.consent_key, row.source_customer_key, coalesce(alias.customer_key, row.source_customer_key), row.purpose, "
        "row.channel, row.decision, row.decided_at, clock_timestamp(), row.origin, :source, row.basis, row.is_simulated "
        "from unnest(cast(:consent_key as bigint[]), cast(:source_customer_key as bigint[]), cast(:purpose as text[]), "
        "cast(:channel as text[]), cast(:decision as text[]), cast(:decided_at as timestamptz[]), cast(:origin as text[]), "
        "cast(:basis as text[]), cast(:is_simulated as boolean[])) as row (consent_key, source_customer_key, purpose, channel, "
        "decision, decided_at, origin, basis, is_simulated) "
        "left join core.customer_alias as alias on row.source_customer_key = alias.source_customer_key "
        "on conflict (consent_key) do nothing"
    )
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        columns = {name: [row[name] for row in part] for name in part[0]}
        added += int(connection.execute(statement, {"source": source, **columns}).rowcount)
    return added


def erased_keys(connection: Connection) -> frozenset[int]:
    """Return the keys of everybody who was erased."""
    return frozenset(connection.execute(sa.text("select source_customer_key from privacy.tombstone")).scalars())


def _aware_time(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else None
    try:
        parsed = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None
