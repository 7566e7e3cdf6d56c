"""Learning to read texts from the company's own labels: out of time, beside the lexicon, task by task.

Topics are learned from the categories of complaints, severities from theirs, sentiment from the scores that stand beside survey
comments and from labelled mentions. A task is handed to what was learned only where that read texts of the newest
quarter better than the lexicon and than always saying the most frequent label; else the lexicon goes on reading it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from retention.models import registry
from retention.models.registry import RegisteredModel
from retention.models.report.data import Chapter, Evaluation, Fact, Measured, Note, Table, Text
from retention.models.text.classifier import LEAST_WRITERS_OF_A_TERM
from retention.models.text.corpus import texts
from retention.models.text.lexicon import lexicon_version
from retention.models.text.reading import TASKS, TextModel
from retention.models.text.tasks import Task, learned, read_by
from retention.models.text.tokens import masked, normalise, terms
from retention.models.training import Candidate, Verdict, champion_twin, enrol, model_version
from retention.models.value import TooLittleData
from retention.warehouse import Run

DEFINITION = "topic_sentiment_severity.v1"
LABELS = {"topic": Text("Topic", "主题"), "sentiment": Text("Sentiment", "情感"), "severity": Text("Severity", "严重程度")}


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
    stated = (
        corpus[["text_kind", "text_key", "written", *(f"stated_{task}" for task in TASKS)]].fillna("").reset_index(drop=True)
    )
    name = model_version(run, "text", [stated], [], (settings, lexicon_version(), version("jieba"), LEAST_WRITERS_OF_A_TERM))
    known = registry.find(run.warehouse, name)
    if known:
        return known
    corpus = corpus.assign(plain=[normalise(text) for text in corpus["written"]])
    corpus["masked"] = [masked(text) for text in corpus["plain"]]
    corpus["terms"] = pd.Series([terms(text) for text in corpus["plain"]], index=corpus.index, dtype="object")
    tasks, missing = learned(corpus, settings)
    if not tasks:
        raise TooLittleData("; ".join(missing.values()))

    current = registry.champion(run.warehouse, "text", DEFINITION)
    twin = champion_twin(current)
    champion = twin if isinstance(twin, TextModel) else None
    measured, chosen = _measured(tasks, champion, settings.seed)
    kept = {task: tasks[task] for task in chosen} or tasks
    candidate = Candidate(
        kind="text",
        model_version=name,
        definition=DEFINITION,
        horizon_days=0,
        labels_until=run.as_of_date,
        scoring=TextModel({task: parts.model for task, parts in kept.items()}),
        twin=TextModel({task: parts.twin for task, parts in kept.items()}),
        training_rows=len(corpus),
        evaluation=Evaluation(
            min(task.checked["happened_at"].iloc[0] for task in tasks.values()).date(),
            0,
            max(len(task.checked) for task in tasks.values()),
            measured,
        ),
        details={
            "tasks": {task: _facts(parts, task in chosen) for task, parts in tasks.items()},
            "not_learned": missing,
            "jieba": version("jieba"),
            "lexicon": lexicon_version(),
        },
        profile={
            task: {
                str(label): round(float(share), 6)
                for label, share in parts.labelled["label"].value_counts(normalize=True).items()
            }
            for task, parts in kept.items()
        },
        chapter=_chapter(name, tasks, measured, chosen),
    )
    return enrol(run, candidate, decide(measured, chosen, missing, current if champion else None))


def decide(
    measured: Mapping[str, Mapping[str, Measured]],
    chosen: Sequence[str],
    missing: Mapping[str, str],
    current: RegisteredModel | None,
) -> Verdict:
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
        return Verdict(
            False, f"not promoted: reads nothing better than the lexicon and the most frequent label ({figures}){rest}"
        )
    if current and "champion" in measured:
        tasks = [name for name in TASKS if f"{name}_macro_f1" in measured["challenger"]]
        # What was learned but not chosen would not read anything: there the lexicon stands for the challenger.
        mine, theirs = (
            np.mean([measured[reader][f"{name}_macro_f1"].value for name, reader in zip(tasks, readers, strict=True)])
            for readers in (
                ["challenger" if name in chosen else "lexicon" for name in tasks],
                ["champion"] * len(tasks),
            )
        )
        if mine <= theirs:
            return Verdict(False, f"not promoted: no better than champion {current.model_version} ({figures}){rest}")
    by_lexicon_still = [name for name in TASKS if name not in chosen]
    left = f"; the lexicon goes on reading {', '.join(by_lexicon_still)}" if by_lexicon_still else ""
    return Verdict(True, f"promoted for {', '.join(chosen)} ({figures}){left}{rest}")


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


def _chapter(
    name: str, tasks: Mapping[str, Task], measured: Mapping[str, Mapping[str, Measured]], chosen: Sequence[str]
) -> Chapter:
    """What the training report shows: how each label was read by each candidate. No text, no term."""
    tables, notes = [], []
    for task, parts in tasks.items():
        rows = tuple(
            (candidate.replace("_", " "), *(_shown(values.get(f"{task}_{metric}")) for metric in ("macro_f1", "accuracy")))
            for candidate, values in measured.items()
        )
        columns = (Text("read by", "判读方式"), Text("macro F1", "宏平均 F1"), Text("accuracy", "准确率"))
        note = Text(
            f"{len(parts.labelled)} labelled texts, {len(parts.checked)} of the newest quarter checked; labels: "
            f"{', '.join(parts.compared.classes)}",
            f"已标注文本 {len(parts.labelled)} 条,用最新四分之一中的 {len(parts.checked)} 条检验;"
            f"标签:{'、'.join(parts.compared.classes)}",
        )
        tables.append(Table(LABELS[task], columns, rows, note))
    left = [task for task in TASKS if task not in chosen]
    if left:
        notes.append(
            Note(
                Text(
                    f"The lexicon reads {', '.join(left)}: its labels are marked as a fallback.",
                    f"以下任务由词典判读,并标记为备用结果:{'、'.join(LABELS[task].zh for task in left)}。",
                ),
                "warning",
            )
        )
    facts = (Fact(Text("Terms learned", "学到的词项数"), str(max(len(task.model.vocabulary) for task in tasks.values()))),)
    return Chapter("text", name, facts=facts, notes=tuple(notes), tables=tuple(tables))


def _shown(measured: Measured | None) -> str:
    if measured is None or measured.value is None:
        return ""
    if measured.lower is None or measured.upper is None:
        return f"{measured.value:.3f}"
    return f"{measured.value:.3f} ({measured.lower:.3f} - {measured.upper:.3f})"


def _facts(task: Task, chosen: bool) -> dict[str, Any]:
    return {
        "labelled_texts": len(task.labelled),
        "checked_texts": len(task.checked),
        "labels": list(task.compared.classes),
        "terms": len(task.model.vocabulary),
        "read_by": "model" if chosen else "lexicon",
    }
