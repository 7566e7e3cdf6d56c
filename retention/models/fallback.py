"""The rule of thumb that stands in for a churn model: recency, on the level of the newest outcomes that are known."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from retention.models.inputs import first_order_date, outcomes, past_features
from retention.models.metrics import logit
from retention.settings import Settings
from retention.warehouse import Run

Floats = NDArray[np.float64]

# Fewer purchasers than this say little about the level; the rule is then used as it stands.
LEAST_CUSTOMERS = 50
FURTHEST_SHIFT = 20.0


def fallback_churn(features: pd.DataFrame, settings: Settings, shift: float = 0.0) -> Floats:
    """Days since the last order over themselves plus the horizon: 0 today, one half after a horizon of silence.

    Parameters
    ----------
    shift : log-odds by which everybody is moved; see :func:`matured_shift`.
    """
    recency = features["recency_days"].to_numpy(dtype=np.float64)
    rule = recency / (recency + settings.churn.horizon_days)
    return np.asarray(rule if shift == 0 else expit(logit(rule) + shift))


def matured_shift(run: Run) -> float:
    """How far the rule's level is from what became of the purchasers of one horizon ago, in log-odds.

    Where nobody comes back, or everybody does, no model can be trained; the level is known all the same. It is smoothed by
    one customer of each kind, so that the rule never claims certainty. 0 where there are too few customers to tell.
    """
    settings, past = run.settings.churn, run.as_of_date - timedelta(days=run.settings.churn.horizon_days)
    first = first_order_date(run)
    if first is None or first >= past:
        return 0.0
    features = past_features(run, past)
    if len(features) < LEAST_CUSTOMERS:
        return 0.0
    gone = float(outcomes(run, past, settings.horizon_days, features.index)["churned"].sum())
    return shift_to((gone + 1) / (len(features) + 2), fallback_churn(features, run.settings))


def shift_to(level: float, rule: Floats) -> float:
    """Log-odds to add to everybody, so that the mean becomes this level."""
    odds = logit(rule)
    return float(brentq(lambda shift: float(expit(odds + shift).mean()) - level, -FURTHEST_SHIFT, FURTHEST_SHIFT))
