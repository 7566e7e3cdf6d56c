"""What the ledger has to assume is said."""

from __future__ import annotations

from pathlib import Path

from tests.retention.evaluate.test_orders import ledger_of, row


def test_money_back_without_a_date_is_booked_on_the_day_of_the_order_and_said(tmp_path: Path) -> None:
    rows = [
        row("ana", "2026-01-05", 30, order_id="1", refund_amount=5, refunded_at=None),
        row("bo", "2026-01-06", 20, order_id="2", refund_amount=4, refunded_at="2026-02-01"),
        row("cai", "2026-01-07", 10, order_id="3", refund_amount=0, refunded_at=None),
    ]
    ledger = ledger_of(tmp_path, rows)
    back = (
        ledger.entries[ledger.entries["kind"] == "refunded"]
        .set_index("net_minor")["happened_at"]
        .map(lambda at: f"{at:%Y-%m-%d}")
    )
    assert dict(back) == {-500: "2026-01-05", -400: "2026-02-01"}
    assert "money given back without a date, taken as known from the order's day on: 1 of 3 orders" in ledger.notes


def test_times_stay_times_where_nothing_was_given_back(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path, [row("ana", "2026-01-05", 30, order_id="1")])
    assert ledger.entries["happened_at"].dtype == "datetime64[us]"
