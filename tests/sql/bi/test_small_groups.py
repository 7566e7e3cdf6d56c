"""Small groups are hidden, and one alone hides its neighbour: the difference to the whole gives nothing away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from retention.measurement.bi import fill_bi_tables, write_bi_settings
from retention.measurement.kpis import binds_of
from retention.warehouse import Run, Warehouse, stage_writer
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


def totals(warehouse: Warehouse, day: date, groups: dict[str, int], purchasers: int | None = None) -> None:
    """One date of the group profile, of tiers."""
    for tier, customers in {**groups, "all": sum(groups.values())}.items():
        insert(
            warehouse,
            "bi.group_profile_value",
            {
                "as_of_date": day, "grouping": "all" if tier == "all" else "tier", "member": tier, "part": "all",
                "customers": customers, "purchasers": customers if purchasers is None else purchasers,
                "net_minor_365d": customers * 1_000, "clv_12m_minor": customers * 2_000, "value_at_risk_minor": customers * 100,
            },
        )  # fmt: skip
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into ops.published (table_name, slice_key, token, rows, run_id, published_at) "
                "values ('bi.group_profile_value', :day, 1, 4, 'r', now())"
            ),
            {"day": day.isoformat()},
        )


def sizes(warehouse: Warehouse) -> dict[date, dict[str, int | None]]:
    found: dict[date, dict[str, int | None]] = {}
    with warehouse.connect() as connection:
        for row in connection.execute(sa.text("select as_of_date, member, customers from bi.segment_history")):
            found.setdefault(row.as_of_date, {})[row.member] = row.customers
    return found


def test_segment_sizes(warehouse: Warehouse) -> None:
    totals(warehouse, DAY, {"vip": 11, "ordinary": 4, "marginal": 24})
    with warehouse.begin() as connection:
        connection.exec_driver_sql("insert into segments.label values ('service_tier', 'marginal', 1, 'Marginal', '边缘客户')")
    with warehouse.connect() as connection:
        shown = connection.execute(sa.text("select member, customers, share, member_zh from bi.segment_size")).all()
    # The four would follow from the whole less the others: the next smallest is hidden with them.
    assert {row.member: row.customers for row in shown} == {"vip": None, "ordinary": None, "marginal": 20}
    assert {row.member: row.share for row in shown} == {"vip": None, "ordinary": None, "marginal": 0.5}
    assert {row.member: row.member_zh for row in shown}["marginal"] == "边缘客户"


def test_the_difference_of_two_days_tells_of_nobody(warehouse: Warehouse) -> None:
    """Whoever knows that one person became a VIP today learns nothing by taking yesterday's figures from today's."""
    later = DAY + timedelta(days=1)
    totals(warehouse, DAY, {"vip": 31, "ordinary": 52, "marginal": 117})
    totals(warehouse, later, {"vip": 32, "ordinary": 51, "marginal": 117})
    found = sizes(warehouse)
    assert found[DAY] == found[later] == {"vip": 30, "ordinary": 50, "marginal": 120, "all": 200}
    moves = {member: (found[later][member] or 0) - (found[DAY][member] or 0) for member in found[DAY]}
    assert all(move % 10 == 0 for move in moves.values())
    # The guard turned off: the exact numbers give the move away.
    with warehouse.connect() as connection:
        exact = connection.execute(
            sa.text("select as_of_date, customers from bi.group_profile_value where member = 'vip' order by 1")
        ).all()
    assert [row.customers for row in exact] == [31, 32]


def test_no_money_of_a_handful_of_purchasers(warehouse: Warehouse) -> None:
    totals(warehouse, DAY, {"vip": 40, "ordinary": 50}, purchasers=3)
    with warehouse.connect() as connection:
        rows = connection.execute(
            sa.text("select customers, purchasers, mean_net_minor_365d, mean_clv_12m_minor from bi.segment_history")
        ).all()
    assert {row.customers for row in rows} == {40, 50, 90}
    assert {(row.purchasers, row.mean_net_minor_365d, row.mean_clv_12m_minor) for row in rows} == {(None, None, None)}


# -- the wide customer view: nobody is singled out by where and since when ------------------------------------------------
PEOPLE = [
    ("Zhejiang", "consumer", "app", "2024-05-10", 12),  # enough of them in one month
    ("Zhejiang", "consumer", "app", "2024-07-10", 4),  # 4 + 7 in other months of the year
    ("Zhejiang", "consumer", "app", "2024-09-10", 7),
    ("Zhejiang", "consumer", "fair", "2023-01-10", 6),  # 6 + 5: enough in the region
    ("Zhejiang", "consumer", "shop", "2021-01-10", 5),
    ("Tibet", "consumer", "app", "2022-03-10", 1),  # alone in the region
    ("Sichuan", "consumer", "app", "2022-03-10", 9),
    ("Zhejiang", "company", "app", "2022-03-10", 2),  # two companies in all
]
EXPECTED = {
    ("Zhejiang", "consumer", "app", 2024, date(2024, 5, 1)): 12,
    ("Zhejiang", "consumer", "app", 2024, None): 11,
    ("Zhejiang", "consumer", None, None, None): 11,
    (None, "consumer", None, None, None): 10,
    (None, None, None, None, None): 2,
}


@pytest.fixture
def crowd(warehouse: Warehouse, make_run: Callable[..., Run]) -> Run:
    """The people above, in core and with a tier; nothing measured yet."""
    key = 100
    for region, kind, channel, since, size in PEOPLE:
        for _ in range(size):
            key += 1
            row = {"customer_key": key, "region": region, "customer_kind": kind, "acquisition_channel": channel}
            insert(warehouse, "core.customer", {**row, "member_since": datetime.fromisoformat(f"{since}T08:00:00+08:00")})
            insert(warehouse, "segments.tier", {"as_of_date": DAY, "customer_key": key, "service_tier": "vip"})
    with warehouse.begin() as connection:
        connection.exec_driver_sql(
            "insert into ops.published (table_name, slice_key, token, rows, run_id, published_at) "
            f"values ('segments.tier', '{DAY}', 1, {key - 100}, 'r', now())"
        )
    return make_run(DAY - timedelta(days=1))


WHERE_AND_SINCE = "region, customer_kind, acquisition_channel, member_since_year, member_since_month"


def singled(warehouse: Warehouse) -> dict[tuple[object, ...], int]:
    with warehouse.connect() as connection:
        rows = connection.execute(
            sa.text(f"select {WHERE_AND_SINCE}, count(*) as customers from bi.customer group by {WHERE_AND_SINCE}")
        )
        return {tuple(row[:-1]): row.customers for row in rows}


def test_the_customer_view_shows_no_more_than_enough_people_share(crowd: Run) -> None:
    assert singled(crowd.warehouse) == {(None, None, None, None, None): 46}  # before anything was counted
    with stage_writer(crowd, "bi") as writer:
        fill_bi_tables(writer, crowd, binds_of(crowd))
        writer.publish(also=lambda connection: write_bi_settings(connection, crowd))
    assert singled(crowd.warehouse) == EXPECTED
    assert min(customers for shown, customers in EXPECTED.items() if any(shown)) >= 10


def test_with_the_guard_off_somebody_stands_alone(crowd: Run) -> None:
    """The guard turned off: with a size of one, one person lives in Tibet and has been there since March 2022."""
    careless = replace(crowd, settings=replace(crowd.settings, keep=replace(crowd.settings.keep, suppressed_group_size=1)))
    with stage_writer(careless, "bi") as writer:
        fill_bi_tables(writer, careless, binds_of(careless))
        writer.publish()
    assert singled(crowd.warehouse)["Tibet", "consumer", "app", 2022, date(2022, 3, 1)] == 1


# -- a month to date less its days ----------------------------------------------------------------------------------------
CUSTOMERS_BY_DAY = [12, 4, 0, 3, 5, 20, 3, 6]
"""Of one region, from the first of the month; each spends one yuan."""


def month_of_days(warehouse: Warehouse, make_run: Callable[..., Run], smallest: int) -> list[tuple[int | None, int | None]]:
    """Measure the days of a month; return what is shown of each: revenue of the day and of the month to date."""
    rows = (
        "select cast(:as_of_date as date) as as_of_date, 'net_revenue' as kpi, period, cast(:first as date) as period_start, "
        "'region' as dimension, 'Tibet' as member, amount as numerator, 1 as denominator, amount as value, customers "
        "from (values ('day', cast(:day as integer), cast(:day as integer)), "
        "('month', cast(:month as integer), cast(:month as integer))) as figure (period, amount, customers)"
    )
    for place, customers in enumerate(CUSTOMERS_BY_DAY):
        run = make_run(date(2026, 3, 1 + place))
        run = replace(run, settings=replace(run.settings, keep=replace(run.settings.keep, suppressed_group_size=smallest)))
        with stage_writer(run, "bi") as writer:
            figures = {"day": customers, "month": sum(CUSTOMERS_BY_DAY[: place + 1]), "first": date(2026, 3, 1)}
            writer.fill_select("bi.kpi_value", rows, figures)
            fill_bi_tables(writer, run, binds_of(run))
            writer.publish()
    with warehouse.connect() as connection:
        shown = connection.execute(sa.text("select as_of_date, period, value from bi.kpi order by as_of_date, period")).all()
    return [(day.value, month.value) for day, month in zip(shown[::2], shown[1::2], strict=True)]


def least_group(shown: list[tuple[int | None, int | None]]) -> int:
    """The smallest group that somebody finds who takes months to date, and the days that are shown, from each other."""
    seen = [(place, month) for place, (_, month) in enumerate(shown) if month is not None]
    found = []
    for first, (begin, before) in enumerate([(-1, 0), *seen]):
        for end, month in seen[first:]:
            days = sum(day or 0 for day, _ in shown[begin + 1 : end + 1])
            found.append(month - before - days)
    return min((rest for rest in found if rest > 0), default=0)


def test_a_month_to_date_gives_no_hidden_day_away(warehouse: Warehouse, make_run: Callable[..., Run]) -> None:
    shown = month_of_days(warehouse, make_run, smallest=10)
    assert [day for day, _ in shown] == [12, None, 0, None, None, 20, None, None]
    # Shown again as soon as ten people have been hidden: 4 + 3 + 5.
    assert [month for _, month in shown] == [12, None, None, None, 24, 44, None, None]
    assert least_group(shown) == 12


def test_with_the_guard_off_it_would(warehouse: Warehouse, make_run: Callable[..., Run]) -> None:
    """The guard turned off: what was hidden is released as if nobody stood behind it."""
    month_of_days(warehouse, make_run, smallest=10)
    with warehouse.begin() as connection:
        connection.exec_driver_sql("update bi.kpi_hidden set is_released = true")
    with warehouse.connect() as connection:
        rows = connection.execute(sa.text("select period, value from bi.kpi order by as_of_date, period")).all()
    shown = [(day.value, month.value) for day, month in zip(rows[::2], rows[1::2], strict=True)]
    assert least_group(shown) == 3
