"""A fitted churn model: boosting, a smooth logistic model and the purchase process, blended and calibrated."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.calibration import Calibration
from retention.models.churn.inputs import PROCESS_INPUTS, with_process
from retention.models.churn.lengthening import Lengthening
from retention.models.churn.silence import log_silence
from retention.models.churn.smooth import SmoothModel
from retention.models.tree_predictions import raw_predictions

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

    from retention.models.contributions import Part

Floats = NDArray[np.float64]

# No probability of churn is stated below this, and none above one less this, for any horizon.
LEAST_PROBABILITY = 1e-4


@dataclass(frozen=True)
class ChurnModel:
    """A fitted churn model.

    Attributes
    ----------
    features : columns it learned from, in this order.
    horizon_days : days ahead that it learned of.
    process : parameters of BG/NBD, or None where nobody had bought again.
    boosting, smooth : the two learners.
    weight : share of the boosting model in the blended log-odds.
    process_weight : share of the purchase process; the rest is the smooth model's.
    process_line : level and slope that bring the process's own log-odds to the outcomes.
    calibration : last step; strictly monotone.
    calibrated_as_of : newest date of the rows that the calibration was fitted to (their outcomes had all matured).
    season_shift : log-odds by which the level was moved for the season to come; 0 where no year of history was there.
    lengthening : what a longer horizon than learned from does to the log-odds; None where outcomes reach as far as is asked.
    """

    kind: ClassVar[str] = "churn"

    features: tuple[str, ...]
    horizon_days: int
    process: dict[str, float] | None
    boosting: HistGradientBoostingClassifier
    smooth: SmoothModel
    weight: float
    calibration: Calibration
    calibrated_as_of: date
    season_shift: float = 0.0
    process_weight: float = 0.0
    process_line: tuple[float, float] = (0.0, 1.0)
    lengthening: Lengthening | None = None

    def predict(self, features: pd.DataFrame, horizon_days: int | None = None, raw: Floats | None = None) -> Floats:
        """Calibrated churn probability of each row.

        Parameters
        ----------
        horizon_days : another horizon than the one learned from; see :mod:`retention.models.churn.silence`.
        raw : what :meth:`log_odds` answered for the same customers, where that is known already.

        Raises
        ------
        ValueError when a column that the model learned from is missing, or the horizon is not positive.
        """
        raw = self.log_odds(features) if raw is None else raw
        if horizon_days is None or horizon_days == self.horizon_days:
            return bounded(self.calibration.probability(raw))
        if horizon_days < 1:
            raise ValueError(f"a horizon has at least 1 day, not {horizon_days}")
        return bounded(np.exp(log_silence(self, features[list(self.features)], raw, horizon_days)))

    def log_odds(self, features: pd.DataFrame) -> Floats:
        """Blended log-odds before calibration: the sum of :meth:`additive_parts`."""
        inputs = self.inputs(features)
        raw = self.smooth_weight * self.smooth.log_odds(inputs)
        if self.weight > 0:
            raw = raw + self.weight * raw_predictions(self.boosting, matrix(inputs))
        if self.process_weight > 0:
            level, slope = self.process_line
            raw = raw + self.process_weight * (level + slope * inputs[PROCESS_INPUTS[0]].to_numpy())
        return np.asarray(raw)

    @property
    def smooth_weight(self) -> float:
        """Share of the smooth model in the blended log-odds."""
        return 1 - self.weight - self.process_weight

    def additive_parts(self, features: pd.DataFrame) -> list[Part]:
        """Parts on named inputs that sum to :meth:`log_odds`."""
        from retention.models.contributions import LinearPart, TreePart

        inputs = self.inputs(features)
        # Columns of the smooth model are standardised: a usual customer has zero in each.
        parts: list[Part] = [
            LinearPart(
                self.smooth.names,
                self.smooth.standardised(inputs),
                self.smooth.coefficients,
                self.smooth.intercept,
                self.smooth_weight,
                np.zeros(len(self.smooth.names)),
            )
        ]
        if self.weight > 0:
            parts.append(TreePart(self.boosting, tuple(inputs.columns), matrix(inputs), self.weight))
        if self.process_weight > 0:
            name, (level, slope) = PROCESS_INPUTS[0], self.process_line
            silent = inputs[[name]].to_numpy(dtype=np.float64)
            centre = np.array([self.smooth.centre[self.smooth.names.index(name)]])
            parts.append(LinearPart((name,), silent, np.array([slope]), level, self.process_weight, centre))
        return parts

    def inputs(self, features: pd.DataFrame) -> pd.DataFrame:
        """What the learners read for these customers."""
        missing = [name for name in self.features if name not in features.columns]
        if missing:
            raise ValueError(f"the model learned from columns that are missing now: {', '.join(missing)}")
        return with_process(features[list(self.features)], self.process, self.horizon_days)

    def describe(self) -> dict[str, Any]:
        """Parameters for the registry and for readers."""
        return {
            "process": self.process,
            "process_line": list(self.process_line),
            "process_weight": self.process_weight,
            "boosting_trees": int(self.boosting.n_iter_),
            "boosting_weight": self.weight,
            "smooth_weight": self.smooth_weight,
            "calibration": asdict(self.calibration),
            "season_shift": self.season_shift,
            "lengthening": self.lengthening.to_dict() if self.lengthening else None,
        }

    def to_dict(self) -> dict[str, Any]:
        """What makes the model again; see :mod:`retention.models.artifacts`."""
        return {
            **{field.name: getattr(self, field.name) for field in fields(self)},
            "features": list(self.features),
            "smooth": self.smooth.to_dict(),
            "calibration": asdict(self.calibration),
            "calibrated_as_of": self.calibrated_as_of.isoformat(),
            "process_line": list(self.process_line),
            "lengthening": self.lengthening.to_dict() if self.lengthening else None,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """Make the model from `to_dict`; files of before a model kept its lengthening have none."""
        lengthening = stored.get("lengthening")
        return cls(
            **{
                **stored,
                "features": tuple(stored["features"]),
                "smooth": SmoothModel.from_dict(stored["smooth"]),
                "calibration": Calibration(**stored["calibration"]),
                "calibrated_as_of": date.fromisoformat(stored["calibrated_as_of"]),
                "process_line": (float(stored["process_line"][0]), float(stored["process_line"][1])),
                "lengthening": Lengthening.from_dict(lengthening) if lengthening else None,
            }
        )


def bounded(probability: Floats) -> Floats:
    """Move probabilities away from 0 and 1 by `LEAST_PROBABILITY`, in their order and without plateaus.

    Nobody is known to one in a trillion: such figures are what is left of extrapolation, and would contradict the orders
    expected of the same customer.
    """
    return np.asarray(LEAST_PROBABILITY + (1 - 2 * LEAST_PROBABILITY) * probability)


def matrix(inputs: pd.DataFrame) -> Floats:
    """Inputs as boosting reads them: unknown values stay unknown."""
    values: Floats = inputs.to_numpy(dtype=np.float64, na_value=np.nan)
    return values
