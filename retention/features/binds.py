"""The binds of the feature queries: the as-of date, the windows before it, and ranges of customers."""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from retention.settings import Settings

WINDOW_DAYS = (30, 60, 90, 180, 365)
"""Windows of the features, in business days before the as-of date. Column names carry them, so they are no setting."""

BEFORE_ALL_ORDERS = datetime(1, 1, 1, tzinfo=UTC)
"""A cut before which nothing lies: all of the ledger is read (``retention.features.past``)."""
_OFFSET_LOOKS_BACK_DAYS = 366 * 30
"""How far back the offset of the time zone is followed; orders before it are dated one by one."""
_SMALLEST_KEY, _LARGEST_KEY = -(2**63), 2**63 - 1
_BIND = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


def feature_binds(settings: Settings, as_of_date: date) -> dict[str, Any]:
    """Return every bind a feature query may use, for all customers as of a date.

    A window of n days holds the n business days before the as-of date: from ``since_<n>d`` (inclusive) to ``as_of``
    (exclusive), both midnights of the business time zone. Computed here and not by interval arithmetic in SQL, which would
    cut the days in the session's time zone.
    """
    since = {f"since_{days}d": settings.day_start(as_of_date - timedelta(days=days)) for days in WINDOW_DAYS}
    return {
        "as_of_date": as_of_date,
        "as_of": settings.day_start(as_of_date),
        **since,
        "business_timezone": settings.company.business_timezone,
        **_offset(settings.company.business_timezone, settings.day_start(as_of_date)),
        "minor_factor": 10**settings.company.base_currency_minor_digits,
        "acknowledge_hours": settings.complaints.acknowledge_hours,
        "first_reply_hours": settings.complaints.first_reply_hours,
        "lost_days": settings.lifecycle.lost_days,
        "membership_year_start": settings.day_start(membership_year_start(settings.membership.year_start, as_of_date)),
        "points_until": settings.day_start(as_of_date + timedelta(days=settings.membership.points_expiry_days)),
        "past_until": BEFORE_ALL_ORDERS,
        "leaves_out": True,
        "first_key": _SMALLEST_KEY,
        "last_key": _LARGEST_KEY,
    }


@cache
def _offset(timezone: str, until: datetime) -> dict[str, Any]:
    """Return the offset that a time zone has before an instant, in seconds, and a time since when it has had no other."""
    zone, since = ZoneInfo(timezone), until - timedelta(hours=1)
    offset = since.astimezone(zone).utcoffset()
    assert offset is not None
    for _ in range(_OFFSET_LOOKS_BACK_DAYS):
        earlier = since - timedelta(days=1)
        if earlier.astimezone(zone).utcoffset() != offset:
            break
        since = earlier
    return {"offset_since": since, "offset_seconds": offset.total_seconds()}


def membership_year_start(month_and_day: str, as_of_date: date) -> date:
    """Return the first day of the membership year that the day before ``as_of_date`` lies in.

    Parameters
    ----------
    month_and_day : str
        ``MM-DD``; 29 February starts on 1 March in other years.
    """
    month, day = (int(part) for part in month_and_day.split("-"))
    closed_day = as_of_date - timedelta(days=1)

    def start_in(year: int) -> date:
        return date(year, 3, 1) if (month, day) == (2, 29) and not isleap(year) else date(year, month, day)

    this_year = start_in(closed_day.year)
    return this_year if this_year <= closed_day else start_in(closed_day.year - 1)


def key_ranges(count: int) -> list[dict[str, int]]:
    """Cut all customers into ranges of keys, as binds ``first_key`` and ``last_key`` (both inclusive).

    Keys are hashes, so equal ranges hold about equally many customers; and unlike a bucket by remainder, a range is read
    straight from the index without looking at the others' rows.
    """
    if count < 1:
        raise ValueError(f"customers are cut into at least 1 range, not {count}")
    edges = [_SMALLEST_KEY + (2**64 * i) // count for i in range(count + 1)]
    return [{"first_key": edges[i], "last_key": edges[i + 1] - 1} for i in range(count)]


def used_binds(sql: str, binds: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the binds that a query names."""
    names = set(_BIND.findall(sql))
    return {name: value for name, value in binds.items() if name in names}
