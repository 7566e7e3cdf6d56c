"""Places where a test may kill, stop or delay a process. They do nothing unless asked for by the environment."""

from __future__ import annotations

import os
import signal
import sys
import time


def failpoint(name: str) -> None:
    """Fail here when ``RETENTION_FAILPOINTS`` says so.

    The variable holds entries separated by commas: ``name:kill`` (SIGKILL to this process), ``name:stop`` (SIGSTOP, a
    machine that freezes), ``name:raise``, ``name:sleep:SECONDS``. What fires is written to standard error first, so that a
    test can prove that it did.
    """
    wanted = os.environ.get("RETENTION_FAILPOINTS")
    if not wanted:
        return
    for entry in wanted.split(","):
        point, _, action = entry.strip().partition(":")
        if point != name:
            continue
        sys.stderr.write(f"failpoint {name} fires: {action}\n")
        sys.stderr.flush()
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif action == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif action == "raise":
            raise RuntimeError(f"failpoint {name}")
        elif action.startswith("sleep:"):
            time.sleep(float(action.removeprefix("sleep:")))
        else:
            raise ValueError(f"RETENTION_FAILPOINTS: {entry!r} is not name:kill|stop|raise|sleep:SECONDS")
