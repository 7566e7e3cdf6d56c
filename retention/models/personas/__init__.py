"""Personas: groups of customers by the way they shop, under names that stay when the groups are learned again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from retention.models import artifacts, registry
from retention.models.personas.catalogue import catalogue
from retention.models.personas.inputs import INPUTS, READS, read_inputs
from retention.models.personas.model import PersonaModel, by_rule
from retention.warehouse import Run

if TYPE_CHECKING:
    from retention.models.scoring import Given

DEFINITION = "discounts_prices_rate_value.v1"
RULE = "fallback-persona-rule"


def rows(run: Run, given: Given) -> dict[str, pd.DataFrame]:
    """Rows of `scores.persona` for every purchaser; by the stated rule, and marked so, where no model is promoted."""
    inputs = read_inputs(run, run.as_of_date, given.features)
    champion = registry.champion(run.warehouse, "persona", DEFINITION)
    if champion is None:
        assigned = by_rule(inputs[list(INPUTS)])
    else:
        model = artifacts.load(champion.file_name, champion.file_sha256)[0]
        if not isinstance(model, PersonaModel):
            raise artifacts.ModelFileRefused(f"{champion.file_name} holds no personas. Nothing published.")
        assigned = model.assign(inputs[list(INPUTS)])
    known = catalogue()
    # Nothing bought within the window: the group of those who buy least, but on no evidence of how they shop.
    unknown = inputs["order_value"].isna() & (inputs["count_lines"] == 0)
    table = pd.DataFrame(
        {
            "as_of_date": run.as_of_date,
            "customer_key": inputs.index.to_numpy(dtype=np.int64),
            "persona": assigned["persona"],
            "persona_en": assigned["persona"].map({code: entry.en for code, entry in known.items()}),
            "persona_zh": assigned["persona"].map({code: entry.zh for code, entry in known.items()}),
            "fit": assigned["fit"],
            "second_persona": assigned["second_persona"],
            "discount_share": inputs["discount_share"],
            "price_position": inputs["price_position"],
            "count_lines": inputs["count_lines"].astype("int64"),
            "model_version": champion.model_version if champion else RULE,
            "is_fallback": (champion is None) | unknown,
        }
    )
    return {"scores.persona": table.reset_index(drop=True)}


__all__ = ["DEFINITION", "READS", "RULE", "rows"]
