"""Slices carried forward are, to the bit, what a full computation gives; and where that cannot be known, all is computed."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings

from retention.deployment import Secrets
from retention.features import FEATURE_TABLES, FeaturesDiffer, build, compare, feature_binds, keep_past, tables, touched
from retention.features import past as past_module
from retention.features.binds import BEFORE_ALL_ORDERS
from retention.quality import CheckFailed
from retention.settings import ComplaintSettings, FeatureSettings, Settings
from retention.warehouse import Attempt, Run, StageWriter, Warehouse, load_contract, read_frame
from tests.conftest import PEPPER
from tests.retention.features.histories import FIRST, differences, histories, live
from tests.sql.features.company import KEYS, NAMES, Company

build_module = sys.modules["retention.features.build"]  # the package exports the function of that name
ALWAYS_CARRY = Settings(features=FeatureSettings(full_from_share=1.0))
"""However many a day touches, the others are carried forward: the way that must be right."""


def _run(warehouse: Warehouse, business_date: date, settings: Settings = ALWAYS_CARRY, run_id: str = "run") -> Run:
    return Run(
        business_date, warehouse, settings, Attempt("test", f"{run_id}-{business_date}", "build"), Secrets(pepper=PEPPER)
    )


def check_history(make_database: Callable[[str], str], history: Any) -> None:
    """Let a history happen and compare every slice with a full computation right after it was built."""
    warehouse = Warehouse(make_database("warehouse"), application_name="test")
    uses_past: list[bool] = []

    def build_and_compare(run: Run) -> None:
        if len(uses_past) % 3 == 0:  # between two such days what changed of the past is read from the ledger
            with mock.patch.object(past_module, "latest_cut", _day_before_the_windows):
                keep_past(run)
        with warehouse.connect() as connection:
            binds = feature_binds(run.settings, run.as_of_date)
            uses_past.append(past_module.past_until(connection, run.settings, binds) > BEFORE_ALL_ORDERS)
        try:
            build(run)
        except CheckFailed as refused:  # a company of whom everybody was erased or merged away publishes no slice
            if "0 rows, expected at least 1 rows" not in str(refused):
                raise
            return
        assert differences(run) == {}, _origin(warehouse, run.as_of_date)

    try:
        live(warehouse, lambda day: _run(warehouse, day), history, build_and_compare)
    finally:
        warehouse.dispose()
    assert all(uses_past)


def _day_before_the_windows(settings: Settings, as_of_date: date) -> datetime:
    """Where the cut could lie at the latest: at the beginning of a month there would be nothing before it here."""
    return settings.day_start(as_of_date - timedelta(days=366))


@settings(
    max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)  # fmt: skip
@given(history=histories)
def test_random_histories_give_the_rows_of_a_full_computation(make_database: Callable[[str], str], history: Any) -> None:
    check_history(make_database, history)


@pytest.fixture
def company(warehouse: Warehouse) -> Company:
    """Ana at the edge of windows, Bo with an order far from every edge, Chen with a complaint that passes its limits."""
    company = Company(warehouse)
    edge = FIRST - timedelta(days=90)  # on the last day of the 90-day window as of FIRST: out of it the day after
    company.tell(
        {
            "people": ["Ana", "Bo", "Chen", *NAMES[5:]],
            "orders": [
                {"who": "Ana", "paid": edge, "gross": 1000},
                {"who": "Bo", "paid": "2026-02-01", "gross": 2000},
                {"who": "Chen", "paid": "2026-02-02", "gross": 3000},
            ],
            "complaints": [{"who": "Chen", "opened": f"{FIRST} 00:00"}],
            "interactions": [{"who": "Bo", "at": "2026-03-10"}],
        }
    )
    return company


def _next_days(warehouse: Warehouse, **more: Any) -> tuple[Run, Run]:
    """Build two days in a row and return their runs."""
    first, second = (_run(warehouse, FIRST + timedelta(days=ahead - 1), **more) for ahead in (0, 1))
    build(first)
    build(second)
    return first, second


def _origin(warehouse: Warehouse, as_of_date: date) -> dict[str, Any]:
    rows = read_frame(
        warehouse,
        "select kind, reason, cast(computed_rows as text) as computed from ops.feature_build where as_of_date = :d",
        {"d": as_of_date},
    )
    return dict(rows.iloc[0])


def test_only_the_touched_are_computed(company: Company) -> None:
    _, second = _next_days(company.warehouse)

    origin = _origin(company.warehouse, second.as_of_date)
    assert origin["kind"] == "touched"
    assert origin["reason"] == f"carried forward from {FIRST}"
    # Ana leaves a window; nobody else moves. Her row is the only one computed.
    assert '"features.customer_orders": 1' in origin["computed"]
    assert '"features.customer_engagement": 0' in origin["computed"]
    assert differences(second) == {}
    recency = read_frame(
        company.warehouse,
        "select recency_days from features.customer_orders where customer_key = :who order by as_of_date",
        {"who": KEYS["Bo"]},
    )
    assert list(recency["recency_days"]) == [54, 55]


@pytest.mark.parametrize("broken", ["windows", "log", "ahead", "calendar"])
def test_without_the_guard_rows_go_stale(company: Company, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Each way in which a customer is found to be touched is needed: without it the slice differs, and the comparison says so."""
    first, second = (_run(company.warehouse, FIRST + timedelta(days=ahead - 1)) for ahead in (0, 1))
    if broken == "windows":
        monkeypatch.setattr(touched, "MOVING", ())
    if broken == "log":
        monkeypatch.setattr(touched, "_LOGGED", touched._LOGGED.replace("where", "where false and", 1))
    if broken == "ahead":  # delivered the day before it happens
        company.tell({"orders": [{"who": "Bo", "paid": f"{FIRST} 09:00", "gross": 500}]})
        monkeypatch.setattr(touched, "_LOGGED", touched._LOGGED.replace("or latest_at >= :ahead_of", ""))
    if broken == "calendar":
        broken_table = "features.customer_engagement"
        sql = tables.carried_sql(broken_table).replace("days_since_last_interaction + 1 as", "days_since_last_interaction as")
        original = tables.carried_sql
        monkeypatch.setattr(tables, "carried_sql", lambda table: sql if table == broken_table else original(table))
    build(first)
    if broken == "log":
        company.tell({"orders": [{"who": "Bo", "paid": "2026-03-01", "gross": 500}]})  # a late row
    build(second)
    monkeypatch.undo()

    assert differences(second) != {}
    with pytest.raises(
        FeaturesDiffer, match=r"features 2026-03-28: expected .* by column: features\.customer.*Nothing published"
    ):
        compare(second)
    build(dataclasses.replace(second, business_date=FIRST + timedelta(days=1)))
    origin = _origin(company.warehouse, FIRST + timedelta(days=2))
    assert origin["kind"] == "full", "a slice that was found to differ is not carried forward"


def _another_setting(company: Company) -> Settings:
    return dataclasses.replace(ALWAYS_CARRY, complaints=ComplaintSettings(acknowledge_hours=2))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param("update ops.feature_build set recipe = 'old'", "queries or settings have changed", id="other queries"),
        pytest.param("update ops.feature_build set server = '1'", "another server", id="other server"),
        pytest.param("update ops.feature_build set snapshot = '9000000000:9000000000:'", "another server", id="restored"),
        pytest.param("update ops.feature_build set is_base = false", "not known any more", id="log pruned"),
        pytest.param("update ops.published set is_stale = true", "another attempt, or is stale", id="stale"),
        pytest.param(
            "update ops.published set token = 99 where table_name like '%basket'", "another attempt", id="other token"
        ),
        pytest.param("delete from ops.feature_build", "there is no slice of the day before", id="none"),
    ],
)
def test_where_the_day_before_cannot_be_trusted_all_is_computed(company: Company, change: str, reason: str) -> None:
    build(_run(company.warehouse, FIRST - timedelta(days=1)))
    company.execute(change)
    second = _run(company.warehouse, FIRST)
    build(second)

    origin = _origin(company.warehouse, second.as_of_date)
    assert (origin["kind"], reason in origin["reason"]) == ("full", True), origin
    assert differences(second) == {}


def test_a_skipped_day_and_another_setting_compute_all(company: Company) -> None:
    first, _ = _next_days(company.warehouse)
    third = _run(company.warehouse, FIRST + timedelta(days=2))
    build(third)
    assert _origin(company.warehouse, third.as_of_date)["kind"] == "full"
    fourth = _run(company.warehouse, FIRST + timedelta(days=3), settings=_another_setting(company))
    build(fourth)
    assert "queries or settings" in _origin(company.warehouse, fourth.as_of_date)["reason"]
    assert differences(fourth) == {}
    build(first)
    stale = read_frame(company.warehouse, "select distinct slice_key from ops.published where is_stale order by slice_key")
    assert list(stale["slice_key"]) == [(FIRST + timedelta(days=ahead)).isoformat() for ahead in (1, 3, 4)]


def test_a_slice_before_that_is_replaced_meanwhile_is_not_carried(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between computing the touched and carrying the others, the day before is published again."""
    build(_run(company.warehouse, FIRST - timedelta(days=1)))
    original = build_module._compute
    replaced: list[dict[str, int]] = []

    def interrupted(*args: Any) -> dict[str, int]:
        found: dict[str, int] = original(*args)
        if not replaced:
            replaced.append(found)
            company.execute("update ops.published set token = 99 where slice_key = :day", day=FIRST.isoformat())
        return found

    monkeypatch.setattr(build_module, "_compute", interrupted)
    second = _run(company.warehouse, FIRST)
    build(second)

    assert replaced[0]["features.customer_engagement"] == 0, "it began as one that carries forward"
    origin = _origin(company.warehouse, second.as_of_date)
    assert (origin["kind"], "replaced meanwhile" in origin["reason"]) == ("full", True), origin
    assert differences(second) == {}
    left = read_frame(company.warehouse, "select tablename from pg_catalog.pg_tables where schemaname = 'staging'")
    assert left.empty


def test_a_carried_slice_stands_in_the_order_of_customers(company: Company) -> None:
    _, second = _next_days(company.warehouse)
    for table in FEATURE_TABLES:
        rows = read_frame(
            company.warehouse,
            f"select customer_key from {table} where as_of_date = :d order by ctid",  # as they lie on disk
            {"d": second.as_of_date},
        )
        assert rows["customer_key"].is_monotonic_increasing, table


def test_damage_to_a_slice_that_is_carried_is_seen(company: Company) -> None:
    """Carried rows are not checked again, as they were checked when they were computed: the comparison looks at all."""
    first, second = (_run(company.warehouse, FIRST + timedelta(days=ahead - 1)) for ahead in (0, 1))
    build(first)
    company.execute("update features.customer_orders set count_orders_30d = -1 where customer_key = :who", who=KEYS["Bo"])
    build(second)

    with pytest.raises(FeaturesDiffer, match=r"features\.customer_orders \(count_orders_30d: 1\)"):
        compare(second)
    third = _run(company.warehouse, FIRST + timedelta(days=2))
    build(third)
    assert _origin(company.warehouse, third.as_of_date)["kind"] == "full"
    assert differences(third) == {}


def test_all_parts_of_a_build_read_one_state_of_core(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Core is published while the features are being built: either all tables have seen it, or none."""
    original, told = StageWriter.fill_select, []

    def interrupted(self: StageWriter, table: str, *args: Any, **given: Any) -> int:
        if table == "features.customer_basket" and not told:
            told.append(table)
            company.tell({"people": ["Emma"], "orders": [{"who": "Emma", "paid": "2026-03-01", "gross": 900}]})
        return original(self, table, *args, **given)

    monkeypatch.setattr(StageWriter, "fill_select", interrupted)
    one_by_one = Settings(features=FeatureSettings(buckets=1, full_from_share=1.0))
    first = _run(company.warehouse, FIRST - timedelta(days=1), settings=one_by_one)
    build(first)

    seen = read_frame(
        company.warehouse,
        "select (select count(*) from features.customer_orders where customer_key = :who) as orders, "
        "(select count(*) from features.customer_engagement where customer_key = :who) as engagement",
        {"who": KEYS["Emma"]},
    )
    assert told
    assert list(seen.iloc[0]) == [0, 0]
    second = _run(company.warehouse, FIRST, settings=one_by_one)
    build(second)  # what the first has not seen is new to the second
    assert _origin(company.warehouse, second.as_of_date)["kind"] == "touched"
    assert differences(second) == {}


def test_comparison_leaves_out_who_changed_since(company: Company) -> None:
    first, _ = _next_days(company.warehouse)
    company.tell({"orders": [{"who": "Bo", "paid": "2026-03-01", "gross": 500}]})
    # Bo's ledger has changed: what is computed from it may differ. Three tables have a row of his that reads orders.
    assert compare(first) == {"compared": 3 + 3 * 12 - 3, "left_out": 3}
    company.execute("update ops.feature_build set is_base = false")
    assert "not known any more" in compare(first)["not_compared"]


def test_the_log_is_kept_as_long_as_it_is_needed(company: Company) -> None:
    """What a slice of the last days has not seen, or what lies ahead of it, stays; the rest goes."""
    for ahead in range(5):
        company.tell({"interactions": [{"who": "Bo", "at": f"{FIRST} 10:00"}]})
        build(_run(company.warehouse, FIRST + timedelta(days=ahead - 1)))
    left = read_frame(company.warehouse, "select distinct customer_key from ops.touched")
    assert list(left["customer_key"]) == [KEYS["Bo"]]
    bases = read_frame(company.warehouse, "select count(*) as n from ops.feature_build where is_base")
    assert list(bases["n"]) == [3]


def test_every_fact_that_features_read_is_logged() -> None:
    for table in FEATURE_TABLES:
        for fact in tables.facts_of(table):
            assert load_contract(fact).touched, f"{table} reads {fact}, whose changes nobody logs"


def test_every_way_of_writing_core_is_logged(company: Company) -> None:
    """Inserting, updating from one person to another, and deleting: both people are touched."""
    company.execute("delete from ops.touched")
    company.execute("update core.order_entry set customer_key = :to where customer_key = :of", of=KEYS["Ana"], to=KEYS["Bo"])
    company.execute("delete from core.complaint")
    found = read_frame(company.warehouse, "select fact, customer_key from ops.touched order by fact, customer_key")
    assert {(row.fact, row.customer_key) for row in found.itertuples()} == {
        ("core.order_entry", KEYS["Ana"]),
        ("core.order_entry", KEYS["Bo"]),
        ("core.complaint", KEYS["Chen"]),
    }
    with company.warehouse.connect() as connection:
        connection.execute(sa.text("insert into core.complaint select * from core.complaint"))
        connection.rollback()
    assert len(read_frame(company.warehouse, "select 1 from ops.touched")) == 3


def test_a_first_load_logs_one_row_for_everybody(company: Company) -> None:
    build(_run(company.warehouse, FIRST - timedelta(days=1)))
    company.execute("delete from ops.touched")
    company.execute(
        "insert into core.interaction (interaction_key, source_customer_key, customer_key, happened_at, kind, source, batch_id, "
        "is_simulated) select 1000 + n, 1, :who, timestamptz '2026-01-01', 'visit', 'test', 1, false "
        "from generate_series(1, 100001) as n",
        who=KEYS["Bo"],
    )
    logged = read_frame(company.warehouse, "select fact, is_everybody from ops.touched")
    assert logged.to_dict("records") == [{"fact": "core.interaction", "is_everybody": True}]
    second = _run(company.warehouse, FIRST)
    build(second)
    assert f'"features.customer_engagement": {len(NAMES) - 2}' in _origin(company.warehouse, second.as_of_date)["computed"]
    assert differences(second) == {}


def test_an_order_dated_years_ahead_in_a_first_load_has_one_person_computed_daily(company: Company) -> None:
    """Whose rows lie ahead is logged by person; the others of the load are forgotten once it was built."""
    company.execute(
        "insert into core.interaction (interaction_key, source_customer_key, customer_key, happened_at, kind, source, batch_id, "
        "is_simulated) select 1000 + n, 1, case when n = 7 then cast(:ana as bigint) else :bo end, "
        "case when n = 7 then timestamptz '2199-01-01' else timestamptz '2026-01-01' end, 'visit', 'test', 1, false "
        "from generate_series(1, 100001) as n",
        ana=KEYS["Ana"],
        bo=KEYS["Bo"],
    )
    _, second = _next_days(company.warehouse)
    assert '"features.customer_engagement": 1' in _origin(company.warehouse, second.as_of_date)["computed"]
    assert differences(second) == {}


def test_a_late_older_state_of_an_order_is_logged(company: Company) -> None:
    company.execute("delete from ops.touched")
    company.execute(
        "insert into core.order_version (order_key, version_at, ordered_at, currency, gross_original, discount_original, refund_original, source, batch_id, is_simulated) "
        "select order_key, ordered_at, ordered_at, currency, gross_original, 0, 0, source, batch_id, is_simulated from core.order_header "
        "where customer_key = :who",
        who=KEYS["Bo"],
    )
    found = read_frame(company.warehouse, "select fact, customer_key from ops.touched")
    assert found.to_dict("records") == [{"fact": "core.order_version", "customer_key": KEYS["Bo"]}]
