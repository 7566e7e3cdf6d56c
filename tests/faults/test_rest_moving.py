"""APIs whose rows move while they are read, and that fail at the same time: many stories, for the long target."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.retention.sources.rest.server import serving
from tests.retention.sources.rest.shop import Shop
from tests.retention.sources.rest.test_moving import stories, tell


@pytest.mark.faults
@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
@given(story=stories())
def test_what_was_there_throughout_is_delivered_once(story: dict[str, Any]) -> None:
    with serving(Shop()) as server, tempfile.TemporaryDirectory() as folder:
        tell(story, server, Path(folder))
