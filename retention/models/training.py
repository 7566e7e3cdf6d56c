"""Training: fit, measure out of time against champion and baselines, register, promote only what is better."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from retention.models import artifacts, parts, registry
from retention.models.btyd import BetaGeoNBD
from retention.models.churn import ChurnModel, fit_churn, process_churn, recency_churn, recency_model
from retention.models.definitions import churn_definition, clv_definition
from retention.models.inputs import (
    first_order_date,
    model_columns,
    outcomes,
    past_features,
    training_dates,
    training_set,
)
from retention.models.metrics import CHURN_METRICS, VALUE_METRICS, Measured, measure
from retention.models.profile import score_profile
from retention.models.purchases import COLUMNS as PURCHASE_COLUMNS
from retention.models.purchases import purchases
from retention.models.registry import RegisteredModel
from retention.models.report.data import Evaluation
from retention.models.value import TooLittleData, ValueModel
from retention.warehouse import Run

log = logging.getLogger(__name__)

# Raised when training itself changes, so that a new version is trained on unchanged data.
RECIPE = 1
# A challenger must lower the loss by this share, or every week's noise would change the model.
LEAST_GAIN = 0.001
# A lower Brier score must not be bought with a worse order of customers: this much AUC may be lost at most.
AUC_TOLERANCE = 0.005
LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy", "skops")


@dataclass(frozen=True)
class Verdict:
    """Whether a challenger becomes champion, and why in plain words."""

    promoted: bool
    reason: str


def train(run: Run) -> dict[str, Any]:
    """Train churn and lifetime value as of the run's date.

    A kind without enough data is not trained: the reason is returned and logged, the champion (or the marked fallback)
    goes on scoring. The same data and settings give the same version, so a re-run registers nothing twice.

    Returns
    -------
    By kind: version, whether it was promoted, and the reason.
    """
    results: dict[str, Any] = {}
    for kind, part in parts.TRAINING.items():
        try:
            model = parts.function(part)(run)
            results[kind] = {"model_version": model.model_version, "state": model.state, "decision": model.decision}
        except TooLittleData as too_little:
            results[kind] = {"model_version": None, "state": "not trained", "decision": f"not trained: {too_little}"}
        log.info("%s %s: %s", kind, run.as_of_date, results[kind]["decision"])
    return results


def train_churn(run: Run) -> RegisteredModel:
    """Train, measure and register a churn model.

    The model that scores learns from outcomes up to today. Its twin, by the same recipe, learned only from what was known
    one horizon ago; it predicts the horizon since then beside the champion's twin and the baselines.

    Raises
    ------
    TooLittleData with what is missing.
    """
    settings, horizon = run.settings.churn, timedelta(days=run.settings.churn.horizon_days)
    newest, twin_newest = run.as_of_date - horizon, run.as_of_date - 2 * horizon
    dates, twin_dates = _dates(run, newest), _dates(run, twin_newest)
    if not twin_dates:
        first = first_order_date(run)
        needed = settings.minimum_history_days + 2 * settings.horizon_days
        raise TooLittleData(
            f"{needed} days of orders are needed ({settings.minimum_history_days} of history, {settings.horizon_days} to learn "
            f"from, {settings.horizon_days} to check against), there are {(run.as_of_date - first).days if first else 0}"
        )
    columns = _churn_columns()
    data = training_set(run, dates, settings.horizon_days, columns)
    twin_data = training_set(run, twin_dates, settings.horizon_days, columns)
    for name, rows in (("newest training date", data.churned[data.newest]), ("check", twin_data.churned[twin_data.newest])):
        _enough(run, name, rows)
    definition = churn_definition(run.settings)
    model_version = _version(run, "churn", [data.features, twin_data.features], [data.churned, twin_data.churned])
    known = registry.find(run.warehouse, model_version)
    if known:
        return known
    model = fit_churn(data, settings.horizon_days, settings.seed)
    twin = fit_churn(twin_data, settings.horizon_days, settings.seed)

    holdout = past_features(run, newest)
    churned = outcomes(run, newest, settings.horizon_days, holdout.index)["churned"].to_numpy()
    histories = purchases(holdout)
    process = BetaGeoNBD().fit(histories.frequency, histories.recency, histories.T)
    candidates = {
        "challenger": twin.predict(holdout),
        "recency_only": recency_churn(recency_model(twin_data), holdout),
        "bg_nbd": process_churn(holdout, settings.horizon_days, process),
    }
    current = registry.champion(run.warehouse, "churn", definition)
    champion_twin = _champion_twin(current)
    if isinstance(champion_twin, ChurnModel) and set(champion_twin.features) <= set(holdout.columns):
        candidates["champion"] = champion_twin.predict(holdout)
    measured = measure(CHURN_METRICS, churned, candidates, settings.seed)
    verdict = decide_churn(measured, current)
    file_name = f"{model_version}.skops"
    digest = artifacts.save(file_name, model, twin)
    registered = RegisteredModel(
        model_version=model_version,
        kind="churn",
        state="champion" if verdict.promoted else "challenger",
        as_of_date=run.as_of_date,
        labels_until=newest + horizon,
        definition=definition,
        horizon_days=settings.horizon_days,
        file_name=file_name,
        file_sha256=digest,
        training_rows=len(data.churned),
        details={
            "training_dates": [day.isoformat() for day in dates],
            "checked_with_training_dates": [day.isoformat() for day in twin_dates],
            "features": list(model.features),
            "features_left_out": [name for name in columns if name not in model.features],
            "process": model.process,
            "boosting_trees": int(model.boosting.n_iter_),
            "boosting_weight": model.weight,
            "calibration": {"a": model.calibration.a, "b": model.calibration.b, "c": model.calibration.c},
            "calibrated_as_of": model.calibrated_as_of.isoformat(),
            "churn_rate_by_date": {str(day): float(data.churned[data.dates == day].mean()) for day in np.unique(data.dates)},
            "libraries": {name: version(name) for name in LIBRARIES},
        },
        profile=score_profile(data.features[data.newest], model.predict(data.features[data.newest])),
        decision=verdict.reason,
    )
    return registry.register(run, registered, Evaluation(newest, settings.horizon_days, len(holdout), measured))


def train_clv(run: Run) -> RegisteredModel:
    """Fit, measure and register a model of lifetime value.

    The twin is fitted as of an earlier date and predicts the money spent since then.

    Raises
    ------
    TooLittleData with what is missing.
    """
    settings, first = run.settings.clv, first_order_date(run)
    history = (run.as_of_date - first).days if first else 0
    # A third of the history, in whole weeks, up to the horizon itself: the rest is needed to learn rhythms from.
    holdout_days = min(settings.horizon_days, history // 3 // 7 * 7)
    if holdout_days < 28:
        raise TooLittleData(f"84 days of orders are needed to fit and check lifetime value, there are {history}")
    checked_as_of = run.as_of_date - timedelta(days=holdout_days)
    features, past = past_features(run, run.as_of_date), past_features(run, checked_as_of)
    truth = outcomes(run, checked_as_of, holdout_days, past.index)["net_minor"].to_numpy()
    definition = clv_definition(run.settings)
    needed = [*PURCHASE_COLUMNS, "net_minor_lifetime"]
    model_version = _version(run, "clv", [features[needed], past[needed]], [truth])
    known = registry.find(run.warehouse, model_version)
    if known:
        return known
    model = ValueModel.fit(features, settings.minimum_repeat_customers)
    twin = ValueModel.fit(past, settings.minimum_repeat_customers)
    predicted = twin.predict(past, holdout_days, 0.0, settings.interval)
    rate = (past["net_minor_lifetime"] / past["tenure_days"].clip(lower=1)).to_numpy()
    candidates = {"challenger": predicted["clv_minor"].to_numpy(), "past_spend_rate": rate * holdout_days}
    current = registry.champion(run.warehouse, "clv", definition)
    champion_twin = _champion_twin(current)
    if isinstance(champion_twin, ValueModel):
        candidates["champion"] = champion_twin.predict(past, holdout_days, 0.0, settings.interval)["clv_minor"].to_numpy()
    measured = measure(VALUE_METRICS, truth, candidates, settings.seed)
    inside = (truth >= predicted["clv_lower_minor"] - 0.5) & (truth <= predicted["clv_upper_minor"] + 0.5)
    measured["challenger"]["interval_coverage"] = Measured(float(inside.mean()), None, None)
    verdict = decide_clv(measured, current)
    file_name = f"{model_version}.skops"
    digest = artifacts.save(file_name, model, twin)
    scores = model.predict(features, settings.horizon_days, settings.annual_discount_rate, settings.interval)
    registered = RegisteredModel(
        model_version=model_version,
        kind="clv",
        state="champion" if verdict.promoted else "challenger",
        as_of_date=run.as_of_date,
        labels_until=run.as_of_date,
        definition=definition,
        horizon_days=settings.horizon_days,
        file_name=file_name,
        file_sha256=digest,
        training_rows=len(features),
        details={
            "process": model.process.params_,
            "spending": model.spending.params_,
            "log_likelihood": {"process": model.process.log_likelihood_, "spending": model.spending.log_likelihood_},
            "fit_messages": [report.message for report in model.reports.values() if report.message],
            "order_value_limit_minor": model.order_value_limit if np.isfinite(model.order_value_limit) else None,
            "huge_order_customers": model.huge_order_customers,
            "interval": settings.interval,
            "annual_discount_rate": settings.annual_discount_rate,
            "libraries": {name: version(name) for name in LIBRARIES},
        },
        profile=score_profile(features[list(PURCHASE_COLUMNS)], scores["clv_minor"].to_numpy()),
        decision=verdict.reason,
    )
    return registry.register(run, registered, Evaluation(checked_as_of, holdout_days, len(past), measured))


def decide_churn(measured: Mapping[str, Mapping[str, Measured]], current: RegisteredModel | None) -> Verdict:
    """Promote when the Brier score is better than every baseline's and the champion's, and the order is not worse."""
    mine = measured["challenger"]
    for name in [name for name in measured if name != "challenger"]:
        gain = _gain(mine["brier"], measured[name]["brier"])
        lost = (measured[name]["auc"].value or 0.0) - (mine["auc"].value or 0.0)
        figures = (
            f"Brier {_show(mine['brier'])} against {_show(measured[name]['brier'])}, "
            f"AUC {_show(mine['auc'])} against {_show(measured[name]['auc'])}"
        )
        if gain <= (LEAST_GAIN if name == "champion" else 0.0):
            return Verdict(False, f"not promoted: no better than {_name(name, current)} ({figures})")
        if lost > AUC_TOLERANCE:
            return Verdict(False, f"not promoted: orders customers worse than {_name(name, current)} ({figures})")
    return Verdict(True, f"promoted: {_beaten('brier', 'Brier', measured, current)}")


def decide_clv(measured: Mapping[str, Mapping[str, Measured]], current: RegisteredModel | None) -> Verdict:
    """Promote when the mean absolute error is lower than the past-spend baseline's and the champion's."""
    for name in [name for name in measured if name != "challenger"]:
        gain = _gain(measured["challenger"]["mae"], measured[name]["mae"])
        if gain <= (LEAST_GAIN if name == "champion" else 0.0):
            return Verdict(
                False,
                f"not promoted: no better than {_name(name, current)} (mean absolute error "
                f"{_show(measured['challenger']['mae'])} against {_show(measured[name]['mae'])})",
            )
    return Verdict(True, f"promoted: {_beaten('mae', 'mean absolute error', measured, current)}")


def _beaten(metric: str, label: str, measured: Mapping[str, Mapping[str, Measured]], current: RegisteredModel | None) -> str:
    others = ", ".join(
        f"{_name(name, current)} {_show(values[metric])}" for name, values in measured.items() if name != "challenger"
    )
    if "champion" in measured:
        first = ""
    elif current:
        first = f"; champion {current.model_version} could not be compared (its file or its columns are gone)"
    else:
        first = "; the first champion"
    return f"out of time {label} {_show(measured['challenger'][metric])}, better than {others}{first}"


def _champion_twin(current: RegisteredModel | None) -> artifacts.StoredModel | None:
    """The champion's twin; None when there is no champion, or its file cannot be used.

    A damaged file stops scoring until somebody acts; training a replacement is one way to act, so it must go on.
    """
    if current is None:
        return None
    try:
        return artifacts.load(current.file_name, current.file_sha256)[1]
    except artifacts.ModelFileRefused as refused:
        log.warning("champion %s cannot be compared with: %s", current.model_version, refused)
        return None


def _gain(mine: Measured, other: Measured) -> float:
    """Share by which a loss is lower; nothing is gained on what cannot be measured."""
    if mine.value is None or other.value is None or other.value <= 0:
        return 0.0
    return 1 - mine.value / other.value


def _name(candidate: str, current: RegisteredModel | None) -> str:
    return f"champion {current.model_version}" if candidate == "champion" and current else candidate.replace("_", " ")


def _show(measured: Measured) -> str:
    return "undefined" if measured.value is None else f"{measured.value:.4g}"


def _dates(run: Run, newest: date) -> list[date]:
    first = first_order_date(run)
    if first is None:
        return []
    settings = run.settings.churn
    return training_dates(
        newest,
        first,
        step_days=settings.training_step_days,
        count=settings.training_dates,
        minimum_history_days=settings.minimum_history_days,
    )


def _churn_columns() -> tuple[str, ...]:
    """Model features, and the columns that the purchase process is read from."""
    return tuple(dict.fromkeys((*model_columns(), *PURCHASE_COLUMNS)))


def _enough(run: Run, name: str, churned: Any) -> None:
    settings = run.settings.churn
    gone, stayed = int(churned.sum()), int(len(churned) - churned.sum())
    if len(churned) < settings.minimum_customers:
        raise TooLittleData(
            f"{name}: {len(churned)} purchasers, {settings.minimum_customers} are needed (settings.churn.minimum_customers)"
        )
    if min(gone, stayed) < settings.minimum_per_class:
        raise TooLittleData(
            f"{name}: {gone} churned and {stayed} stayed, {settings.minimum_per_class} of each are needed "
            "(settings.churn.minimum_per_class)"
        )


def _version(run: Run, kind: str, frames: list[pd.DataFrame], columns: list[Any]) -> str:
    """Name a model by what it was made from: equal data, settings, recipe and libraries give an equal name."""
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(" ".join(frame.columns).encode())
        digest.update(pd.util.hash_pandas_object(frame, index=True).to_numpy().tobytes())
    for column in columns:
        digest.update(np.ascontiguousarray(column).tobytes())
    group = run.settings.churn if kind == "churn" else run.settings.clv
    digest.update(repr((RECIPE, group, [version(name) for name in LIBRARIES])).encode())
    return f"{kind}-{run.as_of_date:%Y%m%d}-{digest.hexdigest()[:10]}"
