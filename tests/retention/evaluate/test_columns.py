"""Columns are recognised by names in three languages and by what is in them; the user's word goes first."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from retention.evaluate.columns import find_columns, needed, parse_map
from retention.evaluate.errors import HistoryUnusable
from retention.evaluate.reading import Delivered, read_file

# Ana comes back, Bo does not.
PEOPLE = ["ana", "bo", "ana", "cem", "ana", "cem"]
DAYS = ["2026-01-05", "2026-01-06", "2026-01-19", "2026-02-01", "2026-02-02", "2026-03-01"]


def delivered(tmp_path: Path, columns: dict[str, list[object]], header: bool = True) -> Delivered:
    path = tmp_path / "orders.csv"
    pd.DataFrame(columns).to_csv(path, index=False, header=header)
    return read_file(path)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("order_id", "customer_id", "order_date", "amount"), id="ours"),
        pytest.param(("InvoiceNo", "CustomerID", "InvoiceDate", "Total"), id="retailer"),
        pytest.param(("Bestellnummer", "Kundennummer", "Bestelldatum", "Gesamtbetrag"), id="German"),
        pytest.param(("订单编号", "会员号", "下单时间", "实付金额"), id="Chinese"),
        pytest.param(("basket_id", "household_id", "transaction_timestamp", "sales_value"), id="panel"),
        pytest.param(("Order Name", "Customer ID", "Created at", "Total"), id="shop"),
        pytest.param(("oid", "cust", "at", "amt"), id="short"),
    ],
)
def test_names_people_give_to_orders(tmp_path: Path, names: tuple[str, ...]) -> None:
    order, customer, time, amount = names
    file = delivered(tmp_path, {order: list(range(6)), customer: PEOPLE, time: DAYS, amount: [1.5, 2, 3, 4, 5, 6]})
    found = find_columns(file, "orders", {}, "UTC").found
    assert {role: found.get(role) for role in ("order_id", "customer_id", "ordered_at", "amount")} == {
        "order_id": order, "customer_id": customer, "ordered_at": time, "amount": amount,
    }  # fmt: skip


def test_an_id_that_comes_back_on_other_days_is_the_customers(tmp_path: Path) -> None:
    file = delivered(tmp_path, {"id": PEOPLE, "date": DAYS, "value": [1.5, 2, 3, 4, 5, 6]})
    assert find_columns(file, "orders", {}, "UTC").found["customer_id"] == "id"


def test_of_two_customers_the_one_that_comes_back(tmp_path: Path) -> None:
    file = delivered(
        tmp_path, {"customer_id": list("uvwxyz"), "customer_unique_id": PEOPLE, "date": DAYS, "value": [1.5, 2, 3, 4, 5, 6]}
    )
    assert find_columns(file, "orders", {}, "UTC").found["customer_id"] == "customer_unique_id"


def test_small_whole_amounts_beside_a_price_are_pieces(tmp_path: Path) -> None:
    file = delivered(
        tmp_path, {"CUSTOMER_ID": PEOPLE, "DT": DAYS, "AMOUNT": [1, 1, 2, 1, 3, 1], "SALES_PRICE": [90, 80, 70, 60, 50, 40]}
    )
    found = find_columns(file, "orders", {}, "UTC").found
    assert (found["quantity"], found["unit_price"], found.get("amount")) == ("AMOUNT", "SALES_PRICE", None)


def test_columns_without_names_are_told_by_their_place(tmp_path: Path) -> None:
    file = delivered(tmp_path, {"a": ["11", "12", "11", "13", "11", "13"], "b": DAYS, "c": [1.5, 2, 3, 4, 5, 6]}, header=False)
    found = find_columns(file, "orders", {}, "UTC").found
    assert (found["customer_id"], found["ordered_at"], found["amount"]) == ("1", "2", "3")


def test_customers_numbered_from_one_are_no_days_beside_dates(tmp_path: Path) -> None:
    """A published sample: the panel's number, the sample's own from 1 on, date, pieces, dollars."""
    lines = [
        f" {4 + 9 * one:05d} {one + 1:04d} {199701 + month}{1 + one % 28:02d} {1 + one % 3:2d} {10.5 + one:7.2f}"
        for one in range(40)
        for month in (0, 2)
    ]
    path = tmp_path / "sample.txt"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    found = find_columns(read_file(path), "orders", {}, "UTC").found
    assert (found["customer_id"], found["ordered_at"], found["amount"]) == ("1", "3", "5")


def test_hours_of_the_day_and_numbers_of_orders_are_no_dates(tmp_path: Path) -> None:
    """Baskets without a date are refused rather than taken to lie on 24 days."""
    numbers = list(range(1, 49))
    columns: dict[str, list[object]] = {
        "order_id": [700 + one for one in numbers], "user_id": [one % 7 for one in numbers], "order_number": [*numbers],
        "order_hour_of_day": [one % 24 for one in numbers], "order_dow": [one % 7 for one in numbers],
    }  # fmt: skip
    file = delivered(tmp_path, columns)
    with pytest.raises(HistoryUnusable, match="when it was placed"):
        needed(file, find_columns(file, "orders", {}, "UTC"))


def test_days_that_are_counted_are_days(tmp_path: Path) -> None:
    file = delivered(
        tmp_path, {"household_key": [one % 9 for one in range(60)], "DAY": [*range(1, 61)], "SALES_VALUE": [1.5] * 60}
    )
    assert find_columns(file, "orders", {}, "UTC").found["ordered_at"] == "DAY"


@pytest.mark.parametrize(
    ("name", "values", "code"),
    [
        pytest.param("coupon_disc", [0.0, -0.5, 0.0, 0.0, -1.0, 0.0], None, id="what a coupon took off"),
        pytest.param("coupon", [0, 1, 0, 0, 1, 0], None, id="whether there was one"),
        pytest.param("coupon", [None, 4711, None, 4712, None, None], "coupon", id="a number of one"),
        pytest.param("coupon", [None, "WELCOME", None, "MAY", None, None], "coupon", id="a word"),
    ],
)
def test_a_coupon_is_known_by_its_code(tmp_path: Path, name: str, values: list[object], code: str | None) -> None:
    file = delivered(tmp_path, {"customer_id": PEOPLE, "date": DAYS, "value": [1.5, 2, 3, 4, 5, 6], name: values})
    assert find_columns(file, "orders", {}, "UTC").found.get("coupon_code") == code


def test_the_users_word_goes_before_every_guess(tmp_path: Path) -> None:
    file = delivered(tmp_path, {"customer_id": PEOPLE, "card": PEOPLE, "date": DAYS, "value": [1.5, 2, 3, 4, 5, 6]})
    columns = find_columns(file, "orders", parse_map(["customer=Card"]), "UTC")
    assert (columns.found["customer_id"], columns.reasons["customer_id"]) == ("card", "as you said")


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    file = delivered(tmp_path, {"customer_id": PEOPLE, "date": DAYS})
    with pytest.raises(HistoryUnusable, match="no column kunde; it has customer_id, date"):
        find_columns(file, "orders", parse_map(["customer_id=kunde"]), "UTC")


@pytest.mark.parametrize("text", ["customer_id", "=x", "customer_id="])
def test_a_map_that_is_no_pair(text: str) -> None:
    with pytest.raises(HistoryUnusable, match="ours=theirs"):
        parse_map([text])


def test_what_cannot_be_recognised_is_asked_for(tmp_path: Path) -> None:
    file = delivered(tmp_path, {"colour": ["red"] * 6, "size": ["M", "L", "M", "S", "M", "L"], "customer": [None] * 6})
    with pytest.raises(HistoryUnusable, match=r"whose order it is or when it was placed.*Without any value: customer"):
        needed(file, find_columns(file, "orders", {}, "UTC"))
