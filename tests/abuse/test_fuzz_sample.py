"""A sample of the long fuzzing (tests/faults/test_fuzz.py), and that it would notice."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from retention.sources import mapping
from retention.warehouse import Run
from tests.abuse.catalogue import ENTITIES
from tests.abuse.day import run_day, violations
from tests.abuse.deliveries import TOLERANT, Desk
from tests.abuse.fuzzing import multiply, smallest, templates

SEED = random.SystemRandom().randrange(10**6)
FORMS = ("csv", "parquet")


@pytest.mark.slow
def test_twenty_thousand_rows_nobody_thought_of(desk: Desk, make_run: Callable[..., Run]) -> None:
    print(f"seed {SEED}")
    run, rng = make_run(settings=TOLERANT), np.random.default_rng(SEED)
    deliveries = {}
    for number, entity in enumerate(ENTITIES):
        drawn = templates(entity, 150, SEED + number)
        for form in FORMS:
            deliveries[form, entity] = multiply(entity, drawn, 700, rng)
    given = run_day(desk, run, deliveries)
    assert sum(given.values()) > 20_000
    assert violations(run, given) == []


def test_the_generator_draws_the_same_rows_from_the_same_seed() -> None:
    drawn = [templates("order", 40, 7) for _ in range(2)]
    assert drawn[0] == drawn[1]
    rows = [multiply("order", drawn[0], 200, np.random.default_rng(7)) for _ in range(2)]
    assert rows[0] == rows[1]
    repeated = len(rows[0]) - len({tuple(row.items()) for row in rows[0]})
    assert repeated > 2, "exact repetitions must be among them"


def test_a_failure_is_cut_down_to_the_row_that_makes_it() -> None:
    rows = [{"order_id": str(number)} for number in range(100)]
    calls = []

    def fails(some: object) -> bool:
        calls.append(some)
        return {"order_id": "61"} in some  # type: ignore[operator]

    assert smallest(rows, fails) == [{"order_id": "61"}]
    assert len(calls) < 60


def test_guard_off_a_nul_kills_the_whole_batch(
    desk: Desk, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What replaces the character that PostgreSQL cannot store is turned off: one row takes all of them along."""
    run = make_run(settings=TOLERANT)
    rows = [{"customer_id": "ana"}, {"customer_id": "bo", "city": "Wu\x00han"}]
    desk.deliver("jsonl", "customer", run.business_date, rows)
    print(mapping.__name__)
