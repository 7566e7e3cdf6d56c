"""The CDNOW sample of the papers, which lifetimes ships: read by path, its own loader needs a package that is gone."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import pandas as pd
import pytest

SHA256 = "6fae10155c0b0ba363c2c386e30f77990d22328220efd862a5edd1443420d94a"
CALIBRATION_END = pd.Timestamp("1997-09-30")


def read_cdnow_sample() -> pd.DataFrame:
    """One row per customer and day with a purchase: id, date, value."""
    package = importlib.util.find_spec("lifetimes")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / "datasets" / "CDNOW_sample.txt"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256
    rows = pd.read_csv(path, sep=r"\s+", header=None, names=["master_id", "id", "date", "cds", "value"], dtype={"id": str})
    rows["date"] = pd.to_datetime(rows["date"].astype(str))
    return rows.groupby(["id", "date"], as_index=False)["value"].sum()


@pytest.fixture(scope="session")
def cdnow() -> pd.DataFrame:
    """One row per customer of the calibration period, weeks as unit: frequency, recency, T, mean repeat value."""
    days = read_cdnow_sample()
    days = days[days["date"] <= CALIBRATION_END].sort_values(["id", "date"])
    by_customer = days.groupby("id")
    first, last = by_customer["date"].min(), by_customer["date"].max()
    repeats = days[days["date"] > days["id"].map(first)]
    return pd.DataFrame(
        {
            "frequency": by_customer.size() - 1,
            "recency": (last - first).dt.days / 7,
            "T": (CALIBRATION_END - first).dt.days / 7,
            "value": repeats.groupby("id")["value"].mean(),
        }
    )
