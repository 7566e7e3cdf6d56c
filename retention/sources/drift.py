"""What a source delivers against what its description says: columns missing, renamed, retyped, new."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from retention.sources.errors import ColumnMissing
from retention.sources.mapping import needed_columns
from retention.sources.spec import EntitySpec, SourceSpec, canonical_columns


@dataclass
class Found:
    """What a read saw beside the rows."""

    ignored: set[str] = field(default_factory=set)
    """Columns of the source that no description names."""


def checker(spec: SourceSpec, entity: EntitySpec, found: Found, file: str | None = None) -> Callable[[Sequence[str]], None]:
    """Return a function that compares the columns delivered with those described."""
    needed = needed_columns(entity) if entity.columns is not None else entity.key
    wanted = list(dict.fromkeys([*needed, *([entity.cursor] if entity.cursor else [])]))

    def check(names: Sequence[str]) -> None:
        found.ignored |= set(names) - set(needed_columns(entity)) - {entity.cursor}
        # A line of JSON leaves out what has no value, so there only the key must be found.
        missing = [name for name in (entity.key if entity.format == "jsonl" else wanted) if name not in names]
        if missing:
            hint = _hint(missing, {*wanted, *canonical_columns(entity.entity)}, names)
            raise ColumnMissing(
                f"{spec.source} {entity.entity}: {file or entity.where} has no column {', '.join(missing)}; {hint}. "
                "Nothing landed. "
                f"Correct the delivery, or the names in {spec.file.name}."
            )

    return check


def _hint(missing: Sequence[str], expected: set[str], names: Sequence[str]) -> str:
    """Say what may have become of a column. Names are shown only when some are as expected: a file without a header has
    a person where the names should be.
    """
    if not expected & set(names):
        return f"none of its {len(names)} columns has a name that is known here: is its first line a header?"
    nearest = difflib.get_close_matches(missing[0], list(names), n=1)
    return f"did it become {nearest[0]}?" if nearest else f"there are {', '.join(sorted(names))}"
