"""All promotion together against the universal control group: recovered where it is known, net of what was spent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from retention.measurement import measure
from retention.measurement.effects import always_valid_half_width, mixture_variance
from retention.measurement.programme import MOVING_ALPHA, windows_of
from retention.warehouse import Run
from tests.retention.measurement.conftest import DAY, at
from tests.retention.privacy.conftest import insert

FIRST = date(2026, 2, 1)
GAIN = 4_000
PEOPLE = 400


@pytest.fixture
def year(make_run: Callable[..., Run]) -> Run:
    """From 1 February on 300 may get promotions and 100 not; those who may spend 40.00 more in March, as known of all before."""
    run = make_run()
    rng = np.random.default_rng(4)
    before = rng.integers(1_000, 90_000, PEOPLE)
    insert(run.warehouse, "campaigns.push_receipt", {"sync_id": 1, "business_date": FIRST - timedelta(days=1)})
    insert(
        run.warehouse, "segments.tier", {"as_of_date": DAY, "customer_key": 1, "service_tier": "vip", "service_tier_zh": "v"}
    )
    insert(
        run.warehouse,
        "campaigns.delivery",
        {
            "send_key": "w|1", "play": "welcome", "period_key": "once", "customer_key": 1, "kind": "promotional", "cost_minor": 500,
            "expected_cost_minor": 2_500.0, "as_of_date": date(2026, 3, 5), "service_tier": "vip", "sync_id": 1,
        },
    )  # fmt: skip
    people, entries, holdouts = [], [], []
    for who in range(1, PEOPLE + 1):
        is_control = who % 4 == 0
        people.append({"who": who, "valid_from": at("2025-01-01 00:00"), "is_test": who == PEOPLE})
        if is_control:
            holdouts.append({"who": who, "day": FIRST})
        amount = int(before[who - 1])
        entries.append({"who": who, "order": who, "when": at("2025-06-15 12:00"), "net": amount})
        # An order of January is before the comparison began, in the year all the same.
        entries.append({"who": who, "order": 10_000 + who, "when": at("2026-01-15 12:00"), "net": 50_000})
        after = amount // 4 + int(rng.normal(0, 500)) + GAIN * (not is_control)
        entries.append({"who": who, "order": 20_000 + who, "when": at("2026-03-10 12:00"), "net": after})
    with run.warehouse.begin() as connection:
        for statement, rows in (
            (
                "insert into core.customer (customer_key, valid_from, customer_kind, member_since, is_test, is_staff, source, "
                "batch_id, is_simulated) values (:who, :valid_from, 'consumer', :valid_from, :is_test, false, 's', 1, false)",
                people,
            ),
            (
                "insert into campaigns.holdout (play, period_key, customer_key, bucket, share, assigned_on) "
                "values ('*', '2026', :who, 0.01, 0.25, :day)",
                holdouts,
            ),
            (
                "insert into core.order_entry (customer_key, order_key, kind, sequence, happened_at, order_count, gross_minor, "
                "discount_minor, net_minor, source, batch_id, is_simulated) "
                "values (:who, :order, 'paid', 1, :when, 1, :net, 0, :net, 's', 1, false)",
                entries,
            ),
            (
                "insert into segments.tier_move (customer_key, as_of_date, to_tier, value_class, reason, tier_probability) "
                "values (:who, '2025-01-02', case when :who <= 200 then 'vip' else 'ordinary' end, 'x', 'x', 1)",
                people,
            ),
        ):
            connection.execute(sa.text(statement), rows)
    return run


def test_what_promotion_brought_is_recovered_and_what_it_cost_taken_off(year: Run) -> None:
    measure(year)
    with year.warehouse.connect() as connection:
        rows = connection.execute(sa.text("select * from bi.programme_effect order by play_window, service_tier")).all()
        shown = connection.execute(sa.text("select distinct verdict, sentence_en, sentence_zh from bi.programme")).all()
    found = {(row.play_window, row.service_tier): row for row in rows}
    assert set(found) == {
        (window, tier) for window in ("year", "quarter", "last_90_days") for tier in ("all", "vip", "ordinary")
    }
    whole = found["year", "all"]
    assert (whole.treated_customers, whole.control_customers) == (300, 99), "the test account is nobody"
    assert (whole.window_start, whole.window_days) == (FIRST, 59)
    assert whole.difference == pytest.approx(GAIN, abs=250)
    assert whole.control_mean < 50_000, "January's order came before the comparison began"
    assert whole.lower_any_95 < whole.lower_95 < GAIN < whole.upper_95 < whole.upper_any_95
    assert whole.variance_left < 0.05, "what was spent before explains nearly all"
    assert whole.revenue_minor == pytest.approx(whole.difference * 300)
    assert whole.margin_minor == pytest.approx(0.35 * whole.revenue_minor)
    assert whole.net_minor == pytest.approx(whole.margin_minor - 500)
    assert whole.return_on_spend == pytest.approx((whole.margin_minor + 2_000) / 2_500)
    assert found["quarter", "all"].difference == pytest.approx(whole.difference), "the quarter began before the comparison did"
    assert found["year", "vip"].touch_minor == 500
    assert found["year", "ordinary"].touch_minor == 0
    assert found["year", "vip"].difference == pytest.approx(GAIN, abs=400)
    assert {row.verdict for row in shown} == {"pays"}


def test_windows_begin_no_earlier_than_the_comparison() -> None:
    year, quarter, moving = windows_of(date(2026, 5, 20), date(2026, 1, 5))
    assert (year.start, year.days) == (date(2026, 1, 5), 136)
    assert (quarter.start, quarter.days) == (date(2026, 4, 1), 50)
    assert (moving.start, moving.days) == (date(2026, 2, 20), 90)


def test_before_the_group_was_pushed_around_nothing_is_said(make_run: Callable[..., Run]) -> None:
    run = make_run()
    insert(
        run.warehouse, "segments.tier", {"as_of_date": DAY, "customer_key": 1, "service_tier": "vip", "service_tier_zh": "v"}
    )
    assert measure(run)["bi.programme_effect"] == 0


@pytest.mark.parametrize(("days", "moves", "alpha"), [(365, False, 0.05), (91, False, 0.05), (90, True, MOVING_ALPHA)])
def test_looked_at_daily_for_a_year_a_window_rarely_alarms_without_cause(days: int, moves: bool, alpha: float) -> None:
    """Differences of a day are noise of variance 1: the sum over the window leaves the interval in at most one year of twenty."""
    sums = np.random.default_rng(2).normal(size=(1_000, 455)).cumsum(axis=1)
    looks = sums[:, days:] - sums[:, :-days] if moves else sums[:, :days]
    grown = np.full(looks.shape[1], float(days)) if moves else np.arange(1.0, days + 1)
    per_day = mixture_variance(1 / days, alpha)
    widths = [always_valid_half_width(variance, per_day * variance**2, alpha) for variance in grown]
    assert float((np.abs(looks) > widths).any(axis=1).mean()) <= 0.05
    if moves:
        narrow = always_valid_half_width(float(days), mixture_variance(1 / days) * days**2)
        assert float((np.abs(looks) > narrow).any(axis=1).mean()) > 0.05, "what the smaller chance is for"
