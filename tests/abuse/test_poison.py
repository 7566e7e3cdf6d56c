"""Bad values in every column, through files and databases: each row ends somewhere, with a reason, and its neighbours load.

The long target (tests/faults/test_fuzz.py) puts every value through every form; here each value takes one of two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from retention.privacy import address_hash
from retention.warehouse import Run, Warehouse
from tests.abuse.accounting import ends
from tests.abuse.catalogue import ENTITIES
from tests.abuse.day import good_neighbours, poisoned_rows, run_day, violations
from tests.abuse.deliveries import TOLERANT, Desk
from tests.conftest import PEPPER

FORMS = ("jsonl", "sql")


@pytest.mark.slow
def test_every_row_ends_somewhere_and_the_day_lives(desk: Desk, make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    run = make_run(settings=TOLERANT)
    rows = {(form, entity): poisoned_rows(entity, (part, len(FORMS))) for part, form in enumerate(FORMS) for entity in ENTITIES}
    given = run_day(desk, run, rows)
    assert sum(given.values()) > 10_000
    assert violations(run, given) == []
    assert all(end.valid and end.quarantined for end in ends(warehouse).values())
    assert good_neighbours(run, ENTITIES) == {entity: 2 * len(FORMS) for entity in ENTITIES}
    with warehouse.connect() as connection:
        blocked = connection.execute(sa.text("select address_hash from privacy.suppression")).scalars().all()
    assert hashlib.sha256(b"").hexdigest() not in blocked


def test_nothing_has_no_hash() -> None:
    """The hash of an empty text would match everybody without an address."""
    with pytest.raises(ValueError, match="an empty address has no hash"):
        address_hash(PEPPER, "")
