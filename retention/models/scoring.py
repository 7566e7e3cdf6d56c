"""Scoring: every purchaser as of a date, by the champions or by the marked fallbacks; all tables of the day or none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models import artifacts, parts, registry
from retention.models.churn import ChurnModel
from retention.models.definitions import churn_definition, clv_definition
from retention.models.fallback import fallback_churn, matured_shift
from retention.models.inputs import published_features
from retention.models.profile import ScoresStopped, judge_day
from retention.models.registry import RegisteredModel
from retention.models.value import ValueModel
from retention.models.value.scores import CLV_FALLBACK, Gate, clv_rows
from retention.warehouse import Run, stage_writer

Floats = NDArray[np.float64]
Model = TypeVar("Model")

CHURN_FALLBACK = "fallback-recency"
NO_CALIBRATION = "none"
# Customers predicted at a time, so that what the learners make of them stays small beside the features themselves.
SLICE = 50_000

__all__ = ["CHURN_FALLBACK", "CLV_FALLBACK", "Given", "fallback_churn", "given", "score", "tables"]


@dataclass(frozen=True)
class Given:
    """What every scoring part is handed.

    Attributes
    ----------
    features : published features of every purchaser, index `customer_key`, ascending.
    churn, clv : the rows of `scores.churn` and `scores.clv` of this date, in the order of `features`.
    churn_champion, clv_champion : who scored, None where the marked fallback did.
    churn_model, clv_model : the champions' models, None likewise.
    """

    features: pd.DataFrame
    churn: pd.DataFrame
    clv: pd.DataFrame
    churn_champion: RegisteredModel | None = None
    clv_champion: RegisteredModel | None = None
    churn_model: ChurnModel | None = None
    clv_model: ValueModel | None = None


def score(run: Run) -> dict[str, Any]:
    """Publish every `scores.*` slice of the run's as-of date, all or none.

    Returns
    -------
    Rows, versions used, and whether each kind is the fallback.

    Raises
    ------
    MissingSlice when the features of the date are not published; ScoresStopped when a gate does; ModelFileRefused
    when a champion's file is not the one that was registered.
    """
    from retention.quality import check_slices

    # The lease comes before the first look: whoever reads after us has also a newer token, and cannot be overwritten by us.
    with stage_writer(run, "scores") as writer:
        known = given(run, judge_day)
        for table, frame in tables(run, known):
            writer.fill_arrow(table, frame)
        check_slices(writer)
        rows = writer.publish()
    return {
        **rows,
        "churn_model": known.churn_champion.model_version if known.churn_champion else CHURN_FALLBACK,
        "clv_model": known.clv_champion.model_version if known.clv_champion else CLV_FALLBACK,
        "churn_is_fallback": known.churn_champion is None,
        "clv_is_fallback": known.clv_champion is None,
    }


def given(run: Run, gate: Gate = lambda *_: None) -> Given:
    """Score churn and lifetime value, and hand over what the other parts build on.

    Parameters
    ----------
    gate : called with the scores of each champion before they are handed over: scoring keeps and judges how far the day is
        from training. Left out, nothing is written and nothing stopped: for who only wants to look.

    Raises
    ------
    As :func:`score`.
    """
    features = published_features(run)
    churn_champion = registry.champion(run.warehouse, "churn", churn_definition(run.settings))
    clv_champion = registry.champion(run.warehouse, "clv", clv_definition(run.settings))
    churn_model = _model(churn_champion, ChurnModel)
    clv_model = _model(clv_champion, ValueModel)
    churn = churn_scores(run, features, churn_champion, churn_model, gate)
    clv = clv_rows(run, features, clv_champion, clv_model, churn["churn_probability"].to_numpy(), gate)
    return Given(features, churn, clv, churn_champion, clv_champion, churn_model, clv_model)


def tables(run: Run, known: Given) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each table of the day with its rows, one part after the other, so that only one part's rows are in memory."""
    yield "scores.churn", known.churn
    yield "scores.clv", known.clv
    for part in parts.SCORING:
        yield from parts.function(part)(run, known).items()


def _model(champion: RegisteredModel | None, wanted: type[Model]) -> Model | None:
    if champion is None:
        return None
    model = artifacts.load(champion.file_name, champion.file_sha256)[0]
    if not isinstance(model, wanted):
        raise artifacts.ModelFileRefused(f"{champion.file_name} holds no {wanted.__name__}. Nothing published.")
    return model


def churn_scores(
    run: Run, features: pd.DataFrame, champion: RegisteredModel | None, model: ChurnModel | None, gate: Gate
) -> pd.DataFrame:
    """Rows of `scores.churn`."""
    what = f"scores.churn {run.as_of_date}"
    if champion is None or model is None:
        probability = fallback_churn(features, run.settings, matured_shift(run))
        version, calibration = CHURN_FALLBACK, NO_CALIBRATION
        check_scores_finite(what, probability)
    else:
        missing = [name for name in model.features if name not in features.columns]
        if missing:
            raise ScoresStopped(
                f"{what}: {champion.model_version} learned from columns that are gone: {', '.join(missing)}. Nothing "
                "published. Train again, or bring the columns back."
            )
        horizon = run.settings.churn.horizon_days
        slices = [features.iloc[start : start + SLICE] for start in range(0, len(features), SLICE)] or [features]
        probability = np.concatenate([model.predict(customers, horizon) for customers in slices])
        version = champion.model_version
        calibration = f"{version}@{model.calibrated_as_of.isoformat()}"
        gate(run, what, champion, features, probability)
    return pd.DataFrame(
        {
            "as_of_date": run.as_of_date,
            "customer_key": features.index.to_numpy(dtype=np.int64),
            "churn_probability": probability,
            "horizon_days": np.full(len(features), run.settings.churn.horizon_days, dtype=np.int32),
            "definition": churn_definition(run.settings),
            "model_version": version,
            "calibration_id": calibration,
            "is_fallback": champion is None,
        }
    )


def check_scores_finite(what: str, scores: Floats) -> None:
    """Stop when the fallback itself cannot be computed."""
    broken = int((~np.isfinite(scores)).sum())
    if broken:
        raise ScoresStopped(f"{what}: {broken} of {len(scores)} fallback scores are missing. Nothing published.")
