"""Requests of customers about their own data: received, kept until handled, closed with a receipt."""

from __future__ import annotations

import json
import secrets as random
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.pseudonyms import source_customer_key
from retention.privacy.subject import Subject, linked_keys
from retention.warehouse import RetentionError, Warehouse


class RequestRefused(RetentionError):
    """A request does not say whom it is about."""

    runbook = "privacy-request"


def request_erasure(
    warehouse: Warehouse,
    *,
    requested_by: str,
    now: datetime,
    source: str | None = None,
    customer_id: str | None = None,
    customer_key: int | None = None,
    pepper: bytes | None = None,
) -> str:
    """Enter the wish of one person to be erased; :func:`retention.privacy.handle_requests` carries it out.

    Name the person by source and customer id (with the pepper), or by customer_key. Somebody we do not know (yet) is
    accepted too: the tombstone keeps them out when a source delivers them. Asking twice while the first request is open
    gives the same request.

    Parameters
    ----------
    warehouse : Warehouse
        The warehouse.
    requested_by : str
        Staff account that enters the wish; goes to the audit.
    now : datetime
        When the wish was received, aware.
    source, customer_id : str, optional
        How a source knows the person.
    customer_key : int, optional
        The person's pseudonym.
    pepper : bytes, optional
        `run.secrets.pepper`; needed with source and customer id.

    Returns
    -------
    The number of the request.

    Raises
    ------
    RequestRefused when it does not name exactly one person, or names a customer_key nobody has.
    """
    return _enter(warehouse, "erasure", requested_by, now, source, customer_id, customer_key, pepper)


def request_access(
    warehouse: Warehouse,
    *,
    requested_by: str,
    now: datetime,
    source: str | None = None,
    customer_id: str | None = None,
    customer_key: int | None = None,
    pepper: bytes | None = None,
) -> str:
    """Enter the wish of one person for a copy of their data; parameters as in :func:`request_erasure`."""
    return _enter(warehouse, "access", requested_by, now, source, customer_id, customer_key, pepper)


def _enter(
    warehouse: Warehouse,
    kind: str,
    requested_by: str,
    now: datetime,
    source: str | None,
    customer_id: str | None,
    customer_key: int | None,
    pepper: bytes | None,
) -> str:
    by_id = source is not None and customer_id is not None and pepper is not None
    if by_id == (customer_key is not None):
        raise RequestRefused(f"{kind} request: name one person, by source and customer id or by customer_key. Nothing entered.")
    ids: frozenset[tuple[str, str]] = frozenset()
    if source is not None and customer_id is not None and pepper is not None:
        key = source_customer_key(pepper, source, customer_id)
        ids = frozenset({(source, customer_id)})
    else:
        assert customer_key is not None
        key = customer_key
    with warehouse.begin() as connection:
        # One at a time: two requests about one person entered at once become one.
        connection.execute(sa.text("select pg_advisory_xact_lock(hashtext('retention.privacy.request'))"))
        keys = linked_keys(connection, {key})
        known = _customer_key(connection, key)
        if known is None and not ids:
            raise RequestRefused(f"{kind} request: no customer has the key {key}. Nothing entered.")
        existing = connection.execute(
            sa.text(
                "select request_id from privacy.request where kind = :kind and state <> 'done' "
                "and source_customer_keys && cast(:keys as bigint[]) order by requested_at limit 1"
            ),
            {"kind": kind, "keys": sorted(keys)},
        ).scalar()
        if existing:
            return str(existing)
        request_id = random.token_hex(8)
        connection.execute(
            sa.text(
                "insert into privacy.request (request_id, kind, customer_key, source_customer_keys, subject, state, "
                "requested_by, requested_at) values (:request_id, :kind, :customer_key, :keys, "
                "cast(:subject as jsonb), 'open', :requested_by, :now)"
            ),
            {
                "request_id": request_id,
                "kind": kind,
                "customer_key": known,
                "keys": sorted(keys),
                "subject": json.dumps(Subject(keys=keys, ids=ids).to_json()),
                "requested_by": requested_by,
                "now": now,
            },
        )
        audit(connection, requested_by, f"request_{kind}", request_id, now)
    return request_id


def _customer_key(connection: Connection, key: int) -> int | None:
    found = connection.execute(
        sa.text("select customer_key from core.customer_alias where source_customer_key = :key or customer_key = :key limit 1"),
        {"key": key},
    ).scalar()
    return None if found is None else int(found)


def audit(
    connection: Connection, actor: str, action: str, subject: str, now: datetime, details: dict[str, Any] | None = None
) -> None:
    """Write one line into the audit: who did what to which request, never a value of the person."""
    connection.execute(
        sa.text(
            "insert into ops.audit (happened_at, actor, action, subject, details) "
            "values (:now, :actor, :action, :subject, cast(:details as jsonb))"
        ),
        {"now": now, "actor": actor, "action": action, "subject": subject, "details": json.dumps(details or {})},
    )
