"""Ours and the alternatives on one split, measured on the same customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from retention.models.accuracy.histories import Split, features_as_of, outcome, purchase_days
from retention.models.btyd import BetaGeoNBD
from retention.models.churn import fit_churn, process_churn, recency_churn, recency_model
from retention.models.inputs import training_dates
from retention.models.learning import TrainingSet
from retention.models.metrics import CHURN_METRICS, VALUE_METRICS, Measured, measure
from retention.models.purchases import purchases
from retention.models.value import ValueModel
from retention.settings import Settings


@dataclass(frozen=True)
class Comparison:
    """Measurements of one split: candidate -> metric -> value."""

    split: Split
    customers: int
    churn_rate: float
    churn: Mapping[str, Mapping[str, Measured]]
    value: Mapping[str, Mapping[str, Measured]]
    interval_coverage: float


def compare(split: Split, settings: Settings | None = None, days: pd.DataFrame | None = None) -> Comparison:
    """Train by the shipped settings on what was known before the split, and measure on what followed."""
    settings = settings or Settings()
    days = purchase_days(split.data) if days is None else days
    learning = _training_set(split, days, settings)
    model = fit_churn(learning, split.learning_days, settings.churn.seed)
    known = features_as_of(days, split.as_of)
    truth = outcome(days, known.index, split.as_of, split.until)
    h = purchases(known)
    process = BetaGeoNBD().fit(h.frequency, h.recency, h.T)
    churn = {
        "ours": model.predict(known, split.horizon_days),
        "BG/NBD P(no purchase)": process_churn(known, split.horizon_days, process),
        "recency only": recency_churn(recency_model(learning), known),
    }
    value = ValueModel.fit(known, settings.clv.minimum_repeat_customers)
    predicted = value.predict(known, split.horizon_days, 0.0, settings.clv.interval)
    spent = truth["net_minor"].to_numpy()
    rate = (known["net_minor_lifetime"] / known["tenure_days"]).to_numpy()
    inside = (spent >= predicted["clv_lower_minor"] - 0.5) & (spent <= predicted["clv_upper_minor"] + 0.5)
    values = {"ours": predicted["clv_minor"].to_numpy() / 100, "past spend rate": rate * split.horizon_days / 100}
    return Comparison(
        split,
        len(known),
        float(truth["churned"].mean()),
        measure(CHURN_METRICS, truth["churned"], churn, settings.churn.seed),
        measure(VALUE_METRICS, spent / 100, values, settings.churn.seed),
        float(inside.mean()),
    )


def _training_set(split: Split, days: pd.DataFrame, settings: Settings) -> TrainingSet:
    dates = training_dates(
        split.learn_as_of,
        days["day"].min().date(),
        step_days=settings.churn.training_step_days,
        count=settings.churn.training_dates,
        minimum_history_days=settings.churn.minimum_history_days,
    )
    frames = [features_as_of(days, day) for day in dates]
    length = timedelta(days=split.learning_days)
    followed = [outcome(days, frame.index, day, day + length) for frame, day in zip(frames, dates, strict=True)]
    tags = [np.full(len(frame), np.datetime64(day, "D")) for frame, day in zip(frames, dates, strict=True)]
    return TrainingSet(pd.concat(frames), np.concatenate(tags), pd.concat(followed))
