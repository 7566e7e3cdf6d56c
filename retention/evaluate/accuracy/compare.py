"""Ours and the alternatives on one split, measured on the same customers."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from retention.evaluate.accuracy.histories import Split, orders_file
from retention.evaluate.evaluation import Request, evaluate
from retention.evaluate.measuring import MODEL
from retention.models.baselines import RECENCY_ONLY
from retention.models.metrics import spearman
from retention.models.report import Measured
from retention.settings import Settings


@dataclass(frozen=True)
class Comparison:
    """Measurements of one split: candidate -> metric -> value; money in the unit of the data.

    Attributes
    ----------
    largest_tie : share of the customers for whom *recency only* has one and the same value.
    tied_spearman : rank correlation of our values when they are tied into groups of the same sizes.
    """

    split: Split
    customers: int
    churn_rate: float
    churn: Mapping[str, Mapping[str, Measured]]
    value: Mapping[str, Mapping[str, Measured]]
    seconds: float
    largest_tie: float
    tied_spearman: float


def compare(split: Split, settings: Settings | None = None, folder: Path | None = None) -> Comparison:
    """Evaluate a split by the shipped settings.

    Parameters
    ----------
    folder : where the data set is kept as a file of orders from one split to the next; a temporary one by default.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as name:
            return compare(split, settings, Path(name))
    request = Request(
        orders=orders_file(split.data, folder),
        now=datetime.now(tz=UTC),
        as_of=split.as_of,
        horizon_days=split.horizon_days,
        timezone="UTC",
        settings=settings or Settings(),
    )
    evaluated = evaluate(request)
    outcome = evaluated.outcome
    if outcome is None:
        raise ValueError(f"{split.name}: the data end before {split.until}")
    return Comparison(
        split,
        len(outcome.truth),
        float(outcome.truth["churned"].mean()),
        outcome.measured_churn,
        outcome.measured_value,
        sum(evaluated.seconds.values()),
        *_tied(outcome.truth["net_minor"].to_numpy(), outcome.value[MODEL], outcome.value[RECENCY_ONLY]),
    )


def _tied(actual: Any, ours: Any, theirs: Any) -> tuple[float, float]:
    """Rank correlation as coarse as that of an alternative with few different answers: share of its largest group, and ours."""
    sizes = np.unique(theirs, return_counts=True)[1]
    group = np.empty(len(ours))
    group[np.argsort(ours, kind="stable")] = np.repeat(np.arange(len(sizes)), sizes)
    return float(sizes.max() / len(ours)), float(spearman(actual, group))
