"""The order of a paging column, as far as values alone can tell it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from retention.sources.rest.errors import RequestRefused
from retention.sources.rest.records import Row


class Ascending:
    """Checks that values come in ascending order: on this a keyset stands.

    An API may sort as numbers, as times or as text, and no single value tells which: ids of hexadecimal digits look like
    numbers now and then. So the order holds as long as one way of reading holds for all values.
    """

    def __init__(self, at: str, by: str, *, strictly: bool) -> None:
        self._at, self._by, self._strictly = at, by, strictly
        self._ways: list[Callable[[str], Any]] = [_number, _moment, str, str.casefold]
        self._last: str | None = None

    def check(self, rows: Sequence[Row]) -> None:
        """Look at the next rows.

        Raises
        ------
        RequestRefused when they do not follow those before, or have no value.
        """
        for row in rows:
            value = row.get(self._by)
            if value is None:
                raise RequestRefused(f"{self._at}: a record has no {self._by}, by which pages go. Nothing landed.")
            if self._last is not None:
                self._ways = [way for way in self._ways if self._follows(way(self._last), way(value))]
            if not self._ways:
                raise RequestRefused(
                    f"{self._at}: records are not in ascending order of {self._by}, or the API does not heed {{after}}. "
                    "Nothing landed. Correct the order and the filter in the request."
                )
            self._last = value

    def _follows(self, before: Any, after: Any) -> bool:
        if before is None or after is None:
            return False
        return bool(before < after or (before == after and not self._strictly))


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() else None


def _moment(value: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
