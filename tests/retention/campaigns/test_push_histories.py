"""Random histories, a few: differences replayed by a tool are the full audience, always. Many of them: tests/faults."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from retention.warehouse import Warehouse
from tests.retention.campaigns.decided import light_company
from tests.retention.campaigns.histories import histories, live


# Without shrinking: every step is a push, and a failure prints the whole history anyway.
@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[*HealthCheck],
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
@given(history=histories, minimum_rows=st.sampled_from([1, 4, 1_000]))
def test_differences_replayed_are_the_audience(
    shared_databases: tuple[Warehouse, Warehouse], history: list[tuple[str, Any]], minimum_rows: int
) -> None:
    live(light_company(shared_databases), history, minimum_rows)
