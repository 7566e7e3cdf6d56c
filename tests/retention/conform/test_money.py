"""Money in several currencies and minor units, worked out by hand; rates that come late or are corrected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from retention.conform import publish_core
from retention.quality import validate
from retention.settings import CompanySettings, Settings
from retention.warehouse import Run, Warehouse
from tests.retention.quality.company import customer, land, line, order, product, rows_of

Row = dict[str, str | None]


def at(day: int) -> str:
    return f"2026-03-{day:02}T12:00:00+08:00"


def rate(series: str, day: int, value: str, updated: int | None = None) -> Row:
    """A quotation of a day, made on that day unless told otherwise."""
    return {
        "series": series,
        "region": "all",
        "indicator_date": f"2026-03-{day:02}",
        "value": value,
        "updated_at": at(updated or day),
    }


def company(currency: str, digits: int) -> Settings:
    return Settings(company=replace(CompanySettings(), base_currency=currency, base_currency_minor_digits=digits))


LEDGER = (
    "select header.order_id, entry.kind, extract(day from entry.happened_at at time zone 'Asia/Shanghai')::integer, entry.net_minor "
    "from core.order_entry as entry join core.order_header as header using (order_key) "
    "order by header.order_id, entry.happened_at, entry.kind desc"
)


@pytest.mark.parametrize(
    ("currency", "digits", "rates", "expected"),
    [
        # 3,001 yen; 20.35 dollars at 151.27 = 3,078.3445; 4.125 dinar at 489.5 = 2,019.1875
        ("JPY", 0, {"USD": "151.27", "KWD": "489.5"}, {"JPY": 3001, "USD": 3078, "KWD": 2019}),
        # 4.125 dinar are 4,125 fils; 20.35 dollars at 0.30715 = 6.2505025; 3,001 yen at 0.00203 = 6.09203
        ("KWD", 3, {"USD": "0.30715", "JPY": "0.00203"}, {"KWD": 4125, "USD": 6251, "JPY": 6092}),
        # 20.35 dollars at 7.1 = 144.485, and half a fen is rounded up; 3,001 yen at 0.0471 = 141.3471; 4.125 dinar at 23.115 = 95.349375
        ("CNY", 2, {"USD": "7.1", "JPY": "0.0471", "KWD": "23.115"}, {"USD": 14449, "JPY": 14135, "KWD": 9535}),
    ],
    ids=["base yen, no digits", "base dinar, three digits", "base yuan, two digits"],
)
def test_minor_units_of_the_base_currency(
    currency: str,
    digits: int,
    rates: dict[str, str],
    expected: dict[str, int],
    make_run: Callable[..., Run],
    warehouse: Warehouse,
) -> None:
    run = make_run(settings=company(currency, digits))
    amounts = {"USD": "20.35", "JPY": "3001", "KWD": "4.125"}
    land(run, "crm", "customer", [customer("ana")])
    land(run, "crm", "market_indicator", [rate(f"fx.{name}.{currency}", 1, value) for name, value in rates.items()])
    land(run, "crm", "order", [order(name, "ana", at(2), amounts[name], currency=name, updated_at=at(2)) for name in expected])
    validate(run)
    publish_core(run)
    assert dict(rows_of(warehouse, "select order_id, net_minor from core.order_header")) == expected
    assert dict(rows_of(warehouse, "select order_id, gross_original::text from core.order_header")) == {
        n: amounts[n] for n in expected
    }


def test_full_refunds_and_returns_leave_nothing(run: Run, warehouse: Warehouse) -> None:
    # 10.05 less 0.10 dollars at 7.123: 71.586 and 0.712 alone would be 7159 - 71 = 7088, but 9.95 dollars are 7087.
    land(run, "crm", "customer", [customer("ana")])
    land(run, "crm", "product", [product("milk")])
    land(run, "crm", "market_indicator", [rate("fx.USD.CNY", 1, "7.123"), rate("fx.USD.CNY", 9, "6.5")])
    paid = {"currency": "USD", "discount_amount": "0.10"}
    back = {"refund_amount": "9.95", "refunded_at": at(12)}  # at another day's rate; the order's counts
    land(run, "crm", "order", [
        order("refunded", "ana", at(2), "10.05", updated_at=at(2), **paid),
        order("refunded", "ana", at(2), "10.05", updated_at=at(12), **paid, **back),
        order("returned", "ana", at(2), "10.05", updated_at=at(2), **paid),
        order("in two", "ana", at(2), "10.05", updated_at=at(2), **paid),
        order("in two", "ana", at(2), "10.05", updated_at=at(5), **paid, refund_amount="3.33", refunded_at=at(5)),
        order("in two", "ana", at(2), "10.05", updated_at=at(12), **paid, **back),
    ])  # fmt: skip
    # Three lines of 3.35 dollars, 23.862 yuan each: 2386 three times is 7158, one fen less than the order's gross price.
    gone = {"returned_quantity": "1", "returned_at": at(12), "updated_at": at(12)}
    land(run, "crm", "order_line", [line("returned", number, unit_price="3.35", **gone) for number in (1, 2, 3)])
    validate(run)
    publish_core(run)
    assert rows_of(warehouse, LEDGER) == [
        ("in two", "paid", 2, 7087), ("in two", "refunded", 5, -2372), ("in two", "refunded", 12, -4715),
        ("refunded", "paid", 2, 7087), ("refunded", "refunded", 12, -7087),
        ("returned", "paid", 2, 7087), ("returned", "returned", 12, -7087),
    ]  # fmt: skip
    assert rows_of(warehouse, "select gross_minor, discount_minor from core.order_header where order_id = 'refunded'") == [
        (7159, 72)
    ]
    assert rows_of(warehouse, "select sum(gross_minor)::integer from core.order_line") == [(7158,)]


# The dollar of the 1st is 7, and of the 5th 8: quoted late, and corrected on the 11th to 8.5.
QUOTATIONS = {
    "first": rate("fx.USD.CNY", 1, "7"),
    "second": rate("fx.USD.CNY", 5, "8"),
    "corrected": rate("fx.USD.CNY", 5, "8.5", updated=11),
}


@pytest.mark.parametrize(
    "arriving",
    [
        ("first", "orders", "second", "corrected"),
        ("first", "second", "corrected", "orders"),
        ("corrected", "first", "orders", "second"),
    ],
    ids=["rates after the orders", "rates first", "corrected value first"],
)
def test_a_late_rate_counts_from_its_day_and_a_corrected_one_from_its_correction(
    arriving: tuple[str, ...], make_run: Callable[..., Run], warehouse: Warehouse
) -> None:
    for offset, name in enumerate(arriving):
        run = make_run(date(2026, 3, 20) + timedelta(days=offset))
        if name == "orders":
            land(run, "crm", "customer", [customer("ana")])
            land(run, "crm", "product", [product("milk", currency="USD", list_price="2", updated_at=at(6))])
            land(run, "crm", "order", [
                order("before", "ana", at(4), "10", currency="USD", updated_at=at(4)),
                order("after", "ana", at(6), "10", currency="USD", updated_at=at(6)),
                order("home", "ana", at(6), "10", updated_at=at(6)),
            ])  # fmt: skip
            land(run, "crm", "order_line", [line("after", 1, unit_price="10", updated_at=at(6))])
            land(run, "crm", "contract", [
                {"contract_id": "c1", "customer_id": "ana", "started_at": at(7), "fee": "3", "currency": "USD", "updated_at": at(7)}
            ])  # fmt: skip
            land(run, "crm", "holding", [
                {"customer_id": "ana", "kind": "deposit", "balance_date": "2026-03-08", "amount": "4", "currency": "USD", "updated_at": at(8)}
            ])  # fmt: skip
        else:
            land(run, "crm", "market_indicator", [QUOTATIONS[name]])
        validate(run)
        publish_core(run)
    assert rows_of(warehouse, LEDGER) == [
        ("after", "paid", 6, 8000), ("after", "corrected", 11, 500), ("before", "paid", 4, 7000), ("home", "paid", 6, 1000),
    ]  # fmt: skip
    assert rows_of(warehouse, "select net_minor, fx_rate from core.order_header where order_id = 'after'") == [(8500, 8.5)]
    for column, table, expected in (
        ("net_minor", "core.order_line", 8500), ("list_price_minor", "core.product", 1700),
        ("fee_minor", "core.contract", 2550), ("amount_minor", "core.holding", 3400),
    ):  # fmt: skip
        assert rows_of(warehouse, f"select {column} from {table}") == [(expected,)], table
    assert rows_of(warehouse, "select value from core.market_indicator_version") == [(8,)]
