"""Names in forms in which they can be compared: Chinese and Western ones, with what people do to them.

A name says three things to linkage: the family name, the given name, and a *sound*, equal for spellings that people and
input methods mix up (characters of the same pronunciation, nicknames, family name first or last). Companies and
what is no name at all (a nickname with digits, 测试, "unknown") are told apart, because such values compare differently or
not at all.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

_FOLDER = Path(__file__).resolve().parents[2] / "include" / "identity"
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_NO_NAME = frozenset({
    "test", "tester", "unknown", "anonymous", "none", "null", "nil", "na", "customer", "client", "user", "guest", "name", "xxx",
    "abc", "测试", "客户", "顾客", "用户", "匿名", "无", "无名", "未知", "不详", "微信用户", "手机用户", "先生", "女士", "小姐",
    "会员", "新客户", "散客",
})  # fmt: skip
_COMPANY = re.compile(
    r"公司|集团|有限|商店|超市|酒店|饭店|医院|学校|工作室|商行|经营部|事务所|银行|[店厂]$"
    r"|\b(ltd|limited|inc|llc|gmbh|corp|corporation|company|plc|bv|srl|sarl)\b"
)
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff·]+")
_HAN_TITLE = re.compile(r"(先生|女士|小姐|太太|老师|经理|总经理|医生|老板|[总哥姐叔])$")
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "madam", "herr", "frau"})
_COMPOUND = frozenset({
    "欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容",
    "司徒", "令狐", "夏侯", "轩辕", "宇文", "长孙", "端木", "南宫", "西门",
    "独孤", "闻人", "申屠", "太史", "钟离", "公冶",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """One name as linkage compares it.

    Attributes
    ----------
    script
        ``han``, ``latin`` or ``company``.
    full
        The whole name without titles, spaces, case, accents and traditional forms.
    sound
        Equal for spellings that people mix up; order of the parts does not matter in Western names.
    surname, given
        The parts; ``given`` is None where only a family name is known (王先生).
    """

    script: Literal["han", "latin", "company"]
    full: str
    sound: str
    surname: str
    given: str | None


def parse_name(text: str | None) -> Name | None:
    """Return a name in comparable form; None when it names nobody.

    Examples
    --------
    >>> parse_name("欧陽 偉先生")
    Name(script='han', full='欧阳伟', sound='欧阳\u4f1f', surname='欧阳', given='伟')
    >>> parse_name("LI, Bob") == parse_name("Robert Li")
    False
    >>> parse_name("LI, Bob").sound == parse_name("Robert Li").sound
    True
    >>> parse_name("user1987") is None
    True
    """
    if not text:
        return None
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold().strip()
    if not plain or len(plain) > 120:
        return None
    if _COMPANY.search(plain):
        full = "".join(c for c in plain if c.isalnum())
        return Name("company", full, full, full, None) if full else None
    if any(c.isdigit() for c in plain) or plain in _NO_NAME:
        return None
    compact = re.sub(r"[\s.,，。·•・_-]+", "", plain)
    if _HAN.fullmatch(compact):
        return _han(compact)
    return _western(plain)


def _han(text: str) -> Name | None:
    folded = "".join(_simplified().get(c, c) for c in text)
    bare = _HAN_TITLE.sub("", folded)
    if not bare or bare in _NO_NAME:
        return None
    size = 2 if bare[:2] in _COMPOUND and len(bare) > 1 else 1
    surname, given = bare[:size], bare[size:]
    if not given and bare == folded:
        return None  # one character alone, without a title that says it is a family name
    sounds = _sounds()
    return Name("han", bare, surname + "".join(sounds.get(c, c) for c in given), surname, given or None)


def _western(text: str) -> Name | None:
    last_first = re.fullmatch(r"([^,，]+)[,，]([^,，]+)", text)
    if last_first:
        text = f"{last_first[2]} {last_first[1]}"
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    bare = bare.translate(_LETTERS).replace("'", "").replace("’", "")
    parts = [part for part in re.split(r"[^\w]+|_", bare) if part and part not in _TITLES]
    if not parts or " ".join(parts) in _NO_NAME:
        return None
    if len(parts) == 1:
        return Name("latin", parts[0], parts[0], parts[0], None) if len(parts[0]) > 1 else None
    nicknames = _nicknames()
    given, surname = nicknames.get(parts[0], parts[0]), parts[-1]
    # Either part may come first, so the nickname of either counts and the order does not.
    sound = " ".join(sorted((given, nicknames.get(surname, surname))))
    return Name("latin", " ".join(parts), sound, surname, given)


_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ß": "ss", "ð": "d", "þ": "th", "ı": "i"})


@cache
def _table(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the lines of a reference file: groups of words or characters that count as one; the first one stands for all."""
    lines = (_FOLDER / name).read_text(encoding="utf-8").splitlines()
    return tuple(tuple(line.split()) for line in lines if line.strip() and not line.startswith("#"))


@cache
def _sounds() -> dict[str, str]:
    return {character: group[0][0] for group in _table("same_sound.txt") for character in "".join(group)}


@cache
def _simplified() -> dict[str, str]:
    return {character: group[0] for group in _table("traditional.txt") for character in group[1:]}


@cache
def _nicknames() -> dict[str, str]:
    return {nickname: group[0] for group in _table("nicknames.txt") for nickname in group}
