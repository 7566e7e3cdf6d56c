"""From the declared encoding to UTF-8, strictly: what is not in the declared encoding stops, by the number of its byte."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from retention.sources.errors import SourceUnreadable
from retention.sources.files.reading import Reading
from retention.sources.files.sniff import guess_encoding

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
"""Byte order marks and the encoding each stands for, longer ones first where one begins with another."""
_ARCHIVES = (
    (b"\x1f\x8b", "gzip (a name ending in .gz)"),
    (b"\x28\xb5\x2f\xfd", "zstd (a name ending in .zst)"),
    (b"PK\x03\x04", "a zip archive or a workbook"),
    (b"\xd0\xcf\x11\xe0", "an old or protected office document"),
    (b"PAR1", "parquet"),
)

_HALF = re.compile("[\ud800-\udfff]")


def without_halves(text: str) -> str:
    """Return text with half characters, which JSON can spell, as NUL.

    One of them would end a whole batch; with a NUL its row is set aside by itself, and no value becomes another one.
    """
    return text if text.isascii() else _HALF.sub("\0", text)


def utf8(chunks: Iterator[bytes], reading: Reading) -> Iterator[bytes]:
    """Yield text as UTF-8, without a byte order mark.

    Raises
    ------
    SourceUnreadable naming the byte (of the unpacked file) that is not in the declared encoding, or the byte order mark that
        contradicts it.
    """
    first = b""
    for data in chunks:
        first += data
        if len(first) >= 4:
            break
    encoding, skip = _beginning(first, reading)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    is_utf8, consumed = encoding == "utf-8", skip
    for data in _then(first[skip:], chunks):
        pending = decoder.getstate()[0]
        try:
            decoded = decoder.decode(data)
            # The bytes of UTF-8 are as wanted: what was decoded is not needed, only that it could be.
            text = b"" if is_utf8 else decoded.encode("utf-8")
        except UnicodeError as error:
            raise _not_text(reading, consumed - len(pending) + getattr(error, "start", 0)) from None
        consumed += len(data)
        if is_utf8:
            text = pending + data
            text = text[: len(text) - len(decoder.getstate()[0])]
        if text:
            yield text
    pending = decoder.getstate()[0]
    try:
        decoder.decode(b"", final=True)
    except UnicodeError:
        raise _not_text(reading, consumed - len(pending)) from None


def _then(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _not_text(reading: Reading, offset: int) -> SourceUnreadable:
    return reading.unreadable(f": not {reading.spec.encoding} at byte {offset}")


def _beginning(first: bytes, reading: Reading) -> tuple[str, int]:
    """Return the codec to read with and how many bytes of byte order mark to leave out."""
    declared = codecs.lookup(reading.spec.encoding).name
    declared = {"utf-8-sig": "utf-8", "utf_8_sig": "utf-8"}.get(declared, declared)
    for magic, name in _ARCHIVES:
        if first.startswith(magic):
            raise reading.unreadable(f": its bytes are {name}")
    family = {"utf-16": ("utf-16-le", "utf-16-be"), "utf-32": ("utf-32-le", "utf-32-be")}
    possible: tuple[str, ...] = family.get(declared, (declared,))
    for mark, encoding in MARKS:
        if not first.startswith(mark):
            continue
        if encoding in possible:
            return encoding, len(mark)
        if encoding == "utf-32-le" and "utf-16-le" in possible:
            return "utf-16-le", 2  # a text in UTF-16 whose first character is NUL
        raise reading.unreadable(f": declared {reading.spec.encoding}, but it begins with the byte order mark of {encoding}")
    if declared in family and first:
        likely = guess_encoding(first)
        hint = f"; it looks like {likely}" if likely else ""
        name = reading.spec.encoding
        raise reading.unreadable(
            f": declared {name}, which needs a byte order mark, and has none; name {' or '.join(possible)}{hint}"
        )
    return declared, 0
