"""What inputs and scores looked like in training, and the gates that compare a day's scoring with it.

A broken feed rarely breaks a model: it goes on scoring, and everybody gets the same number. These gates stop that day.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.drift import SCORE, STOP, find_drift, record_drift, sample_step, shape
from retention.models.report.data import Drift
from retention.settings_models import DriftSettings
from retention.warehouse import RetentionError, Run

if TYPE_CHECKING:
    from retention.models.registry import RegisteredModel

Floats = NDArray[np.float64]

# Gates on shares need a crowd: fewer purchasers than this are only checked for missing and infinite scores.
SMALL_COMPANY = 100
ROUNDING = 6


class ScoresStopped(RetentionError):
    """Scores look wrong; nothing of the day was published."""

    runbook = "scores-stopped"


def score_profile(features: pd.DataFrame, scores: Floats) -> dict[str, Any]:
    """Shares of nulls, constant features, tenths of every column and the spread of the scores, as stored with the model."""
    shapes = {name: shape(features[name].to_numpy(dtype=np.float64, na_value=np.nan)) for name in features.columns}
    shapes[SCORE] = shape(np.asarray(scores, dtype=np.float64))
    return {
        "customers": len(features),
        "null_share": {name: round(float(share), 6) for name, share in features.isna().mean().items()},
        "constant": [name for name in features.columns if _is_flat(features[name])],
        "distinct_score_share": distinct_share(scores),
        "score_quantiles": [float(value) for value in np.quantile(scores, np.linspace(0, 1, 11))],
        "shapes": {name: found for name, found in shapes.items() if found},
    }


def distinct_share(scores: Floats) -> float:
    """Distinct scores per customer, rounded as a reader would see them."""
    return float(len(np.unique(np.round(scores, ROUNDING))) / max(1, len(scores)))


@dataclass(frozen=True)
class Seen:
    """The inputs of a day as the gates look at them.

    Attributes
    ----------
    sample : inputs of every `step`-th purchaser by key.
    flat : inputs with one known value at most over all purchasers.
    """

    sample: pd.DataFrame
    step: int
    flat: frozenset[str]

    @classmethod
    def of(cls, features: pd.DataFrame) -> Seen:
        """Look at features that are in memory."""
        step = sample_step(len(features))
        flat = frozenset(str(name) for name in features.columns if _is_flat(features[name]))
        return cls(features.iloc[::step], step, flat)


class Glance:
    """Makes what :class:`Seen` holds from ranges of purchasers, which need not be in memory together."""

    def __init__(self, purchasers: int) -> None:
        self._step = sample_step(purchasers)
        self._samples: list[pd.DataFrame] = []
        self._ends: dict[str, tuple[float, float]] = {}

    def add(self, features: pd.DataFrame, start: int) -> None:
        """Take in a range whose first purchaser is number `start` of all; ranges come in order."""
        self._samples.append(features.iloc[-start % self._step :: self._step].copy())
        for name in features.columns:
            low, high = self._ends.get(str(name), (np.inf, -np.inf))
            # Two values tell that it is not flat: what is known to differ is not looked at again.
            if low < high or not len(features):
                continue
            first, last = features[name].min(), features[name].max()
            self._ends[str(name)] = (float(np.fmin(low, first)), float(np.fmax(high, last)))

    def seen(self) -> Seen:
        """All ranges together."""
        sample = pd.concat(self._samples)
        return Seen(sample, self._step, frozenset(name for name in map(str, sample.columns) if not self._differs(name)))

    def _differs(self, name: str) -> bool:
        low, high = self._ends.get(name, (np.inf, -np.inf))
        return low < high


def judge_day(run: Run, what: str, champion: RegisteredModel, seen: Seen, scores: Floats) -> None:
    """Keep how far the day is from the champion's training, then let nothing through that is too far.

    Parameters
    ----------
    scores : of all purchasers, by key.

    Raises
    ------
    As :func:`check_scores`.
    """
    found = find_drift(seen.sample, scores[:: seen.step], champion.profile, run.settings.drift)
    record_drift(run, champion.kind, champion.model_version, found)
    check_scores(what, seen.sample, scores, champion.profile, run.settings.drift, found, seen.flat)


def check_scores(
    what: str,
    features: pd.DataFrame,
    scores: Floats,
    profile: dict[str, Any],
    settings: DriftSettings | None = None,
    found: list[Drift] | None = None,
    flat: Collection[str] | None = None,
) -> None:
    """Stop when scores are missing, constant, far from training's, or made from features that have gone missing.

    Parameters
    ----------
    features : inputs of the purchasers, or of a sample of them where `found` and `flat` are given.
    found : what :func:`retention.models.drift.find_drift` answered for the same day; looked up here when not given.
    flat : inputs with one value for everybody; looked up here when not given.

    Raises
    ------
    ScoresStopped naming the gate, what was found and what training had.
    """
    settings = settings or DriftSettings()
    broken = int((~np.isfinite(scores)).sum())
    if broken:
        raise ScoresStopped(f"{what}: {broken} of {len(scores)} scores are missing or infinite (allowed 0). Nothing published.")
    if len(scores) < SMALL_COMPANY:
        return
    found = find_drift(features, scores, profile, settings) if found is None else found
    gone = [drift for drift in found if drift.null_share_now > drift.null_share_training + settings.null_share_rise]
    if gone:
        listed = ", ".join(
            f"{drift.name} {drift.null_share_now:.0%} (training {drift.null_share_training:.0%})"
            for drift in sorted(gone, key=lambda drift: drift.name)
        )
        raise ScoresStopped(f"{what}: features are null for far more customers than in training: {listed}. Nothing published.")
    flat = Seen.of(features).flat if flat is None else flat
    new = sorted(name for name in flat if name in profile["null_share"] and name not in profile["constant"])
    if new:
        raise ScoresStopped(
            f"{what}: features have one and the same value for all {len(scores)} customers, in training they had not: "
            f"{', '.join(new)}. Nothing published."
        )
    share, before = distinct_share(scores), float(profile["distinct_score_share"])
    if share < settings.distinct_score_fall * before:
        raise ScoresStopped(
            f"{what}: {share:.1%} distinct scores, training had {before:.1%} (at least {settings.distinct_score_fall:.0%} of "
            "that). Nothing published."
        )
    far = [drift for drift in found if drift.level == STOP]
    if far:
        listed = ", ".join(f"{drift.name} {drift.psi:.2f}" for drift in sorted(far, key=lambda drift: -(drift.psi or 0.0)))
        raise ScoresStopped(
            f"{what}: far from what training saw, by population stability index: {listed} (stopped above "
            f"{settings.stop_input_index:g} for an input, {settings.stop_score_index:g} for the score). Nothing published. "
            "Look at ops.score_drift; if the business has really changed so much, train again."
        )


def _is_flat(column: pd.Series) -> bool:
    """Whether all known values are one; cheaper than counting distinct ones."""
    return bool(column.isna().all() or column.min() == column.max())
