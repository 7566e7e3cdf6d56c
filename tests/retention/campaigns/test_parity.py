"""Parity of tiers and offers: a group that gets less than its like is told from one that is merely worth less."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from retention.warehouse import Warehouse, ensure_partitions, load_contract

DAY = date(2026, 4, 1)
FILL: dict[str, Any] = {
    "bigint": 0, "integer": 0, "double precision": 0.0, "text": "-", "boolean": False, "date": DAY, "smallint": 0,
    "timestamptz": "2020-01-01T00:00Z",
}  # fmt: skip


class Town:
    """Customers of a company in bulk."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.number = 0

    def add(self, count: int, offered: int, value: str, **person: Any) -> None:
        """Add customers of one kind, the first of whom are offered a coupon."""
        rows: dict[str, list[dict[str, Any]]] = {}
        for number in range(count):
            self.number += 1
            key = {"customer_key": self.number}
            rows.setdefault("core.customer", []).append(key | person)
            rows.setdefault("segments.tier", []).append(key | {"service_tier": "vip" if value == "strategic" else "marginal"})
            rows.setdefault("segments.value_matrix", []).append(key | {"value_class": value})
            rows.setdefault("segments.lifecycle", []).append(key | {"lifecycle_stage": "repeat"})
            if number < offered:
                terms = json.dumps({"kind": "coupon", "amount_minor": 1000})
                rows.setdefault("campaigns.decision", []).append(
                    key | {"play": "holiday", "kind": "promotional", "state": "selected", "offer_terms": terms}
                )
        for table, given in rows.items():
            self.insert(table, given)

    def insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Insert rows; what is required and not given gets a value of its type."""
        contract = load_contract(table)
        if contract.kind == "slice":
            ensure_partitions(self.warehouse, [table], DAY)
            rows = [{"as_of_date": DAY, **row} for row in rows]
        for column in contract.columns:
            if not column.nullable and column.default is None and not column.identity:
                rows = [{column.name: FILL.get(column.type, "{}"), **row} for row in rows]
        names = list(rows[0])
        statement = f"insert into {table} ({', '.join(names)}) values ({', '.join(f':{name}' for name in names)})"
        with self.warehouse.begin() as connection:
            connection.execute(sa.text(statement), rows)

    def parity(self, attribute: str, subject: str = "offer") -> dict[str, Any]:
        """Return the rows of the view for one attribute, by member."""
        with self.warehouse.begin() as connection:
            connection.execute(
                sa.text(
                    "insert into ops.published (table_name, slice_key, rows, run_id, token, published_at) "
                    "values ('campaigns.decision', :day, 1, 'x', 1, now()) on conflict do nothing"
                ),
                {"day": DAY.isoformat()},
            )
            query = sa.text("select * from bi.parity where attribute = :attribute and subject = :subject")
            rows = connection.execute(query, {"attribute": attribute, "subject": subject})
            return {row.member: row for row in rows if subject == "offer" or row.outcome == "vip"}


@pytest.fixture
def town(warehouse: Warehouse) -> Town:
    return Town(warehouse)


def test_a_group_that_is_passed_over_is_notable(town: Town) -> None:
    """Forty women and forty men of one value and stage: four women and sixteen men are offered something."""
    town.add(40, 4, "base", gender="female", birth_year=1990, region="East")
    town.add(40, 28, "base", gender="male", birth_year=1990, region="East")
    found = town.parity("gender")
    assert found["female"].rate == pytest.approx(0.1)
    assert found["female"].rate_all == pytest.approx(0.4)
    assert found["female"].ratio == found["female"].ratio_expected == pytest.approx(0.25)
    assert found["female"].is_notable
    assert not found["male"].is_notable
    assert town.parity("age_band")["35-44"].ratio == pytest.approx(1.0)


def test_a_group_that_is_worth_less_is_not(town: Town) -> None:
    """Women are offered as much as men of their value; there are fewer of great value among them."""
    town.add(30, 3, "marginal", gender="female", region="East")
    town.add(10, 6, "strategic", gender="female", region="East")
    town.add(10, 1, "marginal", gender="male", region="East")
    town.add(30, 18, "strategic", gender="male", region="East")
    found = town.parity("gender")
    assert found["female"].ratio == pytest.approx(9 / 40 / (28 / 80))
    assert found["female"].ratio_expected == pytest.approx(1.0)
    assert not found["female"].is_notable
    tiers = town.parity("gender", "tier")
    assert (tiers["female"].rate, tiers["male"].rate) == (pytest.approx(0.25), pytest.approx(0.75))
    assert tiers["female"].ratio_expected == pytest.approx(1.0)


def test_small_groups_are_put_together_or_hidden(town: Town) -> None:
    """Six in the west and five in the north are shown as one; with three in the north alone nothing is."""
    town.add(40, 4, "base", gender="female", region="East")
    town.add(6, 1, "base", gender="female", region="West")
    assert set(town.parity("region")) == {"East"}
    town.add(5, 0, "base", gender="female", region="North")
    found = town.parity("region")
    assert set(found) == {"East", "small groups"}
    assert found["small groups"].customers == 11
