"""Files of every format damaged thousands of times: rows come or the source stops, and no other error ever does."""

from __future__ import annotations

import random
import resource
from pathlib import Path

import pytest

from tests.retention.sources.damage import FILES, damaged, outcome_of

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("name", FILES)
def test_thousands_of_damaged_files(tmp_path: Path, name: str) -> None:
    good = FILES[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(3_000):
        data = good
        for _ in range(1 + seed % 3):  # also several kinds of damage at once
            data = damaged(data, random.Random(seed)) or b"x"
        outcome_of(tmp_path, name, data)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400_000, f"{grown:,} kB: some damage made reading take memory that the file does not hold"
