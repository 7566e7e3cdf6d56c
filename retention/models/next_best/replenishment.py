"""Replenishment: when a customer will have used up what they buy again and again, from their own rhythm and the product's."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention.models.next_best.histories import Histories, Market, own_gap_days
from retention.settings_models import AssociationSettings

Floats = NDArray[np.float64]

INTERVAL = (0.1, 0.9)
"""Quantiles of the time to the next purchase over the expected one: the stated dates hold four in five."""
LEAST_RATIOS = 100
"""With fewer customers to learn the spread of rhythms from, no interval is stated."""


def expected_gap_days(items: pd.DataFrame, market: Market, settings: AssociationSettings) -> Floats:
    """Days from the last purchase of an item to the next one: the own mean gap, drawn to the item's.

    Parameters
    ----------
    items : rows of `Histories.items` with their position in `market.keys` as column `item`.
    """
    gaps = items["count_days"].to_numpy(dtype=np.float64) - 1
    return _blend(own_gap_days(items), gaps, market.gap_days[items["item"]], settings.rhythm_prior_gaps)


def spread(items: pd.DataFrame, market: Market, settings: AssociationSettings) -> tuple[float, float] | None:
    """How far the time to the next purchase lies from the expected one, as factors at the ends of the interval.

    Learned from the last gap of every customer and item with at least two gaps, expected from the gaps before it.
    """
    rows = items[(items["count_days"] > 2).to_numpy() & market.replenishable[items["item"]]]
    if len(rows) < LEAST_RATIOS:
        return None
    gaps = rows["count_days"].to_numpy(dtype=np.float64) - 2
    before = (rows["first_days_ago"] - rows["previous_days_ago"]).to_numpy(dtype=np.float64) / gaps
    expected = _blend(before, gaps, market.gap_days[rows["item"]], settings.rhythm_prior_gaps)
    happened = (rows["previous_days_ago"] - rows["last_days_ago"]).to_numpy(dtype=np.float64)
    lower, upper = np.quantile(happened / expected, INTERVAL)
    return float(lower), float(upper)


def due(histories: Histories, market: Market, settings: AssociationSettings) -> pd.DataFrame:
    """List the products each customer buys again and again with the date the next one is expected on.

    Left out: what is not used up, what is not in stock, what was bought on one day only, and what is overdue by so much
    that it was given up.

    Returns
    -------
    DataFrame, one row per customer and rank (the most often bought first): item_key, last_days_ago, count_days,
        own_gap_days, item_gap_days, gap_from, expected_gap_days, and, where they can be stated, earliest_gap_days and
        latest_gap_days (else nan).
    """
    position, known = market.positions(histories.items["item_key"].to_numpy(dtype=np.int64))
    items = histories.items.assign(item=position)[known]
    gap = expected_gap_days(items, market, settings)
    kept = (
        market.replenishable[items["item"]]
        & market.available[items["item"]]
        & (items["count_days"] > 1).to_numpy()
        & (items["last_days_ago"].to_numpy() <= settings.given_up_ratio * gap)
    )
    factors = spread(items, market, settings) or (np.nan, np.nan)
    rows = items[kept].assign(
        own_gap_days=own_gap_days(items[kept]),
        item_gap_days=market.gap_days[items["item"][kept]],
        gap_from=market.gap_from[items["item"][kept]],
        expected_gap_days=gap[kept],
        earliest_gap_days=gap[kept] * factors[0],
        latest_gap_days=gap[kept] * factors[1],
    )
    rows = rows.sort_values(["customer_key", "count_days", "weight", "item_key"], ascending=[True, False, False, True])
    rows["rank"] = (rows.groupby("customer_key").cumcount() + 1).astype("int32")
    return rows[rows["rank"] <= settings.replenishment_count].reset_index(drop=True)


def _blend(own: Floats, gaps: Floats, usual: Floats, prior_gaps: float) -> Floats:
    blended = (gaps * np.nan_to_num(own) + prior_gaps * usual) / (gaps + prior_gaps)
    return np.maximum(blended, 1.0)
