"""Which rows of an entity are read this time: the bounds of its cursor, and what becomes the next lower one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from retention.sources.errors import SourceUnreadable, SpecError
from retention.sources.mapping import canonical_text
from retention.sources.spec import EntitySpec, SourceSpec
from retention.warehouse import Run

Bound = datetime | int
"""A lower bound: an instant, or the greatest number published."""


@dataclass
class Window:
    """The part of one entity that one extraction reads.

    ``incremental`` reads ``lower <= cursor < upper``, the bounds being midnights of business days; an ``integer`` cursor reads
    ``cursor > lower``, everything that is there. ``full`` and ``snapshot`` have no bounds.
    """

    entity: EntitySpec
    stored: str | None
    """Cursor as published; None before the first time."""
    published: date | None
    """Business day published last."""
    lower: Bound | None
    upper: datetime | None
    deletions_since: datetime | None
    """From when on deletions are news; None before the first time."""
    day_end: datetime
    greatest: int | None = None
    """Greatest number seen of an integer cursor."""

    @property
    def is_first(self) -> bool:
        """Whether nothing was published before."""
        return self.stored is None

    @property
    def is_full(self) -> bool:
        """Whether everything is read rather than what changed."""
        return self.is_first or self.entity.mode != "incremental"

    @property
    def reached(self) -> str | None:
        """What becomes the cursor once the batch is published."""
        if not _counts(self.entity):
            return self.day_end.isoformat()
        known = [value for value in (self.lower, self.greatest) if isinstance(value, int)]
        return str(max(known)) if known else None

    def see(self, columns: Mapping[str, pa.Array]) -> None:
        """Look at the cursor of rows that were read."""
        if not _counts(self.entity) or self.entity.cursor is None or self.entity.cursor not in columns:
            return
        values = columns[self.entity.cursor]
        if pa.types.is_integer(values.type):
            top = pc.max(values).as_py()
        else:  # text: unsigned numbers beyond Arrow's, decimals without a fraction, an API's numbers in quotes
            top = max((self._whole(value) for value in canonical_text(values, "UTC").to_pylist() if value), default=None)
        if top is not None:
            self.greatest = top if self.greatest is None else max(self.greatest, top)

    def _whole(self, text: str) -> int:
        if not re.fullmatch(r"-?\d+(\.0*)?", text):
            raise SourceUnreadable(
                f"{self.entity.entity}: the cursor {self.entity.cursor} of type integer holds something that is no whole "
                "number. Nothing landed."
            )
        return int(text.partition(".")[0])


def open_window(run: Run, spec: SourceSpec, entity: EntitySpec) -> Window:
    """Return what to read of an entity for the run's business day, by the cursor published last.

    Raises
    ------
    SpecError when the published cursor is of another kind than the description now says.
    """
    with run.warehouse.connect() as connection:
        row = connection.execute(
            sa.text("select cursor_value, business_date from ops.source_cursor where source = :source and entity = :entity"),
            {"source": spec.source, "entity": entity.entity},
        ).one_or_none()
    stored, published = (None, None) if row is None else (str(row.cursor_value), row.business_date)
    lower: Bound | None = None
    if stored is not None and entity.mode == "incremental":
        lower = _parsed(spec, entity, stored)
    return Window(
        entity=entity,
        stored=stored,
        published=published,
        lower=lower,
        upper=run.as_of if entity.mode == "incremental" and not _counts(entity) else None,
        # A day more than needed: what is known to be deleted is no news, and a deletion that is committed late is not lost.
        deletions_since=None if published is None else run.settings.day_start(published),
        day_end=run.as_of,
    )


def _counts(entity: EntitySpec) -> bool:
    """Return whether a number that counts up is the cursor. (A snapshot is told from the one before by its day.)"""
    return entity.mode != "snapshot" and entity.cursor is not None and entity.cursor_type == "integer"


def _parsed(spec: SourceSpec, entity: EntitySpec, stored: str) -> Bound:
    try:
        return int(stored) if _counts(entity) else datetime.fromisoformat(stored)
    except ValueError:
        kind = "a time" if _counts(entity) else "a number"
        raise SpecError(
            f"{spec.file.name}: entities.{entity.entity}.cursor: what was published up to is {kind}, which is no bound for a "
            f"cursor of type {entity.cursor_type}. Set mode: full for one day, or put the cursor back as it was."
        ) from None
