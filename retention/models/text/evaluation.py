"""How well labels are read from texts nobody has trained on, beside the lexicon and the most frequent label."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.report.data import Measured

ROUNDS = 200
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Compared:
    """Candidates' labels for the same texts.

    Attributes
    ----------
    actual : labels the texts came with.
    predicted : candidate -> its labels.
    writers : who wrote each text; intervals draw writers, since one person's texts resemble each other.
    classes : labels that could be learned. A text of any other label counts as read wrongly by all.
    """

    actual: Sequence[str]
    predicted: Mapping[str, Sequence[str]]
    writers: Sequence[str]
    classes: tuple[str, ...]

    def measured(self, task: str, seed: int) -> dict[str, dict[str, Measured]]:
        """Candidate -> `<task>_macro_f1` and `<task>_accuracy`, each with a 95 % bootstrap interval over writers."""
        drawn = self._drawn(seed)
        return {
            name: {
                f"{task}_{metric}": _measured(function, self._pairs(labels), drawn, len(self.classes))
                for metric, function in (("macro_f1", macro_f1), ("accuracy", accuracy))
            }
            for name, labels in self.predicted.items()
        }

    def surely_better(self, name: str, other: str, seed: int) -> bool:
        """Whether the macro F1 is higher than the other's in 95 % of the draws of writers."""
        size, drawn = len(self.classes), self._drawn(seed)
        mine, theirs = (self._pairs(self.predicted[candidate]) for candidate in (name, other))
        gains = [macro_f1(_confusion(mine, weights, size)) - macro_f1(_confusion(theirs, weights, size)) for weights in drawn]
        return bool(np.quantile(gains, 0.05) > 0)

    def _pairs(self, labels: Sequence[str]) -> NDArray[np.intp]:
        """Actual and predicted label as one number; an actual one that could not be learned agrees with nothing."""
        size = len(self.classes)
        actual, predicted = (
            pd.Index(self.classes).get_indexer(pd.Index(list(column), dtype="object")) for column in (self.actual, labels)
        )
        return np.where(actual < 0, size, actual) * (size + 2) + np.where(predicted < 0, size + 1, predicted)

    def _drawn(self, seed: int) -> Floats:
        codes, writers = pd.factorize(np.asarray(self.writers, dtype=object))
        rng = np.random.default_rng(seed)
        often = rng.multinomial(len(writers), np.full(len(writers), 1 / len(writers)), size=ROUNDS)
        return np.asarray(often[:, codes], dtype=np.float64)


def macro_f1(confusion: Floats) -> float:
    """Mean over the learned classes of the harmonic mean of precision and recall; a class never met counts 0."""
    hits = np.diag(confusion)[:-2]
    met, said = confusion.sum(axis=1)[:-2], confusion.sum(axis=0)[:-2]
    return float(np.mean(np.divide(2 * hits, met + said, out=np.zeros_like(hits), where=met + said > 0)))


def accuracy(confusion: Floats) -> float:
    """Share of texts with the right label."""
    return float(np.diag(confusion)[:-2].sum() / max(confusion.sum(), 1.0))


def _confusion(pairs: NDArray[np.intp], weights: Floats | None, classes: int) -> Floats:
    size = classes + 2
    return np.bincount(pairs, weights=weights, minlength=size * size).astype(np.float64).reshape(size, size)


def _measured(metric: Callable[[Floats], float], pairs: NDArray[np.intp], drawn: Floats, classes: int) -> Measured:
    values = [metric(_confusion(pairs, weights, classes)) for weights in drawn]
    lower, upper = np.quantile(values, [0.025, 0.975])
    return Measured(metric(_confusion(pairs, None, classes)), float(lower), float(upper))
