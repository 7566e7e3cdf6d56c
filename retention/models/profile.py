"""What inputs and scores looked like in training, and the gates that compare a day's scoring with it.

A broken feed rarely breaks a model: it goes on scoring, and everybody gets the same number. These gates stop that day.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.warehouse import RetentionError

Floats = NDArray[np.float64]

# A feature may be null for this much more of the customers than in training (shares, not percent of a percent).
NULL_SHARE_RISE = 0.25
# Distinct scores may fall to this part of what training had.
DISTINCT_FALL = 0.2
# Gates on shares need a crowd: fewer purchasers than this are only checked for missing and infinite scores.
SMALL_COMPANY = 100
ROUNDING = 6


class ScoresStopped(RetentionError):
    """Scores look wrong; nothing of the day was published."""

    runbook = "scores-stopped"


def score_profile(features: pd.DataFrame, scores: Floats) -> dict[str, Any]:
    """Shares of nulls, constant features and the spread of scores, as stored with the model."""
    return {
        "customers": len(features),
        "null_share": {name: round(float(share), 6) for name, share in features.isna().mean().items()},
        "constant": [name for name in features.columns if features[name].nunique(dropna=True) <= 1],
        "distinct_score_share": distinct_share(scores),
        "score_quantiles": [float(value) for value in np.quantile(scores, np.linspace(0, 1, 11))],
    }


def distinct_share(scores: Floats) -> float:
    """Distinct scores per customer, rounded as a reader would see them."""
    return float(len(np.unique(np.round(scores, ROUNDING))) / max(1, len(scores)))


def check_scores(what: str, features: pd.DataFrame, scores: Floats, profile: dict[str, Any]) -> None:
    """Stop when scores are missing, constant, or made from features that have gone missing.

    Raises
    ------
    ScoresStopped naming the gate, what was found and what training had.
    """
    broken = int((~np.isfinite(scores)).sum())
    if broken:
        raise ScoresStopped(f"{what}: {broken} of {len(scores)} scores are missing or infinite (allowed 0). Nothing published.")
    if len(scores) < SMALL_COMPANY:
        return
    allowed = profile["null_share"]
    gone = {
        name: float(share)
        for name, share in features.isna().mean().items()
        if name in allowed and share > allowed[name] + NULL_SHARE_RISE
    }
    if gone:
        listed = ", ".join(f"{name} {share:.0%} (training {allowed[name]:.0%})" for name, share in sorted(gone.items()))
        raise ScoresStopped(f"{what}: features are null for far more customers than in training: {listed}. Nothing published.")
    flat = [
        name
        for name in features.columns
        if name in allowed and name not in profile["constant"] and features[name].nunique(dropna=True) <= 1
    ]
    if flat:
        raise ScoresStopped(
            f"{what}: features have one and the same value for all {len(scores)} customers, in training they had not: "
            f"{', '.join(sorted(flat))}. Nothing published."
        )
    found, before = distinct_share(scores), float(profile["distinct_score_share"])
    if found < DISTINCT_FALL * before:
        raise ScoresStopped(
            f"{what}: {found:.1%} distinct scores, training had {before:.1%} (at least {DISTINCT_FALL:.0%} of that). "
            "Nothing published."
        )
