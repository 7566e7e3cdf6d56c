"""Rows of `scores.renewal` and its reasons: every contract due as of a date, by the champion or by the marked fallback."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models import artifacts, registry
from retention.models.definitions import renewal_definition
from retention.models.profile import ScoresStopped, Seen, judge_day
from retention.models.renewal.contracts import Contracts
from retention.models.renewal.holders import contract_features
from retention.models.renewal.model import RenewalModel
from retention.models.renewal.reasons import reason_rows
from retention.warehouse import Run

if TYPE_CHECKING:
    from retention.models.scoring import Given

Floats = NDArray[np.float64]

FALLBACK = "fallback-renewal-rate"
NO_CALIBRATION = "none"
# Past dates whose contracts give the rate of the fallback: about a year of them.
FALLBACK_DATES, FALLBACK_STEP_DAYS = 6, 60
# Before any contract is decided half are expected to end; the opinion of so many contracts.
PRIOR_ENDED, PRIOR_CONTRACTS = 1.0, 2.0


def rows(run: Run, given: Given) -> dict[str, pd.DataFrame]:
    """Score every contract due; no rows where the company has no contracts. Reads the published features of the date.

    Raises
    ------
    ScoresStopped when columns that the champion learned from are gone or its scores look wrong; ModelFileRefused when its
    file is not the one that was registered.
    """
    contracts, what = Contracts.read(run), f"scores.renewal {run.as_of_date}"
    due = contracts.due(run.as_of_date)
    model: RenewalModel | None = None
    inputs = pd.DataFrame(index=due.index)
    champion = registry.champion(run.warehouse, "renewal", renewal_definition(run.settings))
    if champion is None:
        probability = np.full(len(due), past_rate(contracts))
        version, calibration = FALLBACK, NO_CALIBRATION
    else:
        loaded = artifacts.load(champion.file_name, champion.file_sha256)[0]
        if not isinstance(loaded, RenewalModel):
            raise artifacts.ModelFileRefused(f"{champion.file_name} holds no RenewalModel. Nothing published.")
        model = loaded
        inputs = contract_features(run, due, run.as_of_date, published=True)
        missing = [name for name in model.features if name not in inputs.columns]
        if missing:
            raise ScoresStopped(
                f"{what}: {champion.model_version} learned from columns that are gone: {', '.join(missing)}. Nothing "
                "published. Train again, or bring the columns back."
            )
        probability = model.predict(inputs) if len(due) else np.empty(0)
        version, calibration = champion.model_version, f"{champion.model_version}@{model.calibrated_as_of.isoformat()}"
        if len(due):
            judge_day(run, what, champion, Seen.of(inputs[list(model.features)]), probability)
    return {
        "scores.renewal": _table(run, due, probability, version, calibration, champion is None),
        "scores.renewal_reason": reason_rows(run, due, inputs, model, version),
    }


def past_rate(contracts: Contracts) -> float:
    """Share of the contracts decided in about the past year that were not renewed, drawn to one half where there are few."""
    ended, known = 0.0, 0
    for step in range(FALLBACK_DATES):
        day = contracts.known_until - timedelta(days=contracts.span_days + FALLBACK_STEP_DAYS * step)
        due = contracts.due(day)
        churned = contracts.churned(due, day) if len(due) else np.empty(0)
        ended, known = ended + float(np.nansum(churned)), known + int(np.isfinite(churned).sum())
    return (ended + PRIOR_ENDED) / (known + PRIOR_CONTRACTS)


def _table(run: Run, due: pd.DataFrame, probability: Floats, version: str, calibration: str, is_fallback: bool) -> pd.DataFrame:
    grace = timedelta(days=run.settings.churn.contract_grace_days)
    renewal: list[date] = [day.date() for day in due["renewal_date"]]
    return pd.DataFrame(
        {
            "as_of_date": pd.Series([run.as_of_date] * len(due), dtype="object"),
            "contract_key": due["contract_key"].to_numpy(dtype=np.int64),
            "customer_key": due.index.to_numpy(dtype=np.int64),
            "renewal_date": pd.Series(renewal, dtype="object"),
            "decided_on": pd.Series([day + grace for day in renewal], dtype="object"),
            "non_renewal_probability": np.asarray(probability, dtype=np.float64),
            "definition": pd.Series([renewal_definition(run.settings)] * len(due), dtype="object"),
            "model_version": pd.Series([version] * len(due), dtype="object"),
            "calibration_id": pd.Series([calibration] * len(due), dtype="object"),
            "is_fallback": np.full(len(due), is_fallback),
        }
    )
