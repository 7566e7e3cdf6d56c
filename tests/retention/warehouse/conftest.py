"""Fixtures of the writing protocol's tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from retention.warehouse import Warehouse, contracts, writer
from tests.retention.warehouse import people_slice


@pytest.fixture
def people(warehouse: Warehouse) -> Iterator[Warehouse]:
    """A warehouse with the people table, whose contract this process knows."""
    people_slice.register()
    people_slice.create(warehouse)
    yield warehouse
    writer.load_contract = contracts.load_contract


@pytest.fixture
def start_writer(people: Warehouse, project) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that starts a process which publishes the people slice, with failpoints."""
    started: list[subprocess.Popen[str]] = []

    def start(version: int, *, try_number: int = 1, task_id: str = "people", failpoints: str = "") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "tests.retention.warehouse.people_slice",
                people.url.render_as_string(hide_password=False), str(try_number), str(version), task_id,
            ],
            cwd=project, env={**os.environ, "RETENTION_FAILPOINTS": failpoints}, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
