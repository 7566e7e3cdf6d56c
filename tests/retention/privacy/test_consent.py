"""Consent reaches the marketing database at once, forward in time only, and its heart beats even when nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from retention.privacy import address_hash, record_consents, source_customer_key, sync_consent
from retention.privacy import consent as consent_module
from retention.warehouse import Run, Warehouse, sql_file
from tests.conftest import PEPPER
from tests.processes import Program
from tests.retention.privacy.conftest import BO, HANA, IVO, insert

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def open_run(warehouse: Warehouse, marketing: Warehouse, make_run: Callable[..., Run]) -> Run:
    """Bo, Hana (two ids, one person) and Ivo are known; each is in the welcome audience by e-mail."""
    with warehouse.begin() as connection:
        for person in (BO, HANA, IVO):
            for number, key in zip(person.numbers, person.keys, strict=True):
                connection.execute(
                    sa.text(
                        "insert into core.customer_alias (source_customer_key, customer_key, rule, linked_at) "
                        "values (:key, :person, 'email', now() - interval '3 days')"
                    ),
                    {"key": key, "person": person.customer_key},
                )
                insert(
                    warehouse,
                    "pii.source_customer",
                    {
                        "source_customer_key": key,
                        "source": "crm",
                        "customer_id": number,
                        "customer_key": person.customer_key,
                        "email_normalised": person.email,
                        "batch_id": 0,
                    },
                )
    for person in (BO, HANA, IVO):
        insert(
            marketing,
            "marketing.campaign_audience",
            {
                "campaign": "welcome",
                "customer_key": person.customer_key,
                "kind": "promotional",
                "purpose": "marketing",
                "uses_profiling": False,
                "channel": "email",
                "valid_from": NOW - timedelta(days=1),
                "valid_until": NOW + timedelta(days=7),
                "send_key": f"welcome|email|once|{person.customer_key}",
            },
        )
    with marketing.begin() as connection:
        connection.exec_driver_sql("insert into marketing.setting (name, value) values ('consent_heartbeat_hours', '26')")
    return make_run(marketing=marketing)


def consent(number: str, decision: str, at: datetime, **more: Any) -> dict[str, Any]:
    row = {
        "consent_id": f"{number}-{decision}-{at.timestamp()}",
        "customer_id": number,
        "purpose": "marketing",
        "channel": "all",
        "decision": decision,
        "decided_at": at.isoformat(),
        "origin": "web form",
    }
    return {**row, **more}


def record(run: Run, *rows: dict[str, Any]) -> dict[str, int]:
    with run.warehouse.begin() as connection:
        return record_consents(connection, PEPPER, "crm", rows).as_counts()


def sendable(run: Run) -> set[int]:
    assert run.marketing is not None
    with run.marketing.connect() as connection:
        return set(connection.execute(sa.text("select customer_key from marketing.sendable")).scalars())


def test_a_withdrawal_takes_effect_at_the_next_read(open_run: Run) -> None:
    granted = NOW - timedelta(days=10)
    record(open_run, *(consent(n, "granted", granted) for n in (BO.numbers[0], HANA.numbers[0], IVO.numbers[0])))
    sync_consent(open_run, NOW)
    assert sendable(open_run) == {BO.customer_key, HANA.customer_key, IVO.customer_key}

    record(open_run, consent(BO.numbers[0], "withdrawn", NOW - timedelta(hours=1), channel="email"))
    counts = sync_consent(open_run, NOW)

    assert counts["decisions_written"] == 1
    assert sendable(open_run) == {HANA.customer_key, IVO.customer_key}


def test_hana_withdraws_under_her_second_id_and_is_silent_under_both(open_run: Run) -> None:
    record(open_run, consent(HANA.numbers[0], "granted", NOW - timedelta(days=10)))
    sync_consent(open_run, NOW)
    assert HANA.customer_key in sendable(open_run)
    record(open_run, consent(HANA.numbers[1], "withdrawn", NOW - timedelta(days=1)))
    sync_consent(open_run, NOW)
    assert HANA.customer_key not in sendable(open_run)


def test_a_late_delivery_of_an_old_grant_changes_nothing(open_run: Run) -> None:
    record(open_run, consent(BO.numbers[0], "withdrawn", NOW - timedelta(days=1)))
    sync_consent(open_run, NOW)
    record(open_run, consent(BO.numbers[0], "granted", NOW - timedelta(days=5)))
    counts = sync_consent(open_run, NOW)
    assert counts["decisions_written"] == 0
    assert BO.customer_key not in sendable(open_run)


def test_the_heart_beats_although_nothing_changed_and_never_goes_back(open_run: Run) -> None:
    sync_consent(open_run, NOW)
    sync_consent(open_run, NOW + timedelta(minutes=10))
    sync_consent(open_run, NOW + timedelta(minutes=5))  # an older run that comes late
    assert open_run.marketing is not None
    with open_run.marketing.connect() as connection:
        feeds = connection.execute(sa.text("select feed, heartbeat_at from marketing.consent_feed")).all()
    assert [tuple(row) for row in feeds] == [("consent", NOW + timedelta(minutes=10))]


def test_without_a_heartbeat_nobody_is_shown(open_run: Run) -> None:
    record(open_run, consent(IVO.numbers[0], "granted", NOW - timedelta(days=10)))
    sync_consent(open_run, NOW - timedelta(hours=27))
    assert sendable(open_run) == set()
    sync_consent(open_run, NOW)
    assert sendable(open_run) == {IVO.customer_key}


def test_an_unsubscribe_reported_by_a_tool_enters_the_ledger_once(open_run: Run) -> None:
    record(open_run, consent(BO.numbers[0], "granted", NOW - timedelta(days=10)))
    assert open_run.marketing is not None
    insert(
        open_run.marketing,
        "marketing.campaign_event",
        {
            "campaign": "welcome",
            "customer_key": BO.customer_key,
            "channel": "email",
            "kind": "unsubscribed",
            "occurred_at": NOW - timedelta(hours=2),
        },
    )
    assert sync_consent(open_run, NOW)["unsubscribes_recorded"] == 1
    assert sync_consent(open_run, NOW)["unsubscribes_recorded"] == 0
    with open_run.warehouse.connect() as connection:
        ledger = connection.execute(
            sa.text("select decision, channel, origin, source from privacy.consent where origin = 'campaign_event'")
        ).all()
    assert [tuple(row) for row in ledger] == [("withdrawn", "email", "campaign_event", "marketing")]
    # The tool loses its events; the ledger does not.
    with open_run.marketing.begin() as connection:
        connection.exec_driver_sql("delete from marketing.campaign_event")
    assert BO.customer_key not in sendable(open_run)


def test_a_suppressed_address_silences_everybody_who_has_it(open_run: Run) -> None:
    record(open_run, consent(IVO.numbers[0], "granted", NOW - timedelta(days=10)))
    sync_consent(open_run, NOW)
    with open_run.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into privacy.suppression (address_hash, channel, reason, since) values (:hash, 'all', 'erased', now())"
            ),
            {"hash": address_hash(PEPPER, IVO.email)},
        )
        insert(open_run.warehouse, "pii.contact", {"customer_key": IVO.customer_key})
    assert sync_consent(open_run, NOW)["suppressed_people"] == 1
    assert sendable(open_run) == set()


def test_rows_that_say_nothing_valid_are_refused_and_known_ones_left_alone(open_run: Run) -> None:
    good = consent(BO.numbers[0], "granted", NOW)
    counts = record(
        open_run,
        good,
        consent(BO.numbers[0], "maybe", NOW),
        consent(BO.numbers[0], "granted", NOW, purpose="fun"),
        consent(BO.numbers[0], "granted", NOW, decided_at="yesterday"),
        consent(BO.numbers[0], "granted", NOW, decided_at="2026-03-31T10:00:00"),
        consent("", "granted", NOW),
    )
    assert counts == {"consents_added": 1, "consents_known": 0, "consents_refused": 5, "consents_of_erased": 0}
    assert record(open_run, good)["consents_known"] == 1


def test_an_erased_person_does_not_come_back_through_consent(open_run: Run) -> None:
    with open_run.warehouse.begin() as connection:
        connection.execute(
            sa.text("insert into privacy.tombstone (source_customer_key, request_id, erased_at) values (:key, 'r', now())"),
            {"key": BO.keys[0]},
        )
    assert record(open_run, consent(BO.numbers[0], "granted", NOW))["consents_of_erased"] == 1


def test_a_decision_of_somebody_unknown_waits_for_their_alias(open_run: Run) -> None:
    record(open_run, consent("C-7", "granted", NOW - timedelta(days=2)))
    key = source_customer_key(PEPPER, "crm", "C-7")
    with open_run.warehouse.begin() as connection:
        connection.execute(
            sa.text("insert into core.customer_alias values (:key, :person, 'phone', now())"),
            {"key": key, "person": IVO.customer_key},
        )
    counts = sync_consent(open_run, NOW)
    assert counts["decisions_relinked"] == 1
    assert sendable(open_run) == {IVO.customer_key}


SCRIPT = """
import sys
from datetime import date, datetime
from retention.privacy import sync_consent
from retention.deployment import Secrets
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse
warehouse, marketing, now, pepper = sys.argv[1:]
sync_consent(Run(date(2026, 3, 31), Warehouse(warehouse), Settings(), Attempt("test", "run-1", "task", 0),
                 Secrets(pepper.encode()), Warehouse(marketing)), datetime.fromisoformat(now))
"""


@pytest.mark.parametrize("failpoint", ["consent.ledger_written", "consent.before_heartbeat", "consent.targets_written"])
def test_killed_there_the_next_sync_finishes(open_run: Run, failpoint: str) -> None:
    record(open_run, consent(IVO.numbers[0], "granted", NOW - timedelta(days=10)))
    assert open_run.marketing is not None
    urls = [database.url.render_as_string(hide_password=False) for database in (open_run.warehouse, open_run.marketing)]
    killed = Program(SCRIPT, *urls, NOW.isoformat(), PEPPER.decode(), environment={"RETENTION_FAILPOINTS": f"{failpoint}:kill"})
    _, errors = killed.communicate()
    assert killed.returncode == -9, errors
    sync_consent(open_run, NOW)
    assert sendable(open_run) == {IVO.customer_key}


def withdrawn_meanwhile(run: Run) -> None:
    """What a sync that read the ledger later than this one has written for Bo."""
    record(run, consent(BO.numbers[0], "granted", NOW - timedelta(days=5), channel="email"))
    sync_consent(run, NOW)
    assert run.marketing is not None
    with run.marketing.begin() as connection:
        connection.execute(
            sa.text("update marketing.consent_state set decision = 'withdrawn', decided_at = :at where customer_key = :bo"),
            {"at": NOW - timedelta(days=1), "bo": BO.customer_key},
        )


def test_a_sync_that_read_the_ledger_earlier_does_not_reopen_bo(open_run: Run) -> None:
    withdrawn_meanwhile(open_run)
    assert sync_consent(open_run, NOW)["decisions_written"] == 0
    assert BO.customer_key not in sendable(open_run)


def test_without_the_order_in_time_it_would(open_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard turned off: last writer wins, as a plain upsert would have it."""
    withdrawn_meanwhile(open_run)
    careless, guard, _ = consent_module._WRITE.partition("where excluded.decided_at > state.decided_at")
    assert guard
    monkeypatch.setattr(consent_module, "_WRITE", careless)
    sync_consent(open_run, NOW)
    assert BO.customer_key in sendable(open_run)


def test_a_consent_row_that_its_source_changes_in_place_is_another_decision(open_run: Run) -> None:
    """Many systems keep one row per customer and channel and turn it over: the number stays, the word changes."""
    one_row = {"consent_id": "bo-email", "channel": "email"}
    granted = consent(BO.numbers[0], "granted", NOW - timedelta(days=9), **one_row)
    record(open_run, granted)
    sync_consent(open_run, NOW)
    assert BO.customer_key in sendable(open_run)

    withdrawn = consent(BO.numbers[0], "withdrawn", NOW - timedelta(days=1), **one_row)
    assert record(open_run, withdrawn)["consents_added"] == 1
    sync_consent(open_run, NOW)
    assert BO.customer_key not in sendable(open_run)
    assert record(open_run, granted, withdrawn)["consents_known"] == 2


def test_the_ledger_has_one_key_for_a_decision_whether_it_came_by_stream_or_by_day(
    warehouse: Warehouse, make_run: Callable[..., Run]
) -> None:
    run = make_run(NOW.date())
    row = consent("bo", "granted", NOW - timedelta(days=3), decided_at="2026-03-28T10:00:00.123456+08:00")
    record(run, row)
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "create temporary table delivery on commit drop as select cast(7 as bigint) as batch_id, 'crm' as source, "
                "'crm' as customer_source"
            )
        )
        values = {"source_customer_key": 1, "source": "crm", "customer_id": "bo", "customer_key": 1, "batch_id": 7}
        insert(warehouse, "pii.source_customer", values)
        insert(warehouse, "landing.consent", {**row, "batch_id": 7})
        by_day = connection.execute(sa.text(sql_file("privacy/consent"))).one()
        stored = connection.execute(sa.text("select consent_key from privacy.consent")).scalar_one()
    assert by_day.consent_key == stored
