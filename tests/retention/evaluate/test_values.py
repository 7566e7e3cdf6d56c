"""Times and numbers as people write them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from retention.evaluate.values import as_delivered, read_identifiers, read_numbers, read_times


def days(values: list[object], timezone: str = "UTC") -> list[str]:
    return [str(one)[:16] for one in read_times(pa.array(values), timezone).instants]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param(["2026-01-31 08:30:00"], "2026-01-31T08:30", id="ISO"),
        pytest.param(["2026-01-31T08:30:00Z"], "2026-01-31T08:30", id="ISO in UTC"),
        pytest.param(["2026-01-31T10:30:00+02:00"], "2026-01-31T08:30", id="ISO with a zone"),
        pytest.param(["31.01.2026 08:30"], "2026-01-31T08:30", id="German"),
        pytest.param(["31/01/2026"], "2026-01-31T00:00", id="day first"),
        pytest.param(["01/31/2026 08:30"], "2026-01-31T08:30", id="month first"),
        pytest.param(["1/31/2026 8:30:00 AM"], "2026-01-31T08:30", id="AM and PM"),
        pytest.param(["31/01/26"], "2026-01-31T00:00", id="two digits of the year"),
        pytest.param(["2026年1月31日"], "2026-01-31T00:00", id="Chinese"),
        pytest.param(["20260131"], "2026-01-31T00:00", id="without signs"),
        pytest.param(["31-Jan-2026"], "2026-01-31T00:00", id="name of the month"),
        pytest.param([20260131], "2026-01-31T00:00", id="a whole number"),
        pytest.param([1769848200], "2026-01-31T08:30", id="seconds since 1970"),
        pytest.param([1769848200000], "2026-01-31T08:30", id="milliseconds since 1970"),
        pytest.param(["1769848200"], "2026-01-31T08:30", id="seconds as text"),
        pytest.param([46053], "2026-01-31T00:00", id="a spreadsheet's day"),
        pytest.param([pd.Timestamp("2026-01-31 08:30")], "2026-01-31T08:30", id="typed"),
    ],
)
def test_the_same_moment_however_it_is_written(written: list[object], expected: str) -> None:
    assert days(written) == [expected]


def test_times_without_a_zone_are_of_the_zone_given() -> None:
    assert days(["2026-01-31 08:30:00"], "Asia/Shanghai") == ["2026-01-31T00:30"]


def test_an_hour_that_the_clock_leaves_out_does_not_lose_the_row() -> None:
    assert days(["2026-03-29 02:30:00"], "Europe/Berlin") == ["2026-03-29T01:00"]


def test_day_and_month_are_told_by_the_whole_column() -> None:
    # Only the last value shows that the month stands first.
    assert days(["03/04/2026", "03/05/2026", "03/14/2026"])[0] == "2026-03-04T00:00"


def test_where_every_value_reads_both_ways_the_shorter_history_holds_and_is_said() -> None:
    read = read_times(pa.array(["03/01/2026", "03/02/2026", "03/03/2026"]), "UTC")
    assert [str(one)[:10] for one in read.instants] == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert "month was read first" in read.note


def test_days_counted_from_an_unknown_beginning() -> None:
    read = read_times(pa.array(list(range(1, 60))), "UTC")
    assert str(read.instants[0])[:10] == "2000-01-02"
    assert "day 0" in read.note


def test_what_is_no_time_is_missing_and_never_guessed() -> None:
    read = read_times(pa.array(["2026-01-31", "2026-02-30", "soon", None]), "UTC")
    assert np.isnat(read.instants).tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param(["1234.50"], 1234.5, id="plain"),
        pytest.param(["1,234.50"], 1234.5, id="English"),
        pytest.param(["1.234,50", "2,00"], 1234.5, id="German"),
        pytest.param(["€ 12.50"], 12.5, id="euro before"),
        pytest.param(["12,50 €", "3,00 €"], 12.5, id="euro behind"),
        pytest.param(["¥1,234.50"], 1234.5, id="yuan"),
        pytest.param(["(12.50)"], -12.5, id="accountant's minus"),
        pytest.param(["-12.50"], -12.5, id="minus"),
        pytest.param(["$-12.50"], -12.5, id="minus behind the sign"),
        pytest.param(["USD 12.50"], 12.5, id="code"),
    ],
)
def test_the_same_amount_however_it_is_written(written: list[str], expected: float) -> None:
    assert read_numbers(pa.array(written))[0] == pytest.approx(expected)


def test_a_number_nobody_can_read_is_missing() -> None:
    assert np.isnan(read_numbers(pa.array(["twelve", None]))).all()


@pytest.mark.parametrize("values", [[17850, 13], [17850.0, 13.0], ["17850.0", "13.0"], ["17850", "13"]])
def test_a_number_of_a_customer_is_the_same_as_text_integer_and_float(values: list[object]) -> None:
    found = read_identifiers(pa.array(values))
    assert found.tolist() == ["17850", "13"]
    assert as_delivered(pd.Series(found)).tolist() == [17850, 13]


def test_leading_zeros_are_part_of_a_number() -> None:
    assert as_delivered(pd.Series(["00013", "17850"])).tolist() == ["00013", "17850"]
