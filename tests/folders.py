"""Folders that a PostgreSQL of another user can enter."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_folder(purpose: str) -> Iterator[Path]:
    """Make a folder that everybody may enter, removed at the end.

    Not one of pytest's: each of its sessions makes the folder above all of them private again, and the server of a session
    that runs beside it loses its data.
    """
    with tempfile.TemporaryDirectory(prefix=f"retention-{purpose}-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder
