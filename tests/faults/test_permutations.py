"""Thirty days of files in a hundred random orders: core, personal data and consent end in the identical state.

The seeds are fixed and printed. ``RETENTION_PERMUTATIONS`` sets how many orders are tried, ``RETENTION_PERMUTATION_SEED`` the
first seed. An order that ends elsewhere is shrunk to the two files whose exchange makes the difference.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from retention.warehouse import Warehouse
from tests.conftest import PEPPER
from tests.shuffled.delivery import Plan, core_state, deliver, in_order, rows_that_differ, shuffled
from tests.shuffled.month import month

FIRST = int(os.environ.get("RETENTION_PERMUTATION_SEED", "1"))
ORDERS = int(os.environ.get("RETENTION_PERMUTATIONS", "100"))

# What the month must have filled, or the comparison proves nothing about it.
FILLED = (
    "pii.source_customer", "pii.contact", "privacy.consent",
    *(f"core.{name}" for name in (
        "customer", "customer_alias", "customer_source", "customer_tag", "product", "product_version", "market_indicator",
        "market_indicator_version", "order_header", "order_version", "order_line", "order_line_version", "order_entry", "complaint",
        "interaction", "interaction_version", "survey_answer", "survey_answer_version", "referral", "referral_version",
        "points_entry", "points_entry_version", "contract", "contract_version", "holding", "holding_version",
    )),
)  # fmt: skip


@pytest.fixture(scope="module")
def files() -> Mapping[str, str]:
    """The files of the month."""
    return month().files()


@pytest.fixture
def delivered(
    make_database: Callable[[str], str], tmp_path: Path, files: Mapping[str, str]
) -> Iterator[Callable[[Plan], Warehouse]]:
    """Return a function that delivers the month by a plan into a warehouse of its own."""
    opened: list[Warehouse] = []

    def go(plan: Plan) -> Warehouse:
        warehouse = Warehouse(make_database("warehouse"), application_name="test")
        opened.append(warehouse)
        deliver(warehouse, tmp_path / str(len(opened)), files, plan, PEPPER)
        return warehouse

    yield go
    for warehouse in opened:
        warehouse.dispose()


_REFERENCE: dict[str, str] = {}


def reference(delivered: Callable[[Plan], Warehouse], files: Mapping[str, str]) -> dict[str, str]:
    """Return the state that the files in the order of their days end in; found once."""
    if not _REFERENCE:
        _REFERENCE.update(core_state(delivered(in_order(files))))
        assert not [table for table in FILLED if _REFERENCE[table].startswith("0 rows")]
    return _REFERENCE


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(FIRST, FIRST + ORDERS))
def test_every_order_of_arrival_ends_in_the_same_core(
    seed: int, delivered: Callable[[Plan], Warehouse], files: Mapping[str, str]
) -> None:
    expected = reference(delivered, files)
    plan = shuffled(files, random.Random(seed))
    print(f"seed {seed}: {len(plan.days)} runs from {plan.first_day}")
    found = core_state(delivered(plan))
    differing = sorted(table for table in expected if found[table] != expected[table])
    if differing:
        pytest.fail(f"seed {seed}: {', '.join(differing)} depend on the order. {shrink(plan, delivered, differing[0])}")


def shrink(plan: Plan, delivered: Callable[[Plan], Warehouse], table: str) -> str:
    """Say which two files, exchanged, make the difference: a search by halves between the order that fails and the one in order."""
    fails, passes = 0, len(plan.order)
    right = delivered(plan.sorted_up_to(passes))
    expected = core_state(right)[table]
    wrong = delivered(plan)
    while passes - fails > 1:
        middle = (fails + passes) // 2
        tried = delivered(plan.sorted_up_to(middle))
        if core_state(tried)[table] == expected:
            passes, right = middle, tried
        else:
            fails, wrong = middle, tried
    before, after = plan.sorted_up_to(fails), plan.sorted_up_to(passes)
    swapped = [name for name, other in zip(before.order, after.order, strict=True) if name != other]
    runs = {name: number for number, day in enumerate(before.days, 1) for name in day}
    exchanged = " and ".join(f"{name} (run {runs[name]})" for name in swapped)
    return "\n".join([f"Exchanging {exchanged} makes the difference in {table}:", *rows_that_differ(right, wrong, table)])
