"""What a model report shows, as small plain data: it is stored with the model, so that a report can be written again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Measured:
    """One metric: its value on all rows and a 95 % bootstrap interval over customers (both None where undefined)."""

    value: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Text:
    """A label or sentence in both languages."""

    en: str
    zh: str


@dataclass(frozen=True)
class Fact:
    """One line of what a report or a chapter is about: `value` is shown as it is."""

    label: Text
    value: str


@dataclass(frozen=True)
class Note:
    """Something the reader must know. `level`: info, warning (a fallback, a drift) or stop."""

    text: Text
    level: str = "info"


@dataclass(frozen=True)
class Band:
    """Customers with neighbouring predictions: a point of the reliability diagram, a row of the decile table.

    Attributes
    ----------
    customers : how many.
    predicted, actual : mean prediction and mean outcome (probability and share, or minor units).
    lower, upper : 95 % interval of the mean outcome.
    """

    customers: int
    predicted: float
    actual: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Shape:
    """How one candidate's predictions lie beside the outcomes.

    Attributes
    ----------
    candidate : challenger, champion, or the name of a baseline.
    reliability : five to twenty bands of equal size, lowest predictions first.
    deciles : ten bands of equal size at most, highest predictions first.
    gains : share of all outcomes (churned customers, money) that the first 0, 5, 10 ... 100 % of customers hold, highest
        predictions first.
    """

    candidate: str
    reliability: tuple[Band, ...]
    deciles: tuple[Band, ...]
    gains: tuple[float, ...]


@dataclass(frozen=True)
class Evaluation:
    """What one training measured: candidate -> metric -> value, on which customers and when.

    Attributes
    ----------
    as_of : date as of which was predicted; nothing from it on was known to any candidate.
    horizon_days : days of outcomes compared.
    customers : customers compared.
    measured : candidate -> metric -> value with its interval; baselines beside the model.
    shapes : diagrams by candidate.
    """

    as_of: date
    horizon_days: int
    customers: int
    measured: Mapping[str, Mapping[str, Measured]]
    shapes: tuple[Shape, ...] = ()


@dataclass(frozen=True)
class Importance:
    """How much one input moves the predictions: mean absolute contribution (log-odds, or the unit the chapter states)."""

    name: str
    label: Text
    value: float


@dataclass(frozen=True)
class Effect:
    """Partial dependence: mean prediction if every customer had this value of one input, others as they are.

    Attributes
    ----------
    values, predictions : ascending input values and the mean prediction at each.
    shares : share of customers at or below each value, so that empty stretches can be seen.
    """

    name: str
    label: Text
    values: tuple[float, ...]
    predictions: tuple[float, ...]
    shares: tuple[float, ...] = ()


@dataclass(frozen=True)
class Drift:
    """One input (or the score itself, named `score`) now, beside what it was in training.

    Attributes
    ----------
    psi : population stability index; None where it is not defined.
    null_share_training, null_share_now : shares of customers without a value.
    level : ok, warn or stop.
    """

    name: str
    psi: float | None
    null_share_training: float
    null_share_now: float
    level: str


@dataclass(frozen=True)
class Matured:
    """Predictions of one past date whose horizon has passed, beside what happened."""

    scored_as_of: date
    customers: int
    predicted: float
    actual: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Table:
    """Any further table: cells are shown as they are."""

    title: Text
    columns: tuple[Text, ...]
    rows: tuple[tuple[str, ...], ...]
    note: Text | None = None


@dataclass(frozen=True)
class Chapter:
    """One model in a report. Whatever is empty is left out."""

    kind: str
    model_version: str
    decision: str = ""
    is_fallback: bool = False
    is_money: bool = False
    facts: tuple[Fact, ...] = ()
    notes: tuple[Note, ...] = ()
    evaluation: Evaluation | None = None
    importances: tuple[Importance, ...] = ()
    effects: tuple[Effect, ...] = ()
    drift: tuple[Drift, ...] = ()
    matured: tuple[Matured, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class ReportData:
    """A whole report.

    Attributes
    ----------
    title : heading of the page.
    as_of_date : date that the models speak as of.
    currency, minor_per_major : how amounts in minor units are shown, e.g. "CNY" and 100.
    facts, notes : what it was made from, and what the reader must know, above the chapters.
    """

    title: Text
    as_of_date: date
    currency: str
    minor_per_major: int = 100
    facts: tuple[Fact, ...] = ()
    notes: tuple[Note, ...] = ()
    chapters: tuple[Chapter, ...] = ()
