"""The fixed wording of reports in both languages, from `include/report/words.csv`, and how numbers are shown."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from functools import cache
from html import escape

from retention.models.report.data import Measured, Text
from retention.settings import PROJECT_ROOT

WORDS = PROJECT_ROOT / "include" / "report" / "words.csv"
# Metrics shown in percent (mean gap: percentage points), and those in money.
PERCENT = frozenset({"mean_gap", "total_bias", "top_decile_share", "interval_coverage", "hit_rate_at_1", "hit_rate_at_5"})
MONEY = frozenset({"mae"})


@cache
def _words() -> dict[tuple[str, str], tuple[Text, Text]]:
    with WORDS.open(encoding="utf-8", newline="") as stream:
        return {
            (row["group"], row["key"]): (Text(row["en"], row["zh"]), Text(row["meaning_en"], row["meaning_zh"]))
            for row in csv.DictReader(stream)
        }


def word(group: str, key: str) -> Text:
    """Label of a key; one that has no wording is shown as it is, with spaces."""
    return _words().get((group, key), (Text(key.replace("_", " "), ""), Text("", "")))[0]


def meaning(group: str, key: str) -> Text:
    """What a key means, in a sentence; empty where there is none."""
    return _words().get((group, key), (Text("", ""), Text("", "")))[1]


def place(group: str, key: str) -> int:
    """Place of a key in the list of words, which is the order of showing; unknown ones come last."""
    keys = list(_words())
    return keys.index((group, key)) if (group, key) in keys else len(keys)


def both(text: Text) -> str:
    """HTML of a text in both languages."""
    chinese = f' <span lang="zh">{escape(text.zh)}</span>' if text.zh and text.zh != text.en else ""
    return f"{escape(text.en)}{chinese}"


def _small(value: float) -> str:
    """The first figures of a small number, without an exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:,.0f}"


class Numbers:
    """How numbers of one report are shown."""

    def __init__(self, currency: str, minor_per_major: int) -> None:
        self.currency = currency
        self.minor_per_major = minor_per_major

    def money(self, minor: float) -> str:
        """An amount of minor units, in major ones."""
        major = minor / self.minor_per_major
        figures = f"{major:,.0f}" if abs(major) >= 1000 else _small(major) if abs(major) < 0.1 else f"{major:,.2f}"
        return f"{figures} {self.currency}".strip()

    def money_on_axis(self, minor: float) -> str:
        """An amount at a tick of an axis: whole where amounts are large, else the figures that tell one tick from the next."""
        major = minor / self.minor_per_major
        return f"{major:,.0f}" if abs(major) >= 100 or major == 0 else _small(major)

    def value_of(self, name: str) -> Callable[[float], str]:
        """How values of an input are shown: amounts in major units, no exponents."""
        unit = self.minor_per_major if name.endswith("_minor") or "_minor_" in name else 1

        def show(value: float) -> str:
            shown = value / unit
            return f"{shown:,.0f}" if abs(shown) >= 1000 else f"{shown:.4g}"

        return show

    def metric(self, name: str, value: float) -> str:
        """A metric in its unit."""
        if name in MONEY:
            return self.money(value)
        return f"{value:.1%}" if name in PERCENT else f"{value:.3f}"

    def measured(self, name: str, measured: Measured | None) -> str:
        """HTML of a metric with its interval."""
        if measured is None:
            return "–"
        if measured.value is None:
            return '<span class="quiet">undefined</span>'
        value = self.metric(name, measured.value)
        if measured.lower is None or measured.upper is None:
            return value
        ends = f"{self.metric(name, measured.lower)} … {self.metric(name, measured.upper)}"
        return f'{value}<br><span class="quiet">[{ends}]</span>'

    def outcome(self, value: float, is_money: bool) -> str:
        """A mean prediction or outcome: an amount, or a share."""
        return self.money(value) if is_money else f"{value:.1%}"
