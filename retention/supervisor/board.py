"""Live view of the runs of a business day: a table on a terminal, one line per change elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from retention.supervisor.api import FINISHED, AirflowApi, AirflowApiError, seconds

STYLES = {"success": "green", "failed": "bold red", "running": "yellow", "queued": "dim"}
POLL_SECONDS = 0.7


@dataclass
class Line:
    """What is known of one DAG's run."""

    dag_id: str
    run: dict[str, Any] | None = None
    tasks: Counter[str] = field(default_factory=Counter)

    @property
    def state(self) -> str:
        """State of the run, or 'waiting' when there is none yet."""
        return str(self.run["state"]) if self.run else "waiting"


class Board:
    """Follows runs of several DAGs, each found by a function that names its run.

    Parameters
    ----------
    api : AirflowApi
        Where the runs are.
    console : Console
        Where they are shown.
    title : str
        Heading of the table.
    """

    def __init__(self, api: AirflowApi, console: Console, title: str) -> None:
        self.api = api
        self.console = console
        self.title = title
        self.lines: dict[str, Line] = {}
        self._find: dict[str, Callable[[], dict[str, Any] | None]] = {}
        self._live: Live | None = None
        self._printed: dict[str, str] = {}

    def __enter__(self) -> Board:
        if self.console.is_terminal:
            self._live = Live(self.render(), console=self.console, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.update(self.render())
            self._live.stop()

    def follow(self, dag_id: str, find: Callable[[], dict[str, Any] | None]) -> None:
        """Add a DAG to the table; `find` returns its run, or None while there is none."""
        self.lines[dag_id] = Line(dag_id)
        self._find[dag_id] = find

    def look(self) -> None:
        """Ask Airflow for everything that has not finished, and show it."""
        for dag_id, line in self.lines.items():
            if line.state in FINISHED:
                continue
            line.run = self._find[dag_id]()
            if line.run is not None:
                tasks = self.api.tasks(dag_id, line.run["dag_run_id"])
                line.tasks = Counter(str(task["state"]) for task in tasks)
        self._show()

    def wait(self, dag_ids: Sequence[str], patience: float, on_look: Callable[[], None] | None = None) -> None:
        """Look until all these DAGs have succeeded.

        Raises
        ------
        AirflowApiError with the message of the task when one failed, or when it takes longer than the patience.
        """
        deadline = time.monotonic() + patience
        while True:
            self.look()
            if on_look is not None:
                on_look()
            for line in self.lines.values():
                if line.state == "failed" and line.run is not None and line.dag_id in dag_ids:
                    reason = self.api.failure(line.dag_id, line.run["dag_run_id"])
                    raise AirflowApiError(reason.partition(" See docs/runbook.md#")[0])
            if all(self.lines[dag_id].state == "success" for dag_id in dag_ids):
                return
            if time.monotonic() > deadline:
                late = [dag_id for dag_id in dag_ids if self.lines[dag_id].state != "success"]
                raise AirflowApiError(f"{', '.join(late)}: not finished within {patience:.0f} s")
            time.sleep(POLL_SECONDS)

    def run_times(self) -> dict[str, float]:
        """Return the seconds that each finished run took."""
        return {
            line.dag_id: round(taken, 1)
            for line in self.lines.values()
            if line.run is not None and line.state in FINISHED and (taken := seconds(line.run)) is not None
        }

    # -- showing ------------------------------------------------------------------------------------------------------
    def render(self) -> Table:
        """Return the table as it is now."""
        table = Table(title=self.title, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for heading in ("DAG", "state", "tasks", "time"):
            table.add_column(heading, header_style="dim")
        for line in self.lines.values():
            taken = seconds(line.run) if line.run else None
            style = STYLES.get(line.state, "dim")
            table.add_row(line.dag_id, f"[{style}]{line.state}[/]", _tasks(line.tasks), f"{taken:5.1f} s" if taken else "")
        return table

    def _show(self) -> None:
        if self._live is not None:
            self._live.update(self.render())
            return
        for line in self.lines.values():
            if self._printed.get(line.dag_id, "waiting") != line.state:
                self._printed[line.dag_id] = line.state
                taken = seconds(line.run) if line.run else None
                self.console.print(
                    f"  {line.dag_id:<28}{line.state:<9} {_tasks(line.tasks):<24} {f'{taken:.1f} s' if taken else ''}".rstrip(),
                    highlight=False,
                )


def _tasks(tasks: Counter[str]) -> str:
    total = sum(tasks.values())
    if not total:
        return ""
    waiting = tasks["up_for_retry"]
    return f"{tasks['success']} of {total}" + (f", {waiting} waiting to be tried again" if waiting else "")
