"""The attributes of customers, filled in ranges of keys so that no statement needs the memory of all of them."""

from __future__ import annotations

import re

from retention.campaigns.compiling import Statement
from retention.warehouse import sql_file

_KEYS = 2**64
_LOWEST = -(2**63)
_PLACE = re.compile(r"/\* in bucket: ([a-z_.]+) \*/ true")


def attributes_query() -> Statement:
    """Return the statement that fills ``campaigns.customer_attributes`` for one bucket of customers.

    A bucket is a range of keys (which are hashes, so that ranges of one width are of one size): every table that is joined
    gives up its range by its index, where a remainder of the key would have each bucket read all of it again. All tables are
    told the range themselves, because the planner carries none from one side of a join to the other.
    """
    return Statement(_PLACE.sub(lambda place: _in_bucket(place[1]), sql_file("campaigns/customer_attributes")), {})


def _in_bucket(column: str) -> str:
    return f"{column} between {_start('cast(:bucket as numeric)', 0)} and {_start('(cast(:bucket as numeric) + 1)', 1)}"


def _start(bucket: str, less: int) -> str:
    """Compile the first key of a bucket, or the one before it; constant once the statement is planned."""
    return f"cast(trunc({bucket} * {_KEYS} / :bucket_count) + ({_LOWEST - less}) as bigint)"
