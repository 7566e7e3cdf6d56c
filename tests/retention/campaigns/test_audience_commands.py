"""``retention audience …`` and ``retention complaint …`` as people type them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retention.cli import app
from retention.measurement import review_complaints
from retention.warehouse import Run
from retention.warehouse.embedded import EmbeddedPostgres
from tests.conftest import PEPPER
from tests.retention.campaigns.listed import CONTACTS, NOW, run_over, shared_databases
from tests.retention.privacy.conftest import insert


@pytest.fixture(scope="module")
def still(server: EmbeddedPostgres, templates: dict[str, str]) -> Iterator[Run]:
    with shared_databases(server, templates, "commands") as (warehouse, marketing):
        yield run_over(warehouse, marketing)


@pytest.fixture
def home(still: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation's folder whose databases are the audience's."""
    assert still.marketing is not None
    pepper = tmp_path / "secrets" / "pepper"
    pepper.parent.mkdir()
    pepper.write_bytes(PEPPER)
    for name, value in (
        ("RETENTION_HOME", str(tmp_path)),
        ("RETENTION_WAREHOUSE_URL", still.warehouse.url.render_as_string(hide_password=False)),
        ("RETENTION_MARKETING_URL", still.marketing.url.render_as_string(hide_password=False)),
    ):
        monkeypatch.setenv(name, value)
    return tmp_path


def say(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def test_export_verify_and_coverage(home: Path) -> None:
    said = say("audience", "export", "win_back", "--keys", "google")
    assert "rows: 3" in said
    assert "win_back-google_v2-not_personalised.csv" in said.replace(" ", "")
    assert "makes no audience of fewer than 100" in said
    assert "3 files whole, 5 rows" in say("audience", "verify", "win_back", "--list", "google_v2")
    covered = say("audience", "coverage", "win_back", "--keys", "meta")
    assert "win_back by meta_v1 匹配键覆盖率" in covered
    assert "未授权用于广告" in covered
    assert not any(address in said + covered for pair in CONTACTS.values() for address in pair if address)
    assert "did you mean win_back?" in say("audience", "export", "win_bak", code=1)
    assert "a name, not a path" in say("audience", "verify", "../../etc", code=2)


def test_a_foreign_list_is_inspected_without_showing_a_value(home: Path) -> None:
    file = home / "foreign.csv"
    file.write_text(f"mail\nana@example.cn\n{hashlib.sha256(b'bo@example.cn').hexdigest()}\n", encoding="utf-8")
    said = say("audience", "inspect", str(file), "--keys", "meta", "--column", "mail", code=1)
    assert "an address in the clear: must not leave" in said
    assert "ana@example.cn" not in said
    assert "has no column email" in say("audience", "inspect", str(file), "--keys", "meta", "--column", "email", code=2)


def test_complaints_are_listed_and_reviewed(home: Path, still: Run) -> None:
    day = still.as_of_date - timedelta(days=10)
    opened = still.settings.day_start(day)
    insert(
        still.warehouse,
        "core.complaint",
        {
            "customer_key": 5, "opened_at": opened, "valid_from": opened, "version_at": opened, "severity": "medium",
            "responsible_team": "returns", "resolved_at": opened + timedelta(hours=5), "category": "delivery",
        },
    )  # fmt: skip
    insert(
        still.warehouse,
        "ops.complaint_breach",
        {
            "complaint_key": 5,
            "clock": "acknowledge",
            "team": "returns",
            "due_at": NOW,
            "breached_at": NOW,
            "found_at": NOW,
            "state": "open",
        },
    )
    assert "expected a published review, found none" in say("complaint", "summary", code=1)
    review_complaints(still)
    assert "投诉周复盘" in say("complaint", "summary", "--lang", "zh", "--week", day.isoformat())
    page = home / "review.md"
    say("complaint", "summary", "--week", day.isoformat(), "--output", str(page))
    assert "Complaints opened: 1 (1 more than the week before)" in page.read_text(encoding="utf-8")
    assert "returns acknowledge" in say("complaint", "breaches", "--team", "returns")
    assert "nobody waits" in say("complaint", "breaches", "--team", "nobody")
    assert "missing 未赔付" in say("complaint", "compensation")
