"""Quarantine over several days: late references, rows delivered again, repairs in bulk, and counts that always add up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import sqlalchemy as sa

from retention.quality import CheckFailed, Selection, outcomes, reconcile, repair_all, replay, validate
from retention.quality.landing_again import land_again
from retention.settings import IngestSettings, Settings
from retention.warehouse import DatabaseFailed, Run, Warehouse
from tests.retention.quality.company import customer, land, line, order, product, rows_of

MakeRun = Callable[..., Run]
PAID = "2026-03-01T12:00:00+08:00"
DAYS = [date(2026, 3, day) for day in (28, 29, 30, 31)]


def publish(warehouse: Warehouse) -> None:
    """Stand in for the publication of core: the batches count as published, their customers as known."""
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into pii.source_customer (source_customer_key, source, customer_id, customer_key, source_created_at, "
                "batch_id, is_simulated) select hashtextextended(customer_id, 0), 'crm', customer_id, "
                "hashtextextended(customer_id, 0), now(), batch_id, false from landing.customer on conflict do nothing"
            )
        )
        connection.execute(sa.text("update ops.batch set state = 'published' where state = 'validated'"))


def complaint(complaint_id: str, customer_id: str, **more: str) -> dict[str, str | None]:
    return {"complaint_id": complaint_id, "customer_id": customer_id, "opened_at": PAID, **more}


def states(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return rows_of(
        warehouse, 'select entity, state, outcome, first_quarantine_id, times_seen from quarantine."row" order by quarantine_id'
    )


def day(make_run: MakeRun, warehouse: Warehouse, which: int, *deliveries: tuple[str, str, list[dict[str, str | None]]], **more: object) -> dict[str, object]:  # fmt: skip
    """Land, validate and publish one day."""
    run = make_run(DAYS[which], run_id=f"run-{which}", **more)
    for source, entity, rows in deliveries:
        land(run, source, entity, rows)
    report = validate(run)
    publish(warehouse)
    return report


# -- late references ------------------------------------------------------------------------------------------------------
def test_a_complaint_two_days_ahead_of_its_customer_loads_by_itself(make_run: MakeRun, warehouse: Warehouse) -> None:
    ana = ("crm", "customer", [customer("ana")])
    day(make_run, warehouse, 0, ana, ("desk", "complaint", [complaint("k1", "li"), complaint("k2", "ana")]))
    assert day(make_run, warehouse, 1, ("crm", "customer", [customer("bo")]))["replayed"] == 0
    assert states(warehouse) == [("complaint", "open", None, None, 1)]
    report = day(make_run, warehouse, 2, ("crm", "customer", [customer("li")]))
    assert (report["replayed"], report["valid"], report["quarantined"]) == (1, 2, 0)
    assert states(warehouse) == [("complaint", "replayed", "valid", None, 1)]
    assert rows_of(warehouse, "select message from ops.run_ledger where message <> ''") == [
        ("desk.complaint: 1 rows refused as too early landed again",)
    ]
    assert [r.problems for r in reconcile(make_run())] == [[], []]


def test_an_amount_waits_for_its_rate_and_a_row_of_tomorrow_for_tomorrow(make_run: MakeRun, warehouse: Warehouse) -> None:
    dollars = order("o1", "ana", PAID, currency="USD")
    tomorrow = order("o2", "ana", "2026-03-29T12:00:00+08:00")
    never = order("o3", "ana", "2150-01-01T12:00:00+08:00")
    ana, bo = ("crm", "customer", [customer("ana")]), ("crm", "customer", [customer("bo")])
    day(make_run, warehouse, 0, ana, ("crm", "order", [dollars, tomorrow, never]))
    assert [row[1] for row in states(warehouse)] == ["open", "open", "open"]
    day(make_run, warehouse, 1, bo)
    assert [row[1:3] for row in states(warehouse)] == [("open", None), ("replayed", "valid"), ("open", None)]
    rate = {"series": "fx.USD.CNY", "region": None, "indicator_date": "2026-02-01", "value": "7"}
    day(make_run, warehouse, 2, ("bank", "market_indicator", [rate]))
    assert [row[1:3] for row in states(warehouse)] == [("replayed", "valid"), ("replayed", "valid"), ("open", None)]


def test_guard_off_it_waits_for_somebody(make_run: MakeRun, warehouse: Warehouse) -> None:
    alone = Settings(ingest=IngestSettings(replay_references=False))
    day(make_run, warehouse, 0, ("crm", "customer", [customer("ana")]), ("desk", "complaint", [complaint("k1", "li")]))
    day(make_run, warehouse, 1, ("crm", "customer", [customer("li")]), settings=alone)
    assert states(warehouse) == [("complaint", "open", None, None, 1)]


def test_an_order_that_was_waited_for_takes_its_lines_along(make_run: MakeRun, warehouse: Warehouse) -> None:
    day(
        make_run, warehouse, 0, ("crm", "customer", [customer("ana")]), ("crm", "product", [product("milk")]),
        ("crm", "order", [order("o1", "li", PAID)]), ("crm", "order_line", [line("o1", 1), line("o1", 2, quantity="-1")]),
    )  # fmt: skip
    milk = product("milk", updated_at="2026-03-29T10:00:00+08:00")
    report = day(make_run, warehouse, 1, ("crm", "customer", [customer("li")]), ("crm", "product", [milk]))
    assert (report["replayed"], report["valid"]) == (2, 4)
    assert [row[:3] for row in states(warehouse)] == [
        ("order", "replayed", "valid"),
        ("order_line", "replayed", "valid"),
        ("order_line", "open", None),
    ]


def test_a_row_that_waits_for_more_than_its_customer_stays(make_run: MakeRun, warehouse: Warehouse) -> None:
    ana = ("crm", "customer", [customer("ana")])
    day(make_run, warehouse, 0, ana, ("desk", "complaint", [complaint("k1", "li", severity="awful")]))
    assert day(make_run, warehouse, 1, ("crm", "customer", [customer("li")]))["replayed"] == 0


def test_a_row_is_tried_once_a_day_and_no_more_than_the_limit(make_run: MakeRun, warehouse: Warehouse) -> None:
    bounded = Settings(ingest=IngestSettings(replay_limit=2, quarantine_stop_share=1.0))
    late = [complaint(f"k{n}", "li") for n in range(3)]
    day(make_run, warehouse, 0, ("crm", "customer", [customer("ana")]), ("desk", "complaint", late), settings=bounded)
    # Li's own row is refused, so the complaints come back; a second validation of the day must not try again.
    li = customer("li", birth_date="soon")
    report = day(make_run, warehouse, 1, ("crm", "customer", [li]), settings=bounded)
    assert (report["replayed"], report["quarantined"]) == (2, 3)
    assert [row[1:4] for row in states(warehouse)][:3] == [
        ("replayed", "refused", None),
        ("replayed", "refused", None),
        ("open", None, None),
    ]
    assert sorted(row[3] for row in states(warehouse) if row[3]) == [1, 2]
    land(make_run(DAYS[1]), "crm", "product", [product("milk")])
    assert validate(make_run(DAYS[1], try_number=2, settings=bounded))["replayed"] == 2
    assert all(not r.problems for r in reconcile(make_run()))


# -- rows delivered again -------------------------------------------------------------------------------------------------
def test_a_refused_row_delivered_every_day_is_stored_once(make_run: MakeRun, warehouse: Warehouse) -> None:
    for which in range(3):
        report = day(make_run, warehouse, which, ("crm", "customer", [customer("bo", birth_date="soon"), customer("ana")]))
        assert report["extracted"] == report["valid"] + report["quarantined"] + report["duplicate"]
    assert (report["quarantined"], report["duplicate"]) == (0, 2)
    assert states(warehouse) == [("customer", "open", None, None, 3)]
    assert [r.problems for r in reconcile(make_run())] == [[]]


def test_lines_of_which_nothing_could_be_read_are_each_stored(make_run: MakeRun, warehouse: Warehouse) -> None:
    nothing = dict.fromkeys(customer("ana"), None) | {"updated_at": None, "is_simulated": None}
    for which, file in enumerate(["a.csv", "b.csv", "b.csv"]):
        run = make_run(DAYS[which], run_id=f"run-{which}")
        land(run, "crm", "customer", [customer(f"ana{which}"), nothing, nothing], file=file)
        report = validate(run)
        assert report["extracted"] == report["valid"] + report["quarantined"] + report["duplicate"]
        publish(warehouse)
    assert rows_of(warehouse, 'select file, position, times_seen from quarantine."row" order by 1, 2') == [
        ("a.csv", 2, 1), ("a.csv", 3, 1), ("b.csv", 2, 2), ("b.csv", 3, 2),
    ]  # fmt: skip


def test_discarded_and_repaired_rows_do_not_come_back_as_news(make_run: MakeRun, warehouse: Warehouse) -> None:
    bad = ("crm", "customer", [customer("bo", customer_kind="?"), customer("ana")])
    day(make_run, warehouse, 0, bad)
    assert repair_all(make_run(), Selection(rule="in_set"), "customer_kind", {"?": "consumer"}) == {"crm.customer": 1}
    run = make_run(DAYS[1])
    assert replay(run, only_fixed=True) == {"crm.customer": 1}
    assert day(make_run, warehouse, 1, bad)["quarantined"] == 0
    assert states(warehouse) == [("customer", "replayed", "valid", None, 2)]


def test_a_row_that_is_right_at_last_closes_its_refusal(make_run: MakeRun, warehouse: Warehouse) -> None:
    day(make_run, warehouse, 0, ("crm", "customer", [customer("bo", birth_date="soon"), customer("ana", birth_date="?")]))
    right = customer("bo", birth_date="1990-05-17", updated_at="2026-03-29T09:00:00+08:00")
    older = customer("ana", updated_at="2026-03-01T09:00:00+08:00")
    day(make_run, warehouse, 1, ("crm", "customer", [right, older]))
    assert [row[1] for row in states(warehouse)] == ["superseded", "open"]
    assert replay(make_run()) == {"crm.customer": 1}  # what was closed is not sent again


def test_a_row_that_is_on_its_way_already_is_not_landed_twice(make_run: MakeRun, warehouse: Warehouse) -> None:
    """Somebody replays while the day's validation lands again what it waited for: both have chosen the same row."""
    day(make_run, warehouse, 0, ("crm", "customer", [customer("ana")]), ("desk", "complaint", [complaint("k1", "li")]))
    run = make_run(DAYS[1])
    [(refused,)] = rows_of(warehouse, 'select quarantine_id from quarantine."row"')
    with ThreadPoolExecutor(1) as pool:
        with warehouse.begin() as first:
            assert land_again(first, run, "desk", "complaint", [refused]) == 1

            def second() -> int:
                with warehouse.begin() as connection:
                    connection.exec_driver_sql("set local application_name = 'second'")
                    return land_again(connection, run, "desk", "complaint", [refused])

            other = pool.submit(second)
            waits = "select count(*) from pg_stat_activity where application_name = 'second' and wait_event_type = 'Lock'"
            while not other.done() and rows_of(warehouse, waits) != [(1,)]:
                pass
        assert other.result() == 0
    assert rows_of(warehouse, "select count(*) from landing.complaint") == [(1,)]


# -- repairs in bulk and outcomes -----------------------------------------------------------------------------------------
def test_many_rows_are_repaired_by_a_mapping_and_each_has_an_outcome(make_run: MakeRun, warehouse: Warehouse) -> None:
    lenient = Settings(ingest=IngestSettings(quarantine_stop_share=1.0))
    kinds = {"ana": "P", "bo": "B2B", "chen": "C", "dai": None}
    rows = [customer(name, customer_kind=kind) for name, kind in kinds.items()]
    day(make_run, warehouse, 0, ("crm", "customer", [*rows, customer("emma", birth_date="soon")]), settings=lenient)
    run = make_run(DAYS[1], run_id="repair", settings=lenient)
    with pytest.raises(CheckFailed, match="name a rule or an entity"):
        repair_all(run, Selection(), "customer_kind", {"P": "consumer"})
    with pytest.raises(CheckFailed, match="customer has no column kind"):
        repair_all(run, Selection(rule="in_set"), "kind", {"P": "consumer"})
    chosen = Selection(entity="customer", rule="in_set", column="customer_kind")
    assert repair_all(run, chosen, "customer_kind", {"P": "consumer", "*": "company"}) == {"crm.customer": 3}
    assert repair_all(run, Selection(rule="is_type", column="birth_date"), "birth_date", {"soon": "later"}) == {
        "crm.customer": 1
    }
    assert replay(run, only_fixed=True) == {"crm.customer": 4}
    with warehouse.connect() as connection:
        assert {o.outcome for o in outcomes(connection, run)} == {"waiting"}
    validate(run)
    with warehouse.connect() as connection:
        found = outcomes(connection, run)
    assert [(o.outcome, o.again, list(o.rules)) for o in found] == [
        ("valid", None, []),
        ("valid", None, []),
        ("valid", None, []),
        ("refused", 5, ["is_type(birth_date)"]),
    ]
    assert rows_of(warehouse, "select customer_kind from landing.customer order by customer_id") == [
        ("consumer",), ("company",), ("company",), (None,)
    ]  # fmt: skip
    assert all(not r.problems for r in reconcile(make_run()))


# -- counts that add up ---------------------------------------------------------------------------------------------------
def a_day_with_everything(make_run: MakeRun, warehouse: Warehouse) -> None:
    rows = [customer("ana"), customer("ana"), customer("bo", birth_date="soon"), customer("chen")]
    day(make_run, warehouse, 0, ("crm", "customer", rows))


def test_the_database_refuses_counts_that_do_not_add_up(make_run: MakeRun, warehouse: Warehouse) -> None:
    a_day_with_everything(make_run, warehouse)
    with pytest.raises(DatabaseFailed, match="rows_reconcile"), warehouse.begin() as connection:
        connection.execute(sa.text("update ops.batch set rows_valid = rows_valid + 1"))


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        pytest.param(
            "update ops.batch set rows_valid = rows_valid - 1, rows_duplicate = rows_duplicate + 1",
            "1 rows counted as valid, 2 in landing",
            id="a valid row booked as duplicate",
        ),
        pytest.param('delete from quarantine."row"', "1 rows counted as refused, 0 in quarantine", id="a refused row deleted"),
        pytest.param(
            "delete from landing.customer where customer_id = 'chen'", "2 rows counted as valid, 1 in landing", id="a row lost"
        ),
        pytest.param(
            "alter table ops.batch drop constraint rows_reconcile; update ops.batch set rows_extracted = 9",
            "9 rows extracted, 4 accounted for",
            id="rows nobody knows of",
        ),
    ],
)
def test_reconciliation_notices_tampering(make_run: MakeRun, warehouse: Warehouse, tampering: str, found: str) -> None:
    a_day_with_everything(make_run, warehouse)
    (before,) = reconcile(make_run())
    assert (before.extracted, before.valid, before.waiting, before.duplicate, before.problems) == (4, 2, 1, 1, [])
    with warehouse.begin() as connection:
        for part in tampering.split("; "):
            connection.execute(sa.text(part))
    (after,) = reconcile(make_run())
    assert [problem.split(": ", 1)[1] for problem in after.problems] == [found]


def test_a_replay_that_landed_fewer_rows_than_were_sent_is_noticed(make_run: MakeRun, warehouse: Warehouse) -> None:
    day(make_run, warehouse, 0, ("crm", "customer", [customer("bo", birth_date="soon")]), settings=None)
    replay(make_run(DAYS[1]))
    validate(make_run(DAYS[1]))
    with warehouse.begin() as connection:
        connection.execute(sa.text("update quarantine.\"row\" set replayed_in = null where state = 'replayed'"))
    problems = [problem for r in reconcile(make_run()) for problem in r.problems]
    assert any("1 rows landed again, quarantine sent 0" in problem for problem in problems)
