"""Associations: products and categories bought together, or one after the other, with support, confidence and lift.

Together: both in one order. Sequence: the consequent comes new with the next order. Counts are made in the database; every
rule rests on enough orders of enough customers that it tells nothing about any one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from math import ceil

import numpy as np
import pandas as pd
import sqlalchemy as sa

from retention.features.binds import key_ranges
from retention.models.baskets import Baskets, open_baskets
from retention.warehouse import Run, read_frame, sql_file

LEVELS = ("product", "category")
KINDS = {"together": "_pairs", "sequence": "_sequences"}
# z of a one-sided 95 % bound: a rule is published when its confidence is surely above what chance gives.
_Z = 1.645
_COLUMNS = (
    "as_of_date", "level", "kind", "antecedent_key", "consequent_key", "antecedent", "consequent", "count_antecedent",
    "count_consequent", "count_both", "count_total", "count_customers", "support", "confidence", "confidence_lower", "lift",
    "mean_days",
)  # fmt: skip


def published(run: Run, found: Mapping[tuple[str, str], pd.DataFrame], names: pd.Series) -> pd.DataFrame:
    """Rows of `scores.association`: of each item the surest rules.

    Parameters
    ----------
    found : every rule by level and kind, from :func:`rules`.
    names : name of each item by its key.
    """
    table = pd.concat([surest(rows, run).assign(level=level) for (level, _), rows in found.items()], ignore_index=True)
    for side in ("antecedent", "consequent"):
        table[side] = table[f"{side}_key"].map(names)
    table["as_of_date"] = run.as_of_date
    # A category that was renamed since has no name any more: nothing can be said with such a rule.
    return table.dropna(subset=["antecedent", "consequent"])[list(_COLUMNS)].reset_index(drop=True)


def rules(baskets: Baskets, level: str, kind: str) -> pd.DataFrame:
    """Every rule of a kind with its measures.

    Parameters
    ----------
    baskets : of the customers that rules are counted on.
    level : product or category.
    kind : together or sequence.

    Returns
    -------
    DataFrame, one row per antecedent and consequent: their keys, the counts, and support (share of all orders, or of all
        steps from an order to the next, that hold both), confidence (share of those with the antecedent), lift
        (confidence over the consequent's share without condition), confidence_lower (one-sided 95 % Wilson bound).
    """
    found = baskets.count(KINDS[kind], level)
    found.insert(0, "kind", kind)
    both, antecedent = found["count_both"].astype("float64"), found["count_antecedent"].astype("float64")
    total = found["count_total"].astype("float64")
    found["support"] = both / total
    found["confidence"] = both / antecedent
    found["lift"] = found["confidence"] / (found["count_consequent"] / total)
    share, z2 = found["confidence"], _Z**2 / antecedent
    spread = _Z * np.sqrt((share * (1 - share) + z2 / 4) / antecedent)
    found["confidence_lower"] = ((share + z2 / 2 - spread) / (1 + z2)).clip(0, 1)
    return found.sort_values(["antecedent_key", "consequent_key"], ignore_index=True)


def surest(found: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Rules surely above chance; of each antecedent those with the highest lift, at most as many as the settings say."""
    above = found[found["confidence_lower"] > found["count_consequent"] / found["count_total"]]
    above = above.sort_values(["antecedent_key", "lift", "consequent_key"], ascending=[True, False, True])
    return above.groupby("antecedent_key").head(run.settings.associations.rules_per_item)


def assortment(run: Run, as_of: date) -> pd.DataFrame:
    """Products as known at a date: product_key, label, category, category_key, is_replenishable, is_available."""
    return read_frame(run.warehouse, sql_file("scores/_assortment"), {"as_of": run.settings.day_start(as_of)})


def labels(products: pd.DataFrame) -> pd.Series:
    """Name of each product and category by its key."""
    categories = products.dropna(subset=["category"]).drop_duplicates("category_key")
    named: pd.Series = pd.concat([products.set_index("product_key")["label"], categories.set_index("category_key")["category"]])
    return named


@contextmanager
def open_range(run: Run, as_of: date, keys: Mapping[str, int] | None = None) -> Iterator[Baskets]:
    """Open what a range of customers bought within the window; by default of those that rules are counted on."""
    settings = run.settings.associations
    asked = {
        "half_life_days": settings.half_life_days,
        "least_orders": settings.least_orders,
        "least_customers": settings.least_customers,
        "most_items": settings.most_items,
        "most_items_per_order": settings.most_items_per_order,
        "within_days": settings.within_days,
    }
    with open_baskets(run, as_of, keys or sample(run), settings.window_days, asked) as baskets:
        yield baskets


def ranges(run: Run) -> list[dict[str, int]]:
    """Cut customers into ranges of keys small enough to be worked on in memory; each is a random share of all."""
    with run.warehouse.connect() as connection:
        lines = connection.execute(sa.text("select count(*) from core.order_line")).scalar_one()
    return key_ranges(max(1, ceil(lines / run.settings.associations.most_lines)))


def sample(run: Run) -> Mapping[str, int]:
    """Give the range of customers that rules, popularity and rhythms are counted on."""
    return ranges(run)[0]
