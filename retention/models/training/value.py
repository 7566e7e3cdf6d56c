"""Training of lifetime value: fitted on everything known, checked by a twin on the newest time that has passed."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from retention.models import baselines, registry
from retention.models.definitions import clv_definition
from retention.models.inputs import first_order_date, outcomes, past_features, training_set
from retention.models.metrics import VALUE_METRICS, measure
from retention.models.profile import score_profile
from retention.models.purchases import COLUMNS as PURCHASE_COLUMNS
from retention.models.registry import RegisteredModel
from retention.models.report import Evaluation, shapes
from retention.models.training.chapters import clv_chapter
from retention.models.training.enrolment import Candidate, enrol, model_version
from retention.models.training.promotion import CHALLENGER, CHAMPION, champion_twin, decide_clv
from retention.models.value import TooLittleData, ValueModel
from retention.models.value.plan import value_training
from retention.warehouse import Run

# A third of the history is kept back to check against; less than this and there is nothing to check.
SHORTEST_CHECK_DAYS = 28


def train_clv(run: Run) -> RegisteredModel:
    """Fit, measure and register a model of lifetime value.

    The twin is fitted as of an earlier date and predicts the money spent since then.

    Raises
    ------
    TooLittleData with what is missing.
    """
    settings, days = run.settings.clv, check_days(run)
    checked_as_of = run.as_of_date - timedelta(days=days)
    features, past = past_features(run, run.as_of_date), past_features(run, checked_as_of)
    truth = outcomes(run, checked_as_of, days, past.index)["net_minor"].to_numpy()
    definition = clv_definition(run.settings)
    needed = list(baselines.COLUMNS)
    learning, learned_days = value_training(run, run.as_of_date, settings.horizon_days)
    twin_learning, twin_days = value_training(run, checked_as_of, settings.horizon_days)
    sets = [data for data in (learning, twin_learning) if data is not None]
    frames = [features[needed], past[needed], *(data.features for data in sets)]
    name = model_version(run, "clv", frames, [truth, *(data.outcomes["net_minor"].to_numpy() for data in sets)], settings)
    known = registry.find(run.warehouse, name)
    if known:
        return known
    try:
        model = ValueModel.fit(features, settings.minimum_repeat_customers, learning, learned_days, settings.seed)
        twin = ValueModel.fit(past, settings.minimum_repeat_customers, twin_learning, twin_days, settings.seed)
    except TooLittleData:
        raise
    except ValueError as nothing_to_learn:
        # A past date that must be learned from may hold nobody who had bought again by then.
        raise TooLittleData(str(nothing_to_learn)) from nothing_to_learn
    predicted = twin.predict(past, days, 0.0, settings.interval)
    naive = training_set(run, [checked_as_of - timedelta(days=days)], days, baselines.COLUMNS)
    candidates = {CHALLENGER: predicted["clv_minor"].to_numpy(), **baselines.value_baselines(naive, past, days)}
    intervals = {CHALLENGER: (predicted["clv_lower_minor"].to_numpy(), predicted["clv_upper_minor"].to_numpy())}
    current = registry.champion(run.warehouse, "clv", definition)
    rival = champion_twin(current)
    if isinstance(rival, ValueModel) and (rival.learned is None or set(rival.learned.features) <= set(past.columns)):
        theirs = rival.predict(past, days, 0.0, settings.interval)
        candidates[CHAMPION] = theirs["clv_minor"].to_numpy()
        intervals[CHAMPION] = (theirs["clv_lower_minor"].to_numpy(), theirs["clv_upper_minor"].to_numpy())
    measured = measure(VALUE_METRICS, truth, candidates, settings.seed, intervals)
    scores = model.predict(features, settings.horizon_days, settings.annual_discount_rate, settings.interval)
    inputs = list(dict.fromkeys((*PURCHASE_COLUMNS, *(model.learned.features if model.learned else ()))))
    candidate = Candidate(
        kind="clv",
        model_version=name,
        definition=definition,
        horizon_days=settings.horizon_days,
        labels_until=run.as_of_date,
        scoring=model,
        twin=twin,
        training_rows=len(features),
        evaluation=Evaluation(checked_as_of, days, len(past), measured, shapes(truth, candidates)),
        details={
            "learned_days": model.learned.horizon_days if model.learned else None,
            "features": list(model.learned.features) if model.learned else [],
            "training_dates": [] if learning is None else [str(day) for day in sorted(set(learning.dates.tolist()))],
            "process": model.process.params_,
            "spending": model.spending.params_,
            "log_likelihood": {"process": model.process.log_likelihood_, "spending": model.spending.log_likelihood_},
            "fit_messages": [report.message for report in model.reports.values() if report.message],
            "order_value_limit_minor": model.order_value_limit if np.isfinite(model.order_value_limit) else None,
            "huge_order_customers": model.huge_order_customers,
            "interval": settings.interval,
            "annual_discount_rate": settings.annual_discount_rate,
        },
        profile=score_profile(features[inputs], scores["clv_minor"].to_numpy()),
        chapter=clv_chapter(name, model, features, days, run.settings, float(predicted["interval_probability"].mean())),
    )
    return enrol(run, candidate, decide_clv(measured, current, 10**run.settings.company.base_currency_minor_digits))


def check_days(run: Run) -> int:
    """Days kept back: a third of the history, in whole weeks, up to the horizon itself; the rest is to learn rhythms from.

    Raises
    ------
    TooLittleData when that leaves less than `SHORTEST_CHECK_DAYS`.
    """
    first = first_order_date(run)
    history = (run.as_of_date - first).days if first else 0
    days = min(run.settings.clv.horizon_days, history // 3 // 7 * 7)
    if days < min(SHORTEST_CHECK_DAYS, run.settings.clv.horizon_days):
        raise TooLittleData(
            f"{3 * SHORTEST_CHECK_DAYS} days of orders are needed to fit and check lifetime value, there are {history}"
        )
    return days
