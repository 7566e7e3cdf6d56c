"""Keyed pseudonyms: the only way an identifier of a person becomes a key.

A plain hash of a phone number or a customer number can be reversed by trying all of them. Every hash here is an HMAC
under the pepper, a secret made at set-up and never rotated (rotating it would give everybody a new key).
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Separates the parts of a key, so that ("ab", "c") and ("a", "bc") differ. No source id can hold it: control characters
# are refused by validation.
_SEPARATOR = b"\x1f"


def keyed_bigint(pepper: bytes, *parts: str) -> int:
    """Signed 64-bit integer from an HMAC over the parts, as PostgreSQL's bigint holds it.

    With ten million keys the chance of any collision is about 3 in a million, and a collision is caught by the
    primary key of the table which stores the key together with its source id.
    """
    digest = hmac.new(pepper, _SEPARATOR.join(part.encode() for part in parts), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def source_customer_key(pepper: bytes, source: str, customer_id: str) -> int:
    """Pseudonym of one customer id of one source.

    Parameters
    ----------
    pepper : bytes
        `run.secrets.pepper`.
    source, customer_id : str
        Name of the source, and the id exactly as landed (`1` and `01` are two ids).
    """
    return keyed_bigint(pepper, source, customer_id)


def row_key(source: str, number: str) -> int:
    """Key of one row of a source (a complaint, a consent, an event), as the SQL of core computes it.

    A plain hash: the number of a case is no identifier of a person, and SQL must be able to make the same key.
    """
    digest = hashlib.sha256(_SEPARATOR.join((source.encode(), number.encode()))).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def consent_key(source: str, number: str, purpose: str, channel: str, decision: str, decided_at: datetime) -> int:
    """Key of one decision in the ledger, as the SQL of the ledger computes it.

    What was decided, and when, is part of it: a source that changes a consent row in place has taken a new decision under
    an old number.
    """
    microseconds = (decided_at - _EPOCH) // timedelta(microseconds=1)
    return row_key(source, "\x1f".join((number, purpose, channel, decision, str(microseconds))))


def order_hash(pepper: bytes, source: str, order_id: str) -> int:
    """Keyed hash of one order number of one source, for orders whose customer was erased."""
    return keyed_bigint(pepper, "order", source, order_id)


def address_hash(pepper: bytes, address: str) -> str:
    """Hex HMAC-SHA-256 of a normalised e-mail address or E.164 phone number.

    Raises
    ------
    ValueError
        if the address is empty: the hash of nothing would match everybody without an address.
    """
    if not address:
        raise ValueError("an empty address has no hash")
    return hmac.new(pepper, _SEPARATOR.join((b"address", address.encode())), hashlib.sha256).hexdigest()
