"""APIs whose rows move while they are read, and that fail at the same time: many stories, for the long target."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from retention.sources.rest import paging, readings
from tests.retention.sources.rest.server import serving
from tests.retention.sources.rest.shop import Shop
from tests.retention.sources.rest.test_moving import stories, tell

pytestmark = pytest.mark.faults


def read_stories(number: int, database: Any = None) -> None:
    @settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck), database=database)
    @given(story=stories())
    def read(story: dict[str, Any]) -> None:
        with serving(Shop()) as server, tempfile.TemporaryDirectory() as folder:
            tell(story, server, Path(folder))

    read()


def test_what_was_there_throughout_is_delivered_once() -> None:
    read_stories(3000)


def without_anchor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging.Walk, "_last_seen", lambda self, rows, seen: -1)


def with_one_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = readings.readings
    monkeypatch.setattr(paging, "readings", lambda at, chain, version, *_: whole(at, chain, version, lambda: True))


@pytest.mark.parametrize("guard_off", [without_anchor, with_one_reading])
def test_the_stories_find_a_reader_without_its_guard(
    monkeypatch: pytest.MonkeyPatch, guard_off: Callable[[pytest.MonkeyPatch], None]
) -> None:
    guard_off(monkeypatch)
    with pytest.raises(AssertionError, match="a row that was there throughout did not come"):
        read_stories(1000)
