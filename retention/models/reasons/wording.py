"""The fixed sentences of reasons and warning signs, in English and Chinese, from ``include/reasons``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.settings import PROJECT_ROOT, CompanySettings
from retention.yaml_text import load_yaml

WORDING_DIR = PROJECT_ROOT / "include" / "reasons"
LANGUAGES = ("en", "zh")

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
# The unit of a figure follows from the name of its column.
_MONEY = re.compile(r"(^|_)minor(_|$)")
_SHARE = re.compile(r"(^|_)(share|probability)(_|$)")
_DAYS = re.compile(r"^(?!count_).*(^|_)days(_|$)")


@dataclass(frozen=True)
class Sentence:
    """One fixed sentence.

    Attributes
    ----------
    conditions : column -> (from, to), ends included, None for open; all must hold, and a column not known holds in none.
    text : the sentence by language, with columns of the customer in braces.
    """

    conditions: dict[str, tuple[float | None, float | None]]
    text: dict[str, str]

    @property
    def columns(self) -> list[str]:
        """Columns that the sentence names."""
        return list(dict.fromkeys(name for text in self.text.values() for name in _PLACEHOLDER.findall(text)))


@dataclass(frozen=True)
class Reason:
    """A group of inputs that people understand as one, with its sentences: the first whose conditions hold is used."""

    code: str
    label: dict[str, str]
    inputs: tuple[str, ...]
    sentences: tuple[Sentence, ...]

    def takes(self, name: str) -> bool:
        """Whether an input belongs to this reason."""
        return any(fnmatchcase(name, pattern) for pattern in self.inputs)


class Wording:
    """The reasons of one score, in the order of their file.

    Parameters
    ----------
    reasons : read from a file of ``include/reasons``.
    """

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        self.reasons = {reason.code: reason for reason in reasons}

    def reason_of(self, name: str) -> str:
        """Code of the first reason that an input belongs to.

        Raises
        ------
        ValueError when it belongs to none.
        """
        for reason in self.reasons.values():
            if reason.takes(name):
                return reason.code
        raise ValueError(f"include/reasons: input {name} belongs to no reason. Add it to the inputs of one.")

    def groups(self, names: list[str]) -> dict[str, str]:
        """Code of the reason of each input."""
        return {name: self.reason_of(name) for name in names}

    def sentences(self, code: str, customers: pd.DataFrame, company: CompanySettings) -> dict[str, NDArray[Any]]:
        """The sentence of one reason for each customer, by language.

        Parameters
        ----------
        customers : one row per customer with the figures that sentences name; one that is not there or not known leaves the
            sentences that need it out.

        Raises
        ------
        ValueError when no sentence holds for a customer: the last one of a reason must need nothing.
        """
        found = {language: np.empty(len(customers), dtype=object) for language in LANGUAGES}
        open_rows = np.ones(len(customers), dtype=bool)
        for sentence in self.reasons[code].sentences:
            rows = np.flatnonzero(open_rows & _holds(sentence, customers))
            open_rows[rows] = False
            for language in LANGUAGES if rows.size else ():
                # `{name}` becomes `{}`: the columns are handed over in the order in which this language names them.
                template = _PLACEHOLDER.sub("{}", sentence.text[language])
                written = [
                    write_figures(name, customers[name].to_numpy(dtype=np.float64)[rows], language, company)
                    for name in _PLACEHOLDER.findall(sentence.text[language])
                ]
                texts = (
                    [template.format(*values) for values in zip(*written, strict=True)] if written else [template] * len(rows)
                )
                found[language][rows] = texts
        if open_rows.any():
            raise ValueError(f"include/reasons: no sentence of {code} holds for {int(open_rows.sum())} customers.")
        return found


@cache
def load_wording(name: str) -> Wording:
    """Read ``include/reasons/<name>.yml``.

    Parameters
    ----------
    name : churn, clv, renewal or warnings. Of a contract is said what is said of its holder, too.
    """
    files = (name, "churn") if name == "renewal" else (name,)
    entries = [entry for file in files for entry in load_yaml((WORDING_DIR / f"{file}.yml").read_text(encoding="utf-8"))]
    return Wording(tuple(_reason(entry) for entry in entries))


def write_figures(name: str, values: NDArray[np.float64], language: str, company: CompanySettings) -> list[str]:
    """Figures of one column with their unit, as a reader of that language expects them; the unit follows from the name."""
    if _MONEY.search(name):
        digits = company.base_currency_minor_digits
        unit = "元" if language == "zh" and company.base_currency == "CNY" else company.base_currency
        return [
            f"{value / 10**digits:,.{0 if abs(value) >= 100 * 10**digits else digits}f} {unit}".rstrip() for value in values
        ]
    if _SHARE.search(name):
        return [f"{100 * value:.0f}%" for value in values]
    numbers = [_number(value) for value in values]
    if _DAYS.search(name):
        if language == "zh":
            return [f"{number} 天" for number in numbers]
        return [f"{number} day" if number == "1" else f"{number} days" for number in numbers]
    return numbers


def _number(value: float) -> str:
    """Whole where it is whole or large, else with one decimal; two where one would say nothing."""
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    text = f"{value:.1f}" if abs(value) >= 0.1 else f"{value:.2g}"
    return text.removesuffix(".0")


def _holds(sentence: Sentence, customers: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows that meet the conditions and know every figure of the sentence."""
    rows = np.ones(len(customers), dtype=bool)
    for name in {*sentence.conditions, *sentence.columns}:
        if name not in customers.columns:
            return np.zeros(len(customers), dtype=bool)
        values = customers[name].to_numpy(dtype=np.float64)
        low, high = sentence.conditions.get(name, (None, None))
        # A comparison with NaN is false: what is not known lies in no range.
        rows &= np.isfinite(values)
        rows &= values >= (-np.inf if low is None else low)
        rows &= values <= (np.inf if high is None else high)
    return rows


def _reason(entry: dict[str, Any]) -> Reason:
    sentences = tuple(
        Sentence(
            {name: (low, high) for name, (low, high) in (item.get("if") or {}).items()},
            {language: str(item[language]) for language in LANGUAGES},
        )
        for item in entry["sentences"]
    )
    last = sentences[-1]
    if last.conditions:
        raise ValueError(f"include/reasons: the last sentence of {entry['reason']} must hold for everybody.")
    return Reason(str(entry["reason"]), dict(entry["label"]), tuple(entry["inputs"]), sentences)
