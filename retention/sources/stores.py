"""What extraction reads from: every kind of source that is asked for rows, behind one way of asking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from retention.sources.feeds import Columns
from retention.sources.spec import EntitySpec, SourceSpec
from retention.sources.sql import open_database
from retention.sources.window import Bound


class TableStore(AbstractContextManager["TableStore"], Protocol):
    """A source that answers requests for rows: a database, a REST API. (Files are due by day: ``FileStore``.)"""

    def read(
        self, spec: EntitySpec, lower: Bound | None, upper: datetime | None, check: Callable[[Sequence[str]], None]
    ) -> Iterator[Columns]:
        """Yield the rows with ``lower <= cursor < upper``; with ``cursor > lower`` where the cursor is a number.

        Without bounds, as for an entity that is always read whole, everything comes. ``check`` is given the columns found
        before the first row. Whatever keeps the rows from being read to their end is raised: an iterator that ends has
        delivered all.
        """
        ...

    def deletions(self, spec: EntitySpec, lower: datetime, upper: datetime) -> Iterator[Columns]:
        """Yield what the entity's feed reports as deleted in ``lower <= t < upper``.

        The columns are those of ``spec.key``, under these names, and ``deleted_at``, the time (null where the feed has none).
        It may report more than was asked for, and rows that nobody knows.
        """
        ...


def open_store(spec: SourceSpec, address: str) -> TableStore:
    """Open the database or API of a source."""
    if spec.kind == "rest":
        from retention.sources.rest import RestStore  # imports an HTTP client, which the other kinds do without

        return RestStore(address, spec)
    return open_database(address, spec.source)
