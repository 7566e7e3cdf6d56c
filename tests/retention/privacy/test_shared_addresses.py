"""One opt-out by address binds every id that has the address, and nothing else. Every result here is worked out by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from retention.privacy import consent as consent_module
from retention.privacy import shared
from retention.privacy.shared import Sharing
from retention.warehouse import Fenced
from tests.retention.privacy.household import FAMILY, NOW, PHONE, Household, days_ago, family, household

__all__ = ["family", "household"]

EVERYBODY = {"Ana", "Bo", "Chen", "Dai"}


def test_before_anybody_says_no_everybody_is_reachable(family: Household) -> None:
    assert (family.reachable("email"), family.reachable("sms"), family.bound()) == (EVERYBODY, EVERYBODY, set())


def test_ana_withdraws_by_email_and_nobody_reads_mail_at_her_address(family: Household) -> None:
    family.says("Ana", "withdrawn", days_ago(1), channel="email")
    family.sync()
    assert family.reachable("email") == {"Chen", "Dai"}
    assert family.reachable("sms") == EVERYBODY
    assert family.bound() == {("Bo", "marketing", "email", "Ana")}


def test_bos_no_on_every_channel_closes_the_mailbox_and_the_number(family: Household) -> None:
    family.says("Bo", "withdrawn", days_ago(1))
    family.sync()
    assert family.reachable("email") == {"Chen", "Dai"}  # the mailbox is Ana's too
    assert family.reachable("sms") == {"Ana", "Dai"}  # the number is Chen's too
    assert family.bound() == {
        ("Ana", "marketing", "email", "Bo"), ("Chen", "marketing", "sms", "Bo"), ("Chen", "marketing", "phone", "Bo"),
    }  # fmt: skip


def test_a_no_to_text_messages_leaves_calls_and_mail_alone(family: Household) -> None:
    family.says("Bo", "withdrawn", days_ago(1), channel="sms")
    family.sync()
    assert family.reachable("email") == EVERYBODY
    assert family.reachable("sms") == {"Ana", "Dai"}
    assert family.bound() == {("Chen", "marketing", "sms", "Bo")}


def test_later_consent_of_one_does_not_reopen_the_no_of_the_other(family: Household) -> None:
    family.says("Ana", "withdrawn", days_ago(5), channel="email")
    family.says("Bo", "granted", days_ago(3), channel="email")  # later, and still: Ana reads that mailbox
    family.sync()
    assert family.reachable("email") == {"Chen", "Dai"}
    family.says("Bo", "withdrawn", days_ago(2), channel="email")
    family.says("Ana", "granted", days_ago(1), channel="email")  # now Bo is the one who said no
    family.sync()
    assert family.reachable("email") == {"Chen", "Dai"}
    assert family.bound() == {("Ana", "marketing", "email", "Bo")}


def test_whoever_said_no_opens_it_again_for_those_who_agreed(family: Household) -> None:
    family.says("Ana", "withdrawn", days_ago(5), channel="email")
    family.sync()
    family.says("Ana", "granted", days_ago(1), channel="email")
    family.sync()
    assert (family.reachable("email"), family.bound()) == (EVERYBODY, set())


def test_a_person_who_never_agreed_is_not_opened_by_anybody(family: Household) -> None:
    family.person("Emma", email=FAMILY)
    family.sync()
    assert "Emma" not in family.reachable("email")


def test_a_new_record_with_an_address_that_refused_is_silent_from_the_first_day(family: Household) -> None:
    family.says("Ana", "withdrawn", days_ago(5), channel="email")
    family.sync()
    family.person("Emma", email=FAMILY)
    family.says("Emma", "granted", days_ago(1))
    family.sync()
    assert "Emma" not in family.reachable("email")
    assert ("Emma", "marketing", "email", "Ana") in family.bound()


def test_the_no_stays_at_an_address_that_ana_has_left(family: Household) -> None:
    """Until somebody who has it says yes after that, and then for them alone."""
    family.says("Ana", "withdrawn", days_ago(5), channel="email")
    family.sync()
    family.moves("Ana", email="ana@new.example", phone="+8613800001111")
    family.person("Emma", email=FAMILY)
    family.says("Emma", "granted", days_ago(7))
    family.sync()
    assert family.reachable("email") == {"Chen", "Dai"}
    family.says("Bo", "granted", days_ago(1), channel="email")
    family.sync()
    assert family.reachable("email") == {"Bo", "Chen", "Dai"}
    assert family.bound() == {("Emma", "marketing", "email", "Ana")}


def test_a_no_to_advertising_is_no_no_to_news(family: Household) -> None:
    family.says("Ana", "withdrawn", days_ago(1), purpose="ads", channel="email")
    family.sync()
    assert family.reachable("email") == EVERYBODY
    assert family.bound() == {("Bo", "ads", "email", "Ana")}


def test_profiling_is_about_a_person_and_binds_nobody_else(family: Household) -> None:
    family.says("Ana", "withdrawn", days_ago(1), purpose="profiling")
    family.sync()
    assert (family.reachable("email"), family.bound()) == (EVERYBODY, set())


def test_what_a_source_deleted_is_nobodys_no(family: Household) -> None:
    """Ana's grant is gone, so she is silent; Bo's is not, and nobody refused."""
    family.says("Ana", "granted", days_ago(10), deleted_at=days_ago(1).isoformat())
    family.sync()
    assert family.reachable("email") == {"Bo", "Chen", "Dai"}
    assert family.bound() == set()


def test_an_unsubscribe_binds_the_mailbox_at_the_next_read_before_any_sync(family: Household) -> None:
    family.unsubscribes("Ana")
    assert family.reachable("email") == {"Chen", "Dai"}
    assert family.sync()["unsubscribes_recorded"] == 1
    assert family.reachable("email") == {"Chen", "Dai"}
    family.do("delete from marketing.campaign_event", family.marketing)
    assert family.reachable("email") == {"Chen", "Dai"}  # it is in the ledger by now
    assert family.reachable("sms") == EVERYBODY


def test_guard_off_without_shared_addresses_bo_would_get_the_mail(family: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent_module, "read_sharing", lambda connection, pepper: Sharing([], []))
    family.do("delete from marketing.shared_address", family.marketing)
    family.says("Ana", "withdrawn", days_ago(1), channel="email")
    family.sync()
    assert family.reachable("email") == {"Bo", "Chen", "Dai"}


def test_a_merge_carries_the_refusal_to_the_person(family: Household) -> None:
    family.says("Ana", "withdrawn", days_ago(5), channel="email")
    family.sync()
    family.links("Ana", to="Dai")
    family.sync()
    rows = family.ask("select address, customer_key from pii.address_refusal where purpose = 'marketing' order by address")
    assert rows == [("dai@example.com", family.key("Dai")), (FAMILY, family.key("Dai"))]
    assert family.reachable("email") == {"Chen"}


def test_a_wrong_merge_undone_leaves_no_refusal_behind(family: Household) -> None:
    """Dai never shared an address with Ana: what Ana refused as the two of them goes when they part."""
    family.says("Ana", "withdrawn", days_ago(5), channel="email")
    for person in ("Ana", "Dai"):
        family.links("Dai", to=person)
        family.sync()
    assert family.bound() == {("Bo", "marketing", "email", "Ana")}
    assert family.reachable("email") == {"Chen", "Dai"}


def test_a_sync_costs_what_changed(family: Household) -> None:
    """Twenty strangers are not read again because Ana said something; the mailbox she shares is."""
    for number in range(20):
        family.person(f"stranger {number}", email=f"s{number}@example.com", channels=())
    family.sync()
    family.do(
        "update ops.source_cursor set cursor_value = cast(now() + interval '1 hour' as text) where entity = 'consent@sync'"
    )
    family.says("Ana", "withdrawn", days_ago(1), channel="email")
    with family.warehouse.begin() as connection:
        connection.exec_driver_sql("create temporary table touched (customer_key bigint) on commit drop")
        connection.execute(sa.text("insert into pg_temp.touched values (:ana)"), {"ana": family.key("Ana")})
        shared.follow_refusals(connection)
        touched = set(connection.exec_driver_sql("select customer_key from pg_temp.touched").scalars())
    assert touched == {family.key("Ana"), family.key("Bo")}


def test_a_sync_that_was_asleep_is_refused_by_the_marketing_database(family: Household) -> None:
    """Its token is older than the one that has written since: nothing of it is kept, not even the heartbeat."""
    family.do("update marketing.consent_feed set token = token + 1000", family.marketing)
    family.says("Ana", "withdrawn", days_ago(1), channel="email")
    before = family.ask("select heartbeat_at, token from marketing.consent_feed", family.marketing)
    with pytest.raises(Fenced, match="a newer consent sync"):
        family.sync()
    assert family.ask("select heartbeat_at, token from marketing.consent_feed", family.marketing) == before
    assert family.ask("select count(*) from marketing.address_refusal", family.marketing) == [(0,)]


def test_no_address_reaches_the_marketing_database(family: Household) -> None:
    family.says("Bo", "withdrawn", NOW - timedelta(hours=1))
    family.sync()
    rows = family.ask(
        "select address_hash from marketing.shared_address union select address_hash from marketing.address_refusal",
        family.marketing,
    )
    assert len(rows) == 2  # the mailbox and the number
    assert all(len(digest) == 64 and FAMILY not in digest and PHONE not in digest for (digest,) in rows)


def test_a_no_in_a_transaction_that_outlasts_the_overlap_arrives(family: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first load publishes for longer than the overlap: what it wrote carries the time at which it began."""
    monkeypatch.setattr(consent_module, "_OVERLAP", timedelta(0))
    with family.warehouse.begin() as publishing:
        publishing.execute(
            sa.text(
                "insert into privacy.consent (consent_key, source_customer_key, customer_key, purpose, channel, decision, "
                "decided_at, recorded_at, source, basis, is_simulated) "
                "values (1, :dai, :dai, 'marketing', 'all', 'withdrawn', :at, now(), 'crm', 'decision', false)"
            ),
            {"dai": family.key("Dai"), "at": days_ago(1)},
        )
        family.sync()
        assert "Dai" in family.reachable("email")
    family.sync()
    assert "Dai" not in family.reachable("email")
