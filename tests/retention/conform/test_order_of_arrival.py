"""A sample of what tests/faults/test_permutations.py tries at length: files in any order end in the identical core."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from retention.warehouse import Warehouse
from tests.conftest import PEPPER
from tests.shuffled.delivery import core_state, deliver, in_order, shuffled
from tests.shuffled.month import month

SEEDS = (7, 23, 58)
SAMPLED = ("customer", "product", "market_indicator", "order", "order_line", "complaint", "referral", "contract")


def test_three_orders_of_arrival(make_database: Callable[[str], str], tmp_path: Path) -> None:
    files = {name: text for name, text in month().files().items() if name.split("/")[1] in SAMPLED}
    plans = {"in order": in_order(files, runs=2)} | {
        f"seed {seed}": shuffled(files, random.Random(seed), runs=2) for seed in SEEDS
    }
    states = {}
    for name, plan in plans.items():
        print(name, plan.first_day)
        warehouse = Warehouse(make_database("warehouse"), application_name="test")
        deliver(warehouse, tmp_path / name, files, plan, PEPPER)
        states[name] = core_state(warehouse)
        warehouse.dispose()
    expected = states.pop("in order")
    assert int(expected["core.order_entry"].split()[0]) > 100
    for name, state in states.items():
        assert {table for table in expected if state[table] != expected[table]} == set(), name
