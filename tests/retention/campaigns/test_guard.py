"""The guard: what is over a budget waits, what is not goes on, and who said no is never kept."""

from __future__ import annotations

import logging

import pytest

from retention import campaigns
from retention.campaigns.approvals import Approval
from retention.campaigns.guard import Excess, Movement, Population, Verdict, find_excess
from tests.retention.campaigns.conftest import Company, settings
from tests.retention.campaigns.decided import Choice, consent_everybody, decide

STRICT = {"guard_minimum_rows": 1}


@pytest.fixture
def base(light: Company) -> Company:
    """A hundred customers who agreed to marketing; budgets hold from the second row."""
    light.settings = settings(**STRICT)
    consent_everybody(light, range(1, 101))
    return light


def win_back(*keys: int, **more: object) -> list[Choice]:
    """Some people in one play."""
    return [Choice("win_back", key, **more) for key in keys]  # type: ignore[arg-type]


def day(company: Company, choices: list[Choice], **more: object) -> dict[str, object]:
    """Decide the day and push it."""
    decide(company, choices, **more)  # type: ignore[arg-type]
    return company.push()


def held(company: Company) -> dict[str, set[int]]:
    """Keys by audience, as the marketing database has them."""
    found: dict[str, set[int]] = {}
    for campaign, key in company.ask("select campaign, customer_key from marketing.campaign_audience", company.marketing):
        found.setdefault(campaign, set()).add(key)
    return found


def states(company: Company) -> list[str]:
    """States of all pushes."""
    return [row[0] for row in company.ask("select state from marketing.audience_sync order by sync_id", company.marketing)]


# -- joins and size -----------------------------------------------------------------------------------------------------
def test_a_first_push_to_most_of_the_base_waits_and_the_other_audience_goes(
    base: Company, caplog: pytest.LogCaptureFixture
) -> None:
    """Seventy of a hundred are over 60 %. They wait; the welcome of three goes out. The message says what and how much."""
    caplog.set_level(logging.WARNING)
    counts = day(base, [*win_back(*range(1, 71)), *(Choice("welcome", key) for key in (71, 72, 73))])
    assert (counts["added"], counts["withheld"]) == (3, 70)
    assert counts["needs_approval"] == "win_back: size 70, allowed 60"
    assert held(base) == {"welcome": {71, 72, 73}}
    assert states(base) == ["needs_approval"]
    assert base.ask("select play, measure, cause, found, allowed from campaigns.guard_stop") == [
        ("win_back", "size", "budget", 70, 60)
    ]
    assert "70 changes wait for approval, everything else was pushed" in caplog.text
    assert "docs/runbook.md#needs-approval" in caplog.text
    rows = base.ask(
        "select campaign, rows_total, rows_added, joins_withheld from marketing.audience_sync_play order by 1", base.marketing
    )
    assert rows == [("care", 0, 0, 0), ("visit", 0, 0, 0), ("welcome", 3, 3, 0), ("win_back", 0, 0, 70)]


def test_without_the_guard_all_of_them_are_written_to(base: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The damage."""
    monkeypatch.setattr("retention.campaigns.difference.find_excess", lambda *given: [])
    assert day(base, win_back(*range(1, 71)))["added"] == 70


def test_a_small_audience_that_multiplies_waits(base: Company) -> None:
    """From one to six over night is less than 60 % of everybody, but six times what was delivered: the threshold is wrong."""
    assert day(base, win_back(1))["added"] == 1
    base.next_day()
    counts = day(base, win_back(*range(1, 7)))
    assert (counts["added"], counts["needs_approval"]) == (0, "win_back: size 6, allowed 5")
    assert held(base) == {"win_back": {1}}


def test_what_waited_is_not_what_is_usual(base: Company) -> None:
    """Planned ten times as large and held back for a day: the next day it is still held back, because it was never delivered."""
    day(base, win_back(1))
    for _ in range(2):
        base.next_day()
        counts = day(base, [*win_back(*range(1, 11)), Choice("care", 50 + base.tries)])
        assert counts["needs_approval"] == "win_back: size 10, allowed 5"
    assert held(base)["win_back"] == {1}


def test_staff_are_not_handed_everybody(base: Company) -> None:
    """A tier rule gone wrong makes everybody a VIP: nobody's account manager gets seventy visits."""
    counts = day(base, [Choice("visit", key) for key in range(1, 71)])
    assert (counts["tasks_added"], counts["needs_approval"]) == (0, "visit: size 70, allowed 60")
    assert base.ask("select count(*) from marketing.staff_task", base.marketing) == [(0,)]
    assert base.ask("select count(*) from marketing.issued_send_key", base.marketing) == [(0,)]


def test_open_tasks_are_not_all_withdrawn_at_once(base: Company) -> None:
    """Tasks are members of a staff play: three of four withdrawn over night wait, the new one is made."""
    day(base, [Choice("visit", key) for key in (1, 2, 3, 4)])
    base.next_day()
    counts = day(base, [Choice("visit", key) for key in (1, 5)])
    assert (counts["tasks_added"], counts["tasks_withdrawn"], counts["withheld"]) == (1, 0, 3)
    assert counts["needs_approval"] == "visit: leaves 3, allowed 2"


# -- leaves -------------------------------------------------------------------------------------------------------------
def test_additions_within_bounds_go_and_removals_wait(base: Company) -> None:
    """Three of five lost customers seem to be lost no more over night: somebody should look. Who is new joins; nobody leaves."""
    day(base, win_back(1, 2, 3, 4, 5))
    base.next_day()
    counts = day(base, [*win_back(4, 5, 6), Choice("welcome", 7)])
    assert (counts["added"], counts["removed"], counts["withheld"]) == (2, 0, 3)
    assert counts["needs_approval"] == "win_back: leaves 3, allowed 2"
    assert held(base) == {"win_back": {1, 2, 3, 4, 5, 6}, "welcome": {7}}
    assert base.ask(
        "select rows_added, leaves_withheld from marketing.audience_sync_play where campaign = 'win_back' "
        "order by sync_id desc limit 1", base.marketing,
    ) == [(1, 3)]  # fmt: skip


def test_without_that_budget_they_are_all_taken_out(base: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The damage."""
    day(base, win_back(1, 2, 3, 4, 5))
    base.next_day()
    monkeypatch.setattr("retention.campaigns.difference.find_excess", lambda *given: [])
    assert day(base, win_back(4, 5, 6))["removed"] == 3


def test_who_said_no_leaves_whatever_the_budget(base: Company) -> None:
    """Four of five withdrew: they go at once, and do not count; the fifth leaves within the budget of one row."""
    day(base, win_back(1, 2, 3, 4, 5))
    base.next_day()
    for name in ("Ana", "Bo", "Chen", "Dai"):
        base.consent(name, "marketing", "withdrawn")
    counts = day(base, win_back(1, 2, 3, 4, 5))
    assert (counts["removed"], counts["withheld"]) == (4, 0)
    base.next_day()
    assert day(base, [])["removed"] == 1, "one row is always within the budget"


def test_who_said_no_leaves_although_the_rest_waits(base: Company) -> None:
    """All five are planned no more: an empty plan lets nobody go but Ana, who withdrew, and Bo, whose time is over."""
    day(base, [Choice("win_back", 2, valid_days=1), *win_back(1, 3, 4, 5)])
    base.next_day()
    base.consent("Ana", "marketing", "withdrawn")
    # The plan still selects her: the withdrawal came after it.
    counts = day(base, win_back(1))
    assert counts["removed"] == 2
    assert held(base) == {"win_back": {3, 4, 5}}
    reasons = base.ask(
        "select customer_key, reason from marketing.audience_change where change = 'removed' order by 1", base.marketing
    )
    assert reasons == [(1, "no_consent"), (2, "expired")]


def test_an_audience_over_budget_is_not_updated_either(base: Company) -> None:
    """The offer of everybody changes with the flood: who is in keeps what was delivered, until somebody has looked."""
    day(base, win_back(1))
    base.next_day()
    counts = day(base, win_back(*range(1, 8), offer="10_percent"))
    assert (counts["updated"], counts["withheld"]) == (0, 7)
    assert base.ask("select distinct offer from marketing.campaign_audience", base.marketing) == [("none",)]


def test_nobody_is_in_two_promotions_because_one_held_them_back(base: Company) -> None:
    """1, 2 and 3 move from win_back to welcome. Their leaving waits, so their joining waits too; 9 is new and joins."""
    day(base, win_back(1, 2, 3, 4), plays=["win_back"])
    base.next_day()
    counts = day(base, [*win_back(4), *(Choice("welcome", key) for key in (1, 2, 3, 9))])
    assert (counts["added"], counts["withheld"]) == (1, 6)
    assert held(base) == {"win_back": {1, 2, 3, 4}, "welcome": {9}}
    campaigns.approve(base.warehouse, base.run().business_date, "Wu", "they bought")
    counts = base.push()
    assert (counts["added"], counts["removed"], counts["withheld"]) == (3, 3, 0)
    assert held(base) == {"win_back": {4}, "welcome": {1, 2, 3, 9}}


# -- empty and failed sources -------------------------------------------------------------------------------------------
def test_an_empty_plan_removes_nobody(base: Company) -> None:
    """Not even within the rows that are always free: that every audience empties at once is no decision of anybody."""
    base.settings = settings(guard_minimum_rows=1_000)
    day(base, [*win_back(1, 2), Choice("visit", 3)])
    base.next_day()
    counts = day(base, [])
    assert (counts["removed"], counts["tasks_withdrawn"], counts["withheld"]) == (0, 0, 3)
    assert counts["needs_approval"] == (
        "visit: leaves 1, allowed 0 (every audience would empty at once); "
        "win_back: leaves 2, allowed 0 (every audience would empty at once)"
    )


def test_a_population_that_fell_by_more_than_half_removes_nobody(base: Company) -> None:
    """The source of customers delivered forty of a hundred, and passed its checks: who is not among them is not known to have left."""
    base.settings = settings(guard_minimum_rows=1_000)
    day(base, win_back(1, 2, 3))
    base.next_day()
    counts = day(base, win_back(1), population=49)
    assert (counts["removed"], counts["withheld"]) == (0, 2)
    assert "allowed 0 (far fewer customers than at the push before)" in str(counts["needs_approval"])
    base.next_day()
    assert day(base, win_back(1), population=100)["removed"] == 2, "half of the push before is where it is measured from"


def test_a_play_that_was_not_planned_removes_nobody(base: Company) -> None:
    """Its file is gone from the folder: its members stay until they expire or somebody approves."""
    base.settings = settings(guard_minimum_rows=1_000)
    day(base, win_back(1, 2))
    base.next_day()
    counts = day(base, [Choice("welcome", 9)], plays=("welcome",))
    assert (counts["added"], counts["removed"]) == (1, 0)
    assert counts["needs_approval"] == "win_back: leaves 2, allowed 0 (the play was not planned that day)"
    campaigns.approve(base.warehouse, base.run().business_date, "Wu", "the play was retired")
    assert base.push()["removed"] == 2


# -- pushes of one day share a budget -----------------------------------------------------------------------------------
def test_two_pushes_of_a_day_do_not_use_the_budget_twice(base: Company) -> None:
    """Two of four may leave in a day. Two leave in the morning; two more at noon wait, and may leave tomorrow."""
    day(base, win_back(1, 2, 3, 4))
    base.next_day()
    assert day(base, win_back(3, 4))["removed"] == 2
    counts = day(base, win_back(4))
    assert (counts["removed"], counts["needs_approval"]) == (0, "win_back: leaves 3 (2 of them earlier today), allowed 2")
    assert base.ask("select found, allowed from campaigns.guard_stop") == [(3, 2)]
    base.next_day()
    assert day(base, win_back(4))["removed"] == 1


def test_without_counting_the_day_they_would(base: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The damage: three of four in one day, by two pushes."""
    monkeypatch.setattr("retention.campaigns.difference._moved_earlier", lambda *given: {})
    day(base, win_back(1, 2, 3, 4))
    base.next_day()
    assert day(base, win_back(3, 4))["removed"] == 2
    assert day(base, win_back(4))["removed"] == 1


def test_joins_of_a_day_add_up(base: Company) -> None:
    """A quarter of a hundred may join in a day: twenty in the morning, six more are one too many."""
    day(base, win_back(*range(1, 31)))
    base.next_day()
    assert day(base, win_back(*range(1, 51)))["added"] == 20
    counts = day(base, win_back(*range(1, 57)))
    assert (counts["added"], counts["needs_approval"]) == (0, "win_back: joins 26 (20 of them earlier today), allowed 25")
    assert day(base, win_back(*range(1, 56)))["added"] == 5


def test_a_first_audience_may_grow_on_its_first_day(base: Company) -> None:
    """Nothing was delivered when the day began: the size alone counts, at noon as in the morning."""
    assert day(base, win_back(*range(1, 41)))["added"] == 40
    assert day(base, win_back(*range(1, 51)))["added"] == 10


def test_an_approval_is_of_the_days_count(base: Company) -> None:
    """Three leave by two pushes, one of them approved; a fourth in the evening waits again."""
    day(base, win_back(1, 2, 3, 4, 5))
    base.next_day()
    day(base, win_back(3, 4, 5))
    assert day(base, win_back(4, 5))["withheld"] == 1
    assert campaigns.approve(base.warehouse, base.run().business_date, "Wu", "they bought")["ceilings"] == {
        "win_back.leaves.budget": 3
    }
    assert base.push()["removed"] == 1
    assert day(base, win_back(5))["needs_approval"] == "win_back: leaves 4 (3 of them earlier today), allowed 2"


def test_what_was_approved_asks_for_nothing_when_it_is_pushed_again(base: Company) -> None:
    """Seventy were let in by name; the same seventy at noon are no news, and seventy-one wait."""
    day(base, win_back(*range(1, 71)))
    campaigns.approve(base.warehouse, base.run().business_date, "Wu", "win-back week")
    assert base.push()["added"] == 70
    again = base.push()
    assert "needs_approval" not in again
    with pytest.raises(campaigns.NothingToApprove):
        campaigns.approve(base.warehouse, base.run().business_date, "Wu", "again")
    assert day(base, win_back(*range(1, 72)))["needs_approval"] == "win_back: size 71, allowed 60"


# -- approval -----------------------------------------------------------------------------------------------------------
def test_an_approval_is_a_ceiling_for_one_push_and_computed_afresh(base: Company) -> None:
    """Seventy approved: eighty wait again; another seventy of them go, whoever they are, once."""
    business_date = base.run().business_date
    with pytest.raises(campaigns.NothingToApprove, match="there is nothing to approve"):
        campaigns.approve(base.warehouse, business_date, "Wu", "win-back week")
    day(base, win_back(*range(1, 71)))
    with pytest.raises(campaigns.NothingToApprove, match="name and a reason"):
        campaigns.approve(base.warehouse, business_date, "Wu", " ")
    given = campaigns.approve(base.warehouse, business_date, "Wu", "win-back week")
    assert given["ceilings"] == {"win_back.size.budget": 70}
    assert day(base, win_back(*range(1, 81)))["needs_approval"] == "win_back: size 80, allowed 60"
    counts = day(base, win_back(*range(31, 101)))
    assert (counts["added"], counts["withheld"]) == (70, 0)
    assert held(base) == {"win_back": set(range(31, 101))}
    assert states(base) == ["needs_approval", "committed"]
    assert base.ask(
        "select approved_by, approval_reason from marketing.audience_sync where approval_id is not null", base.marketing
    ) == [("Wu", "win-back week")]
    assert base.ask("select approved_by, used_by_run from campaigns.approval where used_at is not null") == [("Wu", "run-1")]
    assert base.ask("select actor, action, reason from ops.audit") == [("Wu", "approve_push", "win-back week")]
    with pytest.raises(campaigns.NothingToApprove, match="there is nothing to approve"):
        campaigns.approve(base.warehouse, business_date, "Wu", "again")


def test_an_approval_of_one_day_is_none_of_the_next(base: Company) -> None:
    day(base, win_back(*range(1, 71)))
    campaigns.approve(base.warehouse, base.run().business_date, "Wu", "win-back week")
    base.next_day()
    assert day(base, win_back(*range(1, 71)))["withheld"] == 70


def test_an_approval_for_a_run_is_none_of_another(base: Company) -> None:
    day(base, win_back(*range(1, 71)))
    campaigns.approve(base.warehouse, base.run().business_date, "Wu", "win-back week", run_id="run-7")
    assert base.push()["withheld"] == 70
    assert base.push(run_id="run-7")["added"] == 70


def test_an_approval_of_leaves_is_none_of_joins(base: Company) -> None:
    """What was approved goes, what was not waits on: the removals of win_back, not the flood of welcome."""
    day(base, win_back(1, 2, 3, 4))
    base.next_day()
    assert day(base, win_back(4))["withheld"] == 3
    campaigns.approve(base.warehouse, base.run().business_date, "Wu", "they bought")
    counts = day(base, [*win_back(4), *(Choice("welcome", key) for key in range(20, 90))])
    assert (counts["removed"], counts["added"]) == (3, 0)
    assert counts["needs_approval"] == "welcome: size 70, allowed 1"
    assert day(base, win_back(4))["withheld"] == 0


def test_an_approval_for_one_cause_is_none_for_another(base: Company) -> None:
    """Wu agreed that three of five leave. When the plan comes back empty, the same three leave for a cause that nobody has seen."""
    day(base, win_back(1, 2, 3, 4, 5))
    base.next_day()
    assert day(base, win_back(4, 5))["withheld"] == 3
    given = campaigns.approve(base.warehouse, base.run().business_date, "Wu", "they bought")
    assert given["ceilings"] == {"win_back.leaves.budget": 3}
    counts = day(base, win_back(4, 5), population=49)
    assert (counts["removed"], counts["withheld"]) == (0, 3)
    assert "far fewer customers" in str(counts["needs_approval"])
    assert campaigns.approve(base.warehouse, base.run().business_date, "Wu", "moved to the new CRM")["ceilings"] == {
        "win_back.leaves.population": 3
    }
    assert base.push()["removed"] == 3


def test_bound_to_no_cause_it_would_have_covered_it(base: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The damage."""
    monkeypatch.setattr("retention.campaigns.approvals._ceiling", lambda play, measure, cause: f"{play}.{measure}")
    day(base, win_back(1, 2, 3, 4, 5))
    base.next_day()
    day(base, win_back(4, 5))
    campaigns.approve(base.warehouse, base.run().business_date, "Wu", "they bought")
    assert day(base, win_back(4, 5), population=49)["removed"] == 3


def test_the_answer_to_airflow_is_safe_to_carry_out_again(base: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Died between approval and push, then tried twice more: one approval, one push, and the last try finds nothing to do."""
    day(base, win_back(*range(1, 71)))
    monkeypatch.setenv("RETENTION_FAILPOINTS", "push.before_stage:raise")
    with pytest.raises(RuntimeError, match=r"push\.before_stage"):
        campaigns.push_approved(base.run(), "Wu", "win-back week")
    monkeypatch.delenv("RETENTION_FAILPOINTS")
    assert [campaigns.push_approved(base.run(), "Wu", "win-back week")["added"] for _ in range(2)] == [70, 0]
    assert base.ask("select approved_by, run_id from campaigns.approval") == [("Wu", "run-1")]
    with pytest.raises(campaigns.NothingToApprove, match="name and a reason"):
        campaigns.push_approved(base.run(), "Wu", "")


def test_lost_receipts_leave_an_approval_used(base: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Died after the commit, before the receipt: the next push books it first, and the approval is used up."""
    day(base, win_back(*range(1, 71)))
    campaigns.approve(base.warehouse, base.run().business_date, "Wu", "win-back week")
    monkeypatch.setenv("RETENTION_FAILPOINTS", "push.committed:raise")
    with pytest.raises(RuntimeError, match=r"push\.committed"):
        base.push()
    monkeypatch.delenv("RETENTION_FAILPOINTS")
    assert base.ask("select count(*) from campaigns.approval where used_at is not null") == [(0,)]
    base.push()
    assert base.ask("select count(*) from campaigns.approval where used_at is not null") == [(1,)]


# -- budgets ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("moved", "measures"),
    [
        pytest.param({"size": 60}, [], id="at the share of the base"),
        pytest.param({"size": 61}, ["size"], id="above it"),
        pytest.param({"size": 50, "usual": 10}, [], id="five times the usual"),
        pytest.param({"size": 51, "usual": 10}, ["size"], id="more than that"),
        pytest.param({"size": 10, "usual": 0}, [], id="few are always allowed"),
        pytest.param({"size": 40, "held": 40, "joins": 25}, [], id="a quarter of the base joins"),
        pytest.param({"size": 40, "held": 40, "joins": 26}, ["joins"], id="more than that joins"),
        pytest.param({"size": 20, "held": 40, "leaves": 20}, [], id="half leaves"),
        pytest.param({"size": 19, "held": 40, "leaves": 21}, ["leaves"], id="more than half leaves"),
        pytest.param({"size": 60, "joins": 60, "was_delivered": False}, [], id="a first push has no joins"),
        pytest.param({"size": 5, "held": 6, "leaves": 1, "is_planned": False}, ["leaves"], id="not planned, nobody leaves"),
        pytest.param({"size": 0, "held": 1, "leaves": 1}, [], id="the only member leaves"),
        pytest.param({"size": 0, "held": 2, "leaves": 2}, ["leaves"], id="everybody leaves"),
    ],
)
def test_budgets(moved: dict[str, int], measures: list[str]) -> None:
    """A base of 100 customers, ten rows always free."""
    given = {"held": 0, "size": 0, "joins": 0, "leaves": 0, "was_delivered": True, **moved}
    found = find_excess([Movement("p", **given)], Population(100), settings(guard_minimum_rows=10).campaigns)  # type: ignore[arg-type]
    assert [item.measure for item in found] == measures


@pytest.mark.parametrize(("now", "waits"), [(50, False), (49, True)])
def test_population_is_measured_against_the_push_before(now: int, waits: bool) -> None:
    movement = Movement("p", held=5, size=4, joins=0, leaves=1, was_delivered=True)
    found = find_excess([movement], Population(now, 100), settings().campaigns)
    assert [item.cause for item in found] == (["population"] if waits else [])


def test_a_play_has_budgets_of_its_own(base: Company) -> None:
    """Its file says that at most 5 % of the base may be in it, and that three rows are free."""
    counts = day(base, win_back(*range(1, 7)), guards={"win_back": {"base_share": 0.05, "minimum_rows": 3}})
    assert counts["needs_approval"] == "win_back: size 6, allowed 5"
    counts = day(base, win_back(*range(1, 7)), guards={"win_back": {"base_share": 0.06, "minimum_rows": 3}})
    assert counts["added"] == 6


def test_what_waits_by_audience() -> None:
    """Joins wait only where joins or size are over; everything else waits wherever anything is."""
    verdict = Verdict((Excess("a", "leaves", 9, 1), Excess("b", "size", 9, 1)))
    assert (verdict.joins, verdict.rest) == (frozenset({"b"}), frozenset({"a", "b"}))
    assert Approval(1, "Wu", "-", {"a.leaves.budget": 9}).covers(verdict.waiting[0])
    assert not Approval(1, "Wu", "-", {"a.leaves.budget": 8}).covers(verdict.waiting[0])
    assert not Approval(1, "Wu", "-", {"a.leaves.budget": 9}).covers(Excess("a", "leaves", 9, 0, "empty"))
    assert not Approval(1, "Wu", "-", {}).covers(Excess("a", "leaves", 0, 0))
