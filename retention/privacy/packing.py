"""Compressed files of a source, unpacked for an erasure and packed again, by the ending of their name."""

from __future__ import annotations

import gzip
from pathlib import PurePosixPath

import pyarrow as pa

_LIMIT = 4_000_000_000
_CHUNK = 4 << 20


class TooMuch(Exception):
    """A file unpacks to more than can be rewritten in memory."""


def unpack(path: str, content: bytes) -> bytes:
    """Return the content of a file, unpacked where its name ends in ``.gz`` or ``.zst``.

    Raises
    ------
    TooMuch before memory is full; OSError when it is broken or cut off.
    """
    codec = {".gz": "gzip", ".zst": "zstd"}.get(PurePosixPath(path).suffix.lower())
    if codec is None:
        return content
    parts, total = [], 0
    stream = pa.CompressedInputStream(pa.BufferReader(content), codec)
    while data := stream.read(_CHUNK):
        total += len(data)
        if total > _LIMIT:
            raise TooMuch(f"it unpacks to more than {_LIMIT:,} bytes")
        parts.append(data)
    return b"".join(parts)


def pack(path: str, content: bytes) -> bytes:
    """Return content compressed as the ending of a name says. The same content always gives the same bytes."""
    ending = PurePosixPath(path).suffix.lower()
    if ending == ".gz":
        return gzip.compress(content, mtime=0)
    if ending == ".zst":
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as stream:
            stream.write(content)
        return bytes(sink.getvalue().to_pybytes())
    return content
