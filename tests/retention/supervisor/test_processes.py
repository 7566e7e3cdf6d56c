"""Processes are recognised, restarted and stopped, and strangers are left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from retention.supervisor.control import down, status
from retention.supervisor.layout import Layout
from retention.supervisor.processes import Component, end_session, identity, living, session_members, stop_tree

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
# A parent that starts a child and waits; the child outlives a kill -9 of the parent.
FAMILY = [
    sys.executable,
    "-c",
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); time.sleep(60)",
]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(SLEEP, start_new_session=True)
    yield process
    process.kill()
    process.wait()


def wait_until(condition: Any, patience: float = 20.0) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def test_stranger_with_an_old_pid_is_not_recognised(sleeper: subprocess.Popen[bytes]) -> None:
    known = identity(sleeper.pid)
    assert living(known) is not None
    assert living({**known, "started": known["started"] - 100}) is None
    assert session_members({**known, "started": known["started"] - 100}) == []


def test_down_leaves_a_stranger_alone(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    layout = Layout.of(tmp_path)
    stranger = {**identity(sleeper.pid), "started": 1.0}
    layout.write_state({"phase": "up", **stranger, "components": [{"name": "scheduler", **stranger}]})
    assert status(layout)["phase"] == "down"
    down(layout)
    assert sleeper.poll() is None, "down killed a process that it did not start"


def test_down_finishes_what_a_killed_supervisor_left(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    layout = Layout.of(tmp_path)
    component = {"name": "scheduler", **identity(sleeper.pid)}
    layout.write_state({"phase": "up", "pid": 2**22 + 1, "started": 1.0, "components": [component]})
    assert down(layout) is True
    wait_until(lambda: sleeper.poll() is not None)
    assert down(layout) is False


def test_component_that_is_killed_starts_again(tmp_path: Path) -> None:
    component = Component("sleeper", SLEEP, os.environ, tmp_path / "sleeper.log")
    component.start()
    first = component.pid
    assert first is not None
    try:
        os.kill(first, signal.SIGKILL)
        wait_until(component.keep_alive)
        assert component.pid not in (None, first)
        assert component.restarts == 1
    finally:
        component.stop()
    assert component.pid is None


def test_children_of_a_killed_component_are_cleared_up(tmp_path: Path) -> None:
    component = Component("family", FAMILY, os.environ, tmp_path / "family.log")
    component.start()
    try:
        parent = psutil.Process(component.pid)
        wait_until(parent.children)
        (orphan,) = parent.children()
        parent.kill()
        wait_until(component.keep_alive)
        assert orphan.is_running(), "the child should have outlived its parent"
        component.clear_up()
        wait_until(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE)
    finally:
        component.stop()


def test_stopping_takes_the_whole_family_along() -> None:
    process = subprocess.Popen(FAMILY, start_new_session=True)
    parent = psutil.Process(process.pid)
    wait_until(parent.children)
    family = [parent, *parent.children()]
    known = identity(process.pid)
    stop_tree(parent)
    process.wait()
    end_session(known)
    wait_until(lambda: not any(m.is_running() and m.status() != psutil.STATUS_ZOMBIE for m in family))


def test_exiting_again_and_again_is_retried_ever_more_slowly(tmp_path: Path) -> None:
    component = Component("broken", [sys.executable, "-c", "raise SystemExit(3)"], os.environ, tmp_path / "broken.log")
    component.start()
    began = time.monotonic()
    while component.restarts < 2:
        component.keep_alive()
        time.sleep(0.02)
    assert time.monotonic() - began >= 1.5, "0.5 s and then 1 s"
    component.stop()
