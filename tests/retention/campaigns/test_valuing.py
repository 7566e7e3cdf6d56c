"""What a contact is worth and costs, what the day may use, and where the money goes."""

from __future__ import annotations

import dataclasses
from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from retention.campaigns.allocation.budgets import Used, budgets_of, read_budgets
from retention.campaigns.conditions import Binds
from retention.campaigns.plays import Budget, Expected, Negotiation, Play, Rung, load_plays
from retention.campaigns.valuing import Uplift, Valuation, evidence_sql, is_top_sql, offer_cost_sql, read_valuation, value_sql
from retention.settings import Settings
from retention.settings_campaigns import AllocationSettings
from retention.warehouse import Warehouse
from tests.retention.campaigns.conftest import KEYS, Company

ANA: dict[str, Any] = {"mean_order_value_minor_365d": 20_000.0, "clv_12m_minor": 100_000, "value_at_risk_minor": 50_000}
PROSPECT: dict[str, Any] = dict.fromkeys(ANA)


def play(**changes: Any) -> Play:
    """Second purchase with a few things changed: 10 % off, six in a hundred more orders stated, twelve in a hundred use it."""
    (shipped,) = (each for each in load_plays() if each.name == "second_purchase")
    expected = Expected("mean_order_value_minor_365d", uplift=0.06, redemption=0.12)
    return dataclasses.replace(shipped, **{"expected": expected, "priority": 70, **changes})


def valuation(**changes: Any) -> Valuation:
    return Valuation(settings=Settings(), margin_of_revenue=0.5, margin_of_value=1.0, **changes)


def ask(warehouse: Warehouse, expression: str, binds: Binds, person: Mapping[str, Any]) -> Any:
    columns = {
        **person, "resolved_complaint_order_net_minor": person.get("resolved"), "open_complaint_order_net_minor": None,
    }  # fmt: skip
    columns.pop("resolved", None)
    selected = ", ".join(f"cast(:at_{name} as double precision) as {name}" for name in columns)
    with warehouse.connect() as connection:
        return connection.execute(
            sa.text(f"select {expression} from (select {selected}) as attributes"),
            {**{f"at_{name}": value for name, value in columns.items()}, **binds.values},
        ).scalar_one()


def value(warehouse: Warehouse, of: Play, day: Valuation, person: Mapping[str, Any] = ANA) -> float:
    binds = Binds("v")
    return float(ask(warehouse, value_sql(of, binds, day, "3.0", "240.0"), binds, person))


def test_what_contacts_are_worth_at_each_level_of_evidence(warehouse: Warehouse) -> None:
    """Ana's orders are worth 200.00 of which half is margin: six in a hundred of that are 6.00."""
    stated, day = play(), valuation()
    assert value(warehouse, stated, day) == pytest.approx(600)
    assert ask(warehouse, evidence_sql(stated, day), Binds("e"), ANA) == "stated"
    # Predicted value is margin already.
    assert value(warehouse, play(expected=Expected("value_at_risk_minor", 0.05)), day) == pytest.approx(2_500)

    # Nothing stated, or nothing known of the customer: 70 points of priority at 5, ahead by her value, on top of the cost.
    silent = play(expected=None)
    ahead = 100_000 / (100_000 + 100_000)
    assert value(warehouse, silent, day) == pytest.approx(5 * (70 + ahead) + 243)
    assert value(warehouse, stated, day, PROSPECT) == pytest.approx(5 * 70 + 243)
    assert ask(warehouse, evidence_sql(silent, day), Binds("e"), ANA) == "priority"
    assert ask(warehouse, evidence_sql(stated, day), Binds("e"), PROSPECT) == "priority"

    # Measured, weight 0.8: those contacted brought half of what had been stated. Her own prior is halved, the offer added back.
    measured = valuation(uplifts={("second_purchase", "all"): Uplift(0.8, margin_minor=200.0, stated_minor=400.0)})
    assert value(warehouse, stated, measured) == pytest.approx(0.2 * 600 + 0.8 * (300 + 240))
    assert ask(warehouse, evidence_sql(stated, measured), Binds("e"), ANA) == "measured"
    # Without what had been stated, all are worth the mean.
    flat = valuation(uplifts={("second_purchase", "all"): Uplift(0.8, margin_minor=200.0, stated_minor=None)})
    assert value(warehouse, silent, flat) == pytest.approx(0.2 * (5 * 70.5 + 243) + 0.8 * (200 + 240))
    # Little measured is not called measured.
    weak = valuation(uplifts={("second_purchase", "all"): Uplift(0.3, margin_minor=200.0, stated_minor=400.0)})
    assert ask(warehouse, evidence_sql(stated, weak), Binds("e"), ANA) == "stated"
    # A play that does harm: below zero, so that nobody is disturbed.
    harmful = valuation(uplifts={("second_purchase", "all"): Uplift(1.0, margin_minor=-500.0, stated_minor=400.0)})
    assert value(warehouse, stated, harmful) < 0


def test_priority_is_never_overturned_by_how_much_a_customer_is_worth(warehouse: Warehouse) -> None:
    rich = {**ANA, "clv_12m_minor": 10**12}
    assert value(warehouse, play(expected=None, priority=69), valuation(), rich) < value(
        warehouse, play(expected=None, priority=70), valuation(), PROSPECT
    )


@pytest.mark.parametrize(
    ("rung", "person", "cost"),
    [
        (Rung("c", "coupon", "", "", amount=50.0), ANA, 0.12 * 5_000),
        (Rung("c", "percent_discount", "", "", percent=10.0), ANA, 0.12 * 0.1 * 20_000),
        (Rung("c", "percent_discount", "", "", percent=10.0), PROSPECT, 0.0),
        (Rung("c", "information", "", ""), ANA, 0.0),
        (Rung("c", "points", "", "", amount=500.0), ANA, 0.0),
        (Rung("c", "refund", "", "", percent=100.0, amount=20.0), {**ANA, "resolved": 70_000}, 0.12 * (70_000 + 2_000)),
        (Rung("c", "service", "", "", negotiation=Negotiation(opening=5.0, ceiling=15.0)), ANA, 0.12 * 1_000),
    ],
    ids=["coupon", "discount", "discount of nobody knows what", "information", "points", "refund and coupon", "negotiated"],
)
def test_what_an_offer_costs(warehouse: Warehouse, rung: Rung, person: dict[str, Any], cost: float) -> None:
    binds = Binds("c")
    assert ask(warehouse, offer_cost_sql(play(), rung, binds, valuation()), binds, person) == pytest.approx(cost)


def test_without_a_stated_share_a_tenth_uses_the_offer(warehouse: Warehouse) -> None:
    binds = Binds("c")
    cost = offer_cost_sql(play(expected=None), Rung("c", "coupon", "", "", amount=50.0), binds, valuation())
    assert ask(warehouse, cost, binds, ANA) == pytest.approx(500)


def test_who_matters_most(warehouse: Warehouse) -> None:
    binds = Binds("t")
    top = is_top_sql(valuation(top_value_minor=100_000.0), binds)
    assert ask(warehouse, top, binds, ANA) is True
    assert ask(warehouse, top, binds, {**ANA, "clv_12m_minor": 99_999}) is False
    assert ask(warehouse, top, binds, PROSPECT) is False
    assert ask(warehouse, is_top_sql(valuation(), Binds("t")), Binds("t"), PROSPECT) is True  # nobody's value is known


# Budgets ---------------------------------------------------------------------------------------------------------------------


def day_budgets(
    *plays: Play, on: date = date(2026, 4, 21), spent: float = 0, today: float = 0, contacts: int = 0, **allocation: Any
) -> Any:
    company = dataclasses.replace(Settings(), allocation=AllocationSettings(**allocation))
    used = Used()
    used.add("second_purchase", "sms", spent, today, contacts, promotes=True)
    used.add("call", "staff", 0, 0, contacts, promotes=False)
    return budgets_of(company, on, plays, ("email", "sms"), used)


def test_a_months_budget_is_spread_over_the_days_that_are_left() -> None:
    """1,000.00 a month, 400.00 used by the 20th: 60.00 for each of the ten days that are left; 50.00 where a day's is tighter."""
    monthly = play(budget=Budget(month=1_000))
    assert day_budgets(monthly, spent=40_000).play_minor == {1: 6_000}
    assert day_budgets(monthly, spent=40_000, today=500).play_minor == {1: 5_500}
    assert day_budgets(play(budget=Budget(month=1_000, day=50)), spent=40_000).play_minor == {1: 5_000}
    assert day_budgets(monthly, spent=120_000).play_minor == {1: 0}
    assert day_budgets(monthly, on=date(2026, 4, 30), spent=40_000).play_minor == {1: 60_000}
    assert day_budgets(play()).play_minor == {}


def test_the_rest_is_a_fifth_of_all_the_money_there_is() -> None:
    with_budget, without = play(budget=Budget(day=100)), play(name="other")
    assert day_budgets(with_budget, without, day_budget=500.0).rest_minor == pytest.approx(10_000)
    assert day_budgets(with_budget).rest_minor == pytest.approx(2_000)  # every play has its own: their sum is all there is
    assert day_budgets(with_budget, without).rest_minor is None
    assert day_budgets(with_budget, day_budget=500.0, top_budget_share=0.0).rest_minor is None


def test_capacities_by_channel_and_play() -> None:
    budgets = day_budgets(play(capacity_per_day=30), channel_contacts_per_day={"sms": 100.0, "fax": 1.0})
    assert (dict(budgets.play_contacts), dict(budgets.channel_contacts)) == ({1: 30.0}, {1: 100.0})
    call = play(name="call", kind="staff", capacity_per_day=12)
    assert dict(day_budgets(call).play_contacts) == {}
    assert dict(day_budgets(play(), call).tasks) == {2: 12.0}


def test_what_was_handed_out_today_and_taken_back_counts() -> None:
    """Five messages and five calls went out in the morning, and were taken back at noon: tools and staff had them all the same."""
    call = play(name="call", kind="staff", capacity_per_day=12)
    budgets = day_budgets(play(capacity_per_day=30), call, contacts=5, channel_contacts_per_day={"sms": 100.0, "email": 3.0})
    assert dict(budgets.play_contacts) == {1: 25.0}
    assert dict(budgets.channel_contacts) == {1: 95.0, 0: 3.0}
    assert dict(budgets.tasks) == {2: 7.0}


# In the plan -----------------------------------------------------------------------------------------------------------------


def test_the_money_goes_to_who_brings_most_and_is_gone_the_next_day(staffed: Company) -> None:
    """Two customers about to leave, a month's budget for one of them: Dai, who is worth more; the other is over budget."""
    company = staffed
    _rescue(company.plays_dir, "budget: {day: 6}")
    company.do(
        "update scores.churn set churn_probability = 0.6 where customer_key = :key and as_of_date = :day",
        key=KEYS["Jin"], day=company.as_of_date,
    )  # fmt: skip
    company.plan()
    states = company.decisions()
    assert states["churn_rescue", "Dai"][0] == "selected"
    assert states["churn_rescue", "Jin"] == ("excluded", "over_budget")
    assert states["tier_nudge", "Jin"][0] == "selected"
    limits = company.ask(
        "select kind, applies_to, most, used, shadow_price_minor > 0 from campaigns.allocation_limit where as_of_date = :day",
        day=company.as_of_date,
    )
    assert [row[:3] for row in limits] == [("play_budget", "churn_rescue", 600.0)]
    assert 0 < limits[0][3] <= 600
    assert limits[0][4] is True
    found = company.ask("select chosen, over_budget, beaten from campaigns.allocation_play where play = 'churn_rescue'")
    assert found == [(1, 1, 0)]
    company.push()
    company.sync()
    spent = company.ask("select cost_minor from campaigns.allocation_play where play = 'churn_rescue'")[0][0]
    company.next_day()
    company.plan()  # books the receipts of the push
    rescue = load_plays(company.plays_dir)
    position = [each.name for each in rescue].index("churn_rescue") + 1
    rescue[position - 1] = dataclasses.replace(rescue[position - 1], budget=Budget(month=31 * 6.0))
    used = 0 if company.as_of_date.day == 1 else spent
    days_left = monthrange(company.as_of_date.year, company.as_of_date.month)[1] - company.as_of_date.day + 1
    budgets = read_budgets(company.run(), rescue, ("email", "sms"))
    assert budgets.play_minor[position] == pytest.approx((31 * 600 - used) / days_left)
    split = company.ask("select chosen, actual_share from bi.allocation order by as_of_date")
    assert split[0][0] >= 5
    assert 0 <= split[0][1] <= 1


def _rescue(folder: Path, line: str) -> None:
    path = folder / "churn_rescue.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        "\n".join([*(each for each in text.splitlines() if not each.startswith("budget:")), line, ""]), encoding="utf-8"
    )


def test_measured_effects_take_the_place_of_what_plays_state(staffed: Company) -> None:
    """Second purchase did harm, seen on thousands: nobody gets it, and the list of whom to leave alone has Ana."""
    company = staffed
    company.plan()
    assert company.decisions()["second_purchase", "Ana"][0] == "selected"
    stated = company.ask("select value_minor from campaigns.contender where customer_key = :ana", ana=KEYS["Ana"])
    company.next_day()
    for people, play_name in ((5_000, "second_purchase"), (50, "welcome")):
        company.insert(
            "bi.play_effect", play=play_name, service_tier="all", outcome="net_revenue_minor", outcome_days=28,
            treated_customers=people, control_customers=people, difference=-9_000.0, standard_error=50.0, verdict="negative",
        )  # fmt: skip
    company.plan()
    rows = company.ask(
        "select play, evidence, weight, stated_minor from campaigns.uplift where as_of_date = :day and service_tier = 'all'",
        day=company.as_of_date,
    )
    uplift = {row[0]: row[1:] for row in rows}
    assert uplift["second_purchase"][0] == "measured"
    assert [uplift["second_purchase"][2]] == [row[0] for row in stated]  # of the day before, to be compared with
    assert uplift["welcome"][:2] == ("stated", 0.0)  # fifty people are an anecdote
    assert company.decisions()["second_purchase", "Ana"] == ("excluded", "do_not_disturb")
    assert company.decisions()["welcome", "Hana"][0] == "selected"
    company.next_day()
    company.insert(
        "bi.play_effect", play="second_purchase", service_tier="all", outcome="net_revenue_minor", outcome_days=28,
        treated_customers=5_000, control_customers=5_000, difference=-9_000.0, standard_error=50.0, verdict="negative",
    )  # fmt: skip
    company.do("delete from campaigns.allocation_play")
    company.plan()
    kept = company.ask("select distinct stated_minor from campaigns.uplift where as_of_date = :day", day=company.as_of_date)
    assert kept == stated  # what was stated goes on from day to day once nothing is stated any more
    listed = company.ask("select distinct customer_key, play, evidence, is_every_play from campaigns.do_not_disturb")
    assert listed == [(KEYS["Ana"], "second_purchase", "measured", True)]


def test_numbers_of_the_day_tell_margin_from_revenue(staffed: Company) -> None:
    company = staffed
    company.plan()
    found = read_valuation(company.run(), "campaigns.customer_attributes")
    assert (found.margin_of_revenue, found.margin_of_value) == (0.35, 0.35)  # unit costs are not known: the settings assume
    company.do("update scores.clv set basis = 'net_margin', margin_share = 0.6, net_revenue_12m_minor = 1000")
    found = read_valuation(company.run(), "campaigns.customer_attributes")
    assert (found.margin_of_revenue, found.margin_of_value) == (pytest.approx(0.6), 1.0)
    assert found.top_value_minor == 200_000  # Dai's: the others are worth the same, none of them counts
