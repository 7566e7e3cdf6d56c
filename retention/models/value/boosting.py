"""The learned candidates: how often by boosting, and in two stages whether and how much (zero-inflated).

Customers are halved by their key; each half is predicted by what learned from the other. Those predictions say how good
the candidates are, and set the blend and the intervals. In scoring both halves answer and their mean counts: that is
steadier than one model, and no third fit is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from retention.models.learning import limited_threads, uniform
from retention.models.metrics import logit
from retention.models.tree_predictions import raw_predictions
from retention.models.value.process import ProcessPart

Floats = NDArray[np.float64]

HALVES = 2
# More rows than this make the fit slower and hardly better (23,570 customers at four dates: see the accuracy page).
LEARNING_ROWS = 36_000
# Fewer buying rows than this in one half and nothing is learned beside the purchase process.
LEAST_BUYING_ROWS = 100
# Customers by whom the level of the process is compared with the level of what was learned.
BALANCED_ROWS = 20_000
# A factor further from 1 than this is no imbalance of two good fits, and is not given in to.
BALANCE_LIMITS = (0.8, 1.25)
PROCESS_INPUTS = ("process_silent_log_odds", "process_orders_log", "process_order_value_log", "process_value_log")


@dataclass(frozen=True)
class Candidates:
    """What the learned candidates say of each row within the learned horizon: order days, buying at all, money if so."""

    orders: Floats
    buying: Floats
    amount: Floats


@dataclass(frozen=True)
class Half:
    """The three learners of one half."""

    orders: HistGradientBoostingRegressor
    buying: HistGradientBoostingClassifier
    amount: HistGradientBoostingRegressor

    def predict(self, matrix: Floats, scale: float) -> Candidates:
        """Answer for each row of the inputs; money in minor units."""
        return Candidates(
            np.exp(raw_predictions(self.orders, matrix)),
            expit(raw_predictions(self.buying, matrix)),
            np.exp(raw_predictions(self.amount, matrix)) * scale,
        )


@dataclass(frozen=True)
class TwoStage:
    """The learned candidates.

    Attributes
    ----------
    features : columns learned from, in this order; the inputs of the purchase process follow them.
    process : the purchase process of the newest training date, whose answers are inputs.
    horizon_days : days of outcomes learned from.
    scale : mean amount of buying rows, minor units.
    balance : factor of the amounts by which the two stages together predict, over all rows learned from, what was spent.
        A product of two fits is not balanced by itself: who is more likely to buy than thought also spends more.
    halves : the learners.
    buyer_balance : factor by which what buyers spend by the purchase process comes to the level of the two stages.
    """

    features: tuple[str, ...]
    process: ProcessPart
    horizon_days: int
    scale: float
    balance: float
    halves: tuple[Half, ...]
    buyer_balance: float = 1.0

    def predict(self, features: pd.DataFrame) -> Candidates:
        """Mean answer of the halves for each customer, within the learned horizon.

        Raises
        ------
        ValueError naming columns that are gone.
        """
        missing = [name for name in self.features if name not in features.columns]
        if missing:
            raise ValueError(f"the value model learned from columns that are missing now: {', '.join(missing)}")
        matrix = inputs(features[list(self.features)], features, self.process, self.horizon_days)
        return mean_of([half.predict(matrix, self.scale * self.balance) for half in self.halves])

    def balanced(self, part: ProcessPart, features: pd.DataFrame) -> TwoStage:
        """Learn `buyer_balance` from the customers of a date: the process knows their rhythm, but no newest outcomes."""
        some = features[uniform(features.index.to_numpy()) < BALANCED_ROWS / max(len(features), 1)]
        said = self.predict(some)
        spent = said.buying * part.orders_of_buyers(some, self.horizon_days) * part.order_value(some)
        return replace(self, buyer_balance=_balance(said.buying * said.amount, spent))

    def to_dict(self) -> dict[str, Any]:
        """What makes it again."""
        return {
            "features": list(self.features),
            "process": self.process.to_dict(),
            "horizon_days": self.horizon_days,
            "scale": self.scale,
            "balance": self.balance,
            "buyer_balance": self.buyer_balance,
            "halves": [{"orders": half.orders, "buying": half.buying, "amount": half.amount} for half in self.halves],
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> TwoStage:
        """Make it from `to_dict`."""
        return cls(
            tuple(stored["features"]),
            ProcessPart.from_dict(stored["process"]),
            int(stored["horizon_days"]),
            float(stored["scale"]),
            float(stored["balance"]),
            tuple(Half(**half) for half in stored["halves"]),
            # Files of before this factor was known have none.
            float(stored.get("buyer_balance", 1.0)),
        )


def mean_of(answers: Sequence[Candidates]) -> Candidates:
    """Mean over learners."""
    parts = [np.mean([getattr(answer, name) for answer in answers], axis=0) for name in ("orders", "buying", "amount")]
    return Candidates(*parts)


def inputs(chosen: pd.DataFrame, features: pd.DataFrame, process: ProcessPart, horizon_days: int) -> Floats:
    """The features, and what the purchase process says of the horizon beside them."""
    expected, value = process.orders(features, [horizon_days])[:, 0], process.order_value(features)
    said = np.column_stack(
        [logit(process.silent(features, horizon_days)), np.log1p(expected), np.log(value), np.log1p(expected * value)]
    )
    return np.column_stack([chosen.to_numpy(dtype=np.float64, na_value=np.nan), said])


def fit_two_stage(
    features: pd.DataFrame,
    outcomes: pd.DataFrame,
    dates: NDArray[np.datetime64],
    names: Sequence[str],
    horizon_days: int,
    seed: int,
) -> tuple[TwoStage, Candidates] | None:
    """Learn from past dates.

    Parameters
    ----------
    features, outcomes, dates : rows of customers and dates, as in a training set; `net_minor` of outcomes already freed
        from extreme orders.
    names : columns to learn from.

    Returns
    -------
    The candidates, and their answers for all rows by the half that did not see the customer; None where too few bought.
    """
    keys = features.index.to_numpy()
    half = (uniform(keys) * HALVES).astype(np.int64)
    orders, money = (outcomes[name].to_numpy(dtype=np.float64) for name in ("orders", "net_minor"))
    buys = orders > 0
    paid = buys & (money > 0)
    if min(int((paid & (half == h)).sum()) for h in range(HALVES)) < LEAST_BUYING_ROWS or buys.all():
        return None
    newest = dates == dates.max()
    process = ProcessPart.fit(features[newest])
    matrix = inputs(features[list(names)], features, process, horizon_days)
    scale = float(money[paid].mean())
    chosen = _thinned(keys, dates)
    learners: list[Half] = []
    answers = Candidates(*(np.zeros(len(keys)) for _ in range(3)))
    with limited_threads(int(chosen.sum()) // HALVES):
        for h in range(HALVES):
            rows, others = chosen & (half != h), half == h
            learner = Half(
                _fit(HistGradientBoostingRegressor(loss="poisson", **_shape(rows, seed)), matrix, orders, rows),
                _fit(HistGradientBoostingClassifier(**_shape(rows, seed)), matrix, buys.astype(np.float64), rows),
                _fit(
                    HistGradientBoostingRegressor(loss="gamma", **_shape(rows & paid, seed)), matrix, money / scale, rows & paid
                ),
            )
            learners.append(learner)
            said = learner.predict(matrix[others], scale)
            for name in ("orders", "buying", "amount"):
                getattr(answers, name)[others] = getattr(said, name)
    balance = _balance(money, answers.buying * answers.amount)
    answers.amount[:] *= balance
    return TwoStage(tuple(names), process, horizon_days, scale, balance, tuple(learners)), answers


def _balance(money: Floats, said: Floats) -> float:
    return float(np.clip(money.sum() / said.sum(), *BALANCE_LIMITS))


def _fit(learner: Any, matrix: Floats, target: Floats, rows: NDArray[np.bool_]) -> Any:
    return learner.fit(matrix[rows], target[rows])


def _thinned(keys: NDArray[Any], dates: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Rows to learn from: other customers at each date, so that few rows still know many customers."""
    share = LEARNING_ROWS / len(keys)
    if share >= 1:
        return np.ones(len(keys), dtype=bool)
    days = dates.astype("datetime64[D]").astype(np.int64)
    return np.asarray((uniform(keys) * 1_009 + uniform(days)) % 1.0 < share)


def _shape(rows: NDArray[np.bool_], seed: int) -> dict[str, Any]:
    count = int(rows.sum())
    return {
        "learning_rate": 0.09,
        "max_iter": 50 if count > 3_000 else 35,
        "max_leaf_nodes": 12,
        "min_samples_leaf": int(np.clip(count // 150, 10, 80)),
        "l2_regularization": 5.0,
        "max_features": 0.5,
        "early_stopping": False,
        "random_state": seed,
    }
