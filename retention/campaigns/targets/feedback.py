"""What tools reported to a target, entered in the marketing database as if it had been reported there.

An event is entered once, whatever dies in between: its number is kept beside it in the same transaction until the target has
marked it as read. It does so in the transaction that brings it the consequences: an unsubscribe there counts without a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from retention.campaigns.receipts import marketing_of
from retention.campaigns.targets.connections import OpenTarget
from retention.warehouse import Run, failpoint


@dataclass(frozen=True)
class Feedback:
    """What was read from a target, to be marked there as read."""

    events: tuple[int, ...] = ()
    acknowledged: tuple[str, ...] = ()


def collect(run: Run, there: OpenTarget) -> Feedback:
    """Enter what is new at a target in the marketing database."""
    layout = there.layout
    with there.begin("reading events") as connection:
        not_read = sa.false()
        events = connection.execute(sa.select(layout.event).where(layout.event.c.is_read == not_read)).mappings().all()
        taken = connection.execute(
            sa.select(layout.acknowledgement).where(layout.acknowledgement.c.is_read == not_read)
        ).mappings().all()  # fmt: skip
    found = Feedback(
        events=tuple(sorted(event["event_id"] for event in events)),
        acknowledged=tuple(sorted(row["send_key"] for row in taken)),
    )
    _enter(run, there.target.target, events, taken)
    failpoint("target.feedback_entered")
    return found


def _enter(run: Run, target: str, events: Sequence[Any], taken: Sequence[Any]) -> None:
    numbers = [event["event_id"] for event in events]
    with marketing_of(run).begin() as connection:
        connection.execute(
            sa.text(
                "delete from marketing.target_event where target = :target and event_id <> all(cast(:numbers as bigint[]))"
            ),
            {"target": target, "numbers": numbers},
        )
        if numbers:
            new = set(
                connection.execute(
                    sa.text(
                        "insert into marketing.target_event (target, event_id) select :target, number "
                        "from unnest(cast(:numbers as bigint[])) as number on conflict do nothing returning event_id"
                    ),
                    {"target": target, "numbers": numbers},
                ).scalars()
            )
            rows = [
                {name: event[name] for name in ("campaign", "customer_key", "send_key", "channel", "kind", "occurred_at")}
                for event in events
                if event["event_id"] in new
            ]
            if rows:
                connection.execute(
                    sa.text(
                        "insert into marketing.campaign_event (campaign, customer_key, send_key, channel, kind, occurred_at) "
                        "select :campaign, :customer_key, :send_key, :channel, :kind, :occurred_at "
                        # Nothing of somebody erased comes back by this way.
                        "where not exists (select 1 from marketing.audience_change where customer_key = :customer_key "
                        "and reason = 'erased')"
                    ),
                    rows,
                )
        if taken:
            connection.execute(
                sa.text(
                    "insert into marketing.acknowledgement (send_key, tool) select :send_key, :tool "
                    "where exists (select 1 from marketing.issued_send_key where send_key = :send_key) "
                    "on conflict (send_key) do nothing"
                ),
                [{"send_key": row["send_key"], "tool": row["tool"]} for row in taken],
            )
