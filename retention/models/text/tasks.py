"""Topic, sentiment and severity: what there is to learn each from, and how well it was learned out of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from retention.models.text.classifier import TermClassifier
from retention.models.text.evaluation import Compared
from retention.models.text.lexicon import SENTIMENTS, SEVERITIES, lexicon
from retention.models.text.reading import TASKS, by_lexicon
from retention.models.value import TooLittleData
from retention.settings_models import TextSettings

CHECKED_SHARE = 0.25
LEAST_CHECKED = 30
LABELS: dict[str, tuple[str, ...] | None] = {"topic": None, "sentiment": SENTIMENTS, "severity": SEVERITIES}


@dataclass(frozen=True)
class Task:
    """One task: what there is to learn from, and how well it was learned.

    Attributes
    ----------
    labelled : texts with a label, oldest first.
    checked : those of the newest quarter that were not there word for word before.
    model, twin : learned from all of it, and without the newest quarter.
    compared : labels of `checked` by the twin, the lexicon and the most frequent label.
    """

    name: str
    labelled: pd.DataFrame
    checked: pd.DataFrame
    model: TermClassifier
    twin: TermClassifier
    compared: Compared

    def better_than(self, others: Sequence[str], seed: int) -> bool:
        """Whether the twin surely read better than each of the others."""
        return all(self.compared.surely_better("challenger", other, seed) for other in others)


def learned(corpus: pd.DataFrame, settings: TextSettings) -> tuple[dict[str, Task], dict[str, str]]:
    """Learn every task that there is enough for.

    Parameters
    ----------
    corpus : oldest first; columns of :func:`retention.models.text.corpus.texts`, `plain`, `masked` and `terms`.

    Returns
    -------
    The tasks learned, and for the others what is missing, in plain words.
    """
    tasks: dict[str, Task] = {}
    missing: dict[str, str] = {}
    for name in TASKS:
        try:
            tasks[name] = _task(name, corpus, settings)
        except TooLittleData as too_little:
            missing[name] = f"{name}: {too_little}"
    return tasks, missing


def _task(name: str, corpus: pd.DataFrame, settings: TextSettings) -> Task:
    labelled = corpus[corpus[f"stated_{name}"].notna()].rename(columns={f"stated_{name}": "label"})
    allowed = LABELS[name]
    if allowed is not None:
        labelled = labelled[labelled["label"].isin(allowed)]
    if len(labelled) < settings.minimum_texts:
        raise TooLittleData(
            f"{len(labelled)} labelled texts, {settings.minimum_texts} are needed (settings.text.minimum_texts)"
        )
    cut = _cut(labelled)
    before, after = labelled.iloc[:cut], labelled.iloc[cut:]
    counts = before["label"].value_counts()
    classes = tuple(sorted(counts[counts >= settings.minimum_per_class].index))
    if len(classes) < 2:
        raise TooLittleData(
            f"{len(classes)} of {len(counts)} labels have {settings.minimum_per_class} texts, 2 are needed "
            "(settings.text.minimum_per_class)"
        )
    # A text that was there word for word (other numbers aside) has been learned by heart: it shows nothing.
    after = after[~after["masked"].isin(set(before["masked"]))]
    if len(after) < LEAST_CHECKED:
        raise TooLittleData(f"{len(after)} texts unlike earlier ones to check with, {LEAST_CHECKED} are needed")
    before, whole = before[before["label"].isin(classes)], labelled[labelled["label"].isin(classes)]
    try:
        twin, model = (
            TermClassifier.fit(part["terms"].tolist(), part["label"].tolist(), _writers(part)) for part in (before, whole)
        )
    except ValueError as error:
        raise TooLittleData(str(error)) from None
    usual = str(before["label"].value_counts().index[0])
    by_words = _named_by_company(by_lexicon(name, after["plain"].tolist(), lexicon()), name, before["label"])
    predicted = {
        "challenger": read_by(twin, after, by_words),
        "lexicon": by_words,
        "most_frequent": [usual] * len(after),
    }
    return Task(name, labelled, after, model, twin, Compared(after["label"].tolist(), predicted, _writers(after), classes))


def _writers(rows: pd.DataFrame) -> list[str]:
    """Who wrote each text; a mention, whose author nobody knows, counts as one person's."""
    known: list[str] = (
        rows["customer_key"].astype("string").fillna(rows["text_kind"] + rows["text_key"].astype("string")).tolist()
    )
    return known


def read_by(classifier: TermClassifier, rows: pd.DataFrame, instead: Sequence[str]) -> list[str]:
    """Labels of a classifier, and those of `instead` where it knows no word of a text."""
    chance = classifier.probabilities(rows["terms"].tolist())
    best = np.nan_to_num(chance).argmax(axis=1)
    return [
        classifier.classes[place] if np.isfinite(row[0]) else other
        for row, place, other in zip(chance, best, instead, strict=True)
    ]


def _cut(labelled: pd.DataFrame) -> int:
    """Where the newest quarter begins."""
    return int(len(labelled) * (1 - CHECKED_SHARE))


def _named_by_company(labels: pd.Series, task: str, known: pd.Series) -> list[str]:
    """The lexicon's topics under the names that the company uses for them (the most frequent one, where it has several)."""
    if task != "topic":
        return [str(label) for label in labels]
    words = lexicon()
    names: dict[str, str] = {}
    for label in reversed(known.value_counts().index.tolist()):
        names[words.known_as(str(label))] = str(label)
    return [names.get(str(label), str(label)) for label in labels]
