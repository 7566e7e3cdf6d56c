"""What happens from the as-of date on changes nothing that was computed as of it: rows added, updated and deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa

from retention.conform import orders
from retention.features import FEATURE_TABLES, frame, labels
from retention.features.binds import feature_binds, used_binds
from retention.features.tables import feature_sql
from retention.settings import Settings
from retention.warehouse import Warehouse, load_contract, read_frame, sql_file
from tests.sql.features.company import KEYS, Company, moment

AS_OF = date(2026, 4, 1)
MIDNIGHT = "2026-04-01 00:00"  # the first instant that is not known as of the date
FACTS = ("order_entry", "order_header", "order_line", "complaint", "interaction", "survey_answer", "campaign_event", "referral")


@pytest.fixture
def company(warehouse: Warehouse) -> Company:
    """Ana and Bo with something of everything before the as-of date."""
    company = Company(warehouse)
    for who in ("Ana", "Bo"):
        company.tell(
            {
                "people": [who],
                "orders": [
                    {"who": who, "paid": "2025-12-24", "gross": 900, "coupon": "XMAS", "id": f"{who}-1"},
                    {
                        "who": who, "paid": "2026-03-01", "gross": 2500, "discount": 300, "id": f"{who}-2",
                        "lines": [{"product": 1, "category": "food", "subcategory": "dairy", "gross": 2500, "discount": 300}],
                    },
                ],
                "complaints": [{"who": who, "key": 100 + len(who), "opened": "2026-03-20", "severity": "medium"}],
                "interactions": [{"who": who, "at": "2026-03-15", "channel": "wechat", "kind": "click"}],
                "answers": [{"who": who, "at": "2026-03-16", "instrument": "nps", "score": 8}],
                "messages": [{"who": who, "at": "2026-03-17"}],
                "referrals": [{"who": who, "at": "2026-03-18"}],
                "points": [{"who": who, "at": "2026-03-19", "points": 40, "expires": "2026-04-20"}],
            }
        )  # fmt: skip
    return company


def added(company: Company) -> None:
    """New facts and new people from the as-of date on."""
    company.tell(
        {
            "people": [{"who": "Chen", "since": MIDNIGHT}],
            "orders": [
                {
                    "who": "Ana", "paid": MIDNIGHT, "gross": 7777, "coupon": "NEW",
                    "lines": [{"product": 2, "category": "x", "gross": 7777}],
                },
                {"who": "Chen", "paid": "2026-04-02", "gross": 1},
            ],
            "complaints": [{"who": "Ana", "opened": MIDNIGHT, "severity": "severe"}],
            "interactions": [{"who": "Ana", "at": MIDNIGHT}],
            "answers": [{"who": "Ana", "at": MIDNIGHT, "instrument": "nps", "score": 0}],
            "messages": [{"who": "Ana", "at": MIDNIGHT, "kind": "clicked"}],
            "referrals": [{"who": "Ana", "at": MIDNIGHT, "converted": MIDNIGHT}],
            "points": [{"who": "Ana", "at": MIDNIGHT, "points": 40, "kind": "redeemed"}],
        }
    )  # fmt: skip


def updated(company: Company) -> None:
    """State that changes from the as-of date on: entries against earlier orders, returns, new versions."""
    order = company._orders["Ana-2"]
    company.entry(order, "corrected", 1, "Ana", MIDNIGHT, 0, -100, 0)
    company.entry(order, "refunded", 1, "Ana", "2026-04-02", 0, -200, 0)
    company.entry(order, "cancelled", 1, "Ana", "2026-04-03", -1, -1900, 0)
    company.execute(
        "update core.order_header set cancelled_at = :at, refunded_at = :at, refund_minor = 2200 where order_key = :key",
        at=moment("2026-04-03"), key=order,
    )  # fmt: skip
    company.execute(
        "update core.order_line set returned_quantity = 1, returned_at = :at where order_key = :key",
        at=moment(MIDNIGHT),
        key=order,
    )
    company.execute("update core.complaint set valid_to = :at where customer_key = :who", at=moment(MIDNIGHT), who=KEYS["Ana"])
    company.add_complaints(
        "Ana", key=103, opened="2026-03-20", severity="severe", valid_from=MIDNIGHT, acknowledged=MIDNIGHT, replied=MIDNIGHT,
        resolved=MIDNIGHT, compensation=500,
    )  # fmt: skip
    company.execute("update core.referral set converted_at = :at", at=moment(MIDNIGHT))
    company.execute("update core.customer set valid_to = :at where customer_key = :who", at=moment(MIDNIGHT), who=KEYS["Ana"])
    company.insert(
        "core.customer", customer_key=KEYS["Ana"], valid_from=moment(MIDNIGHT), customer_kind="company",
        member_since=moment("2020-01-01"), is_test=True, is_staff=False,
    )  # fmt: skip


def deleted(company: Company) -> None:
    """Everything of Ana deleted by the source from the as-of date on."""
    for table in (*FACTS, "points_entry", "customer"):
        company.execute(
            f"update core.{table} set deleted_at = :at where customer_key = :who", at=moment(MIDNIGHT), who=KEYS["Ana"]
        )


def renumbered(company: Company) -> None:
    """Ana's first order deleted from the as-of date on, and the rhythm of her others brought into line as conforming does."""
    for table in ("order_entry", "order_header", "order_line"):
        company.execute(
            f"update core.{table} set deleted_at = :at where order_key = :key",
            at=moment(MIDNIGHT),
            key=company._orders["Ana-1"],
        )
    with company.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "create temporary table touched_person on commit drop as select distinct customer_key from core.order_entry; "
            "create temporary table touched_order (order_key bigint) on commit drop; "
            "create temporary table rebuilt (like core.order_entry) on commit drop"
        )
        connection.execute(sa.text(sql_file("core/order_rhythm")))
        connection.execute(sa.text(orders._RENUMBER))


def corrected(company: Company) -> None:
    """The sources say something else from the as-of date on about what was there before: the states before go to the history."""
    order, at = company._orders["Ana-2"], moment(MIDNIGHT)
    states = {
        "interaction": ("kind = 'page_view', happened_at = happened_at - interval '60 days'", "customer_key = :who"),
        "survey_answer": ("score = 1, happened_at = :at", "customer_key = :who"),
        "referral": ("referred_at = :at", "customer_key = :who"),
        "points_entry": ("points = 4000, expires_at = null", "customer_key = :who"),
        "order_line": (
            "quantity = 5, net_minor = 1, returned_quantity = 5, returned_at = timestamptz '2026-03-05'",
            "order_key = :order",
        ),
    }
    for table, (change, which) in states.items():
        columns = load_contract(f"core.{table}_version").column_names
        kept = ", ".join("timestamptz '2026-03-21'" if name == "updated_at" else name for name in columns)
        binds = {"who": KEYS["Ana"], "order": order}
        company.execute(
            f"insert into core.{table}_version ({', '.join(columns)}) select {kept} from core.{table} where {which} "
            "and :who is not null and :order is not null",
            **binds,
        )
        company.execute(
            f"update core.{table} set {change}, updated_at = :at where {which} and :who is not null and :order is not null",
            **binds, at=at,
        )  # fmt: skip
    company.execute(
        "insert into core.order_version (order_key, version_at, ordered_at, paid_at, currency, gross_original, discount_original, "
        "refund_original, channel, coupon_code, source, batch_id, is_simulated) select order_key, paid_at, ordered_at, paid_at, "
        "currency, gross_original, 0, 0, channel, coupon_code, source, 1, false from core.order_header"
    )
    company.execute(
        "update core.order_header set channel = 'app', coupon_code = 'LATE', paid_at = null, updated_at = :at "
        "where customer_key = :who",
        at=at, who=KEYS["Ana"],
    )  # fmt: skip


@pytest.mark.parametrize("change", [added, updated, corrected, deleted, renumbered])
def test_what_happens_later_changes_nothing(company: Company, change: Callable[[Company], None]) -> None:
    before, frame_before = _slices(company.warehouse), frame(company.warehouse, AS_OF, published=False, settings=Settings())

    change(company)

    for table, rows in _slices(company.warehouse).items():
        pd.testing.assert_frame_equal(rows, before[table], obj=table)
    after = frame(company.warehouse, AS_OF, published=False, settings=Settings())
    pd.testing.assert_frame_equal(after, frame_before)


@pytest.mark.parametrize(
    ("change", "guard", "table"),
    [
        pytest.param(added, "and happened_at < :as_of\n", "features.customer_orders", id="facts of later"),
        pytest.param(updated, "and happened_at < :as_of\n", "features.customer_orders", id="entries of later"),
        pytest.param(updated, "and valid_from < :as_of\n", "features.customer_service", id="versions of later"),
        pytest.param(corrected, "and header.updated_at >= :as_of\n", "features.customer_orders", id="orders"),
        pytest.param(corrected, "coalesce(latest.updated_at < :as_of, true)\n", "features.customer_engagement", id="facts"),
        pytest.param(corrected, "coalesce(updated_at < :as_of, true)\n", "features.customer_basket", id="lines"),
        pytest.param(deleted, "or deleted_at >= :as_of", "features.customer_engagement", id="deletions of later"),
    ],
)
def test_without_the_guard_the_future_leaks(
    company: Company, change: Callable[[Company], None], guard: str, table: str
) -> None:
    sql = feature_sql(table)
    assert guard in sql
    unguarded = sql.replace(guard, "true\n" if guard.startswith("coalesce") else "and false\n" if "header" in guard else "")
    before = _rows(company.warehouse, unguarded)

    change(company)

    assert not _rows(company.warehouse, unguarded).equals(before)


def test_without_looking_up_the_order_before_a_later_deletion_leaks(company: Company) -> None:
    sql = feature_sql("features.customer_orders")
    guard = "customer_key in (select deleted_later.customer_key from deleted_later)"
    assert guard in sql
    unguarded = sql.replace(guard, "false")
    before = _rows(company.warehouse, unguarded)

    renumbered(company)

    assert not _rows(company.warehouse, unguarded).equals(before)
    assert _rows(company.warehouse, sql).equals(before)


def test_labels_are_orders_of_the_horizon_that_stand_at_its_end(company: Company) -> None:
    # Ana: an order on the first instant, one cancelled within the horizon, one refunded in part, one a day too late.
    company.tell(
        {
            "people": ["Chen", "Dai", "Emma"],
            "orders": [
                {"who": "Ana", "paid": MIDNIGHT, "gross": 1000},
                {"who": "Ana", "paid": "2026-04-05", "gross": 2000, "cancelled": "2026-04-30 23:59:59"},
                {"who": "Ana", "paid": "2026-04-06", "gross": 4000, "refunds": {"2026-04-10": 500, "2026-05-01": 600}},
                {"who": "Ana", "paid": "2026-05-01 00:00", "gross": 8000},
                # Chen: the first order falls into the horizon: no purchaser as of the date.
                {"who": "Chen", "paid": "2026-04-02", "gross": 1000},
                # Dai: cancelled before the date: no purchaser. Emma: cancelled within the horizon: one, who did not come back.
                {"who": "Dai", "paid": "2026-03-02", "gross": 1000, "cancelled": "2026-03-03"},
                {"who": "Emma", "paid": "2026-03-02", "gross": 1000, "cancelled": "2026-04-03"},
            ],
        }
    )

    found = labels(company.warehouse, AS_OF, 30, settings=Settings())

    named = found[["has_order_within", "orders", "net_minor"]]
    assert {key: tuple(row) for key, row in zip(named.index, named.itertuples(index=False), strict=True)} == {
        KEYS["Ana"]: (True, 2, 4500),
        KEYS["Bo"]: (False, 0, 0),
        KEYS["Emma"]: (False, 0, 0),
    }
    assert list(found.index) == list(frame(company.warehouse, AS_OF, published=False, settings=Settings()).index)


def test_a_horizon_has_at_least_one_day(company: Company) -> None:
    with pytest.raises(ValueError, match="at least 1 day, not 0"):
        labels(company.warehouse, AS_OF, 0)


def _slices(warehouse: Warehouse) -> dict[str, pd.DataFrame]:
    return {table: _rows(warehouse, feature_sql(table)) for table in FEATURE_TABLES}


def _rows(warehouse: Warehouse, sql: str) -> pd.DataFrame:
    rows = read_frame(warehouse, sql, used_binds(sql, feature_binds(Settings(), AS_OF)))
    return rows.sort_values("customer_key", ignore_index=True)
