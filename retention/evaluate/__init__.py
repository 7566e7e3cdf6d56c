"""Trying it on a history of orders in a file: without a warehouse, a source or a schedule of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retention.evaluate.errors import HistoryUnusable

if TYPE_CHECKING:
    from retention.evaluate.evaluation import Evaluated, Request, evaluate

__all__ = ["Evaluated", "HistoryUnusable", "Request", "evaluate"]


def __getattr__(name: str) -> Any:
    """Import the models when they are asked for: a wrong option or file is said before that takes seconds."""
    if name not in __all__:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from retention.evaluate import evaluation

    return getattr(evaluation, name)
