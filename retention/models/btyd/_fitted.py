"""What all fitted models share: parameters by name, their covariance and intervals, and scikit-learn's customs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import ndtri

from retention.models.btyd._histories import Floats
from retention.models.btyd._maximise import FitReport


class Fitted:
    """Positive parameters, and how surely they are known.

    Attributes
    ----------
    params_ : parameters by the names of the literature.
    log_likelihood_ : of the data fitted on, without any prior.
    log_covariance_ : covariance of the logarithms of the parameters, in the order of `params_`: the inverse of the observed
        information (with the priors, where a fallback used them).
    report_ : how the fit went.
    """

    names: ClassVar[tuple[str, ...]]
    params_: dict[str, float]
    log_likelihood_: float
    log_covariance_: Floats
    report_: FitReport

    @classmethod
    def from_params(cls, params: Mapping[str, float], log_covariance: Floats | None = None) -> Self:
        """Make a fitted model from stored parameters (and, for intervals, the stored `log_covariance_`)."""
        wrong = [name for name in cls.names if not (np.isfinite(params.get(name, np.nan)) and params[name] > 0)]
        if wrong or len(params) != len(cls.names):
            raise ValueError(f"{cls.__name__} needs positive {', '.join(cls.names)}; wrong or missing: {', '.join(wrong)}")
        model = cls()
        model.params_ = {name: float(params[name]) for name in cls.names}
        if log_covariance is not None:
            model.log_covariance_ = np.asarray(log_covariance, dtype=np.float64)
        return model

    @property
    def covariance_(self) -> Floats:
        """Covariance of the parameters themselves, by the delta method."""
        scale = self._vector()
        return np.asarray(self.log_covariance() * np.outer(scale, scale))

    @property
    def standard_errors_(self) -> dict[str, float]:
        """Standard error of each parameter."""
        return dict(zip(self.names, np.sqrt(np.diag(self.covariance_)).tolist(), strict=True))

    def confidence_intervals(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """Interval of each parameter, by the normal approximation of its logarithm: never below zero.

        Raises
        ------
        ValueError when the model was made from parameters alone.
        """
        centre = self._vector()
        reach = normal_quantile(level) * np.sqrt(np.diag(self.log_covariance()))
        return {
            name: (float(value * np.exp(-width)), float(value * np.exp(width)))
            for name, value, width in zip(self.names, centre, reach, strict=True)
        }

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Settings of the estimator, as scikit-learn asks for them: there are none."""
        return {}

    def set_params(self, **params: Any) -> Self:
        """Accept no settings."""
        if params:
            raise ValueError(f"{type(self).__name__} has no settings, got {', '.join(params)}")
        return self

    def __repr__(self) -> str:
        fitted = ", ".join(f"{name}={value:.4g}" for name, value in getattr(self, "params_", {}).items())
        return f"{type(self).__name__}({fitted})"

    def _vector(self) -> Floats:
        if not hasattr(self, "params_"):
            raise ValueError(f"this {type(self).__name__} is not fitted yet: call fit, or from_params")
        return np.array([self.params_[name] for name in self.names])

    def log_covariance(self) -> Floats:
        """`log_covariance_`, or a ValueError that says why there is none."""
        if not hasattr(self, "log_covariance_"):
            raise ValueError(f"this {type(self).__name__} was made from parameters alone: their covariance is not known")
        return self.log_covariance_

    def nearby(self) -> tuple[list[Self], float]:
        """Models one step up and down in the logarithm of each parameter (up first), and the step."""
        step = 1e-4
        models = []
        for place in range(len(self.names)):
            for sign in (1, -1):
                values = self._vector()
                values[place] *= np.exp(sign * step)
                models.append(type(self).from_params(dict(zip(self.names, values.tolist(), strict=True))))
        return models, step


def normal_quantile(level: float) -> float:
    """Standard deviations on either side that hold `level` of a normal distribution."""
    if not 0 < level < 1:
        raise ValueError(f"the level of an interval must lie between 0 and 1, got {level}")
    return float(ndtri((1 + level) / 2))
