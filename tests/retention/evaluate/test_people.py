"""Who is in a file of customers, and what is said about it."""

from __future__ import annotations

from pathlib import Path

from retention.evaluate.columns import find_columns
from retention.evaluate.people import read_customers
from retention.evaluate.reading import read_file


def test_test_accounts_are_known_and_said(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("customer_id,is_test\nana,no\nbo,yes\ncem,\n", encoding="utf-8")
    file, notes = read_file(path), list[str]()
    found = read_customers(file, find_columns(file, "customers", {}, "UTC"), "UTC", notes)
    assert found["is_test"].tolist() == [False, True, False]
    assert notes == ["customers.csv: left out, marked as test: 1 customer"]
