"""Files of a local installation: private, whole, and remembered."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from retention.supervisor.configuration import airflow_environment
from retention.supervisor.layout import Layout, PortBusy, free_port
from retention.supervisor.service import SupervisorError, check_disk


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.delenv("RETENTION_AIRFLOW_PORT", raising=False)
    return Layout.of(tmp_path / "home")


def test_secrets_are_made_once_and_are_private(layout: Layout) -> None:
    made = (layout.secret("jwt"), layout.fernet_key(), layout.admin_password())
    assert made == (layout.secret("jwt"), layout.fernet_key(), layout.admin_password())
    assert len(layout.secret("jwt")) >= 64
    for path in layout.secrets.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path.name
    assert layout.secrets.stat().st_mode & 0o077 == 0


def test_asked_for_port_that_is_busy_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("RETENTION_AIRFLOW_PORT", str(other.getsockname()[1]))
        with pytest.raises(PortBusy, match=rf"port {other.getsockname()[1]} .*in use.*Nothing was started"):
            layout.choose_port()


def test_port_is_kept_while_it_is_free(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = free_port()
    monkeypatch.setenv("RETENTION_AIRFLOW_PORT", str(chosen))
    layout.choose_port()
    monkeypatch.delenv("RETENTION_AIRFLOW_PORT")
    assert layout.choose_port() == chosen
    with socket.socket() as other:
        other.bind(("127.0.0.1", chosen))
        other.listen()
        assert layout.choose_port() != chosen


def test_cut_off_state_counts_as_none(layout: Layout) -> None:
    layout.write_state({"phase": "up"})
    assert layout.read_state() == {"phase": "up"}
    layout.state_file.write_text('{"phase": "u')
    assert layout.read_state() == {}


def test_stored_environment_keeps_the_first_value(layout: Layout) -> None:
    (layout.home / "env").write_text("# a comment\nA=1")
    layout.store_environment("B", "2")
    layout.store_environment("B", "3")
    assert layout.stored_environment() == {"A": "1", "B": "2"}


def test_low_disk_is_said_before_anything_starts(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(2**40, 2**40, 100 * 2**20))
    with pytest.raises(SupervisorError, match=r"100 MB free, at least 1500 MB are needed. Nothing was started"):
        check_disk(layout.home)


def test_environment_of_airflow(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    layout.choose_port()
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "somebody else's")
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", "postgresql://a")
    layout.store_environment("RETENTION_SCHEDULE_FROM", "2100-01-01")
    found = airflow_environment(layout, "postgresql://retention:x@127.0.0.1:1/airflow")
    assert "PYTHONDONTWRITEBYTECODE" not in found
    assert found["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert found["AIRFLOW_CONN_WAREHOUSE"] == "postgresql://a"
    assert found["RETENTION_SCHEDULE_FROM"] == "2100-01-01"
    assert len(found["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64
    assert found["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert set(json.loads(layout.passwords.read_text())) == {"admin"}
    assert os.environ["PYTHONDONTWRITEBYTECODE"] == "1"
