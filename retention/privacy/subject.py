"""Who a request is about: every id, key, order and address of one person, collected before anything is removed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.pseudonyms import source_customer_key


@dataclass(frozen=True)
class Subject:
    """One person as the stores know them. Held in the open request only; never logged, never in a receipt."""

    keys: frozenset[int]
    """Every source_customer_key of the person. A customer_key is always one of them, before and after a merge."""
    ids: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)
    """(source, customer id) pairs."""
    orders: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)
    """(source, order id) pairs: order lines name the order only."""
    addresses: frozenset[str] = field(default=frozenset(), repr=False)
    """E-mail addresses and phone numbers, as delivered and normalised."""
    normalised: frozenset[str] = field(default=frozenset(), repr=False)
    """The normalised ones among the addresses: what suppression is kept for."""
    names: frozenset[str] = field(default=frozenset(), repr=False)

    def __or__(self, other: Subject) -> Subject:
        """Both together: what a first, interrupted try found may be gone from the stores by now."""
        return Subject(
            *(
                getattr(self, name) | getattr(other, name)
                for name in ("keys", "ids", "orders", "addresses", "normalised", "names")
            )
        )

    def to_json(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return {name: sorted(values) for name, values in asdict(self).items()}

    @classmethod
    def from_json(cls, stored: dict[str, Any] | None) -> Subject:
        """Return what :meth:`to_json` gave; nothing gives a subject without keys."""
        raw = stored or {}
        return cls(
            keys=frozenset(raw.get("keys", ())),
            ids=frozenset((s, i) for s, i in raw.get("ids", ())),
            orders=frozenset((s, i) for s, i in raw.get("orders", ())),
            addresses=frozenset(raw.get("addresses", ())),
            normalised=frozenset(raw.get("normalised", ())),
            names=frozenset(raw.get("names", ())),
        )


def linked_keys(connection: Connection, keys: Iterable[int]) -> frozenset[int]:
    """Return every source customer key of the people that these keys belong to, the given ones included."""
    rows = connection.execute(
        sa.text(
            "with people as (select customer_key from core.customer_alias "
            "where source_customer_key = any(:keys) or customer_key = any(:keys)) "
            "select source_customer_key from core.customer_alias where customer_key in (select customer_key from people) "
            "union select customer_key from people"
        ),
        {"keys": list(keys)},
    ).scalars()
    return frozenset(keys) | frozenset(rows)


def collect(connection: Connection, pepper: bytes, known: Subject) -> Subject:
    """Find everything else that belongs to the person of which some keys or ids are known.

    Looks in core and pii, and in landing for what was delivered but not published yet.
    """
    keys = linked_keys(connection, known.keys | {source_customer_key(pepper, *pair) for pair in known.ids})
    records = connection.execute(
        sa.text(
            "select source, customer_id, name, email, phone, email_normalised, phone_e164 from pii.source_customer "
            "where source_customer_key = any(:keys) or customer_key = any(:keys)"
        ),
        {"keys": list(keys)},
    ).all()
    ids = known.ids | {(record.source, record.customer_id) for record in records}
    # Addresses they have left, at which they said no: without them an erasure would take the no back.
    refused_at = frozenset(
        connection.execute(
            sa.text("select address from pii.address_refusal where customer_key = any(:keys)"), {"keys": list(keys)}
        ).scalars()
    )
    sources, numbers = [source for source, _ in ids], [number for _, number in ids]
    delivered = connection.execute(
        sa.text(
            "select customer.name, customer.email, customer.phone from landing.customer as customer "
            "inner join ops.batch as batch on customer.batch_id = batch.batch_id "
            "inner join unnest(cast(:sources as text[]), cast(:numbers as text[])) as person (source, customer_id) "
            "on batch.source = person.source and customer.customer_id = person.customer_id"
        ),
        {"sources": sources, "numbers": numbers},
    ).all()
    orders = connection.execute(
        sa.text(
            "select source, order_id from core.order_header where customer_key = any(:keys) "
            'union select batch.source, landed.order_id from landing."order" as landed '
            "inner join ops.batch as batch on landed.batch_id = batch.batch_id "
            "where landed.order_id is not null and exists ("
            "select 1 from unnest(cast(:sources as text[]), cast(:numbers as text[])) as person (source, customer_id) "
            "where person.customer_id = landed.customer_id and (person.source = batch.source or not exists ("
            "select 1 from pii.source_customer as other where other.source = batch.source)))"
        ),
        {"keys": list(keys), "sources": sources, "numbers": numbers},
    ).all()
    found = Subject(
        keys=keys | {source_customer_key(pepper, *pair) for pair in ids},
        ids=frozenset(ids),
        orders=frozenset((order.source, order.order_id) for order in orders),
        addresses=frozenset(
            value
            for record in (*records, *delivered)
            for value in (record.email, record.phone, *((record[5], record[6]) if len(record) > 5 else ()))
            if value
        )
        | refused_at,
        normalised=frozenset(value for record in records for value in (record.email_normalised, record.phone_e164) if value)
        | refused_at,
        names=frozenset(record.name for record in (*records, *delivered) if record.name),
    )
    return known | found
