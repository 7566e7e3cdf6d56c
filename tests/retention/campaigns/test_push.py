"""What reaches the marketing database: once, as differences, never for somebody who said no, never for a past day."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from retention import campaigns
from retention.settings import CompanySettings
from retention.warehouse import DatabaseFailed, Fenced, Warehouse, migrate
from tests.conftest import run_maker
from tests.retention.campaigns.conftest import KEYS, STAFFED_TRIES, Company, settings, write_plays

MEMBERS = {
    ("second_purchase", "Ana"),
    ("birthday", "Chen"),
    ("churn_rescue", "Dai"),
    ("win_back", "Emma"),
    ("complaint_recovery", "Fang"),
    ("welcome", "Hana"),
    ("tier_nudge", "Jin"),
}


@pytest.fixture
def begins_with(
    request: pytest.FixtureRequest,
    begins_with: str | None,
    prepare: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> str | None:
    """The first push where a test asks for it."""

    def push(warehouse: Warehouse, marketing: Warehouse) -> None:
        plays = write_plays(tmp_path_factory.mktemp("pushed") / "plays")
        staffed = Company(warehouse, marketing, run_maker(warehouse), tries=STAFFED_TRIES, plays_dir=plays)
        staffed.plan()
        counts = staffed.push()
        assert (counts["added"], counts["removed"], counts["tasks_added"]) == (7, 0, 2)

    return prepare("pushed", push, on=begins_with) if "pushed" in request.fixturenames else begins_with


@pytest.fixture
def pushed(staffed: Company) -> Company:
    """The staffed company after its first push, which its databases begin with."""
    staffed.tries += 2  # planned and pushed
    return staffed


def test_members_tasks_and_receipts(pushed: Company) -> None:
    """Tools see the seven messages; the visit and the call are tasks for people; nine receipts."""
    assert pushed.members() == MEMBERS
    assert pushed.sendable() == MEMBERS
    assert pushed.members("marketing.staff_task") == {("complaint_call", "Gao"), ("strategic_care", "Chen")}
    assert pushed.ask("select count(*), count(distinct send_key) from campaigns.delivery") == [(9, 9)]
    row = pushed.ask(
        "select customer_id, offer, language, channel, send_key from marketing.sendable where campaign = 'second_purchase'",
        pushed.marketing,
    )
    assert row == [("C001", "second_order_10_percent", "en", "email", "second_purchase|email|once|1")]


def test_pushing_the_day_again_changes_nothing(pushed: Company) -> None:
    """Nor does planning it again first: no change, no second account, no second receipt."""
    for _ in range(2):
        pushed.plan()
        counts = pushed.push()
        assert {counts[name] for name in ("added", "updated", "removed", "tasks_added", "tasks_withdrawn")} == {0}
    assert pushed.ask("select count(*) from marketing.audience_sync", pushed.marketing) == [(1,)]
    assert pushed.ask("select count(*) from marketing.audience_change", pushed.marketing) == [(7,)]
    assert pushed.ask("select count(*) from campaigns.push_receipt") == [(1,)]


def test_the_next_day_carries_memberships_on(pushed: Company) -> None:
    """Same people, same keys, same offers: not one change, and nobody is shut out by having received it."""
    pushed.next_day()
    pushed.do("update features.customer_orders set first_order_at = first_order_at - interval '1 day'")
    pushed.plan()
    counts = pushed.push()
    assert (counts["added"], counts["updated"], counts["removed"], counts["total"]) == (0, 0, 0, 7)
    assert pushed.ask("select count(*) from marketing.audience_sync", pushed.marketing) == [(2,)]


def test_who_leaves_gets_a_removal(pushed: Company) -> None:
    """Ana bought again: out, with the reason, and not back in within the period."""
    pushed.next_day()
    pushed.do(
        "update segments.lifecycle set lifecycle_stage = 'repeat' where customer_key = 1 and as_of_date = :day",
        day=pushed.as_of_date,
    )
    pushed.plan()
    assert pushed.push()["removed"] == 1
    assert pushed.members() == MEMBERS - {("second_purchase", "Ana")}
    found = pushed.ask("select campaign, reason from marketing.audience_change where change = 'removed'", pushed.marketing)
    assert found == [("second_purchase", "not_in_audience")]
    assert pushed.ask("select removed_reason from campaigns.delivery where removed_on is not null") == [("not_in_audience",)]
    pushed.next_day()
    pushed.do(
        "update segments.lifecycle set lifecycle_stage = 'new' where customer_key = 1 and as_of_date = :day",
        day=pushed.as_of_date,
    )
    pushed.plan()
    assert pushed.decisions()["second_purchase", "Ana"] == ("excluded", "already_received")


def test_a_task_whose_reason_went_is_withdrawn(pushed: Company) -> None:
    """Gao's complaint is resolved: nobody calls about it any more."""
    pushed.next_day()
    pushed.do("update core.complaint set resolved_at = :at where customer_key = 7", at=pushed.days_ago(1))
    pushed.plan()
    assert pushed.push()["tasks_withdrawn"] == 1
    assert pushed.ask("select campaign, state from marketing.staff_task order by 1", pushed.marketing) == [
        ("complaint_call", "withdrawn"),
        ("strategic_care", "open"),
    ]


def test_changes_replayed_are_the_audience(pushed: Company) -> None:
    """A tool that follows by difference ends where campaign_audience is."""
    pushed.next_day()
    pushed.do(
        "update segments.lifecycle set lifecycle_stage = 'repeat' where customer_key in (1, 8) and as_of_date = :day",
        day=pushed.as_of_date,
    )
    pushed.plan()
    pushed.push()
    replayed: dict[tuple[str, int], str] = {}
    for campaign, key, change, send_key in pushed.ask(
        "select campaign, customer_key, change, send_key from marketing.audience_change order by sequence", pushed.marketing
    ):
        if change == "removed":
            del replayed[campaign, key]
        else:
            replayed[campaign, key] = send_key
    held = pushed.ask("select campaign, customer_key, send_key from marketing.campaign_audience", pushed.marketing)
    assert replayed == {(campaign, key): send_key for campaign, key, send_key in held}


# -- consent ------------------------------------------------------------------------------------------------------------
def test_withdrawn_before_the_plan(staffed: Company) -> None:
    staffed.consent("Ana", "marketing", "withdrawn")
    staffed.plan()
    staffed.push()
    assert staffed.members() == MEMBERS - {("second_purchase", "Ana")}


def test_withdrawn_between_plan_and_push(staffed: Company) -> None:
    """The push asks the ledger again; the feed has not even run."""
    staffed.plan()
    staffed.consent("Ana", "marketing", "withdrawn")
    staffed.push()
    assert staffed.members() == MEMBERS - {("second_purchase", "Ana")}


def test_without_asking_again_the_push_would_hand_her_out(staffed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The damage with that guard off; and the view still holds her back, because it asks for itself."""
    from retention.campaigns import staging

    original = staging.sql_file
    asked = "coalesce(consents.decision, case when asked.purpose = 'service' then 'granted' end, 'none') <> 'granted'"
    assert asked in original("campaigns/_deliverable")
    monkeypatch.setattr(staging, "sql_file", lambda name: original(name).replace(asked, "false"))
    staffed.plan()
    staffed.consent("Ana", "marketing", "withdrawn")
    staffed.push()
    assert ("second_purchase", "Ana") in staffed.members()
    staffed.sync()
    assert ("second_purchase", "Ana") not in staffed.sendable()


def test_withdrawn_after_the_push(pushed: Company) -> None:
    """The next read after the feed has her no more, without a push; the next push removes her with the reason."""
    assert ("second_purchase", "Ana") in pushed.sendable()
    pushed.consent("Ana", "marketing", "withdrawn")
    pushed.sync()
    assert pushed.sendable() == MEMBERS - {("second_purchase", "Ana")}
    pushed.plan()
    pushed.push()
    assert ("second_purchase", "Ana") not in pushed.members()
    assert pushed.ask("select reason from marketing.audience_change where change = 'removed'", pushed.marketing) == [
        ("no_consent",)
    ]


@pytest.mark.parametrize(("channel", "hidden"), [("email", True), ("all", True), ("sms", False)])
def test_unsubscribing_in_the_tool_works_at_the_next_read(pushed: Company, channel: str, hidden: bool) -> None:
    """Ana is written to by e-mail. Her unsubscribe counts before the pipeline has read it, for the channels it names."""
    pushed.insert(
        "marketing.campaign_event",
        campaign="welcome",
        customer_key=1,
        channel=channel,
        kind="unsubscribed",
        occurred_at=datetime.now(UTC),
    )
    assert (("second_purchase", "Ana") not in pushed.sendable()) == hidden


def test_consent_given_after_an_unsubscribe_counts(pushed: Company) -> None:
    pushed.insert(
        "marketing.campaign_event",
        campaign="welcome",
        customer_key=1,
        channel="email",
        kind="unsubscribed",
        occurred_at=pushed.days_ago(200),
    )
    assert ("second_purchase", "Ana") not in pushed.sendable()
    pushed.do("update marketing.consent_state set decided_at = now() where customer_key = 1", pushed.marketing)
    assert ("second_purchase", "Ana") in pushed.sendable()


def test_other_reasons_not_to_show_somebody(pushed: Company) -> None:
    """Suppressed, unprofiled, expired, not yet valid, taken over by a tool: each hides exactly that person."""
    do = pushed.do
    do("insert into marketing.suppression (customer_key) values (1)", pushed.marketing)
    do(
        "update marketing.consent_state set decision = 'withdrawn' where customer_key = 4 and purpose = 'profiling'",
        pushed.marketing,
    )
    do("update marketing.campaign_audience set valid_until = now() where customer_key = 5", pushed.marketing)
    do("update marketing.campaign_audience set valid_from = now() + interval '1 hour' where customer_key = 8", pushed.marketing)
    do(
        "insert into marketing.acknowledgement (send_key, tool) select send_key, 'mailer' from marketing.campaign_audience where customer_key = 10",
        pushed.marketing,
    )
    assert pushed.sendable() == {("birthday", "Chen"), ("complaint_recovery", "Fang")}


def test_a_silent_consent_feed_shows_nobody(pushed: Company) -> None:
    pushed.do("update marketing.consent_feed set heartbeat_at = now() - interval '25 hours'", pushed.marketing)
    assert pushed.sendable() == MEMBERS
    pushed.do("update marketing.consent_feed set heartbeat_at = now() - interval '27 hours'", pushed.marketing)
    assert pushed.sendable() == set()
    pushed.do("delete from marketing.consent_feed", pushed.marketing)
    assert pushed.sendable() == set()


# -- days, tokens, attempts ---------------------------------------------------------------------------------------------
def test_an_older_day_is_never_pushed(pushed: Company) -> None:
    pushed.next_day()
    pushed.plan()
    pushed.push()
    before = _everything_handed_out(pushed)
    pushed.as_of_date -= timedelta(days=1)
    pushed.do("update segments.lifecycle set lifecycle_stage = 'lost' where as_of_date = :day", day=pushed.as_of_date)
    pushed.plan()
    assert pushed.push() == {"skipped": f"older than {pushed.as_of_date}"}
    assert _everything_handed_out(pushed) == before


def _everything_handed_out(company: Company) -> list[object]:
    """Members, changes and tasks in the marketing database, and what the warehouse knows of them."""
    there = ("campaign_audience", "audience_change", "audience_sync", "staff_task", "issued_send_key", "push_state")
    return [
        *(company.ask(f"select * from marketing.{table} order by 1, 2", company.marketing) for table in there),
        *(company.ask(f"select * from campaigns.{table} order by 1, 2") for table in ("delivery", "push_receipt", "holdout")),
    ]


def test_a_backfill_into_an_empty_marketing_database_sends_nothing(staffed: Company) -> None:
    """The day after is already ingested: this one is past, even though nothing was ever pushed."""
    staffed.insert("ops.batch", source="crm", entity="order", business_date=staffed.as_of_date, run_id="r", state="published")
    staffed.plan()
    assert "older than" in staffed.push()["skipped"]
    assert staffed.members() == set()


def test_an_attempt_with_an_old_token_changes_nothing(pushed: Company) -> None:
    """A zombie wakes up with the token it had; the stream has moved on."""
    pushed.do("update marketing.push_state set token = 1000", pushed.marketing)
    pushed.next_day()
    pushed.plan()
    with pytest.raises(Fenced, match="token 1000"):
        pushed.push()
    assert pushed.members() == MEMBERS


def test_two_pushes_at_once_give_one(staffed: Company) -> None:
    staffed.plan()
    runs = [staffed.run(task_id=f"push {number}", run_id=f"run-{number}") for number in range(2)]
    outcomes: list[dict[str, object]] = []
    threads = [threading.Thread(target=lambda run=run: outcomes.append(campaigns.push(run))) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome["added"] for outcome in outcomes) == [0, 7]
    assert staffed.ask("select count(*) from marketing.audience_change", staffed.marketing) == [(7,)]


def test_lost_receipts_send_nobody_twice(pushed: Company) -> None:
    """A warehouse restored from a backup has forgotten the push. The keys are still taken, and the receipts come back."""
    pushed.do("delete from campaigns.delivery")
    pushed.do("delete from campaigns.push_receipt")
    pushed.plan()
    counts = pushed.push()
    assert (counts["added"], counts["tasks_added"]) == (0, 0)
    assert pushed.ask("select count(*) from campaigns.delivery") == [(9,)]


def test_a_key_is_never_handed_out_twice(pushed: Company) -> None:
    """Even when the warehouse forgot the receipts and the audience lost its members: the keys that were issued stay taken."""
    pushed.do("delete from marketing.campaign_audience", pushed.marketing)
    pushed.do("truncate campaigns.delivery")
    pushed.plan()
    counts = pushed.push()
    assert (counts["added"], counts["refused"]) == (0, 7)
    assert pushed.members() == set()


def test_a_merged_person_keeps_the_key(pushed: Company) -> None:
    """Ana's record turns out to be Ivo's: the membership moves, the key stays, no second message."""
    pushed.next_day()
    pushed.do("update core.customer_alias set customer_key = 9 where customer_key = 1")
    pushed.do("update privacy.consent set customer_key = 9 where customer_key = 1")
    pushed.do("delete from core.customer where customer_key = 1")
    for table in ("features.customer_orders", "scores.churn", "scores.clv", "segments.rfm"):
        pushed.do(f"update {table} set customer_key = 9 where customer_key = 1 and as_of_date = :day", day=pushed.as_of_date)
    pushed.do(
        "update segments.lifecycle set lifecycle_stage = 'new' where customer_key = 9 and as_of_date = :day",
        day=pushed.as_of_date,
    )
    pushed.plan()
    counts = pushed.push()
    assert (counts["added"], counts["updated"], counts["removed"]) == (0, 1, 1)
    rows = pushed.ask(
        "select customer_key, send_key from marketing.campaign_audience where campaign = 'second_purchase'", pushed.marketing
    )
    assert rows == [(9, "second_purchase|email|once|1")]
    assert pushed.ask(
        "select customer_key, removed_on from campaigns.delivery where send_key = 'second_purchase|email|once|1'"
    ) == [(9, None)]


# -- environment, contacts, roles, readers ---------------------------------------------------------------------------------
def test_another_environment_is_refused(pushed: Company) -> None:
    pushed.settings = dataclasses.replace(pushed.settings, company=CompanySettings(environment="staging"))
    pushed.next_day()
    pushed.plan()
    with pytest.raises(campaigns.WrongEnvironment, match="production, the run is staging"):
        pushed.push()


def test_plain_addresses_only_where_configured_and_only_of_members(staffed: Company) -> None:
    staffed.plan()
    staffed.push()
    assert staffed.ask("select count(*) from marketing.contact", staffed.marketing) == [(0,)]
    staffed.settings = settings(push_contact_details=True)
    staffed.next_day()
    staffed.do(
        "update segments.lifecycle set lifecycle_stage = 'repeat' where customer_key = 5 and as_of_date = :day",
        day=staffed.as_of_date,
    )
    staffed.plan()
    staffed.push()
    rows = {
        row[0]: row[1:] for row in staffed.ask("select customer_key, email, phone from marketing.contact", staffed.marketing)
    }
    assert rows[KEYS["Ana"]] == ("ana@example.com", None), "only the address of the channel that is used"
    assert KEYS["Emma"] not in rows, "she left"


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("select send_key from marketing.sendable", True),
        ("select sequence from marketing.audience_change", True),
        ("insert into marketing.campaign_event (campaign, customer_key, channel, kind, occurred_at) values ('x', 1, 'email', 'sent', now())", True),
        ("insert into marketing.acknowledgement (send_key, tool) values ('x', 'mailer')", True),
        ("select * from marketing.campaign_audience", False),
        ("select * from marketing.consent_state", False),
        ("select * from marketing.contact", False),
        ("select * from marketing.suppression", False),
        ("select * from marketing.campaign_event", False),
        ("select * from marketing.staff_task", False),
        ("select * from marketing.task_list", False),
        ("select * from marketing.contact_hold", False),
        ("update marketing.audience_change set change = 'added'", False),
        ("delete from marketing.campaign_event", False),
        ("insert into marketing.consent_feed values ('consent', now())", False),
        ("insert into marketing.campaign_event (campaign, customer_key, channel, kind, occurred_at, recorded_at) values ('x', 1, 'email', 'sent', now(), now())", False),
        ("create table marketing.mine (a int)", False),
        ("create table public.mine (a int)", False),
    ],
)  # fmt: skip
def test_what_a_marketing_tool_may_do(company: Company, statement: str, allowed: bool) -> None:
    with company.marketing.engine.connect() as connection:
        connection.exec_driver_sql("set role marketing_tool")
        if allowed:
            connection.execute(sa.text(statement))
        else:
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                connection.execute(sa.text(statement))


def test_a_marketing_tool_makes_no_temporary_tables(make_database: Callable[[str], str]) -> None:
    """A right on the database itself, which a clone of a template does not inherit: so this one is migrated afresh."""
    marketing = Warehouse(make_database("empty"))
    migrate(marketing, "marketing")
    with marketing.engine.connect() as connection:
        connection.exec_driver_sql("set role marketing_tool")
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            connection.exec_driver_sql("create temporary table mine (a int)")
    marketing.dispose()


def test_a_reader_never_sees_a_half_push(pushed: Company) -> None:
    """A tool reads without pause while memberships come and go: always a whole push, never an error."""
    seen: set[frozenset[tuple[str, str]]] = set()
    errors: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                seen.add(frozenset(pushed.sendable()))
            except DatabaseFailed as error:
                errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for stage in ("repeat", "new"):
            pushed.do("update segments.lifecycle set lifecycle_stage = :stage where customer_key in (1, 8)", stage=stage)
            pushed.plan()
            pushed.push()
    finally:
        stop.set()
        reader.join()
    assert errors == []
    assert seen <= {frozenset(MEMBERS), frozenset(MEMBERS - {("second_purchase", "Ana"), ("welcome", "Hana")})}
    assert frozenset(MEMBERS) in seen
