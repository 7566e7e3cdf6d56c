"""`make demo` and `make day`: the sample company through the real scheduler, a day at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from retention.deployment import Deployment
from retention.settings import load_settings
from retention.supervisor.api import AirflowApi
from retention.supervisor.control import down, is_up, launch, up, wait
from retention.supervisor.day import print_report, run_clocks, run_day
from retention.supervisor.introduction import wait_for_dags
from retention.supervisor.layout import Layout, write_private
from retention.supervisor.service import SupervisorError
from retention.warehouse.embedded import EmbeddedPostgres

HELD_SCHEDULE = "2100-01-01"
"""Schedule start of the sample company: its days are released by hand, so the clock starts no daily run."""


@dataclass
class Record:
    """What the demo has done so far, kept in `<home>/demo.json`."""

    size: str
    business_date: str
    finished: bool
    run_times: dict[str, float]

    @classmethod
    def read(cls, layout: Layout) -> Record | None:
        """Return the record of this installation, if it has one."""
        path = _record_file(layout)
        return cls(**json.loads(path.read_text())) if path.exists() else None

    def write(self, layout: Layout) -> None:
        """Keep the record."""
        write_private(_record_file(layout), json.dumps(asdict(self)))

    @property
    def day(self) -> date:
        """The newest business day of the demo."""
        return date.fromisoformat(self.business_date)


def demo(layout: Layout, console: Console, size: str = "full", stop: bool = True) -> int:
    """Take the sample company from its source systems to campaign audiences, and print them.

    Does what is missing only: a second call prints the results again.
    """
    began = time.monotonic()
    record = Record.read(layout)
    if record is not None and record.finished and record.size == size:
        with _postgres(layout):
            print_report(layout, console, record.day, record.run_times, with_ui=is_up(layout))
        console.print(f"Nothing to do: business day {record.day} is complete. `make day` runs the next one, `make up` the UI.")
        return 0
    held = "RETENTION_SCHEDULE_FROM" in layout.stored_environment()
    layout.store_environment("RETENTION_SCHEDULE_FROM", HELD_SCHEDULE)
    if not held and is_up(layout):
        console.print("Airflow is up without the sample company's schedule: starting it again.")
        down(layout)
    with _airflow(layout, console, stop, size) as (api, released):
        record = Record(size, released.isoformat(), False, {})
        record.write(layout)
        console.print(f"Business day {released}: sources → core → features → models → segments → audiences", highlight=False)
        record.run_times = run_day(layout, api, console, released, train_first=True)
        record.run_times |= run_clocks(layout, api, console)
        record.finished = True
        record.write(layout)
        print_report(layout, console, released, record.run_times, with_ui=not stop or is_up(layout))
        console.print(f"Done in {_minutes(time.monotonic() - began)}.", highlight=False)
    return 0


def next_day(layout: Layout, console: Console, stop: bool = True) -> int:
    """Release the next held-back day of the sample company and run it."""
    from retention import samples

    record = Record.read(layout)
    if record is None or not record.finished:
        raise SupervisorError("there is no finished demo to add a day to: run `make demo` first.", runbook="demo")
    day = record.day + timedelta(days=1)
    with _airflow(layout, console, stop) as (api, _):
        began = time.monotonic()
        with console.status(f"Releasing {day} in the source systems …"):
            samples.release(day, layout.home, Deployment.from_env({"RETENTION_HOME": str(layout.home)}).source_urls)
        times = run_day(layout, api, console, day)
        taken = time.monotonic() - began
        Record(record.size, day.isoformat(), True, times).write(layout)
        print_report(layout, console, day, times, with_ui=True)
        console.print(f"Business day {day} took {taken:.0f} s from release to audiences.", highlight=False)
    return 0


@contextmanager
def _airflow(layout: Layout, console: Console, stop: bool, make_sample: str | None = None) -> Iterator[tuple[AirflowApi, date]]:
    """Have Airflow up, and the sample company made meanwhile when asked for; stop afterwards what was started here."""
    started = launch(layout)
    try:
        with _Progress(console) as progress, ThreadPoolExecutor(max_workers=1) as pool:
            wait(layout, lambda state: bool(state.get("databases_ready")), progress.show)
            making = pool.submit(_make_sample, layout.home, make_sample, progress) if make_sample else None
            up(layout, progress.show)
            while making is not None and not making.done():
                progress.show("Airflow is up")
                time.sleep(0.2)
            released = making.result() if making is not None else date.min
            progress.show("Airflow reads the DAGs")
            api = AirflowApi.of(layout)
            wait_for_dags(api)
        yield api, released
    finally:
        if started and stop:
            with console.status("Stopping what was started …"):
                down(layout)
            console.print("Stopped Airflow and PostgreSQL again. `make up` starts them with the UI.")


class _Progress:
    """One line that says what is being started and made; a line per change where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("Starting …")
        self._started = time.monotonic()
        self._sample = ""
        self._printed = ""

    def __enter__(self) -> _Progress:
        self._status.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._status.stop()

    def sample(self, what: str, share: float) -> None:
        """Take note of how far the sample company is."""
        self._sample = f"; sample company: {what} ({share:.0%})"

    def show(self, text: str) -> None:
        """Show what is being started."""
        line = f"Starting: {text}{self._sample}"
        if not self._console.is_terminal:
            if line != self._printed:
                self._console.print(f"  {line}", highlight=False)
            self._printed = line
        else:
            self._status.update(f"{line} … {time.monotonic() - self._started:.0f} s")


def _make_sample(home: Path, size: str, progress: _Progress) -> date:
    from retention import samples

    today = datetime.now(ZoneInfo(load_settings().company.business_timezone)).date()
    deployment = Deployment.from_env({"RETENTION_HOME": str(home)})
    made = samples.create(home, deployment.source_urls, today, size=size, progress=progress.sample)
    return date.fromisoformat(made["last_released"])


@contextmanager
def _postgres(layout: Layout) -> Iterator[None]:
    """Have the databases up for a moment, without Airflow."""
    server = EmbeddedPostgres(layout.home)
    running = server.is_running()
    server.start()
    try:
        yield
    finally:
        if not running:
            server.stop()


def _record_file(layout: Layout) -> Path:
    return layout.home / "demo.json"


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"
