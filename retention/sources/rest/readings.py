"""Reading again until nothing new comes: for pages whose order is the API's own affair."""

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
    """Yield the rows of a chain of pages, read again until a reading brings nothing new.

    Parameters
    ----------
    is_enough : callable
        Asked after the first reading: whether it was one state of the source, because it was one page, or because the API
        promises that its pages hold their place.
    lacking : callable
        How many rows the last reading brought less than the API counts. Rows that came meanwhile explain it once; what is
        lacking still when nothing new comes is a failure.

    Raises
    ------
    PartialPage when the count is not reached; SourceMoving when no two readings agree.
    """
    seen: set[bytes] = set()
    for number in range(_READINGS):
        found = 0
        for rows in chain():
            fresh = []
            for row in rows:
                if (mark := version(row)) not in seen:
                    seen.add(mark)
                    fresh.append(row)
            found += len(fresh)
            if fresh:
                yield fresh
        if (number == 0 and is_enough() and not lacking()) or (number > 0 and not found):
            if lacking():
                raise PartialPage(
                    f"{at}: the API counts {lacking()} records more than it delivers. Nothing landed; safe to retry."
                )
            return
    raise SourceMoving(
        f"{at}: {_READINGS} readings in a row each brought rows that the one before had not. Nothing landed; safe to retry "
        "at a quieter time."
    )
