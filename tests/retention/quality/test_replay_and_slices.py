"""Quarantine can be repaired and replayed; slices are checked before they are published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from retention.conform import publish_core
from retention.quality import CheckFailed, Selection, check_slices, discard, repair, repair_all, replay, validate
from retention.warehouse import Run, Warehouse, load_contract, stage_writer
from tests.retention.quality.company import customer, land, order, rows_of

PAID = "2026-03-01T12:00:00+08:00"


def test_an_order_for_a_customer_delivered_later_comes_back(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    first, second = make_run(date(2026, 3, 30)), make_run(date(2026, 3, 31))
    land(first, "crm", "customer", [customer("ana")])
    land(first, "crm", "order", [order("o1", "li", PAID), order("o2", "ana", PAID)])
    validate(first)
    publish_core(first)
    land(second, "crm", "customer", [customer("li")])
    assert replay(second, rule="known_customer") == {"crm.order": 1}
    validate(second)
    publish_core(second)
    assert rows_of(warehouse, "select count(*) from core.order_entry") == [(2,)]
    assert rows_of(warehouse, 'select state from quarantine."row"') == [("replayed",)]
    assert replay(second) == {}


def test_a_repaired_row_is_replayed_and_a_wrong_repair_comes_back(run: Run, warehouse: Warehouse) -> None:
    land(
        run,
        "crm",
        "customer",
        [customer("ana", birth_date="soon"), customer("bo", birth_date="later"), customer("chen", birth_date="?")],
    )
    validate(run)
    ids = [row[0] for row in rows_of(warehouse, 'select quarantine_id from quarantine."row" order by 1')]
    repair(run, ids[0], {"birth_date": "1990-05-17"})
    repair(run, ids[1], {"birth_date": "still wrong"})
    assert discard(run, [ids[2]]) == 1
    with pytest.raises(CheckFailed, match="customer has no column birthday"):
        repair(run, ids[0], {"birthday": "1990-05-17"})
    assert replay(run, only_fixed=True) == {"crm.customer": 2}
    validate(run)
    publish_core(run)
    assert rows_of(warehouse, "select birth_year from core.customer") == [(1990,)]
    assert rows_of(warehouse, 'select state, count(*) from quarantine."row" group by 1 order by 1') == [
        ("discarded", 1),
        ("open", 1),
        ("replayed", 2),
    ]


def test_a_time_typed_without_an_offset_is_one_of_the_company(run: Run, warehouse: Warehouse) -> None:
    land(run, "crm", "customer", [customer("ana", created_at="soon"), customer("bo", created_at="later")])
    validate(run)
    ids = [row[0] for row in rows_of(warehouse, 'select quarantine_id from quarantine."row" order by 1')]
    repair(run, ids[0], {"created_at": "2026-01-05 08:30"})
    assert repair_all(run, Selection(rule="is_type"), "created_at", {"later": "2026-01-06"}) == {"crm.customer": 1}
    assert rows_of(warehouse, 'select "row" ->> \'created_at\' from quarantine."row" order by quarantine_id') == [
        ("2026-01-05T08:30:00+08:00",),
        ("2026-01-06T00:00:00+08:00",),
    ]


def scores(probability: str = "0.25", customer_key: int = 1) -> str:
    """Two scored customers, the first as given."""
    return f"""
        select
            cast(:as_of_date as date) as as_of_date, customer_key, churn_probability, 90 as horizon_days, 'd' as definition,
            'm' as model_version, 'c' as calibration_id, false as is_fallback
        from (values ({customer_key}::bigint, '{probability}'::float8), (2::bigint, 0.5::float8)) as row (customer_key, churn_probability)
    """


def test_a_sound_slice_passes_and_is_on_record(run: Run, warehouse: Warehouse) -> None:
    with stage_writer(run, "scores") as writer:
        writer.fill_select("scores.churn", scores())
        assert check_slices(writer)["scores.churn"] == len(load_contract("scores.churn").checks)
    assert rows_of(
        warehouse, "select distinct passed, engine, rows_checked from ops.check_result where rule <> 'row_count'"
    ) == [(True, "sql", 2)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"probability": "NaN"}, r"1 of 2 rows break finite \(churn_probability\)", id="NaN"),
        pytest.param({"probability": "1.5"}, r"1 of 2 rows break between .*from 0 to 1 \(allowed 0\)", id="above one"),
        pytest.param({"customer_key": 2}, r"1 of 2 rows break unique \(as_of_date, customer_key\)", id="twice"),
    ],
)
def test_a_wrong_slice_stops(run: Run, warehouse: Warehouse, change: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckFailed, match=rf"^scores.churn 2026-04-01: {message}") as stopped:
        with stage_writer(run, "scores") as writer:
            writer.fill_select("scores.churn", scores(**change))
            check_slices(writer)
            writer.publish()
    assert "Nothing published" in str(stopped.value)
    assert "docs/runbook.md#checks" in str(stopped.value)
    assert rows_of(warehouse, "select count(*) from scores.churn") == [(0,)]
    assert rows_of(warehouse, "select count(*) > 0 from ops.check_result where not passed") == [(True,)]
