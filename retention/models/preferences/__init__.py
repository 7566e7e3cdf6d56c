"""The preference profile: category, prices, discounts, channel, hour and weekday of each purchaser.

Every estimate starts from what holds for the company (for channels: from a stated prior) and moves to the customer's own as
evidence comes in, so that one order makes nobody a lover of anything.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retention.models.associations import ranges
from retention.models.baskets import open_baskets
from retention.models.personas.inputs import shopping_of, shrunk
from retention.models.preferences.channels import Channels, learn_channels, preferred
from retention.models.preferences.habits import Shares, best_moment, favourites, learn_shares
from retention.warehouse import Run, read_frame, sql_file

if TYPE_CHECKING:
    from retention.models.scoring import Given

RULE = "shrunk-habits.v1"
BANDS = ("low", "middle", "high")


def rows(run: Run, given: Given) -> dict[str, pd.DataFrame]:
    """Rows of `scores.preference` for every purchaser; where nothing of the customer's own tells, the company's, marked."""
    customers = given.features.sort_index().index
    settings = run.settings.preferences
    asked = asked_of(run)
    ages = read_frame(run.warehouse, sql_file("scores/_ages"), asked).set_index("customer_key")["age"]
    shares: dict[str, Shares] | None = None
    channels: Channels | None = None
    prices: pd.DataFrame | None = None
    parts, shopped = [], []
    for keys in ranges(run):
        here = customers[(customers >= keys["first_key"]) & (customers <= keys["last_key"])]
        with open_baskets(run, run.as_of_date, keys, settings.window_days) as baskets:
            shopping, prices = shopping_of(baskets, prices)
            categories = baskets.count("_categories")
        shopped.append(shopping)
        habits = pd.concat([categories, read_frame(run.warehouse, sql_file("scores/_habits"), {**asked, **keys})])
        responses = read_frame(run.warehouse, sql_file("scores/_responses"), {**asked, **keys})
        # The first range is a random share of all customers: the company's own habits are learned from it.
        shares = shares or learn_shares(habits, settings)
        channels = channels or learn_channels(responses, ages, settings)
        parts.append(_profile(habits, responses, ages, here, shares, channels))
    table = pd.concat(parts)
    shopping = pd.concat(shopped).set_index("customer_key").sort_index()
    table = table.join(_prices(run, shopping, table.index))
    table.insert(0, "as_of_date", run.as_of_date)
    table.insert(1, "customer_key", table.index.astype("int64"))
    table["model_version"] = RULE
    table["is_fallback"] = (table["count_lines"] == 0) & (table["count_visits"] == 0) & (table["count_messages"] == 0)
    return {"scores.preference": table.reset_index(drop=True)}


def asked_of(run: Run) -> dict[str, Any]:
    """Give what the queries of the profile ask for, but the range of customers."""
    return {
        "as_of_date": run.as_of_date,
        "as_of": run.as_of,
        "since": run.settings.day_start(run.as_of_date - timedelta(days=run.settings.preferences.window_days)),
        "business_timezone": run.settings.company.business_timezone,
    }


def _profile(
    habits: pd.DataFrame,
    responses: pd.DataFrame,
    ages: pd.Series,
    customers: pd.Index,
    shares: dict[str, Shares],
    channels: Channels,
) -> pd.DataFrame:
    category = favourites(habits, shares["category"], customers)
    bought_in = favourites(habits, shares["order_channel"], customers)
    hour, weekday = (best_moment(habits, shares[kind], customers) for kind in ("hour", "weekday"))
    return pd.DataFrame(
        {
            "favourite_category": category["first"],
            "favourite_category_share": category["share"],
            "second_category": category["second"],
            "order_channel": bought_in["first"],
            "best_hour": hour["first"].astype("Int32"),
            "best_weekday": weekday["first"].astype("Int32"),
            "count_visits": weekday["count_times"].astype("int64"),
        },
        index=customers,
    ).join(preferred(responses, ages, customers, channels))


def _prices(run: Run, shopping: pd.DataFrame, customers: pd.Index) -> pd.DataFrame:
    settings = run.settings.preferences
    prices = shrunk(shopping, customers, settings.prior_lines)
    own = shopping.reindex(customers).fillna(0)
    lines = float(shopping["count_lines"].sum())
    usual = float(shopping["count_discounted_lines"].sum()) / lines if lines else np.nan
    affinity = (own["count_discounted_lines"] + settings.prior_lines * usual) / (own["count_lines"] + settings.prior_lines)
    quantiles = (settings.low_band, settings.high_band)
    return pd.DataFrame(
        {
            "price_band": band(prices["price_position"], quantiles),
            "price_position": prices["price_position"],
            "discount_affinity": affinity,
            "discount_band": band(affinity, quantiles),
            "count_lines": prices["count_lines"].astype("int64"),
        },
        index=customers,
    )


def band(values: pd.Series, quantiles: tuple[float, float]) -> pd.Series:
    """Low, middle or high among all customers; null where nothing tells. Equal values are in the same band."""
    low, high = values.quantile(quantiles[0]), values.quantile(quantiles[1])
    found = np.select([values < low, values <= high], BANDS[:2], BANDS[2])
    return pd.Series(found, index=values.index, dtype=object).where(values.notna(), None)


__all__ = ["RULE", "rows"]
