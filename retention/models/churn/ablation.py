"""What each group of features is worth: the model without it, on the same later outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retention.models.churn.fitting import fit_churn
from retention.models.learning import TrainingSet
from retention.warehouse import load_contract

Floats = NDArray[np.float64]

ROUNDS = 200
# Tables of features beside the orders, which every model needs.
TABLES = {
    "basket": "features.customer_basket",
    "service": "features.customer_service",
    "engagement": "features.customer_engagement",
}


@dataclass(frozen=True)
class Worth:
    """What is lost without a group of features.

    Attributes
    ----------
    columns : how many of its columns were learned from.
    log_loss : mean log loss without them less with them; positive where they earn their place.
    lower, upper : ends of its 95 % bootstrap interval over customers.
    """

    group: str
    columns: int
    log_loss: float
    lower: float
    upper: float


def feature_groups(columns: Sequence[str]) -> dict[str, list[str]]:
    """Columns of a training set by the table they come from, without those of the orders."""
    known = set(columns)
    tables = {group: [column.name for column in load_contract(table).columns] for group, table in TABLES.items()}
    return {group: [name for name in names if name in known] for group, names in tables.items()}


def ablation(
    training: TrainingSet, later: TrainingSet, horizon_days: int, seed: int, groups: Mapping[str, Sequence[str]]
) -> list[Worth]:
    """Fit with all features and without each group in turn, and compare on later outcomes.

    Parameters
    ----------
    later : customers as of a date at which the outcomes of `training` had matured, with what became of them.
    groups : group -> its columns; see :func:`feature_groups`. Empty ones are passed over.
    """
    whole = _losses(training, later, horizon_days, seed)
    rng = np.random.default_rng(seed)
    resamples = [rng.integers(0, len(whole), len(whole)) for _ in range(ROUNDS)]
    found = []
    for group, names in groups.items():
        kept = [name for name in training.features.columns if name not in set(names)]
        if len(kept) == len(training.features.columns):
            continue
        more = _losses(training.with_columns(kept), later, horizon_days, seed) - whole
        lower, upper = np.quantile([float(more[rows].mean()) for rows in resamples], [0.025, 0.975])
        found.append(Worth(group, len(training.features.columns) - len(kept), float(more.mean()), float(lower), float(upper)))
    return found


def _losses(training: TrainingSet, later: TrainingSet, horizon_days: int, seed: int) -> Floats:
    model = fit_churn(training, horizon_days, seed)
    z = model.calibration.log_odds(model.log_odds(later.features))
    return np.asarray(np.logaddexp(0.0, z) - later.churned * z)
