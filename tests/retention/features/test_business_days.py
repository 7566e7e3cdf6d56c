"""Business days of orders: by plain arithmetic since the last change of the clocks, by the time zone before it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from retention.features.binds import feature_binds, used_binds
from retention.features.tables import feature_sql
from retention.settings import CompanySettings, Settings
from retention.warehouse import Warehouse, read_frame
from tests.sql.features.company import WHO, Company

ORDERS = feature_sql("features.customer_orders")
AS_OF = date(2026, 4, 10)
BERLIN = Settings(company=CompanySettings(business_timezone="Europe/Berlin"))
LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)
# Clocks go forward in the night to 29 March. Bo's and Chen's first orders stand at the edge of a day in one of the offsets only.
PAID = {
    "Ana": ["2026-03-20 12:00+01:00", "2026-03-28 23:30+01:00", "2026-03-29 23:30+02:00", "2026-03-30 00:15+02:00"],
    "Bo": ["2026-03-10 22:30+00:00", "2026-03-11 22:30+00:00", "2026-04-01 21:30+00:00", "2026-04-01 22:30+00:00"],
    "Chen": ["2026-04-01 23:59:59.999999+02:00", "2026-04-02 00:00+02:00", "2026-04-02 23:59:59.999999+02:00"],
}


@pytest.fixture
def company(warehouse: Warehouse) -> Company:
    made = Company(warehouse)
    made.tell({"people": list(PAID), "orders": [{"who": who, "paid": at, "gross": 100} for who in PAID for at in PAID[who]]})
    return made


def _rows(company: Company, **other: Any) -> pd.DataFrame:
    binds = feature_binds(BERLIN, AS_OF) | other
    return (
        read_frame(company.warehouse, ORDERS, used_binds(ORDERS, binds))
        .set_index("customer_key")
        .rename(index=WHO)
        .sort_index()
    )


def test_arithmetic_and_time_zone_give_the_same_days(company: Company) -> None:
    rows = _rows(company)
    assert_frame_equal(rows, _rows(company, offset_since=datetime(2026, 4, 9, tzinfo=UTC)))
    assert rows["count_order_days_lifetime"].to_dict() == {"Ana": 4, "Bo": 4, "Chen": 2}
    assert rows["max_days_between_orders"].to_dict() == {"Ana": 8, "Bo": 21, "Chen": 1}


def test_an_offset_taken_for_older_days_too_would_move_orders_to_the_day_after(company: Company) -> None:
    assert not _rows(company, offset_since=LONG_AGO).equals(_rows(company))


def test_a_ledger_that_knows_only_the_days_between_gives_the_same_features(company: Company) -> None:
    # Not Chen: less than half a second is beyond what it knows.
    before = _rows(company)
    company.execute("update core.order_entry set previous_paid_at = null")
    assert_frame_equal(_rows(company).drop("Chen"), before.drop("Chen"))


@pytest.mark.parametrize("name", ["Asia/Shanghai", "Europe/Berlin", "Australia/Sydney", "UTC", "Asia/Kolkata"])
@pytest.mark.parametrize("as_of", [date(2026, 3, 29), date(2026, 3, 30), date(2026, 10, 25), date(2026, 10, 26)])
def test_the_offset_holds_from_where_it_is_said_to(name: str, as_of: date) -> None:
    settings = Settings(company=CompanySettings(business_timezone=name))
    binds = feature_binds(settings, as_of)
    since, until = binds["offset_since"], binds["as_of"]
    hours = min((until - since) // timedelta(hours=1), 24 * 400)
    offsets = {(until - timedelta(hours=hour + 1)).astimezone(ZoneInfo(name)).utcoffset() for hour in range(hours)}
    assert offsets == {timedelta(seconds=binds["offset_seconds"])}
