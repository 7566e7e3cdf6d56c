"""What is kept of a listing: counts, and the pseudonyms of those who could not be listed. No address, no key."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.campaigns.match_keys.listing import Listing

_CHUNK = 50_000


def record(connection: Connection, listing: Listing, measured_on: date, now: datetime) -> None:
    """Write coverage and rejects of a listing, in the place of what was measured before."""
    which = {"campaign": listing.campaign, "recipe": listing.recipe.name}
    connection.execute(
        sa.text(
            "delete from campaigns.match_key_coverage where campaign = :campaign and recipe = :recipe "
            "and measured_on = :measured_on"
        ),
        {**which, "measured_on": measured_on},
    )
    connection.execute(
        sa.text(
            "insert into campaigns.match_key_coverage (campaign, recipe, key, measured_on, members, listed, missing, invalid, "
            "already_hashed, duplicate, withheld, shared, measured_at) values (:campaign, :recipe, :key, :measured_on, "
            ":members, :listed, :missing, :invalid, :already_hashed, :duplicate, :withheld, :shared, :now)"
        ),
        [{**which, "measured_on": measured_on, "now": now, **vars(counts)} for counts in listing.coverage],
    )
    connection.execute(sa.text("delete from campaigns.match_key_reject where campaign = :campaign and recipe = :recipe"), which)
    for start in range(0, len(listing.rejects), _CHUNK):
        part = listing.rejects.iloc[start : start + _CHUNK]
        connection.execute(
            sa.text(
                "insert into campaigns.match_key_reject (campaign, recipe, customer_key, key, reason, measured_at) "
                "select :campaign, :recipe, customer_key, key, reason, :now from unnest(cast(:customer_keys as bigint[]), "
                "cast(:keys as text[]), cast(:reasons as text[])) as reject (customer_key, key, reason)"
            ),
            {
                **which,
                "now": now,
                "customer_keys": part["customer_key"].tolist(),
                "keys": part["key"].tolist(),
                "reasons": part["reason"].tolist(),
            },
        )
