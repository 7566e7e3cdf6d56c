"""Churn: gradient boosting blended with a small logistic model, on top of the purchase process, calibrated.

The boosting model finds what the features hold beyond the rhythm of purchases; the logistic model on a handful of
inputs is steady where data are few, and one-time buyers, whom trees see as one lump, get a smooth answer from it. Both
see what BG/NBD says about the horizon. Their weights and the calibration come from customers not learned from.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from retention.models.btyd import BetaGeoNBD
from retention.models.calibration import Calibration, fit_calibration
from retention.models.learning import FOLDS, TrainingSet, folds, limited_threads
from retention.models.metrics import log_loss, logit
from retention.models.purchases import DAYS_PER_WEEK, purchases

Floats = NDArray[np.float64]

BLEND_STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
# Columns that the smooth model takes, as logarithms, where the features have them.
SMOOTH_LOGS = ("recency_days", "tenure_days", "count_order_days_lifetime", "overdue_ratio", "mean_days_between_orders")
PROCESS_INPUTS = ("process_silent_log_odds", "process_expected_orders_log")


@dataclass(frozen=True)
class ChurnModel:
    """A fitted churn model.

    Attributes
    ----------
    features : columns it learned from, in this order.
    horizon_days : days ahead that it speaks of.
    process : parameters of BG/NBD, or None where nobody had bought again.
    boosting, smooth : the two learners; `smooth_centre`, `smooth_scale` standardise the inputs of the second.
    weight : share of the boosting model in the blended log-odds.
    calibration : last step; strictly monotone.
    calibrated_as_of : date of the rows that the calibration was fitted to (their outcomes had all matured).
    """

    kind: ClassVar[str] = "churn"

    features: tuple[str, ...]
    horizon_days: int
    process: dict[str, float] | None
    boosting: HistGradientBoostingClassifier
    smooth: LogisticRegression
    smooth_centre: Floats
    smooth_scale: Floats
    weight: float
    calibration: Calibration
    calibrated_as_of: date

    def predict(self, features: pd.DataFrame, horizon_days: int | None = None) -> Floats:
        """Calibrated churn probability of each row.

        Parameters
        ----------
        horizon_days : another horizon than the one learned from. The log-odds are moved by what the purchase process says
            the longer or shorter wait changes; that keeps what was learned, and the level follows the horizon.

        Raises
        ------
        ValueError when a column that the model learned from is missing, or another horizon is asked of a model
            without a purchase process.
        """
        learned = self.calibration.apply(expit(self.log_odds(features)))
        if horizon_days in (None, self.horizon_days):
            return learned
        if self.process is None:
            raise ValueError(f"without repeat buyers the model knows its own horizon of {self.horizon_days} days only")
        process = BetaGeoNBD.from_params(self.process)
        asked = logit(process_churn(features, int(horizon_days or 0), process))
        return np.asarray(expit(logit(learned) + asked - logit(process_churn(features, self.horizon_days, process))))

    def log_odds(self, features: pd.DataFrame) -> Floats:
        """Blended log-odds before calibration."""
        missing = [name for name in self.features if name not in features.columns]
        if missing:
            raise ValueError(f"the model learned from columns that are missing now: {', '.join(missing)}")
        inputs = _inputs(features[list(self.features)], self.process, self.horizon_days)
        smooth = (_smooth_inputs(inputs) - self.smooth_centre) / self.smooth_scale
        with limited_threads(len(features)):
            boosted = logit(self.boosting.predict_proba(_matrix(inputs))[:, 1])
            steady = logit(self.smooth.predict_proba(smooth)[:, 1])
        return np.asarray(self.weight * boosted + (1 - self.weight) * steady)

    def to_dict(self) -> dict[str, Any]:
        """What makes the model again; see :mod:`retention.models.artifacts`."""
        return {
            **{field.name: getattr(self, field.name) for field in fields(self)},
            "features": list(self.features),
            "calibration": asdict(self.calibration),
            "calibrated_as_of": self.calibrated_as_of.isoformat(),
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> ChurnModel:
        """Make the model from `to_dict`."""
        return cls(
            **{
                **stored,
                "features": tuple(stored["features"]),
                "calibration": Calibration(**stored["calibration"]),
                "calibrated_as_of": date.fromisoformat(stored["calibrated_as_of"]),
            }
        )


def fit_churn(training: TrainingSet, horizon_days: int, seed: int) -> ChurnModel:
    """Fit on several past dates.

    Customers are dealt into folds by their key, so that a customer's rows of different dates never stand on both sides.
    The predictions for the fold left out choose the number of trees and the blend, and calibrate on the newest date:
    the level is that of the latest season whose outcomes are known.

    Raises
    ------
    ValueError when only one class is there.
    """
    training = training.ordered()
    if len(np.unique(training.churned)) < 2:
        raise ValueError("training needs customers who churned and customers who stayed")
    training = training.with_columns(training.known_often_enough())
    process = _fit_process(training.features[training.newest])
    inputs = _inputs(training.features, process, horizon_days)
    matrix, smooth = _matrix(inputs), _smooth_inputs(inputs)
    centre, scale = smooth.mean(axis=0), smooth.std(axis=0)
    scale[scale < 1e-9] = 1.0
    smooth = (smooth - centre) / scale
    target = training.churned
    fold = folds(training.features.index.to_numpy())
    boosted, steady, trees = np.zeros(len(target)), np.zeros(len(target)), []
    with limited_threads(len(target)):
        for left_out in range(FOLDS):
            inside, outside = fold != left_out, fold == left_out
            if not outside.any() or len(np.unique(target[inside])) < 2:
                # A handful of customers may leave a fold empty or one-sided: those rows get the level.
                boosted[outside] = steady[outside] = logit(np.array([target[inside].mean()]))[0] if inside.any() else 0.0
                continue
            boosting = _boosting(len(target), seed)
            boosting.fit(matrix[inside], target[inside], X_val=matrix[outside], y_val=target[outside])
            trees.append(int(boosting.n_iter_))
            boosted[outside] = logit(boosting.predict_proba(matrix[outside])[:, 1])
            steady[outside] = logit(_smooth().fit(smooth[inside], target[inside]).predict_proba(smooth[outside])[:, 1])
        final = _boosting(len(target), seed, trees=max(5, int(np.median(trees)))).fit(matrix, target)
        final_smooth = _smooth().fit(smooth, target)
    weight = min(BLEND_STEPS, key=lambda w: log_loss(target, expit(w * boosted + (1 - w) * steady)))
    newest = training.newest
    blended = expit(weight * boosted + (1 - weight) * steady)
    calibration = Calibration()
    if len(np.unique(target[newest])) == 2:
        calibration = fit_calibration(target[newest], blended[newest])
    return ChurnModel(
        tuple(training.features.columns),
        horizon_days,
        process,
        final,
        final_smooth,
        centre,
        scale,
        weight,
        calibration,
        pd.Timestamp(training.dates.max()).date(),
    )


def process_churn(features: pd.DataFrame, horizon_days: int, process: BetaGeoNBD) -> Floats:
    """Probability of no purchase in the horizon by the purchase process alone: the baseline to beat."""
    h = purchases(features)
    return process.probability_no_purchase(horizon_days / DAYS_PER_WEEK, h.frequency, h.recency, h.T)


def recency_model(training: TrainingSet) -> LogisticRegression:
    """Logistic regression on the logarithm of recency: the naive baseline."""
    return LogisticRegression(C=1e6).fit(_log_recency(training.features), training.churned)


def recency_churn(model: LogisticRegression, features: pd.DataFrame) -> Floats:
    """Churn probability by recency alone."""
    return np.asarray(model.predict_proba(_log_recency(features))[:, 1])


def _fit_process(features: pd.DataFrame) -> dict[str, float] | None:
    h = purchases(features)
    if not (h.frequency > 0).any():
        return None
    return BetaGeoNBD().fit(h.frequency, h.recency, h.T).params_


def _inputs(features: pd.DataFrame, process: dict[str, float] | None, horizon_days: int) -> pd.DataFrame:
    """The features, and what the purchase process says of the horizon beside them."""
    silent = expected = np.zeros(len(features))
    if process is not None:
        model, h, weeks = BetaGeoNBD.from_params(process), purchases(features), horizon_days / DAYS_PER_WEEK
        silent = logit(model.probability_no_purchase(weeks, h.frequency, h.recency, h.T))
        expected = np.log1p(model.expected_purchases(weeks, h.frequency, h.recency, h.T))
    return features.assign(**dict(zip(PROCESS_INPUTS, (silent, expected), strict=True)))


def _matrix(inputs: pd.DataFrame) -> Floats:
    matrix: Floats = inputs.to_numpy(dtype=np.float64, na_value=np.nan)
    return matrix


def _smooth_inputs(inputs: pd.DataFrame) -> Floats:
    columns = [
        np.log1p(np.clip(np.nan_to_num(inputs[name].to_numpy(dtype=np.float64, na_value=np.nan), nan=0.0), 0, None))
        for name in SMOOTH_LOGS
        if name in inputs.columns
    ]
    columns += [inputs[name].to_numpy(dtype=np.float64) for name in PROCESS_INPUTS]
    return np.column_stack(columns)


def _boosting(rows: int, seed: int, trees: int | None = None) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=trees or 400,
        max_leaf_nodes=15,
        min_samples_leaf=int(np.clip(rows // 200, 10, 60)),
        l2_regularization=5.0,
        max_features=0.5,
        early_stopping=trees is None,
        n_iter_no_change=20,
        random_state=seed,
    )


def _smooth() -> LogisticRegression:
    return LogisticRegression(C=1.0, max_iter=500)


def _log_recency(features: pd.DataFrame) -> Floats:
    return np.asarray(np.log1p(features[["recency_days"]].to_numpy(dtype=np.float64)))
