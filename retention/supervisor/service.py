"""The supervisor's own process: PostgreSQL, migrations, API server, then the rest, then watch over all of them."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import psycopg

from retention.supervisor.configuration import DATABASES, METADATA_DATABASE, airflow_environment
from retention.supervisor.layout import Layout, write_private
from retention.supervisor.processes import Component, end_session, identity, living, stop_tree
from retention.warehouse import RetentionError
from retention.warehouse.embedded import EmbeddedPostgres

log = logging.getLogger("retention.supervisor")
LEAST_FREE_MB = 1500
HEALTH_PATIENCE_SECONDS = 180
REQUIRED = ("metadatabase", "scheduler", "dag_processor", "triggerer")


class SupervisorError(RetentionError):
    """Something could not be started; what had been started was stopped again."""

    runbook = "supervisor"


class Supervisor:
    """Runs until it is asked to stop.

    Parameters
    ----------
    layout : Layout
        The installation to run.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.postgres = EmbeddedPostgres(layout.home)
        self.components: list[Component] = []
        self.phase = "starting"
        self.message = ""
        self._started_postgres = False
        self._stop = threading.Event()
        self._lock = threading.Lock()

    # -- life ---------------------------------------------------------------------------------------------------------
    def run(self) -> int:
        """Start everything, watch over it, stop it; return the exit code."""
        with self.layout.lock_file.open("w") as held:
            if not _take(held.fileno()):
                log.error("another supervisor runs for %s", self.layout.home)
                return 1
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._on_signal)
            try:
                self._clear_up()
                self._start()
                self._watch()
            except _Stopped:
                log.info("asked to stop while starting")
            except Exception as error:
                log.exception("could not start")
                text = str(error) if isinstance(error, RetentionError) else f"{type(error).__name__}: see logs/supervisor.log"
                self._stop_all()
                self._report("failed", text)
                return 1
            self._stop_all()
            self._report("down", "")
        return 0

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop.set()

    def _clear_up(self) -> None:
        """End what a supervisor that was killed left behind."""
        state = self.layout.read_state()
        for known in state.get("components", []):
            process = living(known)
            if process is not None:
                log.warning("%s (pid %s) was left behind by an earlier supervisor: stopping it", known["name"], process.pid)
                stop_tree(process)
            for session in (*known.get("retired", []), known):
                end_session(session)
        # Whether PostgreSQL is ours to stop outlives the supervisor that started it.
        self._started_postgres = bool(state.get("postgres_is_ours")) or not self.postgres.is_running()

    def _start(self) -> None:
        check_disk(self.layout.home)
        self._report("starting", "PostgreSQL")
        self.postgres.start()
        self.postgres.ensure_databases(DATABASES)
        port = self.layout.choose_port()
        environment = airflow_environment(self.layout, self.postgres.url(METADATA_DATABASE))
        self._report("starting", "migrations")
        with ThreadPoolExecutor(max_workers=2) as pool:
            ours = pool.submit(self._program, "retention init", [sys.executable, "-m", "retention.cli", "init"], environment)
            theirs = pool.submit(self._migrate_airflow, environment)
            ours.result()
            self._report("starting", "Airflow's migrations", databases_ready=True)
            theirs.result()
        self._check_stopped()

        def component(name: str, *arguments: str) -> Component:
            return Component(name, [*airflow_program(), *arguments], environment, self.layout.logs / f"{name}.log")

        self._report("starting", "API server", databases_ready=True)
        # The API comes first: a scheduler that finds nobody listening fails its first tasks.
        self._launch(component("api-server", "api-server", "--host", "127.0.0.1", "--port", str(port)))
        self._wait_for(lambda health: True, "the API server")
        self._report("starting", "scheduler, DAG processor, triggerer", databases_ready=True)
        # Task logs are read from the shared folder, so nobody needs to serve them.
        self._launch(component("scheduler", "scheduler", "--skip-serve-logs"))
        self._launch(component("dag-processor", "dag-processor"))
        self._launch(component("triggerer", "triggerer", "--skip-serve-logs"))
        self._wait_for(_all_healthy, "scheduler, DAG processor and triggerer")
        self._report("up", "")

    def _watch(self) -> None:
        next_look_at_postgres = 0.0
        while not self._stop.wait(0.5):
            changed = [component.keep_alive() for component in self.components]
            if time.monotonic() >= next_look_at_postgres:
                self._keep_postgres()
                for component in self.components:
                    component.clear_up()
                next_look_at_postgres = time.monotonic() + 2.0
            if any(changed):
                self._report(self.phase, self.message)

    def _keep_postgres(self) -> None:
        if not self.postgres.is_running():
            log.warning("PostgreSQL does not answer: starting it again")
            try:
                self.postgres.start()
            except RetentionError as error:
                log.error("%s", error)  # tried again in two seconds

    def _launch(self, component: Component) -> None:
        self.components.append(component)
        component.start()

    def _wait_for(self, good: Callable[[dict[str, Any]], bool], what: str) -> None:
        deadline = time.monotonic() + HEALTH_PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self._check_stopped()
            for component in self.components:
                component.keep_alive()
            found = health(self.layout)
            if found is not None and good(found):
                return
            self._stop.wait(0.3)
        raise SupervisorError(
            f"{what} did not become healthy within {HEALTH_PATIENCE_SECONDS} s. Everything was stopped again; "
            f"the reasons are in {self.layout.logs}."
        )

    def _migrate_airflow(self, environment: dict[str, str]) -> None:
        stamp = self.layout.airflow_home / "migrated"
        known = _airflow_revision(self.postgres.url(METADATA_DATABASE))
        if known and stamp.exists() and stamp.read_text() == f"{airflow_version()} {known}":
            return
        self._program("airflow db migrate", [*airflow_program(), "db", "migrate"], environment)
        write_private(stamp, f"{airflow_version()} {_airflow_revision(self.postgres.url(METADATA_DATABASE))}")

    def _program(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        """Run a program that ends by itself."""
        log_file = self.layout.logs / "migrations.log"
        with log_file.open("ab") as stream:
            result = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=False,
                cwd=self.layout.logs,
            )
        if result.returncode:
            raise SupervisorError(
                f"`{name}` ended with exit code {result.returncode}. Everything was stopped again; "
                f"the reasons are at the end of {log_file}."
            )

    def _stop_all(self) -> None:
        self._report("stopping", "")
        # The one who starts work goes first, the one the others report to goes last.
        order = {"scheduler": 0, "dag-processor": 1, "triggerer": 1, "api-server": 2}
        for rank in (0, 1, 2):
            group = [component for component in self.components if order.get(component.name, 1) == rank]
            threads = [threading.Thread(target=component.stop) for component in group]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if self._started_postgres:
            self.postgres.stop()

    def _check_stopped(self) -> None:
        if self._stop.is_set():
            raise _Stopped

    def _report(self, phase: str, message: str, databases_ready: bool | None = None) -> None:
        with self._lock:
            self.phase, self.message = phase, message
            self.layout.write_state(
                {
                    **identity(os.getpid()),
                    "phase": phase,
                    "message": message,
                    "databases_ready": phase == "up" if databases_ready is None else databases_ready,
                    "postgres_is_ours": self._started_postgres and phase not in ("down", "failed"),
                    "components": [] if phase in ("down", "failed") else [c.describe() for c in self.components],
                }
            )
        log.info("%s %s", phase, message)


class _Stopped(Exception):
    """Asked to stop before everything was up."""


def _take(descriptor: int, patience: float = 3.0) -> bool:
    """Lock the supervisor's file; tried for a moment, because whoever asks for the status holds it for an instant."""
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def health(layout: Layout) -> dict[str, Any] | None:
    """Return what Airflow says about its parts, or None when the API does not answer."""
    try:
        answer = httpx.get(f"{layout.url}/api/v2/monitor/health", timeout=3)
        found = answer.json() if answer.status_code == 200 else None
    except (httpx.HTTPError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _all_healthy(found: dict[str, Any]) -> bool:
    return all((found.get(part) or {}).get("status") == "healthy" for part in REQUIRED)


def airflow_program() -> list[str]:
    """Return how to run the `airflow` of this Python environment."""
    program = Path(sys.executable).with_name("airflow")
    return [str(program)] if program.exists() else [sys.executable, "-m", "airflow"]


def airflow_version() -> str:
    """Return the installed version of Airflow without importing it."""
    from importlib.metadata import version

    return version("apache-airflow-core")


def _airflow_revision(url: str) -> str | None:
    with psycopg.connect(url) as connection:
        if connection.execute("select to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("select version_num from alembic_version").fetchone()
    return str(row[0]) if row else None


def check_disk(home: Path) -> None:
    """Refuse to start on a disk that would be full before the first day is through."""
    free_mb = shutil.disk_usage(home).free // 2**20
    if free_mb < LEAST_FREE_MB:
        raise SupervisorError(
            f"{home}: {free_mb} MB free, at least {LEAST_FREE_MB} MB are needed. Nothing was started. "
            "Free some space or set RETENTION_HOME to a folder on a larger disk.",
            runbook="low-disk",
        )


def serve(layout: Layout) -> int:
    """Run the supervisor in this process until it is told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return Supervisor(layout).run()
