"""A play is rehearsed before it runs: whom it reaches, whom not and why, and nothing is published or kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retention import campaigns
from retention.campaigns.plays import PLAYS_DIR
from retention.campaigns.rehearsal import rehearse
from tests.retention.campaigns.conftest import KEYS, Company

KEPT = ("campaigns.decision", "campaigns.play_run", "campaigns.eligibility", "campaigns.play", "campaigns.holdout")


def test_the_size_of_a_play_before_anything_runs(staffed: Company) -> None:
    """Second purchase: Ana is reached, Bo has withdrawn, Fang's complaint is fresh and Gao's is open; the others are not meant."""
    found = rehearse(staffed.run(task_id="rehearse"), "second_purchase", people=5, plays_dir=staffed.plays_dir)
    size = found.size
    assert (size.population, size.not_in_audience, size.excluded, size.control, size.selected) == (10, 6, 3, 0, 1)
    first = {row["rule"]: row["customers_first"] for row in size.rules if row["customers_first"]}
    assert first == {"not_in_audience": 6, "no_consent": 1, "complaint_hold": 2}
    (ana,) = found.people
    assert (ana["customer_key"], ana["offer"]) == (KEYS["Ana"], "second_order_10_percent")
    assert "days since the first order: 9" in ana["reasons_en"]
    assert [(row["service_tier"], row["selected"]) for row in size.tiers] == [("ordinary", 1)]
    assert [staffed.ask(f"select count(*) from {table}") for table in KEPT] == [[(0,)]] * len(KEPT)
    assert staffed.ask("select tablename from pg_tables where schemaname = 'staging'") == []


def test_a_file_that_is_no_play_yet_is_rehearsed_among_the_others(staffed: Company, tmp_path: Path) -> None:
    """A promotion for everybody, with the least priority and no value told, takes the day of nobody who has a better play."""
    text = (PLAYS_DIR / "low_cost_care.yml").read_text(encoding="utf-8")
    text = re.sub(
        r"audience:.*?channels", "audience: {attribute: count_orders_lifetime, at_least: 1}\nchannels", text, flags=re.S
    )
    text = text.replace("low_cost_care", "newcomer").replace("priority: 15", "priority: 1")
    text = re.sub(r"expected:.*\n", "", text).replace("holdout_share: 0.1", "holdout_share: 0.000000001")
    text = text.replace("[app, email]", "[email]").replace("{app: 0.01, email: 0.01}", "{email: 0.01}")
    file = tmp_path / "newcomer.yml"
    file.write_text(text, encoding="utf-8")
    size = rehearse(staffed.run(task_id="rehearse"), "newcomer", file=file, plays_dir=staffed.plays_dir).size
    assert size.population == size.not_in_audience + size.excluded + size.control + size.selected == 10
    assert {row["rule"] for row in size.rules} >= {"not_in_audience", "no_consent", "complaint_hold", "beaten"}
    file.write_text(text.replace("priority: 1", "priority: none"), encoding="utf-8")
    with pytest.raises(campaigns.PlayError, match=r"newcomer.yml:\d+: priority"):
        rehearse(staffed.run(task_id="rehearse"), "newcomer", file=file, plays_dir=staffed.plays_dir)


def test_a_play_that_does_not_exist_is_named(staffed: Company) -> None:
    with pytest.raises(campaigns.PlayError, match="welcom is no play; `retention play list` names them"):
        rehearse(staffed.run(task_id="rehearse"), "welcom", plays_dir=staffed.plays_dir)
