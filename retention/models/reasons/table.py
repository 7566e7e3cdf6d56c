"""The rows of `scores.reason`: the weightiest reasons of the purchasers in the top bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.reasons.sources import Explained, explain_churn, explain_value
from retention.models.reasons.wording import LANGUAGES
from retention.settings import Settings

if TYPE_CHECKING:
    from retention.models.scoring import Given
    from retention.warehouse import Run

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

COLUMNS = (
    "as_of_date", "customer_key", "score", "rank", "is_top_risk", "is_top_value", "reason", "is_raising", "contribution",
    "score_base", "score_rest", "score_total", "sentence_en", "sentence_zh", "model_version", "is_fallback",
)  # fmt: skip


@dataclass(frozen=True)
class Bands:
    """Who is in the top bands, in the order of the features."""

    risk: Flags
    value: Flags


def rows(run: Run, given: Given) -> dict[str, pd.DataFrame]:
    """Rows of `scores.reason`: why the purchasers of the top bands may leave, and what makes the valuable ones valuable.

    Churn is explained for both bands: a customer worth much and likely to leave is the most urgent one there is.

    Raises
    ------
    ReasonsDoNotAddUp when contributions do not sum to what the model says.
    """
    bands = top_bands(given, run.settings.reasons.top_share)
    churn = reasons(run.settings, given, "churn", bands.risk | bands.value)
    value = reasons(run.settings, given, "clv", bands.value)
    listed = pd.concat([frame for frame in (churn, value) if len(frame)] or [churn], ignore_index=True)
    place = given.features.index.get_indexer(pd.Index(listed["customer_key"]))
    listed["is_top_risk"], listed["is_top_value"] = bands.risk[place], bands.value[place]
    listed["as_of_date"] = run.as_of_date
    return {"scores.reason": listed[list(COLUMNS)]}


def top_bands(given: Given, share: float) -> Bands:
    """The purchasers with the highest churn probability, and those with the highest predicted value above zero.

    Parameters
    ----------
    share : share of all purchasers in each band, rounded up; ties go to the lower customer key.
    """
    risk = _highest(given.churn["churn_probability"].to_numpy(dtype=np.float64), share)
    value = given.clv["clv_12m_minor"].to_numpy(dtype=np.float64)
    return Bands(risk, _highest(value, share) & (value > 0))


def reasons(settings: Settings, given: Given, score: str, chosen: Flags) -> pd.DataFrame:
    """Reasons of one score for any purchasers.

    Reasons point the way in which the score lies from the usual customer's: why it is higher, or why lower.

    Parameters
    ----------
    score : churn or clv.
    chosen : purchasers to explain, in the order of ``given.features``.

    Returns
    -------
    DataFrame: one row per customer and rank with the columns of `scores.reason`, without date and bands. Customers whose
        value is not positive have no rows for clv.

    Raises
    ------
    ReasonsDoNotAddUp when contributions do not sum to what the model says.
    """
    explained = explain_churn(settings, given, chosen) if score == "churn" else explain_value(given, chosen)
    picked = weightiest(explained, settings.reasons.reasons_per_customer, settings.reasons.minimum_share)
    listed = with_sentences(picked, explained, settings)
    scored = given.churn if score == "churn" else given.clv
    listed["score"] = pd.Series(score, index=listed.index, dtype="str")
    listed["score_base"] = explained.contributions.base
    place = given.features.index.get_indexer(pd.Index(listed["customer_key"]))
    for name in ("model_version", "is_fallback"):
        listed[name] = scored[name].to_numpy()[place]
    return listed


def _highest(scores: Floats, share: float) -> Flags:
    count = int(np.ceil(share * len(scores)))
    flags = np.zeros(len(scores), dtype=bool)
    flags[np.argsort(-scores, kind="stable")[:count]] = True
    return flags


def weightiest(explained: Explained, count: int, minimum_share: float) -> pd.DataFrame:
    """Reasons by customer and rank: position of the customer, position of the reason, contribution, rest and total."""
    found = explained.contributions
    values, total = found.values.to_numpy(), found.total
    way = np.where(total >= found.base, 1.0, -1.0)
    weight = values * way[:, None]
    needed = minimum_share * np.where(weight > 0, weight, 0.0).sum(axis=1)
    order = np.argsort(-weight, axis=1, kind="stable")[:, :count]
    kept = np.take_along_axis(weight, order, axis=1)
    # The weightiest always counts; those after it only when they are more than trifles.
    listed = (kept > 0) & ((kept >= needed[:, None]) | (np.arange(order.shape[1]) == 0))
    contribution = np.take_along_axis(values, order, axis=1)
    rest = total - found.base - np.where(listed, contribution, 0.0).sum(axis=1)
    customer, rank = np.nonzero(listed)
    return pd.DataFrame(
        {
            "customer": customer,
            "reason_number": order[customer, rank],
            "rank": (rank + 1).astype(np.int32),
            "contribution": contribution[customer, rank],
            "score_rest": rest[customer],
            "score_total": total[customer],
        }
    )


def with_sentences(picked: pd.DataFrame, explained: Explained, settings: Settings) -> pd.DataFrame:
    """Rows of :func:`weightiest` with the reasons in words, under the key of who or what was explained (`customer_key`)."""
    codes = np.array(explained.contributions.values.columns, dtype=object)
    texts = {language: np.empty(len(picked), dtype=object) for language in LANGUAGES}
    number, customer = picked["reason_number"].to_numpy(), picked["customer"].to_numpy()
    for position, code in enumerate(codes):
        places = np.flatnonzero(number == position)
        if not places.size:
            continue
        written = explained.wording.sentences(code, explained.figures.iloc[customer[places]], settings.company)
        for language in LANGUAGES:
            texts[language][places] = written[language]
    return picked.assign(
        customer_key=explained.figures.index.to_numpy(dtype=np.int64)[customer],
        reason=pd.Series(codes[number] if len(picked) else [], index=picked.index, dtype="str"),
        is_raising=picked["contribution"].to_numpy() > 0,
        sentence_en=pd.Series(texts["en"], index=picked.index, dtype="str"),
        sentence_zh=pd.Series(texts["zh"], index=picked.index, dtype="str"),
    ).drop(columns=["customer", "reason_number"])
