"""Whatever ends an evaluation, nothing of it stays on the machine."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from retention.evaluate.workspace import ended_in_order, workspace


def test_told_to_end_it_stops_its_server_and_removes_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, workspace() as warehouse:
        with warehouse.connect() as connection:
            server = int(connection.exec_driver_sql("select pg_backend_pid()").scalar_one())
        assert list(tmp_path.iterdir())
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended.value.code == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir())
    assert not Path(f"/proc/{server}").exists()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_closed_terminal_is_such_an_end_too() -> None:
    with pytest.raises(SystemExit), ended_in_order():
        os.kill(os.getpid(), signal.SIGHUP)
