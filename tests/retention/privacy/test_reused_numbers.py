"""A customer number that passes to somebody else takes no consent along (and a marriage or a move is no new person)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from retention.conform import people, publish_core
from retention.privacy import source_customer_key
from retention.quality import validate
from retention.warehouse import Run, Warehouse
from tests.conftest import PEPPER
from tests.retention.quality.company import customer, land, rows_of

ANA = {"name": "Ana Li", "email": "ana@example.com", "phone": "+8613800001001", "birth_date": "1990-05-01"}
KAI = {"name": "Kai Wu", "email": "kai@example.com", "phone": "+8613800009009", "birth_date": "2001-02-03"}
FIRST, SECOND = date(2026, 3, 30), date(2026, 3, 31)


def deliver(
    run: Run, *, at: str, consents: list[dict[str, str | None]] | None = None, **people_by_number: dict[str, str]
) -> None:
    rows = [customer(number, updated_at=f"{at}T10:00:00+08:00", **who) for number, who in people_by_number.items()]
    if rows:
        land(run, "crm", "customer", rows)
    if consents:
        land(run, "crm", "consent", consents)
    validate(run)
    publish_core(run)


def agrees(number: str, at: str, decision: str = "granted", channel: str = "all") -> dict[str, str | None]:
    return {
        "consent_id": f"{number} {at} {decision}", "customer_id": number, "purpose": "marketing", "channel": channel,
        "decision": decision, "decided_at": f"{at}T09:00:00+08:00", "origin": "form", "updated_at": f"{at}T09:00:00+08:00",
    }  # fmt: skip


def state(warehouse: Warehouse, number: str) -> tuple[str, str] | None:
    key = source_customer_key(PEPPER, "crm", number)
    found = rows_of(
        warehouse,
        "select decision, basis from privacy.consent_current where purpose = 'marketing' and channel = 'email' and customer_key = "
        "(select customer_key from pii.source_customer where source_customer_key = :key)",
        key=key,
    )
    return (found[0][0], found[0][1]) if found else None


def becomes(make_run: Callable[..., Run], now: dict[str, Any]) -> None:
    deliver(make_run(FIRST), at="2026-03-01", consents=[agrees("C1", "2026-03-01")], C1=ANA)
    deliver(make_run(SECOND), at="2026-03-31", C1=now)


def test_a_new_person_under_the_number_has_agreed_to_nothing(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    becomes(make_run, KAI)
    assert state(warehouse, "C1") == ("withdrawn", "id_reused")
    assert rows_of(warehouse, "select action from ops.audit") == [("consent_suspended",)]
    assert rows_of(warehouse, "select count(*) from privacy.consent where basis = 'id_reused'") == [(3,)]  # one a purpose


def test_the_first_decision_of_the_new_person_counts(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    becomes(make_run, KAI)
    deliver(make_run(date(2026, 4, 1)), at="2026-04-01", consents=[agrees("C1", "2026-04-01")])
    assert state(warehouse, "C1") == ("granted", "decision")


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(
            {**ANA, "name": "Ana Wu", "email": "ana.wu@example.com", "phone": "+8613900001001"}, id="marriage and move"
        ),
        pytest.param({**KAI, "birth_date": ANA["birth_date"]}, id="the same birth date"),
        pytest.param({**KAI, "phone": ANA["phone"]}, id="the same telephone"),
        pytest.param({**KAI, "email": " ANA@example.com "}, id="the same mailbox, typed otherwise"),
        pytest.param(
            {**ANA, "birth_date": KAI["birth_date"], "email": KAI["email"], "phone": KAI["phone"]}, id="the same name"
        ),
        pytest.param({"name": "Kai Wu", "email": ANA["email"]}, id="half a record"),
        pytest.param({"name": "Kai Wu", "email": "kai@example.com"}, id="no birth date and one address only"),
    ],
)
def test_one_thing_in_common_is_the_same_person(
    make_run: Callable[..., Run], warehouse: Warehouse, now: dict[str, Any]
) -> None:
    becomes(make_run, now)
    assert state(warehouse, "C1") == ("granted", "decision")


def test_without_a_birth_date_a_new_name_with_both_addresses_exchanged_is_somebody_else(
    make_run: Callable[..., Run], warehouse: Warehouse
) -> None:
    becomes(make_run, {name: KAI[name] for name in ("name", "email", "phone")})
    assert state(warehouse, "C1") == ("withdrawn", "id_reused")


def test_what_ana_refused_under_the_number_she_refuses_under_her_other_one(
    make_run: Callable[..., Run], warehouse: Warehouse
) -> None:
    consents = [agrees("C2", "2026-03-01"), agrees("C1", "2026-03-05", "withdrawn", "email")]
    deliver(make_run(FIRST), at="2026-03-01", consents=consents, C1=ANA, C2=ANA)
    assert state(warehouse, "C2") == ("withdrawn", "decision")  # one person, two numbers
    deliver(make_run(SECOND), at="2026-03-31", C1=KAI)
    assert state(warehouse, "C2") == ("withdrawn", "decision")
    assert state(warehouse, "C1") == ("withdrawn", "id_reused")


def test_publishing_again_suspends_once(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    becomes(make_run, KAI)
    publish_core(make_run(SECOND))
    deliver(make_run(date(2026, 4, 1)), at="2026-04-01", C1={**KAI, "phone": "+8613900009009"})
    assert rows_of(warehouse, "select count(*) from privacy.consent where basis = 'id_reused'") == [(3,)]


def test_guard_off_kai_gets_what_ana_agreed_to(
    make_run: Callable[..., Run], warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "suspend_reused", lambda connection: 0)
    becomes(make_run, KAI)
    assert state(warehouse, "C1") == ("granted", "decision")
