"""Processes: started in a session of their own, recognised by pid and start time, stopped with all their children."""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # published without types

log = logging.getLogger("retention.supervisor")
LOG_LIMIT_BYTES = 20 * 2**20
RESTART_DELAYS = (0.5, 1.0, 2.0, 5.0, 10.0)
STEADY_SECONDS = 60.0
"""A component that ran this long starts over with the shortest delay when it exits."""


def identity(pid: int) -> dict[str, Any]:
    """Return what tells this process from a later one with the same pid."""
    return {"pid": pid, "started": psutil.Process(pid).create_time()}


def living(known: Mapping[str, Any]) -> psutil.Process | None:
    """Return the process of a stored identity if it still runs and is the same one."""
    try:
        process = psutil.Process(int(known["pid"]))
        same = abs(process.create_time() - float(known["started"])) < 1.0
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, KeyError, TypeError, ValueError):
        return None


def stop_tree(process: psutil.Process, patience: float = 20.0) -> None:
    """Ask a process to end; after the patience end it and everything it started by force."""
    try:
        family = [process, *process.children(recursive=True)]
        process.terminate()
    except psutil.Error:
        return
    _, alive = psutil.wait_procs([process], timeout=patience)
    remaining = [member for member in family if member.is_running()]
    _end(remaining if not alive else family, patience=5.0)


def marked(name: str, value: str) -> list[psutil.Process]:
    """Return all processes of this user that carry a variable in their environment, except this one."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(name) == value:
                found.append(process)
        except psutil.Error:
            continue  # ended meanwhile, or another user's
    return found


def end_marked(name: str, value: str) -> int:
    """End every process that carries the mark (left over by a component that was killed); return how many."""
    left_over = marked(name, value)
    _end(left_over, patience=5.0)
    return len(left_over)


def _end(processes: Iterable[psutil.Process], patience: float) -> None:
    processes = list(processes)
    for process in processes:
        _quietly(process.terminate)
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=patience)


def _quietly(action: Any) -> None:
    try:
        action()
    except psutil.Error as error:
        log.debug("already gone: %s", error)


class Component:
    """One long-running program that must be there: started, watched, restarted.

    Parameters
    ----------
    name : str
        Name in the status and of the log file.
    command : sequence of str
        Program and arguments.
    environment : mapping
        Its whole environment.
    log_file : Path
        Standard output and error go here.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log_file: Path) -> None:
        self.name = name
        self.command = list(command)
        self.environment = dict(environment)
        self.log_file = log_file
        self.restarts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._failures = 0
        self._next_start = 0.0

    @property
    def pid(self) -> int | None:
        """Process id, while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start the program in a session of its own, so that no terminal signal reaches it."""
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_LIMIT_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("ab") as stream:
            self._process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.log_file.parent,
            )
        self._started_at = time.monotonic()

    def keep_alive(self) -> bool:
        """Start the program again when it has exited, with growing delays; return whether it was started."""
        if self._process is None or self._process.poll() is None:
            return False
        now = time.monotonic()
        if self._next_start == 0.0:
            steady = now - self._started_at > STEADY_SECONDS
            self._failures = 1 if steady else self._failures + 1
            delay = RESTART_DELAYS[min(self._failures, len(RESTART_DELAYS)) - 1]
            self._next_start = now + delay
            log.warning("%s exited with code %s; starting it again in %s s", self.name, self._process.returncode, delay)
        if now < self._next_start:
            return False
        self._next_start = 0.0
        self.restarts += 1
        self.start()
        return True

    def stop(self, patience: float = 20.0) -> None:
        """Stop the program and everything it started."""
        if self.pid is not None:
            stop_tree(psutil.Process(self.pid), patience)
        if self._process is not None:
            self._process.poll()

    def describe(self) -> dict[str, Any]:
        """Return name, identity and number of restarts, for the state file."""
        pid = self.pid
        try:
            known = identity(pid) if pid is not None else {"pid": None, "started": None}
        except psutil.Error:
            known = {"pid": None, "started": None}
        return {"name": self.name, "restarts": self.restarts, "log": str(self.log_file), **known}
