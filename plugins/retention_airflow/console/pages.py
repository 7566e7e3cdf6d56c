"""The files of the page: those that lie in ``static`` when the server starts, and no other, to those who are logged in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from fastapi.responses import Response

from retention.console import Refused

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".map": "application/json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class File:
    """One file of the page."""

    path: Path
    media_type: str


class Pages:
    """Hands out files by name. Names are looked up in a list, so there is no path to climb out of."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder
        self._files = {
            path.relative_to(folder).as_posix(): File(path, TYPES[path.suffix])
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink() and path.suffix in TYPES
        }

    @property
    def names(self) -> list[str]:
        """Names of all files."""
        return list(self._files)

    def serve(self, request: Request, name: str) -> Response:
        """Return a file, or that the browser has it already.

        Raises
        ------
        Refused for a name that is not on the list.
        """
        file = self._files.get(name)
        if file is None:
            raise Refused("unknown", 404)
        try:
            content = file.path.read_bytes()
        except OSError:
            raise Refused("unknown", 404) from None
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"cache-control": "private, no-cache", "etag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=file.media_type, headers=headers)
