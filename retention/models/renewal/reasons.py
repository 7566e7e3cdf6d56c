"""The rows of `scores.renewal_reason`: why contracts may not be renewed, by the machinery that explains churn."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retention.models.contributions import contributions
from retention.models.reasons.sources import Explained, check_sum
from retention.models.reasons.table import weightiest, with_sentences
from retention.models.reasons.wording import load_wording
from retention.models.renewal.model import RenewalModel
from retention.warehouse import Run

COLUMNS = (
    "as_of_date", "contract_key", "customer_key", "rank", "reason", "is_raising", "contribution", "score_base", "score_rest",
    "score_total", "sentence_en", "sentence_zh", "model_version",
)  # fmt: skip


def reason_rows(
    run: Run, due: pd.DataFrame, inputs: pd.DataFrame, model: RenewalModel | None, model_version: str
) -> pd.DataFrame:
    """Reasons of every contract due.

    Parameters
    ----------
    due : contracts, index customer_key.
    inputs : what the model reads of them, in their order.
    model : None where the rate of the past year scores: it is the same for all, and there are no rows.

    Raises
    ------
    ReasonsDoNotAddUp when contributions do not sum to what the model says.
    """
    if model is None or due.empty:
        return pd.DataFrame(columns=list(COLUMNS)).astype(
            {"contract_key": np.int64, "customer_key": np.int64, "rank": np.int32, "is_raising": bool}
            | dict.fromkeys(("contribution", "score_base", "score_rest", "score_total"), np.float64)
            | dict.fromkeys(("reason", "sentence_en", "sentence_zh", "model_version"), "str")
        )
    settings, wording = run.settings.reasons, load_wording("renewal")
    # A customer may hold several contracts: what is explained goes by the contract.
    contracts = pd.Index(due["contract_key"].to_numpy(dtype=np.int64))
    figures = inputs.set_axis(contracts, axis=0)
    explained = Explained(contributions(model, figures, settings.buckets, wording.reason_of), figures, wording)
    check_sum(f"scores.renewal_reason {run.as_of_date}", explained.contributions.total, model.log_odds(figures))
    picked = weightiest(explained, settings.reasons_per_customer, settings.minimum_share)
    listed = with_sentences(picked, explained, run.settings).rename(columns={"customer_key": "contract_key"})
    holder = pd.Series(due.index.to_numpy(dtype=np.int64), index=contracts)
    listed["customer_key"] = holder.loc[listed["contract_key"]].to_numpy()
    listed["as_of_date"], listed["score_base"] = run.as_of_date, explained.contributions.base
    listed["model_version"] = pd.Series(model_version, index=listed.index, dtype="str")
    return listed[list(COLUMNS)]
