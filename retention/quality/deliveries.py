"""The deliveries of a business day: which batches there are, and whose numbers their rows use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.quality.errors import CheckFailed
from retention.warehouse import all_contracts

ORDER = (
    "market_indicator", "customer", "product", "order", "order_line", "customer_tag", "consent", "complaint", "interaction",
    "survey_answer", "referral", "campaign_event", "points_entry", "contract", "holding", "external_mention",
)  # fmt: skip
"""Entities in the order in which they refer to each other: what is referred to comes first."""

NUMBERED = ("customer", "product", "order")
"""Entities that others refer to by the source's own number."""


@dataclass(frozen=True)
class Delivery:
    """One landed batch.

    ``customer_source``, ``product_source`` and ``order_source`` say whose numbers its rows use: the source's own when it
    delivers that entity, else those of the one source that does.
    """

    batch_id: int
    source: str
    entity: str
    business_date: date
    state: str
    is_full: bool
    rows_extracted: int
    rows_duplicate: int
    rows_tombstoned: int
    customer_source: str | None
    product_source: str | None
    order_source: str | None
    is_replay: bool = False

    @property
    def where(self) -> str:
        """Source, entity, date and batch, for messages."""
        return f"{self.source}.{self.entity} {self.business_date} (batch {self.batch_id})"

    @property
    def table(self) -> str:
        """Landing table of the entity, quoted where its name needs it."""
        return landing_table(self.entity)

    def numbers_of(self, entity: str) -> str | None:
        """Return the source whose numbers of ``customer``, ``product`` or ``order`` the rows use."""
        return {"customer": self.customer_source, "product": self.product_source, "order": self.order_source}[entity]


def landing_table(entity: str) -> str:
    """Return the name of an entity's landing table, quoted where needed."""
    return f'landing."{entity}"'


def find_deliveries(connection: Connection, business_date: date, states: Sequence[str]) -> list[Delivery]:
    """Return the batches of a business day in the given states, in the order of :data:`ORDER`.

    Raises
    ------
    CheckFailed when it cannot be told whose customer numbers a source uses.
    """
    rows = connection.execute(
        sa.text(
            "select batch_id, source, entity, business_date, state, is_full, rows_extracted, rows_duplicate, rows_tombstoned, "
            "coalesce(message = 'replay', false) as is_replay "
            "from ops.batch where business_date = :business_date and state = any(:states) order by batch_id"
        ),
        {"business_date": business_date, "states": list(states)},
    ).all()
    owners = _owners(connection)
    known = {name.removeprefix("landing.") for name in all_contracts() if name.startswith("landing.")}
    found = [
        Delivery(
            **row._asdict(),
            customer_source=_numbering(owners["customer"], row.source, row.entity, "customer"),
            product_source=_numbering(owners["product"], row.source, row.entity, "product"),
            order_source=_numbering(owners["order"], row.source, row.entity, "order"),
        )
        for row in rows
        if row.entity in known  # streams such as consent@stream are read and published by their own tasks
    ]
    return sorted(found, key=lambda d: (ORDER.index(d.entity) if d.entity in ORDER else len(ORDER), d.batch_id))


def hold(connection: Connection, deliveries: Sequence[Delivery], state: str) -> None:
    """Lock batches for the rest of a transaction, so that nobody reads them again from their source meanwhile.

    Raises
    ------
    CheckFailed when one is no longer in the state: its rows have left landing.
    """
    held = connection.scalars(
        sa.text(
            "select batch_id from ops.batch where batch_id = any(:batches) and state = :state order by batch_id for update"
        ),
        {"batches": [delivery.batch_id for delivery in deliveries], "state": state},
    ).all()
    for delivery in deliveries:
        if delivery.batch_id not in held:
            raise CheckFailed(
                f"{delivery.where}: it was {state} and has been read again from its source meanwhile. Nothing published. Run "
                "the validation of this date, then publish.",
                runbook="not-validated",
            )


def numbers_used(connection: Connection, source: str, entity: str) -> dict[str, str | None]:
    """Return whose numbers of customers, products and orders the rows of a source's entity use, by entity referred to.

    Raises
    ------
    CheckFailed when it cannot be told.
    """
    owners = _owners(connection)
    return {numbered: _numbering(owners[numbered], source, entity, numbered) for numbered in NUMBERED}


def published_until(connection: Connection, business_date: date) -> date | None:
    """Return the newest day published by the daily reading, when it is this one or a later one; None otherwise.

    A later load has then brought what this day had: a backfill of the day finds no batch of its own, and nothing is missing.
    """
    newest: date | None = connection.execute(
        sa.text("select max(business_date) from ops.source_cursor where entity = any(:entities)"),
        {"entities": list(ORDER)},  # streams, consent and sweeps have cursors of their own
    ).scalar_one()
    return newest if newest is not None and newest >= business_date else None


def _owners(connection: Connection) -> dict[str, set[str]]:
    owners: dict[str, set[str]] = {entity: set() for entity in NUMBERED}
    for entity, source in connection.execute(
        sa.text(
            "select distinct entity, source from ops.batch "
            "where entity = any(:entities) and state in ('landed', 'validated', 'published')"
        ),
        {"entities": list(NUMBERED)},
    ):
        owners[entity].add(source)
    return owners


_REFERRING = {
    "product": {"order_line", "contract", "external_mention"},
    "order": {"order_line", "complaint"},
    "customer": {
        "customer_tag", "consent", "order", "complaint", "interaction", "survey_answer", "referral", "campaign_event",
        "points_entry", "contract", "holding",
    },
}  # fmt: skip


def _numbering(owners: Iterable[str], source: str, entity: str, numbered: str) -> str | None:
    owners = set(owners)
    if source in owners:
        return source
    if len(owners) == 1:
        return next(iter(owners))
    if len(owners) > 1 and entity in _REFERRING[numbered]:
        raise CheckFailed(
            f"{source}.{entity}: it names {numbered}s but delivers none, and {', '.join(sorted(owners))} all "
            "do: whose numbers it "
            f"uses cannot be told. Nothing published. Let {source} deliver the entity {numbered} too, with the "
            "numbers it uses.",
            runbook="whose-numbers",
        )
    return None
