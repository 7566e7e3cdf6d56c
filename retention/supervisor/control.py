"""What people call: up, down, status. The supervisor itself runs in a process of its own."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from retention.settings import PROJECT_ROOT
from retention.supervisor.layout import Layout
from retention.supervisor.processes import end_session, living, stop_tree
from retention.supervisor.service import SupervisorError, health
from retention.warehouse.embedded import EmbeddedPostgres

PATIENCE_SECONDS = 300


def is_up(layout: Layout) -> bool:
    """Tell whether the supervisor runs and has everything up."""
    state = layout.read_state()
    return state.get("phase") == "up" and living(state) is not None and health(layout) is not None


def launch(layout: Layout) -> bool:
    """Start the supervisor in the background unless it runs; return whether it was started."""
    while _is_held(layout):
        if layout.read_state().get("phase") != "stopping":
            return False
        time.sleep(0.2)  # it is on its way out; a new one follows
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["RETENTION_HOME"] = str(layout.home)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PROJECT_ROOT), os.environ.get("PYTHONPATH")]))
    layout.write_state({**layout.read_state(), "phase": "launching", "message": ""})
    with (layout.logs / "supervisor.log").open("ab") as stream:
        subprocess.Popen(
            [sys.executable, "-m", "retention.supervisor", "run"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=layout.logs,
        )
    return True


def wait(layout: Layout, ready: Callable[[dict[str, Any]], bool], show: Callable[[str], None] = lambda text: None) -> None:
    """Wait until the supervisor's state satisfies a condition.

    Raises
    ------
    SupervisorError with the supervisor's own message when it failed, or when it takes too long.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    seen_running = False
    while time.monotonic() < deadline:
        state = layout.read_state()
        if ready(state):
            return
        phase = state.get("phase")
        if phase == "failed":
            text, slug = _apart(str(state.get("message")))
            raise SupervisorError(text, runbook=slug)
        running = _is_held(layout)
        if seen_running and not running and phase != "up":
            raise SupervisorError(f"the supervisor ended without a word; its log is {layout.logs / 'supervisor.log'}.")
        seen_running = seen_running or running
        show(f"{phase or 'starting'} {state.get('message') or ''}".strip())
        time.sleep(0.2)
    raise SupervisorError(f"not up after {PATIENCE_SECONDS} s; the logs are in {layout.logs}.")


def up(layout: Layout, show: Callable[[str], None] = lambda text: None) -> bool:
    """Start everything and wait until it is healthy; return False when it was up already."""
    started = launch(layout)
    wait(layout, lambda state: state.get("phase") == "up" and living(state) is not None, show)
    return started


def down(layout: Layout) -> bool:
    """Stop what `up` started, and only that; return whether anything ran.

    Processes are recognised by pid and start time, so a stranger that got an old pid is left alone.
    """
    state = layout.read_state()
    supervisor = living(state)
    if supervisor is not None:
        stop_tree(supervisor, patience=90)
        return True
    # The supervisor was killed: do in its place what it would have done.
    ended = 0
    for known in state.get("components", []):
        process = living(known)
        if process is not None:
            stop_tree(process)
            ended += 1
        ended += sum(end_session(session) for session in (*known.get("retired", []), known))
    postgres = EmbeddedPostgres(layout.home)
    stopped_postgres = bool(state.get("postgres_is_ours")) and postgres.is_running()
    if stopped_postgres:
        postgres.stop()
    if state:
        layout.write_state({"phase": "down", "message": "", "components": []})
    return bool(ended or stopped_postgres)


def status(layout: Layout) -> dict[str, Any]:
    """Return the phase, what runs with pid and restarts, and Airflow's own opinion of its health."""
    state = layout.read_state()
    running = living(state) is not None
    components = [{**known, "running": living(known) is not None} for known in state.get("components", [])]
    return {
        "phase": state.get("phase", "down") if running else "down",
        "message": state.get("message", ""),
        "url": layout.url if layout.port and running else None,
        "components": components if running else [],
        "health": (health(layout) or {}) if running and layout.port else {},
    }


def _is_held(layout: Layout) -> bool:
    """Tell whether a supervisor holds the lock of this installation."""
    layout.lock_file.touch(exist_ok=True)
    with layout.lock_file.open("r+") as probe:
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _apart(message: str) -> tuple[str, str | None]:
    # The message of the supervisor's own error ends with its link; the error raised here adds the same one again.
    text, _, slug = message.partition(" See docs/runbook.md#")
    return text, slug or None
