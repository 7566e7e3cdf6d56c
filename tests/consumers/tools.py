"""Reference consumers of the marketing database: one polls, one follows by difference, one claims. Each needs nothing but its role.

They are the examples of docs/marketing-contract.md, which shows their statements.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

READ = "select campaign, customer_key, send_key, channel, offer from marketing.sendable order by priority desc, send_key"
FOLLOW = "select * from marketing.audience_change where sequence > %(sequence)s order by sequence"
MAY_SEND = "select send_key from marketing.sendable where send_key = any(%(send_keys)s)"
CLAIM = "insert into marketing.acknowledgement (send_key, tool) values (%(send_key)s, %(tool)s) on conflict do nothing"
REPORT = (
    "insert into marketing.campaign_event (campaign, customer_key, send_key, channel, kind, occurred_at) "
    "values (%(campaign)s, %(customer_key)s, %(send_key)s, %(channel)s, 'sent', now())"
)


@dataclass
class Provider:
    """Whoever delivers messages. Like the good ones, it takes a key once and answers a repetition without sending again."""

    delivered: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def send(self, send_key: str) -> None:
        """Deliver a message unless its key was delivered before."""
        self.asked.append(send_key)
        if send_key not in self.delivered:
            self.delivered.append(send_key)


@dataclass
class Tool:
    """What the three have in common: an address, the role ``marketing_tool`` and a provider."""

    url: str
    provider: Provider = field(default_factory=Provider)

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection[dict[str, Any]]]:
        """Open a connection with the rights of a marketing tool and nothing more."""
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            connection.execute("set role marketing_tool")
            yield connection


@dataclass
class Polling(Tool):
    """Reads who may be contacted, sends to whom it has not sent, remembers the keys. It may be run as often as one likes."""

    sent: set[str] = field(default_factory=set)

    def run(self) -> list[str]:
        """Send what is new; return the keys sent."""
        with self.connect() as connection:
            new = [row for row in connection.execute(READ) if row["send_key"] not in self.sent]
            for row in new:
                self.sent.add(row["send_key"])
                self.provider.send(row["send_key"])
                connection.execute(REPORT, row)
        return [row["send_key"] for row in new]


@dataclass
class Differencing(Tool):
    """Keeps a copy of the audiences by reading the changes in order, and asks ``sendable`` before a message goes out."""

    sequence: int = 0
    members: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)

    def follow(self) -> int:
        """Apply the changes since the last time; return how many."""
        with self.connect() as connection:
            rows = connection.execute(FOLLOW, {"sequence": self.sequence}).fetchall()
        for row in rows:
            place = (row["campaign"], row["customer_key"])
            if row["change"] == "removed":
                self.members.pop(place, None)  # an erased person is removed from whatever they ever were in
            else:
                self.members[place] = row
            self.sequence = row["sequence"]
        return len(rows)

    def run(self) -> list[str]:
        """Follow, then send to members who have a key not used yet and may be contacted at this moment."""
        self.follow()
        waiting = [row["send_key"] for row in self.members.values() if row["send_key"] not in self.sent]
        with self.connect() as connection:
            allowed = [row["send_key"] for row in connection.execute(MAY_SEND, {"send_keys": waiting})]
        for send_key in allowed:
            self.sent.add(send_key)
            self.provider.send(send_key)
        return allowed


@dataclass
class Claiming(Tool):
    """One of several workers: takes a row over before it sends, so that no other worker and no other tool sees it again."""

    name: str = "mailer"
    outbox: list[str] = field(default_factory=list)
    """Keys claimed and not handed to the provider yet; kept by the tool, so that a worker that died is finished by the next."""

    def claim(self, at_most: int = 10) -> list[str]:
        """Take rows over; return the keys that are now this worker's alone."""
        mine = []
        with self.connect() as connection:
            for row in connection.execute(READ).fetchall():
                if len(mine) == at_most:
                    break
                claimed = connection.execute(CLAIM, {"send_key": row["send_key"], "tool": self.name}).rowcount
                if claimed:
                    mine.append(row["send_key"])
            # In the outbox before the claim commits: dying in between offers the rows again, under the same keys.
            self.outbox.extend(mine)
        return mine

    def deliver(self) -> None:
        """Hand the outbox to the provider, also what a worker that died left in it."""
        while self.outbox:
            self.provider.send(self.outbox[0])
            self.outbox.pop(0)
