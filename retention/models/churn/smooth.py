"""The smooth learner: a logistic model with splines on the rhythm of purchases and straight lines on everything else.

It is steady where data are few, and gives one-time buyers, whom trees see as one lump, a smooth answer. Its splines are
straight outside their outer knots (Harrell's restricted cubic splines).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from retention.models.churn.inputs import PROCESS_INPUTS
from retention.models.sums import row_sums

Floats = NDArray[np.float64]

# Rhythm: what changes in a known way while a customer stays silent. Taken as logarithms.
RHYTHM = ("recency_days", "tenure_days", "count_order_days_lifetime", "overdue_ratio", "mean_days_between_orders")
SPLINED = ("recency_days", "count_order_days_lifetime", "process_silent_log_odds")
KNOT_QUANTILES = (0.05, 0.275, 0.5, 0.725, 0.95)
# Standardised coefficients are held tighter the fewer the rows: sklearn's C is 1 from this many rows on.
UNHELD_ROWS = 50_000
# What is not rhythm is held tighter by this factor.
OTHER_SCALE = 0.15


@dataclass(frozen=True)
class SmoothModel:
    """A fitted logistic model.

    Attributes
    ----------
    knots : input -> knots of its spline.
    seen : rhythm input -> lowest and highest of it in training. A learned curve says nothing beyond: there it stays level,
        and only the purchase process goes on.
    others : inputs taken as straight lines on a signed logarithm -> (lowest, usual, highest) of it in training; unknown
        values count as usual, and none is taken to lie outside.
    names : input of each column of the design.
    centre, scale, coefficients, intercept : log-odds = intercept + (column - centre) / scale @ coefficients.
    """

    knots: dict[str, Floats]
    seen: dict[str, tuple[float, float]]
    others: dict[str, tuple[float, float, float]]
    names: tuple[str, ...]
    centre: Floats
    scale: Floats
    coefficients: Floats
    intercept: float

    def log_odds(self, inputs: pd.DataFrame) -> Floats:
        """Log-odds of each row."""
        return row_sums(self.standardised(inputs), self.coefficients) + self.intercept

    def standardised(self, inputs: pd.DataFrame) -> Floats:
        """Columns of the design, standardised as in training."""
        columns = _rhythm_columns(inputs, self.knots, self.seen) + _other_columns(inputs, self.others)
        return (np.column_stack([values for _, values in columns]) - self.centre) / self.scale

    def rhythm_log_odds(self, inputs: pd.DataFrame) -> Floats:
        """The share of rhythm and process in the log-odds: what moves while a customer stays silent."""
        known = [values for _, values in _rhythm_columns(inputs, self.knots, self.seen)]
        if not known:
            return np.zeros(len(inputs))
        columns, count = np.column_stack(known), len(known)
        return row_sums((columns - self.centre[:count]) / self.scale[:count], self.coefficients[:count])

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, text and arrays that make the model again."""
        return {
            **asdict(self),
            "names": list(self.names),
            "seen": {name: list(limits) for name, limits in self.seen.items()},
            "others": {name: list(limits) for name, limits in self.others.items()},
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> SmoothModel:
        """Make the model from `to_dict`."""
        others = {name: (float(low), float(usual), float(high)) for name, (low, usual, high) in stored["others"].items()}
        seen = {name: (float(low), float(high)) for name, (low, high) in stored["seen"].items()}
        return cls(**{**stored, "names": tuple(stored["names"]), "seen": seen, "others": others})


@dataclass(frozen=True)
class Design:
    """Columns made once for all folds; fit a :class:`SmoothModel` on any of the rows."""

    knots: dict[str, Floats]
    seen: dict[str, tuple[float, float]]
    others: dict[str, tuple[float, float, float]]
    names: tuple[str, ...]
    centre: Floats
    scale: Floats
    matrix: Floats

    @classmethod
    def of(cls, inputs: pd.DataFrame) -> Design:
        """Choose knots, limits and scales on the rows of a training set, and make the columns."""
        knots = {name: _knots(_values(inputs, name)) for name in SPLINED if name in inputs.columns}
        seen = {name: _range(_values(inputs, name)) for name in RHYTHM if name in inputs.columns}
        rhythm = set(RHYTHM) | set(PROCESS_INPUTS)
        others = {name: _limits(inputs[name]) for name in inputs.columns if name not in rhythm}
        others = {name: limits for name, limits in others.items() if limits[0] < limits[2]}
        columns = _rhythm_columns(inputs, knots, seen)
        count = len(columns)
        columns += _other_columns(inputs, others)
        matrix = np.column_stack([values for _, values in columns])
        centre, scale = matrix.mean(axis=0), matrix.std(axis=0)
        # A column that hardly varies says nothing: it is left at the centre.
        scale = np.where(scale < 1e-9, np.inf, scale)
        scale[count:] /= OTHER_SCALE
        return cls(knots, seen, others, tuple(name for name, _ in columns), centre, scale, (matrix - centre) / scale)

    def fit(self, rows: NDArray[np.bool_], target: Floats) -> SmoothModel:
        """Fit on some of the rows."""
        penalty = min(1.0, len(self.matrix) / UNHELD_ROWS)
        learner = LogisticRegression(C=penalty, solver="newton-cholesky", max_iter=200, tol=1e-6)
        learner.fit(self.matrix[rows], target[rows])
        return SmoothModel(
            self.knots,
            self.seen,
            self.others,
            self.names,
            self.centre,
            self.scale,
            learner.coef_[0].copy(),
            float(learner.intercept_[0]),
        )

    def log_odds(self, model: SmoothModel, rows: NDArray[np.bool_]) -> Floats:
        """Log-odds by a model that was fitted on other rows of this design."""
        return np.asarray(self.matrix[rows] @ model.coefficients + model.intercept)


def _values(inputs: pd.DataFrame, name: str) -> Floats:
    values = inputs[name].to_numpy(dtype=np.float64, na_value=np.nan)
    if name in PROCESS_INPUTS:
        return np.asarray(values)
    return np.asarray(np.log1p(np.clip(np.nan_to_num(values, nan=0.0), 0, None)))


def _rhythm_columns(
    inputs: pd.DataFrame, knots: dict[str, Floats], seen: dict[str, tuple[float, float]]
) -> list[tuple[str, Floats]]:
    columns: list[tuple[str, Floats]] = []
    known = {name: _values(inputs, name) for name in (*RHYTHM, *PROCESS_INPUTS) if name in inputs.columns}
    known = {name: np.clip(values, *seen[name]) if name in seen else values for name, values in known.items()}
    for name, values in known.items():
        columns.append((name, values))
        columns += [(name, column) for column in _spline(values, knots.get(name, np.empty(0)))]
    if "count_order_days_lifetime" in known:
        count = known["count_order_days_lifetime"]
        columns.append(("count_order_days_lifetime", (count < np.log(2.5)).astype(np.float64)))
        if "recency_days" in known:
            columns.append(("recency_days", known["recency_days"] * count))
    return columns


def _other_columns(inputs: pd.DataFrame, others: dict[str, tuple[float, float, float]]) -> list[tuple[str, Floats]]:
    columns = []
    for name, (low, usual, high) in others.items():
        values = _signed_log(inputs[name].to_numpy(dtype=np.float64, na_value=np.nan))
        columns.append((name, np.clip(np.where(np.isfinite(values), values, usual), low, high)))
    return columns


def _signed_log(values: Floats) -> Floats:
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def _limits(column: pd.Series) -> tuple[float, float, float]:
    values = _signed_log(column.to_numpy(dtype=np.float64, na_value=np.nan))
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 0.0, 0.0
    return float(values.min()), float(np.median(values)), float(values.max())


def _range(values: Floats) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _knots(values: Floats) -> Floats:
    """Knots at quantiles; too few different values have none, and stay a straight line."""
    knots = np.unique(np.quantile(values, KNOT_QUANTILES))
    return knots if len(knots) >= 3 and np.ptp(knots) > 1e-6 else np.empty(0)


def _spline(values: Floats, knots: Floats) -> list[Floats]:
    """Restricted cubic spline: its columns beside the straight line; zero second derivative outside the outer knots."""
    if len(knots) < 3:
        return []
    last, before = knots[-1], knots[-2]
    unit = (last - knots[0]) ** 2

    def cubed(knot: float) -> Floats:
        return np.clip(values - knot, 0, None) ** 3

    tail, inner = cubed(last), cubed(before)
    return [
        (cubed(knot) - inner * (last - knot) / (last - before) + tail * (before - knot) / (last - before)) / unit
        for knot in knots[:-2]
    ]
