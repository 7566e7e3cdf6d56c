"""Unsubscribes from campaign feedback: events that marketing tools and sources report become decisions in the ledger.

``unsubscribed`` and ``complained`` (reported as spam) are withdrawals of marketing on the channel they came by. From service
messages one unsubscribes by campaign: which one it was is kept beside the ledger (``privacy.campaign_refusal``), so that a
service play is not planned for who wants no more of it. ``bounced`` is no decision of anybody: it never enters either.
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
select event_id, customer_key, campaign, channel, kind,
    case when occurred_at between '1970-01-01' and recorded_at + interval '1 day' then occurred_at else recorded_at end as at
from marketing.campaign_event
where kind in ('unsubscribed', 'complained') and recorded_at >= coalesce(cast(:since as timestamptz), '-infinity')
order by event_id
"""

_DELIVERED = """
select event.event_key, event.source, event.source_customer_key, event.campaign, event.channel, event.kind,
    event.happened_at as at, event.is_simulated
from core.campaign_event as event
inner join ops.batch as batch on event.batch_id = batch.batch_id
where event.kind in ('unsubscribed', 'complained')
    and (cast(:since as timestamptz) is null or batch.published_at >= cast(:since as timestamptz))
order by event.event_key
"""


def collect_unsubscribes(run: Run, connection: Connection, since: datetime | None) -> int:
    """Append the unsubscribes reported since an instant to the ledger; an event's number keeps it from counting twice.

    Reads what tools inserted into ``marketing.campaign_event``, and what sources delivered as ``campaign_event``. Events that
    name their campaign are kept in ``privacy.campaign_refusal`` too.

    Returns
    -------
    Decisions added to the ledger.
    """
    assert run.marketing is not None
    with run.marketing.connect() as marketing:
        reported = marketing.execute(sa.text(_REPORTED), {"since": since}).all()
    tombstones = erased_keys(connection)
    by_source: dict[str, list[dict[str, Any]]] = {}
    for event in reported:
        if event.customer_key not in tombstones:
            key = row_key("marketing", f"campaign_event {event.event_id}")
            by_source.setdefault("marketing", []).append(_withdrawal(key, event.customer_key, event))
    for event in connection.execute(sa.text(_DELIVERED), {"since": since}):
        key = row_key(event.source, f"campaign_event {event.event_key}")
        entry = _withdrawal(key, event.source_customer_key, event, event.is_simulated)
        by_source.setdefault(event.source, []).append(entry)
    for entries in by_source.values():
        _refuse_campaigns(connection, entries)
    return sum(append_decisions(connection, source, entries) for source, entries in by_source.items())


def _withdrawal(key: int, person: int, event: sa.Row[Any], is_simulated: bool = False) -> dict[str, Any]:
    return {
        "consent_key": key,
        "source_customer_key": person,
        "purpose": "marketing",
        # A channel we do not know might be any.
        "channel": event.channel if event.channel in CHANNELS else "all",
        "decision": "withdrawn",
        "campaign": event.campaign,
        "decided_at": event.at,
        "origin": "campaign_event" if event.kind == "unsubscribed" else "campaign_event: complained",
        "basis": "decision",
        "is_simulated": is_simulated,
    }


_REFUSED = """
insert into privacy.campaign_refusal (event_key, source_customer_key, customer_key, campaign, channel, refused_at)
select row.event_key, row.person, coalesce(alias.customer_key, row.person), row.campaign, row.channel, row.refused_at
from unnest(cast(:event_key as bigint[]), cast(:person as bigint[]), cast(:campaign as text[]), cast(:channel as text[]),
    cast(:refused_at as timestamptz[])) as row (event_key, person, campaign, channel, refused_at)
left join core.customer_alias as alias on row.person = alias.source_customer_key
on conflict (event_key) do nothing
"""


def _refuse_campaigns(connection: Connection, entries: Iterable[dict[str, Any]]) -> None:
    """Keep which campaign each unsubscribe was about, where the event says so."""
    told = [entry for entry in entries if entry["campaign"]]
    if told:
        names = {
            "event_key": "consent_key", "person": "source_customer_key", "campaign": "campaign", "channel": "channel",
            "refused_at": "decided_at",
        }  # fmt: skip
        connection.execute(sa.text(_REFUSED), {bind: [entry[name] for entry in told] for bind, name in names.items()})
