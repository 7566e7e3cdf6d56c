"""What moves a model over all customers: importances and partial dependence, for its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.churn import ChurnModel
from retention.models.contributions import contributions, partial_dependence
from retention.models.reasons.sources import value_factors
from retention.models.reasons.wording import LANGUAGES, Wording, load_wording
from retention.models.report.data import Effect, Importance, Text
from retention.settings import Settings

if TYPE_CHECKING:
    from retention.models.value import ValueModel

Floats = NDArray[np.float64]

# Means over so many customers, taken evenly from all, stand still to the second digit.
IMPORTANCE_ROWS = 5_000
IMPORTANCES_SHOWN = 20
EFFECT_ROWS = 500
EFFECT_POINTS = 9
EFFECTS_SHOWN = 6
# What value is made of in everybody's eyes: shown where the model reads it.
VALUE_INPUTS = (
    "recency_days", "count_order_days_lifetime", "repeat_order_value_mean_minor", "net_minor_365d", "tenure_days",
    "mean_days_between_orders",
)  # fmt: skip


def importances(model: ChurnModel | ValueModel, features: pd.DataFrame, settings: Settings) -> tuple[Importance, ...]:
    """Mean absolute contribution, largest first.

    For churn by reason, in log-odds; for lifetime value by factor, as a natural logarithm (0.7 is a factor of two).

    Parameters
    ----------
    features : purchasers, the columns that the model learned from.
    """
    sample = _evenly(features, IMPORTANCE_ROWS)
    if not len(sample):
        return ()
    if isinstance(model, ChurnModel):
        wording = load_wording("churn")
        # By reason, as in the sentences of customers: what people understand as one is one bar.
        largest = contributions(model, sample, settings.reasons.buckets, wording.reason_of).importance.head(IMPORTANCES_SHOWN)
        found = {str(reason): float(value) for reason, value in largest.items() if value > 0}
        return tuple(Importance(reason, _label_of(reason, wording), value) for reason, value in found.items())
    wording, predicted = load_wording("clv"), _predicted(model, sample, settings)
    value, orders = (predicted[name].to_numpy(dtype=np.float64) for name in ("clv_minor", "expected_orders"))
    # A model of value speaks of net revenue: costs come off it at scoring.
    factors, usable = value_factors(value, orders, value)
    if not usable.any():
        return ()
    logs = {name: np.log(factor[usable]) for name, factor in factors.items()}
    sizes = {name: float(np.abs(log - log.mean()).mean()) for name, log in logs.items()}
    ordered = sorted(sizes.items(), key=lambda item: -item[1])
    return tuple(Importance(name, _label_of(wording.reason_of(name), wording), size) for name, size in ordered if size > 0)


def effects(model: ChurnModel | ValueModel, features: pd.DataFrame, settings: Settings) -> tuple[Effect, ...]:
    """Partial dependence of the prediction (churn probability, or value in minor units) on the inputs that move it most."""
    sample = _evenly(features, EFFECT_ROWS)
    if not len(sample):
        return ()
    if isinstance(model, ChurnModel):
        ranked = contributions(model, sample, settings.reasons.buckets).importance
        names = [str(name) for name, value in ranked.items() if name in features.columns and value > 0][:EFFECTS_SHOWN]
        drawn = partial_dependence(lambda frame: model.predict(frame), sample, names, EFFECT_POINTS, EFFECT_ROWS)
    else:
        names = [name for name in VALUE_INPUTS if name in features.columns]
        drawn = partial_dependence(
            lambda frame: _predicted(model, frame, settings)["clv_minor"].to_numpy(dtype=np.float64),
            sample, names, EFFECT_POINTS, EFFECT_ROWS,
        )  # fmt: skip
    wording = load_wording("churn")
    return tuple(
        Effect(
            str(name),
            _label(str(name), wording),
            tuple(curve["value"]),
            tuple(curve["mean_prediction"]),
            tuple(float((features[str(name)] <= value).mean()) for value in curve["value"]),
        )
        for name, curve in drawn.groupby("input", sort=False)
        # One value for everybody is no curve.
        if len(curve) > 1
    )


def _predicted(model: ValueModel, features: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    clv = settings.clv
    return model.predict(features, clv.horizon_days, clv.annual_discount_rate, clv.interval)


def _evenly(features: pd.DataFrame, rows: int) -> pd.DataFrame:
    count = min(rows, len(features))
    return features.iloc[np.unique(np.linspace(0, len(features) - 1, count).astype(int))] if count else features


def _label(name: str, wording: Wording) -> Text:
    """What people call the reason, with what is measured of it."""
    label = _label_of(wording.reason_of(name), wording)
    return Text(f"{label.en}: {name.replace('_', ' ')}", f"{label.zh}：{name.replace('_', ' ')}")


def _label_of(reason: str, wording: Wording) -> Text:
    label = wording.reasons[reason].label
    return Text(*(label[language] for language in LANGUAGES))
