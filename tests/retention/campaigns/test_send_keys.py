"""A send_key has four parts and is one person's, one event's, for ever."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from retention.campaigns.candidates import period_of
from retention.campaigns.plays import PLAYS_DIR, load_plays
from retention.warehouse import Warehouse
from tests.retention.campaigns.conftest import KEYS, Company

HOLIDAY = next(play for play in load_plays(PLAYS_DIR) if play.name == "holiday")


@pytest.mark.parametrize(
    ("event", "period"),
    [("labour/2026-05-01", "labour/2026-05-01"), ("new|year/2026-01-01", "new%7Cyear/2026-01-01"), ("100%|x", "100%25%7Cx")],
)
def test_an_event_cannot_add_a_part_to_a_send_key(
    shared_databases: tuple[Warehouse, Warehouse], event: str, period: str
) -> None:
    """What is booked as the period, the third part of the key, is what the next plan compares with."""
    made = period_of(HOLIDAY)
    query = (
        f"select {made}, split_part('holiday|email|' || {made} || '|7', '|', 3), split_part('holiday|email|' || {made} || '|7', "
        "'|', 4) from (select cast(:event as text) as holiday_key) as attributes"
    )
    with shared_databases[0].connect() as connection:
        assert tuple(connection.execute(sa.text(query), {"event": event}).one()) == (period, period, "7")


def test_a_promotion_taken_back_today_leaves_no_room_for_another_today(staffed: Company) -> None:
    """Chen's birthday is corrected after her greeting went out, and a rescue would fit: not on the day of the greeting."""
    staffed.plan()
    staffed.push()
    staffed.do("update core.customer set birthday_md = '01-01' where customer_key = :chen", chen=KEYS["Chen"])
    staffed.do("update scores.churn set churn_probability = 0.6 where customer_key = :chen", chen=KEYS["Chen"])
    for _ in range(2):  # before the greeting is taken back, and after
        staffed.plan()
        found = staffed.decisions("state, first_failing_rule, beaten_by")
        assert found["churn_rescue", "Chen"] == ("excluded", "beaten", "birthday")
        staffed.push()
    assert [play for play, name in staffed.members() if name == "Chen"] == []
    staffed.next_day()
    staffed.plan()
    assert staffed.decisions()["churn_rescue", "Chen"][0] == "selected"


@pytest.mark.parametrize(
    ("limit", "rule_expected"), [("budget: {day: 6}", "over_budget"), ("capacity_per_day: 1", "channel_full")]
)
def test_a_day_planned_again_spends_its_budget_once(staffed: Company, limit: str, rule_expected: str) -> None:
    """Dai's rescue, all that the day's budget pays for, is out when Dai no longer needs it: Jin gets none with the same money."""
    path = staffed.plays_dir / "churn_rescue.yml"
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("budget:")]
    path.write_text("\n".join([*kept, limit, ""]), encoding="utf-8")
    staffed.do("update segments.membership set amount_to_next_level_minor = 900000")  # nobody is nudged
    staffed.plan()
    staffed.push()
    assert ("churn_rescue", "Dai") in staffed.members()
    staffed.do("update scores.churn set churn_probability = 0.01 where customer_key = :dai", dai=KEYS["Dai"])
    staffed.do("update scores.churn set churn_probability = 0.6 where customer_key = :jin", jin=KEYS["Jin"])
    for _ in range(2):  # before Dai's is taken back, and after
        staffed.plan()
        state, rule = staffed.decisions()["churn_rescue", "Jin"]
        assert (state, rule) == ("excluded", rule_expected)
        staffed.push()


def test_who_refused_service_everywhere_is_not_called_by_staff(staffed: Company) -> None:
    """Gao refused between plan and push, Chen before the next plan; a refusal by e-mail alone is none of calls."""
    staffed.plan()
    staffed.consent("Gao", "service", "withdrawn")
    staffed.consent("Chen", "service", "withdrawn", "email")
    staffed.push()
    assert staffed.members("marketing.staff_task") == {("strategic_care", "Chen")}
    staffed.consent("Chen", "service", "withdrawn")
    staffed.plan()
    found = staffed.decisions()
    assert found["strategic_care", "Chen"] == ("excluded", "no_consent")
    assert found["complaint_call", "Gao"] == ("excluded", "no_consent")


def test_who_complains_between_plan_and_push_gets_no_promotion(staffed: Company) -> None:
    """Ana's discount was planned; Hana's too, who complains after the push and loses hers with the next."""
    staffed.plan()
    staffed.complaint("Ana", "severe", opened=0)
    staffed.push()
    assert ("second_purchase", "Ana") not in staffed.members()
    assert ("welcome", "Hana") in staffed.members()
    staffed.complaint("Hana", "minor", opened=0)
    staffed.push()
    assert ("welcome", "Hana") not in staffed.members()
