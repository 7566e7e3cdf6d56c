"""The ledger: append-only by the database's own word, deletions at the source, feedback, and the same state in any order."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.privacy import record_consents
from retention.warehouse import Run, Warehouse, sql_file
from tests.conftest import PEPPER
from tests.databases import cloned
from tests.retention.privacy.conftest import insert
from tests.retention.privacy.household import NOW, Household, days_ago, family, household

__all__ = ["family", "household"]

CHANGES = [
    "update privacy.consent set decision = 'granted'",
    "update privacy.consent set decided_at = now()",
    "update privacy.consent set purpose = 'ads'",
    "update privacy.consent set source = 'me'",
    "update privacy.consent set source_customer_key = 1",
    "update privacy.consent set consent_key = consent_key + 1",
    "update privacy.consent set customer_key = 7, decision = 'granted'",
    "delete from privacy.consent",
    "truncate privacy.consent",
]
REFUSED = "privacy.consent is append-only"


def attempt(household: Household, statement: str, role: str | None = None) -> None:
    with psycopg.connect(household.warehouse.url.render_as_string(hide_password=False)) as connection:
        if role:
            connection.execute(f"set role {role}")
        connection.execute(statement)


# -- append-only ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", [None, "ret_ingest"], ids=["as owner", "as task"])
def test_a_decision_is_not_changed(household: Household, project: Path, role: str | None) -> None:
    household.says("Ana", "withdrawn", days_ago(1))
    attempt(household, (project / "migrations/warehouse/0002_roles.sql").read_text())
    refused = REFUSED if role is None else f"{REFUSED}|permission denied"
    for statement in CHANGES:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=refused):
            attempt(household, statement, role)
        assert household.ask("select decision from privacy.consent") == [("withdrawn",)], statement


def test_a_decision_follows_its_person(household: Household, project: Path) -> None:
    household.says("Ana", "withdrawn", days_ago(1))
    attempt(household, (project / "migrations/warehouse/0002_roles.sql").read_text())
    attempt(household, "update privacy.consent set customer_key = 7", "ret_ingest")
    assert household.ask("select customer_key, decision from privacy.consent") == [(7, "withdrawn")]


def test_it_leaves_with_its_person_and_with_nobody_else(household: Household) -> None:
    for name in ("Ana", "Bo"):
        household.says(name, "granted", days_ago(1))
    insert(
        household.warehouse, "privacy.request",
        {"request_id": "r1", "kind": "erasure", "state": "running", "source_customer_keys": [household.key("Ana")],
         "requested_by": "desk"},
    )  # fmt: skip
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match=REFUSED):
        attempt(household, "delete from privacy.consent")  # Bo asked for nothing
    attempt(household, f"delete from privacy.consent where customer_key = {household.key('Ana')}")
    household.do("update privacy.request set state = 'done'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match=REFUSED):
        attempt(household, f"delete from privacy.consent where customer_key = {household.key('Bo')}")
    assert household.ask("select source_customer_key from privacy.consent") == [(household.key("Bo"),)]


def test_guard_off_a_slip_rewrites_history(household: Household) -> None:
    household.says("Ana", "withdrawn", days_ago(1))
    household.do("alter table privacy.consent disable trigger append_only")
    attempt(household, "update privacy.consent set decision = 'granted'")
    assert household.ask("select decision from privacy.consent_current where channel = 'email'") == [("granted",)]


def test_what_is_no_decision_cannot_be_stored(household: Household) -> None:
    household.says("Ana", "granted", days_ago(1))
    household.do("alter table privacy.consent disable trigger append_only")
    for change in (
        "decision = 'maybe'",
        "purpose = 'fun'",
        "channel = 'fax'",
        "decided_at = 'infinity'",
        "basis = 'id_reused'",
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            attempt(household, f"update privacy.consent set {change}")


# -- deleted at the source -----------------------------------------------------------------------------------------------
def current(household: Household, name: str) -> dict[str, tuple[str, str]]:
    rows = household.ask(
        "select channel, decision, basis from privacy.consent_current where purpose = 'marketing' "
        f"and customer_key = {household.key(name)}"
    )
    return {channel: (decision, basis) for channel, decision, basis in rows}


def test_a_grant_deleted_at_its_source_ends_when_it_was_deleted(household: Household) -> None:
    household.person("Ana", email="ana@example.com")
    household.says("Ana", "granted", days_ago(10), channel="email")
    household.sync()
    assert household.reachable() == {"Ana"}
    household.says("Ana", "granted", days_ago(10), channel="email", deleted_at=days_ago(1).isoformat())
    household.sync()
    assert household.reachable() == set()
    assert household.ask("select decision, decided_at, origin, basis from privacy.consent order by decided_at") == [
        ("granted", days_ago(10), "web form", "decision"),
        ("withdrawn", days_ago(1), "deleted at source", "deleted_at_source"),
    ]
    household.says("Ana", "granted", days_ago(0.5), channel="email")
    household.sync()
    assert household.reachable() == {"Ana"}


def test_a_withdrawal_deleted_at_its_source_goes_on(household: Household) -> None:
    household.person("Ana", email="ana@example.com")
    household.says("Ana", "granted", days_ago(10))
    household.says("Ana", "withdrawn", days_ago(5), channel="email")
    household.says("Ana", "withdrawn", days_ago(5), channel="email", deleted_at=days_ago(1).isoformat())
    household.sync()
    assert (household.reachable("email"), household.reachable("sms")) == (set(), {"Ana"})
    assert household.ask("select count(*) from privacy.consent") == [(2,)]


def test_a_grant_that_comes_deleted_was_one_and_is_none(household: Household) -> None:
    household.says("Ana", "granted", days_ago(2), deleted_at=days_ago(3).isoformat())  # deleted before it was given
    assert current(household, "Ana")["email"] == ("withdrawn", "deleted_at_source")
    assert household.ask("select decision, decided_at from privacy.consent order by 1") == [
        ("granted", days_ago(2)), ("withdrawn", days_ago(2)),
    ]  # fmt: skip


@pytest.mark.parametrize("deleted", [None, "2026-03-29T08:00:00+08:00", "2026-03-20T08:00:00+00:00"])
@pytest.mark.parametrize("decision", ["granted", "withdrawn"])
def test_stream_and_day_write_the_same_ledger(warehouse: Warehouse, run: Run, decision: str, deleted: str | None) -> None:
    row = {
        "consent_id": "c1", "customer_id": "bo", "purpose": "marketing", "channel": "all", "decision": decision,
        "decided_at": "2026-03-28T10:00:00.123456+08:00", "origin": "form", "deleted_at": deleted,
    }  # fmt: skip
    names = "consent_key, purpose, channel, decision, decided_at, origin, basis"
    with warehouse.begin() as connection:
        record_consents(connection, PEPPER, "crm", [row])
        by_stream = set(connection.execute(sa.text(f"select {names} from privacy.consent")).all())
        connection.exec_driver_sql(
            "create temporary table delivery on commit drop as select cast(7 as bigint) as batch_id, 'crm' as source, "
            "'crm' as customer_source"
        )
        insert(warehouse, "pii.source_customer",
               {"source_customer_key": 1, "source": "crm", "customer_id": "bo", "customer_key": 1, "batch_id": 7})  # fmt: skip
        insert(warehouse, "landing.consent", {**{k: v for k, v in row.items() if v}, "batch_id": 7})
        by_day = set(connection.execute(sa.text(f"select {names} from ({sql_file('privacy/consent')}) as entry")).all())
    assert by_day == by_stream
    assert len(by_day) == (2 if decision == "granted" and deleted else 1)


# -- contradictions, wrong dates, order ----------------------------------------------------------------------------------
def test_at_one_instant_the_withdrawal_holds_whatever_the_zone_it_was_written_in(household: Household) -> None:
    at = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
    household.says("Ana", "withdrawn", at, consent_id="w")
    household.says("Ana", "granted", at, consent_id="g", decided_at="2026-03-01T12:00:00+08:00")
    assert current(household, "Ana")["email"] == ("withdrawn", "decision")


def test_all_covers_each_channel_and_a_later_decision_on_one_takes_that_one_out(household: Household) -> None:
    household.says("Ana", "granted", days_ago(9))
    household.says("Ana", "withdrawn", days_ago(8), channel="sms")
    assert {k: v[0] for k, v in current(household, "Ana").items() if v[0] == "withdrawn"} == {"sms": "withdrawn"}
    household.says("Ana", "withdrawn", days_ago(7))
    assert {v[0] for v in current(household, "Ana").values()} == {"withdrawn"}
    household.says("Ana", "granted", days_ago(6), channel="email")
    assert {k for k, v in current(household, "Ana").items() if v[0] == "granted"} == {"email"}


def test_a_grant_of_the_future_grants_nothing_and_a_withdrawal_of_the_future_holds_at_once(household: Household) -> None:
    household.person("Ana", email="ana@example.com")
    household.says("Ana", "granted", days_ago(3))
    assert household.says("Ana", "granted", days_ago(-30), channel="sms")["consents_refused"] == 1
    household.says("Ana", "withdrawn", days_ago(-30), channel="email")
    household.sync()
    assert (household.reachable("email"), household.reachable("sms")) == (set(), {"Ana"})
    # Its date is wrong: what she decides after it was recorded counts as later.
    household.says("Ana", "granted", datetime.now(UTC) + timedelta(seconds=1), channel="email")
    household.sync()
    assert household.reachable("email") == {"Ana"}


DECISIONS = st.lists(
    st.tuples(
        st.sampled_from(["Ana", "Bo"]), st.sampled_from(["marketing", "profiling", "ads"]),
        st.sampled_from(["email", "sms", "all", "wechat"]), st.sampled_from(["granted", "withdrawn"]),
        st.integers(min_value=1, max_value=6), st.sampled_from([None, None, None, 0, 3]), st.sampled_from(["+00:00", "+08:00", "-05:00"]),
    ),
    min_size=1, max_size=14,
)  # fmt: skip


def delivered(decision: tuple[Any, ...]) -> dict[str, Any]:
    name, purpose, channel, word, day, deleted, zone = decision
    at = datetime(2026, 3, day, 12, tzinfo=UTC).astimezone(datetime.fromisoformat(f"2026-03-01T00:00:00{zone}").tzinfo)
    return {
        "consent_id": "-".join(map(str, decision[:5])), "customer_id": name, "purpose": purpose, "channel": channel,
        "decision": word, "decided_at": at.isoformat(), "origin": "form",
        "deleted_at": None if deleted is None else (at + timedelta(days=deleted)).isoformat(),
    }  # fmt: skip


def expected(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str], str]:
    """The state by the rule as one would say it: the latest decision, at one instant the withdrawal."""
    said: dict[tuple[str, str, str], set[tuple[datetime, bool]]] = {}
    for row in rows:
        at = datetime.fromisoformat(row["decided_at"])
        for channel in ("email", "sms", "phone", "wechat", "app", "post") if row["channel"] == "all" else (row["channel"],):
            entry = said.setdefault((row["customer_id"], row["purpose"], channel), set())
            entry.add((at, row["decision"] == "withdrawn"))
            if row["deleted_at"] and row["decision"] == "granted":
                entry.add((max(at, datetime.fromisoformat(row["deleted_at"])), True))
    return {key: "withdrawn" if max(entries)[1] else "granted" for key, entries in said.items()}


@pytest.fixture(scope="module")
def ledger(server: Any, templates: dict[str, str]) -> Any:
    """One warehouse for all examples; each is rolled back."""
    with cloned(server, "ledger_property", templates["warehouse"]) as url:
        warehouse = Warehouse(url)
        yield warehouse
        warehouse.dispose()


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(decisions=DECISIONS, order=st.randoms(use_true_random=False), again=st.integers(min_value=0, max_value=3))
def test_any_order_and_any_repetition_end_in_one_state(
    ledger: Warehouse, decisions: list[tuple[Any, ...]], order: random.Random, again: int
) -> None:
    rows = [delivered(decision) for decision in decisions]
    shuffled = [*rows, *rows[:again]]
    order.shuffle(shuffled)
    household = Household(ledger, ledger, None)  # type: ignore[arg-type]
    names = {household.key(name): name for name in ("Ana", "Bo")}
    with ledger.engine.connect() as connection:
        for row in shuffled:
            record_consents(connection, PEPPER, "crm", [row], "crm")
        found = connection.execute(
            sa.text("select customer_key, purpose, channel, decision from privacy.consent_current")
        ).all()
        connection.rollback()
    assert {(names[row[0]], row[1], row[2]): row[3] for row in found} == expected(rows)


# -- feedback ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "channel", "closed"),
    [
        ("unsubscribed", "email", {"email"}),
        ("complained", "sms", {"sms"}),
        ("unsubscribed", "all", {"email", "sms"}),
        ("unsubscribed", "EMAIL!", {"email", "sms"}),  # a channel we do not know might be any
        ("bounced", "email", set()),  # an address that does not work is no decision of anybody
        ("opened", "email", set()),
    ],
)
@pytest.mark.parametrize("way", ["reported by a tool", "delivered by a source"])
def test_unsubscribes_from_campaign_feedback_flow_in(
    family: Household, way: str, kind: str, channel: str, closed: set[str]
) -> None:
    if way == "reported by a tool":
        family.unsubscribes("Dai", channel, kind, at=days_ago(1))
    else:
        insert(
            family.warehouse, "core.campaign_event",
            {"source_customer_key": family.key("Dai"), "customer_key": family.key("Dai"), "channel": channel, "kind": kind,
             "happened_at": days_ago(1), "source": "mailer", "batch_id": family.batch()},
        )  # fmt: skip
    assert family.sync()["unsubscribes_recorded"] == (1 if closed else 0)
    assert family.sync()["unsubscribes_recorded"] == 0
    assert {way for way in ("email", "sms") if "Dai" not in family.reachable(way)} == closed
    source = "marketing" if way == "reported by a tool" else "mailer"
    rows = family.ask("select source, basis from privacy.consent where origin like 'campaign_event%'")
    assert rows == ([(source, "decision")] if closed else [])


def test_a_tool_whose_clock_is_broken_does_not_stop_the_feed(family: Household) -> None:
    for name, at in (("Ana", "infinity"), ("Chen", "-infinity"), ("Dai", "9999-12-31")):
        family.do(
            "insert into marketing.campaign_event (campaign, customer_key, channel, kind, occurred_at) "
            "values ('news', :key, 'email', 'unsubscribed', cast(:at as timestamptz))",
            family.marketing, key=family.key(name), at=at,
        )  # fmt: skip
    assert family.sync()["unsubscribes_recorded"] == 3
    assert family.reachable("email") == set()
    latest = family.ask("select max(decided_at) from privacy.consent")[0][0]
    assert latest < NOW + timedelta(days=2)


def test_a_time_that_is_none_is_refused(household: Household) -> None:
    for at in ("NaN", "", "2026-02-29T10:00:00+08:00", "2026-03-01 10:00", "1772323200", None, "infinity"):
        assert household.says("Ana", "granted", NOW, decided_at=at)["consents_refused"] == 1, at
