"""The tiny company as a working installation: its files, its databases, and a day run in this process or in one of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from retention import pipeline, whole_day
from retention.warehouse import Attempt, Run
from retention.warehouse.embedded import EmbeddedPostgres
from tests.databases import clone, drop
from tests.processes import Program

FIRST_DAY = date(2026, 3, 31)
SECOND_DAY = date(2026, 4, 1)
FIXTURE = Path(__file__).parent / "fixtures" / "tiny"
SOURCES = ("crm", "sales", "service_desk")
PEPPER = b"a-pepper-for-tests-only-0123456789abcdef"


@dataclass
class TinyCompany:
    """One installation of the tiny company under a folder.

    The first day's files are there from the start; :meth:`deliver` adds those of a later day.
    """

    home: Path
    warehouse_url: str
    marketing_url: str
    tries: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.home / "secrets").mkdir(parents=True)
        (self.home / "secrets" / "pepper").write_bytes(PEPPER)
        # Whoever comes after a killed process waits for its lease to run out: seconds here, a minute in earnest.
        (self.home / "retention.toml").write_text("[lease]\nexpires_seconds = 6\nrenew_seconds = 1\n")
        self.deliver(FIRST_DAY)

    def deliver(self, day: date) -> None:
        """Put the files of one day where the source systems export them."""
        for source in SOURCES:
            target = self.home / "sources" / source
            target.mkdir(parents=True, exist_ok=True)
            for path in (FIXTURE / "data" / source).iterdir():
                if day.isoformat() in path.name:
                    shutil.copy(path, target / path.name)

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that describe this installation."""
        return {
            "RETENTION_HOME": str(self.home),
            "RETENTION_SETTINGS": str(self.home / "retention.toml"),
            "RETENTION_WAREHOUSE_URL": self.warehouse_url,
            "RETENTION_MARKETING_URL": self.marketing_url,
            "RETENTION_SOURCES_DIR": str(FIXTURE / "sources"),
            **{f"RETENTION_SOURCE_{source.upper()}_URL": str(self.home / "sources" / source) for source in SOURCES},
        }

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Make the environment of this process that of the installation."""
        before = {key: os.environ.get(key) for key in self.environment}
        os.environ.update(self.environment)
        try:
            yield
        finally:
            for key, value in before.items():
                if value is None:
                    del os.environ[key]
                else:
                    os.environ[key] = value

    def run_factory(self, day: date) -> Callable[[str], Run]:
        """Return what opens a run per step; a repeated step counts as the next try of its task."""

        def open_step(step: str) -> Run:
            name = f"{day} {step}"
            self.tries[name] = self.tries.get(name, 0) + 1
            return pipeline.open_run(day, Attempt("tiny", f"tiny-{day}", step, self.tries[name]))

        return open_step

    def run_day(self, day: date) -> dict[str, dict[str, object]]:
        """Run a whole day in this process and return the counts by step."""
        with self.entered():
            return {step.name: step.counts for step in whole_day.run_day(self.run_factory(day), night_after(day))}

    def start_day(self, day: date) -> Program:
        """Start a whole day in a process of its own, to be killed."""
        arguments = ("run", "--date", day.isoformat(), "--no-train", "--quiet")
        return Program("retention.cli", *arguments, environment=self.environment)


@contextmanager
def installed(server: EmbeddedPostgres, templates: Mapping[str, str], home: Path, name: str) -> Iterator[TinyCompany]:
    """Install the tiny company in databases of its own, which are dropped at the end."""
    databases = {kind: f"{name}_{kind}" for kind in ("warehouse", "marketing")}
    urls = {kind: clone(server, database, templates[kind]) for kind, database in databases.items()}
    try:
        yield TinyCompany(home, urls["warehouse"], urls["marketing"])
    finally:
        drop(server, *databases.values())


def night_after(day: date) -> datetime:
    """Return a plausible present: one in the morning after a business day, when nightly runs happen."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo("Asia/Shanghai")) + timedelta(hours=1)
