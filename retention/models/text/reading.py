"""What is read out of texts: by what was learned from the company's own labels, and by the lexicon where nothing was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from retention.models.text.classifier import TermClassifier
from retention.models.text.lexicon import Lexicon, lexicon
from retention.models.text.tokens import language, normalise, terms

TASKS = ("topic", "sentiment", "severity")
BY_MODEL, BY_LEXICON = "model", "lexicon"
COMPLAINT, COMMENT, MENTION = "complaint", "survey_comment", "mention"


@dataclass(frozen=True)
class TextModel:
    """Classifiers of the tasks that there were enough labels for, and that did better than the lexicon.

    Attributes
    ----------
    classifiers : task (`topic`, `sentiment`, `severity`) -> classifier; what is missing is read by the lexicon.
    """

    kind: ClassVar[str] = "text"

    classifiers: dict[str, TermClassifier] = field(default_factory=dict)

    def read(self, texts: Sequence[str], kinds: Sequence[str]) -> pd.DataFrame:
        """Read texts.

        Parameters
        ----------
        texts : what was written.
        kinds : `complaint`, `survey_comment` or `mention`, for each.

        Returns
        -------
        DataFrame, one row per text: language; for each task its label, its `_probability` (null from the lexicon) and its
        `_basis` (`model` or `lexicon`). The topic is null where no word says one, the severity where the text is no
        complaint and not negative.
        """
        words = lexicon()
        plain = [normalise(text) for text in texts]
        read = pd.DataFrame({"language": pd.Series([language(text) for text in plain], dtype="object")})
        found = [terms(text) for text in plain] if self.classifiers else []
        for task in TASKS:
            read[task], read[f"{task}_basis"] = by_lexicon(task, plain, words), BY_LEXICON
            read[f"{task}_probability"] = np.nan
            if task in self.classifiers and plain:
                self._learned(read, task, found)
        harmless = (pd.Series(list(kinds), dtype="object") != COMPLAINT) & (read["sentiment"] != "negative")
        read.loc[harmless, ["severity", "severity_probability"]] = None
        return read

    def _learned(self, read: pd.DataFrame, task: str, found: list[frozenset[str]]) -> None:
        classifier = self.classifiers[task]
        chance = classifier.probabilities(found)
        known = np.isfinite(chance[:, 0])
        best = np.where(known, np.nan_to_num(chance).argmax(axis=1), 0)
        read.loc[known, task] = np.array(classifier.classes, dtype=object)[best][known]
        read.loc[known, f"{task}_probability"] = chance[np.arange(len(best)), best][known]
        read.loc[known, f"{task}_basis"] = BY_MODEL

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and text that make the model again."""
        return {task: classifier.to_dict() for task, classifier in self.classifiers.items()}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """Make the model from `to_dict`."""
        return cls({task: TermClassifier.from_dict(parts) for task, parts in stored.items()})


def by_lexicon(task: str, plain: Sequence[str], words: Lexicon) -> pd.Series:
    """Labels of one task for normalised texts."""
    rule = {"topic": words.topic, "sentiment": words.sentiment, "severity": words.severity}[task]
    return pd.Series([rule(text) for text in plain], dtype="object")
