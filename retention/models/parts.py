"""Which modules score and which are trained, in order. A part is imported only when it is run."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

# `rows(run, given)` of each answers table -> frame with every column of the table, `as_of_date` first. Of the features it is
# handed the columns that its module names as `READS`; the whole inputs of chosen customers are given when asked for.
SCORING: tuple[str, ...] = (
    "retention.models.renewal:rows",
    "retention.models.text.labels:rows",
    "retention.models.reasons.table:rows",
    "retention.models.warning_signs:rows",
    "retention.models.next_best:rows",
    "retention.models.personas:rows",
    "retention.models.preferences:rows",
)

# The same for one range of customers after the other: their rows depend on nobody else's.
SCORING_BY_RANGE: tuple[str, ...] = ("retention.models.repurchase:rows",)

# Kind -> `train_<kind>(run)`: a RegisteredModel, or TooLittleData with what is missing.
TRAINING: dict[str, str] = {
    "churn": "retention.models.training.churn:train_churn",
    "clv": "retention.models.training.value:train_clv",
    "renewal": "retention.models.renewal:train_renewal",
    "text": "retention.models.text.training:train_text",
    "persona": "retention.models.personas.training:train_persona",
    "next_best": "retention.models.next_best.training:train_next_best",
    "association": "retention.models.next_best.training:train_association",
    "preference": "retention.models.preferences.training:train_preference",
}


def function(part: str) -> Callable[..., Any]:
    """Import `module:name`."""
    module, name = part.split(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def columns_read() -> list[str]:
    """Features that scoring parts read of every purchaser."""
    modules = [import_module(part.split(":")[0]) for part in (*SCORING_BY_RANGE, *SCORING)]
    return list(dict.fromkeys(name for module in modules for name in getattr(module, "READS", ())))
