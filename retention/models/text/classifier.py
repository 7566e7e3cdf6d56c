"""A classifier of short texts: weighted terms and multinomial logistic regression, stored as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import softmax

Floats = NDArray[np.float64]
Terms = Sequence[frozenset[str]]

# A term that fewer people wrote is not learned: it would be noise, and might be the name or the street of somebody who signs
# every complaint with it.
LEAST_WRITERS_OF_A_TERM = 5
MOST_TERMS = 20_000
# Inverse strength of the penalty, on texts scaled to length 1. Fixed: tuning it would need a third set of labels.
PENALTY_C = 10.0


@dataclass(frozen=True)
class TermClassifier:
    """Probabilities of classes from the terms of a text.

    Attributes
    ----------
    classes : names, ascending.
    vocabulary : terms learned, ascending; one row of `weights` each.
    rarity : weight of each term: ln((1 + texts) / (1 + texts with it)) + 1.
    weights, offsets : coefficients of the regression, terms by classes, and one offset for each class.
    """

    classes: tuple[str, ...]
    vocabulary: tuple[str, ...]
    rarity: Floats
    weights: Floats
    offsets: Floats

    @classmethod
    def fit(cls, texts: Terms, labels: Sequence[str], writers: Sequence[str]) -> Self:
        """Learn from texts (as sets of terms) and their labels, in an order that must not matter: sort before.

        Parameters
        ----------
        writers : who wrote each text; what only a few of them write is not learned, however often they do.

        Raises
        ------
        ValueError where there is one class only, or no term occurs often enough.
        """
        from sklearn.linear_model import LogisticRegression

        classes = tuple(sorted(set(labels)))
        if len(classes) < 2:
            raise ValueError(f"labels of one class only ({', '.join(classes) or 'none'}): nothing can be told apart")
        vocabulary, count = _vocabulary(texts, writers)
        if not vocabulary:
            raise ValueError(f"no term was written by {LEAST_WRITERS_OF_A_TERM} people")
        rarity = np.log((1 + len(texts)) / (1 + count)) + 1
        matrix = _matrix(texts, vocabulary, rarity)
        target = np.searchsorted(np.array(classes), np.array(labels))
        model = LogisticRegression(C=PENALTY_C, max_iter=1_000).fit(matrix, target)
        weights, offsets = model.coef_.T, model.intercept_
        if len(classes) == 2:  # one column of log-odds: as two columns, softmax gives the same probabilities
            weights, offsets = np.hstack([-weights / 2, weights / 2]), np.array([-offsets[0] / 2, offsets[0] / 2])
        return cls(classes, vocabulary, rarity, np.asarray(weights, dtype=np.float64), np.asarray(offsets, dtype=np.float64))

    def probabilities(self, texts: Terms) -> Floats:
        """One row per text, one column per class. A text without any known term gets nan: there is nothing to go by."""
        matrix = _matrix(texts, self.vocabulary, self.rarity)
        found = softmax(np.asarray(matrix @ self.weights) + self.offsets, axis=1)
        found[np.diff(matrix.indptr) == 0] = np.nan
        return np.asarray(found)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and text that make the classifier again."""
        return {
            "classes": list(self.classes),
            "vocabulary": "\n".join(self.vocabulary),
            "rarity": self.rarity,
            "weights": self.weights,
            "offsets": self.offsets,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """Make the classifier from `to_dict`."""
        return cls(
            tuple(stored["classes"]),
            tuple(stored["vocabulary"].split("\n")),
            np.asarray(stored["rarity"]),
            np.asarray(stored["weights"]),
            np.asarray(stored["offsets"]),
        )


def _vocabulary(texts: Terms, writers: Sequence[str]) -> tuple[tuple[str, ...], Floats]:
    counts: dict[str, int] = {}
    people: dict[str, set[str]] = {}
    for text, writer in zip(texts, writers, strict=True):
        for term in text:
            counts[term] = counts.get(term, 0) + 1
            known = people.setdefault(term, set())
            if len(known) < LEAST_WRITERS_OF_A_TERM:
                known.add(writer)
    often = [(term, number) for term, number in counts.items() if len(people[term]) >= LEAST_WRITERS_OF_A_TERM]
    often = sorted(sorted(often, key=lambda pair: (-pair[1], pair[0]))[:MOST_TERMS])
    return tuple(term for term, _ in often), np.array([number for _, number in often], dtype=np.float64)


def _matrix(texts: Terms, vocabulary: tuple[str, ...], rarity: Floats) -> sparse.csr_matrix:
    place = {term: column for column, term in enumerate(vocabulary)}
    rows = [sorted(place[term] for term in text if term in place) for text in texts]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    columns = np.fromiter((column for row in rows for column in row), dtype=np.int64, count=int(starts[-1]))
    values = rarity[columns]
    length = np.sqrt(np.maximum(np.add.reduceat(np.append(values**2, 0.0), starts[:-1]), 1e-300)) if len(rows) else values
    lengths = np.repeat(length, np.diff(starts)) if len(rows) else values
    return sparse.csr_matrix((values / lengths, columns, starts), shape=(len(rows), len(vocabulary)))
