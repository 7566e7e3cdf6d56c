"""What staff see of their tasks: nobody who may not be called at the moment of reading, whatever the last push knew."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.retention.campaigns.conftest import KEYS, Company, settings
from tests.retention.campaigns.decided import Choice, consent_everybody, decide

ALL = {("visit", name) for name in ("Ana", "Bo", "Chen", "Dai", "Emma", "Fang")}


@pytest.fixture
def desk(light: Company) -> Company:
    """Six visits, made by this morning's push; Fang was chosen by a prediction."""
    light.settings = settings(guard_minimum_rows=1_000)
    consent_everybody(light, KEYS.values())
    choices = [Choice("visit", KEYS[name], more={"uses_profiling": name == "Fang"}) for _, name in sorted(ALL)]
    decide(light, choices)
    light.push()
    assert light.members("marketing.task_list") == ALL
    return light


def left(company: Company) -> set[str]:
    """Who is not on the list any more."""
    return {name for _, name in ALL - company.members("marketing.task_list")}


def test_each_no_hides_exactly_that_person(desk: Company) -> None:
    """Bo is blocked, Chen refused calls about service, Dai unsubscribed from these, Fang does not want to be profiled."""
    desk.insert("marketing.suppression", customer_key=KEYS["Bo"])
    for name, purpose, channel in (
        ("Chen", "service", "phone"),
        ("Emma", "service", "email"),
        ("Fang", "profiling", "all"),
        ("Ana", "profiling", "all"),
    ):
        desk.insert(
            "marketing.consent_state", customer_key=KEYS[name], purpose=purpose, channel=channel, decision="withdrawn",
            decided_at=desk.days_ago(0),
        )  # fmt: skip
    for name, campaign in (("Dai", "visit"), ("Emma", "care")):
        desk.insert(
            "marketing.campaign_event", campaign=campaign, customer_key=KEYS[name], channel="phone", kind="unsubscribed",
            occurred_at=desk.days_ago(0),
        )  # fmt: skip
    assert left(desk) == {"Bo", "Chen", "Dai", "Fang"}


def test_who_is_erased_is_gone(desk: Company) -> None:
    desk.do("delete from marketing.staff_task where customer_key = 1", desk.marketing)
    assert left(desk) == {"Ana"}


def test_one_no_at_a_number_binds_who_shares_it(desk: Company) -> None:
    """Ana and Bo have one telephone; Bo refused at it, for a play that needs consent. Ana's own later yes opens it once he has moved."""
    desk.do("update marketing.staff_task set purpose = 'marketing'", desk.marketing)
    assert left(desk) == set(), "everybody agreed to marketing"
    for key in (1, 2):
        desk.insert("marketing.shared_address", customer_key=key, channel="phone", address_hash="h")
    desk.insert(
        "marketing.address_refusal", address_hash="h", channel="phone", purpose="marketing", customer_key=2,
        refused_at=desk.days_ago(1), is_held=True,
    )  # fmt: skip
    assert left(desk) == {"Ana"}
    desk.do("update marketing.address_refusal set is_held = false", desk.marketing)
    assert left(desk) == {"Ana"}
    desk.do("update marketing.consent_state set decided_at = now() where customer_key = 1", desk.marketing)
    assert left(desk) == set()


def test_marketing_calls_need_a_yes(desk: Company) -> None:
    desk.do("update marketing.staff_task set purpose = 'marketing'", desk.marketing)
    desk.do("delete from marketing.consent_state where customer_key = 1", desk.marketing)
    assert left(desk) == {"Ana"}


def test_a_silent_feed_shows_nobody(desk: Company) -> None:
    desk.do("update marketing.consent_feed set heartbeat_at = now() - interval '27 hours'", desk.marketing)
    assert desk.members("marketing.task_list") == set()
    desk.do("delete from marketing.consent_feed", desk.marketing)
    assert desk.members("marketing.task_list") == set()


def test_late_tasks_are_marked_and_future_ones_wait(desk: Company) -> None:
    desk.do("update marketing.staff_task set due_until = now() - interval '1 hour' where customer_key = 1", desk.marketing)
    desk.do("update marketing.staff_task set due_from = now() + interval '1 hour' where customer_key = 2", desk.marketing)
    assert desk.ask("select customer_key from marketing.task_list where is_overdue", desk.marketing) == [(1,)]
    assert left(desk) == {"Bo"}


def test_staff_mark_a_task_done_and_touch_nothing_else(desk: Company) -> None:
    key = Choice("visit", 1).send_key
    with desk.marketing.engine.begin() as connection:
        connection.exec_driver_sql("set local role marketing_staff")
        connection.execute(sa.text("update marketing.task_list set state = 'done' where send_key = :key"), {"key": key})
    assert left(desk) == {"Ana"}
    assert desk.ask("select state from marketing.staff_task where send_key = :key", desk.marketing, key=key) == [("done",)]
    # The next push leaves it done: it is neither made again nor withdrawn.
    assert desk.push()["tasks_withdrawn"] == 0
    for statement in (
        "select * from marketing.staff_task",
        "update marketing.staff_task set state = 'done'",
        "update marketing.task_list set due_until = now()",
        "delete from marketing.task_list",
        "select * from marketing.consent_state",
        "select * from marketing.sendable",
    ):
        with desk.marketing.engine.begin() as connection:
            connection.exec_driver_sql("set local role marketing_staff")
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                connection.exec_driver_sql(statement)


def test_nobody_is_marked_done_through_the_list_who_is_not_on_it(desk: Company) -> None:
    desk.insert("marketing.suppression", customer_key=1)
    with desk.marketing.engine.begin() as connection:
        connection.exec_driver_sql("set local role marketing_staff")
        rows = connection.exec_driver_sql("update marketing.task_list set state = 'done' where customer_key = 1").rowcount
    assert rows == 0


def test_the_view_without_its_questions_would_show_them(desk: Company) -> None:
    """The damage: the table behind it holds everybody whom the push knew of."""
    desk.insert("marketing.suppression", customer_key=2, since=desk.days_ago(0) - timedelta(days=1))
    assert ("visit", "Bo") in desk.members("marketing.staff_task")
    assert left(desk) == {"Bo"}
