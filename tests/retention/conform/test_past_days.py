"""A backfilled day whose rows a later load has brought already."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
import sqlalchemy as sa

from retention.conform import publish_core
from retention.quality import NothingLanded, validate
from retention.warehouse import Run, Warehouse
from tests.retention.quality.company import customer, land, order, product, rows_of

LOADED = date(2026, 3, 31)


@pytest.fixture
def loaded(make_run: Callable[..., Run]) -> Run:
    """The first, full load of 2026-03-31: Ana's order of the 1st of March is in core."""
    run = make_run(LOADED)
    land(run, "crm", "customer", [customer("ana")], is_full=True, cursor_to="2026-04-01T00:00:00+08:00")
    land(run, "sales", "product", [product("milk")], is_full=True, cursor_to="2026-04-01T00:00:00+08:00")
    land(
        run,
        "sales",
        "order",
        [order("o1", "ana", "2026-03-01T12:00:00+08:00")],
        is_full=True,
        cursor_to="2026-04-01T00:00:00+08:00",
    )
    validate(run)
    publish_core(run)
    return run


def test_a_past_day_ends_well_and_changes_nothing(loaded: Run, make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    before = rows_of(warehouse, "select source, entity, cursor_value, business_date from ops.source_cursor order by 1, 2")
    past = make_run(date(2026, 3, 20), run_id="backfill")
    report = validate(past)
    assert (report["batches"], report["extracted"], report["already_published_until"]) == (0, 0, "2026-03-31")
    assert publish_core(past)["already_published_until"] == "2026-03-31"
    assert (
        rows_of(warehouse, "select source, entity, cursor_value, business_date from ops.source_cursor order by 1, 2") == before
    )
    assert rows_of(warehouse, "select count(*) from core.order_header") == [(1,)]


def test_what_a_new_source_lands_for_a_past_day_is_published(
    loaded: Run, make_run: Callable[..., Run], warehouse: Warehouse
) -> None:
    past = make_run(date(2026, 3, 20), run_id="backfill")
    land(past, "desk", "complaint", [
        {"complaint_id": "c1", "customer_id": "ana", "category": "late", "severity": "minor", "opened_at": "2026-03-19T09:00:00+08:00"}
    ])  # fmt: skip
    assert validate(past)["valid"] == 1
    assert publish_core(past)["core.complaint"] == 1


def test_a_day_after_the_newest_load_still_stops(loaded: Run, make_run: Callable[..., Run]) -> None:
    tomorrow = make_run(date(2026, 4, 1), run_id="next")
    for step in (validate, publish_core):
        with pytest.raises(NothingLanded, match="2026-04-01"):
            step(tomorrow)


def test_a_stream_ahead_of_the_daily_reading_is_no_load(run: Run, warehouse: Warehouse) -> None:
    # The consent feed has read up to now; no day was ever ingested.
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into ops.source_cursor (source, entity, cursor_value, business_date) "
                "values ('crm', 'consent@stream', '2026-04-05T00:00:00+08:00', '2026-04-04')"
            )
        )
    with pytest.raises(NothingLanded):
        validate(run)
