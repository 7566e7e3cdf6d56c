"""Which files a folder or bucket holds, as of now: names, sizes, and what tells one version of a file from the next."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import PurePosixPath
from typing import Any

from fsspec.utils import glob_translate

from retention.sources.files.reading import SourceFile

_DATE = r"(?P<date>\d{4}-?\d{2}-?\d{2})"
_MAGIC = re.compile(r"[*?\[{]")
_UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")
_HIDDEN = (".", "~$")


class Pattern:
    """A path pattern of a description: ``*``, ``?`` and ``[…]`` within a folder, ``**`` across, ``{date}`` for the day."""

    def __init__(self, path: str) -> None:
        self.is_dated = "{date}" in path
        translated = glob_translate(path.replace("{date}", "\0"))
        self._expression = re.compile(translated.replace(re.escape("\0"), _DATE).replace("\0", _DATE))
        parts = PurePosixPath(path).parts
        fixed = next((index for index, part in enumerate(parts[:-1]) if _MAGIC.search(part)), len(parts) - 1)
        self.folder = "/".join(parts[:fixed])
        """Folder below which everything that matches lies."""
        self.depth = None if "**" in path else len(parts) - fixed
        """How many levels below that folder; None for any."""

    def match(self, path: str) -> tuple[bool, date | None]:
        """Return whether a path matches, and its day. What is hidden or still being written matches nothing."""
        name = path.rpartition("/")[2]
        if name.startswith(_HIDDEN) or name.lower().endswith(_UNFINISHED):
            return False, None
        found = self._expression.match(path)
        if found is None:
            return False, None
        if not self.is_dated:
            return True, None
        try:
            return True, date.fromisoformat(found["date"])
        except ValueError:  # 2026-02-30 is the day of nothing
            return False, None


def local_files(root: str, pattern: Pattern) -> Iterator[SourceFile]:
    """Yield the regular files under a folder that match. Loops of linked folders are walked once."""
    seen: set[str] = set()

    def walk(folder: str, level: int) -> Iterator[SourceFile]:
        real = os.path.realpath(os.path.join(root, folder))
        if real in seen:
            return
        seen.add(real)
        try:
            entries = sorted(os.scandir(real), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir():
                if pattern.depth is None or level < pattern.depth:
                    yield from walk(path, level + 1)
                continue
            matches, day = pattern.match(path)
            if not matches:
                continue
            try:
                found = entry.stat()
            except FileNotFoundError:  # taken away since, or a link to nothing
                continue
            if stat.S_ISREG(found.st_mode):
                # The time of change, unlike that of modification, cannot be set back.
                version = f"{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}-{found.st_ino}"
                modified = datetime.fromtimestamp(found.st_mtime, UTC)
                arrived = datetime.fromtimestamp(max(found.st_mtime, found.st_ctime), UTC)
                yield SourceFile(path, found.st_size, day, version, modified, arrived)

    yield from walk(pattern.folder, 1)


def stored_files(system: Any, root: str, pattern: Pattern) -> Iterator[SourceFile]:
    """Yield the objects of a store that match, as the store lists them now."""
    system.invalidate_cache()  # a listing that is remembered does not know today's files
    base = f"{root}/{pattern.folder}".rstrip("/")
    for full, info in sorted(system.find(base, detail=True).items()):
        if info.get("type") != "file" or not str(full).startswith(f"{root}/"):
            continue
        path = str(full)[len(root) + 1 :]
        matches, day = pattern.match(path)
        if matches:
            modified = _modified(info)  # of an object, also the time at which it was put there
            yield SourceFile(path, int(info.get("size") or 0), day, _version(info), modified, modified)


def is_settled(file: SourceFile, seconds: int, now: datetime) -> bool:
    """Whether a file was last written at least ``seconds`` ago. A time in the future, beyond that, is a wrong clock and waits
    for nothing; neither does a file of a store that tells no times.
    """
    return file.modified is None or abs((now - file.modified).total_seconds()) >= seconds


def is_older(file: SourceFile, after: date | None) -> bool:
    """Whether a file cannot bring news of days later than ``after``: by the day in its name, or by when it came, with a day to
    spare for the zones of clocks.
    """
    if after is None:
        return False
    if file.day is not None:
        return file.day <= after
    return file.arrived is not None and file.arrived.date() < after


def _version(info: Mapping[str, Any]) -> str | None:
    tag = info.get("ETag") or info.get("etag") or info.get("md5Hash") or info.get("content_md5")
    if tag:
        return f"{info.get('size')}-{str(tag).strip(chr(34))}"
    modified = _modified(info)
    return None if modified is None else f"{info.get('size')}-{modified.isoformat()}"


def _modified(info: Mapping[str, Any]) -> datetime | None:
    for key in ("LastModified", "last_modified", "updated", "mtime", "modified", "created"):
        value = info.get(key)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                continue
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
    return None
