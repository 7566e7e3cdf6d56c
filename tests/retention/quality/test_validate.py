"""Validation of landed batches: each row ends somewhere, and the counts say where."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from retention.conform import publish_core
from retention.quality import CheckFailed, DoesNotReconcile, NothingLanded, TooManyRefused, VolumeDropped, validate
from retention.settings import IngestSettings, Settings
from retention.warehouse import Run, Warehouse
from tests.retention.quality.company import customer, land, line, order, product, rows_of

CANARY = "canary.7f3a@leak.example"
PAID = "2026-03-01T12:00:00+08:00"


def refused(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return rows_of(warehouse, 'select entity, rule, column_name, position from quarantine."row" order by quarantine_id')


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        pytest.param({"gross_amount": "NaN"}, ("finite", "gross_amount"), id="NaN"),
        pytest.param({"gross_amount": "Infinity"}, ("finite", "gross_amount"), id="Infinity"),
        pytest.param({"gross_amount": "1e308"}, ("between", "gross_amount"), id="a number beyond reason"),
        pytest.param({"gross_amount": "-5"}, ("between", "gross_amount"), id="negative"),
        pytest.param({"gross_amount": "12,50"}, ("is_type", "gross_amount"), id="decimal comma"),
        pytest.param({"gross_amount": None}, ("required", "gross_amount"), id="no amount"),
        pytest.param({"gross_amount": "  "}, ("required", "gross_amount"), id="blank amount"),
        pytest.param({"ordered_at": "9999-12-31T00:00:00+00:00"}, ("plausible_time", "ordered_at"), id="year 9999"),
        pytest.param({"ordered_at": "0000-00-00"}, ("is_type", "ordered_at"), id="no date"),
        pytest.param({"ordered_at": "infinity"}, ("is_type", "ordered_at"), id="infinity is no date"),
        pytest.param({"ordered_at": "2026-3-1 8:00:00"}, ("is_type", "ordered_at"), id="a time of no zone"),
        pytest.param({"ordered_at": "tomorrow"}, ("is_type", "ordered_at"), id="a word is no date"),
        pytest.param({"ordered_at": "1899-12-31T00:00:00+00:00"}, ("plausible_time", "ordered_at"), id="year 1899"),
        pytest.param({"paid_at": "2026-04-01T00:00:00+08:00"}, ("plausible_time", "paid_at"), id="after the business day"),
        pytest.param({"coupon_code": "a\u2400b"}, ("no_nul", None), id="NUL"),
        pytest.param({"coupon_code": "x" * 1_000_000}, ("max_length", "coupon_code"), id="a million characters"),
        pytest.param({"order_id": "a\x1fb"}, ("clean_key", "order_id"), id="control character in a key"),
        pytest.param({"customer_id": "stranger"}, ("known_customer", "customer_id"), id="unknown customer"),
        pytest.param({"currency": "yuan"}, ("pattern", "currency"), id="no currency code"),
        pytest.param({"currency": "USD"}, ("known_rate", "currency"), id="no rate"),
        pytest.param({"is_simulated": "perhaps"}, ("is_type", "is_simulated"), id="neither true nor false"),
    ],
)
def test_a_poisoned_row_is_set_aside_and_its_neighbours_load(
    run: Run, warehouse: Warehouse, change: dict[str, str | None], rule: tuple[str, str | None]
) -> None:
    land(run, "crm", "customer", [customer("ana")])
    land(run, "crm", "order", [order("o1", "ana", PAID), {**order("o2", "ana", PAID), **change}, order("o3", "ana", PAID)])
    report = validate(run)
    assert refused(warehouse) == [("order", *rule, 2)]
    assert (report["extracted"], report["valid"], report["quarantined"]) == (4, 3, 1)
    publish_core(run)
    assert rows_of(warehouse, "select count(*), sum(net_minor) from core.order_entry") == [(2, 20000)]


def test_what_would_burst_a_number_or_an_index_of_core_is_set_aside(run: Run, warehouse: Warehouse) -> None:
    """Each of these values is fine by itself; in core it would end the whole day."""
    noise = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=20_000))
    land(run, "crm", "customer", [customer("ana")])
    land(run, "crm", "product", [product("milk")])
    land(run, "crm", "order", [order("o1", "ana", PAID), order("o2", "ana", PAID, channel=noise)])
    land(run, "crm", "order_line", [
        line("o1", 1),
        line("o1", 2, quantity="1000000", unit_price="1000000000"),
        line("o1", 3, quantity="1e131071", unit_price="1e131071"),
    ])  # fmt: skip
    land(run, "crm", "market_indicator", [
        {"series": "fx.USD.CNY", "region": None, "indicator_date": "2026-03-01", "value": "7e30"},
        {"series": "fx.USD.CNY", "region": noise, "indicator_date": "2026-03-01", "value": "7"},
    ])  # fmt: skip
    validate(run)
    assert refused(warehouse) == [
        ("market_indicator", "positive_rate", "value", 1),
        ("market_indicator", "max_length", "region", 2),
        ("order", "max_length", "channel", 2),
        ("order_line", "product_at_most", "quantity, unit_price", 2),
        ("order_line", "between", "quantity", 3),
    ]
    assert publish_core(run)["core.order_line"] == 1


def test_injected_sql_is_kept_word_for_word(run: Run, warehouse: Warehouse) -> None:
    text = "'; drop table core.customer; -- %s :x %(y)s {z}"
    land(run, "crm", "customer", [customer("ana", name=text, city=text)])
    validate(run)
    publish_core(run)
    assert rows_of(warehouse, "select c.city, p.name from core.customer c join pii.contact p using (customer_key)") == [
        (text, text)
    ]


def test_a_refused_row_says_where_and_why_without_the_value(run: Run, warehouse: Warehouse) -> None:
    land(
        run,
        "crm",
        "customer",
        [customer("ana"), customer("bo", email=CANARY, birth_date=CANARY, created_at=CANARY)],
        file="c.csv",
    )
    validate(run)
    ((source, file, position, rule, rules, reason, state),) = rows_of(
        warehouse, 'select source, file, position, rule, rules, reason, state from quarantine."row"'
    )
    assert (source, file, position, rule, state) == ("crm", "c.csv", 2, "is_type", "open")
    assert rules == ["is_type(birth_date)", "is_type(created_at)"]
    assert reason == "birth_date must be a valid date"


def test_no_result_holds_a_value(run: Run, warehouse: Warehouse, caplog: pytest.LogCaptureFixture) -> None:
    bad = [customer(f"c{i}", email=CANARY, birth_date=CANARY, customer_kind=CANARY) for i in range(30)]
    land(run, "crm", "customer", bad)
    with pytest.raises(TooManyRefused) as stopped:
        validate(run)
    stored = rows_of(
        warehouse, "select to_jsonb(r)::text from ops.check_result r union all select to_jsonb(l)::text from ops.run_ledger l"
    )
    assert len(stored) > 20
    assert CANARY not in json.dumps([stored, str(stopped.value), repr(stopped.value.__cause__), caplog.text], default=str)
    assert "30 of 30 rows break a rule (allowed 3)" in str(stopped.value)
    assert "Nothing published" in str(stopped.value)


def test_guard_off_the_library_itself_would_leak(run: Run, warehouse: Warehouse) -> None:
    # The control: asked directly, Great Expectations quotes the failing values.
    import great_expectations as gx

    land(run, "crm", "customer", [customer("ana", email=CANARY)])
    context = gx.get_context(mode="ephemeral")
    url = warehouse.url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    asset = context.data_sources.add_sql("w", connection_string=url).add_table_asset(
        "c", table_name="customer", schema_name="landing"
    )
    result = (
        asset.add_batch_definition_whole_table("all")
        .get_batch()
        .validate(gx.expectations.ExpectColumnValuesToBeInSet(column="email", value_set=["x"]))
    )
    assert CANARY in str(result.to_json_dict())


def test_duplicates_are_counted_inside_a_batch_and_against_what_is_loaded(
    make_run: Callable[..., Run], warehouse: Warehouse
) -> None:
    first, second = make_run(date(2026, 3, 30)), make_run(date(2026, 3, 31))
    ana, bo = customer("ana"), customer("bo")
    land(first, "crm", "customer", [ana, ana, bo])
    report = validate(first)
    assert (report["extracted"], report["valid"], report["duplicate"]) == (3, 2, 1)
    publish_core(first)
    land(second, "crm", "customer", [bo, customer("bo", city="Wuhan", updated_at="2026-03-31T09:00:00+08:00")])
    report = validate(second)
    assert (report["extracted"], report["valid"], report["duplicate"]) == (2, 1, 1)


def test_two_values_for_one_version_are_both_refused(run: Run, warehouse: Warehouse) -> None:
    land(run, "crm", "customer", [customer("ana", city="Wuhan"), customer("ana", city="Xi'an"), customer("bo")])
    validate(run)
    assert refused(warehouse) == [
        ("customer", "unique_version", "customer_id", 1),
        ("customer", "unique_version", "customer_id", 2),
    ]


def test_lines_follow_their_refused_order(run: Run, warehouse: Warehouse) -> None:
    land(run, "crm", "customer", [customer("ana")])
    land(run, "shop", "product", [product("milk")])
    land(run, "shop", "order", [order("o1", "ana", PAID), order("o2", "stranger", PAID)])
    land(run, "shop", "order_line", [line("o1", 1), line("o2", 1), line("o1", 2, "unknown thing")])
    validate(run)
    assert refused(warehouse) == [
        ("order", "known_customer", "customer_id", 2),
        ("order_line", "known_order", "order_id", 2),
        ("order_line", "known_product", "product_id", 3),
    ]


def test_nothing_landed(run: Run) -> None:
    with pytest.raises(NothingLanded, match="landing 2026-03-31: no batch has landed"):
        validate(run)


def test_lost_rows_stop_the_day(run: Run) -> None:
    land(run, "crm", "customer", [customer("ana")], extracted=3)
    with pytest.raises(DoesNotReconcile, match="1 rows lie in landing, 3 were extracted"):
        validate(run)


def history(make_run: Callable[..., Run], rows: int) -> None:
    for offset in range(3):
        run = make_run(date(2026, 3, 20) + timedelta(days=offset))
        land(run, "crm", "customer", [customer(f"{offset}-{i}") for i in range(rows)])
        validate(run)
        publish_core(run)


def test_a_halved_volume_stops_the_day_and_leaves_core_alone(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    history(make_run, 40)
    run = make_run()
    land(run, "crm", "customer", [customer(f"new-{i}") for i in range(19)])
    with pytest.raises(VolumeDropped, match=r"19 rows, expected at least 20 \(50% of 40, the median"):
        validate(run)
    assert rows_of(warehouse, "select count(*) from core.customer") == [(120,)]
    assert rows_of(warehouse, "select passed, observed from ops.check_result where rule = 'volume' order by 1 limit 1") == [
        (False, 19)
    ]
    with pytest.raises(CheckFailed, match="not validated"):
        publish_core(run)


def test_guard_off_half_a_delivery_goes_through(make_run: Callable[..., Run]) -> None:
    history(make_run, 40)
    run = make_run(settings=Settings(ingest=IngestSettings(volume_floor_share=0.0)))
    land(run, "crm", "customer", [customer(f"new-{i}") for i in range(19)])
    assert validate(run)["valid"] == 19


def test_validating_again_does_nothing_more(make_run: Callable[..., Run], warehouse: Warehouse) -> None:
    run = make_run()
    land(run, "crm", "customer", [customer("ana"), customer("bo", birth_date="soon")])
    report = validate(run)
    assert validate(make_run(try_number=2)) == report
    assert len(refused(warehouse)) == 1


def test_erased_people_are_dropped_and_counted(run: Run, warehouse: Warehouse) -> None:
    from retention.privacy.pseudonyms import source_customer_key

    with warehouse.begin() as connection:
        connection.execute(
            sa.text("insert into privacy.tombstone (source_customer_key, request_id, erased_at) values (:key, 'r1', now())"),
            {"key": source_customer_key(run.secrets.pepper, "crm", "kai")},
        )
    land(run, "crm", "customer", [customer("ana"), customer("kai", email=CANARY)])
    land(run, "shop", "product", [product("milk")])
    land(run, "shop", "order", [order("o1", "ana", PAID), order("o2", "kai", PAID)])
    land(run, "shop", "order_line", [line("o1", 1), line("o2", 1)])
    report = validate(run)
    assert (report["extracted"], report["valid"], report["tombstoned"], report["quarantined"]) == (7, 4, 3, 0)
    publish_core(run)
    assert rows_of(warehouse, "select count(*) from landing.customer where email = :c", c=CANARY) == [(0,)]
    assert rows_of(warehouse, "select count(*) from core.order_header") == [(1,)]


def test_customers_of_two_sources_make_foreign_numbers_ambiguous(run: Run) -> None:
    land(run, "crm", "customer", [customer("ana")])
    land(run, "app", "customer", [customer("bo")])
    land(run, "till", "order", [order("o1", "ana", PAID)])
    with pytest.raises(CheckFailed, match="whose numbers it uses cannot be told"):
        validate(run)
