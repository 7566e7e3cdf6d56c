"""One message to people, and what must never be in one."""

from __future__ import annotations

import re
from dataclasses import dataclass

_EMAIL = re.compile(r"[^\s@<>,;:：，；（()]+@[^\s@<>,;，；）()]+\.[^\s@<>,;，；）().]+")
# A mobile number as it is written in China, or one with a country code. Keys are pseudonyms of 16 digits and more, counts carry
# separators, dates hyphens: none of them looks like this.
_PHONE = re.compile(r"(?<![\d,.\-])(?:\+\d{1,3}[ -]?\d{6,12}|1[3-9]\d{9})(?!\d|,\d)")


@dataclass(frozen=True)
class Message:
    """A line that says what it is about, and the text: in English and Chinese where people of the business read it."""

    subject: str
    text: str

    def without_addresses(self) -> Message:
        """Return the message with anything that looks like a person's e-mail or phone blanked.

        Our own texts hold none. Names of teams come from sources, though, and some companies name a team by its mailbox.
        """
        return Message(" ".join(_blank(self.subject).split()), _blank(self.text))


def _blank(text: str) -> str:
    return _PHONE.sub("[phone]", _EMAIL.sub("[e-mail]", text))


def shortened(text: str, most_bytes: int) -> str:
    """Return a text cut at the end of a line (or a character) so that it fits into so many bytes of UTF-8, and says so."""
    if len(text.encode()) <= most_bytes:
        return text
    note = "\n… (shortened; all of it is in the log. 全文见日志)"
    room = most_bytes - len(note.encode())
    kept = text.encode()[: max(0, room)].decode(errors="ignore")
    lines = kept.rpartition("\n")[0]
    return (lines or kept) + note
