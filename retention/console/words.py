"""What the console says by itself, from ``include/console/words.yml``, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from retention.settings import PROJECT_ROOT

_FILE = PROJECT_ROOT / "include" / "console" / "words.yml"
LANGUAGES = ("en", "zh")

Text = dict[str, str]
"""A text in every language: ``{"en": …, "zh": …}``."""


@cache
def words() -> Mapping[str, Any]:
    """Return the file."""
    loaded: Mapping[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return loaded


def label(group: str, name: object) -> Text:
    """Return what something is called; a name that the file does not know is shown as it is, with spaces."""
    text = str(name)
    known = words().get(group, {}).get(text)
    if known is None:
        plain = text.replace("_", " ")
        return {"en": plain, "zh": plain}
    return {language: str(known[language]) for language in LANGUAGES}


def both(en: object, zh: object, name: object = "") -> Text:
    """Return a text whose two languages stand in two columns; what is missing in one is said in the other."""
    english = str(en or zh or name or "")
    return {"en": english, "zh": str(zh or english)}


def said(group: str, name: str, **values: object) -> Text:
    """Return a sentence with its values put in."""
    known = words()[group][name]
    return {language: str(known[language]).format(**_each(values, language)) for language in LANGUAGES}


def what_to_do(group: str, name: str, **values: object) -> Text:
    """Return what the file advises beside a sentence."""
    known = words()[group][name]
    return {language: str(known[f"do_{language}"]).format(**_each(values, language)) for language in LANGUAGES}


def _each(values: Mapping[str, object], language: str) -> dict[str, object]:
    return {name: value[language] if isinstance(value, dict) else value for name, value in values.items()}
