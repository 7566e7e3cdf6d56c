"""What customers bought, and what holds for each item: how usual it is, its rhythm, whether it can be proposed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.baskets import Baskets
from retention.warehouse import Run

Floats = NDArray[np.float64]
LEAST_RHYTHMS = 10
"""A product with fewer customers who came back for it takes its rhythm from its category, or from all products."""
DEFAULT_GAP_DAYS = 30.0


@dataclass(frozen=True)
class Histories:
    """What a range of customers bought within the window.

    Attributes
    ----------
    items : one row per customer and item: count_orders, count_days, weight (orders with it, older ones for less),
        last/previous/first_days_ago, last_quantity, mean_quantity.
    orders : one row per customer, index customer_key: count_orders, weight (likewise), last/first_days_ago.
    """

    items: pd.DataFrame
    orders: pd.DataFrame


@dataclass(frozen=True)
class Market:
    """What holds for the items of a level, whoever buys them; index of every frame and array is `keys`.

    Attributes
    ----------
    keys : item keys, ascending.
    share : share of orders that hold the item, recent orders counting for more.
    available, replenishable : whether it can be bought now, and whether it is used up and bought again.
    gap_days : days after which customers who buy it again usually do.
    gap_from : where that rhythm was taken from: product, category or all.
    frequent : positions in `keys` of the items that rules know.
    log_lift : frequent x frequent; how much an item (row) in an order raises another (column), shrunk to nothing.
    """

    keys: NDArray[np.int64]
    share: Floats
    available: NDArray[np.bool_]
    replenishable: NDArray[np.bool_]
    gap_days: Floats
    gap_from: NDArray[np.object_]
    frequent: NDArray[np.int64]
    log_lift: Floats

    def positions(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where items stand in `keys`, and which of them do at all."""
        found = np.searchsorted(self.keys, keys).clip(0, max(len(self.keys) - 1, 0))
        return found, np.asarray(self.keys[found] == keys) if len(self.keys) else np.zeros(len(keys), dtype=bool)


def read_histories(baskets: Baskets, level: str) -> Histories:
    """Sum up what the customers of a range of keys bought before a date."""
    items, orders = baskets.count("_items", level), baskets.count("_order_weights")
    return Histories(
        items.sort_values(["customer_key", "item_key"], ignore_index=True), orders.set_index("customer_key").sort_index()
    )


def learn_market(run: Run, level: str, sampled: Histories, products: pd.DataFrame, together: pd.DataFrame) -> Market:
    """Learn what holds for every item of a level.

    Parameters
    ----------
    sampled : histories of a random share of the customers.
    products : `associations.assortment` of the same date.
    together : `associations.rules` of the same date and level, of items in one order.
    """
    items = sampled.items
    keys = np.union1d(items["item_key"].to_numpy(), _state(products, level).index.to_numpy()).astype(np.int64)
    position = np.searchsorted(keys, items["item_key"].to_numpy())
    weight = np.bincount(position, items["weight"].to_numpy(), len(keys)).astype(np.float64)
    total = float(sampled.orders["weight"].sum())
    buyers = np.bincount(position, minlength=len(keys))
    came_back = np.bincount(position, items["count_days"].to_numpy() > 1, len(keys))
    state = _state(products, level).reindex(keys)
    proved = (came_back >= run.settings.associations.least_customers) & (
        came_back >= run.settings.associations.replenishable_share * np.maximum(buyers, 1)
    )
    gap_days, gap_from = _rhythms(items, position, keys, products, level)
    frequent, log_lift = _log_lift(together, keys)
    return Market(
        keys=keys,
        share=weight / total if total > 0 else weight,
        available=state["is_available"].fillna(False).to_numpy(dtype=bool),
        replenishable=state["is_replenishable"].fillna(False).to_numpy(dtype=bool) | proved,
        gap_days=gap_days,
        gap_from=gap_from,
        frequent=frequent,
        log_lift=log_lift,
    )


def _state(products: pd.DataFrame, level: str) -> pd.DataFrame:
    """Whether each item can be bought and is bought again; a category is what most of its available products are."""
    state = products[["is_available", "is_replenishable"]].astype(bool)
    if level == "product":
        return state.set_index(products["product_key"])
    with_category = products["category"].notna()
    grouped = state[with_category].groupby(products.loc[with_category, "category_key"])
    return pd.DataFrame(
        {"is_available": grouped["is_available"].any(), "is_replenishable": grouped["is_replenishable"].mean() >= 0.5}
    )


def _rhythms(
    items: pd.DataFrame, position: NDArray[np.int64], keys: NDArray[np.int64], products: pd.DataFrame, level: str
) -> tuple[Floats, NDArray[np.object_]]:
    """Median over customers of their mean gap, by item; of its category or of everything where too few came back."""
    again = (items["count_days"] > 1).to_numpy()
    mean_gap = own_gap_days(items[again])
    where = position[again]
    overall = float(np.median(mean_gap)) if len(mean_gap) else DEFAULT_GAP_DAYS
    gaps = np.full(len(keys), overall)
    source = np.full(len(keys), "all", dtype=object)
    if level == "product" and len(mean_gap):
        category = products.set_index("product_key")["category_key"].reindex(keys).to_numpy()
        by_category = pd.Series(mean_gap).groupby(category[where]).agg(["median", "size"])
        known = by_category["median"].where(by_category["size"] >= LEAST_RHYTHMS).reindex(category).to_numpy(dtype=np.float64)
        gaps, source = np.where(np.isnan(known), gaps, known), np.where(np.isnan(known), source, "category")
    by_item = pd.Series(mean_gap).groupby(where).agg(["median", "size"])
    known = by_item["median"].where(by_item["size"] >= LEAST_RHYTHMS).reindex(range(len(keys))).to_numpy(dtype=np.float64)
    return np.where(np.isnan(known), gaps, known), np.where(np.isnan(known), source, level)


def own_gap_days(items: pd.DataFrame) -> Floats:
    """Mean days between days on which a customer bought an item; nan with one day."""
    span = (items["first_days_ago"] - items["last_days_ago"]).to_numpy(dtype=np.float64)
    gaps = items["count_days"].to_numpy(dtype=np.float64) - 1
    return np.asarray(np.divide(span, gaps, out=np.full(len(items), np.nan), where=gaps > 0))


def _log_lift(together: pd.DataFrame, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
    """Log of lift between frequent items, from counts with five orders of chance added to what was found and expected."""
    both = np.union1d(together["antecedent_key"].to_numpy(), together["consequent_key"].to_numpy())
    frequent = both[np.isin(both, keys)].astype(np.int64)
    matrix = np.zeros((len(frequent), len(frequent)))
    if len(frequent):
        kept = together[together["antecedent_key"].isin(frequent) & together["consequent_key"].isin(frequent)]
        chance = kept["count_antecedent"] * kept["count_consequent"] / kept["count_total"]
        row = np.searchsorted(frequent, kept["antecedent_key"].to_numpy())
        column = np.searchsorted(frequent, kept["consequent_key"].to_numpy())
        matrix[row, column] = np.log(((kept["count_both"] + 5.0) / (chance + 5.0)).to_numpy(dtype=np.float64))
    return np.searchsorted(keys, frequent), matrix
