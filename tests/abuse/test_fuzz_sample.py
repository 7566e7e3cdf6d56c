"""A sample of the long fuzzing (tests/faults/test_fuzz.py), and that it would notice."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from retention.quality import NothingLanded, batch, validate
from retention.sources import mapping
from retention.sources.files import text
from retention.warehouse import RetentionError, Run, Warehouse, all_contracts
from tests.abuse.catalogue import ENTITIES, good_row
from tests.abuse.day import run_day, violations
from tests.abuse.deliveries import TOLERANT, Desk
from tests.abuse.fuzzing import multiply, smallest, templates
from tests.retention.quality.company import rows_of

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


def test_half_a_character_sets_its_row_aside(desk: Desk, make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    run = make_run(settings=TOLERANT)
    rows = [
        good_row("customer"),
        good_row("customer", customer_id="bo", city="Wu\ud800han"),
        good_row("customer", customer_id="chen"),
    ]
    run_day(desk, run, {("jsonl", "customer"): rows})
    assert rows_of(warehouse, "select rule, position, row ->> 'city' from quarantine.\"row\"") == [("no_nul", 2, "Wu\u2400han")]
    assert rows_of(warehouse, "select customer_id from pii.source_customer order by 1") == [("ana",), ("chen",)]


GUARDS = [
    pytest.param(mapping, "_without_nul", lambda text: text, "\x00", id="NUL"),
    pytest.param(text, "_HALF", re.compile("(?!)"), "\ud800", id="half a character"),
]


@pytest.mark.parametrize(("module", "guard", "off", "poison"), GUARDS)
def test_guard_off_one_row_takes_all_of_them_along(
    desk: Desk,
    make_run: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    guard: str,
    off: object,
    poison: str,
) -> None:
    monkeypatch.setattr(module, guard, off)
    run = make_run(settings=TOLERANT)
    desk.deliver(
        "jsonl", "customer", run.business_date, [good_row("customer"), good_row("customer", customer_id="bo", city=poison)]
    )
    with pytest.raises(Exception, match=r".") as died:
        desk.extract(run, "jsonl", "customer")
    assert not isinstance(died.value, AssertionError)
    with pytest.raises(NothingLanded):
        validate(run)


def test_guard_off_numbers_that_are_none_reach_core(
    desk: Desk, make_run: Callable[..., Run], warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the rules of the contract one NaN makes every sum of the day NaN, or the day dies of it."""
    contract = all_contracts()["landing.holding"]
    kept = tuple(check for check in contract.checks if check.rule not in ("finite", "between"))
    unguarded = {**all_contracts(), "landing.holding": dataclasses.replace(contract, checks=kept)}
    monkeypatch.setattr(batch, "load_contract", unguarded.__getitem__)
    run = make_run(settings=TOLERANT)
    rows = {("jsonl", "customer"): [good_row("customer")], ("jsonl", "holding"): [good_row("holding", amount="NaN")]}
    with pytest.raises(RetentionError):
        run_day(desk, run, rows)
    assert rows_of(warehouse, "select count(*) from core.holding") == [(0,)]
