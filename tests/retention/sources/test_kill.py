"""Kill -9 at every step of an extraction: nothing visible before, one whole batch after the next try."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retention.sources import SourceSpec, extract
from retention.warehouse import Fenced, Run, Warehouse

STEPS = [
    "lease.acquired",
    "extract.batch_opened",
    "extract.batch_read",
    "extract.rows_loaded",
    "publish.before_lock",
    "publish.locked",
    "publish.before_commit",
]


def run_and_die(url: str, project: Path, step: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.retention.sources.extract_once", url, str(project / "tests/fixtures/tiny/sources"), "sales", "order",
         "2026-03-31", "1"],
        cwd=project, env={**os.environ, "RETENTION_FAILPOINTS": f"{step}:kill"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_killed_extraction_leaves_nothing_and_is_repeated(
    step: str,
    warehouse: Warehouse,
    make_run: Callable[..., Run],
    tiny: dict[str, SourceSpec],
    project: Path,
    rows: Callable[..., Any],
) -> None:
    died = run_and_die(warehouse.url.render_as_string(hide_password=False), project, step)
    assert died.returncode == -9, died.stderr
    assert f"failpoint {step} fires" in died.stderr
    assert rows("select count(*) from ops.batch where state in ('landed', 'validated', 'published')") == [(0,)]
    assert rows("select count(*) from ops.file_manifest") == [(0,)]

    result = extract(make_run(task_id="extract", try_number=2), tiny["sales"], "order")
    assert (result["state"], result["rows"]) == ("landed", 43)
    # What the dead process had loaded is gone, and no batch says extracting for ever.
    assert rows("select count(*), count(distinct batch_id) from landing.order") == [(43, 1)]
    assert set(rows("select state from ops.batch")) <= {("landed",), ("failed",)}


def test_killed_after_the_commit_is_read_again_without_doubling(
    warehouse: Warehouse, make_run: Callable[..., Run], tiny: dict[str, SourceSpec], project: Path, rows: Callable[..., Any]
) -> None:
    died = run_and_die(warehouse.url.render_as_string(hide_password=False), project, "publish.after_commit")
    assert died.returncode == -9
    assert rows("select state, rows_extracted from ops.batch") == [("landed", 43)]
    extract(make_run(task_id="extract", try_number=2), tiny["sales"], "order")
    assert rows("select state, count(*) from ops.batch group by state order by state") == [("landed", 1), ("superseded", 1)]
    assert rows("select count(*) from landing.order") == [(43,)]


def test_overtaken_attempt_lands_nothing(
    make_run: Callable[..., Run], tiny: dict[str, SourceSpec], rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first try is held up after loading its rows; the second one runs meanwhile and is the one that counts."""
    import retention.sources.landing as module

    original, fired = module.failpoint, list[dict[str, Any]]()

    def overtake(name: str) -> None:
        original(name)
        if name == "extract.rows_loaded" and not fired:
            fired.append({})
            fired[0] |= extract(make_run(task_id="extract", try_number=2), tiny["sales"], "order")

    monkeypatch.setattr(module, "failpoint", overtake)
    with pytest.raises(Fenced):
        extract(make_run(task_id="extract", try_number=1), tiny["sales"], "order")
    assert rows("select batch_id from ops.batch where state = 'landed'") == [(fired[0]["batch_id"],)]
    assert rows("select count(*), count(distinct batch_id) from landing.order") == [(43, 1)]


def test_without_the_fence_the_overtaken_attempt_would_count_twice(
    make_run: Callable[..., Run], tiny: dict[str, SourceSpec], rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard switched off: dead batches not swept, states not compared. Two batches of one day are then both visible."""
    import retention.sources.landing as module
    from retention.warehouse.lease import Lease

    def unfenced(run: Run, held: Lease, spec: SourceSpec, window: Any, batch_id: int, delivery: Any) -> None:
        import sqlalchemy as sa

        with run.warehouse.begin() as connection:
            connection.execute(
                sa.text("update ops.batch set state = 'landed' where batch_id = :batch_id"), {"batch_id": batch_id}
            )

    monkeypatch.setattr(module, "_close_batch", unfenced)
    for number in (1, 2):
        extract(make_run(task_id="extract", try_number=number), tiny["sales"], "order")
    assert rows("select count(*) from ops.batch where state = 'landed'") == [(2,)]
    assert rows("select count(*) from landing.order") == [(86,)]
