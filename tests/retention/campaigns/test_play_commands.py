"""``retention play …`` as people type it: what it prints, and that nothing personal is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from retention.campaigns.plays import PLAYS_DIR
from retention.cli import app
from tests.conftest import PEPPER
from tests.retention.campaigns.conftest import KEYS, Company


@pytest.fixture
def installed(staffed: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    """The company as an installation, with two plays of its own beside the shipped ones."""
    pepper = tmp_path / "secrets" / "pepper"
    pepper.parent.mkdir()
    pepper.write_bytes(PEPPER)
    for name, value in (
        ("RETENTION_HOME", str(tmp_path)),
        ("RETENTION_WAREHOUSE_URL", staffed.warehouse.url.render_as_string(hide_password=False)),
        ("RETENTION_MARKETING_URL", staffed.marketing.url.render_as_string(hide_password=False)),
        ("RETENTION_PLAYS_DIR", str(staffed.plays_dir)),
    ):
        monkeypatch.setenv(name, value)
    return staffed


def say(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["play", *words])
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def test_size_and_preview(installed: Company) -> None:
    """Ana is shown by key with offer and reasons; who is left out is counted by reason, in the language asked for."""
    said = say("size", "second_purchase")
    assert "Size of second_purchase 二购" in said
    assert "population 10" in said
    assert "no consent for the purpose on any reachable channel no_consent 1 1" in said
    assert "Nothing was published." in said
    shown = say("preview", "second_purchase", "--lang", "zh")
    assert str(KEYS["Ana"]) in shown
    assert "第二单九折" in shown
    assert "距首单天数：9" in shown.replace(" ", "")
    assert not any(told in said + shown for told in ("example.com", "+86138"))
    assert installed.ask("select count(*) from campaigns.decision") == [(0,)]
    assert "welcom is no play" in say("size", "welcom", code=1)


def test_tasks_by_account_manager(installed: Company) -> None:
    """Before a plan there are none, and it is said; after one Wu's list holds Chen and nobody else."""
    assert "Nothing to show: run `retention run` first." in say("tasks", code=1)
    installed.plan()
    mine = say("tasks", "--owner", "Wu")
    assert "Tasks of Wu" in mine
    assert "Gao" not in mine
    assert "10.00 / 20.00 / 30.00" in say("tasks", "--owner", "-").replace("/20", "/ 20")
    assert "Parity of tiers and offers" in say("parity")


def test_check_and_list(installed: Company) -> None:
    assert "28 plays are right, 0 problems" in say("check")
    assert "strategic_care" in say("list")
    text = (PLAYS_DIR / "holiday.yml").read_text(encoding="utf-8")
    (installed.plays_dir / "holiday.yml").write_text(text.replace("priority: 45", "priority: high"), encoding="utf-8")
    wrong = say("check", code=1)
    assert "holiday.yml:" in wrong
    assert "27 plays are right, 1 problems" in wrong
