"""Cohorts and funnels by hand, and how the past is restated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
import sqlalchemy as sa

from retention.measurement import measure
from retention.measurement.kpis import months_of
from retention.warehouse import Run
from tests.retention.measurement.conftest import ANA, BO, CHEN, DAI, DAY, at, entry
from tests.retention.privacy.conftest import insert

NOVEMBER, DECEMBER, MARCH = date(2025, 11, 1), date(2025, 12, 1), date(2026, 3, 1)


def cohort(run: Run, first: date, month: date) -> tuple[object, ...]:
    with run.warehouse.connect() as connection:
        row = connection.execute(
            sa.text(
                "select months_since, cohort_customers, active_customers, orders, net_minor from bi.cohort_value "
                "where as_of_date = :day and cohort_month = :first and month = :month"
            ),
            {"day": run.as_of_date, "first": first, "month": month},
        ).one()
    return tuple(row)


@pytest.fixture
def bought(company: Run) -> Run:
    """First orders as they were: Ana and Chen in November, Bo in December, Dai in March; Ana's hand-out led to a purchase."""
    with company.warehouse.begin() as connection:
        for who, when in ((ANA, "2025-11-15"), (CHEN, "2025-11-20"), (BO, "2025-12-01"), (DAI, "2026-03-31")):
            connection.execute(
                sa.text("update features.customer_orders set first_order_at = :when where customer_key = :who"),
                {"when": at(when), "who": who},
            )
    insert(
        company.warehouse,
        "campaigns.holdout",
        {"play": "welcome", "period_key": "once", "customer_key": CHEN, "assigned_on": date(2026, 3, 31)},
    )
    return company


def test_cohorts_by_hand(bought: Run) -> None:
    measure(bought)
    assert cohort(bought, NOVEMBER, NOVEMBER) == (0, 2, 2, 2, 17_000)
    assert cohort(bought, NOVEMBER, MARCH) == (4, 2, 1, 1, 30_000), "Ana came back, Chen did not"
    assert cohort(bought, NOVEMBER, DECEMBER) == (1, 2, 0, 0, 0), "a month without orders is a number"
    # Bo's order of March was cancelled in March: one order paid, none left.
    assert cohort(bought, DECEMBER, MARCH) == (3, 1, 1, 0, 0)
    assert cohort(bought, MARCH, MARCH) == (0, 1, 1, 1, 10_000), "tomorrow's order is not March's"


def test_the_funnel_by_hand(bought: Run) -> None:
    """Ana and Bo were handed out on 31 March, both were sent and reached, Ana clicked; Ana bought that day, Chen was held back."""
    measure(bought)
    with bought.warehouse.connect() as connection:
        row = connection.execute(sa.text("select * from bi.funnel_value where play = 'welcome' and month = '2026-03-01'")).one()
    counts = (row.held_back, row.handed_out, row.sent, row.delivered, row.opened, row.clicked, row.converted, row.bought)
    assert counts == (1, 2, 2, 2, 1, 1, 0, 1), "a click without an opening was opened all the same"
    assert (row.cost_minor, row.unsubscribed) == (12, 0)


def test_small_cells_are_hidden_and_larger_ones_shown(bought: Run) -> None:
    measure(bought)
    with bought.warehouse.begin() as connection:
        hidden = connection.execute(sa.text("select count(*), count(active_customers), count(retention) from bi.cohort")).one()
        assert hidden[0] > 0
        assert hidden[1:] == (0, 0), "two customers are nobody's business"
        assert connection.execute(sa.text("select count(handed_out) from bi.funnel")).scalar_one() == 0
        connection.execute(sa.text("update bi.setting set value = '2' where name = 'suppressed_group_size'"))
        assert connection.execute(
            sa.text("select active_customers, retention from bi.cohort where cohort_month = :first and months_since = 0"),
            {"first": NOVEMBER},
        ).one() == (2, 1.0)
        assert connection.execute(sa.text("select handed_out, bought from bi.funnel")).one() == (2, None), "one buyer is hidden"


def test_the_past_is_told_whole_at_first_and_on_the_first_of_a_month(make_run: Callable[..., Run], bought: Run) -> None:
    assert months_of(bought, "bi.cohort_value")["months_from"] == date(2023, 3, 1), "nothing came before"
    measure(bought)
    next_day = make_run(business_date=DAY)
    assert months_of(next_day, "bi.cohort_value")["months_from"] == MARCH, "the month it closes and the one before"
    first_of_may = make_run(business_date=date(2026, 4, 30))
    assert months_of(first_of_may, "bi.cohort_value")["months_from"] == date(2023, 4, 1)


def test_an_order_that_arrives_late_restates_its_month(make_run: Callable[..., Run], bought: Run) -> None:
    measure(bought)
    entry(bought.warehouse, CHEN, 77, "paid", "2026-03-05 12:00", 1, 4_000, order_number=2, days_since_previous_order=105)
    insert(
        bought.warehouse, "features.customer_orders",
        {"as_of_date": date(2026, 4, 2), "customer_key": CHEN, "first_order_at": at("2025-11-20"), "last_order_at": at("2026-03-05")},
    )  # fmt: skip
    insert(
        bought.warehouse,
        "segments.tier",
        {"as_of_date": date(2026, 4, 2), "customer_key": CHEN, "service_tier": "ordinary", "service_tier_zh": "普通"},
    )
    measure(make_run(business_date=DAY))
    with bought.warehouse.connect() as connection:
        newest = connection.execute(
            sa.text(
                "select distinct on (month) as_of_date, active_customers from bi.cohort_value "
                "where cohort_month = :first and month = :month order by month, as_of_date desc"
            ),
            {"first": NOVEMBER, "month": MARCH},
        ).one()
    assert newest == (date(2026, 4, 2), 1), "as known then stays under its date; the newest says what is known now"
