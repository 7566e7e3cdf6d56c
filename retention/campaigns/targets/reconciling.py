"""Reconciliation: what a target holds, read back and counted. Success is what is there, not what was sent."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from retention.campaigns.targets.connections import OpenTarget


def read_back(there: OpenTarget) -> tuple[int, str]:
    """Return number and checksum of the members that a target holds, as ``marketing.audience_sync`` computes them.

    The first 60 bits of md5(campaign|customer_key|send_key|channel|offer), summed: the order of rows does not matter, and a
    member that is there twice shows.
    """
    table, total, summed = there.layout.audience, 0, 0
    columns = (table.c.campaign, table.c.customer_key, table.c.send_key, table.c.channel, table.c.offer)
    with there.begin("reading its members back") as connection:
        rows = connection.execution_options(yield_per=there.target.batch_rows).execute(sa.select(*columns))
        for row in rows:
            total += 1
            digest = hashlib.md5("|".join(map(str, row)).encode(), usedforsecurity=False).hexdigest()
            summed += int(digest[:15], 16)
    return total, str(summed)
