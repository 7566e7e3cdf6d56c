"""Where records of a CSV begin and end, told from the bytes alone: by line, and apart from the parser that splits them.

A record ends at a line break outside quotation marks. Most exports quote strictly (RFC 4180); then every quotation mark opens
or closes, and whole blocks are judged at once. Where one does not, the block is walked record by record: a mark in the
middle of an unquoted value is a plain character, a value that goes on behind its closing mark is broken: nobody can tell what
it has swallowed, so each line it covers is set aside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from retention.sources.errors import SourceUnreadable
from retention.sources.files.reading import Reading

_QUOTE, _LF, _CR = 34, 10, 13
_BREAK = re.compile(rb"\r\n|\n|\r")
_QUOTED = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"')
Numbers = NDArray[np.int64]


@dataclass
class Block:
    """Whole records, one behind the other."""

    data: bytes
    """Their bytes; records that are broken are left out, empty lines are not."""
    offsets: Numbers
    """Where in ``data`` each record begins; empty lines are none."""
    first_lines: Numbers
    """The line of the file in which each begins, from 1."""
    last_lines: Numbers
    """The line in which it ends."""
    broken: list[int] = field(default_factory=list)
    """Lines that a broken quotation covers."""

    def longest(self) -> int:
        """Return the length in bytes of the longest record."""
        return int(np.diff(self.offsets, append=len(self.data)).max(initial=0))


class Records:
    """Splits the text of one CSV into blocks of whole records.

    Parameters
    ----------
    delimiter : str
        One ASCII character.
    """

    def __init__(self, delimiter: str, reading: Reading) -> None:
        self._delimiter = ord(delimiter)
        self._plain = re.compile(re.escape(delimiter).encode() + rb"|\r\n|\n|\r")
        self._reading = reading
        self._line = 1

    def blocks(self, chunks: Iterator[bytes]) -> Iterator[Block]:
        """Yield blocks until the text ends.

        Raises
        ------
        SourceUnreadable naming the line when a record does not end within the longest that is looked for, or a quotation
            mark is still open at the end: the delivery broke off, or a mark was left open and what follows was swallowed.
        """
        carry = b""
        for chunk in chunks:
            buffer = carry + chunk
            block, used = self._scan(buffer, is_last=False)
            carry = buffer[used:]
            if len(carry) > self._reading.record_bytes:
                raise self._reading.unreadable(
                    f": the record that begins in line {self._line} has no end within {self._reading.record_bytes:,} bytes; is "
                    "a quotation mark left open there?"
                )
            if block is not None:
                yield block
        if carry:
            block, _ = self._scan(carry, is_last=True)
            if block is not None:
                yield block

    def _scan(self, buffer: bytes, *, is_last: bool) -> tuple[Block | None, int]:
        """Return the whole records at the beginning of ``buffer`` and how many bytes they take."""
        bytes_ = np.frombuffer(buffer, np.uint8)
        breaks = _line_breaks(buffer, bytes_, is_last=is_last)
        ends = self._ends(bytes_, buffer, breaks, is_last=is_last)
        if ends is None:
            return self._walk(buffer, is_last=is_last)
        if not len(ends):
            return None, 0
        used = int(ends[-1]) + 1
        # Line breaks before a record's last one, inside quotation marks or not, are lines all the same.
        last_lines = self._line + np.searchsorted(breaks, ends)
        first_lines = np.concatenate([[self._line], last_lines[:-1] + 1])
        offsets = np.concatenate([[0], ends[:-1] + 1])
        self._line = int(last_lines[-1]) + 1
        lengths = ends - offsets + 1
        starts = bytes_[offsets]
        is_empty = ((lengths == 1) & ((starts == _LF) | (starts == _CR))) | (
            (lengths == 2) & (starts == _CR) & (bytes_[ends] == _LF)
        )
        if is_empty.any():
            offsets, first_lines, last_lines = offsets[~is_empty], first_lines[~is_empty], last_lines[~is_empty]
        return Block(buffer[:used], offsets, first_lines, last_lines), used

    def _ends(self, bytes_: NDArray[np.uint8], buffer: bytes, breaks: Numbers, *, is_last: bool) -> Numbers | None:
        """Return where records end; None where a quotation mark neither opens nor closes, so that it cannot be told so."""
        ends = breaks
        if b'"' in buffer:
            marks: Numbers = np.flatnonzero(bytes_ == _QUOTE)
            # A doubled mark closes and opens again, so that every other mark opens.
            edges = (_LF, _CR, self._delimiter, _QUOTE)
            opening, closing, last = marks[0::2], marks[1::2], len(bytes_) - 1
            is_opening = np.isin(bytes_[opening - 1], edges) | (opening == 0)
            is_closing = np.isin(bytes_[np.minimum(closing + 1, last)], edges)
            if not is_opening.all() or not is_closing.all():
                return None
            ends = breaks[np.searchsorted(marks, breaks) % 2 == 0]
            if is_last and len(marks) % 2:
                raise self._open_at(self._line + int(np.searchsorted(breaks, marks[-1])))
        if is_last and (not len(ends) or ends[-1] != len(bytes_) - 1):
            ends = np.append(ends, len(bytes_) - 1)
        return ends

    def _open_at(self, line: int) -> SourceUnreadable:
        return self._reading.unreadable(
            f": it ends inside a quotation that begins in line {line}: the delivery broke off there, or the mark was left open"
        )

    # -- record by record -------------------------------------------------------------------------------------------
    def _walk(self, buffer: bytes, *, is_last: bool) -> tuple[Block | None, int]:
        """Do what ``_scan`` does for a buffer in which not every quotation mark opens or closes."""
        pieces: list[bytes] = []
        offsets: list[int] = []
        first_lines: list[int] = []
        last_lines: list[int] = []
        broken: list[int] = []
        position = length = 0
        while position < len(buffer):
            end, is_broken = self._record_end(buffer, position, is_last=is_last)
            if end is None:
                break
            record = buffer[position:end]
            first, self._line = self._line, self._line + len(_BREAK.findall(record))
            if is_last and end == len(buffer) and not record.endswith((b"\n", b"\r")):
                self._line += 1
            position = end
            if is_broken:
                broken.extend(range(first, self._line))
                continue
            if record not in (b"\n", b"\r", b"\r\n"):
                offsets.append(length)
                first_lines.append(first)
                last_lines.append(self._line - 1)
            pieces.append(record)
            length += len(record)
        if not position:
            return None, 0
        numbers = [np.array(values, np.int64) for values in (offsets, first_lines, last_lines)]
        return Block(b"".join(pieces), numbers[0], numbers[1], numbers[2], broken), position

    def _record_end(self, buffer: bytes, start: int, *, is_last: bool) -> tuple[int | None, bool]:
        """Return where the record that begins at ``start`` ends (None: not in this buffer) and whether it is broken."""
        line = _BREAK.search(buffer, start)
        end = self._behind(buffer, line, is_last=is_last)
        if end is None or buffer.find(b'"', start, end) < 0:
            return end, False
        position = start
        while True:
            if buffer[position : position + 1] == b'"':
                quoted = _QUOTED.match(buffer, position)
                if quoted is None:
                    if is_last:
                        raise self._open_at(self._line + len(_BREAK.findall(buffer[start:position])))
                    return None, False
                position = quoted.end()
                if position == len(buffer):
                    return (position, False) if is_last else (None, False)
                if buffer[position] not in (self._delimiter, _LF, _CR):
                    return self._behind(buffer, _BREAK.search(buffer, position), is_last=is_last), True
            found = self._plain.search(buffer, position)
            if found is None or buffer[found.start()] != self._delimiter:
                return self._behind(buffer, found, is_last=is_last), False
            position = found.end()

    @staticmethod
    def _behind(buffer: bytes, found: re.Match[bytes] | None, *, is_last: bool) -> int | None:
        """Return the place behind a line break, or the end of the text; None where more text has to come to tell."""
        if found is None:
            return len(buffer) if is_last else None
        if found.end() == len(buffer) and buffer.endswith(b"\r") and not is_last:
            return None  # the other half of the line break may come with the next chunk
        return found.end()


def _line_breaks(buffer: bytes, bytes_: NDArray[np.uint8], *, is_last: bool) -> Numbers:
    """Return where lines end: at each LF, and at each CR that no LF follows."""
    breaks: Numbers = np.flatnonzero(bytes_ == _LF)
    if b"\r" not in buffer:
        return breaks
    returns: Numbers = np.flatnonzero(bytes_ == _CR)
    at_end = returns == len(bytes_) - 1
    followed = bytes_[np.minimum(returns + 1, len(bytes_) - 1)] == _LF
    alone = returns[~followed & (~at_end | is_last)]
    return np.sort(np.concatenate([breaks, alone])) if len(alone) else breaks
