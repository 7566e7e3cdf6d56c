"""The steps of which recipes are made, each once in Python and once in SQL, equal for every text.

SQL leaves to a collation what a capital letter is and to a locale what a blank is; both differ from server to server, and a
hash forgives no difference. So both sides work from the same explicit lists: :data:`BLANKS` and :data:`SMALL_LETTERS`.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

BLANKS = (
    " \t\n\x0b\x0c\r\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
)
"""Blanks, and characters nobody sees that copying leaves behind."""


def _small_letters() -> dict[int, str]:
    """Return each capital with its small letter, one character for one: the simple mapping of Unicode."""
    pairs = {
        code: chr(code).lower()
        for code in range(sys.maxunicode + 1)
        if chr(code).lower() != chr(code) and len(chr(code).lower()) == 1
    }
    return {**pairs, 0x130: "i"}


SMALL_LETTERS = _small_letters()
_NO_BLANK = f"[^@{re.escape(BLANKS)}]"


@dataclass(frozen=True)
class Form:
    """What a text must look like as a whole. Lengths are asked apart: a counted repetition makes a slow expression."""

    pattern: str
    shortest: int
    longest: int

    def fits(self, text: str) -> bool:
        """Return whether a text has this form."""
        return self.shortest <= len(text) <= self.longest and re.fullmatch(self.pattern, text) is not None

    def sql(self, column: str, binds: Binds) -> str:
        """Return the condition that the text in ``column`` has this form."""
        lengths = f"char_length({column}) between {self.shortest} and {self.longest}"
        return f"({lengths} and {column} ~ {binds.text(f'^({self.pattern})$')})"


FORMS = {
    "email": Form(f"{_NO_BLANK}+@{_NO_BLANK}+[.]{_NO_BLANK}+", 5, 320),
    # Before any step: without the country code it would be somebody else's number, abroad.
    "international": Form("[+][0-9 ()./-]+", 7, 31),
    "e164": Form("[+][1-9][0-9]+", 8, 16),
    "digits": Form("[1-9][0-9]+", 7, 15),
    "number": Form("-?[0-9]+", 1, 20),
}
"""Forms by name: the same expressions in both languages."""
DIGESTS = (
    *(Form("[0-9a-f]+", length, length) for length in (32, 40, 64, 96, 128)),
    Form("[0-9a-z+/]+=", 44, 44),
    Form("[0-9a-z+/_-]+==", 24, 24),
)
"""What a digest looks like once it is in small letters: MD5 to SHA-512 in hexadecimal, SHA-256 and MD5 in base 64."""


@dataclass
class Binds:
    """Collects the values of a statement; names come from recipes, values never are part of the text."""

    values: dict[str, object] = field(default_factory=dict)

    def text(self, value: str) -> str:
        """Return the placeholder of a text."""
        return self._add(value, "text")

    def texts(self, values: Sequence[str]) -> str:
        """Return the placeholder of a list of texts."""
        return self._add("{" + ",".join(f'"{value}"' for value in values) + "}", "text []")

    def _add(self, value: str, kind: str) -> str:
        for name, known in self.values.items():
            if known == value:
                return f"cast(:{name} as {kind})"
        name = f"key_{len(self.values)}"
        self.values[name] = value
        return f"cast(:{name} as {kind})"


@dataclass(frozen=True)
class Step:
    """One change of a text; ``domains`` limits it to mail addresses of these domains (empty: all)."""

    name: str
    domains: tuple[str, ...] = ()

    def apply(self, text: str) -> str:
        """Return the changed text."""
        if self.domains and text.rpartition("@")[2] not in self.domains:
            return text
        return _PYTHON[self.name](text)

    def sql(self, column: str, binds: Binds) -> str:
        """Return the expression that changes the text in ``column`` the same way."""
        changed = _SQL[self.name](column, binds)
        if self.domains:
            return (
                f"case when split_part({column}, '@', -1) = any({binds.texts(self.domains)}) then {changed} else {column} end"
            )
        return changed


def _drop_suffix(text: str) -> str:
    local, at, domain = text.partition("@")
    return text if not at or "@" in domain else local.partition("+")[0] + at + domain


def _drop_dots(text: str) -> str:
    local, at, domain = text.partition("@")
    return text if not at or "@" in domain else local.replace(".", "") + at + domain


_PYTHON: Mapping[str, Callable[[str], str]] = {
    "trim": lambda text: text.strip(BLANKS),
    "drop_blanks": lambda text: text.translate({ord(blank): None for blank in BLANKS}),
    "lower": lambda text: text.translate(SMALL_LETTERS),
    "drop_suffix": _drop_suffix,
    "drop_dots": _drop_dots,
    "digits": lambda text: re.sub("[^0-9]", "", text),
    "drop_leading_zeros": lambda text: text.lstrip("0"),
    "plus": lambda text: f"+{text}",
    "drop_plus": lambda text: text.lstrip("+"),
}


def _sql_lower(column: str, binds: Binds) -> str:
    # The long list only where it is needed: looking every character up in it costs a hundred times the short way.
    capitals = binds.text("".join(map(chr, SMALL_LETTERS)))
    small = binds.text("".join(SMALL_LETTERS.values()))
    return (
        f'case when octet_length({column}) = char_length({column}) then lower({column} collate "C") '
        f"else translate({column}, {capitals}, {small}) end"
    )


def _sql_drop_blanks(column: str, binds: Binds) -> str:
    return f"case when {column} ~ '^[!-~]*$' then {column} else translate({column}, {binds.text(BLANKS)}, '') end"


def _sql_local(column: str, changed: str) -> str:
    """Change what stands before the @ of a text with one @; others are no addresses and stay as they are."""
    return (
        f"case when octet_length({column}) - octet_length(replace({column}, '@', '')) = 1 "
        f"then {changed} || '@' || split_part({column}, '@', 2) else {column} end"
    )


_SQL: Mapping[str, Callable[[str, Binds], str]] = {
    "trim": lambda column, binds: f"btrim({column}, {binds.text(BLANKS)})",
    "drop_blanks": _sql_drop_blanks,
    "lower": _sql_lower,
    "drop_suffix": lambda column, binds: _sql_local(column, f"split_part(split_part({column}, '@', 1), '+', 1)"),
    "drop_dots": lambda column, binds: _sql_local(column, f"replace(split_part({column}, '@', 1), '.', '')"),
    "digits": lambda column, binds: f"regexp_replace({column}, '[^0-9]', '', 'g')",
    "drop_leading_zeros": lambda column, binds: f"ltrim({column}, '0')",
    "plus": lambda column, binds: f"'+' || {column}",
    "drop_plus": lambda column, binds: f"ltrim({column}, '+')",
}
STEPS = tuple(_PYTHON)
OF_ADDRESSES = ("drop_suffix", "drop_dots")
"""Steps that may be limited to domains."""


def is_digest_sql(column: str, binds: Binds) -> str:
    """Return the condition that a text is a digest already."""
    text = f'lower(btrim({column}, {binds.text(BLANKS)}) collate "C")'
    shortest = min(form.shortest for form in DIGESTS)
    any_form = " or ".join(form.sql(text, binds) for form in DIGESTS)
    # Nearly nothing is: what the first two say of an address is cheap.
    return f"(strpos({column}, '@') = 0 and char_length({column}) >= {shortest} and ({any_form}))"


def is_digest(text: str) -> bool:
    """Return whether a text is a digest already: hashing it again would match nobody."""
    small = "".join(c.lower() if c.isascii() else c for c in text.strip(BLANKS))
    return any(form.fits(small) for form in DIGESTS)


def sha256(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, hexadecimal, in small letters.

    Raises
    ------
    ValueError when there is nothing to hash: the hash of nothing would be the same for everybody without an address.
    """
    if not text:
        raise ValueError("an empty text has no match key")
    return hashlib.sha256(text.encode()).hexdigest()


SHA256_SQL = "encode(sha256(convert_to({column}, 'UTF8')), 'hex')"
