"""What is kept of the years before the windows: the same rows as from the ledger, and marked when the ledger changes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from retention.deployment import Secrets
from retention.features import FeaturesDiffer, build, compare, keep_past, past
from retention.settings import LifecycleSettings, Settings
from retention.warehouse import Attempt, Run, Warehouse, read_frame
from tests.conftest import PEPPER
from tests.retention.features.histories import differences
from tests.sql.features.company import KEYS, Company

AS_OF = date(2026, 3, 27)
USUAL = Settings()


def _run(warehouse: Warehouse, settings: Settings = USUAL, day: date = AS_OF) -> Run:
    return Run(day - timedelta(days=1), warehouse, settings, Attempt("test", f"run-{day}", "build"), Secrets(pepper=PEPPER))


@pytest.fixture
def company(warehouse: Warehouse) -> Company:
    """Ana: three orders years ago, two on one day, and one lately. Bo: one order years ago. Chen: new. Dai: one order of each."""
    company = Company(warehouse)
    company.tell(
        {
            "people": ["Ana", "Bo", "Chen", "Dai"],
            "orders": [
                {"who": "Ana", "paid": "2023-05-01 09:00", "gross": 1000},
                {"who": "Ana", "paid": "2023-05-01 20:00", "gross": 500},
                {"who": "Ana", "paid": "2024-11-05", "gross": 700},
                {"who": "Ana", "paid": "2026-01-05", "gross": 900},
                {"who": "Bo", "paid": "2024-02-01", "gross": 2000},
                {"who": "Chen", "paid": "2026-02-02", "gross": 3000},
                {"who": "Dai", "paid": "2024-06-01", "gross": 100},
                {"who": "Dai", "paid": "2025-12-01", "gross": 400},
            ],
        }
    )
    return company


def _kept(warehouse: Warehouse) -> dict[int, bool]:
    """Whose past is kept, and whether it is stale."""
    rows = read_frame(warehouse, "select customer_key, is_stale from features.order_past")
    return dict(zip(rows["customer_key"], rows["is_stale"], strict=True))


def _entry(company: Company, who: str, kind: str, at: str, amount: int = 0, count: int = 0) -> None:
    """Book something on somebody's first order."""
    company.execute(
        "insert into core.order_entry (order_key, kind, sequence, customer_key, happened_at, order_count, gross_minor, "
        "discount_minor, net_minor, source, batch_id, is_simulated) select order_key, :kind, 1, customer_key, cast(:at as "
        "timestamptz), :count, :amount, 0, :amount, source, 1, false from core.order_entry where customer_key = :who and "
        "kind = 'paid' order by happened_at limit 1",
        kind=kind, at=at, count=count, amount=amount, who=KEYS[who],
    )  # fmt: skip


def test_kept_sums_and_ledger_give_the_rows_of_the_ledger_alone(company: Company) -> None:
    run = _run(company.warehouse)

    assert keep_past(run) == {"summed": 3}  # Chen has no past
    build(run)

    assert _kept(company.warehouse) == {KEYS["Ana"]: False, KEYS["Bo"]: False, KEYS["Dai"]: False}
    assert differences(run) == {}
    assert compare(run)["compared"] > 0
    ana = read_frame(
        company.warehouse,
        "select count_orders_lifetime as orders, count_order_days_lifetime as days, net_minor_lifetime as net, "
        "repeat_order_value_mean_minor as repeat from features.customer_orders where customer_key = :who",
        {"who": KEYS["Ana"]},
    ).iloc[0]
    # 1000 and 500 on the first day, 700 and 900 on two more
    assert (ana["orders"], ana["days"], ana["net"], ana["repeat"]) == (4, 3, 3100, 800)


def test_nothing_changed_sums_nothing_again(company: Company) -> None:
    run = _run(company.warehouse)
    keep_past(run)

    assert keep_past(run) == {"summed": 0}


@pytest.mark.parametrize(
    ("change", "stale"),
    [
        pytest.param(lambda c: _entry(c, "Bo", "refunded", "2024-03-01", -300), "Bo", id="a refund of then arrives late"),
        pytest.param(lambda c: _entry(c, "Bo", "cancelled", "2026-03-01", -2000, -1), None, id="cancelled years after"),
        pytest.param(lambda c: _entry(c, "Ana", "refunded", "2026-03-01", -100), None, id="refunded years after"),
        pytest.param(
            lambda c: c.execute("delete from core.order_entry where customer_key = :who and happened_at < '2025-01-01'", who=KEYS["Dai"]),
            "Dai",
            id="an old order is gone",
        ),
        pytest.param(
            lambda c: c.execute("update core.order_entry set deleted_at = '2026-03-20' where customer_key = :who", who=KEYS["Bo"]),
            "Bo",
            id="deleted by its source",
        ),
        pytest.param(
            lambda c: c.execute("update core.order_entry set customer_key = :chen where customer_key = :who", who=KEYS["Bo"], chen=KEYS["Chen"]),
            "Chen",
            id="Bo is Chen: who had no past has one",
        ),
        pytest.param(lambda c: c.add_orders("Chen", "2023-01-01", 50), "Chen", id="an order of years ago arrives late"),
    ],
)  # fmt: skip
def test_what_changes_the_past_is_seen(company: Company, change: Any, stale: str | None) -> None:
    """At once, by the mark or by what was booked; and after the sums were made again."""
    run = _run(company.warehouse)
    keep_past(run)

    change(company)

    assert [who for who, is_stale in _kept(company.warehouse).items() if is_stale].count(KEYS[stale or "Ana"]) == (
        stale is not None
    )
    build(run, full=True)
    assert differences(run) == {}
    keep_past(run)
    build(run, full=True)
    assert differences(run) == {}


def test_who_loads_marks_the_past_and_may_sum_it(company: Company) -> None:
    """The role that brings data in has no rights to features but to these sums."""
    run = _run(company.warehouse)
    keep_past(run)
    with company.warehouse.begin() as connection:
        connection.exec_driver_sql("set local role ret_ingest")
        connection.exec_driver_sql("update core.order_entry set net_minor = net_minor - 1 where happened_at < '2024-02-02'")
        stale = connection.exec_driver_sql("select count(*) from features.order_past where is_stale").scalar_one()
        connection.exec_driver_sql("delete from features.order_past where is_stale")

    assert stale == 2  # Ana's and Bo's


def test_without_the_mark_rows_are_wrong_and_the_comparison_says_so(company: Company) -> None:
    run = _run(company.warehouse)
    keep_past(run)
    company.execute("alter table core.order_entry disable trigger forget_past_by_insert")
    _entry(company, "Bo", "refunded", "2024-03-01", -300)

    build(run, full=True)

    assert differences(run) == {"features.customer_orders": 2}
    with pytest.raises(FeaturesDiffer, match="net_minor_lifetime: 1"):
        compare(run)


@pytest.mark.parametrize(
    ("settings", "day"),
    [
        pytest.param(Settings(lifecycle=LifecycleSettings(lost_days=100)), AS_OF, id="other settings"),
        pytest.param(Settings(), AS_OF - timedelta(days=200), id="a date whose windows begin before the cut"),
    ],
)
def test_what_was_kept_for_others_is_not_used(company: Company, settings: Settings, day: date) -> None:
    keep_past(_run(company.warehouse))
    run = _run(company.warehouse, settings, day)

    build(run)

    assert differences(run) == {}


def test_the_cut_moves_on_after_three_months(company: Company) -> None:
    keep_past(_run(company.warehouse))
    cut = past.latest_cut(Settings(), AS_OF)
    in_june, in_july = (_run(company.warehouse, day=day) for day in (date(2026, 6, 30), date(2026, 7, 2)))

    assert keep_past(in_june) == {"summed": 0}
    assert keep_past(in_july) == {"summed": 3}
    assert past.latest_cut(Settings(), in_july.as_of_date) > cut
