"""Values as people and systems write them: read in the one way they can be meant, or left for validation to refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from retention.sources import EntitySpec, SourceUnreadable, load_spec, times
from retention.sources.mapping import Oddities, canonical_text, mapper
from retention.sources.numbers import decimal_text, float_text, without_currency

ZONE = "Asia/Shanghai"


def entity(folder: Path, name: str, columns: str, key: str = "id") -> EntitySpec:
    (folder / "shop.yml").write_text(
        f"source: shop\nkind: files\nconnection: SHOP\nentities:\n  {name}:\n    path: a.csv\n    format: csv\n"
        f"    key: [{key}]\n    columns: {{{columns}}}\n",
        encoding="utf-8",
    )
    return load_spec(folder / "shop.yml").entities[name]


def mapped(spec: EntitySpec, oddities: Oddities | None = None, **columns: Any) -> dict[str, list[Any]]:
    arrays = {
        name: values if isinstance(values, pa.Array) else pa.array(values, pa.string()) for name, values in columns.items()
    }
    ours = mapper(spec, ZONE, oddities)(arrays, len(next(iter(arrays.values()))))
    return {name: values.to_pylist() for name, values in ours.items()}


# -- numbers --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1.234,56", "1234.56"),
        ("1 234,56", "1234.56"),
        ("1\u202f234\u00a0567,5", "1234567.5"),  # narrow and no-break spaces, as French and German exports have them
        ("1'234,5", "1234.5"),  # Swiss
        ("-3,5", "-3.5"),
        ("\u22123,5", "-3.5"),  # a real minus sign
        ("12,50-", "-12.50"),  # the sign behind, as older ledgers print it
        ("+7", "7"),
        ("1.234", "1234"),  # the description says that the point groups
        ("１．２３４，５", "1234.5"),  # full width, from a Chinese input method
        ("1,2,3", "1,2,3"),  # no number in any way: for validation to refuse
        ("12,50 oder mehr", "12,50 oder mehr"),
        (None, None),
    ],
)
def test_decimal_comma(written: str | None, read: str | None) -> None:
    assert decimal_text(pa.array([written], pa.string()), ",").to_pylist() == [read]


@pytest.mark.parametrize(
    ("written", "read", "decimal"),
    [
        ("1,234.56", "1234.56", None),
        ("1,234,567", "1234567", None),
        ("1 234.5", "1234.5", None),
        ("1,234", "1,234", None),  # a thousand, or one and a quarter: nobody said
        ("1,234", "1234", "."),  # now somebody has
        ("12,50", "12,50", "."),
        ("１２．５", "12.5", None),
    ],
)
def test_without_a_word_only_what_is_unambiguous_is_read(written: str, read: str, decimal: str | None) -> None:
    assert decimal_text(pa.array([written, "5"]), decimal).to_pylist() == [read, "5"]


def test_a_currency_sign_goes_only_where_it_agrees_with_the_row() -> None:
    amounts = ["¥1,234.50", "1234元", "€5", "5 €", "-¥5", "$5", "5 USD", "¥9"]
    currency = ["CNY", "CNY", "CNY", "EUR", "CNY", "HKD", "USD", None]
    read = without_currency(pa.array(amounts), pa.array(currency)).to_pylist()
    assert read == ["1,234.50", "1234", "€5", "5", "-5", "5", "5", "¥9"]


def test_amounts_of_a_description_with_a_decimal_comma(tmp_path: Path) -> None:
    spec = entity(tmp_path, "order", 'order_id: id, gross_amount: {from: total, decimal: ","}, currency: {constant: EUR}')
    assert mapped(spec, id=["A1", "A2"], total=["1.234,50 €", "7"])["gross_amount"] == ["1234.50", "7"]


def test_long_numbers_in_floating_point_keep_their_digits_or_stop(tmp_path: Path) -> None:
    # A phone number in a column with gaps becomes floating point in many tools; Arrow alone would write 1.38e+10.
    assert float_text(pa.array([13800138000.0, 7.0, 0.5, None, -3.0])).to_pylist() == ["13800138000", "7", "0.5", None, "-3"]
    spec = entity(tmp_path, "customer", "customer_id: id")
    assert mapped(spec, id=pa.array([9007199254740991.0, None]))["customer_id"] == ["9007199254740991", None]
    with pytest.raises(
        SourceUnreadable, match="customer: column id holds identifiers of more than 15 digits as floating point"
    ):
        mapped(spec, id=pa.array([1.0e18, 2.0]))


def test_what_a_spreadsheet_left_of_a_long_number_is_counted_and_never_rewritten(tmp_path: Path) -> None:
    spec, oddities = entity(tmp_path, "customer", "customer_id: id"), Oddities()
    assert mapped(spec, oddities, id=["1.38E+17", "138"])["customer_id"] == ["1.38E+17", "138"]
    assert oddities.rounded == {"customer_id": 1}


def test_identifiers_are_kept_as_delivered(tmp_path: Path) -> None:
    # Ana is 1, Bo is 01, Chen is 1.0, Dai is " 1", Emma is a1, Fang is A1: six people.
    ids = ["1", "01", "1.0", " 1", "a1", "A1"]
    spec = entity(tmp_path, "customer", "customer_id: id")
    assert mapped(spec, id=ids)["customer_id"] == ids


def test_typed_decimals_are_text_without_exponent(tmp_path: Path) -> None:
    spec = entity(tmp_path, "order", "order_id: id, gross_amount: total")
    read = mapped(spec, id=["A"], total=pa.array([Decimal("1234567.50")], pa.decimal128(12, 2)))
    assert read["gross_amount"] == ["1234567.50"]


# -- times ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("written", "format_", "read"),
    [
        ("1700000000", "epoch_s", "2023-11-15T06:13:20+08:00"),
        ("1700000000.25", "epoch_s", "2023-11-15T06:13:20.250000+08:00"),
        ("1700000000123.5", "epoch_ms", "2023-11-15T06:13:20.123500+08:00"),
        ("-5", "epoch_s", "1970-01-01T07:59:55+08:00"),
        ("99999999999999999999", "epoch_s", "99999999999999999999"),
        ("soon", "epoch_s", "soon"),
        ("31.03.2026 10:00", ["%d.%m.%Y %H:%M", "%Y/%m/%d"], "2026-03-31T10:00:00+08:00"),
        ("2026/03/31", ["%d.%m.%Y %H:%M", "%Y/%m/%d"], "2026-03-31T00:00:00+08:00"),
        ("30.02.2026 10:00", ["%d.%m.%Y %H:%M", "%Y/%m/%d"], "30.02.2026 10:00"),  # no such day, and not another one
        ("２０２６年03月31日", ["%Y年%m月%d日"], "2026-03-31T00:00:00+08:00"),
    ],
)
def test_times_as_systems_write_them(written: str, format_: Any, read: str) -> None:
    assert canonical_text(pa.array([written]), ZONE, "timestamptz", format_).to_pylist() == [read]


@pytest.mark.parametrize(
    "odd", [None, "2026-02-30 10:00:00", "2026-03-31 10:00+08", "2026-03-31T10:00:00Z", "soon", "2026-03-31"]
)
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/New_York"])
def test_the_quick_way_reads_times_as_the_slow_one_does(zone: str, odd: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Around both changes of the clock, before there were zones, and with one value that is something else.
    moments = [
        "2026-03-29 02:30:00",
        "2026-10-25T02:30:00",
        "1890-01-01 00:00:00",
        "2026-12-31 23:59:59",
        "9999-12-31 00:00:00",
    ]
    for values in (moments, [*moments, odd]):
        text = pa.array(values, pa.string())
        quick = canonical_text(text, zone, "timestamptz").to_pylist()
        with monkeypatch.context() as slow:
            slow.setattr(times, "_all_of_the_usual_form", lambda _: None)
            assert canonical_text(text, zone, "timestamptz").to_pylist() == quick


def test_epochs_stored_as_floating_point() -> None:
    values = pa.array([1700000000.25, float("nan"), None, 1e300])
    assert canonical_text(values, ZONE, "timestamptz", "epoch_s").to_pylist() == [
        "2023-11-15T06:13:20.250000+08:00", "nan", None, "1e+300",
    ]  # fmt: skip


def test_a_list_of_formats_is_part_of_a_description(tmp_path: Path) -> None:
    spec = entity(tmp_path, "order", 'order_id: id, ordered_at: {from: at, format: ["%d.%m.%Y", epoch_s]}')
    assert mapped(spec, id=["A", "B"], at=["31.03.2026", "1700000000"])["ordered_at"] == [
        "2026-03-31T00:00:00+08:00", "2023-11-15T06:13:20+08:00",
    ]  # fmt: skip


# -- codes ----------------------------------------------------------------------------------------------------------------
SEX = "customer_id: id, gender: {from: sex, values: {M: male, F: female, U: null}, unknown: POLICY}"


@pytest.mark.parametrize(
    ("policy", "ours", "counted"),
    [
        ("judge", ["male", None, "Q", "female", None], 0),
        ("warn", ["male", None, "Q", "female", None], 1),
        ("stop", ["male", None, "Q", "female", None], 1),  # the delivery stops at its end, with the whole count
        ("null", ["male", None, None, "female", None], 1),
        ("other", ["male", None, "other", "female", None], 1),
    ],
)
def test_a_code_that_nobody_named(tmp_path: Path, policy: str, ours: list[Any], counted: int) -> None:
    spec, oddities = entity(tmp_path, "customer", SEX.replace("POLICY", policy)), Oddities()
    # Ana M, Bo U (no value), Chen Q (unknown), Dai delivered in our own word already, Emma nothing at all.
    assert mapped(spec, oddities, id=list("abcde"), sex=["M", "U", "Q", "female", None])["gender"] == ours
    assert oddities.unknown == ({"gender": counted} if counted else {})


def test_our_own_values_are_known_where_the_contract_lists_them(tmp_path: Path) -> None:
    spec, oddities = entity(tmp_path, "complaint", "complaint_id: id, severity: {from: prio, unknown: warn}"), Oddities()
    mapped(spec, oddities, id=["1", "2"], prio=["severe", "P1"])
    assert oddities.unknown == {"severity": 1}
    assert oddities.codes == {"severity": {"P1"}}


@pytest.mark.parametrize(
    "zone", ["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]
)
def test_offsets_by_quarters_are_those_of_every_time(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Every seven minutes of two years with all their changes of the clock, one of them by half an hour.
    first = datetime(1985, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    text = pa.array([str(first + timedelta(minutes=7 * number)) for number in range(150_000)])
    parts = [text.slice(start, 3_000) for start in range(0, len(text), 3_000)]  # most of them without a change of the clock
    quick = [canonical_text(part, zone, "timestamptz") for part in parts]
    by_quarters = [times._shift_by_quarters(pc.cast(pc.cast(part, pa.timestamp("s")), pa.int64()), zone) for part in parts]
    assert 0 < sum(shift is None for shift in by_quarters) < 5  # only around an hour that is left out
    monkeypatch.setattr(times, "_BY_QUARTERS", float("inf"))
    assert [canonical_text(part, zone, "timestamptz") for part in parts] == quick
