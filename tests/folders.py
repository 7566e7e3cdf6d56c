"""Folders that a PostgreSQL of another user can enter."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

MEMORY = Path("/dev/shm")
PLENTY_BYTES = 6 * 2**30


@contextmanager
def open_folder(purpose: str) -> Iterator[Path]:
    """Make a folder that everybody may enter, removed at the end.

    Not one of pytest's: each of its sessions makes the folder above all of them private again, and the server of a session
    that runs beside it loses its data.
    """
    with tempfile.TemporaryDirectory(prefix=f"retention-{purpose}-", dir=_quick_place()) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def _quick_place() -> Path:
    """Memory where there is plenty of it, else the disk.

    Every test's databases are a thousand small files, made and removed: on a disk that others use too that takes ten times as
    long, and nobody needs them after a power cut.
    """
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK | os.X_OK):
        return Path("/var/tmp")
    room = min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available)
    return MEMORY if room >= PLENTY_BYTES else Path("/var/tmp")
