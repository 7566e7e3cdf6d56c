"""Reading until two readings agree: for pages whose order is the API's own affair."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from retention.sources.rest.errors import PartialPage, SourceMoving
from retention.sources.rest.records import Row

_READINGS = 6

Version = Callable[[Row], bytes]
"""Identifies a row in its present state."""


def readings(
    at: str,
    chain: Callable[[], Iterator[list[Row]]],
    version: Version,
    is_enough: Callable[[], bool],
    lacking: Callable[[], int] = lambda: 0,
) -> Iterator[list[Row]]:
    """Yield the rows of a chain of pages, each state of a row once, read again until two readings in a row are the same.

    That nothing new comes would not do: a row that slid over a border in one reading can slide over another in the next. But
    what made it slide, a row that was read and then went, is missing from the next reading; so two that agree have not slid.

    Parameters
    ----------
    is_enough : callable
        Asked after the first reading: whether it was one state of the source, because it was one page, or because the API
        promises that its pages hold their place.
    lacking : callable
        How many rows the last reading brought less than the API counts. Rows that came meanwhile explain it once; what is
        lacking still when two readings agree is a failure.

    Raises
    ------
    PartialPage when the count is not reached; SourceMoving when no two readings agree.
    """
    seen: set[bytes] = set()
    before: set[bytes] | None = None
    for _ in range(_READINGS):
        now: set[bytes] = set()
        for rows in chain():
            fresh = []
            for row in rows:
                mark = version(row)
                now.add(mark)
                if mark not in seen:
                    seen.add(mark)
                    fresh.append(row)
            if fresh:
                yield fresh
        is_first, agrees, before = before is None, now == before, now
        if agrees or (is_first and is_enough() and not lacking()):
            if lacking():
                raise PartialPage(
                    f"{at}: the API counts {lacking()} records more than it delivers. Nothing landed; safe to retry."
                )
            return
    raise SourceMoving(
        f"{at}: of {_READINGS} readings no two in a row brought the same rows. Nothing landed; safe to retry at a quieter time."
    )
