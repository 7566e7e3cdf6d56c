"""What personas are told by: discounts, price position, order rate and order value of each purchaser."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from retention.models.associations import ranges
from retention.models.baskets import Baskets, open_baskets
from retention.warehouse import Run

INPUTS = ("discount_share", "price_position", "order_rate", "order_value")
READS = ("discount_share_365d", "tenure_days", "count_orders_365d", "mean_order_value_minor_365d")
SHORTEST_TENURE_DAYS = 90.0
"""A first order last week is no rate of an order a week."""


def read_shopping(run: Run, as_of: date, window_days: int) -> pd.DataFrame:
    """Lines, discounts and price positions of every customer with lines in the window: sums, index customer_key."""
    prices: pd.DataFrame | None = None
    parts = []
    for keys in ranges(run):
        with open_baskets(run, as_of, keys, window_days) as baskets:
            shopping, prices = shopping_of(baskets, prices)
            parts.append(shopping)
    return pd.concat(parts).set_index("customer_key").sort_index()


def shopping_of(baskets: Baskets, prices: pd.DataFrame | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How the customers of a range shop, and what things usually cost.

    Parameters
    ----------
    prices : as answered for the first range, which is a random share of all customers; None for that range itself.
    """
    prices = baskets.count("_prices") if prices is None else prices
    baskets.table("prices", prices)
    return baskets.count("_shopping"), prices


def shrunk(shopping: pd.DataFrame, customers: pd.Index, lines: float) -> pd.DataFrame:
    """Discount share and price position of customers, drawn to the company's as if by so many lines of its average.

    Returns
    -------
    DataFrame, index `customers`: count_lines, discount_share (of the price before discounts), price_position (0 cheapest
        of its category, 1 dearest); nan for everybody where no line tells.
    """
    own = shopping.reindex(customers).fillna(0)
    totals = shopping.sum()
    gross, positioned = float(totals.get("gross_minor", 0)), float(totals.get("count_positioned_lines", 0))
    discount = float(totals["discount_minor"]) / gross if gross > 0 else np.nan
    position = float(totals["sum_positions"]) / positioned if positioned > 0 else np.nan
    count, paid = own["count_lines"], own["gross_minor"].where(own["gross_minor"] > 0)
    share = (own["discount_minor"] / paid).clip(0, 1).fillna(discount)
    return pd.DataFrame(
        {
            "count_lines": count,
            "discount_share": (share * count + lines * discount) / (count + lines),
            "price_position": (own["sum_positions"] + lines * position) / (own["count_positioned_lines"] + lines),
        },
        index=customers,
    )


def read_inputs(run: Run, as_of: date, features: pd.DataFrame) -> pd.DataFrame:
    """Give the inputs of every purchaser as of a date.

    Parameters
    ----------
    features : features as of that date, index customer_key.

    Returns
    -------
    DataFrame, index as `features`, ascending: count_lines and the columns of `INPUTS` (order_rate and order_value as logs);
        nan where nothing tells. Without any lines the discount share is that of the orders.
    """
    settings = run.settings.personas
    features = features.sort_index()
    inputs = shrunk(read_shopping(run, as_of, settings.window_days), features.index, settings.shrinkage_lines)
    if inputs["discount_share"].isna().all():
        inputs["discount_share"] = features["discount_share_365d"].clip(0, 1)
    days = features["tenure_days"].clip(SHORTEST_TENURE_DAYS, 365.0)
    inputs["order_rate"] = np.log1p(features["count_orders_365d"].clip(lower=0) / days * 365.0)
    value = features["mean_order_value_minor_365d"]
    inputs["order_value"] = np.log(value.where(value > 0).clip(lower=1.0))
    return inputs
