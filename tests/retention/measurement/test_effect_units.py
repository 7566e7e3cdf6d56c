"""Units of effects go on from day to day and are, to the last digit, those of a computation of everybody."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from retention.measurement.effects import units_as_of
from retention.warehouse import Run, Warehouse
from tests.retention.measurement.conftest import at, entry
from tests.retention.privacy.conftest import insert

FIRST = date(2026, 3, 1)
PEOPLE = 12


def told(run: Run) -> dict[str, list[Any]]:
    """Units and sums as they are kept."""
    with run.warehouse.connect() as connection:
        return {
            table: sorted(map(tuple, connection.execute(sa.text(f"select * from campaigns.{table}")).all()), key=str)
            for table in ("effect_unit", "effect_sum", "effect_spend")
        }


def kept(run: Run) -> str:
    """Bring the units to the run's date and say how."""
    with units_as_of(run) as units:
        return units.kind


def known(who: int) -> dict[str, Any]:
    since = at("2025-01-01 00:00")
    return {"customer_key": who, "valid_from": since, "valid_to": None, "member_since": since}


def forgotten(run: Run) -> None:
    """Forget up to where units were worked out: the next computation is of everybody."""
    with run.warehouse.begin() as connection:
        connection.execute(sa.text("delete from ops.effect_build"))


def hand_out(warehouse: Warehouse, who: int, day: date, *, control: bool, play: str = "rescue") -> None:
    unit = {"play": play, "period_key": "once", "customer_key": who}
    if control:
        insert(warehouse, "campaigns.holdout", {**unit, "assigned_on": day})
    else:
        more = {"kind": "promotional", "sync_id": day.toordinal(), "cost_minor": 5, "service_tier": "vip"}
        insert(warehouse, "campaigns.delivery", {**unit, **more, "send_key": f"{play}|{who}", "as_of_date": day})


@pytest.fixture
def company(make_run: Callable[..., Run]) -> Run:
    """Twelve people with an order each, of whom two have been handed out and one is in the universal group since 1 March."""
    run = make_run(business_date=FIRST)
    for who in range(1, PEOPLE + 1):
        insert(run.warehouse, "core.customer", known(who))
        insert(run.warehouse, "core.customer_alias", {"source_customer_key": who, "customer_key": who})
        entry(run.warehouse, who, who, "paid", "2025-12-15 12:00", 1, 1_000 * who, order_number=1)
        insert(
            run.warehouse,
            "segments.tier_move",
            {"customer_key": who, "as_of_date": date(2025, 1, 1), "to_tier": "vip" if who % 2 else "ordinary"},
        )
    insert(run.warehouse, "campaigns.push_receipt", {"sync_id": FIRST.toordinal(), "business_date": FIRST - timedelta(days=1)})
    insert(run.warehouse, "campaigns.holdout", {"play": "*", "period_key": "2026", "customer_key": 7, "assigned_on": FIRST})
    insert(run.warehouse, "scores.clv", {"as_of_date": FIRST, "customer_key": 1, "clv_12m_minor": 70_000})
    hand_out(run.warehouse, 1, FIRST, control=False)
    hand_out(run.warehouse, 2, FIRST, control=True)
    return run


def test_a_day_goes_on_from_the_day_before(company: Run, make_run: Callable[..., Run]) -> None:
    """An order, a late order, a deleted one, a new hand-out, a merge: what was kept is what everybody anew would give."""
    assert kept(company) == "full"
    warehouse = company.warehouse
    entry(warehouse, 1, 101, "paid", "2026-03-02 10:00", 1, 5_000, order_number=2)
    entry(warehouse, 2, 102, "paid", "2026-03-01 09:00", 1, 3_000, order_number=2)  # late
    with warehouse.begin() as connection:
        connection.execute(
            sa.text("update core.order_entry set deleted_at = :when where order_key = 3"), {"when": at("2026-03-02 08:00")}
        )
    day = FIRST + timedelta(days=1)
    insert(warehouse, "campaigns.push_receipt", {"sync_id": day.toordinal(), "business_date": day - timedelta(days=1)})
    hand_out(warehouse, 3, day, control=False)
    hand_out(warehouse, 4, day, control=True)
    with warehouse.begin() as connection:  # 8 is found to be the person 7, who is in the universal group
        connection.execute(
            sa.text("update core.customer_alias set customer_key = 7, linked_at = now() where source_customer_key = 8")
        )
        connection.execute(sa.text("update core.order_entry set customer_key = 7 where customer_key = 8"))
        connection.execute(sa.text("delete from core.customer where customer_key = 8"))
    with warehouse.begin() as connection:  # the slice of the day is dropped: what was known stays known
        connection.execute(sa.text("delete from scores.clv"))
    run = make_run(business_date=day)
    assert kept(run) == "touched"
    found = told(run)
    ana = next(unit for unit in found["effect_unit"] if unit[:2] == (1, "rescue"))
    assert ana == (1, "rescue", "once", FIRST, True, "vip", 1_000, 70_000, 5_000, True)
    assert not [unit for unit in found["effect_unit"] if unit[0] == 8]
    forgotten(run)
    assert kept(run) == "full"
    assert told(run) == found


def test_a_past_date_is_computed_beside_and_replaces_nothing(company: Run, make_run: Callable[..., Run]) -> None:
    later = make_run(business_date=FIRST + timedelta(days=3))
    entry(company.warehouse, 1, 101, "paid", "2026-03-03 10:00", 1, 5_000, order_number=2)
    kept(later)
    before = told(later)
    with units_as_of(company) as units:
        assert units.unit_table != "campaigns.effect_unit"
        with company.warehouse.connect() as connection:
            net = connection.execute(
                sa.text(f"select net_minor from {units.unit_table} where customer_key = 1 and play = 'rescue'")
            ).scalar_one()
    assert net == 0, "the order came after that date"
    assert told(later) == before


def test_a_change_that_nobody_logged_is_what_the_log_is_for(company: Run, make_run: Callable[..., Run]) -> None:
    kept(company)
    with company.warehouse.begin() as connection:
        connection.exec_driver_sql("alter table core.order_entry disable trigger user")
        connection.exec_driver_sql("update core.order_entry set net_minor = 99 where order_key = 1")
        connection.exec_driver_sql("alter table core.order_entry enable trigger user")
    run = make_run(business_date=FIRST + timedelta(days=1))
    kept(run)
    found = told(run)
    forgotten(run)
    kept(run)
    assert told(run) != found


@pytest.mark.parametrize("seed", range(2))
def test_random_days_end_where_a_computation_of_everybody_does(company: Run, make_run: Callable[..., Run], seed: int) -> None:
    rng = random.Random(seed)
    kept(company)
    handed, order = {1, 2}, 1_000
    day = FIRST
    for step in range(1, 6):
        day += timedelta(days=rng.choice((1, 1, 9)))
        insert(
            company.warehouse,
            "campaigns.push_receipt",
            {"sync_id": 10**7 * (seed + 1) + step, "business_date": day - timedelta(days=1)},
        )
        for _ in range(3):
            who = rng.randint(1, PEOPLE)
            when = day - timedelta(days=rng.choice((0, 1, 2, 40)))
            order += 1
            entry(company.warehouse, who, order, "paid", f"{when} 12:00", 1, rng.randint(1, 9_999), order_number=2)
        with company.warehouse.begin() as connection:
            connection.execute(
                sa.text("update core.order_entry set net_minor = net_minor - 1 where order_key = :key"),
                {"key": rng.randint(1, PEOPLE)},
            )
        left = [who for who in range(1, PEOPLE + 1) if who not in handed]
        if left:
            who = rng.choice(left)
            handed.add(who)
            hand_out(company.warehouse, who, day, control=rng.random() < 0.5)
        run = make_run(business_date=day)
        kept(run)
    found = told(run)
    forgotten(run)
    kept(run)
    assert told(run) == found
