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
from retention.models.drift import find_drift, record_drift
from retention.models.inputs import published_features
from retention.models.profile import ScoresStopped, check_scores
from retention.models.registry import RegisteredModel
from retention.models.value import ValueModel
from retention.settings import Settings
from retention.warehouse import Run, stage_writer

Floats = NDArray[np.float64]
Model = TypeVar("Model")

CHURN_FALLBACK = "fallback-recency"
CLV_FALLBACK = "fallback-past-year"
NO_CALIBRATION = "none"


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

    known = given(run)
    with stage_writer(run, "scores") as writer:
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


def given(run: Run) -> Given:
    """Score churn and lifetime value, and hand over what the other parts build on. Writes nothing.

    Raises
    ------
    As :func:`score`.
    """
    features = published_features(run)
    churn_champion = registry.champion(run.warehouse, "churn", churn_definition(run.settings))
    clv_champion = registry.champion(run.warehouse, "clv", clv_definition(run.settings))
    churn_model = _model(churn_champion, ChurnModel)
    clv_model = _model(clv_champion, ValueModel)
    churn = churn_scores(run, features, churn_champion, churn_model)
    clv = clv_scores(run, features, clv_champion, clv_model, churn["churn_probability"].to_numpy())
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


def churn_scores(run: Run, features: pd.DataFrame, champion: RegisteredModel | None, model: ChurnModel | None) -> pd.DataFrame:
    """Rows of `scores.churn`."""
    what = f"scores.churn {run.as_of_date}"
    if champion is None or model is None:
        probability = fallback_churn(features, run.settings)
        version, calibration = CHURN_FALLBACK, NO_CALIBRATION
        check_scores_finite(what, probability)
    else:
        missing = [name for name in model.features if name not in features.columns]
        if missing:
            raise ScoresStopped(
                f"{what}: {champion.model_version} learned from columns that are gone: {', '.join(missing)}. Nothing "
                "published. Train again, or bring the columns back."
            )
        probability = model.predict(features, run.settings.churn.horizon_days)
        version = champion.model_version
        calibration = f"{version}@{model.calibrated_as_of.isoformat()}"
        _gate(run, what, champion, features[list(model.features)], probability)
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


def clv_scores(
    run: Run, features: pd.DataFrame, champion: RegisteredModel | None, model: ValueModel | None, churn: Floats
) -> pd.DataFrame:
    """Rows of `scores.clv`."""
    settings, what = run.settings.clv, f"scores.clv {run.as_of_date}"
    columns: dict[str, Any]
    if champion is None or model is None:
        value = fallback_clv(features, churn)
        check_scores_finite(what, value)
        nothing = pd.array([pd.NA] * len(features), dtype="Int64")
        columns = {
            "clv_12m_minor": np.round(value).astype(np.int64),
            "expected_orders_12m": fallback_orders(features, churn, settings.horizon_days),
            "expected_order_value_minor": nothing,
            "probability_alive": pd.array([pd.NA] * len(features), dtype="Float64"),
            "clv_12m_lower_minor": nothing,
            "clv_12m_upper_minor": nothing,
        }
    else:
        predicted = model.predict(features, settings.horizon_days, settings.annual_discount_rate, settings.interval)
        used = features[[name for name in champion.profile["null_share"] if name in features.columns]]
        _gate(run, what, champion, used, predicted["clv_minor"].to_numpy())
        minor = {
            name: np.round(predicted[source].to_numpy()).astype(np.int64)
            for name, source in (
                ("clv_12m_minor", "clv_minor"),
                ("expected_order_value_minor", "expected_order_value_minor"),
                ("clv_12m_lower_minor", "clv_lower_minor"),
                ("clv_12m_upper_minor", "clv_upper_minor"),
            )
        }
        columns = {
            **minor,
            "expected_orders_12m": predicted["expected_orders"].to_numpy(),
            "probability_alive": predicted["probability_alive"].to_numpy(),
        }
    return pd.DataFrame(
        {
            "as_of_date": run.as_of_date,
            "customer_key": features.index.to_numpy(dtype=np.int64),
            **columns,
            "horizon_days": np.full(len(features), settings.horizon_days, dtype=np.int32),
            "definition": clv_definition(run.settings),
            "model_version": champion.model_version if champion else CLV_FALLBACK,
            "is_fallback": champion is None,
        }
    )


def _gate(run: Run, what: str, champion: RegisteredModel, features: pd.DataFrame, scores: Floats) -> None:
    """Keep how far the day is from training, then let nothing through that is too far."""
    found = find_drift(features, scores, champion.profile, run.settings.drift)
    record_drift(run, champion.kind, champion.model_version, found)
    check_scores(what, features, scores, champion.profile, run.settings.drift, found)


def fallback_churn(features: pd.DataFrame, settings: Settings) -> Floats:
    """Days since the last order over themselves plus the horizon: 0 today, one half after a horizon of silence."""
    recency = features["recency_days"].to_numpy(dtype=np.float64)
    return np.asarray(recency / (recency + settings.churn.horizon_days))


def fallback_clv(features: pd.DataFrame, churn: Floats) -> Floats:
    """Net value of the past 365 days times the chance of staying."""
    return np.asarray(features["net_minor_365d"].to_numpy(dtype=np.float64) * (1 - churn))


def fallback_orders(features: pd.DataFrame, churn: Floats, horizon_days: int) -> Floats:
    """Order days so far per day of tenure, over the horizon, times the chance of staying."""
    days = features["count_order_days_lifetime"].to_numpy(dtype=np.float64)
    # A year at least: a first order yesterday is no rhythm of one order a day.
    tenure = np.maximum(features["tenure_days"].to_numpy(dtype=np.float64), 365.0)
    return np.asarray(days / tenure * horizon_days * (1 - churn))


def check_scores_finite(what: str, scores: Floats) -> None:
    """Stop when the fallback itself cannot be computed."""
    broken = int((~np.isfinite(scores)).sum())
    if broken:
        raise ScoresStopped(f"{what}: {broken} of {len(scores)} fallback scores are missing. Nothing published.")
