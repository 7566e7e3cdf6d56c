"""Bytes damaged by chance: rows come, or an error that says what is wrong; never another, and never a name in it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.retention.sources.damage import FILES, damaged, outcome_of


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_end_in_rows_or_in_an_error_of_their_own(tmp_path: Path, name: str) -> None:
    good, chance = FILES[name](), random.Random(20260331)
    assert outcome_of(tmp_path, name, good) == "loaded"
    outcomes = {outcome_of(tmp_path, name, damaged(good, chance)) for _ in range(40)}
    assert outcomes - {"loaded"} or name in ("a.jsonl", "a.json", "a.json.zst"), "some of the damage must be noticed"
