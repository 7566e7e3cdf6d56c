"""An erasure reaches the audiences that lie in files: lists with the person, and every list that cannot tell."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from retention.privacy import FileStore, handle_requests, request_erasure
from retention.privacy import erasure as erasure_module
from retention.privacy.erasure import ErasureIncomplete
from retention.warehouse import Run
from tests.retention.privacy.conftest import HANA, IVO, NOW


def write_list(folder: Path, name: str, *lines: str) -> Path:
    """A list as an export leaves it: one version, and the manifest that points to it."""
    version = folder / name / "20260331T000000Z-000001-000001"
    version.mkdir(parents=True)
    (version / "list.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    manifest = {"version": version.name, "use_before": (NOW + timedelta(hours=24)).isoformat()}
    for path in (version / "manifest.json", version.parent / "current.json"):
        path.write_text(json.dumps(manifest), encoding="utf-8")
    return version


@pytest.fixture
def lists(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "exports" / "audiences"
    return {
        "with Hana": write_list(folder, "win_back/members", "campaign,customer_key", f"win_back,{HANA.customer_key}"),
        "Ivo alone": write_list(folder, "welcome/members", "campaign,customer_key", f"welcome,{IVO.customer_key}"),
        "match keys": write_list(folder, "win_back/google_v2", "Email,Phone", f"{'ab' * 32},"),
    }


def test_lists_with_the_person_are_deleted_and_counted(
    populated: Run, desk: FileStore, lists: dict[str, Path], tmp_path: Path
) -> None:
    request_erasure(populated.warehouse, customer_key=HANA.customer_key, requested_by="li.staff", now=NOW)
    counts = handle_requests(populated, NOW, [desk], tmp_path / "exports")
    assert (counts["requests_done"], counts["lists_expired"]) == (1, 0)
    assert {name: path.exists() for name, path in lists.items()} == {"with Hana": False, "Ivo alone": True, "match keys": False}
    assert not (lists["with Hana"].parent / "current.json").exists(), "readers are not pointed to what is gone"
    assert (lists["Ivo alone"].parent / "current.json").exists()
    with populated.warehouse.connect() as connection:
        receipt = connection.execute(sa.text("select rows_by_store from privacy.receipt")).scalar_one()
    assert {name: rows for name, rows in receipt["files"].items() if name.startswith("audiences/")} == {
        f"audiences/win_back/members/{lists['with Hana'].name}": 1,
        f"audiences/win_back/google_v2/{lists['match keys'].name}": 0,
    }


def test_without_the_deletion_no_receipt_is_written(
    populated: Run, desk: FileStore, lists: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard turned off: the search at the end finds the list, and the request stays open."""
    monkeypatch.setattr(erasure_module, "_erase_lists", lambda *_: None)
    request_erasure(populated.warehouse, customer_key=HANA.customer_key, requested_by="li.staff", now=NOW)
    with pytest.raises(ErasureIncomplete, match="audiences/win_back/members"):
        handle_requests(populated, NOW, [desk], tmp_path / "exports")


def test_lists_that_ran_out_are_deleted(populated: Run, desk: FileStore, lists: dict[str, Path], tmp_path: Path) -> None:
    counts = handle_requests(populated, NOW + timedelta(hours=25), [desk], tmp_path / "exports")
    assert counts["lists_expired"] == 3
    assert not any(path.exists() for path in lists.values())
