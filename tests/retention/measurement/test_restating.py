"""Late facts restate the past, and what was published first stays beside it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
import sqlalchemy as sa

from retention.measurement import measure
from retention.warehouse import Run
from tests.retention.measurement.conftest import ANA, BO, CHEN, DAI, DAY, at, entry
from tests.retention.privacy.conftest import insert

MARCH_31, APRIL_1, MARCH = date(2026, 3, 31), date(2026, 4, 1), date(2026, 3, 1)
Row = sa.Row[tuple[object, ...]]


def restated(run: Run, kpi: str, period: str, start: date, dimension: str = "all", member: str = "all") -> Row:
    with run.warehouse.connect() as connection:
        return connection.execute(
            sa.text(
                "select value, first_value, moved, is_restated, first_as_of, known_as_of from bi.kpi_restated where kpi = :kpi "
                "and period = :period and period_start = :start and dimension = :dimension and member = :member"
            ),
            {"kpi": kpi, "period": period, "start": start, "dimension": dimension, "member": member},
        ).one()


@pytest.fixture
def next_day(company: Run, make_run: Callable[..., Run]) -> Run:
    """31 March is measured; the run of 1 April, with everybody's segments as they were, and nobody too few to be shown."""
    measure(company)
    for who in (ANA, BO, CHEN, DAI):
        insert(
            company.warehouse,
            "segments.tier",
            {"as_of_date": date(2026, 4, 2), "customer_key": who, "service_tier": "ordinary", "service_tier_zh": "普通"},
        )
    with company.warehouse.begin() as connection:  # the stage that assigns segments says so
        connection.execute(
            sa.text(
                "insert into ops.published (table_name, slice_key, token, rows, run_id, published_at, is_stale) values "
                "('segments.tier', '2026-04-01', 1, 6, 'r', now(), false)"
            )
        )
    return make_run(business_date=APRIL_1)


def show_everything(run: Run) -> None:
    with run.warehouse.begin() as connection:
        connection.execute(sa.text("update bi.setting set value = '1' where name = 'suppressed_group_size'"))


def test_an_order_that_arrives_late_restates_its_day_and_its_month(next_day: Run) -> None:
    """Chen's order of 31 March comes in a day late."""
    entry(next_day.warehouse, CHEN, 77, "paid", "2026-03-31 20:00", 1, 4_000, order_number=2, days_since_previous_order=131)
    measure(next_day)
    show_everything(next_day)
    day = restated(next_day, "net_revenue", "day", MARCH_31)
    assert tuple(day) == (24_000, 20_000, 4_000, True, DAY, date(2026, 4, 2))
    month = restated(next_day, "net_revenue", "month", MARCH)
    assert (month.value, month.first_value, month.is_restated) == (44_000, 40_000, True)
    # Who bought in the horizon before came back after all: Ana and Chen of Ana, Bo and Chen.
    kept = restated(next_day, "retention_rate", "month", MARCH)
    assert (kept.value, kept.first_value) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    tier = restated(next_day, "net_revenue", "day", MARCH_31, "tier", "ordinary")
    assert (tier.value, tier.first_value) == (-6_000, -10_000), "under the tier that Chen had on the day"


def test_a_date_measured_again_tells_the_same_anew(next_day: Run) -> None:
    """Also when a later date was measured meanwhile."""
    entry(next_day.warehouse, CHEN, 77, "paid", "2026-03-31 20:00", 1, 4_000, order_number=2, days_since_previous_order=131)
    first = measure(next_day)["bi.kpi_restatement"]
    assert first > 0
    assert measure(next_day)["bi.kpi_restatement"] == first
    with next_day.warehouse.begin() as connection:
        connection.execute(sa.text("update ops.measured_day set known_as_of = '2026-04-03' where known_as_of = '2026-04-02'"))
    assert measure(next_day)["bi.kpi_restatement"] == first


def test_what_did_not_change_is_told_once(next_day: Run) -> None:
    counts = measure(next_day)
    show_everything(next_day)
    assert counts["bi.kpi_restatement"] == 0
    day = restated(next_day, "net_revenue", "day", MARCH_31)
    assert (day.value, day.moved, day.is_restated, day.known_as_of) == (20_000, 0, False, DAY)


def test_a_deleted_row_counts_no_more(next_day: Run) -> None:
    with next_day.warehouse.begin() as connection:
        connection.execute(
            sa.text("update core.order_entry set deleted_at = :when where order_key = 3"), {"when": at("2026-04-01 08:00")}
        )
    measure(next_day)
    show_everything(next_day)
    assert restated(next_day, "orders", "day", MARCH_31).value == 0
    assert restated(next_day, "orders", "day", MARCH_31).first_value == 1


def test_a_complaint_answered_in_time_on_the_next_day_is_inside_the_clock_of_its_day(next_day: Run) -> None:
    insert(
        next_day.warehouse,
        "core.complaint",
        {
            "customer_key": DAI, "opened_at": at("2026-03-31 22:00"), "valid_from": at("2026-03-31 22:00"),
            "acknowledged_at": at("2026-03-31 22:30"), "first_replied_at": at("2026-04-01 09:00"),
        },
    )  # fmt: skip
    measure(next_day)
    show_everything(next_day)
    assert restated(next_day, "complaint_rate", "day", MARCH_31).moved == pytest.approx(1 / 2)


def test_a_small_group_does_not_show_who_moved_it(next_day: Run) -> None:
    """Of a tier in which one late order moved the figure, the difference would be that order."""
    entry(next_day.warehouse, CHEN, 77, "paid", "2026-03-31 20:00", 1, 4_000, order_number=2, days_since_previous_order=131)
    measure(next_day)
    with next_day.warehouse.begin() as connection:
        connection.execute(sa.text("update bi.setting set value = '2' where name = 'suppressed_group_size'"))
    tier = restated(next_day, "net_revenue", "day", MARCH_31, "tier", "ordinary")
    assert tier.moved in (None, 0)
    assert restated(next_day, "net_revenue", "day", MARCH_31).moved == 4_000


def test_a_date_measured_again_keeps_what_was_published_first(company: Run) -> None:
    measure(company)
    entry(company.warehouse, CHEN, 77, "paid", "2026-03-31 20:00", 1, 4_000, order_number=2, days_since_previous_order=131)
    measure(company)
    entry(company.warehouse, CHEN, 78, "paid", "2026-03-31 21:00", 1, 1_000, order_number=3, days_since_previous_order=0)
    measure(company)
    show_everything(company)
    day = restated(company, "net_revenue", "day", MARCH_31)
    assert (day.value, day.first_value, day.is_restated) == (25_000, 20_000, True)


def test_the_segments_of_the_day_are_needed_to_tell_it_anew(next_day: Run) -> None:
    """Slices of five weeks ago are gone: their days stay as they were told."""
    entry(next_day.warehouse, CHEN, 77, "paid", "2026-03-31 20:00", 1, 4_000, order_number=2, days_since_previous_order=131)
    with next_day.warehouse.begin() as connection:
        connection.execute(sa.text("delete from ops.published where table_name = 'segments.tier'"))
    assert measure(next_day)["bi.kpi_restatement"] == 0
