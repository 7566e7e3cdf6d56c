"""Fixtures shared by all tests: one embedded PostgreSQL per session, a fresh migrated database per test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from retention.deployment import Secrets
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse, migrate
from retention.warehouse.embedded import EmbeddedPostgres
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
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the long files begin first: one that begins last keeps everybody waiting for it alone."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    """One embedded server for the session, not durable: nobody pulls the plug on a test."""
    with open_folder("tests") as home:
        embedded = EmbeddedPostgres(home, durable=False)
        embedded.start()
        try:
            yield embedded
        finally:
            embedded.stop()


@pytest.fixture(scope="session")
def templates(server: EmbeddedPostgres) -> dict[str, str]:
    """Migrated databases that the tests' own are cloned from."""
    names = {name: f"template_{name}" for name in ("warehouse", "marketing")}
    server.ensure_databases(names.values())
    for name, database in names.items():
        warehouse = Warehouse(server.url(database))
        migrate(warehouse, name)
        warehouse.dispose()
    return names


@pytest.fixture
def make_database(server: EmbeddedPostgres, templates: dict[str, str]) -> Iterator[Callable[[str], str]]:
    """Return a function that makes a fresh database (``warehouse``, ``marketing`` or ``empty``) and gives its URL."""
    made: list[str] = []

    def make(kind: str) -> str:
        name = f"{kind}_{next(_COUNTER)}"
        template = templates.get(kind, "template0")
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template)))
        made.append(name)
        return server.url(name)

    yield make
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for name in made:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def warehouse(make_database: Callable[[str], str]) -> Iterator[Warehouse]:
    """A migrated, empty warehouse."""
    opened = Warehouse(make_database("warehouse"), application_name="test")
    yield opened
    opened.dispose()


@pytest.fixture
def marketing(make_database: Callable[[str], str]) -> Iterator[Warehouse]:
    """A migrated, empty marketing database."""
    opened = Warehouse(make_database("marketing"), application_name="test")
    yield opened
    opened.dispose()


@pytest.fixture
def make_run(warehouse: Warehouse) -> Callable[..., Run]:
    """Return a function that makes a run on the test's warehouse, e.g. ``make_run(date(2026, 4, 1), try_number=2)``."""

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
