"""Reasons of every prediction, by the functions that explain the pipeline's scores."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from retention.models.definitions import churn_definition, clv_definition
from retention.models.reasons.table import reasons
from retention.models.scoring import CHURN_FALLBACK, Given
from retention.models.value.margin import NET_REVENUE
from retention.models.value.scores import CLV_FALLBACK
from retention.warehouse import Run

if TYPE_CHECKING:
    from retention.evaluate.predicting import Fitted

VERSION = "evaluated"
LANGUAGES = ("en", "zh")
_ABOUT_MONEY = ("spending", "discounts", "returns")
_GAP = re.compile(r" +( |[,.;，。；、])")
"""What an amount without a currency leaves: the file does not name one."""


def given_of(run: Run, fitted: Fitted, predicted: pd.DataFrame) -> Given:
    """What explaining reads: features, predictions as the pipeline's tables have them, and models."""
    common = {"as_of_date": run.as_of_date, "customer_key": fitted.features.index.to_numpy(dtype=np.int64)}
    churn = pd.DataFrame(
        {
            **common,
            "churn_probability": predicted["churn_probability"].to_numpy(),
            "horizon_days": run.settings.churn.horizon_days,
            "calibration_id": VERSION,
            "definition": churn_definition(run.settings),
            "model_version": CHURN_FALLBACK if fitted.churn is None else VERSION,
            "is_fallback": fitted.churn is None,
        }
    )
    clv = pd.DataFrame(
        {
            **common,
            "clv_12m_minor": predicted["clv_minor"].to_numpy(),
            "expected_orders_12m": predicted["expected_orders"].to_numpy(),
            "probability_alive": predicted["probability_alive"].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan),
            "clv_12m_lower_minor": predicted["clv_lower_minor"].to_numpy(),
            "clv_12m_upper_minor": predicted["clv_upper_minor"].to_numpy(),
            "horizon_days": run.settings.clv.horizon_days,
            "definition": clv_definition(run.settings),
            "basis": NET_REVENUE,
            "model_version": CLV_FALLBACK if fitted.value is None else VERSION,
            "is_fallback": fitted.value is None,
        }
    )
    return Given(features=fitted.features, churn=churn, clv=clv, churn_model=fitted.churn, clv_model=fitted.value)


def sentences(run: Run, fitted: Fitted, predicted: pd.DataFrame, has_money: bool) -> pd.DataFrame:
    """The weightiest reasons of each customer's churn probability, as sentences.

    Without amounts in the file, reasons that speak of money are left out: every order counts as one of the same amount then.
    Where the purchase process alone stands in for the model, there are no contributions to take reasons from.

    Returns
    -------
    DataFrame, index of `predicted`: reasons_en, reasons_zh, each a list, weightiest first.
    """
    given = given_of(run, fitted, predicted)
    listed = reasons(run.settings, given, "churn", np.ones(len(fitted.features), dtype=bool)).sort_values(
        ["customer_key", "rank"]
    )
    if fitted.churn is None and fitted.value is not None:
        listed = listed.iloc[:0]
    if not has_money:
        listed = listed[~listed["reason"].isin(_ABOUT_MONEY)]
    keys = listed["customer_key"].to_numpy()
    asked = predicted.index.to_numpy()
    edges = list(zip(np.searchsorted(keys, asked, side="left"), np.searchsorted(keys, asked, side="right"), strict=True))
    found = {}
    for language in LANGUAGES:
        texts = [_GAP.sub(r"\1", text).strip() for text in listed[f"sentence_{language}"].tolist()]
        found[f"reasons_{language}"] = pd.Series([texts[start:end] for start, end in edges], predicted.index, dtype="object")
    return pd.DataFrame(found)
