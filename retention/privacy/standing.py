"""Where one person's consent stands: what they decided, what holds, and why they may or may not be contacted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.pseudonyms import address_hash
from retention.warehouse import RetentionError

CONTACT_CHANNELS = ("email", "sms", "phone", "wechat", "app", "post")

REASONS = {
    "granted": ("granted", "已同意"),
    "erased": ("erased: nobody contacts this person", "已删除,禁止联系"),
    "suppressed": ("an address of the person is suppressed", "联系地址已屏蔽"),
    "withdrawn": ("withdrawn by the person", "本人已撤回"),
    "deleted_at_source": ("the source deleted the grant", "来源系统已删除该同意"),
    "id_reused": ("the number passed to somebody else, who has not decided yet", "客户编号已转给他人,待重新同意"),
    "address": ("somebody else with the same address refused", "同一联系地址的其他人已拒绝"),
    "no_address": ("no address for this channel", "没有该渠道的联系地址"),
    "never_asked": ("never asked", "从未征求同意"),
}
"""Why somebody may or may not be contacted, in English and Chinese."""


class UnknownPerson(RetentionError):
    """Nobody is known under this number or key."""

    runbook = "unknown-person"


@dataclass(frozen=True)
class Decision:
    """One entry of the ledger."""

    decided_at: datetime
    recorded_at: datetime
    purpose: str
    channel: str
    decision: str
    source: str
    origin: str | None
    basis: str


@dataclass(frozen=True)
class Standing:
    """What holds for one purpose and channel. ``reason`` is a key of :data:`REASONS`."""

    purpose: str
    channel: str
    may_contact: bool
    reason: str
    since: datetime | None
    source: str | None


@dataclass(frozen=True)
class Consent:
    """The consent of one person."""

    customer_key: int
    history: list[Decision]
    standing: list[Standing]


def consent_of(connection: Connection, pepper: bytes, key: int) -> Consent:
    """Return history and present state of one person's consent, without any address or name.

    Parameters
    ----------
    connection : Connection
        To the warehouse.
    pepper : bytes
        `run.secrets.pepper`: suppression is kept by keyed hash.
    key : int
        A source_customer_key or customer_key of the person.

    Raises
    ------
    UnknownPerson when neither a record nor a decision has the key.
    """
    person = connection.execute(
        sa.text(
            "select coalesce((select customer_key from core.customer_alias where source_customer_key = :key), "
            "(select customer_key from pii.source_customer where source_customer_key = :key), "
            "(select customer_key from privacy.consent where source_customer_key = :key or customer_key = :key limit 1), "
            "(select source_customer_key from privacy.tombstone where source_customer_key = :key))"
        ),
        {"key": key},
    ).scalar_one()
    if person is None:
        raise UnknownPerson("consent: nobody is known under this number or key. Check the source's name and the number.")
    history = connection.execute(
        sa.text(
            "select decided_at, recorded_at, purpose, channel, decision, source, origin, basis from privacy.consent "
            "where customer_key = :person order by decided_at, recorded_at, consent_key"
        ),
        {"person": person},
    )
    decisions = [Decision(*row) for row in history]
    return Consent(person, decisions, _standing(connection, pepper, person))


def _standing(connection: Connection, pepper: bytes, person: int) -> list[Standing]:
    binds = {"person": person}
    current = {
        (row.purpose, row.channel): row
        for row in connection.execute(sa.text("select * from privacy.consent_current where customer_key = :person"), binds)
    }
    bound = {
        (row.purpose, row.channel): row.refused_at
        for row in connection.execute(sa.text("select * from privacy.consent_by_address where customer_key = :person"), binds)
    }
    addresses = connection.execute(
        sa.text("select email_normalised as email, phone_e164 as phone from pii.source_customer where customer_key = :person"),
        binds,
    ).all()
    hashes = [address_hash(pepper, value) for row in addresses for value in row if value]
    suppressed = connection.execute(
        sa.text("select min(since) from privacy.suppression where address_hash = any(cast(:hashes as text[]))"),
        {"hashes": hashes},
    ).scalar()
    erased = connection.execute(
        sa.text("select min(erased_at) from privacy.tombstone where source_customer_key = :person"), binds
    ).scalar()
    has = {
        "email": any(row.email for row in addresses),
        "sms": any(row.phone for row in addresses),
        "phone": any(row.phone for row in addresses),
    }
    standing = []
    for purpose in ("marketing", "ads", "profiling"):
        for channel in CONTACT_CHANNELS:
            found = current.get((purpose, channel))
            since, source = (found.decided_at, found.source) if found else (None, None)
            if erased:
                reason, since, source = "erased", erased, None
            elif suppressed and purpose != "profiling":
                reason, since, source = "suppressed", suppressed, None
            elif found is None:
                reason = "never_asked"
            elif found.decision == "withdrawn":
                reason = "withdrawn" if found.basis == "decision" else found.basis
            elif (purpose, channel) in bound:
                reason, since, source = "address", bound[purpose, channel], None
            elif purpose != "profiling" and not has.get(channel, True):
                reason = "no_address"
            else:
                reason = "granted"
            standing.append(Standing(purpose, channel, reason == "granted", reason, since, source))
    return standing
