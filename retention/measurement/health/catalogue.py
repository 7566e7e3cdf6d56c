"""The checks of health, as ``include/health/checks.yml`` says: names, units, sentences in both languages, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from retention.settings import PROJECT_ROOT

PATH = PROJECT_ROOT / "include" / "health" / "checks.yml"
UNITS = ("hours", "share", "times", "index", "count", "minor")
AREAS = ("pipeline", "audience")


@dataclass(frozen=True)
class Check:
    """One check: what is looked at, in which unit, and how it is said."""

    name: str
    position: int
    area: str
    unit: str
    label_en: str
    label_zh: str
    sentence_en: str
    sentence_zh: str
    advice_en: str
    advice_zh: str
    database: str = "warehouse"
    direction: str = "at_most"
    limit: str = ""
    """Setting of the group health that the objective comes from; empty: nothing is allowed."""
    well_en: str = ""
    """Said instead of the sentence where the check holds and the sentence would sound like a complaint."""
    well_zh: str = ""
    unmeasured_en: str = "{label}, {subject}: too little to judge yet."
    unmeasured_zh: str = "{label}，{subject}：数据不足，暂无法判断。"

    @property
    def is_at_least(self) -> bool:
        """Whether the value is to be at least the objective."""
        return self.direction == "at_least"


@cache
def catalogue() -> Mapping[str, Check]:
    """Return every check by name, in the order in which they are shown.

    Raises
    ------
    ValueError naming the check and what is wrong with it.
    """
    raw: dict[str, dict[str, Any]] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    found = {}
    for position, (name, spec) in enumerate(raw.items(), start=1):
        try:
            check = Check(name=name, position=position, **spec)
        except TypeError as error:
            raise ValueError(f"{PATH.name}: {name}: {error}") from None
        if check.unit not in UNITS or check.area not in AREAS or check.direction not in ("at_most", "at_least"):
            raise ValueError(f"{PATH.name}: {name}: unit, area or direction is none of those known")
        found[name] = check
    return found


def shown(value: float | None, unit: str, language: str, minor_digits: int = 2, currency: str = "") -> str:
    """Write a value with its unit, as people read it: 26 h, 3.1 %, 4.2 times."""
    if value is None:
        return "–"
    if unit == "share":
        return f"{100 * value:.3g} %" if value < 1 else f"{100 * value:.0f} %"
    if unit == "hours":
        minutes = value * 60
        if minutes < 90:
            return f"{minutes:.0f} min" if language == "en" else f"{minutes:.0f} 分钟"
        return (f"{value:,.2g}" if value < 10 else f"{value:,.0f}") + (" h" if language == "en" else " 小时")
    if unit == "times":
        return f"{value:,.3g} times" if language == "en" else f"{value:,.3g} 倍"
    if unit == "minor":
        return f"{value / 10**minor_digits:,.2f} {currency}".strip()
    return f"{value:,.3g}" if unit == "index" else f"{value:,.0f}"
