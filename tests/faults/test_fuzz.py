"""A million rows nobody thought of, over all entities and four forms of delivery: loaded + quarantined + duplicates = all.

The seed is printed; ``RETENTION_FAULT_SEED`` repeats a run, ``RETENTION_FUZZ_ROWS`` sets how many rows it takes. A failure is
cut down to the rows that make it, in a warehouse of their own.
"""

from __future__ import annotations

import itertools
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from retention.deployment import Secrets
from retention.warehouse import Attempt, Run, Warehouse
from tests.abuse.accounting import ends
from tests.abuse.catalogue import ENTITIES, good_row
from tests.abuse.day import good_neighbours, poisoned_rows, run_day, violations
from tests.abuse.deliveries import FORMS, TOLERANT, Desk, Row
from tests.abuse.fuzzing import multiply, smallest, templates
from tests.conftest import BUSINESS_DATE, PEPPER

pytestmark = pytest.mark.faults

SEED = int(os.environ.get("RETENTION_FAULT_SEED", random.SystemRandom().randrange(10**6)))
ROWS = int(os.environ.get("RETENTION_FUZZ_ROWS", "1000000"))
DAYS = 4
TEMPLATES = 200
_REFERRED_TO = ("customer", "product", "order")


@pytest.fixture
def company(tmp_path: Path, make_database: Callable[[str], str]) -> Callable[[], object]:
    """Return a function that opens an empty warehouse with four empty sources."""
    numbers = itertools.count()

    @contextmanager
    def opened() -> Iterator[tuple[Desk, Callable[[int], Run]]]:
        warehouse = Warehouse(make_database("warehouse"), "fuzz")
        desk = Desk(tmp_path / f"desk_{next(numbers)}", make_database("empty"))

        def run_of(day: int) -> Run:
            attempt = Attempt("fuzz", f"fuzz-{day}", "fuzz", 1)
            return Run(BUSINESS_DATE + timedelta(days=day), warehouse, TOLERANT, attempt, Secrets(pepper=PEPPER))

        try:
            yield desk, run_of
        finally:
            warehouse.dispose()

    return opened


def test_a_million_rows_all_end_somewhere(company: Callable[..., object]) -> None:
    print(f"seed {SEED}, {ROWS:,} rows")
    rng = np.random.default_rng(SEED)
    rows_each = -(-ROWS // (DAYS * len(ENTITIES) * len(FORMS)))
    given: Counter[tuple[str, str]] = Counter()
    began = time.monotonic()
    with company() as (desk, run_of):  # type: ignore[attr-defined]
        for day in range(DAYS):
            drawn = {entity: templates(entity, TEMPLATES, SEED + 100 * day + number) for number, entity in enumerate(ENTITIES)}
            deliveries = {
                (form, entity): multiply(entity, drawn[entity], rows_each, rng, first=day // 2 * 10**7)
                for entity in ENTITIES
                for form in FORMS
            }
            try:
                counted = run_day(desk, run_of(day), deliveries)
            except Exception as error:
                pytest.fail(f"day {day} died of {type(error).__name__}: {_cause(company, deliveries, error)}")
            print(f"day {day}: {sum(counted.values()):,} rows, {time.monotonic() - began:.0f} s so far")
            given.update(counted)  # batches are counted over all days
            assert violations(run_of(day), given) == [], f"seed {SEED}"
        found = ends(run_of(0).warehouse).values()
    total = sum(given.values())
    assert total >= min(ROWS, 1_000_000)
    assert sum(end.found for end in found) == total
    print(
        f"{total:,} rows = {sum(e.valid for e in found):,} loaded + {sum(e.quarantined for e in found):,} quarantined + "
        f"{sum(e.duplicate for e in found):,} exact duplicates, {time.monotonic() - began:.0f} s"
    )
    assert min(sum(e.valid for e in found), sum(e.quarantined for e in found)) > total // 10, "nothing much was tried"
    assert sum(e.duplicate for e in found) > total // 100


def _cause(company: Callable[..., object], deliveries: dict[tuple[str, str], Sequence[Row]], error: Exception) -> str:
    """Find the delivery that dies alone, and in it the fewest rows that it dies of."""

    def dies(form: str, entity: str, rows: Sequence[Row]) -> bool:
        with company() as (desk, run_of):  # type: ignore[attr-defined]
            around = {(form, known): [good_row(known)] for known in _REFERRED_TO if known != entity}
            try:
                run = run_of(0)
                return bool(violations(run, run_day(desk, run, {**around, (form, entity): rows})))
            except Exception:
                return True

    for (form, entity), rows in deliveries.items():
        if dies(form, entity, rows):
            fewest = smallest(rows, lambda some, form=form, entity=entity: dies(form, entity, some))  # type: ignore[misc]
            changed = [{k: v for k, v in row.items() if v != good_row(entity).get(k)} for row in fewest]
            return f"{form} {entity}, seed {SEED}, smallest: {str(changed)[:2_000]}"
    return f"no delivery dies alone, seed {SEED}: {error}"


def test_every_bad_value_through_every_form(company: Callable[..., object]) -> None:
    with company() as (desk, run_of):  # type: ignore[attr-defined]
        run = run_of(0)
        given = run_day(desk, run, {(form, entity): poisoned_rows(entity) for form in FORMS for entity in ENTITIES})
        assert sum(given.values()) > 40_000
        assert violations(run, given) == []
        assert good_neighbours(run, ENTITIES) == {entity: 2 * len(FORMS) for entity in ENTITIES}
