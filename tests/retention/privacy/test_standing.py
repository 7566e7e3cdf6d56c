"""What the command says about one person: what they decided, what holds, and why, in two languages and without an address."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from retention.cli import app
from retention.privacy import address_hash
from retention.privacy.standing import REASONS, consent_of
from tests.conftest import PEPPER
from tests.retention.privacy.conftest import insert
from tests.retention.privacy.household import FAMILY, PHONE, Household, days_ago, family, household

__all__ = ["family", "household"]


def why(household: Household, name: str, purpose: str = "marketing") -> dict[str, str]:
    with household.warehouse.connect() as connection:
        found = consent_of(connection, PEPPER, household.key(name))
    assert all(s.may_contact == (s.reason == "granted") for s in found.standing)
    return {s.channel: s.reason for s in found.standing if s.purpose == purpose}


def test_every_reason_is_told_by_name(family: Household) -> None:
    family.says("Ana", "withdrawn", days_ago(2), channel="email")
    family.says("Dai", "granted", days_ago(10), deleted_at=days_ago(1).isoformat())
    family.person("Emma", email=None, phone="+8613800005555")
    family.says("Emma", "granted", days_ago(1), channel="email")
    family.sync()
    assert {c: why(family, "Ana")[c] for c in ("email", "sms")} == {"email": "withdrawn", "sms": "granted"}
    assert {c: why(family, "Bo")[c] for c in ("email", "sms")} == {"email": "address", "sms": "granted"}
    assert set(why(family, "Dai").values()) == {"deleted_at_source"}
    assert {c: why(family, "Emma")[c] for c in ("email", "sms")} == {"email": "no_address", "sms": "never_asked"}
    assert set(why(family, "Ana", "profiling").values()) == {"never_asked"}
    insert(family.warehouse, "privacy.suppression",
           {"address_hash": address_hash(PEPPER, PHONE), "channel": "all", "reason": "complained", "since": days_ago(1)})  # fmt: skip
    assert set(why(family, "Chen").values()) == {"suppressed"}
    insert(family.warehouse, "privacy.tombstone",
           {"source_customer_key": family.key("Chen"), "request_id": "r", "erased_at": datetime.now(UTC)})  # fmt: skip
    assert set(why(family, "Chen").values()) == {"erased"}
    assert set(REASONS) >= {"granted", "id_reused"}
    assert all(any("\u4e00" <= c <= "\u9fff" for c in zh) for _, zh in REASONS.values())


@pytest.fixture
def show(family: Household, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run `retention consent show`."""
    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    for name, database in (("WAREHOUSE", family.warehouse), ("MARKETING", family.marketing)):
        monkeypatch.setenv(f"RETENTION_{name}_URL", database.url.render_as_string(hide_password=False))
    (tmp_path / "secrets").mkdir(mode=0o700)
    (tmp_path / "secrets" / "pepper").write_bytes(PEPPER)
    (tmp_path / "secrets" / "pepper").chmod(0o600)

    def run(customer: str, *more: str, command: str = "show") -> Result:
        return CliRunner().invoke(app, ["consent", command, customer, *more])

    return run


def test_the_command_shows_history_state_and_reason(family: Household, show: Any) -> None:
    family.says("Ana", "withdrawn", days_ago(2), channel="email")
    family.sync()
    ana, bo = show("crm:Ana"), show(str(family.key("Bo")))
    assert (ana.exit_code, bo.exit_code) == (0, 0), ana.output + bo.output
    negative = show(str(-(2**62)))
    assert negative.exit_code == 1, negative.output  # keys are signed: nobody has this one, but it is no option
    assert "本人已撤回" in ana.output
    assert "web form" in ana.output
    assert "granted" in ana.output
    flat = "".join(bo.output.split())
    assert "".join(REASONS["address"][0].split())[:20] in flat or "somebody" in bo.output
    assert FAMILY not in ana.output + bo.output
    assert PHONE not in bo.output


def test_somebody_unknown_is_told_so(show: Any) -> None:
    nobody = show("crm:nobody")
    assert nobody.exit_code == 1
    assert "runbook.md#unknown-person" in nobody.output
    assert show("Ana Li").exit_code == 2


# -- opt-outs by hand ----------------------------------------------------------------------------------------------------
def test_a_call_about_an_address_binds_whoever_has_it_now_and_later(family: Household, show: Any) -> None:
    called = show("--address", f" {FAMILY.upper()} ", command="withdraw")
    assert called.exit_code == 0, called.output
    assert "2 people" in called.output
    family.person("Emma", email=FAMILY)
    family.says("Emma", "granted", days_ago(0.1))
    family.sync()
    assert family.reachable("email") == {"Chen", "Dai"}
    assert family.reachable("sms") == {"Ana", "Bo", "Chen", "Dai", "Emma"}
    assert family.ask("select count(*) from ops.audit where action = 'withdraw_address' and subject not like '%@%'") == [(1,)]


@pytest.mark.parametrize("way", ["--address", "--address-hash"])
def test_an_address_nobody_has_yet_is_silent_when_somebody_turns_up_with_it(family: Household, show: Any, way: str) -> None:
    value = "emma@example.com" if way == "--address" else address_hash(PEPPER, "emma@example.com")
    assert show(way, value, command="withdraw").exit_code == 0
    assert family.ask("select count(*) from ops.audit where action = 'withdraw_address'") == [(1,)]
    family.person("Emma", email="emma@example.com")
    family.says("Emma", "granted", days_ago(0.1))
    family.sync()
    assert "Emma" not in family.reachable("email")
    assert "Emma" not in family.reachable("sms")


def test_a_message_tells_whom_it_went_to(family: Household, show: Any) -> None:
    insert(family.warehouse, "campaigns.delivery", {"send_key": "news|email|once|1", "customer_key": family.key("Ana")})
    assert show("--send-key", "news|email|once|1", "--channel", "email", command="withdraw").exit_code == 0
    assert show("--send-key", "never sent", command="withdraw").exit_code == 1
    assert show("--customer", "crm:nobody", command="withdraw").exit_code == 1
    family.sync()
    assert family.reachable("email") == {"Chen", "Dai"}  # Bo reads that mailbox too


def test_what_is_no_address_and_no_wish_is_wrong_use(show: Any) -> None:
    for wrong in (("--address", "12"), ("--address-hash", "abc"), ("--customer", "Ana Li"), ("--customer", "crm:Ana", "--purpose", "fun"),
                  ("--customer", "crm:Ana", "--address", "a@b.example")):  # fmt: skip
        assert show(*wrong, command="withdraw").exit_code == 2, wrong
