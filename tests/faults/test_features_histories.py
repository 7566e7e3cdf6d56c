"""Many random histories: slices carried forward against full computations. ``RETENTION_HISTORIES`` sets how many (150)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.retention.features.histories import histories
from tests.retention.features.test_touched import check_history

pytestmark = pytest.mark.faults


@settings(
    max_examples=int(os.environ.get("RETENTION_HISTORIES", "150")),
    deadline=None,
    phases=[Phase.generate],  # shrinking means building a company for every attempt
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories)
def test_random_histories_give_the_rows_of_a_full_computation(make_database: Callable[[str], str], history: Any) -> None:
    check_history(make_database, history)
