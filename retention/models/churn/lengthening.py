"""A longer horizon than outcomes reach: what the same lengthening did inside the outcomes that are there.

Outcomes of 91 days hold those of 30, and 91 is to 30 as 273 is to 91. A model that learned the shorter ones only is asked
about the longer ones, which are known, in two ways: by following silence (:mod:`retention.models.churn.silence`), and by
taking what it said of the shorter ones as it stands. A line through the log-odds of either, fitted to what happened, says how
the level sank and whether differences between customers grew or shrank. The model that scores goes the same way, from the
outcomes that it learned to the horizon that is asked for. Half of each counts, since the first errs with the purchase process
and the second knows nothing of the days between; unless the outcomes tell that another share is better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from retention.models.calibration import LOWEST_SLOPE, SHAPE_FROM
from retention.models.learning import TrainingSet, uniform

if TYPE_CHECKING:
    from retention.models.churn.model import ChurnModel

Floats = NDArray[np.float64]
Line = tuple[float, float]

# Outcomes of fewer days than these say nothing.
SHORTEST_DAYS = 7
# Each half of the customers is answered by what learned from the other.
HALVES = 2
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Lengthening:
    """What became of log-odds when a horizon was lengthened.

    Attributes
    ----------
    factor : times that it was lengthened.
    followed : level and slope of the outcomes on the log-odds of silence that was followed to the longer horizon.
    learned : the same on the log-odds of the shorter horizon.
    share : of the second in the log-odds.
    """

    factor: float
    followed: Line
    learned: Line
    share: float = 0.5

    def log_odds(self, learned: Floats, followed: Floats, times: float) -> Floats:
        """Log-odds of no order in a horizon so many times as long as the one learned from.

        Parameters
        ----------
        learned : calibrated log-odds of the horizon learned from.
        followed : log-odds that following silence comes to.
        times : more than 1. Short of `factor` the lines count in proportion, on a logarithmic scale, so that at 1 nothing
            is left of them; beyond it the line of the learned horizon is believed ever less.

        Returns
        -------
        At most `learned`: the longer a horizon, the less likely it passes without an order.
        """
        way = float(np.log(times) / np.log(self.factor))
        whole = _along(followed, self.followed, min(way, 1.0))
        share = self.share / max(way, 1.0)
        return np.asarray(np.minimum((1 - share) * whole + share * _along(learned, self.learned, way), learned))

    def to_dict(self) -> dict[str, Any]:
        """What makes it again."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Lengthening:
        """Make it from `to_dict`."""
        followed, learned = (_line_of(stored[name]) for name in ("followed", "learned"))
        return cls(float(stored["factor"]), followed, learned, float(stored["share"]))


def fit_lengthening(
    training: TrainingSet, horizon_days: int, asked_days: int, fit: Callable[[TrainingSet, int], ChurnModel]
) -> Lengthening | None:
    """Learn from outcomes of `horizon_days` what lengthening to them does to a model of as much shorter ones.

    Parameters
    ----------
    training : with `days_to_next` among the outcomes.
    asked_days : horizon that the model will be asked about; longer than `horizon_days`.
    fit : fits a model on a training set whose outcomes span so many days.

    Returns
    -------
    None where outcomes are too short or too few to learn this from: silence is followed then, and nothing set right.
    """
    from retention.models.churn.silence import followed_log_odds

    shorter = max(SHORTEST_DAYS, round(horizon_days**2 / asked_days))
    if shorter >= horizon_days or "days_to_next" not in training.outcomes.columns:
        return None
    # Nan where no order came at all.
    early = training.outcomes["days_to_next"].to_numpy(dtype=np.float64) < shorter
    shortened = TrainingSet(training.features, training.dates, training.outcomes.assign(churned=(~early).astype(np.float64)))
    half = (uniform(training.features.index.to_numpy()) * HALVES).astype(np.int64)
    learned, followed = np.zeros(len(half)), np.zeros(len(half))
    for number in range(HALVES):
        inside, outside = np.flatnonzero(half != number), np.flatnonzero(half == number)
        if min(_rarer(shortened.churned[inside]), _rarer(training.churned[outside])) < SHAPE_FROM:
            return None
        model, features = fit(shortened.take(inside), shorter), training.features.iloc[outside]
        raw = model.log_odds(features)
        learned[outside] = model.calibration.log_odds(raw)
        followed[outside] = followed_log_odds(model, features[list(model.features)], raw, horizon_days)
    lines = _fit_line(training.churned, followed), _fit_line(training.churned, learned)
    opinions = [_along(values, line, 1.0) for values, line in zip((followed, learned), lines, strict=True)]
    return Lengthening(horizon_days / shorter, *lines, _share(training.churned, *opinions))


def _share(actual: Floats, followed: Floats, learned: Floats) -> float:
    """Share of the second: of those that chance alone could make the best, the one nearest to a half."""
    losses = {}
    for share in SHARES:
        z = (1 - share) * followed + share * learned
        losses[share] = np.logaddexp(0.0, z) - actual * z
    best = min(SHARES, key=lambda share: float(losses[share].mean()))
    for share in sorted(SHARES, key=lambda share: abs(share - 0.5)):
        more = losses[share] - losses[best]
        if more.mean() <= more.std() / np.sqrt(len(more)):
            return share
    return best


def _along(log_odds: Floats, line: Line, way: float) -> Floats:
    """A line gone part of the way, from no change at 0 to itself at 1."""
    level, slope = line
    return np.asarray(level * way + max(1 + (slope - 1) * way, LOWEST_SLOPE) * log_odds)


def _fit_line(actual: Floats, log_odds: Floats) -> Line:
    learner = LogisticRegression(C=1e3, solver="newton-cholesky").fit(log_odds[:, None], actual)
    return float(learner.intercept_[0]), max(float(learner.coef_[0, 0]), LOWEST_SLOPE)


def _rarer(labels: Floats) -> int:
    return int(min(labels.sum(), (1 - labels).sum()))


def _line_of(stored: Any) -> Line:
    level, slope = stored
    return float(level), float(slope)
