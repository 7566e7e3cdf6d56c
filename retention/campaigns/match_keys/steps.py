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
HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}|[0-9a-z+/]{43}=|[0-9a-z+/_-]{22}==")
"""What a digest looks like once it is in small letters: MD5 to SHA-512 in hexadecimal, or MD5 and SHA-256 in base 64."""
_HASH_SQL = f"^({HASH.pattern})$"


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
            domain = f"substring({column} from '[^@]*$')"
            return f"case when {domain} = any({binds.texts(self.domains)}) then {changed} else {column} end"
        return changed


def _drop_suffix(text: str) -> str:
    local, at, domain = text.rpartition("@")
    return local.partition("+")[0] + at + domain if at else text


def _drop_dots(text: str) -> str:
    local, at, domain = text.rpartition("@")
    return local.replace(".", "") + at + domain if at else text


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


_SQL: Mapping[str, Callable[[str, Binds], str]] = {
    "trim": lambda column, binds: f"btrim({column}, {binds.text(BLANKS)})",
    "drop_blanks": lambda column, binds: f"translate({column}, {binds.text(BLANKS)}, '')",
    "lower": _sql_lower,
    "drop_suffix": lambda column, binds: f"regexp_replace({column}, '^([^+@]*)[+].*(@[^@]*)$', '\\1\\2')",
    "drop_dots": lambda column, binds: (
        f"case when strpos({column}, '@') = 0 then {column} else replace(substring({column} from '^(.*)@'), '.', '') "
        f"|| substring({column} from '@[^@]*$') end"
    ),
    "digits": lambda column, binds: f"regexp_replace({column}, '[^0-9]', '', 'g')",
    "drop_leading_zeros": lambda column, binds: f"ltrim({column}, '0')",
    "plus": lambda column, binds: f"'+' || {column}",
    "drop_plus": lambda column, binds: f"ltrim({column}, '+')",
}
STEPS = tuple(_PYTHON)
OF_ADDRESSES = ("drop_suffix", "drop_dots")
"""Steps that may be limited to domains."""

ACCEPTED = {
    "email": re.compile(rf"{_NO_BLANK}{{1,64}}@{_NO_BLANK}+[.]{_NO_BLANK}+"),
    # Before any step: without the country code it would be somebody else's number, abroad.
    "international": re.compile(r"[+][0-9 ()./-]{6,30}"),
    "e164": re.compile(r"[+][1-9][0-9]{6,14}"),
    "digits": re.compile(r"[1-9][0-9]{6,14}"),
    "number": re.compile(r"-?[0-9]{1,19}"),
}
"""What a text must look like as a whole, by name: the same expressions in both languages."""


def accepts_sql(kind: str, column: str, binds: Binds) -> str:
    """Return the condition that a text looks like what ``kind`` names."""
    return f"{column} ~ {binds.text(f'^({ACCEPTED[kind].pattern})$')}"


def is_hash_sql(column: str, binds: Binds) -> str:
    """Return the condition that a text is a digest already."""
    return f'lower(btrim({column}, {binds.text(BLANKS)}) collate "C") ~ {binds.text(_HASH_SQL)}'


def is_hash(text: str) -> bool:
    """Return whether a text is a digest already: hashing it again would match nobody."""
    shown = text.strip(BLANKS)
    return HASH.fullmatch("".join(c.lower() if c.isascii() else c for c in shown)) is not None


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
