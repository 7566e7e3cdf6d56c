"""Reading texts by the words of ``include/text/lexicon.yml``: what is done while there are no labels to learn from."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from retention.settings import PROJECT_ROOT
from retention.yaml_text import load_yaml

LEXICON_FILE = PROJECT_ROOT / "include" / "text" / "lexicon.yml"
SENTIMENTS = ("negative", "neutral", "positive")
SEVERITIES = ("minor", "medium", "severe")
# A negation reaches over two English words ("not a good idea") and nothing in between in Chinese.
_NEGATED_WORDS = 2
_NEGATION_REACH = 60


@dataclass(frozen=True)
class Lexicon:
    """The words of the file, ready to be looked for.

    Attributes
    ----------
    topics : topic -> its English and Chinese label.
    aliases : name that a company may use for a topic (lower case) -> topic.
    """

    topics: dict[str, dict[str, str]]
    aliases: dict[str, str]
    _topic_words: dict[str, re.Pattern[str]]
    _praise: re.Pattern[str]
    _mood_words: re.Pattern[str]
    _negation: re.Pattern[str]
    _severities: tuple[tuple[str, re.Pattern[str]], ...]

    def topic(self, text: str) -> str | None:
        """The topic with most different words in a normalised text (of equals the file's first); None where none has any."""
        counts = {name: len(set(words.findall(text))) for name, words in self._topic_words.items()}
        best = max(counts, key=lambda name: counts[name])
        return best if counts[best] else None

    def sentiment(self, text: str) -> str:
        """Whether praise or blame prevails in a normalised text; `neutral` where neither does."""
        balance = 0
        for match in self._mood_words.finditer(text):
            negated = self._negation.search(text[max(0, match.start() - _NEGATION_REACH) : match.start()]) is not None
            if self._praise.fullmatch(match.group()):
                balance += -1 if negated else 1
            elif not negated:
                balance -= 1
        return SENTIMENTS[1 + (balance > 0) - (balance < 0)]

    def severity(self, text: str) -> str:
        """The gravest level that has a word in a normalised text; `minor` where none has."""
        return next((level for level, words in self._severities if words.search(text)), SEVERITIES[0])

    def known_as(self, category: str) -> str:
        """A company's own name of a topic as the name used here, where it is a known one; else as it is."""
        return self.aliases.get(category.strip().lower(), category)


@cache
def lexicon(path: Path = LEXICON_FILE) -> Lexicon:
    """Read the file.

    Raises
    ------
    ValueError naming what is missing, or the word that stands for praise and blame both.
    """
    raw: dict[str, Any] = load_yaml(path.read_text(encoding="utf-8"))
    for part in ("topics", "sentiment", "severity"):
        if not raw.get(part):
            raise ValueError(f"{path.name}: {part} is missing. Nothing was read.")
    moods = {mood: frozenset(_entries(raw["sentiment"][mood])) for mood in ("positive", "negative")}
    both = sorted(moods["positive"] & moods["negative"])
    if both:
        raise ValueError(f"{path.name}: {', '.join(both)} listed as positive and as negative. Nothing was read.")
    negation = raw["sentiment"]["negation"]
    before = "|".join(re.escape(word) for word in negation["en"])
    before_zh = "|".join(re.escape(word) for word in sorted(negation["zh"], key=len, reverse=True))
    return Lexicon(
        topics={name: dict(topic["label"]) for name, topic in raw["topics"].items()},
        aliases={alias.lower(): name for name, topic in raw["topics"].items() for alias in (name, *topic["aliases"])},
        _topic_words={name: _pattern(_entries(topic)) for name, topic in raw["topics"].items()},
        _praise=_pattern(sorted(moods["positive"])),
        _mood_words=_pattern(sorted(moods["positive"] | moods["negative"])),
        _negation=re.compile(
            rf"(?:(?<![a-z])(?:{before})(?:\s+[a-z']+){{0,{_NEGATED_WORDS}}}\s+|(?:{before_zh})(?:太|很|那么|怎么)?)$"
        ),
        _severities=tuple((level, _pattern(_entries(raw["severity"][level]))) for level in reversed(SEVERITIES[1:])),
    )


@cache
def lexicon_version(path: Path = LEXICON_FILE) -> str:
    """Beginning of the digest of the file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _entries(words: dict[str, Any]) -> list[str]:
    return [str(word).strip() for tongue in ("en", "zh") for word in words[tongue]]


def _pattern(entries: list[str]) -> re.Pattern[str]:
    # Longest first, so that of overlapping entries the longest one is found.
    return re.compile("|".join(_entry(entry) for entry in sorted(entries, key=lambda entry: (-len(entry), entry))))


def _entry(entry: str) -> str:
    if not re.match(r"[a-z]", entry):
        return re.escape(entry)
    body = r"[a-z'-]*".join(re.escape(part) for part in entry.split("*"))
    # Latin letters bound a word, Chinese ones do not: "app" is found in "app付款".
    return rf"(?<![a-z]){body}(?![a-z])"
