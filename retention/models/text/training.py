"""Learning to read texts from the company's own labels: out of time, beside the lexicon, task by task.

Topics are learned from the categories of complaints, severities from theirs, sentiment from the scores that stand beside survey
comments and from labelled mentions. A task is handed to what was learned only where that read texts of the newest
quarter better than the lexicon and than always saying the most frequent label; else the lexicon goes on reading it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from retention.models import artifacts, registry
from retention.models.registry import RegisteredModel
from retention.models.report.data import Evaluation, Measured
from retention.models.text.classifier import TermClassifier
from retention.models.text.corpus import texts
from retention.models.text.evaluation import Compared
from retention.models.text.lexicon import SENTIMENTS, SEVERITIES, lexicon
from retention.models.text.reading import TASKS, TextModel, by_lexicon
from retention.models.text.tokens import masked, normalise, terms
from retention.models.value import TooLittleData
from retention.settings import TextSettings
from retention.warehouse import Run

DEFINITION = "topic_sentiment_severity.v1"
# Raised when training itself changes, so that a new version is trained on unchanged data.
RECIPE = 1
CHECKED_SHARE = 0.25
LEAST_CHECKED = 30
LABELS: dict[str, tuple[str, ...] | None] = {"topic": None, "sentiment": SENTIMENTS, "severity": SEVERITIES}
LIBRARIES = ("jieba", "numpy", "scikit-learn", "scipy")


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


def train_text(run: Run) -> RegisteredModel:
    """Learn, measure and register a model of texts.

    Raises
    ------
    TooLittleData with what is missing, when there are labels enough for none of topic, sentiment and severity.
    """
    settings = run.settings.text
    corpus = texts(run, settings.training_days)
    corpus = corpus[corpus[[f"stated_{task}" for task in TASKS]].notna().any(axis=1)]
    corpus = corpus.sort_values(["happened_at", "text_kind", "text_key"]).tail(settings.largest_training_set)
    model_version = _version(run, corpus)
    known = registry.find(run.warehouse, model_version)
    if known:
        return known
    corpus = corpus.assign(plain=[normalise(text) for text in corpus["written"]])
    corpus["masked"] = [masked(text) for text in corpus["plain"]]
    corpus["terms"] = pd.Series([terms(text) for text in corpus["plain"]], index=corpus.index, dtype="object")
    tasks, missing = learned(corpus, settings)
    if not tasks:
        raise TooLittleData("; ".join(missing.values()))

    current = registry.champion(run.warehouse, "text", DEFINITION)
    champion = _champion_twin(current)
    measured, chosen = _measured(tasks, champion, settings.seed)
    promoted, reason = decide(measured, chosen, missing, current if champion else None)
    kept = {name: task for name, task in tasks.items() if name in chosen} or tasks
    model = TextModel({name: task.model for name, task in kept.items()})
    file_name = f"{model_version}.skops"
    digest = artifacts.save(file_name, model, TextModel({name: task.twin for name, task in kept.items()}))
    checked = max(len(task.checked) for task in tasks.values())
    first_checked = min(task.checked["happened_at"].iloc[0] for task in tasks.values())
    registered = RegisteredModel(
        model_version=model_version,
        kind="text",
        state="champion" if promoted else "challenger",
        as_of_date=run.as_of_date,
        labels_until=run.as_of_date,
        definition=DEFINITION,
        horizon_days=0,
        file_name=file_name,
        file_sha256=digest,
        training_rows=len(corpus),
        details={
            "tasks": {name: _facts(task, name in chosen) for name, task in tasks.items()},
            "not_learned": missing,
            "libraries": {name: version(name) for name in LIBRARIES},
        },
        profile={
            name: {
                str(label): round(float(share), 6)
                for label, share in task.labelled["label"].value_counts(normalize=True).items()
            }
            for name, task in kept.items()
        },
        decision=reason,
    )
    return registry.register(run, registered, Evaluation(first_checked.date(), 0, checked, measured))


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
        twin, model = (TermClassifier.fit(part["terms"].tolist(), part["label"].tolist()) for part in (before, whole))
    except ValueError as error:
        raise TooLittleData(str(error)) from None
    usual = str(before["label"].value_counts().index[0])
    by_words = _named_by_company(by_lexicon(name, after["plain"].tolist(), lexicon()), name, before["label"])
    predicted = {
        "challenger": read_by(twin, after, by_words),
        "lexicon": by_words,
        "most_frequent": [usual] * len(after),
    }
    writers = after["customer_key"].astype("string").fillna(after["text_kind"] + after["text_key"].astype("string"))
    return Task(name, labelled, after, model, twin, Compared(after["label"].tolist(), predicted, writers.tolist(), classes))


def read_by(classifier: TermClassifier, rows: pd.DataFrame, instead: Sequence[str]) -> list[str]:
    """Labels of a classifier, and those of `instead` where it knows no word of a text."""
    chance = classifier.probabilities(rows["terms"].tolist())
    best = np.nan_to_num(chance).argmax(axis=1)
    return [
        classifier.classes[place] if np.isfinite(row[0]) else other
        for row, place, other in zip(chance, best, instead, strict=True)
    ]


def decide(
    measured: Mapping[str, Mapping[str, Measured]],
    chosen: Sequence[str],
    missing: Mapping[str, str],
    current: RegisteredModel | None,
) -> tuple[bool, str]:
    """Whether to promote, and why in plain words."""
    figures = "; ".join(
        f"{name} macro F1 " + ", ".join(
            f"{candidate.replace('_', ' ')} {values[f'{name}_macro_f1'].value:.3f}"
            for candidate, values in measured.items() if f"{name}_macro_f1" in values
        )
        for name in TASKS if f"{name}_macro_f1" in measured["challenger"]
    )  # fmt: skip
    rest = "".join(f"; {reason}" for reason in missing.values())
    if not chosen:
        return False, f"not promoted: reads nothing better than the lexicon and the most frequent label ({figures}){rest}"
    if current and "champion" in measured:
        mine, theirs = (
            np.mean([value.value for name, value in measured[candidate].items() if name.endswith("_macro_f1")])
            for candidate in ("challenger", "champion")
        )
        if mine <= theirs:
            return False, f"not promoted: no better than champion {current.model_version} ({figures}){rest}"
    by_lexicon_still = [name for name in TASKS if name not in chosen]
    left = f"; the lexicon goes on reading {', '.join(by_lexicon_still)}" if by_lexicon_still else ""
    return True, f"promoted for {', '.join(chosen)} ({figures}){left}{rest}"


def _measured(
    tasks: Mapping[str, Task], champion: TextModel | None, seed: int
) -> tuple[dict[str, dict[str, Measured]], list[str]]:
    """Measurements of all candidates over all tasks, and the tasks read better than by the baselines."""
    measured: dict[str, dict[str, Measured]] = {}
    chosen = []
    for name, task in tasks.items():
        compared = task.compared
        if champion:
            theirs = list(compared.predicted["lexicon"])
            if name in champion.classifiers:
                theirs = read_by(champion.classifiers[name], task.checked, theirs)
            compared = replace(compared, predicted={**compared.predicted, "champion": theirs})
        for candidate, values in compared.measured(name, seed).items():
            measured.setdefault(candidate, {}).update(values)
        if task.better_than(["lexicon", "most_frequent"], seed):
            chosen.append(name)
    return measured, chosen


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


def _facts(task: Task, chosen: bool) -> dict[str, Any]:
    return {
        "labelled_texts": len(task.labelled),
        "checked_texts": len(task.checked),
        "labels": list(task.compared.classes),
        "terms": len(task.model.vocabulary),
        "read_by": "model" if chosen else "lexicon",
    }


def _champion_twin(current: RegisteredModel | None) -> TextModel | None:
    if current is None:
        return None
    try:
        twin = artifacts.load(current.file_name, current.file_sha256)[1]
    except artifacts.ModelFileRefused:
        return None
    return twin if isinstance(twin, TextModel) else None


def _version(run: Run, corpus: pd.DataFrame) -> str:
    """Name a model by what it was made from: equal texts, labels, settings, recipe and libraries give an equal name."""
    digest = hashlib.sha256()
    columns = ["text_kind", "text_key", "written", *(f"stated_{task}" for task in TASKS)]
    digest.update(pd.util.hash_pandas_object(corpus[columns].fillna(""), index=False).to_numpy().tobytes())
    digest.update(repr((RECIPE, run.settings.text, [version(name) for name in LIBRARIES])).encode())
    return f"text-{run.as_of_date:%Y%m%d}-{digest.hexdigest()[:10]}"
