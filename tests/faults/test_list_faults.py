"""Kill -9 at every step of an export while somebody reads: always one whole list, and the next export simply works."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from retention.campaigns.files import read_list
from retention.warehouse import Run
from retention.warehouse.embedded import EmbeddedPostgres
from tests.retention.campaigns.listed import NOW, run_over, shared_databases

EXPORT = """
import dataclasses, sys
from datetime import datetime
from pathlib import Path
from retention.campaigns.files import export_audience
from retention.warehouse import Attempt, Warehouse
from tests.retention.campaigns.listed import run_over
warehouse, marketing, folder, now, attempt = sys.argv[1:]
run = run_over(Warehouse(warehouse), Warehouse(marketing))
run = dataclasses.replace(run, attempt=Attempt("test", "run-1", "task", int(attempt)))
export_audience(run, "win_back", Path(folder), datetime.fromisoformat(now), actor="li.wei")
"""
POINTS = (
    "lease.acquired", "files.file_written", "files.written", "files.in_place", "publish.before_lock", "publish.locked",
    "files.pointed", "publish.before_commit", "publish.after_commit",
)  # fmt: skip
_TRIES = itertools.count(1)
"""A later try takes the lease over at once; another run would wait until it has run out."""
TIMES = int(os.environ.get("RETENTION_KILLS", "5"))


@pytest.fixture(scope="module")
def still(server: EmbeddedPostgres, templates: dict[str, str]) -> Iterator[Run]:
    with shared_databases(server, templates, "faults") as (warehouse, marketing):
        yield run_over(warehouse, marketing)


def export(run: Run, folder: Path, failpoints: str = "") -> subprocess.CompletedProcess[str]:
    assert run.marketing is not None
    urls = [database.url.render_as_string(hide_password=False) for database in (run.warehouse, run.marketing)]
    return subprocess.run(
        [sys.executable, "-c", EXPORT, *urls, str(folder), NOW.isoformat(), str(next(_TRIES))],
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "RETENTION_FAILPOINTS": failpoints},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.faults
@pytest.mark.parametrize("point", POINTS)
def test_killed_while_somebody_reads(still: Run, tmp_path: Path, point: str) -> None:
    """The reader never sees a file that differs from its checksum, nor a list that is not there."""
    assert export(still, tmp_path).returncode == 0
    folder = tmp_path / "win_back" / "members"
    stop, reads, wrong = threading.Event(), [0], []

    def read() -> None:
        while not stop.is_set():
            try:
                manifest, _ = read_list(folder, NOW)
                assert manifest["rows"] == 8
                reads[0] += 1
            except Exception as error:  # whatever a reader may meet counts
                wrong.append(repr(error))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(TIMES):
            killed = export(still, tmp_path, f"{point}:kill")
            assert killed.returncode == -signal.SIGKILL, killed.stderr
            assert f"failpoint {point} fires" in killed.stderr
            after = export(still, tmp_path)
            assert after.returncode == 0, after.stderr
            assert not list(folder.glob(".writing-*"))
    finally:
        stop.set()
        reader.join()
    assert (wrong, reads[0] > 100) == ([], True)
