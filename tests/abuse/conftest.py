"""Desks of sources for the abuse tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.abuse.deliveries import Desk


@pytest.fixture
def desk(tmp_path: Path, make_database: Callable[[str], str]) -> Desk:
    """Four empty sources."""
    return Desk(tmp_path / "desk", make_database("empty"))
