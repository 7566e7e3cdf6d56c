"""The CDNOW sample of the papers, and a company with known truth in a warehouse.

lifetimes ships the sample; it is read by path, because its own loader needs a package that is gone.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from retention import models
from retention.models import parts
from retention.warehouse import Run
from tests.retention.models.company import SHORT, load_orders, orders_of

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


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, for its model files."""
    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def two_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training of churn and value alone; the other kinds have tests of their own."""
    monkeypatch.setattr(parts, "TRAINING", {kind: parts.TRAINING[kind] for kind in ("churn", "clv")})


@pytest.fixture
def two_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scoring of churn and value alone."""
    monkeypatch.setattr(parts, "SCORING", ())
    monkeypatch.setattr(parts, "SCORING_BY_RANGE", ())


@pytest.fixture
def company_run(make_run: Callable[..., Run], home: Path, two_kinds: None) -> Run:
    """A run on 700 customers with 420 days of orders."""
    run = make_run(settings=SHORT)
    load_orders(run, orders_of(run.as_of_date))
    return run


_TRAINED: dict[str, Any] = {}


@pytest.fixture
def trained_run(company_run: Run, home: Path) -> Run:
    """The same company with both champions. Trained once; later tests get copies of the registry rows and the files."""
    tables = ("ops.model", "ops.model_evaluation")
    folder = home / "models"
    if not _TRAINED:
        result = models.train(company_run)
        assert {result[kind]["state"] for kind in ("churn", "clv")} == {"champion"}, result
        _TRAINED["files"] = {path.name: path.read_bytes() for path in folder.iterdir()}
        _TRAINED["result"] = result
        with company_run.warehouse.connect() as connection:
            for table in tables:
                _TRAINED[table] = [dict(row) for row in connection.execute(sa.text(f"select * from {table}")).mappings()]
        return company_run
    folder.mkdir()
    for name, data in _TRAINED["files"].items():
        (folder / name).write_bytes(data)
    with company_run.warehouse.begin() as connection:
        for table in tables:
            rows = [
                {name: json.dumps(value) if isinstance(value, dict) else value for name, value in row.items()}
                for row in _TRAINED[table]
            ]
            binds = ", ".join(
                f"cast(:{name} as jsonb)" if name in ("details", "profile", "report") else f":{name}" for name in rows[0]
            )
            connection.execute(sa.text(f"insert into {table} ({', '.join(rows[0])}) values ({binds})"), rows)
    return company_run


@pytest.fixture
def trained(trained_run: Run) -> dict[str, Any]:
    """What training answered."""
    return _TRAINED["result"]
