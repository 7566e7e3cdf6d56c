"""Feeds of deletions in databases: a table or query of keys and times, read like any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from retention.sources.errors import ColumnMissing
from retention.sources.spec import ColumnMap, EntitySpec

Columns = tuple[dict[str, pa.Array], int]
"""Columns of one batch by the source's names, and the number of its rows."""


def feed_of(source: str, spec: EntitySpec) -> tuple[EntitySpec, Callable[[Sequence[str]], None]]:
    """Return the feed of an entity's deletions as something to read, and the check of its columns."""
    assert spec.deletions is not None
    feed = replace(
        spec,
        table=spec.deletions.get("table"),
        query=spec.deletions.get("query"),
        key=tuple(spec.deletions["key"]),
        columns={name: ColumnMap(source=name) for name in spec.deletions["key"]},
        cursor=spec.deletions["deleted_at"],
        cursor_type=spec.deletions.get("cursor_type", "timestamp"),
    )

    def check(found: Sequence[str]) -> None:
        missing = [name for name in (*feed.key, feed.cursor) if name not in found]
        if missing:
            raise ColumnMissing(
                f"{source} {spec.entity}: its feed of deletions ({feed.where}) has no column {', '.join(map(str, missing))}; "
                f"there are {', '.join(sorted(found))}. Nothing landed. Correct deletions: in its description."
            )

    return feed, check


def under_key_names(spec: EntitySpec, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """Return the columns of a feed under the names of the entity's key, and the time as ``deleted_at``."""
    assert spec.deletions is not None
    names = {**dict(zip(spec.key, spec.deletions["key"], strict=True)), "deleted_at": spec.deletions["deleted_at"]}
    return {ours: columns[theirs] for ours, theirs in names.items()}
