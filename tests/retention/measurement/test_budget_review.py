"""Plays without effect lose budget, keep enough to go on being measured, and get it back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from retention.campaigns.allocation.factors import reduced, with_factors
from retention.campaigns.plays import Budget, load_plays
from retention.measurement import measure
from retention.measurement.budget_review import decided, judged
from retention.measurement.effects import Effect
from retention.settings import Settings
from retention.settings_campaigns import AllocationSettings
from retention.warehouse import Run
from tests.retention.measurement.conftest import DAY
from tests.retention.measurement.test_effects import arm, pushed
from tests.retention.privacy.conftest import insert

LIMITS = AllocationSettings()


def effect(lower: float | None, difference: float | None, upper: float | None, detectable: float | None = None) -> Effect:
    return Effect(
        500, 500, 0.0, 0.0, difference, difference, None, None, None, lower_any_95=lower, upper_any_95=upper,
        detectable=detectable, variance_left=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "code"),
    [
        pytest.param(None, "too_few", id="never measured"),
        pytest.param(effect(None, 50.0, None), "too_few", id="too few for an interval"),
        pytest.param(effect(-90.0, -50.0, -10.0), "harmful", id="harmful"),
        pytest.param(effect(-5.0, 2.0, 9.0), "does_not_pay", id="at best 3.15 of margin for a touch of 5"),
        pytest.param(
            effect(-40.0, 1.0, 42.0, detectable=50.0), "no_effect", id="17.5 of margin would have been seen, 20 stated"
        ),
        pytest.param(effect(-90.0, 1.0, 92.0, detectable=80.0), "not_known", id="28 would have been seen, 20 stated"),
        pytest.param(effect(10.0, 50.0, 90.0), "pays", id="pays"),
        pytest.param(effect(1.0, 10.0, 90.0), "not_known", id="an effect, of 3.5 for a touch of 5, and maybe more"),
    ],
)
def test_what_an_effect_says(found: Effect | None, code: str) -> None:
    assert judged(found, margin_share=0.35, cost_minor=5.0, aim_minor=20.0) == code


@pytest.mark.parametrize(
    ("code", "recent", "factor", "expected"),
    [
        pytest.param("no_effect", "too_few", 1.0, (0.5, "lowered_no_effect"), id="a step"),
        pytest.param("no_effect", "too_few", 0.25, (0.2, "lowered_no_effect"), id="to the floor and not below"),
        pytest.param("no_effect", "too_few", 0.2, None, id="at the floor nothing is left to lose"),
        pytest.param("harmful", "too_few", 1.0, (0.2, "lowered_harmful"), id="harm goes to the floor at once"),
        pytest.param("pays", "too_few", 0.5, (1.0, "raised_pays"), id="back"),
        pytest.param("no_effect", "pays", 0.25, (0.5, "raised_pays"), id="those contacted since the change show that it pays"),
        pytest.param("too_few", "too_few", 0.5, (1.0, "raised_evidence_gone"), id="old evidence counts no more"),
        pytest.param("not_known", "not_known", 0.5, None, id="not known"),
        pytest.param("pays", "pays", 1.0, None, id="has all of it"),
    ],
)
def test_what_becomes_of_a_budget(code: str, recent: str, factor: float, expected: tuple[float, str] | None) -> None:
    assert decided(code, recent, factor, LIMITS) == expected


def play_of(run: Run, name: str) -> None:
    insert(
        run.warehouse,
        "campaigns.play",
        {"play": name, "kind": "promotional", "holdout_share": 0.1, "name_en": name, "name_zh": name, "priority": 50},
    )


def changes(run: Run) -> list[sa.Row[Any]]:
    with run.warehouse.connect() as connection:
        return list(connection.execute(sa.text("select * from bi.budget_change order by decided_on, play")).all())


@pytest.fixture
def useless(make_run: Callable[..., Run]) -> Callable[..., Run]:
    """Welcome does nothing for 2,000 people, seen on the 1,000 held back; touches cost 3.00."""

    def make(**allocation: Any) -> Run:
        settings = dataclasses.replace(Settings(), allocation=dataclasses.replace(LIMITS, **allocation))
        run = make_run(settings=settings)
        insert(
            run.warehouse, "segments.tier", {"as_of_date": DAY, "customer_key": 1, "service_tier": "v", "service_tier_zh": "v"}
        )
        pushed(run.warehouse)
        play_of(run, "welcome")
        arm(run.warehouse, "welcome", 1_000, [100, 0] * 50, treated=True)
        arm(run.warehouse, "welcome", 2_000, [100, 0] * 50, treated=False)
        with run.warehouse.begin() as connection:
            connection.execute(sa.text("update campaigns.delivery set kind = 'promotional', cost_minor = 300"))
        return run

    return make


def test_a_play_without_effect_loses_budget_and_the_record_says_why(
    useless: Callable[..., Run], make_run: Callable[..., Run]
) -> None:
    run = useless()
    assert measure(run)["budgets_changed"] == 1
    (change,) = changes(run)
    assert (change.play, change.decided_on, change.old_factor, change.new_factor) == ("welcome", DAY, 1.0, 0.5)
    assert change.reason == "lowered_does_not_pay"
    assert "Lowered to 50%: it does not pay" in change.sentence_en
    assert "costs 3.00 CNY" in change.sentence_en
    assert "预算降至50%" in change.sentence_zh
    assert measure(run)["budgets_changed"] == 1, "the same day decides the same"
    assert len(changes(run)) == 1
    insert(
        run.warehouse,
        "segments.tier",
        {"as_of_date": date(2026, 4, 2), "customer_key": 1, "service_tier": "v", "service_tier_zh": "v"},
    )
    assert measure(make_run(business_date=DAY))["budgets_changed"] == 0, "at most once in four weeks"


def test_a_pinned_play_keeps_its_budget_on_record(useless: Callable[..., Run]) -> None:
    run = useless(budget_pinned=("welcome",))
    measure(run)
    (change,) = changes(run)
    assert (change.old_factor, change.new_factor, change.reason) == (1.0, 1.0, "pinned")
    assert "would go to 50%" in change.sentence_en


def test_the_allocation_of_later_days_has_what_is_left(useless: Callable[..., Run], make_run: Callable[..., Run]) -> None:
    run = useless()
    measure(run)
    plays = [play for play in load_plays() if play.name in ("welcome", "cross_sell")]
    found = {play.name: play for play in with_factors(run, plays)}
    assert found["welcome"].capacity_per_day == 2, "half of a hundred people in four weeks, by day"
    assert found["cross_sell"] == next(play for play in plays if play.name == "cross_sell")
    before = make_run(business_date=DAY - timedelta(days=2))
    assert with_factors(before, plays) == plays, "what is decided later does not hold on an earlier day"
    pinned = dataclasses.replace(
        run, settings=dataclasses.replace(Settings(), allocation=AllocationSettings(budget_pinned=("welcome",)))
    )
    assert with_factors(pinned, plays) == plays


def test_money_is_reduced_by_the_day_so_that_a_spent_month_does_not_stop_a_play() -> None:
    play = dataclasses.replace(load_plays()[0], budget=Budget(day=None, month=3_100.0))
    less = reduced(play, 0.5, 10.0, date(2026, 3, 20))
    assert less.budget == Budget(day=50.0, month=3_100.0)
    both = dataclasses.replace(play, budget=Budget(day=40.0, month=3_100.0))
    assert reduced(both, 0.5, 10.0, date(2026, 3, 20)).budget.day == 20.0
    free = dataclasses.replace(play, budget=Budget(), capacity_per_day=3)
    assert reduced(free, 0.5, 10.0, date(2026, 3, 20)).capacity_per_day == 3
    assert reduced(free, 0.2, 0.0, date(2026, 3, 20)).capacity_per_day == 1, "one a day goes on being measured"
