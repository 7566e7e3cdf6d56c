"""The bytes of a file: taken down while they are read, unpacked as its name says, and never more of them than allowed."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from retention.sources.errors import FileReplaced, SourceUnreachable
from retention.sources.files.reading import Reading

PACKED = {".gz": "gzip", ".zst": "zstd"}
"""Endings of compressed files and what they mean."""
_CHUNK = 4 << 20
_RATIO_FROM = 64_000_000  # below it no ratio hurts, and short files of equal lines pack very well


def packing(path: str) -> str | None:
    """Return how a file is compressed by its ending, or None."""
    return PACKED.get(PurePosixPath(path).suffix.lower())


def plain_name(path: str) -> str:
    """Return the path without the ending of its compression."""
    return str(PurePosixPath(path).with_suffix("")) if packing(path) else path


class Checked(io.RawIOBase):
    """The bytes of one file as they lie in the store, counted and hashed as they pass.

    Errors of the store come out as SourceUnreachable, so that nobody takes a broken line for the end of the data.
    """

    def __init__(self, opened: Any, reading: Reading) -> None:
        self._opened = opened
        self._reading = reading
        self._digest = hashlib.sha256()
        self.count = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes, at most ``size`` of them."""
        try:
            data = bytes(self._opened.read(_CHUNK if size is None or size < 0 else size))
        except Exception as error:
            if type(error).__name__ == "FileExpired":  # an object store's word for: its tag is no longer the one listed
                raise self._replaced() from None
            raise SourceUnreachable(
                f"{self._reading.where}: its store broke off after {self.count:,} bytes ({type(error).__name__}). Nothing "
                "landed. Run again when it answers."
            ) from None
        self.count += len(data)
        if self.count > self._reading.limits.max_file_bytes:
            raise self._reading.too_large("its bytes", "max_file_bytes", f"more than {self.count - 1:,}")
        self._digest.update(data)
        return data

    def finish(self) -> str:
        """Read what is left, and return the SHA-256 of the whole file.

        Raises
        ------
        FileReplaced when it is not the content that was decided upon.
        """
        while self.read(_CHUNK):
            pass
        found, expected = self._digest.hexdigest(), self._reading.file.sha256
        if expected is not None and found != expected:
            raise self._replaced()
        return found

    def _replaced(self) -> FileReplaced:
        return FileReplaced(
            f"{self._reading.where} was written to while it was read: its content is not the one it had a moment ago. "
            "Nothing landed. Run again; if it happens often, have it written under another name and renamed, or set "
            "options.settle_seconds."
        )


def chunks(raw: Checked, reading: Reading, size: int = _CHUNK) -> Iterator[bytes]:
    """Yield the unpacked bytes of a file, at most ``size`` at a time.

    Raises
    ------
    FileTooLarge as soon as more came out than the settings allow.
    SourceUnreadable when a compressed file is broken or ends early.
    """
    codec = packing(reading.file.path)
    if codec is None:
        while data := raw.read(size):
            yield data
        return
    limits, total = reading.limits, 0
    stream = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), codec)
    while True:
        try:
            data = stream.read(size)
        except OSError:
            raise reading.unreadable(f": its {codec} stream is broken or cut off behind {total:,} unpacked bytes") from None
        if not data:
            return
        total += len(data)
        if total > limits.max_unpacked_bytes:
            raise reading.too_large("what it unpacks to", "max_unpacked_bytes", f"more than {total - len(data):,} bytes")
        if total > max(_RATIO_FROM, limits.max_unpack_ratio * raw.count):
            raise reading.too_large(
                "unpacked bytes per packed byte",
                "max_unpack_ratio",
                f"{total // max(raw.count, 1):,} in its first {raw.count:,}",
            )
        yield data


def whole(raw: Checked, reading: Reading) -> bytes:
    """Return the unpacked bytes of a file that can only be read as a whole.

    Raises
    ------
    FileTooLarge when they are more than ``ingest.max_document_bytes``.
    """
    parts, total = [], 0
    for data in chunks(raw, reading):
        total += len(data)
        if total > reading.limits.max_document_bytes:
            raise reading.too_large("a file read as a whole", "max_document_bytes", f"more than {total - len(data):,} bytes")
        parts.append(data)
    return b"".join(parts)
