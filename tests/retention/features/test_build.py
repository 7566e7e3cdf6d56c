"""Building, publishing and reading the feature slices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import pairwise

import pandas as pd
import pytest
import sqlalchemy as sa

from retention.features import FEATURE_TABLES, MissingSlice, build, frame, frames, model_features
from retention.features.binds import feature_binds, key_ranges, membership_year_start, used_binds
from retention.features.tables import feature_sql
from retention.quality import CheckFailed
from retention.settings import FeatureSettings, Settings
from retention.warehouse import Run, Warehouse, load_contract, read_frame
from tests.sql.features.company import KEYS, NAMES, Company

AS_OF = date(2026, 4, 1)  # of the fixture ``run``


@pytest.fixture
def company(warehouse: Warehouse) -> Company:
    """Fourteen people, of whom six bought."""
    company = Company(warehouse)
    company.tell(
        {
            "people": NAMES,
            "orders": [
                {"who": who, "paid": f"2026-0{month}-0{month}", "gross": 1000 * place}
                for place, who in enumerate(NAMES[:6], start=1)
                for month in (1, 2, 3)
            ],
            "interactions": [{"who": "Nan", "at": "2026-03-01"}],
        }
    )
    return company


def test_build_publishes_every_table(company: Company, run: Run) -> None:
    assert build(run) == {
        "features.customer_orders": 6,
        "features.customer_basket": 14,
        "features.customer_service": 14,
        "features.customer_engagement": 14,
    }
    rows = read_frame(run.warehouse, "select distinct as_of_date from features.customer_orders")
    assert list(rows["as_of_date"]) == [AS_OF]


@pytest.mark.parametrize("buckets", [1, 2, 3])
def test_the_number_of_buckets_changes_nothing(company: Company, make_run: Callable[..., Run], buckets: int) -> None:
    build(make_run(settings=Settings(features=FeatureSettings(buckets=buckets))))

    assert _checksums(company.warehouse) == _computed_checksums(company.warehouse)


def test_building_twice_gives_the_same_rows(company: Company, make_run: Callable[..., Run]) -> None:
    build(make_run(try_number=1))
    first = _checksums(company.warehouse)
    build(make_run(try_number=2))

    assert _checksums(company.warehouse) == first


def test_a_failing_check_publishes_nothing(company: Company, run: Run) -> None:
    build(run)
    before = _checksums(company.warehouse)
    # A score that the scale does not have: the contract of customer_engagement refuses it.
    company.add_answers("Ana", "2026-03-01", "nps", 11)

    with pytest.raises(CheckFailed, match="customer_engagement"):
        build(run)
    assert _checksums(company.warehouse) == before


def test_frame_of_a_past_date_equals_the_published_one(company: Company, run: Run) -> None:
    build(run)

    published = frame(run.warehouse, AS_OF, settings=run.settings)
    computed = frame(run.warehouse, AS_OF, published=False, settings=run.settings)

    pd.testing.assert_frame_equal(published, computed)
    assert list(published.index) == sorted(KEYS[who] for who in NAMES[:6])
    assert list(published.columns) == model_features()
    assert set(published.dtypes.astype(str)) == {"float64"}
    assert published.loc[KEYS["Bo"], "net_minor_lifetime"] == 6000


def test_frame_holds_what_purchase_process_models_need() -> None:
    needed = {"count_order_days_lifetime", "first_to_last_order_days", "tenure_days", "repeat_order_value_mean_minor"}
    assert needed <= set(model_features())
    assert len(model_features()) == len(set(model_features())) >= 40


def test_frame_of_a_slice_never_published_says_so(company: Company) -> None:
    with pytest.raises(
        MissingSlice, match=r"features\.customer_orders.* 2026-04-01: expected a published slice.*missing-slice"
    ):
        frame(company.warehouse, AS_OF, settings=Settings())


def test_frame_before_the_first_order_is_empty(company: Company) -> None:
    assert len(frame(company.warehouse, date(2025, 1, 1), published=False, settings=Settings())) == 0


def test_no_protected_attribute_is_a_model_feature() -> None:
    protected = {"gender", "birth", "age", "region", "city", "occupation"}
    assert not [name for name in model_features() if protected & set(name.split("_"))]


def test_orders_are_read_from_the_index_alone(company: Company) -> None:
    sql = feature_sql("features.customer_orders")
    with company.warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum (analyze) core.order_entry")
        connection.exec_driver_sql("set enable_seqscan = off")  # so few rows would be scanned whole
        binds = used_binds(sql, feature_binds(Settings(), AS_OF))
        plan = "\n".join(connection.execute(sa.text(f"explain {sql}"), binds).scalars())
    assert "Index Only Scan using order_entry_customer_key_happened_at" in plan
    assert "WindowAgg" not in plan


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_key_ranges_hold_every_key_once(count: int) -> None:
    ranges = key_ranges(count)
    assert ranges[0]["first_key"] == -(2**63)
    assert ranges[-1]["last_key"] == 2**63 - 1
    assert all(left["last_key"] + 1 == right["first_key"] for left, right in pairwise(ranges))


@pytest.mark.parametrize(
    ("start", "as_of", "expected"),
    [
        pytest.param("01-01", date(2026, 4, 1), date(2026, 1, 1), id="calendar year"),
        pytest.param("01-01", date(2026, 1, 1), date(2025, 1, 1), id="the closed day is the last of the year before"),
        pytest.param("01-01", date(2026, 1, 2), date(2026, 1, 1), id="the closed day is the first of the year"),
        pytest.param("07-01", date(2026, 4, 1), date(2025, 7, 1), id="year from July"),
        pytest.param("02-29", date(2026, 3, 2), date(2026, 3, 1), id="leap day in a common year"),
        pytest.param("02-29", date(2028, 3, 1), date(2028, 2, 29), id="leap day in a leap year"),
    ],
)
def test_membership_year(start: str, as_of: date, expected: date) -> None:
    assert membership_year_start(start, as_of) == expected


def _checksums(warehouse: Warehouse) -> dict[str, int]:
    rows = read_frame(warehouse, "select table_name, checksum from ops.published where table_name like 'features.%'")
    return dict(zip(rows["table_name"], rows["checksum"], strict=True))


def _computed_checksums(warehouse: Warehouse) -> dict[str, int]:
    """The same checksum over rows computed in one go."""
    found = {}
    for table in FEATURE_TABLES:
        columns = ", ".join(load_contract(table).column_names)
        sql = feature_sql(table)
        with warehouse.begin() as connection:
            connection.exec_driver_sql(f"create temporary table whole (like {table}) on commit drop")
            connection.execute(
                sa.text(f"insert into whole ({columns}) select {columns} from (\n{sql}\n) as slice"),
                used_binds(sql, feature_binds(Settings(), AS_OF)),
            )
            found[table] = connection.exec_driver_sql("select bit_xor(hash_record_extended(whole, 0)) from whole").scalar_one()
    return found


def test_frames_of_several_dates_equal_each_alone(company: Company) -> None:
    dates = [date(2026, 4, 1), date(2026, 2, 15), date(2025, 1, 1), date(2026, 3, 3)]
    together = frames(company.warehouse, dates, settings=Settings())

    assert list(together) == sorted(dates)
    for day in dates:
        pd.testing.assert_frame_equal(together[day], frame(company.warehouse, day, published=False, settings=Settings()))
    assert [len(together[day]) for day in sorted(dates)] == [0, 6, 6, 6]


def test_frames_of_a_share_of_customers_are_the_same_customers_at_every_date(company: Company) -> None:
    every = frames(company.warehouse, [AS_OF], settings=Settings())[AS_OF]
    some = frames(company.warehouse, [AS_OF, date(2026, 3, 1)], settings=Settings(), share=0.1)
    assert 0 < len(some[AS_OF]) < len(every)
    assert list(some[AS_OF].index) == list(some[date(2026, 3, 1)].index)
    pd.testing.assert_frame_equal(some[AS_OF], every.loc[some[AS_OF].index])
    with pytest.raises(ValueError, match=r"lies in \(0, 1\], not 0"):
        frames(company.warehouse, [AS_OF], share=0)
