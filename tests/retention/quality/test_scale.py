"""What makes validation follow the size of a batch: ranges side by side, look-ups of what is named, pruned comparisons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from retention.conform import publish_core
from retention.quality import evaluation, validate
from retention.settings import IngestSettings, Settings
from retention.warehouse import Run, Warehouse
from tests.retention.quality.company import customer, land, order, rows_of, store

MakeRun = Callable[..., Run]
PAID = "2026-03-01T12:00:00+08:00"
LENIENT = Settings(ingest=IngestSettings(quarantine_stop_share=1.0, connections=3))


def test_ranges_side_by_side_judge_every_row_once(
    make_run: MakeRun, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "_SIDE_BY_SIDE_FROM_ROWS", 1)
    seen: list[list[str]] = []
    ranges = evaluation._ranges
    monkeypatch.setattr(evaluation, "_ranges", lambda *arguments: seen.append(ranges(*arguments)) or seen[-1])
    run = make_run(settings=LENIENT)
    land(run, "crm", "customer", [customer("before")])  # rows of another batch lie in the first page
    land(run, "app", "customer", [customer(f"c{n}", birth_date="soon" if n % 7 == 0 else None) for n in range(2_000)])
    report = validate(run)
    assert (report["valid"], report["quarantined"]) == (1 + 1_714, 286)
    assert max(map(len, seen)) == 3
    checked = rows_of(
        warehouse,
        "select rows_checked, rows_failed from ops.check_result where column_name = 'birth_date' and rule = 'is_type'",
    )
    assert sorted(checked) == [(1, 0), (2_000, 286)]


def test_a_range_left_out_is_noticed(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: rows that no range covers were judged by nobody, and must not pass as valid."""
    from retention.quality import DoesNotReconcile

    monkeypatch.setattr(evaluation, "_SIDE_BY_SIDE_FROM_ROWS", 1)
    ranges = evaluation._ranges
    monkeypatch.setattr(evaluation, "_ranges", lambda *arguments: ranges(*arguments)[:1])
    run = make_run(settings=LENIENT)
    land(run, "app", "customer", [customer(f"c{n}") for n in range(2_000)])
    with pytest.raises(DoesNotReconcile, match="of 2,000 rows were judged"):
        validate(run)


def test_only_batches_that_may_hold_a_row_are_compared(
    make_run: MakeRun, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retention.quality import duplicates

    compared: list[list[int]] = []
    like_loaded = duplicates._like_loaded

    def overheard(*arguments: Any) -> str:
        compared.append(list(arguments[2]))
        return like_loaded(*arguments)

    monkeypatch.setattr(duplicates, "_like_loaded", overheard)
    days = [date(2026, 3, day) for day in (28, 29, 30, 31)]
    years = [customer("ana", updated_at="2020-01-01T00:00:00+08:00"), customer("bo", updated_at="2026-03-28T09:00:00+08:00")]
    bo, chen = years[1], customer("chen", updated_at="2026-03-29T09:00:00+08:00")
    undated = customer("dai", updated_at=None)
    expected = {0: [], 1: [], 2: [[1, 2]], 3: [[3]]}
    deliveries = {0: years, 1: [chen], 2: [bo, undated], 3: [undated, customer("emma", updated_at="2026-03-31T09:00:00+08:00")]}
    for which, rows in deliveries.items():
        compared.clear()
        run = make_run(days[which], run_id=f"r{which}")
        land(run, "crm", "customer", rows)
        report = validate(run)
        publish_core(run)
        assert compared == expected[which], which
    assert report["duplicate"] == 1  # Dai, as the day before


def test_what_is_kept_is_what_counts(make_run: MakeRun, warehouse: Warehouse) -> None:
    """Of entities whose last state is kept, a row that goes back to an older state is news, and one like the last is none."""
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into landing.kept_row (source, entity, key, \"row\", changed_at, seen_in) values ('crm', 'customer', "
                "array['ana'], jsonb_build_object('customer_id', 'ana', 'city', 'Wuhan', 'is_simulated', 'false', "
                "'updated_at', '2026-03-10T10:00:00+08:00'), now(), 1)"
            )
        )
    run = make_run()
    same = {"customer_id": "ana", "city": "Wuhan"}
    land(run, "crm", "customer", [same, {**same, "city": "Xi'an", "updated_at": "2026-03-11T10:00:00+08:00"}])
    report = validate(run)
    assert (report["duplicate"], report["valid"]) == (1, 1)
    assert rows_of(warehouse, "select city from landing.customer") == [("Xi'an",)]


def test_numbers_are_looked_up_in_core_and_in_the_batches_of_the_day(make_run: MakeRun, warehouse: Warehouse) -> None:
    store(warehouse, "pii.source_customer", source="crm", customer_id="ana")
    store(warehouse, "pii.source_customer", source="till", customer_id="zoe")  # another source's number is nobody here
    run = make_run(settings=LENIENT)
    land(run, "crm", "customer", [customer("bo"), customer("chen", birth_date="soon")])
    names = ("ana", "bo", "chen", "zoe", " ana")
    land(run, "crm", "order", [order(f"o{n}", name, PAID) for n, name in enumerate(names)])
    validate(run)
    assert rows_of(warehouse, 'select customer_id from landing."order" order by 1') == [("ana",), ("bo",)]
    assert rows_of(
        warehouse, "select \"row\" ->> 'customer_id' from quarantine.\"row\" where rule = 'known_customer' order by 1"
    ) == [(" ana",), ("chen",), ("zoe",)]
    left = rows_of(warehouse, "select count(*) from pg_tables where schemaname = 'staging'")
    assert left == [(0,)]
