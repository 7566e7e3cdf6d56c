"""One business day through the real scheduler: start what is missing, follow it, report it.

Every step first looks at what is there, so a day that was interrupted is taken up where it stopped.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date
from functools import partial
from typing import Any

from rich.console import Console

from retention.settings import PROJECT_ROOT
from retention.supervisor.api import AirflowApi, AirflowApiError
from retention.supervisor.board import Board
from retention.supervisor.introduction import CLOCKS, DAILY, TRAINING, introduce
from retention.supervisor.layout import Layout, write_private

INGEST, FEATURES, SCORE = DAILY[:3]
PATIENCE_SECONDS = 1800


def run_day(layout: Layout, api: AirflowApi, console: Console, day: date, train_first: bool = False) -> dict[str, float]:
    """Bring one business day from the sources to the marketing database; return the seconds each DAG took.

    Parameters
    ----------
    layout, api : Layout, AirflowApi
        The installation and its Airflow, which must be up.
    console : Console
        Where progress is shown.
    day : date
        B, the closed business day, which the sources must have delivered.
    train_first : bool
        Hold scoring back until a training run has finished: a first day would otherwise be scored by the fallback.
    """
    key = day.isoformat()
    if train_first:
        introduce(layout, api, [dag_id for dag_id in (*DAILY, TRAINING) if dag_id != SCORE])
    else:
        introduce(layout, api, (*DAILY, TRAINING))
    with Board(api, console, f"Business day {key}") as board:
        for dag_id in DAILY:
            if dag_id == SCORE and train_first:
                board.follow(TRAINING, partial(_newest_run, api, TRAINING))
            board.follow(dag_id, partial(_newest_run, api, dag_id, key))
        _start(api, INGEST, key)
        if train_first:
            board.wait([INGEST], PATIENCE_SECONDS)
            if _newest_run(api, TRAINING) is None:
                api.trigger(TRAINING, conf={"business_date": key})
            board.wait([FEATURES, TRAINING], PATIENCE_SECONDS)
            introduce(layout, api, [SCORE])
            _start(api, SCORE, key)
        board.wait(DAILY, PATIENCE_SECONDS)
        return board.run_times()


def run_clocks(layout: Layout, api: AirflowApi, console: Console) -> dict[str, float]:
    """Switch the DAGs that watch a clock on, and wait for the first run of those that are new."""
    new = introduce(layout, api, CLOCKS)
    if not new:
        return {}
    with Board(api, console, "DAGs that run by the clock") as board:
        for dag_id in new:
            board.follow(dag_id, partial(_newest_run, api, dag_id))
        time.sleep(1.0)  # the scheduler starts the run of the tick just past by itself
        for dag_id in new:
            if not api.runs(dag_id):
                api.trigger(dag_id)
        board.wait(new, 300)
        return board.run_times()


def print_report(layout: Layout, console: Console, day: date, times: dict[str, float], with_ui: bool) -> None:
    """Print the results of a day, by the command that prints them for everybody."""
    file = layout.home / "run_times.json"
    write_private(file, json.dumps(times))
    address = ["--ui-url", layout.url] if with_ui else []
    command = [sys.executable, "-m", "retention.cli", "report", "--date", day.isoformat(), "--run-times", str(file), *address]
    sys.stdout.flush()
    result = subprocess.run(command, cwd=PROJECT_ROOT, check=False)
    if result.returncode:
        raise AirflowApiError(f"the report of {day} could not be printed (exit code {result.returncode}, see above)")


def _start(api: AirflowApi, dag_id: str, key: str) -> None:
    """Start a run for the day, unless one is there that has not failed."""
    if all(run["state"] == "failed" for run in api.runs(dag_id, key)):
        api.trigger(dag_id, partition_key=key)


def _newest_run(api: AirflowApi, dag_id: str, key: str | None = None) -> dict[str, Any] | None:
    return next(iter(api.runs(dag_id, key)), None)
