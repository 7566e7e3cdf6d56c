"""Every case under tests/sql/features: people as told, columns as worked out by hand."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from retention.features.binds import feature_binds, used_binds
from retention.features.tables import feature_sql
from retention.settings import Settings
from retention.warehouse import Warehouse, read_frame
from tests.sql.features.company import WHO, Company, moment

CASES = sorted(Path(__file__).parent.glob("*/*.yml"))
TABLES = {"customer_orders", "customer_basket", "customer_service", "customer_engagement"}


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_case(path: Path, warehouse: Warehouse) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    Company(warehouse).tell(case)
    sql = feature_sql(f"features.{path.parent.name}")

    rows = read_frame(warehouse, sql, used_binds(sql, feature_binds(Settings(), case["as_of"])))

    found = {WHO[row["customer_key"]]: row for row in rows.to_dict("records")}
    assert sorted(found) == sorted(case["expected"])
    for who, columns in case["expected"].items():
        for name, wanted in columns.items():
            assert _same(found[who][name], wanted), f"{who}: {name} is {found[who][name]!r}, expected {wanted!r}"


def test_every_table_has_cases() -> None:
    assert {path.parent.name for path in CASES} == TABLES


def _same(found: Any, wanted: Any) -> bool:
    missing = found is None or found != found
    if wanted is None or missing:
        return bool(wanted is None and missing)
    if isinstance(wanted, date) or (isinstance(wanted, str) and wanted[:4].isdigit()):
        return bool(found == moment(wanted))
    if isinstance(wanted, str):
        return bool(found == wanted)
    return math.isclose(float(found), float(wanted), rel_tol=1e-9, abs_tol=1e-9)
