"""Guesses for people who describe a source: which encoding, which delimiter. Reading never guesses."""

from __future__ import annotations

import codecs
import csv
import re

_DELIMITERS = ",;\t|"
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_FREQUENT_HANZI = re.compile(rb"(?:[\xa1-\xf7][\xa1-\xfe])+")  # the part of GB 18030 that everyday Chinese is written in


def guess_encoding(sample: bytes) -> str | None:
    """Return the encoding that the beginning of a text file is probably in, or None.

    A byte order mark decides. Otherwise: NUL in every other byte is UTF-16; what is valid UTF-8 is UTF-8; pairs of bytes as
    everyday Chinese has them are GB 18030; single bytes above ASCII are a western code page.

    Parameters
    ----------
    sample : bytes
        The beginning of the file, unpacked; it may end in the middle of a character. 64 kB are plenty.
    """
    for mark, name in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if sample.startswith(mark):
            return name
    if not sample:
        return None
    even, odd = sample[0::2], sample[1::2]
    if odd and odd.count(0) > 0.4 * len(odd) and even.count(0) < 0.05 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.4 * len(even) and odd.count(0) < 0.05 * len(odd):
        return "utf-16-be"
    if sample.count(0):
        return None
    if _decodes(sample, "utf-8"):
        return "utf-8"
    runs = _HIGH_RUN.findall(sample)
    pairs = sum(1 for run in runs if _FREQUENT_HANZI.fullmatch(run[: len(run) // 2 * 2]) and len(run) % 2 == 0)
    if pairs >= 0.8 * len(runs) and _decodes(sample, "gb18030"):
        return "gb18030"
    if sum(len(run) == 1 for run in runs) >= 0.5 * len(runs):
        has_c1 = any(0x80 <= byte <= 0x9F for run in runs for byte in run)
        return "cp1252" if has_c1 and _decodes(sample, "cp1252") else None if has_c1 else "latin-1"
    return None


def sniff(sample: bytes, encoding: str = "utf-8") -> str | None:
    """Return the delimiter that splits the first lines of a text into the same number of columns, two or more; or None.

    Parameters
    ----------
    sample : bytes
        The beginning of the file, unpacked. Its last line is left out, because it may be cut off.
    """
    text = codecs.getincrementaldecoder(encoding)("ignore").decode(sample).lstrip("\ufeff")
    lines = text.splitlines()
    lines = [line for line in (lines[:-1] if len(lines) > 1 else lines) if line.strip()][:50]
    best: tuple[float, int, str] | None = None
    for delimiter in _DELIMITERS:
        try:
            counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        except csv.Error:
            continue
        if not counts or counts[0] < 2:
            continue
        agreeing = counts.count(counts[0]) / len(counts)
        if agreeing >= 0.6 and (best is None or (agreeing, counts[0]) > best[:2]):
            best = (agreeing, counts[0], delimiter)
    return None if best is None else best[2]


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)("strict").decode(sample)
    except UnicodeError:
        return False
    return True
