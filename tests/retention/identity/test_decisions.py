"""People decide who is who: at once, above the rules, on record, and back again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
import sqlalchemy as sa

from retention.conform.relink import everybody, relink
from retention.identity import decisions
from retention.privacy.pseudonyms import source_customer_key
from retention.warehouse import Run, Warehouse
from tests.conftest import PEPPER
from tests.retention.conform.test_identity_in_core import deliver
from tests.retention.quality.company import customer, land, order, rows_of

FAMILY = "13912345601"


@pytest.fixture
def keys(make_run: Callable[..., Run]) -> dict[str, int]:
    """Li Na and Li Ning share a telephone; the shop does not know Li Na's name. Kai is somebody else."""
    run = make_run(date(2026, 3, 30))
    land(
        run, "crm", "customer", [customer("na", name="李娜", phone=FAMILY), customer("kai", name="Kai Berg", email="kai@x.cn")]
    )
    land(run, "shop", "customer", [customer("na2", name="李女士", phone=FAMILY)])
    land(run, "shop", "order", [order("o1", "na2", "2026-03-02T12:00:00+08:00")])
    deliver(
        run, "crm", "order", [order("o2", "na", "2026-03-01T12:00:00+08:00"), order("o3", "kai", "2026-03-03T12:00:00+08:00")]
    )
    named = {"na": ("crm", "na"), "kai": ("crm", "kai"), "na2": ("shop", "na2")}
    return {name: source_customer_key(PEPPER, *number) for name, number in named.items()}


def people(warehouse: Warehouse) -> dict[int, int]:
    return dict(rows_of(warehouse, "select source_customer_key, customer_key from core.customer_alias"))  # type: ignore[arg-type]


def numbers(warehouse: Warehouse) -> list[tuple[str, int]]:
    return rows_of(
        warehouse,
        "select header.order_id, entry.order_number from core.order_entry as entry "
        "inner join core.order_header as header on entry.order_key = header.order_key order by 1",
    )


def test_a_split_holds_until_it_is_undone(make_run: Callable[..., Run], warehouse: Warehouse, keys: dict[str, int]) -> None:
    assert people(warehouse)[keys["na2"]] == people(warehouse)[keys["na"]]
    assert numbers(warehouse) == [("o1", 2), ("o2", 1), ("o3", 1)]
    run = make_run(date(2026, 3, 31))
    relink(run, lambda c: decisions.split(c, [keys["na2"], keys["na2"]], "ivo", "her sister buys in the shop"))
    assert people(warehouse)[keys["na2"]] != people(warehouse)[keys["na"]]
    assert numbers(warehouse) == [("o1", 1), ("o2", 1), ("o3", 1)]
    assert len(rows_of(warehouse, "select distinct customer_key from pii.contact")) == 3
    # The next delivery of the same records does not link them again.
    again = make_run(date(2026, 4, 1), run_id="run-2")
    deliver(
        again,
        "shop",
        "customer",
        [customer("na2", name="李女士", phone=FAMILY, city="上海", updated_at="2026-04-01T01:00:00+08:00")],
    )
    assert people(warehouse)[keys["na2"]] != people(warehouse)[keys["na"]]
    relink(run, lambda c: decisions.undo(c, 1, "ivo"))
    assert people(warehouse)[keys["na2"]] == people(warehouse)[keys["na"]]
    assert numbers(warehouse) == [("o1", 2), ("o2", 1), ("o3", 1)]
    assert rows_of(warehouse, "select actor, action, reason from ops.audit order by audit_id") == [
        ("ivo", "identity_different", "her sister buys in the shop"),
        ("ivo", "identity_undo", None),
    ]


def test_a_merge_outranks_contradictions(make_run: Callable[..., Run], warehouse: Warehouse, keys: dict[str, int]) -> None:
    run = make_run(date(2026, 3, 31))
    relink(run, lambda c: decisions.merge(c, [keys["kai"], keys["na"]], "ivo", "she married and took his name"))
    assert len(set(people(warehouse).values())) == 1
    assert numbers(warehouse) == [("o1", 2), ("o2", 1), ("o3", 3)]
    assert rows_of(warehouse, "select count(*) from core.customer where valid_to is null") == [(1,)]
    # Linking everybody anew, as after training, keeps it.
    relink(run, everybody)
    assert len(set(people(warehouse).values())) == 1
    # The trail says who moved, and that a decision did it.
    assert {row[0] for row in rows_of(warehouse, "select rule from core.identity_change where batch_id = 0")} <= {
        "decision", "first", "phone",
    }  # fmt: skip
    relink(run, lambda c: decisions.undo(c, 1, "ivo"))
    assert len(set(people(warehouse).values())) == 2


def test_a_later_decision_replaces_an_earlier_one(
    make_run: Callable[..., Run], warehouse: Warehouse, keys: dict[str, int]
) -> None:
    run = make_run(date(2026, 3, 31))
    relink(run, lambda c: decisions.split(c, [keys["na2"]], "ivo", "her sister"))
    relink(run, lambda c: decisions.decide_pair(c, keys["na"], keys["na2"], "same", "jin", "asked her"))
    assert people(warehouse)[keys["na2"]] == people(warehouse)[keys["na"]]
    assert rows_of(warehouse, "select verdict, undone_by from core.linkage_decision order by decision_id") == [
        ("different", "jin"),
        ("same", None),
    ]


def test_what_cannot_be_decided_is_refused(make_run: Callable[..., Run], warehouse: Warehouse, keys: dict[str, int]) -> None:
    with warehouse.begin() as connection:
        with pytest.raises(decisions.DecisionRefused, match="name one person"):
            decisions.merge(connection, [keys["na"], keys["na2"]], "ivo", "")
        with pytest.raises(decisions.DecisionRefused, match="no source customer and no person has the key 5"):
            decisions.merge(connection, [keys["na"], 5], "ivo", "")
        with pytest.raises(decisions.DecisionRefused, match="nobody would stay"):
            decisions.split(connection, [keys["kai"]], "ivo", "")
        with pytest.raises(decisions.DecisionRefused, match="belong to 2 people"):
            decisions.split(connection, [keys["kai"], keys["na"]], "ivo", "")
        with pytest.raises(decisions.DecisionRefused, match="both keys are the same one"):
            decisions.decide_pair(connection, keys["na"], keys["na"], "different", "ivo", "")
        with pytest.raises(decisions.DecisionRefused, match="no decision 9 is in force"):
            decisions.undo(connection, 9, "ivo")
        assert connection.execute(sa.text("select count(*) from core.linkage_decision")).scalar_one() == 0


def test_erasure_takes_pairs_blocks_and_decisions_along(
    make_run: Callable[..., Run], warehouse: Warehouse, keys: dict[str, int]
) -> None:
    from retention.privacy.registry import person_rows

    relink(make_run(date(2026, 3, 31)), lambda c: decisions.split(c, [keys["na2"]], "ivo", "her sister"))
    person = people(warehouse)[keys["na2"]]
    rules = {rule.table: rule for rule in person_rows("warehouse")}
    with warehouse.begin() as connection:
        for table in ("core.linkage_decision", "core.linkage_pair", "pii.linkage_key"):
            gone = connection.execute(
                sa.text(f"delete from {table} where {rules[table].condition}"), {"customer_keys": [person]}
            ).rowcount
            assert gone > 0, table
