"""Training of churn: features of several past dates with what followed, checked on the newest time that has passed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from retention.models import baselines, registry
from retention.models.btyd import BetaGeoNBD
from retention.models.churn import ChurnModel, fit_churn, process_churn
from retention.models.definitions import churn_definition
from retention.models.inputs import first_order_date, model_columns, training_dates, training_set
from retention.models.learning import TrainingSet, with_season
from retention.models.metrics import CHURN_METRICS, measure
from retention.models.profile import score_profile
from retention.models.purchases import COLUMNS as PURCHASE_COLUMNS
from retention.models.purchases import purchases
from retention.models.registry import RegisteredModel
from retention.models.report import Evaluation, shapes
from retention.models.training.chapters import churn_chapter
from retention.models.training.enrolment import Candidate, enrol, model_version
from retention.models.training.promotion import CHALLENGER, CHAMPION, champion_twin, decide_churn
from retention.models.value import TooLittleData
from retention.settings import ChurnSettings
from retention.warehouse import Run

# Outcomes over fewer days than this say little about leaving.
SHORTEST_LABELS_DAYS = 28


@dataclass(frozen=True)
class Learnable:
    """What a churn model can learn from as of a date.

    Attributes
    ----------
    dates : past as-of dates, ascending.
    label_days : days of outcomes after each; fewer than the horizon asked for where history is short.
    data : features and outcomes; holds the columns of the baselines beside the model's.
    """

    dates: list[date]
    label_days: int
    data: TrainingSet

    def of_model(self) -> TrainingSet:
        """The columns a model may learn from."""
        return self.data.with_columns(churn_columns())


def learnable(run: Run, until: date, label_days: int) -> Learnable:
    """Training set whose outcomes end by `until`.

    Raises
    ------
    TooLittleData when there is no date with enough history, too few customers, or one class only.
    """
    dates = _dates(run, until, label_days)
    return _checked(run, Learnable(dates, label_days, training_set(run, dates, label_days, _columns())))


def _columns() -> tuple[str, ...]:
    return tuple(dict.fromkeys((*churn_columns(), *baselines.COLUMNS)))


def _checked(run: Run, found: Learnable) -> Learnable:
    enough(run.settings.churn, f"training date {found.dates[-1]}", found.data.churned[found.data.newest])
    return found


def _dates(run: Run, until: date, label_days: int) -> list[date]:
    settings, first = run.settings.churn, first_order_date(run)
    dates = []
    if first is not None:
        dates = training_dates(
            until - timedelta(days=label_days),
            first,
            step_days=settings.training_step_days,
            count=settings.training_dates,
            minimum_history_days=settings.minimum_history_days,
        )
    if first is None or not dates:
        needed = settings.minimum_history_days + label_days
        raise TooLittleData(f"{needed} days of orders are needed before {until}, there are {_days(first, until)}")
    return with_season(dates, label_days, first + timedelta(days=settings.minimum_history_days))


def _both(run: Run, newest: date, label_days: int) -> tuple[Learnable, Learnable]:
    """What is known today, and what was known at `newest`, read in one pass because they share dates."""
    dates = _dates(run, run.as_of_date, label_days), _dates(run, newest, label_days)
    data = training_set(run, sorted({*dates[0], *dates[1]}), label_days, _columns())

    def part(chosen: list[date]) -> Learnable:
        rows = np.isin(data.dates, np.array(chosen, dtype="datetime64[D]"))
        return _checked(run, Learnable(chosen, label_days, data.take(np.flatnonzero(rows))))

    return part(dates[0]), part(dates[1])


def label_days(settings: ChurnSettings, history_days: int, windows: int) -> int:
    """Days of outcomes to learn from: the horizon, or in whole weeks what the history has room for.

    A model that learned from shorter outcomes is extended to the horizon by the purchase process.

    Parameters
    ----------
    windows : how many lots of outcomes are needed one after the other; 2 where one is kept back to check against.

    Raises
    ------
    TooLittleData when not even four weeks fit.
    """
    room = (history_days - settings.minimum_history_days) // windows
    days = settings.horizon_days if room >= settings.horizon_days else room // 7 * 7
    if days < min(SHORTEST_LABELS_DAYS, settings.horizon_days):
        least = min(SHORTEST_LABELS_DAYS, settings.horizon_days)
        raise TooLittleData(
            f"{settings.minimum_history_days + windows * least} days of orders are needed ({settings.minimum_history_days} of "
            f"history and {windows} times {least} of outcomes, to learn from and to check against), there are {history_days}"
        )
    return days


def train_churn(run: Run) -> RegisteredModel:
    """Train, measure and register a churn model.

    The model that scores learns from outcomes up to today. Its twin, by the same recipe, learned only from what was known
    one lot of outcomes ago; it predicts the time since then beside the champion's twin and the baselines.

    Raises
    ------
    TooLittleData with what is missing.
    """
    settings = run.settings.churn
    days = label_days(settings, _days(first_order_date(run), run.as_of_date), windows=2)
    newest = run.as_of_date - timedelta(days=days)
    now, before = _both(run, newest, days)
    definition = churn_definition(run.settings)
    name = model_version(
        run, "churn", [now.data.features, before.data.features], [now.data.churned, before.data.churned], settings
    )
    known = registry.find(run.warehouse, name)
    if known:
        return known
    model = fit_churn(now.of_model(), days, settings.seed, asked_days=settings.horizon_days)
    twin = fit_churn(before.of_model(), days, settings.seed, asked_days=settings.horizon_days)

    newest_rows = now.data.take(np.flatnonzero(now.data.newest))
    holdout, churned = newest_rows.features, newest_rows.churned
    histories = purchases(holdout)
    process = BetaGeoNBD().fit(histories.frequency, histories.recency, histories.T)
    candidates = {
        CHALLENGER: twin.predict(holdout),
        **baselines.churn_baselines(before.data, holdout),
        "bg_nbd": process_churn(holdout, days, process),
    }
    current = registry.champion(run.warehouse, "churn", definition)
    rival = champion_twin(current)
    if isinstance(rival, ChurnModel) and set(rival.features) <= set(holdout.columns):
        candidates[CHAMPION] = rival.predict(holdout, days)
    measured = measure(CHURN_METRICS, churned, candidates, settings.seed)
    candidate = Candidate(
        kind="churn",
        model_version=name,
        definition=definition,
        horizon_days=settings.horizon_days,
        labels_until=run.as_of_date,
        scoring=model,
        twin=twin,
        training_rows=len(now.data.churned),
        evaluation=Evaluation(newest, days, len(holdout), measured, shapes(churned, candidates)),
        details={
            "training_dates": [day.isoformat() for day in now.dates],
            "checked_with_training_dates": [day.isoformat() for day in before.dates],
            "label_days": days,
            "features": list(model.features),
            "features_left_out": [name for name in churn_columns() if name not in model.features],
            "calibrated_as_of": model.calibrated_as_of.isoformat(),
            "churn_rate_by_date": _rates(now.data),
            **_described(model),
        },
        profile=score_profile(holdout[list(model.features)], model.predict(holdout, settings.horizon_days)),
        chapter=churn_chapter(name, model, holdout, now.dates, days, run.settings),
    )
    return enrol(run, candidate, decide_churn(measured, current))


def churn_columns() -> tuple[str, ...]:
    """Model features, and the columns that the purchase process is read from."""
    return tuple(dict.fromkeys((*model_columns(), *PURCHASE_COLUMNS)))


def enough(settings: ChurnSettings, name: str, churned: Any) -> None:
    """Check that there are customers enough, of both classes.

    Raises
    ------
    TooLittleData naming the setting.
    """
    gone, stayed = int(churned.sum()), int(len(churned) - churned.sum())
    if len(churned) < settings.minimum_customers:
        raise TooLittleData(
            f"{name}: purchasers: {len(churned)}, {settings.minimum_customers} are needed (settings.churn.minimum_customers)"
        )
    if min(gone, stayed) < settings.minimum_per_class:
        raise TooLittleData(
            f"{name}: {gone} churned and {stayed} stayed, {settings.minimum_per_class} of each are needed "
            "(settings.churn.minimum_per_class)"
        )


def _described(model: ChurnModel) -> dict[str, Any]:
    return {
        "process": model.process,
        "boosting_trees": int(model.boosting.n_iter_) if model.weight > 0 else 0,
        "weights": {"boosting": model.weight, "smooth": model.smooth_weight, "process": model.process_weight},
        "calibration": asdict(model.calibration),
        "season_shift": model.season_shift,
        "lengthening": model.lengthening.to_dict() if model.lengthening else None,
    }


def _rates(data: TrainingSet) -> dict[str, float]:
    return {str(day): float(data.churned[data.dates == day].mean()) for day in np.unique(data.dates)}


def _days(first: date | None, until: date) -> int:
    return 0 if first is None else max(0, (until - first).days)
