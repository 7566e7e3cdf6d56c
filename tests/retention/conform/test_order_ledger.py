"""The order ledger: what each state of an order adds to it, and on which day."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta

import pytest

from retention.conform import publish_core
from retention.deployment import Secrets
from retention.quality import validate
from retention.settings import Settings
from retention.warehouse import Attempt, Run, Warehouse
from retention.warehouse.embedded import EmbeddedPostgres
from tests.conftest import PEPPER
from tests.databases import clone, drop
from tests.retention.quality.company import customer, land, line, order, product, rows_of

PAID = "2026-03-01T12:00:00+08:00"


def at(day: int) -> str:
    return f"2026-03-{day:02}T12:00:00+08:00"


def state(day: int, amount: str = "100.00", **more: str | None) -> dict[str, str | None]:
    return order("o1", "ana", PAID, amount, updated_at=at(day), **more)


def deliver(run: Run, states: list[dict[str, str | None]], lines: list[dict[str, str | None]]) -> None:
    land(run, "crm", "customer", [customer("ana")])
    land(run, "crm", "product", [product("milk")])
    land(run, "crm", "order", states)
    if lines:
        land(run, "crm", "order_line", lines)
    validate(run)
    publish_core(run)


LEDGER = (
    "select kind, extract(day from happened_at at time zone 'Asia/Shanghai')::integer, order_count, net_minor "
    "from core.order_entry order by happened_at, kind desc"
)

CASES = [
    pytest.param([state(1)], [], [("paid", 1, 1, 10000)], id="paid"),
    pytest.param([order("o1", "ana", None, updated_at=at(1))], [], [], id="never paid"),
    pytest.param([state(1), state(5, cancelled_at=at(5))], [], [("paid", 1, 1, 10000), ("cancelled", 5, -1, -10000)], id="cancelled"),
    pytest.param(
        [state(1), state(5, refund_amount="30.00", refunded_at=at(5))], [],
        [("paid", 1, 1, 10000), ("refunded", 5, 0, -3000)], id="part refunded",
    ),
    pytest.param(
        [state(1), state(5, refund_amount="30.00", refunded_at=at(5)), state(7, refund_amount="50.00", refunded_at=at(7))], [],
        [("paid", 1, 1, 10000), ("refunded", 5, 0, -3000), ("refunded", 7, 0, -2000)], id="refunded twice",
    ),
    pytest.param(
        [state(1)], [line("o1", 1, quantity="2", unit_price="50.00", returned_quantity="1", returned_at=at(6))],
        [("paid", 1, 1, 10000), ("returned", 6, 0, -5000)], id="half returned",
    ),
    pytest.param(
        [state(1), state(8, refund_amount="50.00", refunded_at=at(8))],
        [line("o1", 1, quantity="2", unit_price="50.00", returned_quantity="1", returned_at=at(6))],
        [("paid", 1, 1, 10000), ("returned", 6, 0, -5000)], id="a return and its refund are one",
    ),
    pytest.param(
        [state(1), state(4, refund_amount="20.00", refunded_at=at(4)), state(9, refund_amount="100.00", refunded_at=at(9), cancelled_at=at(9))],
        [], [("paid", 1, 1, 10000), ("refunded", 4, 0, -2000), ("cancelled", 9, -1, -8000)], id="refunded, then cancelled",
    ),
    pytest.param([state(1), state(3, "80.00")], [], [("paid", 1, 1, 10000), ("corrected", 3, 0, -2000)], id="amount corrected"),
    pytest.param(
        [state(1), state(3, cancelled_at=at(3)), state(6)], [],
        [("paid", 1, 1, 10000), ("cancelled", 3, -1, -10000), ("corrected", 6, 1, 10000)], id="cancelled by mistake",
    ),
    pytest.param(
        [state(1), state(3, cancelled_at=at(3)), state(6), state(8, cancelled_at=at(8))], [],
        [("paid", 1, 1, 10000), ("cancelled", 3, -1, -10000), ("corrected", 6, 1, 10000), ("cancelled", 8, -1, -10000)],
        id="cancelled by mistake, then in earnest",
    ),
    pytest.param(
        [state(1), state(3, cancelled_at=at(3)), state(4, cancelled_at=at(3), refund_amount="100.00", refunded_at=at(4)), state(6)], [],
        [("paid", 1, 1, 10000), ("cancelled", 3, -1, -10000), ("corrected", 6, 1, 10000)],
        id="cancelled and refunded by mistake: the refund of a cancelled order is the same money",
    ),
    pytest.param(
        [state(1), state(4, refund_amount="130.00", refunded_at=at(4))], [],
        [("paid", 1, 1, 10000), ("refunded", 4, 0, -13000)], id="more refunded than paid: the order stands at minus 30",
    ),
    pytest.param(
        [state(1), state(4, refund_amount="130.00", refunded_at=at(4)), state(9, cancelled_at=at(9), refund_amount="130.00")], [],
        [("paid", 1, 1, 10000), ("refunded", 4, 0, -13000), ("cancelled", 9, -1, 3000)],
        id="more refunded than paid, then cancelled: nothing is left of it",
    ),
    pytest.param(
        [state(1), state(4, refund_amount="50.00", refunded_at=at(4)), state(6, refund_amount="30.00", refunded_at=at(4))], [],
        [("paid", 1, 1, 10000), ("refunded", 4, 0, -5000), ("corrected", 6, 0, 2000)], id="a refund corrected downwards",
    ),
    pytest.param(
        [order("o1", "ana", at(5), refund_amount="10.00", refunded_at=at(3), updated_at=at(5))], [],
        [("refunded", 5, 0, -1000), ("paid", 5, 1, 10000)], id="a refund dated before the payment counts from the payment",
    ),
    pytest.param(
        [state(1), state(5, cancelled_at=at(5))], [line("o1", 1, returned_quantity="1", returned_at=at(8), updated_at=at(8))],
        [("paid", 1, 1, 10000), ("cancelled", 5, -1, -10000)], id="returned after the cancellation: the same money again",
    ),
    pytest.param([state(1, "0.00"), state(5, "0.00", cancelled_at=at(5))], [], [("paid", 1, 1, 0), ("cancelled", 5, -1, 0)], id="worth nothing"),
    pytest.param(
        [state(1), order("o1", "ana", at(3), updated_at=at(3), ordered_at=PAID)], [], [("paid", 1, 1, 10000)],
        id="paid twice: one order, from its first payment",
    ),
    pytest.param(
        [state(1), order("o1", "ana", None, updated_at=at(4), ordered_at=PAID)], [],
        [("paid", 1, 1, 10000), ("cancelled", 4, -1, -10000)], id="the payment bounced",
    ),
    pytest.param(
        [state(1), state(3, deleted_at=at(3)), state(7)], [],
        [("paid", 1, 1, 10000), ("cancelled", 3, -1, -10000), ("corrected", 7, 1, 10000)], id="deleted, then back: void in between",
    ),
    pytest.param([state(1), state(3, deleted_at=at(3))], [], [("paid", 1, 1, 10000)], id="deleted: deleted_at leaves it out from then on"),
    pytest.param(
        [state(1, "1000000000.00"), order("o1", "ana", PAID, "1000000000.00", cancelled_at="2026-03-01T12:03:00+08:00", updated_at=at(2))], [],
        [("paid", 1, 1, 10**11), ("cancelled", 1, -1, -(10**11))], id="a huge order, cancelled three minutes later",
    ),
    pytest.param(
        [state(1, discount_amount="10.00")], [line("o1", 1, returned_quantity="1", returned_at=at(6), updated_at=at(6))],
        [("paid", 1, 1, 9000), ("returned", 6, 0, -9000)], id="all returned: no more than was paid after the order's discount",
    ),
    pytest.param(
        [state(1, "90.00")], [line("o1", 1, quantity="3", unit_price="30.00", returned_quantity=None, updated_at=at(1)),
                               line("o1", 1, quantity="3", unit_price="30.00", returned_quantity="1", returned_at=at(4), updated_at=at(4)),
                               line("o1", 1, quantity="3", unit_price="30.00", returned_quantity="3", returned_at=at(9), updated_at=at(9))],
        [("paid", 1, 1, 9000), ("returned", 4, 0, -3000), ("returned", 9, 0, -6000)], id="returned on two days",
    ),
    pytest.param(
        [state(1, "90.00"), state(11, "90.00", refund_amount="90.00", refunded_at=at(11), cancelled_at=at(11))],
        [line("o1", 1, quantity="3", unit_price="30.00", returned_quantity="1", returned_at=at(4), updated_at=at(4))],
        [("paid", 1, 1, 9000), ("returned", 4, 0, -3000), ("cancelled", 11, -1, -6000)], id="part returned, then cancelled and refunded",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def ledgers(server: EmbeddedPostgres, templates: Mapping[str, str]) -> Iterator[dict[str, list[tuple[object, ...]]]]:
    """The entries of every case, all delivered at once, each as an order of its own."""
    warehouse = Warehouse(clone(server, "ledgers", templates["warehouse"]))
    run = Run(date(2026, 3, 31), warehouse, Settings(), Attempt("test", "run-1", "task", 1), Secrets(PEPPER))
    states = [{**state, "order_id": case.id} for case in CASES for state in case.values[0]]
    lines = [{**line, "order_id": case.id} for case in CASES for line in case.values[1]]
    deliver(run, states, lines)
    assert rows_of(warehouse, 'select count(*) from quarantine."row"') == [(0,)]
    assert rows_of(warehouse, "select count(*) from core.order_entry where net_minor <> gross_minor - discount_minor") == [(0,)]
    found = {
        case.id: rows_of(warehouse, LEDGER.replace("order by", "where order_key in (select order_key from core.order_header "
        "where order_id = :order_id) order by"), order_id=case.id)
        for case in CASES
    }  # fmt: skip
    warehouse.dispose()
    yield found
    drop(server, "ledgers")


@pytest.mark.parametrize("case", [case.id for case in CASES])
def test_the_states_of_an_order(case: str, ledgers: dict[str, list[tuple[object, ...]]]) -> None:
    ((_, _, expected),) = [found.values for found in CASES if found.id == case]
    assert ledgers[case] == expected


def test_what_cannot_be_is_refused(run: Run, warehouse: Warehouse) -> None:
    # More brought back than bought, and amounts below zero.
    land(run, "crm", "customer", [customer("ana")])
    land(run, "crm", "product", [product("milk")])
    land(run, "crm", "order", [state(1), order("o2", "ana", PAID, "-1.00"), order("o3", "ana", PAID, refund_amount="-1.00")])
    land(run, "crm", "order_line", [line("o1", 1, quantity="1", returned_quantity="2", returned_at=at(6))])
    validate(run)
    publish_core(run)
    assert sorted(rows_of(warehouse, 'select rule, column_name from quarantine."row"')) == [
        ("at_most", "returned_quantity"), ("between", "gross_amount"), ("between", "refund_amount"),
    ]  # fmt: skip
    assert rows_of(warehouse, LEDGER) == [("paid", 1, 1, 10000)]


def test_an_order_without_a_time_of_change_is_corrected_when_the_correction_lands(
    make_run: Callable[..., Run], warehouse: Warehouse
) -> None:
    # The shop does not say when it changed an order: 100, then 80, then 80 once more among others.
    for offset, amount in enumerate(["100.00", "80.00", "80.00"]):
        run = make_run(date(2026, 3, 28) + timedelta(days=offset))
        land(run, "crm", "customer", [customer("ana", updated_at=at(offset + 1))])
        rows = [
            order("o1", "ana", PAID, amount, updated_at=None),
            order(f"other {offset}", "ana", PAID, "1.00", updated_at=None),
        ]
        land(run, "crm", "order", rows)
        validate(run)
        publish_core(run)
    assert rows_of(
        warehouse,
        "select e.kind, e.net_minor, e.happened_at = b.landed_at from core.order_entry e join core.order_header h using (order_key) "
        "join ops.batch b on b.batch_id = h.batch_id where h.order_id = 'o1' order by e.happened_at",
    ) == [("paid", 10000, False), ("corrected", -2000, True)]
    assert rows_of(warehouse, "select net_minor from core.order_header where order_id = 'o1'") == [(8000,)]


def test_states_may_arrive_in_any_order(make_run: Callable[..., Run], make_database: Callable[[str], str]) -> None:
    states = [state(1), state(3, "80.00"), state(5, "80.00", refund_amount="10.00", refunded_at=at(5))]
    outcomes = set()
    for arrival in itertools.permutations(states):
        database = Warehouse(make_database("warehouse"))
        for offset, delivered in enumerate(arrival):
            base = make_run(date(2026, 3, 20) + timedelta(days=offset))
            run = Run(base.business_date, database, base.settings, base.attempt, base.secrets)
            land(run, "crm", "customer", [customer("ana", updated_at=at(offset + 1))])
            land(run, "crm", "order", [delivered])
            validate(run)
            publish_core(run)
        outcomes.add(
            (
                tuple(rows_of(database, LEDGER)),
                tuple(rows_of(database, "select net_minor, refund_minor, refunded_at from core.order_header")),
            )
        )
        database.dispose()
    assert len(outcomes) == 1
    ((ledger, _),) = outcomes
    assert ledger == (("paid", 1, 1, 10000), ("corrected", 3, 0, -2000), ("refunded", 5, 0, -1000))


def test_foreign_money_takes_the_rate_of_its_day(run: Run, warehouse: Warehouse) -> None:
    land(run, "crm", "customer", [customer("ana")])
    land(run, "crm", "market_indicator", [
        {"series": "fx.USD.CNY", "region": None, "indicator_date": "2026-02-01", "value": "7.00"},
        {"series": "fx.USD.CNY", "region": None, "indicator_date": "2026-03-05", "value": "8.00"},
    ])  # fmt: skip
    land(run, "crm", "order", [
        order("before", "ana", "2026-01-31T12:00:00+08:00", currency="USD"),
        order("old rate", "ana", "2026-03-04T23:59:59+08:00", currency="USD"),
        order("new rate", "ana", "2026-03-05T00:00:00+08:00", currency="USD"),
        order("home", "ana", "2026-03-05T00:00:00+08:00", currency="CNY"),
    ])  # fmt: skip
    validate(run)
    publish_core(run)
    assert rows_of(warehouse, "select order_id, net_minor, gross_original from core.order_header order by order_id") == [
        ("home", 10000, 100),
        ("new rate", 80000, 100),
        ("old rate", 70000, 100),
    ]
    assert rows_of(warehouse, 'select rule, "row" ->> \'order_id\' from quarantine."row"') == [("known_rate", "before")]


def test_a_line_delivered_before_the_payment_follows_it(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    first, second = make_run(date(2026, 3, 30)), make_run(date(2026, 3, 31))
    deliver(first, [order("o1", "ana", None, updated_at=at(1))], [line("o1", 1)])
    assert rows_of(warehouse, "select happened_at from core.order_line") == [(None,)]
    land(second, "crm", "order", [state(9)])
    validate(second)
    publish_core(second)
    assert rows_of(warehouse, "select happened_at = timestamptz '2026-03-01 12:00+08' from core.order_line") == [(True,)]


def test_a_late_older_order_renumbers_the_ones_after_it(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    first, second = make_run(date(2026, 3, 30)), make_run(date(2026, 3, 31))
    deliver(first, [order("late", "ana", at(20))], [])
    land(second, "crm", "order", [order("early", "ana", at(10))])
    validate(second)
    publish_core(second)
    assert rows_of(
        warehouse,
        "select h.order_id, e.order_number, e.days_since_previous_order, e.happened_at - e.previous_paid_at from core.order_entry e "
        "join core.order_header h using (order_key) order by 2",
    ) == [("early", 1, None, None), ("late", 2, 10, timedelta(days=10))]


def test_an_order_that_moves_to_another_customer_takes_everything_along(
    make_run: Callable[..., Run], warehouse: Warehouse
) -> None:
    # Ana ordered twice, the first time for Bo; the shop puts that right a day later and does not deliver the line again.
    first, second = make_run(date(2026, 3, 30)), make_run(date(2026, 3, 31))
    land(first, "crm", "customer", [customer("ana"), customer("bo")])
    land(first, "crm", "product", [product("milk")])
    land(first, "crm", "order", [state(1), order("o2", "ana", at(11), updated_at=at(11))])
    land(first, "crm", "order_line", [line("o1", 1), line("o2", 1)])
    validate(first)
    publish_core(first)
    land(second, "crm", "order", [order("o1", "bo", PAID, updated_at=at(20))])
    validate(second)
    publish_core(second)
    owners = (
        "select {fact}.customer_key = person.customer_key, person.customer_id, header.order_id {more} from {table} as {fact} "
        "join core.order_header as header using (order_key) "
        "join pii.source_customer as person on person.source_customer_key = header.source_customer_key order by 3"
    )
    assert rows_of(warehouse, owners.format(fact="line", table="core.order_line", more="")) == [
        (True, "bo", "o1"),
        (True, "ana", "o2"),
    ]
    assert rows_of(
        warehouse,
        owners.format(fact="entry", table="core.order_entry", more=", entry.order_number, entry.days_since_previous_order"),
    ) == [(True, "bo", "o1", 1, None), (True, "ana", "o2", 1, None)]


def test_a_return_that_is_taken_back_is_corrected_on_the_day_it_was(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    first, second = make_run(date(2026, 3, 30)), make_run(date(2026, 3, 31))
    deliver(first, [state(1)], [line("o1", 1, returned_quantity="1", returned_at=at(6), updated_at=at(6))])
    assert rows_of(warehouse, LEDGER) == [("paid", 1, 1, 10000), ("returned", 6, 0, -10000)]
    land(second, "crm", "order_line", [line("o1", 1, returned_quantity="0", updated_at=at(8))])
    validate(second)
    publish_core(second)
    assert rows_of(warehouse, LEDGER) == [("paid", 1, 1, 10000), ("returned", 6, 0, -10000), ("corrected", 8, 0, 10000)]


def test_a_state_that_came_back_outlives_the_one_in_between(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    for offset, (name, updated) in enumerate([("Milk", 1), ("Milk", 9), ("Mikl", 5)]):
        run = make_run(date(2026, 3, 29) + timedelta(days=offset))
        land(run, "crm", "product", [product("milk", name=name, updated_at=at(updated))])
        validate(run)
        publish_core(run)
    assert rows_of(warehouse, "select name from core.product") == [("Milk",)]
