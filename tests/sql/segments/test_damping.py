"""Damping: tiers move by probability of belonging, at risk is let go only below its thresholds, tags go before, moves say why."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from retention.segments import assign
from retention.settings import LifecycleSettings, Settings, ValueSettings
from retention.warehouse import Run, read_frame
from tests.sql.features.company import KEYS, NAMES, WHO, Company
from tests.sql.segments.slices import publish_inputs, read_slice

AS_OF = date(2026, 4, 1)
# High is above 10 yuan, whoever else there is; below five purchasers all are general by RFM. So Ana, who has spent nothing in a
# year, is potential if her predicted value is high and marginal if it is not.
AMOUNTS = ValueSettings(current_value_cutoff=10, potential_value_cutoff=10)
UNDAMPED = ValueSettings(
    current_value_cutoff=10, potential_value_cutoff=10, tier_up_probability=0.5, tier_down_probability=0.5, tier_grace_days=0
)


def predicted(mean: int, lower: int = 0, upper: int | None = None, probability: float = 0.8) -> dict[str, Any]:
    """Ana with a predicted value and its interval."""
    return {
        "recency_days": 5,
        "count_orders_lifetime": 1,
        "clv_12m_minor": mean,
        "clv_12m_lower_minor": lower,
        "clv_12m_upper_minor": 2 * mean if upper is None else upper,
        "interval_probability": probability,
        "churn_probability": 0.1,
    }


class Days:
    """Runs days in which Ana alone is known."""

    def __init__(self, make_run: Callable[..., Run], settings: Settings) -> None:
        self.make_run, self.settings = make_run, settings

    def run(self, offset: int, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Run a day and return Ana's row of the tier."""
        day = AS_OF + timedelta(days=offset)
        run = self.make_run(day - timedelta(days=1), settings=self.settings)
        publish_inputs(run.warehouse, day, {"Ana": columns})
        assign(run)
        return read_slice(run.warehouse, "segments.tier", day)["Ana"]

    def ask(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        rows = read_frame(self.make_run().warehouse, sql)
        records: list[dict[str, Any]] = rows.astype(object).where(rows.notna(), None).to_dict("records")
        return records


@pytest.fixture
def days(make_run: Callable[..., Run]) -> Days:
    return Days(make_run, Settings(value=AMOUNTS))


def test_probability_passes_through_both_ends_of_the_interval(days: Days) -> None:
    by_rule_of_thumb = {"clv_12m_lower_minor": None, "interval_probability": None}
    cases: list[tuple[dict[str, Any], float]] = [
        (predicted(2000, lower=1000, upper=5000), 0.9),  # the cut-off at the lower end of 80 %: 90 % lie above
        (predicted(600, lower=200, upper=1000), 0.1),  # at the upper end: 10 % lie above
        (predicted(1000, lower=0, upper=5000), 0.5),  # the prediction at the cut-off
        (predicted(1500, lower=0, upper=9000, probability=0.9), 1 / (1 + 19 ** (-1 / 3))),  # in between
        (predicted(1500, lower=1500, upper=1500), 1.0),  # an interval without width
        (predicted(0, lower=0, upper=0, probability=1.0), 0.0),  # surely nothing
        ({**predicted(1000), **by_rule_of_thumb}, 0.5),
        ({**predicted(2000), **by_rule_of_thumb}, 0.9),  # taken to reach half its value either way in 80 %
        (predicted(10**12, lower=10**12 - 1), 1.0),  # too sure for a double
        ({}, 0.0),  # a prospect
    ]
    run = days.make_run(settings=days.settings)
    publish_inputs(run.warehouse, AS_OF, {who: columns for who, (columns, _) in zip(NAMES, cases, strict=False)})
    assign(run)

    rows = read_slice(run.warehouse, "segments.value_matrix", AS_OF)

    found = {who: row["potential_high_probability"] for who, row in rows.items()}
    assert found == {who: pytest.approx(expected, abs=1e-9) for who, (_, expected) in zip(NAMES, cases, strict=False)}
    assert {(row["current_cutoff_minor"], row["potential_cutoff_minor"]) for row in rows.values()} == {(1000, 1000)}


def test_up_only_when_probable_enough_and_then_at_once(days: Days) -> None:
    assert days.run(0, predicted(100))["service_tier"] == "marginal"

    unsure = days.run(1, predicted(1200))  # 1 / (1 + 9 ** (-200 / 1200)) = 0.590
    assert (unsure["service_tier"], unsure["computed_tier"]) == ("marginal", "potential")
    assert unsure["tier_probability"] == 1.0  # marginal is the least there is

    sure = days.run(2, predicted(1250))  # 1 / (1 + 9 ** (-250 / 1250)) = 0.608
    assert (sure["service_tier"], sure["tier_since"]) == ("potential", AS_OF + timedelta(days=2))
    assert sure["tier_probability"] == pytest.approx(1 / (1 + math.exp(-0.2 * math.log(9))))


def test_down_only_when_improbable_for_the_days_of_grace(days: Days) -> None:
    days.run(0, predicted(2000))

    doubtful = days.run(1, predicted(800, upper=2000))  # 1 / (1 + 9 ** (200 / 1200)) = 0.409
    assert (doubtful["service_tier"], doubtful["computed_tier"], doubtful["lower_since"]) == ("potential", "marginal", None)

    improbable = days.run(2, predicted(750, upper=2000))  # 1 / (1 + 9 ** (250 / 1250)) = 0.392
    assert (improbable["service_tier"], improbable["lower_since"]) == ("potential", date(2026, 4, 3))

    # The days of grace pass whether they are run or not.
    fallen = days.run(9, predicted(750, upper=2000))
    assert (fallen["service_tier"], fallen["previous_tier"], fallen["move_reason"]) == ("marginal", "potential", "value_class")


@pytest.mark.parametrize(("value", "flappers"), [pytest.param(AMOUNTS, 0, id="damped"), pytest.param(UNDAMPED, 1, id="not")])
def test_hovering_at_a_cut_off_flaps_only_without_damping(
    make_run: Callable[..., Run], value: ValueSettings, flappers: int
) -> None:
    days = Days(make_run, Settings(value=value))

    tiers = [days.run(day, predicted(1010 if day % 2 else 990))["service_tier"] for day in range(4)]

    assert len(set(tiers)) == 1 + flappers
    steady = days.ask("select * from segments.stability where dimension = 'tier' order by as_of_date")
    assert [(row["customers"], row["undamped_movers"]) for row in steady] == [(1, 1)] * 3
    assert [row["movers"] for row in steady] == [flappers] * 3
    # Back where she was for the first time on the third day.
    assert [row["flappers"] for row in steady] == [0, flappers, flappers]


def _risk(probability: float, ratio: float) -> dict[str, Any]:
    return {"recency_days": 5, "churn_probability": probability, "overdue_ratio": ratio, "count_orders_lifetime": 2}


def test_at_risk_is_let_go_only_when_both_scores_are_clearly_below(days: Days) -> None:
    story = [(0.49, 1.0), (0.50, 1.0), (0.46, 1.0), (0.44, 1.8), (0.44, 1.79), (0.46, 1.0)]

    rows = [days.run(day, _risk(*scores)) for day, scores in enumerate(story)]

    assert [row["is_at_risk"] for row in rows] == [False, True, True, True, False, False]
    assert [row["at_risk_since"] for row in rows] == [None, *[date(2026, 4, 2)] * 3, None, None]
    stages = days.ask("select lifecycle_stage from segments.lifecycle order by as_of_date")
    assert [row["lifecycle_stage"] for row in stages] == ["repeat", *["at_risk"] * 3, "repeat", "repeat"]


def test_without_a_release_of_its_own_the_flag_flips(make_run: Callable[..., Run]) -> None:
    lifecycle = LifecycleSettings(at_risk_release_probability=0.5, at_risk_release_overdue_ratio=2.0)
    days = Days(make_run, Settings(lifecycle=lifecycle))

    flags = [days.run(day, _risk(0.5 if day % 2 else 0.49, 1.0))["is_at_risk"] for day in range(4)]

    assert flags == [False, True, False, True]


def test_a_tag_of_the_crm_goes_before_and_damping_goes_on_beneath(days: Days) -> None:
    company = Company(days.make_run().warehouse)
    for tag, since, until in (("VIP ", "2026-04-02 09:00", "2026-04-04 09:00"), ("wine club", "2026-04-01 09:00", None)):
        company.insert(
            "core.customer_tag", source_customer_key=KEYS["Ana"], customer_key=KEYS["Ana"], tag=tag,
            set_at=f"{since}+08:00", removed_at=until and f"{until}+08:00",
        )  # fmt: skip

    # As of 2 April 00:00 the tag is not yet there; as of 3 and 4 April it is; as of 5 April it was taken off.
    rows = [days.run(day, predicted(2000 if day == 0 else 100)) for day in range(5)]

    assert [row["service_tier"] for row in rows] == ["potential", "potential", "vip", "vip", "potential"]
    assert [row["tier_tag"] for row in rows] == [None, None, "vip", "vip", None]
    assert {row["own_tier"] for row in rows} == {"potential"}  # held: grace since 2 April
    assert {row["lower_since"] for row in rows[1:]} == {date(2026, 4, 2)}
    moves = days.ask("select * from segments.tier_move order by as_of_date")
    assert [(row["to_tier"], row["reason"], row["tier_tag"]) for row in moves] == [
        ("potential", "first_seen", None),
        ("vip", "crm_tag", "vip"),
        ("potential", "crm_tag_removed", None),
    ]


def test_moves_say_what_changed(days: Days) -> None:
    days.run(0, predicted(100))
    days.run(1, predicted(3000))  # her predicted value has become high
    days.run(2, {**predicted(3000), "net_minor_365d": 5000})  # and so has her current one

    moves = days.ask("select * from segments.tier_move order by as_of_date")

    assert [(WHO[row["customer_key"]], row["from_tier"], row["to_tier"], row["reason"]) for row in moves] == [
        ("Ana", None, "marginal", "first_seen"),
        ("Ana", "marginal", "potential", "value_class"),
        ("Ana", "potential", "vip", "value_class"),
    ]
    assert [(row["from_value_class"], row["value_class"]) for row in moves] == [
        (None, "marginal"),
        ("marginal", "growth"),
        ("growth", "strategic"),
    ]


def test_changed_settings_are_named_as_the_reason(make_run: Callable[..., Run]) -> None:
    days = Days(make_run, Settings(value=AMOUNTS))
    days.run(0, predicted(1200))
    higher = ValueSettings(current_value_cutoff=10, potential_value_cutoff=100, tier_grace_days=0)

    days.settings = Settings(value=higher)
    row = days.run(1, predicted(1200))

    assert (row["service_tier"], row["move_reason"], row["basis_value_class"]) == ("marginal", "value_class", "marginal")
    borders = days.ask("select * from segments.cutoff where measure = 'potential_value' order by as_of_date")
    assert [(row["rule"], row["border"], row["customers"]) for row in borders] == [("amount", 1000, 1), ("amount", 10000, 0)]
