"""What is looked at before a workbook is opened: its directory. A workbook is a zip archive, and archives lie."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree

from retention.sources.errors import WorkbookRefused
from retention.sources.files.reading import Reading

_RATIO_FROM = 16_000_000  # unpacked bytes below which no ratio hurts
_RANGE = re.compile(r"^([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)$")


def refuse_unsafe(stream: IO[bytes], reading: Reading) -> None:
    """Stop before a workbook is parsed when it must not be.

    Raises
    ------
    WorkbookRefused for macros, a password, an old format, or document types in its XML.
    FileTooLarge when it would unpack to more than the settings allow, as its directory says: no part can unpack to more than
        it is listed with.
    """
    limits = reading.limits
    magic = stream.read(8)
    stream.seek(0)
    if magic.startswith(b"\xd0\xcf\x11\xe0"):
        raise refused(reading, "it has a password or is an old .xls: save it as .xlsx without one")
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise reading.unreadable(": it is no workbook, or a part of it is missing") from None
    with archive:
        parts = archive.infolist()
        unpacked, packed = sum(part.file_size for part in parts), max(sum(part.compress_size for part in parts), 1)
        if unpacked > limits.max_document_bytes:
            raise reading.too_large("a workbook, unpacked", "max_document_bytes", f"{unpacked:,} bytes")
        if unpacked > max(_RATIO_FROM, limits.max_unpack_ratio * packed):
            raise reading.too_large("unpacked bytes per packed byte", "max_unpack_ratio", f"{unpacked // packed:,}")
        if len({part.filename for part in parts}) != len(parts):
            raise reading.unreadable(": its directory names a part twice")
        if any(part.flag_bits & 1 for part in parts):
            raise refused(reading, "it has a password: save it without one")
        if any(
            part.filename.lower().endswith(("vbaproject.bin", "macrosheets")) or "/macrosheets/" in part.filename.lower()
            for part in parts
        ):
            raise refused(reading, "it holds macros: save it as .xlsx without them")
        for part in parts:
            if part.filename.lower().endswith((".xml", ".rels")):
                with archive.open(part) as opened:
                    head = opened.read(4096)
                if b"<!DOCTYPE" in head or b"<!ENTITY" in head or head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head:
                    raise refused(reading, "its XML declares entities or an encoding that no spreadsheet program writes")
    stream.seek(0)


def refused(reading: Reading, why: str) -> WorkbookRefused:
    """Return the error for a workbook that must not be read."""
    return WorkbookRefused(f"{reading.where}: {why}. Nothing landed.")


def merged_ranges(stream: IO[bytes], part: str) -> Iterator[tuple[int, int, int, int]]:
    """Yield the merged cells of a sheet as (first row, last row, first column, last column), from 1.

    The fast way of reading cells does not tell them.
    """
    stream.seek(0)
    with zipfile.ZipFile(stream) as archive, archive.open(part) as sheet:
        for _, element in ElementTree.iterparse(sheet):
            if element.tag.endswith("}mergeCell"):
                found = _RANGE.match(element.get("ref", ""))
                if found:
                    yield int(found[2]), int(found[4]), _column(found[1]), _column(found[3])
            elif element.tag.endswith("}row"):
                element.clear()
    stream.seek(0)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
