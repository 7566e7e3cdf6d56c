"""Opt-outs that reach us by hand: somebody calls, or a tool knows no more than the message or the address it was sent to."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.ledger import append_decisions
from retention.privacy.pseudonyms import address_hash, row_key
from retention.privacy.requests import audit
from retention.privacy.standing import UnknownPerson

SOURCE = "operator"


def withdraw_person(connection: Connection, key: int, purpose: str, channel: str, actor: str, now: datetime) -> int:
    """Record that one person withdraws a purpose on a channel. Binds everybody who has their address, with the next sync.

    Parameters
    ----------
    connection : Connection
        An open transaction.
    key : int
        A source_customer_key of the person.
    purpose, channel : str
        As in the ledger; ``all`` for every channel.
    actor : str
        Who enters it, for ``ops.audit``.
    now : datetime
        When the person said so, aware.

    Returns
    -------
    Decisions added.

    Raises
    ------
    UnknownPerson when nobody has the key: a mistyped number must not look like an opt-out that was entered.
    """
    if not connection.execute(
        sa.text("select exists (select 1 from core.customer_alias where :key in (source_customer_key, customer_key))"),
        {"key": key},
    ).scalar_one():
        raise UnknownPerson("consent: nobody is known under this number or key. Nothing was recorded.")
    added = _append(connection, [key], purpose, channel, now)
    audit(connection, actor, "withdraw_consent", f"source_customer_key {key}", now, {"purpose": purpose, "channel": channel})
    return added


def person_of_message(connection: Connection, send_key: str) -> int:
    """Return whom a message went to, by the key it carried.

    Raises
    ------
    UnknownPerson when no such message was handed out.
    """
    key = connection.execute(
        sa.text("select customer_key from campaigns.delivery where send_key = :send_key"), {"send_key": send_key}
    ).scalar()
    if key is None:
        raise UnknownPerson("consent: no message with this send_key was handed out. Nothing was recorded.")
    return int(key)


def withdraw_address(
    connection: Connection, pepper: bytes, address: str, purpose: str, channels: Sequence[str], actor: str, now: datetime
) -> dict[str, int]:
    """Record that nobody is to be contacted at an address any more, whoever has it.

    Everybody who has it now withdraws the purpose on the address's channels. When nobody has it, its keyed hash is suppressed:
    whoever turns up with it later is contacted on no channel.

    Parameters
    ----------
    address : str
        Normalised e-mail address or E.164 number.
    channels : sequence of str
        The channels the address serves: email, or sms and phone.

    Returns
    -------
    ``people`` bound by a decision of their own and ``suppressed`` addresses.
    """
    keys = list(
        connection.execute(
            sa.text("select source_customer_key from pii.source_customer where :address in (email_normalised, phone_e164)"),
            {"address": address},
        ).scalars()
    )
    for channel in channels:
        _append(connection, keys, purpose, channel, now)
    digest = address_hash(pepper, address)
    if not keys:
        _suppress(connection, digest, now)
    audit(connection, actor, "withdraw_address", f"address {digest[:16]}", now, {"people": len(keys), "purpose": purpose})
    return {"people": len(keys), "suppressed": 0 if keys else 1}


def withdraw_hash(connection: Connection, digest: str, actor: str, now: datetime) -> None:
    """Suppress an address of which only the keyed hash is known, as tables of the marketing database show it."""
    _suppress(connection, digest, now)
    audit(connection, actor, "withdraw_address", f"address {digest[:16]}", now, {"suppressed": 1})


def _suppress(connection: Connection, digest: str, now: datetime) -> None:
    connection.execute(
        sa.text(
            "insert into privacy.suppression (address_hash, channel, reason, since) "
            "values (:digest, 'all', 'unsubscribed', :now) on conflict do nothing"
        ),
        {"digest": digest, "now": now},
    )


def _append(connection: Connection, keys: Sequence[int], purpose: str, channel: str, now: datetime) -> int:
    rows = [
        {
            "consent_key": row_key(SOURCE, secrets.token_hex(16)),
            "source_customer_key": key,
            "purpose": purpose,
            "channel": channel,
            "decision": "withdrawn",
            "decided_at": now,
            "origin": "entered by hand",
            "basis": "decision",
            "is_simulated": False,
        }
        for key in keys
    ]
    return append_decisions(connection, SOURCE, rows) if rows else 0
