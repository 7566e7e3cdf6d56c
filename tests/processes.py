"""Programs that tests kill, freeze or race: real processes, forked from one that has imported the project already.

A Python that starts from nothing spends two seconds of processor on imports alone; the tests start a hundred.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

# Everything below runs in a fork of a process that never ran a test: no connection, thread or setting of a test is inherited.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    ["great_expectations", "adbc_driver_postgresql.dbapi", "retention.cli", "retention.pipeline", "retention.whole_day",
     "retention.campaigns.planning", "retention.campaigns.pushing", "retention.conform", "retention.features", "retention.models",
     "retention.measurement", "retention.privacy", "retention.quality.validate", "retention.segments", "retention.sources"]
)  # fmt: skip


class Program:
    """A program that runs beside the test; what is needed of ``subprocess.Popen``.

    Parameters
    ----------
    program : str
        Code, or the name of a module that is run like ``python -m``.
    arguments : str
        What the program finds in ``sys.argv``.
    environment : mapping, optional
        Variables besides those of the test.
    """

    def __init__(self, program: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="program-")
        self._said = [Path(self._folder.name) / name for name in ("stdout", "stderr")]
        self._process = _FORKS.Process(
            target=_run, args=(program, arguments, {**os.environ, **(environment or {})}, [str(path) for path in self._said])
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def communicate(self, timeout: float = 300) -> tuple[str, str]:
        """Wait for its end and give what it wrote to standard output and standard error."""
        self.wait(timeout)
        said = [path.read_text() if path.exists() else "" for path in self._said]
        self._folder.cleanup()
        return said[0], said[1]

    def wait(self, timeout: float) -> int:
        """Wait for its end; raise ``subprocess.TimeoutExpired`` when it takes longer."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("program", timeout)
        return self._process.exitcode

    def wait_until_stopped(self, timeout: float = 120) -> None:
        """Wait until a failpoint has frozen it."""
        deadline = time.monotonic() + timeout
        while Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            assert self.poll() is None, "it ended instead"
            assert time.monotonic() < deadline, "it was never frozen"
            self._process.join(0.02)

    def poll(self) -> int | None:
        """Exit code; none while it runs."""
        return self._process.exitcode

    @property
    def returncode(self) -> int | None:
        """Exit code, negative for a signal."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal; nobody is there to get one when it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _run(program: str, arguments: tuple[str, ...], environment: dict[str, str], said: list[str]) -> None:
    """Become the program: its environment, its arguments, its files for what it says."""
    for number, path in enumerate(said, start=1):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [program, *arguments]
    if program.replace(".", "").isidentifier():
        runpy.run_module(program, run_name="__main__")
    else:
        exec(program, {"__name__": "__main__"})
