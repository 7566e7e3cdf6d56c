"""The work flow of a refused row at the command line: found, looked at, repaired, landed again, accounted for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from typer.testing import CliRunner

from retention.cli import app
from retention.conform import publish_core
from retention.quality import validate
from retention.settings import IngestSettings, Settings
from retention.warehouse import Run, Warehouse
from tests.conftest import PEPPER
from tests.retention.quality.company import customer, land, rows_of

Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, warehouse: Warehouse, marketing: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run one command on the test's databases and return its result; lines are joined as wide tables wrap them."""
    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    monkeypatch.setenv("RETENTION_WAREHOUSE_URL", warehouse.url.render_as_string(hide_password=False))
    monkeypatch.setenv("RETENTION_MARKETING_URL", marketing.url.render_as_string(hide_password=False))
    (tmp_path / "secrets").mkdir(mode=0o700)
    pepper = tmp_path / "secrets" / "pepper"
    pepper.write_bytes(PEPPER)
    pepper.chmod(0o600)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def refused(make_run: Callable[..., Run]) -> Run:
    """A published day on which Bo and Chen have kinds that nobody knows and Dai a birth date that is none."""
    run = make_run(settings=Settings(ingest=IngestSettings(quarantine_stop_share=1.0)))
    rows = [
        customer("ana"),
        customer("bo", customer_kind="B2B", email="bo@example.com"),
        customer("chen", customer_kind="P"),
        customer("dai", birth_date="soon"),
    ]
    land(run, "crm", "customer", rows)
    validate(run)
    publish_core(run)
    return run


def flat(text: str) -> str:
    return " ".join(text.split())


def test_from_refusal_to_repair(cli: Cli, refused: Run, warehouse: Warehouse) -> None:
    summary = flat(cli("quarantine", "list", "--summary").output)
    assert "crm.customer in_set(customer_kind) 2 0 0 0" in summary
    assert "隔离数据（按规则）" in summary

    masked, plain = cli("quarantine", "show", 1).output, cli("quarantine", "show", 1, "--personal-data").output
    assert "bo@example.com" not in masked
    assert "bo@example.com" in plain
    assert rows_of(warehouse, "select subject from ops.audit where action = 'read_personal_data'") == [
        ("warehouse: quarantine.row 1",)
    ]

    wrong = cli("quarantine", "fix", "B2B=company")
    assert wrong.exit_code == 2
    assert cli("quarantine", "fix", 1, "customer_kind=company", "--rule", "in_set").exit_code == 2
    assert cli("quarantine", "fix", "--column", "customer_kind", "B2B=company").exit_code == 3  # of which rows?
    fixed = cli("quarantine", "fix", "--rule", "in_set", "--column", "customer_kind", "B2B=company", "P=consumer")
    assert "crm.customer: 2 rows repaired" in fixed.output

    replayed = cli("quarantine", "replay", "--date", "2026-03-31")
    assert replayed.exit_code == 0, replayed.output
    assert "2 valid, 1 refused again, 0 known already" in replayed.output
    assert "row 3 (crm.customer) refused as row 4: is_type(birth_date)" in replayed.output
    assert rows_of(warehouse, "select count(*) from core.customer") == [(3,)]
    assert "first refused as row 3" in cli("quarantine", "show", 4).output
    assert cli("quarantine", "replay", 1, 2, "--date", "2026-03-31").output.strip() == "no refused row matches"


def test_reconcile_says_where_all_rows_are_and_fails_when_some_are_nowhere(
    cli: Cli, refused: Run, warehouse: Warehouse
) -> None:
    sound = cli("quarantine", "reconcile")
    assert sound.exit_code == 0, sound.output
    assert "crm.customer 4 1 3 0 0 0 0" in flat(sound.output)
    with warehouse.begin() as connection:
        connection.execute(sa.text("delete from landing.customer"))
    broken = cli("quarantine", "reconcile")
    assert broken.exit_code == 3
    assert "crm.customer 2026-03-31 (batch 1): 1 rows counted as valid, 0 in landing" in flat(broken.output)
    assert "docs/runbook.md#reconciliation" in broken.output
    assert cli("quarantine", "reconcile", "--since", "2026-04-01").exit_code == 0


def test_the_report_is_written_under_the_home_folder(cli: Cli, refused: Run, tmp_path: Path) -> None:
    result = cli("quality", "report", "--date", "2026-03-31")
    assert result.exit_code == 0, result.output
    page = Path(result.output.strip())
    assert page == tmp_path / "validation" / "2026-03-31" / "index.html"
    assert "crm.customer" in page.read_text(encoding="utf-8")
