"""Fixtures shared by all tests: one embedded PostgreSQL per session, a fresh migrated database per test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from retention.deployment import Secrets
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse, migrate
from retention.warehouse.embedded import EmbeddedPostgres
from tests.databases import clone, drop
from tests.folders import open_folder

_COUNTER = itertools.count(1)
BUSINESS_DATE = date(2026, 3, 31)
PEPPER = b"a-pepper-for-tests-only-0123456789abcdef"
LONGEST = (
    "tests/e2e/",
    "tests/faults/",
    "tests/test_tiny_company",
    "tests/test_tiny_erasure",
    "tests/retention/conform/",
    "tests/abuse/",
    "tests/browser/",
    "tests/retention/quality/",
    "tests/retention/campaigns/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the long files begin first, the longest of them before: one that begins last keeps everybody waiting for it alone."""
    items.sort(key=lambda item: next((at for at, name in enumerate(LONGEST) if item.nodeid.startswith(name)), len(LONGEST)))


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    """One embedded server for the session, not durable: nobody pulls the plug on a test."""
    with open_folder("tests") as home:
        embedded = EmbeddedPostgres(home, durable=False)
        embedded.start()
        with psycopg.connect(embedded.url("postgres"), autocommit=True) as connection:
            for setting in ("full_page_writes = off", "wal_init_zero = off", "max_wal_size = '1GB'"):
                connection.execute(f"alter system set {setting}".encode())
            connection.execute("select pg_reload_conf()")
        try:
            yield embedded
        finally:
            embedded.stop()


@pytest.fixture(scope="session")
def templates(server: EmbeddedPostgres) -> dict[str, str]:
    """Databases that the tests' own are cloned from, by kind: migrated and empty, and what :func:`prepare` adds."""
    names = {name: f"template_{name}" for name in ("warehouse", "marketing")}
    server.ensure_databases(names.values())
    for name, database in names.items():
        warehouse = Warehouse(server.url(database))
        migrate(warehouse, name)
        warehouse.dispose()
    return {"empty": "template0", **names}


Fill = Callable[[Warehouse, Warehouse], None]


@pytest.fixture(scope="session")
def prepare(server: EmbeddedPostgres, templates: dict[str, str]) -> Callable[..., str]:
    """Return a function that fills both databases once a session, for tests to begin with a copy: ``prepare("staffed", fill)``.

    It returns the name for :func:`begins_with`. ``on`` names what was prepared before and is added to.
    """

    fills: dict[str, str] = {}

    def make(state: str, fill: Fill, on: str | None = None) -> str:
        by = f"{fill.__module__}.{fill.__qualname__}"
        assert fills.setdefault(state, by) == by, f"{state} is also prepared by {fills[state]}: choose another name"
        if kind_of(state, "warehouse") in templates:
            return state
        made = {kind_of(state, kind): f"template_{kind_of(state, kind)}" for kind in ("warehouse", "marketing")}
        opened = [
            Warehouse(clone(server, database, templates[kind_of(on, kind)]), application_name="test")
            for kind, database in zip(("warehouse", "marketing"), made.values(), strict=True)
        ]
        fill(*opened)
        for database in opened:
            database.dispose()
        templates.update(made)
        return state

    return make


def kind_of(state: str | None, kind: str) -> str:
    """Name of a template: ``warehouse``, or ``staffed_warehouse`` where it is prepared."""
    return f"{state}_{kind}" if state else kind


@pytest.fixture
def begins_with() -> str | None:
    """What the test's databases hold at its beginning: nothing, or what was prepared. Overridden where tests share a company."""
    return None


@pytest.fixture
def make_database(server: EmbeddedPostgres, templates: dict[str, str]) -> Iterator[Callable[[str], str]]:
    """Return a function that makes a database (``warehouse``, ``marketing``, ``empty``, or prepared) and gives its URL."""
    made: list[str] = []

    def make(kind: str) -> str:
        made.append(f"{kind}_{next(_COUNTER)}")
        return clone(server, made[-1], templates[kind])

    yield make
    drop(server, *made)


@pytest.fixture
def warehouse(make_database: Callable[[str], str], begins_with: str | None) -> Iterator[Warehouse]:
    """A migrated warehouse, empty but for what the test begins with."""
    opened = Warehouse(make_database(kind_of(begins_with, "warehouse")), application_name="test")
    yield opened
    opened.dispose()


@pytest.fixture
def marketing(make_database: Callable[[str], str], begins_with: str | None) -> Iterator[Warehouse]:
    """A migrated marketing database, empty but for what the test begins with."""
    opened = Warehouse(make_database(kind_of(begins_with, "marketing")), application_name="test")
    yield opened
    opened.dispose()


@pytest.fixture
def make_run(warehouse: Warehouse) -> Callable[..., Run]:
    """Return a function that makes a run on the test's warehouse, e.g. ``make_run(date(2026, 4, 1), try_number=2)``."""
    return run_maker(warehouse)


def run_maker(warehouse: Warehouse) -> Callable[..., Run]:
    """Return a function that makes a run on a warehouse."""

    def make(
        business_date: date = BUSINESS_DATE,
        *,
        task_id: str = "task",
        try_number: int = 1,
        run_id: str = "run-1",
        settings: Settings | None = None,
        marketing: Warehouse | None = None,
    ) -> Run:
        return Run(
            business_date=business_date,
            warehouse=warehouse,
            marketing=marketing,
            settings=settings or Settings(),
            attempt=Attempt("test", run_id, task_id, try_number),
            secrets=Secrets(pepper=PEPPER),
        )

    return make


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    """The run of business date 2026-03-31, as of 2026-04-01."""
    return make_run()


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's folder."""
    return Path(__file__).resolve().parents[1]
