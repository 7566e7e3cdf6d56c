"""Promotion rests while a complaint is open and for some days after, also for who complains after the push."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest

from retention import campaigns
from retention.campaigns import holds
from retention.measurement import record_complaints
from tests.conftest import PEPPER
from tests.retention.campaigns.conftest import KEYS, TODAY, Company, settings
from tests.retention.campaigns.decided import Choice, consent_everybody, decide

ANA, BO, CHEN, DAI = (KEYS[name] for name in ("Ana", "Bo", "Chen", "Dai"))
NOON = "12:00:00+08:00"


@pytest.fixture
def shop(light: Company) -> Company:
    """Ana and Bo get a promotion, Chen a service message and a visit, Dai a promotion; all pushed this morning."""
    light.settings = settings(guard_minimum_rows=1_000)
    consent_everybody(light, KEYS.values())
    decide(
        light,
        [Choice("win_back", ANA), Choice("win_back", BO), Choice("care", CHEN), Choice("visit", CHEN), Choice("welcome", DAI)],
    )
    light.push()
    assert light.sendable() == {("win_back", "Ana"), ("win_back", "Bo"), ("care", "Chen"), ("welcome", "Dai")}
    return light


def tell(company: Company, name: str, number: str = "1", **times: Any) -> None:
    """The service desk's case of somebody, as the clock reads it: days count from today, and the row is as new as its last time."""
    told = {
        f"{what}_at": (company.days_ago(-days) if isinstance(days, int) else days).isoformat() for what, days in times.items()
    }
    with company.warehouse.begin() as connection:
        record_complaints(
            connection,
            PEPPER,
            "desk",
            [{"complaint_id": number, "customer_id": f"C{KEYS[name]:03d}", "severity": "medium", **told}],
            "crm",
        )
    # The desk's number of the customer is a key of its own, which belongs to the person.
    company.do(
        "insert into core.customer_alias (source_customer_key, customer_key, rule, linked_at) select distinct customer_key, :key, 'alone', now() "
        "from ops.complaint_clock where complaint_key not in (select complaint_key from core.complaint) and customer_key > 1000 "
        "and customer_key not in (select source_customer_key from core.customer_alias)",
        key=KEYS[name],
    )


@pytest.fixture(autouse=True)
def _no_cases_left(light: Company) -> Any:
    """Core is shared by the tests of this file."""
    yield
    light.do("delete from core.complaint")
    light.do("delete from core.customer_alias")


def at(days: int) -> datetime:
    """Noon some days from today in Shanghai."""
    return datetime.fromisoformat(f"{TODAY + timedelta(days=days)}T{NOON}")


def test_who_complains_after_the_push_is_hidden_at_the_next_read(shop: Company) -> None:
    """Ana complains at noon: gone by the next run of the clock, without a push. What is not promotion goes on."""
    tell(shop, "Ana", opened=0)
    tell(shop, "Chen", number="2", opened=0)
    assert ("win_back", "Ana") in shop.sendable(), "until somebody carries it over"
    found = holds.hold_promotion(shop.run(), at(0))
    assert found.counts() == {"promotion_rests": 2, "holds_changed": 2, "holds_released": 0}
    assert shop.sendable() == {("win_back", "Bo"), ("care", "Chen"), ("welcome", "Dai")}
    assert shop.members("marketing.task_list") == {("visit", "Chen")}
    again = holds.hold_promotion(shop.run(), at(0))
    assert (again.changed, again.released) == (0, 0)


def test_without_the_hold_she_would_be_written_to(shop: Company) -> None:
    """The damage, with the view's question left out."""
    tell(shop, "Ana", opened=0)
    holds.hold_promotion(shop.run(), at(0))
    ((view,),) = shop.ask("select pg_get_viewdef('marketing.permitted'::regclass)", shop.marketing)
    start = view.index("AND (NOT ((member.kind = 'promotional'::text)")
    off = view[:start] + view[view.index("AND (NOT (EXISTS", start) :]
    assert "contact_hold" not in off
    rows = shop.ask(f"select campaign from ({off.rstrip().rstrip(';')}) as without where customer_key = 1", shop.marketing)
    assert rows == [("win_back",)]


def test_rest_goes_on_after_the_case_is_solved_and_then_ends(shop: Company) -> None:
    """Solved today: seven days of rest, as the plan counts them; on the eighth she is let in again, with or without a run."""
    tell(shop, "Ana", opened=-2, resolved=0)
    holds.hold_promotion(shop.run(), at(0))
    assert ("win_back", "Ana") not in shop.sendable()
    eighth = shop.settings.day_start(TODAY + timedelta(days=8))
    assert shop.ask("select rests_until from marketing.contact_hold", shop.marketing) == [(eighth,)]
    assert holds.hold_promotion(shop.run(), at(7)).resting == 1
    assert holds.hold_promotion(shop.run(), at(8)).released == 1
    assert ("win_back", "Ana") in shop.sendable()


def test_a_rest_that_is_over_hides_nobody_though_no_run_came(shop: Company) -> None:
    shop.insert("marketing.contact_hold", customer_key=ANA, reason="complaint", since=at(-20), rests_until=at(-1))
    assert ("win_back", "Ana") in shop.sendable()


def test_whoever_heard_last_is_believed(shop: Company) -> None:
    """Core has Bo's case open as of last night; the desk says at noon that it is solved. Then it says it is open again."""
    shop.complaint("Bo", "minor", opened=3)
    key = shop.ask("select complaint_key from core.complaint")[0][0]
    shop.do("update core.complaint set version_at = :at", at=at(-1))
    assert holds.hold_promotion(shop.run(), at(0)).resting == 1
    shop.insert(
        "ops.complaint_clock", complaint_key=key, customer_key=BO, opened_at=at(-3), resolved_at=at(-9), updated_at=at(0)
    )
    assert holds.hold_promotion(shop.run(), at(0)).released == 1
    shop.do("update ops.complaint_clock set resolved_at = null, updated_at = :at", at=at(0) + timedelta(hours=1))
    assert holds.hold_promotion(shop.run(), at(0)).resting == 1
    shop.do("update ops.complaint_clock set deleted_at = :at", at=at(0))
    assert holds.hold_promotion(shop.run(), at(0)).released == 1, "deleted at the source: never was one"


def test_of_two_cases_the_open_one_counts(shop: Company) -> None:
    tell(shop, "Ana", opened=-3, resolved=-1)
    tell(shop, "Ana", number="2", opened=-1)
    holds.hold_promotion(shop.run(), at(0))
    assert shop.ask("select customer_key, since, rests_until from marketing.contact_hold", shop.marketing) == [
        (ANA, at(-3), None)
    ]


def test_the_push_asks_again_and_says_the_true_reason(shop: Company) -> None:
    """Ana complained, Bo said no, Dai is blocked after the plan: each leaves with the reason, not all for want of consent."""
    tell(shop, "Ana", opened=0)
    shop.consent("Bo", "marketing", "withdrawn")
    shop.insert("privacy.tombstone", source_customer_key=DAI, request_id="r", erased_at=at(0))
    shop.push()
    reasons = shop.ask(
        "select customer_key, reason from marketing.audience_change where change = 'removed' order by 1", shop.marketing
    )
    assert reasons == [(ANA, "complaint_hold"), (BO, "no_consent"), (DAI, "erased")]
    assert shop.members() == {("care", "Chen")}
    assert shop.ask("select count(*) from marketing.contact_hold", shop.marketing) == [(1,)]


def test_profiling_withdrawn_after_the_plan_is_named(shop: Company) -> None:
    decide(shop, [Choice("win_back", ANA, more={"uses_profiling": True}), Choice("win_back", BO)])
    shop.push()
    shop.consent("Ana", "profiling", "withdrawn")
    shop.push()
    assert shop.ask(
        "select reason from marketing.audience_change where change = 'removed' and customer_key = 1", shop.marketing
    ) == [("profiling_withdrawn",)]


def test_an_older_reading_does_not_overwrite_a_newer_one(shop: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run has asked the warehouse and stops; Ana complains; the next run waits its turn and has the last word."""
    asked, go_on = threading.Event(), threading.Event()
    original = holds.resting_people

    def slow(run: Any, now: Any = None) -> Any:
        rows = original(run, now)
        if not asked.is_set():
            asked.set()
            assert go_on.wait(20)
        return rows

    monkeypatch.setattr(holds, "resting_people", slow)
    first = threading.Thread(target=lambda: holds.hold_promotion(shop.run(task_id="clock"), at(0)))
    first.start()
    assert asked.wait(20)
    tell(shop, "Ana", opened=0)
    second = threading.Thread(target=lambda: holds.hold_promotion(shop.run(task_id="consent"), at(0)))
    second.start()
    waiting = "select count(*) from pg_catalog.pg_locks where not granted and relation = 'marketing.contact_hold'::regclass"
    while second.is_alive() and shop.ask(waiting, shop.marketing) == [(0,)]:
        pass
    go_on.set()
    first.join()
    second.join()
    assert shop.ask("select customer_key from marketing.contact_hold", shop.marketing) == [(ANA,)]


@pytest.mark.parametrize("point", ["holds.read", "holds.before_commit"])
def test_a_run_that_dies_changes_nothing_and_the_next_does_it(
    shop: Company, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(shop, "Ana", opened=0)
    monkeypatch.setenv("RETENTION_FAILPOINTS", f"{point}:raise")
    with pytest.raises(RuntimeError, match=point):
        holds.hold_promotion(shop.run(), at(0))
    monkeypatch.delenv("RETENTION_FAILPOINTS")
    assert shop.ask("select count(*) from marketing.contact_hold", shop.marketing) == [(0,)]
    assert holds.hold_promotion(shop.run(), at(0)).changed == 1


def test_without_a_marketing_database_it_says_so(shop: Company) -> None:
    with pytest.raises(campaigns.NoMarketingDatabase, match="RETENTION_MARKETING_URL"):
        holds.hold_promotion(shop.run(marketing=None))
