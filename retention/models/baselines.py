"""What a model has to beat: one look at how long ago somebody bought, and one at how much they have spent.

Both learn their level from the same past dates as the model, so that only what a model knows beyond them sets it apart.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from retention.models.inputs import FALLBACK_COLUMNS
from retention.models.learning import TrainingSet
from retention.models.purchases import COLUMNS as PURCHASE_COLUMNS

Floats = NDArray[np.float64]

RECENCY_ONLY, PAST_SPEND = "recency_only", "past_spend"
# Columns that the baselines read; a training set for them must hold these.
COLUMNS = (*PURCHASE_COLUMNS, *FALLBACK_COLUMNS)
RECENCY_GROUPS = 20


def churn_baselines(training: TrainingSet, features: pd.DataFrame) -> dict[str, Floats]:
    """Churn probabilities by recency alone and by past spend alone, each through a logistic regression.

    Parameters
    ----------
    training : features as of past dates with both outcomes among them; see `COLUMNS`.
    features : purchasers to predict for.
    """
    return {
        RECENCY_ONLY: _logistic(_log_recency(training.features), training.churned, _log_recency(features)),
        PAST_SPEND: _logistic(_log_spend(training.features), training.churned, _log_spend(features)),
    }


def value_baselines(training: TrainingSet, features: pd.DataFrame, horizon_days: float) -> dict[str, Floats]:
    """Money over the horizon by recency alone and by past spend alone, in minor units.

    By recency: what purchasers of about this recency went on to spend, by twentieths of the past dates. By past spend:
    what was spent per day since the first order, over the horizon.
    """
    return {RECENCY_ONLY: _by_recency(training, features), PAST_SPEND: past_spend_rate(features) * horizon_days}


def past_spend_rate(features: pd.DataFrame) -> Floats:
    """Net minor units spent per day since the first order."""
    rate = features["net_minor_lifetime"] / features["tenure_days"].clip(lower=1)
    return np.asarray(rate.fillna(0.0).to_numpy(dtype=np.float64))


def _logistic(inputs: Floats, churned: Floats, asked: Floats) -> Floats:
    if len(np.unique(churned)) < 2:
        return np.full(len(asked), float(churned.mean()) if len(churned) else 0.5)
    model = LogisticRegression(C=1e6, solver="newton-cholesky").fit(inputs, churned)
    return np.asarray(model.predict_proba(asked)[:, 1]) if len(asked) else np.empty(0)


def _by_recency(training: TrainingSet, features: pd.DataFrame) -> Floats:
    recency = training.features["recency_days"].to_numpy(dtype=np.float64)
    spent = training.outcomes["net_minor"].to_numpy(dtype=np.float64)
    edges = np.unique(np.quantile(recency, np.linspace(0, 1, RECENCY_GROUPS + 1)[1:-1]))
    group = np.searchsorted(edges, recency, side="right")
    customers = np.bincount(group, minlength=len(edges) + 1)
    means = np.bincount(group, weights=spent, minlength=len(edges) + 1) / np.maximum(customers, 1)
    asked = np.searchsorted(edges, features["recency_days"].to_numpy(dtype=np.float64), side="right")
    return np.asarray(np.where(customers > 0, means, spent.mean())[asked])


def _log_recency(features: pd.DataFrame) -> Floats:
    return np.asarray(np.log1p(np.nan_to_num(features[["recency_days"]].to_numpy(dtype=np.float64))))


def _log_spend(features: pd.DataFrame) -> Floats:
    spent = np.nan_to_num(features[["net_minor_lifetime"]].to_numpy(dtype=np.float64))
    return np.asarray(np.log1p(np.clip(spent, 0, None)))
