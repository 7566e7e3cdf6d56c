"""Other horizons than the one learned from, by following a customer who stays silent.

No order in 270 days is no order in 90 days, and then, after 90 more days of silence, none in the next 90, and so on. The
first step is the model's own. Later steps are judged twice, for the customer as silence will have made them (longer ago,
older, more overdue): by the model, whose level is that of its newest outcomes, and by the purchase process, whose level is
that of the whole history. The mean of their logarithms counts: half of a season's swing does not outlast the season. Where
a step is shorter than the horizon learned from, the process says how much of the risk falls into it.

Where the model was meant for a longer horizon than its outcomes reach, what following silence comes to is set right by
what the same lengthening did inside the outcomes (:mod:`retention.models.churn.lengthening`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.btyd import BetaGeoNBD
from retention.models.churn.inputs import PROCESS_INPUTS, process_churn, silent_for, with_process
from retention.models.metrics import logit

if TYPE_CHECKING:
    from retention.models.churn.model import ChurnModel

Floats = NDArray[np.float64]


def log_silence(model: ChurnModel, features: pd.DataFrame, raw: Floats, horizon_days: int) -> Floats:
    """Logarithm of the calibrated probability of no order in any horizon.

    Parameters
    ----------
    raw : log-odds of the horizon learned from, before calibration.
    """
    followed = _followed(model, features, raw, horizon_days)
    if model.lengthening is None or horizon_days <= model.horizon_days:
        return followed
    learned, times = model.calibration.log_odds(raw), horizon_days / model.horizon_days
    return np.asarray(-np.logaddexp(0.0, -model.lengthening.log_odds(learned, logit(np.exp(followed)), times)))


def followed_log_odds(model: ChurnModel, features: pd.DataFrame, raw: Floats, horizon_days: int) -> Floats:
    """Log-odds of no order in a horizon, by following silence alone."""
    return logit(np.exp(_followed(model, features, raw, horizon_days)))


def _followed(model: ChurnModel, features: pd.DataFrame, raw: Floats, horizon_days: int) -> Floats:
    first = min(model.horizon_days, horizon_days)
    total = -np.logaddexp(0.0, -model.calibration.log_odds(raw)) * _share(model, features, first)
    now = _rhythm(model, features)
    for passed in range(first, horizon_days, model.horizon_days):
        later = silent_for(features, passed)
        step = min(model.horizon_days, horizon_days - passed)
        learned = model.calibration.log_odds(raw + _rhythm(model, later) - now)
        silent = -np.logaddexp(0.0, -learned) * _share(model, later, step)
        if model.process is not None:
            silent = (silent + _process(model, features, passed, passed + step)) / 2
        total = total + silent
    return np.minimum(total, 0.0)


def _rhythm(model: ChurnModel, features: pd.DataFrame) -> Floats:
    """What rhythm adds to the log-odds: half by the learned curves, which stay level beyond what was seen, half by the
    process, which goes on.
    """
    inputs = with_process(features, model.process, model.horizon_days)
    learned = model.smooth.rhythm_log_odds(inputs)
    if model.process is None:
        return learned
    return np.asarray((learned + inputs[PROCESS_INPUTS[0]].to_numpy()) / 2)


def _share(model: ChurnModel, features: pd.DataFrame, days: int) -> Floats | float:
    """Share of the cumulative risk of the horizon learned from that falls into its first days."""
    if days == model.horizon_days:
        return 1.0
    even = days / model.horizon_days
    if model.process is None:
        return even
    part, whole = _process(model, features, 0, days), _process(model, features, 0, model.horizon_days)
    return np.asarray(np.clip(np.divide(part, whole, out=np.full_like(part, even), where=whole < 0), 0.0, 1.0))


def _process(model: ChurnModel, features: pd.DataFrame, begin: int, end: int) -> Floats:
    """Log-probability by the process of no order from day `begin` to `end`, given none before."""
    process = BetaGeoNBD.from_params(model.process or {})
    silent = np.log(np.maximum(process_churn(features, end, process), 1e-300))
    if begin > 0:
        silent = silent - np.log(np.maximum(process_churn(features, begin, process), 1e-300))
    return np.asarray(silent)
