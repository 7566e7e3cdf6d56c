"""The manifest of a list: what is in which file, when it was read, until when it may be used, and how to see that it is whole.

A list lies in ``<folder>/<campaign>/<list>/``: a folder per version that never changes, and ``current.json``, the manifest of
the newest, replaced in one step. Whoever reads ``current.json`` and the files it names has one whole list, old or new.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from retention.warehouse import RetentionError

MANIFEST_VERSION = 1
CURRENT = "current.json"
MANIFEST = "manifest.json"


class ListBroken(RetentionError):
    """A list on disk is not what its manifest says, or must not be used any more."""

    runbook = "audience-files"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def to_bytes(manifest: Mapping[str, Any]) -> bytes:
    """Return a manifest as it is written: UTF-8, indented, in the order of its keys."""
    return (json.dumps(manifest, ensure_ascii=False, indent=2) + "\n").encode()


def write_new(path: Path, content: bytes) -> None:
    """Write a new file that only its owner may read, safely on disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def replace(path: Path, content: bytes) -> None:
    """Put a file in place in one step: a reader sees the old content or the new one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """See the names in a folder safely on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_list(folder: Path, now: datetime) -> tuple[dict[str, Any], list[Path]]:
    """Return the manifest of the current list in a folder and its files, after comparing every checksum.

    Parameters
    ----------
    folder : Path
        ``<folder>/<campaign>/<list>``.
    now : datetime
        The present instant, aware.

    Raises
    ------
    ListBroken when there is no list, a file differs from its checksum, or the list must not be used any more.
    """
    current = folder / CURRENT
    if not current.is_file():
        raise ListBroken(
            f"no list in {folder.parent.name}/{folder.name}: it was never exported, has run out, or held an erased person."
        )
    manifest: dict[str, Any] = json.loads(current.read_bytes())
    where = f"{manifest['campaign']}/{manifest['list']} {manifest['version']}"
    if now >= datetime.fromisoformat(manifest["use_before"]):
        raise ListBroken(f"{where}: not to be used since {manifest['use_before']}. Export the audience again.")
    files = []
    for entry in manifest["files"]:
        path = folder / manifest["version"] / entry["name"]
        found = digest(path) if path.is_file() else "nothing"
        if found != entry["sha256"]:
            raise ListBroken(
                f"{where}, {entry['name']}: expected SHA-256 {entry['sha256'][:12]}…, found {found[:12]}. Do not use it."
            )
        files.append(path)
    return manifest, files
