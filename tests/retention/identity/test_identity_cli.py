"""The command line about who is who: what it shows is masked, what it changes is done at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from retention.cli import app
from retention.privacy.pseudonyms import source_customer_key
from retention.warehouse import Run, Warehouse
from tests.conftest import PEPPER
from tests.retention.conform.test_identity_in_core import deliver
from tests.retention.quality.company import customer, rows_of

Cli = Callable[..., Result]
BORN = {"birth_date": "1984-07-12", "city": "上海"}


@pytest.fixture
def cli(tmp_path: Path, warehouse: Warehouse, marketing: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    monkeypatch.setenv("RETENTION_WAREHOUSE_URL", warehouse.url.render_as_string(hide_password=False))
    monkeypatch.setenv("RETENTION_MARKETING_URL", marketing.url.render_as_string(hide_password=False))
    (tmp_path / "secrets").mkdir(mode=0o700)
    (tmp_path / "secrets" / "pepper").write_bytes(PEPPER)
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def twins(make_run: Callable[..., Run]) -> tuple[int, int]:
    """王大双 and 王小双 share a day of birth and a number: twins, or one person misspelt."""
    rows = [
        customer("d", name="王大双", phone="13912345601", **BORN),
        customer("x", name="王小双", phone="13912345601", **BORN),
    ]
    deliver(make_run(date(2026, 3, 30)), "crm", "customer", rows)
    left, right = sorted(source_customer_key(PEPPER, "crm", number) for number in ("d", "x"))
    return left, right


def test_a_doubtful_pair_is_listed_and_decided(cli: Cli, warehouse: Warehouse, twins: tuple[int, int]) -> None:
    left, right = twins
    listed = cli("identity", "review")
    assert listed.exit_code == 0, listed.output
    assert f"{left} {right}" in listed.output
    assert "one Chinese character apart" in listed.output
    assert "1 pairs wait" in listed.output
    for value in ("王大双", "王小双", "13912345601", "1984"):
        assert value not in listed.output
    done = cli("identity", "accept", left, right, "--reason", "one mother says so")
    assert done.exit_code == 0, done.output
    assert len(rows_of(warehouse, "select distinct customer_key from core.customer_alias")) == 1
    assert "0 pairs wait" in cli("identity", "review").output
    shown = cli("identity", "show", "--source", "crm", "--customer-id", "d")
    assert shown.exit_code == 0, shown.output
    assert "decision" in shown.output
    # Each stands whole on a line, so that it can be copied: as member, in the pair, and in the history.
    assert shown.output.count(str(left)) >= 3
    assert "王" not in shown.output
    assert cli("identity", "undo", 1).exit_code == 0
    assert len(rows_of(warehouse, "select distinct customer_key from core.customer_alias")) == 2
    assert cli("identity", "reject", left, right, "--reason", "they are twins").exit_code == 0
    assert "0 pairs wait" in cli("identity", "review").output


def test_merge_and_split(cli: Cli, warehouse: Warehouse, twins: tuple[int, int]) -> None:
    left, right = twins
    assert cli("identity", "merge", left, right, "--reason", "tested").exit_code == 0
    assert len(rows_of(warehouse, "select distinct customer_key from core.customer_alias")) == 1
    result = cli("identity", "split", right, "--reason", "tested")
    assert result.exit_code == 0, result.output
    assert len(rows_of(warehouse, "select distinct customer_key from core.customer_alias")) == 2


def test_errors_say_what_to_do(cli: Cli, twins: tuple[int, int]) -> None:
    unknown = cli("identity", "undo", 7)
    assert unknown.exit_code == 1
    assert "docs/runbook.md#identity-decisions" in unknown.output.replace("\n", "")
    assert cli("identity", "show").exit_code == 2
    few = cli("identity", "train")
    assert "at least 2,000" in few.output.replace("\n", " ")
