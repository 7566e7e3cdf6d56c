"""Names of audiences that would say something about people's health or money: found before anybody outside reads them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from retention.settings import PROJECT_ROOT
from retention.yaml_text import load_yaml

WORDS_FILE = PROJECT_ROOT / "include" / "match_keys" / "sensitive_words.yml"


@dataclass(frozen=True)
class _Topic:
    label: str
    english: tuple[tuple[str, re.Pattern[str]], ...]
    chinese: tuple[str, ...]


def lint_name(text: str) -> list[str]:
    """Return what a name of an audience, play, offer or content would suggest about the people it reaches.

    Advertising platforms refuse lists whose names suggest health conditions or financial status, and the name stands in every
    console and log on the way. English is compared word by word (``low_credit``, ``LowCredit`` and ``low-credit`` are one),
    Chinese anywhere in the text. The words are in ``include/match_keys/sensitive_words.yml``.

    Parameters
    ----------
    text : str
        The name.

    Returns
    -------
    One half sentence per finding, in the order of the file; empty when the name says nothing of the kind.

    Examples
    --------
    >>> lint_name("low_credit_win_back")
    ["'low credit' suggests a financial situation"]
    >>> lint_name("high_value_vip")
    []
    """
    folded = unicodedata.normalize("NFKC", text)
    # A capital inside a word begins a new one: LowCredit.
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", folded).lower()
    words = " " + " ".join(re.findall(r"[a-z]+", words)) + " "
    found = []
    for topic in _topics():
        for shown, pattern in topic.english:
            if pattern.search(words):
                found.append(f"'{shown}' suggests {topic.label}")
        found.extend(f"'{word}' suggests {topic.label}" for word in topic.chinese if word in folded)
    return found


@cache
def _topics() -> tuple[_Topic, ...]:
    content = load_yaml(WORDS_FILE.read_text(encoding="utf-8"))
    return tuple(
        _Topic(
            label=str(topic["label"]["en"]),
            english=tuple((str(entry).rstrip("*"), _pattern(str(entry))) for entry in topic["en"]),
            chinese=tuple(str(entry) for entry in topic["zh"]),
        )
        for topic in content.values()
    )


def _pattern(entry: str) -> re.Pattern[str]:
    return re.compile(" " + re.escape(entry).replace(r"\*", "[a-z]*") + " ")
