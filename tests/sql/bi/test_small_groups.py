"""Small groups are hidden, and one alone hides its neighbour: the difference to the whole gives nothing away."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from retention.warehouse import Warehouse
from tests.retention.privacy.conftest import insert

DAY = date(2026, 4, 1)


def kpi(warehouse: Warehouse, dimension: str, member: str, customers: int) -> None:
    insert(
        warehouse,
        "bi.kpi_value",
        {
            "as_of_date": DAY, "kpi": "orders", "period": "day", "dimension": dimension, "member": member,
            "numerator": customers * 2, "denominator": 1, "value": customers * 2, "customers": customers,
        },
    )  # fmt: skip


def shown(warehouse: Warehouse) -> dict[str, int | None]:
    with warehouse.connect() as connection:
        rows = connection.execute(sa.text("select member, customers, value, numerator, is_suppressed from bi.kpi")).all()
    for row in rows:
        assert (row.customers is None) == (row.value is None) == (row.numerator is None) == row.is_suppressed
    return {row.member: row.customers for row in rows}


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ({"vip": 30, "ordinary": 50}, {"vip": 30, "ordinary": 50}),
        ({"vip": 9, "ordinary": 50, "marginal": 12}, {"vip": None, "ordinary": 50, "marginal": None}),
        ({"vip": 9, "ordinary": 50, "marginal": 3}, {"vip": None, "ordinary": 50, "marginal": None}),
        ({"vip": 10, "ordinary": 0}, {"vip": 10, "ordinary": 0}),
        ({"vip": 5, "ordinary": 0, "marginal": 40}, {"vip": None, "ordinary": 0, "marginal": None}),
    ],
    ids=["none small", "one small hides the next", "two small", "empty is nobody", "an empty one protects nobody"],
)
def test_kpis(warehouse: Warehouse, groups: dict[str, int], expected: dict[str, int | None]) -> None:
    for member, customers in groups.items():
        kpi(warehouse, "tier", member, customers)
    kpi(warehouse, "all", "all", sum(groups.values()))
    assert shown(warehouse) == {**expected, "all": sum(groups.values())}


def test_the_size_follows_the_setting(warehouse: Warehouse) -> None:
    kpi(warehouse, "tier", "vip", 12)
    kpi(warehouse, "tier", "ordinary", 12)
    with warehouse.begin() as connection:
        connection.exec_driver_sql("insert into bi.setting values ('suppressed_group_size', '15')")
    assert shown(warehouse) == {"vip": None, "ordinary": None}


def people(warehouse: Warehouse, tier: str, regions: list[str], first: int) -> None:
    for offset, region in enumerate(regions):
        row = {"as_of_date": DAY, "customer_key": first + offset, "service_tier": tier, "service_tier_zh": tier}
        insert(warehouse, "segments.tier", row)
        insert(warehouse, "core.customer", {"customer_key": first + offset, "region": region})


def test_segment_sizes_and_rare_regions(warehouse: Warehouse) -> None:
    people(warehouse, "vip", ["Zhejiang"] * 11 + ["Tibet"], 100)
    people(warehouse, "ordinary", ["Zhejiang"] * 4, 200)
    people(warehouse, "marginal", ["Zhejiang"] * 20, 300)
    with warehouse.begin() as connection:
        connection.exec_driver_sql(
            "insert into ops.published (table_name, slice_key, token, rows, run_id, published_at) "
            "values ('segments.tier', '2026-04-01', 1, 36, 'r', now())"
        )
    with warehouse.connect() as connection:
        sizes = connection.execute(sa.text("select member, customers from bi.segment_size where dimension = 'tier'")).all()
        regions = connection.execute(sa.text("select region, count(*) from bi.customer group by 1 order by 1")).all()
    assert {row.member: row.customers for row in sizes} == {"vip": None, "ordinary": None, "marginal": 20}
    assert [tuple(row) for row in regions] == [("Zhejiang", 35), (None, 1)]
