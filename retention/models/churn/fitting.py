"""Learning a churn model from several past dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from retention.models.calibration import LOWEST_SLOPE, Calibration, fit_calibration
from retention.models.churn.inputs import PROCESS_INPUTS, fit_process, with_process
from retention.models.churn.lengthening import Lengthening, fit_lengthening
from retention.models.churn.level import date_weights, season_shift
from retention.models.churn.model import ChurnModel, matrix
from retention.models.churn.smooth import Design
from retention.models.learning import FOLDS, TrainingSet, limited_threads, uniform

Floats = NDArray[np.float64]
Blend = tuple[float, float, float]

# Shares of boosting, smooth model and purchase process in steps of a quarter. Where outcomes do not tell blends apart, the one
# nearest to the preferred one is taken: the process, with four parameters, steadies the others where rows are few.
PREFERRED_FEW, PREFERRED = (0.25, 0.5, 0.25), (0.25, 0.75, 0.0)
BLENDS = tuple((b / 4, s / 4, 1 - (b + s) / 4) for b in range(5) for s in range(5 - b))
# More rows than this are thinned by whole customers: the learners have long stopped to gain.
LEARNED_ROWS = 60_000
# Many rows need fewer folds: each fold then learns from enough anyway.
FEW_FOLDS_FROM, FEW_FOLDS = 20_000, 3
MOST_TREES = 150


@dataclass(frozen=True)
class _OutOfFold:
    """Log-odds of each row by learners that never saw its customer."""

    boosted: Floats
    smooth: Floats
    trees: int


def fit_churn(
    training: TrainingSet,
    horizon_days: int,
    seed: int,
    kind: type[ChurnModel] = ChurnModel,
    *,
    asked_days: int | None = None,
) -> ChurnModel:
    """Fit on several past dates.

    Customers are dealt into folds by their key, so that a customer's rows of different dates never stand on both sides.
    The predictions for the fold left out choose the number of trees and the blend, and calibrate: the newest dates weigh
    most, and where the dates reach a year back, the level moves with the season to come.

    Parameters
    ----------
    training : features and outcomes as of past dates.
    horizon_days : days that the outcomes span.
    seed : of the learners.
    asked_days : horizon that the model will be asked about, where it is longer than the outcomes.

    Raises
    ------
    ValueError when only one class is there.
    """
    training = training.ordered(LEARNED_ROWS)
    if len(np.unique(training.churned)) < 2:
        raise ValueError("training needs customers who churned and customers who stayed")
    training = training.with_columns(training.worth_learning())
    process = fit_process(training.features[training.newest]) if training.are_purchasers else None
    inputs = with_process(training.features, process, horizon_days)
    columns, design, target = matrix(inputs), Design.of(inputs), training.churned
    with limited_threads(len(target)):
        left_out = _out_of_fold(training, columns, design, seed)
        final = _boosting(len(target), seed, trees=left_out.trees).fit(columns, target)
        smooth = design.fit(np.ones(len(target), dtype=bool), target)
    weights = date_weights(training.dates)
    line = _line(target, inputs[PROCESS_INPUTS[0]].to_numpy(), weights) if process else (0.0, 1.0)
    silent = line[0] + line[1] * inputs[PROCESS_INPUTS[0]].to_numpy() if process else left_out.smooth
    opinions = np.column_stack([left_out.boosted, left_out.smooth, silent])
    blend = _blend(target, opinions, weights, BLENDS if process else [blend for blend in BLENDS if blend[2] == 0])
    raw = opinions @ blend
    calibration = fit_calibration(target, raw, weights) if len(np.unique(target)) == 2 else Calibration()
    shift = season_shift(training.dates, target, calibration.log_odds(raw), horizon_days)
    return kind(
        tuple(training.features.columns),
        horizon_days,
        process,
        final,
        smooth,
        blend[0],
        calibration.moved(shift),
        pd.Timestamp(training.dates.max()).date(),
        shift,
        blend[2],
        line,
        _lengthening(training, horizon_days, asked_days or horizon_days, seed),
    )


def _lengthening(training: TrainingSet, horizon_days: int, asked_days: int, seed: int) -> Lengthening | None:
    if asked_days <= horizon_days:
        return None
    return fit_lengthening(training, horizon_days, asked_days, lambda some, days: fit_churn(some, days, seed))


def _out_of_fold(training: TrainingSet, columns: Floats, design: Design, seed: int) -> _OutOfFold:
    target = training.churned
    count = FOLDS if len(target) < FEW_FOLDS_FROM else FEW_FOLDS
    fold = (uniform(training.features.index.to_numpy()) * count).astype(np.int64)
    boosted, smooth, trees = np.zeros(len(target)), np.zeros(len(target)), []
    for left_out in range(count):
        inside, outside = fold != left_out, fold == left_out
        if not outside.any():
            continue
        if len(np.unique(target[inside])) < 2:
            # A handful of customers may leave a fold one-sided: those rows get the level.
            share = (target.sum() + 0.5) / (len(target) + 1)
            boosted[outside] = smooth[outside] = np.log(share / (1 - share))
            continue
        learner = _boosting(len(target), seed)
        learner.fit(columns[inside], target[inside], X_val=columns[outside], y_val=target[outside])
        trees.append(int(learner.n_iter_))
        boosted[outside] = learner.decision_function(columns[outside])
        smooth[outside] = design.log_odds(design.fit(inside, target), outside)
    return _OutOfFold(boosted, smooth, max(5, int(np.median(trees))) if trees else 5)


def _boosting(rows: int, seed: int, trees: int | None = None) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        learning_rate=0.08,
        max_iter=trees or MOST_TREES,
        max_leaf_nodes=15,
        min_samples_leaf=int(np.clip(rows // 200, 10, 60)),
        l2_regularization=5.0,
        max_features=0.5,
        early_stopping=trees is None,
        n_iter_no_change=10,
        random_state=seed,
    )


def _line(actual: Floats, silent: Floats, weights: Floats) -> tuple[float, float]:
    """Level and slope of the outcomes on the log-odds of the purchase process."""
    learner = LogisticRegression(C=1e3, solver="newton-cholesky")
    learner.fit(silent[:, None], actual, sample_weight=weights * (len(weights) / weights.sum()))
    return float(learner.intercept_[0]), max(float(learner.coef_[0, 0]), LOWEST_SLOPE)


def _blend(actual: Floats, opinions: Floats, weights: Floats, blends: Sequence[Blend]) -> Blend:
    """Shares of the opinions: of the blends that chance alone could make the best, the one nearest to the preferred.

    Learners err in different directions as time goes on, which no past date shows in full; several opinions are safer
    than one.
    """
    losses = {}
    for blend in blends:
        raw = opinions @ blend
        losses[blend] = np.logaddexp(0.0, raw) - actual * raw
    weights = weights / weights.sum()
    best = min(blends, key=lambda blend: float(weights @ losses[blend]))
    preferred = PREFERRED_FEW if len(actual) < FEW_FOLDS_FROM else PREFERRED
    for blend in sorted(blends, key=lambda blend: sum(abs(a - b) for a, b in zip(blend, preferred, strict=True))):
        more = losses[blend] - losses[best]
        mean = float(weights @ more)
        if mean <= float(np.sqrt((weights**2) @ (more - mean) ** 2)):
            return blend
    return best
