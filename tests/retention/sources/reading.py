"""Reads one file the way extraction does, without a warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from retention.settings import IngestSettings
from retention.sources.errors import ColumnMissing
from retention.sources.files import FileStore
from retention.sources.spec import ColumnMap, EntitySpec

LIMITS = IngestSettings()
Rows = list[tuple[int, dict[str, Any]]]


def entity(path: str, format: str, **more: Any) -> EntitySpec:
    """Describe survey answers with three columns: id, who, words."""
    columns = {"answer_id": ColumnMap("id"), "customer_id": ColumnMap("who"), "comment": ColumnMap("words")}
    return EntitySpec("survey_answer", **{"key": ("id",), "columns": columns, "path": path, "format": format, **more})


def read_rows(
    folder: Path | str,
    spec: EntitySpec,
    limits: IngestSettings | None = None,
    options: dict[str, Any] | None = None,
    now: datetime | None = None,
    **changed: Any,
) -> Rows:
    """Return (position, row) of all files that are due, in the order of position within each file."""
    store = FileStore(str(folder), "desk", replace(limits or LIMITS, **changed), options, now)
    return [row for file in store.due(spec, date(2026, 3, 31)) for row in rows_of(store, file, spec)]


def rows_of(store: FileStore, file: Any, spec: EntitySpec) -> Rows:
    """Return (position, row) of one file."""

    def check(names: Sequence[str]) -> None:
        if "id" not in names:
            raise ColumnMissing(f"no column id; there are {', '.join(names)}")

    found: Rows = []
    for columns, count, positions in store.read(file, spec, check):
        values = {name: column.to_pylist() for name, column in columns.items()}
        assert all(len(column) == count for column in values.values())
        found += [(positions[i].as_py(), {name: values[name][i] for name in values}) for i in range(count)]
    return sorted(found, key=lambda row: row[0])


def count_rows(folder: Path | str, spec: EntitySpec, **changed: Any) -> int:
    """Read all files that are due without looking at their rows, and count those."""
    store = FileStore(str(folder), "desk", replace(LIMITS, **changed))
    files = store.due(spec, date(2026, 3, 31))
    return sum(count for file in files for _, count, _ in store.read(file, spec, lambda names: None))


def texts(rows: Rows, *names: str) -> list[tuple[Any, ...]]:
    """Return position and the values of some columns."""
    return [(position, *(row.get(name) for name in names)) for position, row in rows]
