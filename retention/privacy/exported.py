"""Lists of audiences that lie in files: deleted with the person, and when they have run out.

A list is not rewritten without the person. It is deleted whole, because it can be made anew in a minute and a list with a hole
would not agree with its checksum. Lists of match keys hold no pseudonym, so nobody can be found in them: an erasure deletes all
of them. A reader that finds no ``current.json`` has no list; it must not take that for an empty one.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq

_PSEUDONYM = "customer_key"
_CURRENT = "current.json"
_MANIFEST = "manifest.json"


def lists_holding(folder: Path, keys: frozenset[int]) -> dict[str, int]:
    """Return the lists that hold or may hold one of these people: rows of theirs, 0 where only the list as a whole can tell.

    Parameters
    ----------
    folder : Path
        Where lists lie: ``<folder>/<campaign>/<list>/<version>``.
    keys : frozenset of int
        Every key of the person.
    """
    wanted = {str(key) for key in keys}
    found = {}
    for version in _versions(folder):
        rows = _rows_of(version, wanted)
        if rows is None or rows > 0:
            found[version.relative_to(folder).as_posix()] = rows or 0
    return found


def delete_lists(folder: Path, names: Iterator[str] | list[str]) -> None:
    """Delete lists by the names that :func:`lists_holding` gives, first what points readers to them."""
    for name in names:
        version = folder / name
        current = version.parent / _CURRENT
        if current.is_file() and json.loads(current.read_bytes()).get("version") == version.name:
            current.unlink()
        shutil.rmtree(version)


def delete_expired(folder: Path, now: datetime) -> int:
    """Delete the lists that must not be used any more, and return how many."""
    expired = [
        version.relative_to(folder).as_posix()
        for version in _versions(folder)
        if (manifest := version / _MANIFEST).is_file()
        and datetime.fromisoformat(json.loads(manifest.read_bytes())["use_before"]) <= now
    ]
    delete_lists(folder, expired)
    return len(expired)


def _versions(folder: Path) -> list[Path]:
    """Return every version of every list, those half written included."""
    return sorted(path for path in folder.glob("*/*/*") if path.is_dir())


def _rows_of(version: Path, wanted: set[str]) -> int | None:
    """Return how many rows of the people a version holds; None where its files cannot tell."""
    rows = 0
    files = [path for path in sorted(version.iterdir()) if path.name != _MANIFEST]
    if not (version / _MANIFEST).is_file():
        return None  # half written
    for path in files:
        try:
            found = _keys_in(path)
        except (OSError, ValueError, UnicodeDecodeError):
            return None
        if found is None:
            return None
        rows += sum(1 for key in found if key in wanted)
    return rows


def _keys_in(path: Path) -> list[str] | None:
    """Return the pseudonyms in a file; None when it has no such column."""
    if path.suffix == ".parquet":
        if _PSEUDONYM not in pq.read_schema(path).names:
            return None
        return [str(key) for key in pq.read_table(path, columns=[_PSEUDONYM]).column(0).to_pylist()]
    with path.open(encoding="utf-8", newline="") as stream:
        if path.suffix == ".csv":
            reader = csv.DictReader(stream)
            return [row[_PSEUDONYM] for row in reader] if _PSEUDONYM in (reader.fieldnames or ()) else None
        rows = [json.loads(line) for line in stream]
    return [str(row[_PSEUDONYM]) for row in rows] if all(_PSEUDONYM in row for row in rows) else None
