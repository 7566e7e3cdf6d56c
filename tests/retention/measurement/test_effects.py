"""Effects of plays against their control groups, checked with SciPy and on a play that does nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from scipy import stats

from retention.measurement import measure
from retention.warehouse import Run, Warehouse
from tests.retention.measurement.conftest import DAY, at, entry
from tests.retention.privacy.conftest import insert

STARTED = date(2026, 3, 10)


def pushed(warehouse: Warehouse, day: date = STARTED) -> None:
    insert(warehouse, "campaigns.push_receipt", {"sync_id": day.toordinal(), "business_date": day - timedelta(days=1)})


def arm(warehouse: Warehouse, play: str, first: int, amounts: Sequence[int], treated: bool, started: date = STARTED) -> None:
    for offset, amount in enumerate(amounts):
        who = first + offset
        if treated:
            insert(
                warehouse,
                "campaigns.delivery",
                {"send_key": f"{play}|{who}", "play": play, "period_key": "once", "customer_key": who, "as_of_date": started},
            )
        else:
            insert(
                warehouse,
                "campaigns.holdout",
                {"play": play, "period_key": "once", "customer_key": who, "assigned_on": started},
            )
        if amount:
            entry(warehouse, who, who, "paid", "2026-03-20 12:00", 1, amount, order_number=1)


def effect(run: Run, play: str, outcome: str, tier: str = "all") -> sa.Row[tuple[object, ...]]:
    with run.warehouse.connect() as connection:
        return connection.execute(
            sa.text(
                "select * from bi.play_effect where as_of_date = :day and play = :play and outcome = :outcome "
                "and service_tier = :tier"
            ),
            {"day": DAY, "play": play, "outcome": outcome, "tier": tier},
        ).one()


@pytest.fixture
def measured(make_run: Callable[..., Run]) -> Run:
    """A run over a warehouse with the one customer that measuring needs."""
    run = make_run()
    insert(
        run.warehouse, "segments.tier", {"as_of_date": DAY, "customer_key": 1, "service_tier": "vip", "service_tier_zh": "vip"}
    )
    pushed(run.warehouse)
    return run


def test_difference_is_that_of_scipy_and_the_interval_close_to_it(measured: Run) -> None:
    rng = np.random.default_rng(7)
    treated = [int(v) for v in np.where(rng.random(60) < 0.95, rng.integers(5_000, 9_000, 60), 0)]
    control = [int(v) for v in np.where(rng.random(40) < 0.1, rng.integers(4_000, 8_000, 40), 0)]
    arm(measured.warehouse, "rescue", 1_000, treated, treated=True)
    arm(measured.warehouse, "rescue", 2_000, control, treated=False)
    measure(measured)
    found = effect(measured, "rescue", "net_revenue_minor")
    error = np.sqrt(np.var(treated, ddof=1) / 60 + np.var(control, ddof=1) / 40)
    difference = float(np.mean(treated) - np.mean(control))
    assert (found.treated_customers, found.control_customers) == (60, 40)
    assert found.difference == pytest.approx(difference)
    half = stats.norm.ppf(0.975) * error
    assert (found.lower_95, found.upper_95) == pytest.approx((difference - half, difference + half), abs=0.1 * half)
    assert found.lower_any_95 < found.lower_95 < found.difference < found.upper_95 < found.upper_any_95
    assert (found.verdict, found.unadjusted) == ("positive", found.difference), (
        "nothing was known before: nothing to adjust for"
    )
    bought = effect(measured, "rescue", "bought")
    assert bought.treated_mean == pytest.approx(np.mean([v > 0 for v in treated]))


def test_what_was_spent_before_is_taken_out(measured: Run) -> None:
    """The draw put the great spenders into the treated group; the play itself adds ten to everybody."""
    rng = np.random.default_rng(11)
    for first, size, mean, treated in ((1_000, 60, 9_000, True), (2_000, 50, 7_000, False)):
        before = [int(amount) for amount in rng.normal(mean, 2_000, size)]
        after = [amount + int(noise) + 1_000 * treated for amount, noise in zip(before, rng.normal(0, 300, size), strict=True)]
        arm(measured.warehouse, "growth", first, after, treated=treated)
        for offset, amount in enumerate(before):
            entry(measured.warehouse, first + offset, 10_000 + first + offset, "paid", "2026-01-15 12:00", 1, amount)
    measure(measured)
    found = effect(measured, "growth", "net_revenue_minor")
    assert found.unadjusted == pytest.approx(3_000, abs=600)
    assert found.difference == pytest.approx(1_000, abs=200)
    assert found.variance_left < 0.1


def test_effects_by_the_tier_held_when_it_began(measured: Run) -> None:
    """VIPs gain; a move to another tier afterwards takes nobody along."""
    for first, tier, amount in ((1_000, "vip", 500), (3_000, "ordinary", 0)):
        arm(measured.warehouse, "care", first, [amount, amount + 10] * 20, treated=True)
        arm(measured.warehouse, "care", first + 1_000, [0, 10] * 20, treated=False)
        for who in [*range(first, first + 40), *range(first + 1_000, first + 1_040)]:
            for day, to in ((date(2026, 1, 1), tier), (date(2026, 3, 20), "marginal")):
                insert(measured.warehouse, "segments.tier_move", {"customer_key": who, "as_of_date": day, "to_tier": to})
    measure(measured)
    vip, ordinary = (effect(measured, "care", "net_revenue_minor", tier) for tier in ("vip", "ordinary"))
    assert (vip.difference, vip.treated_customers, vip.verdict) == (pytest.approx(500), 40, "positive")
    assert (ordinary.difference, ordinary.verdict) == (pytest.approx(0), "no_effect_seen")
    assert effect(measured, "care", "net_revenue_minor").difference == pytest.approx(250)
    assert ordinary.detectable > 0, "how small an effect would have been seen"


def test_a_play_that_does_nothing_shows_no_effect(measured: Run) -> None:
    arm(measured.warehouse, "nothing", 1_000, [100, 0] * 20, treated=True)
    arm(measured.warehouse, "nothing", 2_000, [100, 0] * 20, treated=False)
    measure(measured)
    found = effect(measured, "nothing", "net_revenue_minor")
    assert (found.difference, found.verdict) == (0, "no_effect_seen")


def test_few_people_get_no_interval(measured: Run) -> None:
    arm(measured.warehouse, "small", 1_000, [100] * 29 + [0], treated=True)
    arm(measured.warehouse, "small", 2_000, [0] * 29, treated=False)
    measure(measured)
    found = effect(measured, "small", "bought")
    assert (found.verdict, found.lower_95) == ("too_few", None)
    assert found.difference == pytest.approx(29 / 30)


def test_control_of_days_never_pushed_is_left_out(measured: Run) -> None:
    arm(measured.warehouse, "rescue", 1_000, [100] * 40, treated=True)
    arm(measured.warehouse, "rescue", 2_000, [0] * 40, treated=False)
    arm(measured.warehouse, "rescue", 3_000, [100] * 40, treated=False, started=STARTED - timedelta(days=3))  # a backfill
    measure(measured)
    assert effect(measured, "rescue", "bought").control_customers == 40


def test_who_was_contacted_under_another_record_is_no_control(measured: Run) -> None:
    """Record 2000 was held back, record 1000 contacted: they turned out to be one person."""
    arm(measured.warehouse, "rescue", 1_000, [100] * 40, treated=True)
    arm(measured.warehouse, "rescue", 2_000, [0] * 40, treated=False)
    insert(measured.warehouse, "core.customer_alias", {"source_customer_key": 2_000, "customer_key": 1_000})
    measure(measured)
    found = effect(measured, "rescue", "bought")
    assert (found.treated_customers, found.control_customers) == (40, 39)


def test_orders_outside_the_window_do_not_count(measured: Run) -> None:
    old = date(2026, 2, 1)
    pushed(measured.warehouse, old)
    arm(measured.warehouse, "rescue", 1_000, [100], treated=True, started=old)  # bought 47 days after
    arm(measured.warehouse, "rescue", 2_000, [0], treated=False, started=old)
    entry(measured.warehouse, 2_000, 9, "paid", "2026-02-28 12:00", 1, 50, order_number=1)  # 27 days after
    measure(measured)
    found = effect(measured, "rescue", "net_revenue_minor")
    assert (found.treated_mean, found.control_mean) == (0, 50)
    assert at("2026-02-28 12:00") < at("2026-03-01 00:00")


def test_audiences_are_counted_as_the_tools_see_them(make_run: Callable[..., Run], measured: Run, marketing: Warehouse) -> None:
    run = make_run(marketing=marketing)
    with marketing.begin() as connection:
        sync = connection.execute(
            sa.text(
                "insert into marketing.audience_sync (stream, business_date, as_of_date, token, state, rows_total, rows_added, "
                "rows_updated, rows_removed, rows_refused, tasks_added, tasks_withdrawn, checksum, environment, run_id) "
                "values ('audience', '2026-03-30', '2026-03-31', 1, 'committed', 2, 2, 0, 1, 0, 0, 0, 'x', 'test', 'r') "
                "returning sync_id"
            )
        ).scalar_one()
    for who in (1, 2):
        row = {"campaign": "welcome", "customer_key": who, "kind": "promotional", "channel": "email"}
        insert(marketing, "marketing.campaign_audience", {**row, "valid_until": at("2030-01-01 00:00")})
        insert(marketing, "marketing.audience_change", {**row, "change": "added", "sync_id": sync})
    insert(marketing, "marketing.audience_change", {"campaign": "rescue", "change": "removed", "sync_id": sync})
    measure(run)
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text("select play, members, sendable_members, added, removed, days_behind from bi.audience order by play")
        ).all()
    assert [tuple(row) for row in rows] == [("rescue", 0, 0, 0, 1, 1), ("welcome", 2, 0, 2, 0, 1)], (
        "nobody has consented, so nobody is sendable"
    )
