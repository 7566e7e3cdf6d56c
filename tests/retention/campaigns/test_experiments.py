"""Control groups before and after: what they can show, whether they are in balance, who of them was contacted all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from scipy import stats

from retention.campaigns.experiments import (
    design,
    detectable_difference,
    fill_control_checks,
    needed_customers,
    read_design,
    sample_ratio,
    sentence,
)
from retention.campaigns.plays import load_plays
from retention.campaigns.valuing import Valuation
from retention.measurement.effects import units_as_of
from retention.settings import Settings
from retention.warehouse import Run, stage_writer
from tests.retention.measurement.conftest import DAY, SHANGHAI, entry
from tests.retention.privacy.conftest import insert

STARTED = date(2026, 3, 10)


def valuation() -> Valuation:
    return Valuation(Settings(), margin_of_revenue=0.5)


# Before ---------------------------------------------------------------------------------------------------------------------


def test_what_can_be_detected_is_seen_in_four_of_five_trials() -> None:
    """Two thousand trials with a true difference as large as the smallest detectable one."""
    rng = np.random.default_rng(5)
    customers, share, deviation = 2_000, 0.2, 100.0
    effect = detectable_difference(customers, share, deviation)
    assert effect is not None
    held_back = int(customers * share)
    treated = rng.normal(effect, deviation, (2_000, customers - held_back))
    control = rng.normal(0, deviation, (2_000, held_back))
    error = np.sqrt(treated.var(1, ddof=1) / treated.shape[1] + control.var(1, ddof=1) / held_back)
    seen = (np.abs(treated.mean(1) - control.mean(1)) > stats.norm.ppf(0.975) * error).mean()
    assert seen == pytest.approx(0.8, abs=0.03)


def test_needed_customers_are_those_that_detect_it() -> None:
    needed = needed_customers(15.0, 0.1, 200.0)
    assert needed is not None
    assert detectable_difference(needed, 0.1, 200.0) <= 15.0 < detectable_difference(needed - 1, 0.1, 200.0)  # type: ignore[operator]
    # What was known before explains three quarters of the variance: a quarter of the people suffices.
    assert needed_customers(15.0, 0.1, 200.0, variance_left=0.25) == pytest.approx(needed / 4, rel=0.001)


def test_days_to_decision() -> None:
    """1,000 on the first day and 50 a day after: what needs 1,500 people is known ten days later, when their outcomes are."""
    needed = needed_customers(20.0, 0.1, 100.0)
    assert needed is not None
    found = design(1_000, 50.0, 0.1, 100.0, 20.0, outcome_days=28)
    assert found.needed_customers == needed == 2181
    assert found.days_to_decision == 24 + 28  # (2,181 - 1,000) / 50, and the outcome of the last
    assert design(5_000, 0.0, 0.1, 100.0, 20.0, outcome_days=28).days_to_decision == 28
    assert design(1_000, 0.0, 0.1, 100.0, 20.0, outcome_days=28).days_to_decision is None  # never: nobody comes any more
    nothing_expected = design(1_000, 50.0, 0.1, 100.0, None, outcome_days=28)
    assert (nothing_expected.needed_customers, nothing_expected.days_to_decision) == (None, None)
    assert nothing_expected.detectable_at_start_minor == detectable_difference(1_000, 0.1, 100.0)


@pytest.mark.parametrize("share", [0.0, 1.0], ids=["nobody held back", "nobody contacted"])
def test_without_two_groups_nothing_is_detected(share: float) -> None:
    assert detectable_difference(1_000, share, 100.0) is None
    assert needed_customers(10.0, share, 100.0) is None


def test_a_planned_day_tells_what_will_be_seen(measured: Run) -> None:
    """Half of forty beginners spent 100.00 in the four weeks before: they differ by 50.00; 4.00 of margin are stated."""
    (win_back,) = (play for play in load_plays() if play.name == "win_back")
    assert read_design(measured, win_back, valuation()) is None  # nobody begins
    for key in range(1, 41):
        insert(measured.warehouse, "campaigns.decision", {
            "as_of_date": DAY, "joined_on": DAY, "play": "win_back", "customer_key": key, "state": "selected", "evidence": "stated",
            "expected_value_minor": 400.0, "expected_cost_minor": 105.0, "cost_minor": 5,
        })  # fmt: skip
        if key <= 20:
            entry(measured.warehouse, key, key, "paid", "2026-03-20 12:00", 1, 10_000)
    found = read_design(measured, win_back, valuation())
    assert found is not None
    assert found.deviation_minor == pytest.approx(5_000 * (40 / 39) ** 0.5)
    assert found.expected_minor == pytest.approx(400 / 0.5 - 100)
    assert found.customers_per_day == pytest.approx(40 / 30)
    assert found.needed_customers == needed_customers(700.0, 0.1, found.deviation_minor)
    assert sentence(found, "en").startswith("The 40 of the first day show a difference of ")
    assert f"decided after {found.days_to_decision:,} days." in sentence(found, "en")
    assert f"约 {found.days_to_decision:,} 天后可下结论" in sentence(found, "zh")
    assert sentence(None, "en").startswith("Its effect cannot be measured")


# After ----------------------------------------------------------------------------------------------------------------------


def test_sample_ratio_is_the_chi_square_of_scipy() -> None:
    found = sample_ratio([880], [120], [0.1])
    expected = stats.chisquare([880, 120], [900, 100])
    assert found.chi_square == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.verdict == "balanced"
    assert sample_ratio([850], [150], [0.1]).verdict == "imbalanced"
    assert sample_ratio([30], [9], [0.1]).verdict == "too_few"


def test_strata_of_different_shares_are_not_held_against_each_other() -> None:
    """A tenth of one tier and half of another: 600 of 2,000 is right, though neither a tenth nor a half."""
    assert sample_ratio([900, 500], [100, 500], [0.1, 0.5]).verdict == "balanced"
    assert sample_ratio([1_400], [600], [0.1]).verdict == "imbalanced"


def test_a_right_draw_is_hardly_ever_called_wrong() -> None:
    rng = np.random.default_rng(3)
    held_back = rng.binomial(5_000, 0.1, 3_000)
    alarms = sum(sample_ratio([5_000 - int(n)], [int(n)], [0.1]).verdict == "imbalanced" for n in held_back)
    assert alarms <= 9


@pytest.mark.parametrize(
    ("groups", "message"), [(([1], [1, 2], [0.1]), "1 treated, 2 control"), (([1], [1], [1.5]), "not between 0 and 1")]
)
def test_sample_ratio_refuses_nonsense(groups: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sample_ratio(*groups)


@pytest.fixture
def measured(make_run: Callable[..., Run]) -> Run:
    """Rescue, a tenth of it control, was pushed on the tenth of March; greeting is another promotion."""
    run = make_run()
    for play in ("rescue", "greeting"):
        insert(run.warehouse, "campaigns.play", {
            "play": play, "content_hash": play, "name_en": play.title(), "name_zh": play, "kind": "promotional", "holdout_share": 0.1,
        })  # fmt: skip
    insert(run.warehouse, "campaigns.push_receipt", {"sync_id": 1, "business_date": STARTED - timedelta(days=1)})
    return run


def handed_out(run: Run, play: str, people: range, on: date = STARTED, tier: str = "vip") -> None:
    do(
        run,
        "insert into campaigns.delivery (send_key, play, customer_key, kind, period_key, channel, is_capped, offer, offer_terms, "
        "content_key, service_tier, reasons_en, reasons_zh, cost_minor, as_of_date, valid_from, valid_until, sync_id, delivered_at) "
        "select :play || key, :play, key, 'promotional', '2026-03', 'email', true, '', '{}', '', :tier, '', '', 1, :day, now(), "
        "now(), 1, now() from generate_series(cast(:first as bigint), :last) as key",
        play=play, tier=tier, day=on, first=people.start, last=people.stop - 1,
    )  # fmt: skip


def held_back(run: Run, play: str, people: range, on: date = STARTED) -> None:
    do(
        run,
        "insert into campaigns.holdout (play, period_key, customer_key, bucket, share, assigned_on) "
        "select :play, '2026-03', key, 0, 0.1, :day from generate_series(cast(:first as bigint), :last) as key",
        play=play, day=on, first=people.start, last=people.stop - 1,
    )  # fmt: skip


def do(run: Run, statement: str, **binds: Any) -> None:
    with run.warehouse.begin() as connection:
        connection.execute(sa.text(statement), binds)


def checked(run: Run) -> tuple[dict[tuple[str, str], Any], dict[str, Any]]:
    """Rows of both checks by play (and tier)."""
    with stage_writer(run, "bi") as writer, units_as_of(run) as units:
        fill_control_checks(writer, run, units.unit_table)
        writer.publish()
    with run.warehouse.connect() as connection:
        balance = connection.execute(sa.text("select * from bi.control_balance where as_of_date = :day"), {"day": DAY}).all()
        contamination = connection.execute(
            sa.text("select * from bi.control_contamination where as_of_date = :day"), {"day": DAY}
        )
        return {(row.play, row.service_tier): row for row in balance}, {row.play: row for row in contamination}


def test_groups_in_balance_and_out_of_it(measured: Run) -> None:
    """Rescue held back a tenth. Greeting lost half of its control group on the way, as if somebody filtered one group only."""
    handed_out(measured, "rescue", range(1_000, 1_900))
    held_back(measured, "rescue", range(2_000, 2_100))
    handed_out(measured, "greeting", range(3_000, 3_900))
    held_back(measured, "greeting", range(4_000, 4_050))
    # A day that was planned and never pushed held nobody back.
    held_back(measured, "greeting", range(5_000, 5_050), on=STARTED - timedelta(days=3))
    balance, _ = checked(measured)
    rescue, greeting = balance["rescue", "all"], balance["greeting", "all"]
    assert (rescue.treated_customers, rescue.control_customers, rescue.verdict) == (900, 100, "balanced")
    assert (greeting.control_customers, greeting.verdict) == (50, "imbalanced")
    same = sample_ratio([900], [50], [0.1])
    assert (greeting.chi_square, greeting.p_value) == pytest.approx((same.chi_square, same.p_value))
    with measured.warehouse.connect() as connection:
        rows = connection.execute(sa.text("select label, advice_en from bi.control_health where service_tier = 'all'"))
        shown = {row.label: row.advice_en for row in rows}
    assert shown["Rescue"] == "The groups can be compared."
    assert shown["Greeting"].startswith("Do not trust the effect")


def test_a_threshold_fitted_for_a_tier_is_what_is_expected_there(measured: Run) -> None:
    """The tier's threshold is a fifth: a fifth is balance, a tenth would not be."""
    insert(measured.warehouse, "campaigns.control_draw", {
        "play": "rescue", "period_key": "2026-03", "service_tier": "vip", "share": 0.1, "threshold": 0.2, "fitted_on": STARTED,
    })  # fmt: skip
    handed_out(measured, "rescue", range(1_000, 1_800))
    held_back(measured, "rescue", range(2_000, 2_200))
    do(
        measured,
        "insert into segments.tier_move (customer_key, as_of_date, to_tier, value_class, reason, tier_probability) "
        "select key, cast(:day as date), 'vip', 'x', 'x', 1 from generate_series(1000, 2199) as key",
        day=STARTED - timedelta(days=9),
    )
    balance, _ = checked(measured)
    assert balance["rescue", "vip"].expected_control == pytest.approx(200)
    assert balance["rescue", "vip"].verdict == "balanced"


def test_contamination_names_who_was_contacted_all_the_same(measured: Run) -> None:
    """Of Rescue's hundred, one was handed out, a tool mailed two, one of them the same; ten got a greeting, which is as usual."""
    handed_out(measured, "rescue", range(1_000, 1_900))
    held_back(measured, "rescue", range(2_000, 2_100))
    handed_out(measured, "rescue", range(2_000, 2_001), on=STARTED + timedelta(days=2))
    handed_out(measured, "greeting", range(2_050, 2_060), on=STARTED + timedelta(days=5))
    for number, (key, campaign, kind, when) in enumerate(
        [
            (2_000, "rescue", "sent", "2026-03-12 10:00"),
            (2_001, "rescue", "delivered", "2026-03-12 10:00"),
            (2_002, "rescue", "bounced", "2026-03-12 10:00"),  # never arrived
            (2_003, "rescue", "sent", "2026-03-09 10:00"),  # before the draw
            (2_004, "other", "sent", "2026-03-12 10:00"),
        ]
    ):
        insert(measured.warehouse, "core.campaign_event", {
            "event_key": number, "customer_key": key, "campaign": campaign, "kind": kind,
            "happened_at": datetime.fromisoformat(when).replace(tzinfo=SHANGHAI),
        })  # fmt: skip
    _, contamination = checked(measured)
    found = contamination["rescue"]
    assert (found.control_customers, found.handed_out, found.contacted, found.contaminated) == (100, 1, 2, 2)
    assert (found.contaminated_share, found.verdict) == (0.02, "contaminated")
    assert found.otherwise_contacted == 10


def test_any_promotion_contaminates_the_universal_group(measured: Run) -> None:
    do(
        measured,
        "insert into campaigns.holdout (play, period_key, customer_key, bucket, share, assigned_on) "
        "select '*', '2026', key, 0, 0.05, :day from generate_series(7000, 7199) as key",
        day=STARTED,
    )
    handed_out(measured, "greeting", range(7_000, 7_001), on=STARTED + timedelta(days=1))
    _, contamination = checked(measured)
    found = contamination["*"]
    assert (found.control_customers, found.handed_out, found.otherwise_contacted, found.verdict) == (200, 1, 0, "traces")


def test_nobody_held_back_is_nothing_to_check(measured: Run) -> None:
    assert checked(measured) == ({}, {})
