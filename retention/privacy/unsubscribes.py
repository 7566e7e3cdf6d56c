"""Unsubscribes from campaign feedback: events that marketing tools and sources report become decisions in the ledger.

``unsubscribed`` and ``complained`` (reported as spam) are withdrawals of marketing on the channel they came by. ``bounced`` is
no decision of anybody: it never enters the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.privacy.ledger import CHANNELS, append_decisions, erased_keys
from retention.privacy.pseudonyms import row_key
from retention.warehouse import Run

# A tool's clock may say anything, even infinity: beyond reason, the time of the report stands for it.
_REPORTED = """
select event_id, customer_key, channel, kind,
    case when occurred_at between '1970-01-01' and recorded_at + interval '1 day' then occurred_at else recorded_at end as at
from marketing.campaign_event
where kind in ('unsubscribed', 'complained') and recorded_at >= coalesce(cast(:since as timestamptz), '-infinity')
order by event_id
"""

_DELIVERED = """
select event.event_key, event.source, event.source_customer_key, event.channel, event.kind, event.happened_at as at,
    event.is_simulated
from core.campaign_event as event
inner join ops.batch as batch on event.batch_id = batch.batch_id
where event.kind in ('unsubscribed', 'complained')
    and (cast(:since as timestamptz) is null or batch.published_at >= cast(:since as timestamptz))
order by event.event_key
"""


def collect_unsubscribes(run: Run, connection: Connection, since: datetime | None) -> int:
    """Append the unsubscribes reported since an instant to the ledger; an event's number keeps it from counting twice.

    Reads what tools inserted into ``marketing.campaign_event``, and what sources delivered as ``campaign_event``.

    Returns
    -------
    Decisions added.
    """
    assert run.marketing is not None
    with run.marketing.connect() as marketing:
        reported = marketing.execute(sa.text(_REPORTED), {"since": since}).all()
    tombstones = erased_keys(connection)
    added = _append(
        connection,
        "marketing",
        (
            _withdrawal(row_key("marketing", f"campaign_event {event.event_id}"), event.customer_key, event)
            for event in reported
            if event.customer_key not in tombstones
        ),
    )
    by_source: dict[str, list[dict[str, Any]]] = {}
    for event in connection.execute(sa.text(_DELIVERED), {"since": since}):
        entry = _withdrawal(
            row_key(event.source, f"campaign_event {event.event_key}"), event.source_customer_key, event, event.is_simulated
        )
        by_source.setdefault(event.source, []).append(entry)
    return added + sum(_append(connection, source, entries) for source, entries in by_source.items())


def _withdrawal(key: int, person: int, event: sa.Row[Any], is_simulated: bool = False) -> dict[str, Any]:
    return {
        "consent_key": key,
        "source_customer_key": person,
        "purpose": "marketing",
        # A channel we do not know might be any.
        "channel": event.channel if event.channel in CHANNELS else "all",
        "decision": "withdrawn",
        "decided_at": event.at,
        "origin": "campaign_event" if event.kind == "unsubscribed" else "campaign_event: complained",
        "basis": "decision",
        "is_simulated": is_simulated,
    }


def _append(connection: Connection, source: str, entries: Iterable[dict[str, Any]]) -> int:
    rows = list(entries)
    return append_decisions(connection, source, rows) if rows else 0
