"""Files and folders that a user names, looked at before anything is computed."""

from __future__ import annotations

import os
from pathlib import Path

from retention.evaluate.errors import HistoryUnusable


def check_file(path: Path) -> None:
    """See that a file is there.

    Raises
    ------
    HistoryUnusable when it is not.
    """
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise HistoryUnusable(f"{path} {kind}; a CSV, JSON lines, Excel or Parquet file is needed. Nothing was read.")


def prepare_folder(folder: Path) -> None:
    """Make the folder and see that it can be written to, before anything is computed.

    Raises
    ------
    HistoryUnusable when it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HistoryUnusable(f"--out {folder}: cannot be made ({error.strerror}). Nothing was computed.") from None
    if not os.access(folder, os.W_OK):
        raise HistoryUnusable(f"--out {folder}: cannot be written to. Nothing was computed.")
