"""Scores: who will stay away (churn) and who is worth how much (CLV).

``train`` fits, measures and registers; ``score`` publishes the slices of a date. Without a champion the scores come from
rules of thumb and say so in every row.

The functions import what they need when called: the purchase-process models can be used without the warehouse, and the
registry without scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retention.models.registry import RegisteredModel, champion, models, promote, rollback

if TYPE_CHECKING:
    from retention.warehouse import Run

__all__ = ["RegisteredModel", "champion", "models", "promote", "rollback", "score", "train"]


def train(run: Run) -> dict[str, Any]:
    """Fit, measure, register and, where better, promote both kinds: see :func:`retention.models.training.train`."""
    from retention.models import training

    return training.train(run)


def score(run: Run) -> dict[str, Any]:
    """Publish the scores of the run's as-of date: see :func:`retention.models.scoring.score`."""
    from retention.models import scoring

    return scoring.score(run)
