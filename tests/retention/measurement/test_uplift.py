"""What each service tier showed, drawn towards what the whole play showed, and what contacts of the tiers are worth for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from retention.campaigns.conditions import Binds
from retention.campaigns.plays import load_plays
from retention.campaigns.valuing import Uplift, Valuation, evidence_sql, fill_uplift, value_sql
from retention.settings import Settings
from retention.warehouse import Run, Warehouse, stage_writer
from tests.retention.measurement.conftest import DAY
from tests.retention.privacy.conftest import insert

TIERS = ("vip", "potential", "ordinary", "marginal")


def told(warehouse: Warehouse, play: str, tiers: Mapping[str, tuple[float, float]], people: int = 500) -> None:
    """The newest measurement of a play: by tier, difference and standard error."""
    for tier, (difference, error) in tiers.items():
        insert(
            warehouse,
            "bi.play_effect",
            {
                "as_of_date": DAY, "play": play, "service_tier": tier, "outcome": "net_revenue_minor", "outcome_days": 28,
                "treated_customers": people * (4 if tier == "all" else 1), "control_customers": people, "difference": difference,
                "standard_error": error, "verdict": "positive",
            },
        )  # fmt: skip


def uplifts(run: Run) -> dict[tuple[str, str], Mapping[str, Any]]:
    with stage_writer(run, "campaigns") as writer:
        fill_uplift(writer, run)
        with run.warehouse.connect() as connection:
            rows = connection.execute(sa.text(f"select * from {writer.staging('campaigns.uplift')}")).mappings().all()
    return {(row["play"], row["service_tier"]): row for row in rows}


def test_a_tier_is_drawn_towards_the_play_as_far_as_tiers_differ_by_chance(make_run: Callable[..., Run]) -> None:
    run = make_run()
    # Alike but for chance: no tier has a word of its own.
    told(run.warehouse, "alike", {"all": (1_000.0, 50.0), **{tier: (1_000.0 + step, 100.0) for step, tier in enumerate(TIERS)}})
    # VIPs gain five times as much, far beyond chance; the marginal lose.
    unlike = {"vip": (5_000.0, 200.0), "potential": (1_000.0, 200.0), "ordinary": (1_000.0, 200.0), "marginal": (-800.0, 200.0)}
    told(run.warehouse, "unlike", {"all": (1_550.0, 100.0), **unlike})
    found = uplifts(run)
    assert set(found) == {(play, tier) for play in ("alike", "unlike") for tier in ("all", *TIERS)}
    for tier in TIERS:
        assert (found["alike", tier]["own_share"], found["alike", tier]["margin_minor"]) == (0, pytest.approx(350))
        assert found["alike", tier]["error_minor"] == pytest.approx(0.35 * 50)
    vip, marginal = found["unlike", "vip"], found["unlike", "marginal"]
    assert 0.98 < vip["own_share"] < 1
    assert 0.35 * 4_900 < vip["margin_minor"] < 0.35 * 5_000
    assert marginal["margin_minor"] < 0
    assert vip["error_minor"] == pytest.approx(0.35 * 200, rel=0.02)


def test_the_share_of_a_tier_is_that_of_dersimonian_and_laird(make_run: Callable[..., Run]) -> None:
    """Two tiers of equal error: heterogeneity 2 of one degree of freedom leaves half of the variance between them."""
    run = make_run()
    told(run.warehouse, "two", {"all": (100.0, 10.0), "vip": (120.0, 10.0), "ordinary": (100.0, 10.0)})
    vip = uplifts(run)["two", "vip"]
    # Q = 2 (10/10)^2 = 2, between = (2 - 1) / (0.02 - 0.0002/0.02) = 100, share = 100 / (100 + 100).
    assert vip["own_share"] == pytest.approx(0.5)
    assert vip["margin_minor"] == pytest.approx(0.35 * 110)
    assert vip["error_minor"] == pytest.approx(0.35 * (0.5 * 100 + 0.25 * 100) ** 0.5)


def test_few_people_of_a_tier_say_nothing_for_themselves(make_run: Callable[..., Run]) -> None:
    run = make_run()
    told(run.warehouse, "few", {"all": (1_000.0, 50.0)})
    told(run.warehouse, "few", {"vip": (90_000.0, 50.0), "ordinary": (0.0, 50.0)}, people=99)
    found = uplifts(run)
    assert {found["few", tier]["margin_minor"] for tier in TIERS} == {found["few", "all"]["margin_minor"]}


def test_contacts_are_worth_what_their_tier_showed(warehouse: Warehouse) -> None:
    """VIPs gain, ordinary customers are harmed, who has no tier counts as everybody; a stated value keeps its order."""
    play = next(play for play in load_plays() if play.name == "second_purchase")
    shown = {"vip": (0.9, 800.0), "ordinary": (0.9, -300.0), "marginal": (0.2, 100.0), "all": (0.9, 200.0)}
    valuation = Valuation(
        Settings(), margin_of_revenue=0.35,
        uplifts={(play.name, tier): Uplift(weight, margin, 100.0) for tier, (weight, margin) in shown.items()},
    )  # fmt: skip
    binds = Binds("v")
    value = value_sql(play, binds, valuation, "cast(0 as double precision)", "cast(0 as double precision)")
    query = (
        f"select service_tier, {value} as value, {evidence_sql(play, valuation)} as evidence from (values "
        "('vip', 10000.0, 50000), ('ordinary', 10000.0, 50000), ('marginal', 10000.0, 50000), (null, 10000.0, 50000)) "
        "as attributes (service_tier, mean_order_value_minor_365d, clv_12m_minor)"
    )
    with warehouse.connect() as connection:
        found = {row.service_tier: row for row in connection.execute(sa.text(query), binds.values)}
    stated = 10_000 * play.expected.uplift * 0.35 if play.expected else 0
    for tier, (weight, margin) in shown.items():
        row = found[None if tier == "all" else tier]
        assert row.value == pytest.approx((1 - weight) * stated + weight * stated * margin / 100)
        assert row.evidence == ("measured" if weight >= 0.5 else "stated")
    assert found["ordinary"].value < 0 < found["vip"].value
