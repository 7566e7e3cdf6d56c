"""Learning which contracts will not be renewed, judged out of time like every other model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from retention.models import registry
from retention.models.churn import fit_churn
from retention.models.definitions import renewal_definition
from retention.models.learning import TrainingSet, with_season
from retention.models.metrics import CHURN_METRICS, measure
from retention.models.profile import score_profile
from retention.models.registry import RegisteredModel
from retention.models.renewal.contracts import COLUMNS, Contracts
from retention.models.renewal.holders import contract_features
from retention.models.renewal.model import RenewalModel
from retention.models.report.data import Chapter, Evaluation, Note, Text
from retention.models.report.shapes import shapes
from retention.models.training.enrolment import Candidate, enrol, model_version
from retention.models.training.promotion import CHALLENGER, CHAMPION, champion_twin, decide_churn
from retention.models.value import TooLittleData
from retention.settings import ChurnSettings
from retention.warehouse import Run

Floats = NDArray[np.float64]
NOTE = Text(
    "Rows are contracts up for renewal; churned is one that was not renewed within its grace period.",
    "每一行是一份待续约的合约；宽限期内未续约即为流失。",
)


def train_renewal(run: Run) -> RegisteredModel:
    """Train, measure and register a model of contracts that will not be renewed.

    Raises
    ------
    TooLittleData with what is missing.
    """
    contracts, settings = Contracts.read(run), run.settings.churn
    span = timedelta(days=contracts.span_days)
    newest = run.as_of_date - span
    # Counted before the features of their holders are read, which takes a while where there is nothing to learn from.
    for label, day in (("newest training date", newest), ("check", newest - span)):
        _enough(settings, label, _newest_decided(contracts, day, settings))
    read = _reader(run, contracts)
    data, before = (_training_set(read, contracts, day, settings) for day in (newest, newest - span))
    for label, rows in (("newest training date", data), ("check", before)):
        _enough(settings, label, rows.churned[rows.newest] if len(rows.dates) else np.empty(0))
    definition = renewal_definition(run.settings)
    name = model_version(run, "renewal", [data.features, before.features], [data.churned, before.churned], settings)
    known = registry.find(run.warehouse, name)
    if known:
        return known
    model = fit_churn(data, span.days, settings.seed, RenewalModel)
    twin = fit_churn(before, span.days, settings.seed, RenewalModel)
    latest = data.take(np.flatnonzero(data.newest))
    holdout, churned = latest.features, latest.churned
    candidates = {
        CHALLENGER: twin.predict(holdout),
        "rate_of_the_past": np.full(len(holdout), before.churned.mean()),
        "terms_only": _terms_only(before, holdout),
    }
    current = registry.champion(run.warehouse, "renewal", definition)
    rival = champion_twin(current)
    if isinstance(rival, RenewalModel) and set(rival.features) <= set(holdout.columns):
        candidates[CHAMPION] = rival.predict(holdout)
    measured = measure(CHURN_METRICS, churned, candidates, settings.seed)
    candidate = Candidate(
        kind="renewal",
        model_version=name,
        definition=definition,
        horizon_days=span.days,
        labels_until=run.as_of_date,
        scoring=model,
        twin=twin,
        training_rows=len(data.churned),
        evaluation=Evaluation(newest, span.days, len(holdout), measured, shapes(churned, candidates)),
        details={
            "training_dates": [str(day) for day in np.unique(data.dates)],
            "features": list(model.features),
            "calibrated_as_of": model.calibrated_as_of.isoformat(),
            **model.describe(),
        },
        profile=score_profile(holdout[list(model.features)], model.predict(holdout)),
        chapter=Chapter("renewal", name, notes=(Note(NOTE),)),
    )
    return enrol(run, candidate, decide_churn(measured, current))


def _newest_decided(contracts: Contracts, newest: date, settings: ChurnSettings) -> Floats:
    """What became of the contracts of the newest training date that has any."""
    for step in range(settings.training_dates):
        day = newest - timedelta(days=settings.training_step_days * step)
        due = contracts.due(day)
        if not due.empty:
            churned = contracts.churned(due, day)
            return churned[np.isfinite(churned)]
    return np.empty(0)


def _reader(run: Run, contracts: Contracts) -> Callable[[date], tuple[pd.DataFrame, Floats] | None]:
    """Contracts due as of a date with what became of them, read once for the scoring model and its twin."""

    @cache
    def read(day: date) -> tuple[pd.DataFrame, Floats] | None:
        due = contracts.due(day)
        if due.empty:
            return None
        churned = contracts.churned(due, day)
        told = np.isfinite(churned)
        return contract_features(run, due, day, published=False)[told], churned[told]

    return read


def _training_set(
    read: Callable[[date], tuple[pd.DataFrame, Floats] | None], contracts: Contracts, newest: date, settings: ChurnSettings
) -> TrainingSet:
    """Contracts due as of past dates, the newest of which is `newest`, with what became of them."""
    steps = [newest - timedelta(days=settings.training_step_days * step) for step in range(settings.training_dates)]
    frames, dates, churned = [], [], []
    for day in with_season(sorted(steps), contracts.span_days, contracts.first_known):
        found = read(day)
        if found is not None:
            frames.append(found[0])
            dates.append(np.full(len(found[0]), np.datetime64(day, "D")))
            churned.append(found[1])
    if not frames:
        empty = np.empty(0)
        return TrainingSet(pd.DataFrame(columns=[*COLUMNS]), empty.astype("datetime64[D]"), pd.DataFrame({"churned": empty}))
    rows = pd.concat(frames)
    outcomes = pd.DataFrame({"churned": np.concatenate(churned)}, index=rows.index)
    return TrainingSet(rows, np.concatenate(dates), outcomes)


def _terms_only(training: TrainingSet, asked: pd.DataFrame) -> Floats:
    """Logistic regression on the terms of the contract alone: what a model of holders has to beat."""
    if len(np.unique(training.churned)) < 2:
        return np.full(len(asked), float(training.churned.mean()))
    names = list(COLUMNS)
    known, wanted = (np.log1p(frame[names].fillna(0.0).clip(lower=0).to_numpy()) for frame in (training.features, asked))
    return np.asarray(LogisticRegression(max_iter=500).fit(known, training.churned).predict_proba(wanted)[:, 1])


def _enough(settings: ChurnSettings, name: str, churned: Floats) -> None:
    lost, renewed = int(churned.sum()), int(len(churned) - churned.sum())
    if len(churned) < settings.minimum_customers:
        raise TooLittleData(
            f"{name}: {len(churned)} contracts came up for renewal and are decided, {settings.minimum_customers} are needed "
            "(settings.churn.minimum_customers)"
        )
    if min(lost, renewed) < settings.minimum_per_class:
        raise TooLittleData(
            f"{name}: {lost} contracts were not renewed and {renewed} were, {settings.minimum_per_class} of each are needed "
            "(settings.churn.minimum_per_class)"
        )
