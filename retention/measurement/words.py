"""Sentences of the measurement in English and Chinese: fixed wording, from ``include/measurement/words.yml``."""

from __future__ import annotations

from functools import cache

import yaml

from retention.settings import PROJECT_ROOT, Settings

LANGUAGES = ("en", "zh")
_WORDS = PROJECT_ROOT / "include" / "measurement" / "words.yml"


def sentence(chapter: str, key: str, language: str, **values: object) -> str:
    """Return one sentence.

    Parameters
    ----------
    chapter, key : str
        As in the file.
    language : str
        ``en`` or ``zh``.
    values : object
        What its brackets stand for; more may be given than it names.
    """
    return _words()[chapter][key][language].format(**values)


def money(minor: float, settings: Settings) -> str:
    """Return an amount of minor units in whole units with the base currency: ``12.50 CNY``."""
    digits = settings.company.base_currency_minor_digits
    return f"{minor / 10**digits:,.{digits}f} {settings.company.base_currency}"


@cache
def _words() -> dict[str, dict[str, dict[str, str]]]:
    words: dict[str, dict[str, dict[str, str]]] = yaml.safe_load(_WORDS.read_text(encoding="utf-8"))
    return words
