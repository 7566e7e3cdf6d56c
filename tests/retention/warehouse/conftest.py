"""Fixtures of the writing protocol's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from retention.warehouse import Warehouse, contracts, writer
from tests.processes import Program
from tests.retention.warehouse import people_slice


@pytest.fixture
def people(warehouse: Warehouse) -> Iterator[Warehouse]:
    """A warehouse with the people table, whose contract this process knows."""
    people_slice.register()
    people_slice.create(warehouse)
    yield warehouse
    writer.load_contract = contracts.load_contract


@pytest.fixture
def start_writer(people: Warehouse) -> Iterator[Callable[..., Program]]:
    """Return a function that starts a process which publishes the people slice, with failpoints."""
    started: list[Program] = []

    def start(version: int, *, try_number: int = 1, task_id: str = "people", failpoints: str = "") -> Program:
        process = Program(
            "tests.retention.warehouse.people_slice", people.url.render_as_string(hide_password=False), str(try_number),
            str(version), task_id, environment={"RETENTION_FAILPOINTS": failpoints},
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
