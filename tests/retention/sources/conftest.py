"""The tiny company as three file sources."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from retention.sources import SourceSpec, load_specs
from retention.sources.kept import keep
from retention.warehouse import Warehouse


@pytest.fixture
def tiny(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, SourceSpec]:
    """Descriptions of the tiny company's sources, reading a copy of its files that the test may change."""
    fixture = project / "tests" / "fixtures" / "tiny"
    shutil.copytree(fixture / "data", tmp_path / "data")
    for source in ("crm", "sales", "service_desk"):
        monkeypatch.setenv(f"RETENTION_SOURCE_{source.upper()}_URL", str(tmp_path / "data" / source))
    return {spec.source: spec for spec in load_specs(fixture / "sources")}


@pytest.fixture
def rows(warehouse: Warehouse) -> Callable[..., list[Any]]:
    """Return a function that runs a query on the test's warehouse and gives its rows as tuples."""

    def query(sql: str, **binds: Any) -> list[Any]:
        with warehouse.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(sql), binds)]

    return query


@pytest.fixture
def publish(warehouse: Warehouse) -> Callable[[], int]:
    """Return a function that does what publishing core does to batches, cursors and kept rows, and nothing else.

    It returns the rows kept.
    """

    def do() -> int:
        with warehouse.begin() as connection:
            connection.execute(
                sa.text(
                    "update ops.batch set state = 'validated', rows_valid = rows_extracted - rows_duplicate where state = 'landed'"
                )
            )
            batches = connection.execute(
                sa.text("select batch_id, source, entity from ops.batch where state = 'validated' order by batch_id")
            ).all()
            kept = keep(connection, batches)
            connection.execute(
                sa.text(
                    "insert into ops.source_cursor (source, entity, cursor_value, business_date) "
                    "select source, entity, cursor_to, business_date from ops.batch where state = 'validated' "
                    "and cursor_to is not null "
                    "on conflict (source, entity) do update set cursor_value = excluded.cursor_value, "
                    "business_date = excluded.business_date"
                )
            )
            connection.execute(sa.text("update ops.batch set state = 'published' where state = 'validated'"))
        return kept

    return do
