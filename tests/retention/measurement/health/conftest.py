"""Both databases, emptied for each test, and the rows that a look at their health is made of."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from retention.deployment import Secrets
from retention.measurement.health import fill_audience_tables
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse, stage_writer
from tests.conftest import PEPPER
from tests.retention.measurement.conftest import at
from tests.retention.privacy.conftest import insert

NOW = at("2026-04-01 09:00")  # nine hours after the 31st ended
CLOSED = date(2026, 3, 31)


SYNCS = itertools.count(100)
WRITTEN = (
    "ops.run_ledger", "ops.lease", "ops.batch", "ops.published", "ops.score_drift", "ops.health_episode", 'landing."order"',
    "bi.health_check", "bi.audience_health", "bi.audience_overlap", "bi.audience_mix", "bi.audience_delivery", "bi.audience_cost",
    "campaigns.play", "campaigns.play_run", "campaigns.exclusion_count", "campaigns.push_receipt", "campaigns.guard_stop",
    "campaigns.delivery", "campaigns.match_key_coverage", "campaigns.target_receipt",
)  # fmt: skip
WRITTEN_THERE = (
    "consent_feed", "campaign_audience", "audience_change", "campaign_event", "acknowledgement", "audience_sync", "issued_send_key",
)  # fmt: skip


@pytest.fixture(scope="package")
def databases(server: Any, templates: dict[str, str]) -> Iterator[tuple[Warehouse, Warehouse]]:
    """Both databases for all tests of health: making them takes longer than most of the tests."""
    opened = []
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for kind in ("warehouse", "marketing"):
            connection.execute(f"create database health_{kind} template {templates[kind]}")
            opened.append(Warehouse(server.url(f"health_{kind}"), application_name="test"))
    warehouse, marketing = opened
    yield warehouse, marketing
    warehouse.dispose()
    marketing.dispose()


@pytest.fixture
def make_run(databases: tuple[Warehouse, Warehouse]) -> Callable[..., Run]:
    """Runs over both databases, emptied."""
    for database, names in zip(databases, (WRITTEN, [f"marketing.{name}" for name in WRITTEN_THERE]), strict=True):
        with database.begin() as connection:
            for name in names:
                connection.exec_driver_sql(f"delete from {name}")

    def make(day: date = CLOSED, settings: Settings | None = None) -> Run:
        attempt = Attempt("test", "run-1", "task", 1)
        return Run(day, databases[0], settings or Settings(), attempt, Secrets(pepper=PEPPER), databases[1])

    return make


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    """The look on the morning of 1 April, at databases without anything."""
    return make_run()


def ledger(run: Run, dataset: str, day: date = CLOSED, state: str = "published", seconds: float = 10, **more: Any) -> None:
    started = more.pop("started_at", at(f"{day + timedelta(days=1)} 01:00"))
    insert(
        run.warehouse,
        "ops.run_ledger",
        {
            "stage": dataset, "dataset": dataset, "slice_key": day.isoformat(), "business_date": day, "dag_id": "retention_x",
            "run_id": "r", "task_id": f"write_{dataset}", "try_number": 1, "token": 1, "state": state, "started_at": started,
            "ended_at": started + timedelta(seconds=seconds), **more,
        },
    )  # fmt: skip


def batch(run: Run, entity: str, day: date = CLOSED, rows: int = 1000, refused: int = 0, batch_id: int | None = None) -> None:
    insert(
        run.warehouse,
        "ops.batch",
        {
            "source": "sales", "entity": entity, "business_date": day, "run_id": "r", "state": "published",
            "rows_extracted": rows, "rows_valid": rows - refused, "rows_quarantined": refused,
            "created_at": at(f"{day + timedelta(days=1)} 00:30"),
        },
    )  # fmt: skip


def found(run: Run, check: str) -> dict[str, tuple[Any, ...]]:
    """Value and state by subject, as BI tools read them."""
    with run.warehouse.connect() as connection:
        rows = connection.execute(
            sa.text("select subject, value, state from bi.health where check_name = :check order by 1"), {"check": check}
        ).all()
    return {row.subject: (None if row.value is None else round(row.value, 4), row.state) for row in rows}


def count_audiences(run: Run) -> None:
    with stage_writer(run, "bi") as writer:
        fill_audience_tables(writer, run)
        writer.publish()


def table(run: Run, sql: str) -> list[tuple[Any, ...]]:
    with run.warehouse.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(sql))]
