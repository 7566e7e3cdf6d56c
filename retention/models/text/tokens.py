"""From a text to its terms: cleaned, split into words (Chinese by jieba), numbers and addresses masked.

Masking is for privacy as much as for learning: telephone numbers, order numbers and e-mail addresses written into a text
must not become terms of a model file.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

_ADDRESS = re.compile(r"[a-z0-9._%+-]+@[a-z0-9.-]+|(?:https?://|www\.)[!-~]+")
_NUMBER = re.compile(r"\d[\d.,:/-]*")
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_HAN_RUN = re.compile(f"[{_HAN}]+")
# Words (with their apostrophe), runs of Chinese, and single symbols such as emoji.
_PIECE = re.compile(rf"[a-zà-öø-ÿ]+(?:'[a-z]+)?|#|[{_HAN}]+|[\u2600-\u27bf\U0001f300-\U0001faff]")
MASK = "#"
# Longer texts are read up to here: what a complaint is about stands at its beginning, and nobody's forwarded mail thread
# may hold up a day.
LONGEST_TEXT = 2_000


def normalise(text: str) -> str:
    """One form for all spellings: half-width, lower case, plain apostrophes, single spaces."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST_TEXT]).lower().replace("\u2019", "'").replace("\u2018", "'")
    return " ".join(plain.split())


def masked(text: str) -> str:
    """A normalised text with addresses left out and every number as one sign."""
    return " ".join(_NUMBER.sub(f" {MASK} ", _ADDRESS.sub(" ", text)).split())


def language(text: str) -> str:
    """`zh`, `en` (any text in Latin letters), `mixed`, or `other` where there are neither.

    A Chinese sentence with a product's English name stays Chinese: one Chinese character says about what two to three
    Latin letters say.
    """
    han = sum(len(run) for run in _HAN_RUN.findall(text))
    latin = sum(letter.isascii() and letter.isalpha() for letter in text)
    if han == 0 and latin == 0:
        return "other"
    share = 2.5 * han / (2.5 * han + latin)
    return "zh" if share >= 0.6 else "en" if share <= 0.2 else "mixed"


def terms(text: str) -> frozenset[str]:
    """Words, pairs of neighbouring words and (in Chinese) pairs of characters of a normalised text, masked."""
    text = masked(text)
    found: set[str] = set()
    before = ""
    for word in _words(text):
        found.add(word)
        if before:
            found.add(f"{before} {word}")
        before = word
    for run in _HAN_RUN.findall(text):
        # What jieba splits one way here and another way there is still met by its pairs of characters.
        found.update(f"~{run[at : at + 2]}" for at in range(len(run) - 1))
    return frozenset(found)


def _words(text: str) -> Iterator[str]:
    for piece in _PIECE.findall(text):
        if _HAN_RUN.match(piece):
            yield from _tokenizer().lcut(piece)
        else:
            yield piece


@cache
def _tokenizer() -> Any:
    """Jieba's tokenizer with its own dictionary, loaded once per process and without a cache file.

    jieba would keep its dictionary as a marshal file in the common temporary folder and read back whatever lies there:
    loading for a second is better than running what somebody else put in that place.
    """
    import jieba

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer
