"""How good the chances of another order within 30 and 90 days were, where the file covers so many days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.evaluate.measuring import MODEL, Outcome
from retention.models.baselines import PAST_SPEND, RECENCY_ONLY
from retention.models.metrics import CHURN_METRICS, measure
from retention.models.report import Measured
from retention.models.repurchase import HORIZONS_DAYS, steady

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Repurchased:
    """Chances of an order within some days beside what happened.

    Attributes
    ----------
    days : the days.
    ordered : whether each customer ordered within them.
    candidates : candidate -> probability, in the order of `ordered`.
    measured : candidate -> metric -> value.
    """

    days: int
    ordered: Floats
    candidates: Mapping[str, Floats]
    measured: Mapping[str, Mapping[str, Measured]]


def repurchased(outcome: Outcome | None, predictions: pd.DataFrame, compared_days: int, seed: int) -> list[Repurchased]:
    """Compare what was said of 30 and of 90 days, as far as the file reaches; empty where it does not.

    Parameters
    ----------
    predictions : with `repurchase_probability_30d` and `_90d`, index customer_key.
    compared_days : days after the as-of date that the file covers.
    seed : of the resamples.
    """
    found = []
    for days in HORIZONS_DAYS:
        if outcome is None or days > compared_days:
            continue
        waits = outcome.truth["days_to_next"].to_numpy(dtype=np.float64)
        ordered = (np.isfinite(waits) & (waits < days)).astype(np.float64)
        said = predictions.loc[outcome.truth.index, f"repurchase_probability_{days}d"]
        candidates = {MODEL: said.to_numpy(dtype=np.float64)}
        # Baselines speak of the days compared: each day is taken to be like the other.
        for name in (RECENCY_ONLY, PAST_SPEND):
            if name in outcome.churn:
                candidates[name] = 1 - steady(np.asarray(outcome.churn[name], dtype=np.float64), days / compared_days)
        found.append(Repurchased(days, ordered, candidates, measure(CHURN_METRICS, ordered, candidates, seed)))
    return found
