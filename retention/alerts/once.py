"""Telling a thing once a day on this machine, where no database can be asked: it may be the database that is told about."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import date
from pathlib import Path


def first_here(folder: Path, what: str, day: date) -> bool:
    """Return whether this is the first time on a day that something is to be told on this machine.

    Of any number of processes at the same moment exactly one is the first. Where nothing can be written everybody is: told
    twice is better than not told.

    Parameters
    ----------
    folder : Path
        Folder of the marks; those of other days are removed.
    what : str
        What is told.
    day : date
        The day.
    """
    mark = _mark(folder, what, day)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    except OSError:
        return True
    for other in folder.glob("*.told"):
        if not other.name.startswith(day.isoformat()):
            other.unlink(missing_ok=True)
    return True


def forget_here(folder: Path, what: str, day: date) -> None:
    """Let the next one be the first again."""
    with suppress(OSError):
        _mark(folder, what, day).unlink(missing_ok=True)


def _mark(folder: Path, what: str, day: date) -> Path:
    return folder / f"{day.isoformat()}-{hashlib.sha256(what.encode()).hexdigest()[:24]}.told"
