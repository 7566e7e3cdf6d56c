"""Rows become a ledger of orders: refunds and cancellations on the orders they belong to, nothing twice, nothing guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retention.evaluate.columns import find_columns
from retention.evaluate.errors import HistoryUnusable
from retention.evaluate.ledger import Ledger, build_ledger
from retention.evaluate.orders import Rows, read_rows
from retention.evaluate.reading import read_file

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def rows_of(tmp_path: Path, rows: list[dict[str, object]]) -> Rows:
    path = tmp_path / "orders.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    delivered = read_file(path)
    return read_rows(delivered, find_columns(delivered, "orders", {}, "UTC"), "UTC", NOW)


def ledger_of(tmp_path: Path, rows: list[dict[str, object]]) -> Ledger:
    return build_ledger(rows_of(tmp_path, rows))


def entries(ledger: Ledger) -> list[tuple[str, int, int]]:
    ordered = ledger.entries.sort_values(["happened_at", "kind"])
    return [(e.kind, e.order_count, e.net_minor) for e in ordered.itertuples()]


def row(customer: str, at: str, amount: object, **more: object) -> dict[str, object]:
    return {"customer_id": customer, "order_date": at, "amount": amount, **more}


def test_a_huge_order_cancelled_minutes_later_never_counts(tmp_path: Path) -> None:
    # Ana orders 80,995 pieces by mistake and cancels after 12 minutes; her small order stays.
    lines = [
        {"InvoiceNo": "1", "CustomerID": "ana", "InvoiceDate": "2026-01-05 09:00", "Quantity": 2, "UnitPrice": 2.5, "StockCode": "a"},
        {"InvoiceNo": "2", "CustomerID": "ana", "InvoiceDate": "2026-01-09 09:15", "Quantity": 80995, "UnitPrice": 2.08, "StockCode": "b"},
        {"InvoiceNo": "C2", "CustomerID": "ana", "InvoiceDate": "2026-01-09 09:27", "Quantity": -80995, "UnitPrice": 2.08, "StockCode": "b"},
        {"InvoiceNo": "3", "CustomerID": "bo", "InvoiceDate": "2026-01-09 10:00", "Quantity": 1, "UnitPrice": 7.0, "StockCode": "a"},
    ]  # fmt: skip
    ledger = ledger_of(tmp_path, lines)
    assert entries(ledger) == [
        ("paid", 1, 500), ("paid", 1, 16_846_960), ("cancelled", -1, -16_846_960), ("paid", 1, 700),
    ]  # fmt: skip
    assert any("cancel an earlier one" in note for note in ledger.notes)


def test_part_of_the_money_back_lowers_the_newest_order_that_has_it(tmp_path: Path) -> None:
    ledger = ledger_of(
        tmp_path, [row("ana", "2026-01-05", 30.5), row("ana", "2026-02-05", 10.5), row("ana", "2026-03-01", -20)]
    )
    assert entries(ledger) == [("paid", 1, 3050), ("paid", 1, 1050), ("refunded", 0, -2000)]
    refund = ledger.entries[ledger.entries["kind"] == "refunded"].iloc[0]
    first = ledger.orders.sort_values("paid_at").iloc[0]
    assert refund["order_key"] == first["order_key"]


def test_money_back_before_any_purchase_is_left_out_and_said(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path, [row("ana", "2026-01-05", -30), row("ana", "2026-02-05", 10), row("bo", "2026-02-06", 9)])
    assert [kind for kind, _, _ in entries(ledger)] == ["paid", "paid"]
    assert any("without an earlier purchase: 1" in note for note in ledger.notes)


def test_a_discount_line_of_the_same_basket_is_part_of_the_order(tmp_path: Path) -> None:
    at = "2026-01-05 10:00:00"
    ledger = ledger_of(
        tmp_path,
        [
            row("ana", at, 20.5, order_id="1", product="a"), row("ana", at, -5, order_id="1", product="voucher"),
            row("bo", at, 8, order_id="2", product="a"), row("bo", at, 3, order_id="2", product="b"),
        ],
    )  # fmt: skip
    assert sorted(ledger.orders["net_minor"]) == [1100, 1550]
    assert set(ledger.entries["kind"]) == {"paid"}


def test_without_numbers_a_day_is_an_order(tmp_path: Path) -> None:
    ledger = ledger_of(
        tmp_path, [row("ana", "2026-01-05 09:10:11", 3), row("ana", "2026-01-05 19:10:12", 4.5), row("ana", "2026-01-06", 5)]
    )
    assert sorted(ledger.orders["net_minor"]) == [500, 750]


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    some = [
        row("ana", "2026-01-05", 30),
        row("bo", "2026-01-06", 7),
        row("ana", "2026-02-05", 10),
        row("ana", "2026-03-01", -10),
    ]
    one, other = ledger_of(tmp_path, some), ledger_of(tmp_path, some[::-1])
    pd.testing.assert_frame_equal(
        one.entries.sort_values(["order_key", "kind"]).reset_index(drop=True),
        other.entries.sort_values(["order_key", "kind"]).reset_index(drop=True),
    )


@pytest.mark.parametrize(
    ("rows", "kept", "words"),
    [
        pytest.param(
            [row("ana", "2026-01-05", 3, order_id="1"), row("ana", "2026-01-05", 3, order_id="1"), row("bo", "2026-01-05", 4, order_id="2")],
            2, "counted once", id="an order has one row",
        ),
        pytest.param(
            [row("ana", "2026-01-05 09:10:11", 3), row("ana", "2026-01-05 09:10:11", 3), row("bo", "2026-01-05 10:22:33", 4)],
            2, "counted once", id="nobody buys twice in a second",
        ),
        pytest.param(
            [row("ana", "2026-01-05 09:10:11", amount, order_id="1") for amount in (3, 3, 5)],
            3, "kept although", id="two lines of one order may be alike",
        ),
        pytest.param(
            [row("ana", "2026-01-05", 3), row("ana", "2026-01-05", 3), row("bo", "2026-01-05", 4)],
            3, "kept although", id="two purchases of a day may be alike",
        ),
        pytest.param(
            [row("ana", "2026-01-05", 3), row("bo", "2026-01-05", 4)] * 2, 2, "counted once", id="the whole file came twice",
        ),
    ],
)  # fmt: skip
def test_rows_delivered_twice(tmp_path: Path, rows: list[dict[str, object]], kept: int, words: str) -> None:
    found = rows_of(tmp_path, rows)
    assert len(found.frame) == kept
    assert any(words in note for note in found.notes)


@pytest.mark.parametrize("status", ["Cancelled", "storniert", "已取消", "refunded"])
def test_what_ended_by_status_without_a_date_stands_until_the_as_of_date(tmp_path: Path, status: str) -> None:
    rows = [
        row("ana", "2026-01-05", 3, status="done"),
        row("bo", "2026-01-06", 4, status=status),
        row("cy", "2026-03-06", 5, status=status),
    ]
    found = rows_of(tmp_path, rows)
    known_at = np.datetime64("2026-02-01", "us")
    ledger = build_ledger(found.settled(known_at))
    assert entries(ledger) == [("paid", 1, 300), ("paid", 1, 400), ("cancelled", -1, -400)]
    ended = ledger.entries[ledger.entries["kind"] == "cancelled"]
    assert ended["happened_at"].tolist() == [pd.Timestamp(known_at)]
    assert any("2 rows, of which 1 from before the as-of date" in note for note in found.settled(known_at).notes)
    # Where nothing of the file lies after the as-of date, its last statuses are what was known.
    assert entries(build_ledger(found.settled(None))) == [("paid", 1, 300)]


@pytest.mark.parametrize("status", ["pending", "failed", "未付款"])
def test_what_was_never_paid_never_counts(tmp_path: Path, status: str) -> None:
    found = rows_of(tmp_path, [row("ana", "2026-01-05", 3, status="done"), row("bo", "2026-01-06", 4, status=status)])
    assert found.frame["customer"].tolist() == ["ana"]
    assert found.settled(np.datetime64("2026-02-01", "us")) is found


def test_a_dated_cancellation_counts_from_its_day_on(tmp_path: Path) -> None:
    ledger = ledger_of(
        tmp_path,
        [
            row("ana", "2026-01-05", 3, cancelled_at="2026-02-01", status="cancelled"),
            row("bo", "2026-01-06", 4, cancelled_at=None, status="done"),
        ],
    )
    assert entries(ledger) == [("paid", 1, 300), ("paid", 1, 400), ("cancelled", -1, -300)]


def test_a_cancelled_line_is_money_back_and_the_rest_of_the_order_stands(tmp_path: Path) -> None:
    ledger = ledger_of(
        tmp_path,
        [
            row("ana", "2026-01-05 09:00", 3, order_id="1", cancelled_at="2026-02-01"),
            row("ana", "2026-01-05 09:00", 5, order_id="1", cancelled_at=None),
            row("bo", "2026-01-06 09:00", 4, order_id="2", cancelled_at="2026-02-02"),
            row("bo", "2026-01-06 09:00", 6, order_id="2", cancelled_at="2026-02-03"),
        ],
    )
    assert entries(ledger) == [("paid", 1, 800), ("paid", 1, 1000), ("refunded", 0, -300), ("cancelled", -1, -1000)]


def test_an_orders_total_on_each_of_its_lines_counts_once(tmp_path: Path) -> None:
    lines = [
        row(f"c{number}", "2026-01-05", 10.0 + number, order_id=str(number), product=product)
        for number in range(6)
        for product in "ab"
    ]
    found = rows_of(tmp_path, lines)
    assert found.frame["amount_minor"].sum() == sum(1000 + 100 * number for number in range(6))
    assert any("counted once" in note for note in found.notes)


def test_unreadable_rows_and_impossible_days_are_left_out_with_counts(tmp_path: Path) -> None:
    good = [row("ana", f"2026-01-{day:02}", 3.5) for day in range(1, 25)]
    bad = [
        row(None, "2026-01-05", 3),
        row("bo", "soon", 3),
        row("bo", "2026-01-05", "?"),
        row("bo", "1900-01-01", 3),
        row("bo", "2199-01-01", 3),
    ]
    found = rows_of(tmp_path, [*good, *bad])
    assert set(found.frame["customer"]) == {"ana"}
    said = "; ".join(found.notes)
    for words in (
        "no customer named: 1 of 29",
        "without a readable time: 1",
        "without a readable amount: 1",
        "before 1971: 1",
        "in the future: 1",
    ):
        assert words in said


def test_sales_booked_as_negative_amounts_are_purchases(tmp_path: Path) -> None:
    found = rows_of(tmp_path, [row("ana", "2026-01-05", -3), row("bo", "2026-01-06", -4)])
    assert found.frame["amount_minor"].tolist() == [300, 400]
    assert any("read as purchases" in note for note in found.notes)


@pytest.mark.parametrize(
    ("amounts", "digits", "minor"),
    [
        pytest.param([0.016932, 0.025407, 0.003373], 4, [169, 254, 34], id="a scale of its own"),
        pytest.param([0.5, 25.0, 60.0], 2, [50, 2500, 6000], id="one small amount among usual ones"),
        pytest.param([1e12, 0.016932, 0.016932], 3, [10**15, 17, 17], id="beside an amount that leaves little room"),
    ],
)
def test_amounts_far_below_one_keep_their_figures(tmp_path: Path, amounts: list[float], digits: int, minor: list[int]) -> None:
    rows = rows_of(tmp_path, [row(f"c{place}", "2026-01-05", amount) for place, amount in enumerate(amounts)])
    assert (rows.minor_digits, rows.frame["amount_minor"].tolist()) == (digits, minor)


def test_a_discount_as_a_rate_and_as_an_amount(tmp_path: Path) -> None:
    rate = rows_of(tmp_path, [row("ana", "2026-01-05", 80, discount=0.2), row("bo", "2026-01-05", 50, discount=0)])
    assert rate.frame["discount_minor"].tolist() == [2000, 0]
    money = rows_of(tmp_path, [row("ana", "2026-01-05", 80, discount=20), row("bo", "2026-01-05", 50, discount=0)])
    assert money.frame["discount_minor"].tolist() == [2000, 0]


def test_without_amounts_customers_are_still_predicted(tmp_path: Path) -> None:
    found = rows_of(
        tmp_path, [{"customer_id": "ana", "order_date": "2026-01-05"}, {"customer_id": "bo", "order_date": "2026-01-06"}]
    )
    assert not found.has_money
    assert any("clv is left empty" in note for note in found.notes)


def test_nothing_usable_is_refused_and_no_value_is_shown(tmp_path: Path) -> None:
    with pytest.raises(HistoryUnusable, match="without a readable time: 2 of 2 rows") as refused:
        rows_of(tmp_path, [row("ana@example.com", "soon", 3), row("bo", "later", 4)])
    assert "ana@example.com" not in str(refused.value)
