"""Processes: started in a session of their own, recognised by pid and start time, stopped with all their children."""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

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
    end(remaining if not alive else family)


def session_members(known: Mapping[str, Any]) -> list[psutil.Process]:
    """Return what still runs of the session that a component led: its workers and tasks, also when it was killed itself.

    Session ids are recognised like pids are: a leader with another start time is a stranger that got the number later.
    (Environment variables cannot serve as marks: Airflow's workers overwrite theirs with their title.)
    """
    members = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) != known["pid"] or process.create_time() < float(known["started"]) - 1.0:
                continue
            if process.pid == known["pid"] and living(known) is None:
                return []
            if process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
        except (psutil.Error, OSError):
            continue  # ended meanwhile
    return members


def is_working(process: psutil.Process) -> bool:
    """Tell whether a process of a killed scheduler still carries a task, which is let finish."""
    try:
        title = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return title.startswith("airflow worker --") and "<idle>" not in title


def end_session(known: Mapping[str, Any]) -> int:
    """End everything that is left of a component's session; return how many processes that were."""
    members = session_members(known)
    end(members)
    return len(members)


def end(processes: Iterable[psutil.Process], patience: float = 5.0) -> None:
    """End processes, by force where asking does not help."""
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
        self.retired: list[dict[str, Any]] = []
        """Earlier sessions of this component of which something may still run."""
        self._process: subprocess.Popen[bytes] | None = None
        self._identity: dict[str, Any] = {}
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
        self._identity = identity(self._process.pid)

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
            self.retired.append(self._identity)
            log.warning("%s exited with code %s; starting it again in %s s", self.name, self._process.returncode, delay)
        if now < self._next_start:
            return False
        self._next_start = 0.0
        self.restarts += 1
        self.start()
        return True

    def clear_up(self) -> None:
        """End what earlier sessions left behind, except tasks that still run."""
        for known in list(self.retired):
            members = session_members(known)
            if not any(is_working(member) for member in members):
                end(members)
                self.retired.remove(known)

    def stop(self, patience: float = 20.0) -> None:
        """Stop the program and everything it started."""
        if self.pid is not None:
            stop_tree(psutil.Process(self.pid), patience)
        if self._process is not None:
            self._process.poll()
        for known in (*self.retired, self._identity):
            if known:
                end_session(known)

    def describe(self) -> dict[str, Any]:
        """Return name, identity, number of restarts and earlier sessions, for the state file."""
        known = self._identity or {"pid": None, "started": None}
        return {"name": self.name, "restarts": self.restarts, "log": str(self.log_file), **known, "retired": self.retired}
