"""What marketing tools report back: from ``marketing.campaign_event`` into ``core.campaign_event``."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from retention.privacy.pseudonyms import row_key
from retention.warehouse import Run, lease

SOURCE = "marketing"
_CURSOR = "campaign_event"
# Events become visible when the tool commits, which can be after the time they carry: reading starts this much earlier.
_OVERLAP = timedelta(hours=6)
_CHUNK = 20_000


def read_feedback(run: Run) -> dict[str, int]:
    """Append the events that tools reported since the last reading to ``core.campaign_event``.

    Each event has a key from its number, so reading it again changes nothing. Events of people who were erased are dropped and
    counted; merged people's events go to the person.

    Returns
    -------
    Counts: read, added, of erased people.
    """
    counts = {"events_read": 0, "events_added": 0, "events_of_erased": 0}
    if run.marketing is None:
        return counts
    with lease(run, "feedback") as held:
        with run.warehouse.connect() as connection:
            cursor = connection.execute(
                sa.text("select cursor_value from ops.source_cursor where source = :source and entity = :entity"),
                {"source": SOURCE, "entity": _CURSOR},
            ).scalar()
            tombstones = set(connection.execute(sa.text("select source_customer_key from privacy.tombstone")).scalars())
        since = datetime.fromisoformat(cursor) - _OVERLAP if cursor else None
        with run.marketing.connect() as connection:
            reached = connection.execute(sa.text("select now()")).scalar_one()
            events = connection.execute(
                sa.text(
                    "select event_id, campaign, customer_key, send_key, channel, kind, occurred_at, recorded_at "
                    "from marketing.campaign_event "
                    "where recorded_at >= coalesce(cast(:since as timestamptz), '-infinity') order by event_id"
                ),
                {"since": since},
            ).all()
        kept = [event for event in events if event.customer_key not in tombstones]
        counts["events_read"] = len(events)
        counts["events_of_erased"] = len(events) - len(kept)
        statement = sa.text(
            "insert into core.campaign_event (event_key, source_customer_key, customer_key, campaign, channel, kind, send_key, "
            "happened_at, source, batch_id, updated_at, is_simulated) "
            "select event.event_key, event.customer_key, coalesce(alias.customer_key, event.customer_key), event.campaign, "
            "event.channel, event.kind, event.send_key, event.occurred_at, :source, 0, event.recorded_at, false "
            "from unnest(cast(:event_key as bigint[]), cast(:customer_key as bigint[]), cast(:campaign as text[]), "
            "cast(:channel as text[]), cast(:kind as text[]), cast(:send_key as text[]), cast(:occurred_at as timestamptz[]), "
            "cast(:recorded_at as timestamptz[])) as event (event_key, customer_key, campaign, channel, kind, send_key, "
            "occurred_at, recorded_at) "
            "left join core.customer_alias as alias on event.customer_key = alias.source_customer_key "
            "on conflict (event_key) do nothing"
        )
        names = ("customer_key", "campaign", "channel", "kind", "send_key", "occurred_at", "recorded_at")
        with held.publishing() as connection:
            for start in range(0, len(kept), _CHUNK):
                part = kept[start : start + _CHUNK]
                columns = {name: [getattr(event, name) for event in part] for name in names}
                keys = [row_key(SOURCE, str(event.event_id)) for event in part]
                result = connection.execute(statement, {"source": SOURCE, "event_key": keys, **columns})
                counts["events_added"] += int(result.rowcount)
            connection.execute(
                sa.text(
                    "insert into ops.source_cursor (source, entity, cursor_value, business_date) "
                    "values (:source, :entity, :cursor_value, :business_date) on conflict (source, entity) do update set "
                    "cursor_value = excluded.cursor_value, business_date = excluded.business_date, "
                    "updated_at = clock_timestamp()"
                ),
                {
                    "source": SOURCE,
                    "entity": _CURSOR,
                    "cursor_value": reached.isoformat(),
                    "business_date": run.business_date,
                },
            )
            held.counts.update(counts)
    return counts
