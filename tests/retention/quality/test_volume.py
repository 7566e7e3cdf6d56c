"""The volume rule: what it stops, and how often it cries wolf."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from retention.quality.volume import Volume, judge_by
from retention.settings import IngestSettings

SETTINGS = IngestSettings()
# Share of an ordinary day's rows from Monday to Sunday: an office that hardly works at weekends.
OFFICE = (1.0, 1.05, 1.0, 0.95, 1.1, 0.25, 0.15)
START = date(2025, 1, 6)


def year(mean: int, pattern: tuple[float, ...], seed: int = 1) -> list[int]:
    """Rows by day of a year without incident: weekdays, a slow season, and noise of a quarter."""
    rng = random.Random(seed)
    return [round(mean * pattern[n % 7] * (1 + 0.3 * (n % 365) / 365) * max(0.3, rng.gauss(1, 0.15))) for n in range(365)]


def judged(rows: list[int], day: int, settings: IngestSettings = SETTINGS) -> Volume:
    """What is asked of a day, given the days before it."""
    every = rows[:day][::-1]
    same = every[6::7]
    history = settings.volume_history_batches
    return judge_by(every[:history], same[:history], f"{START + timedelta(days=day):%A}s", settings)


def false_stops(rows: list[int], settings: IngestSettings = SETTINGS) -> list[int]:
    return [day for day in range(len(rows)) if not judged(rows, day, settings).holds(rows[day])]


@pytest.mark.parametrize("mean", [60, 2_000, 50_000])
def test_a_clean_year_is_hardly_ever_stopped(mean: int) -> None:
    """What it costs: the first weekend, when nobody can know of weekends yet, and days that noise alone halves."""
    stops = [false_stops(year(mean, OFFICE, seed)) for seed in range(20)]
    assert all(found[:2] == [5, 6] for found in stops)
    assert sum(len(found[2:]) for found in stops) <= 7  # of 7,300 days: less than one in a thousand
    steady = [false_stops(year(mean, (1.0,) * 7, seed)) for seed in range(20)]
    assert sum(map(len, steady)) <= 7


def test_guard_off_every_weekend_would_be_stopped() -> None:
    blind = IngestSettings(volume_weekday_batches=10_000)
    rows = year(2_000, OFFICE)
    all_days = [day for day in range(28, 365) if not judge_by(rows[:day][::-1][:8], [], "days", blind).holds(rows[day])]
    assert len(all_days) >= 90
    assert len(false_stops(rows)) <= 3


@pytest.mark.parametrize(
    ("share", "stops"),
    [
        pytest.param(0.1, True, id="a tenth"),
        pytest.param(0.4, True, id="less than half"),
        pytest.param(0.8, False, id="a quiet day"),
        pytest.param(3.0, False, id="a busy day"),
        pytest.param(15.0, True, id="the same rows again and again"),
    ],
)
@pytest.mark.parametrize("weekday", range(7))
def test_real_incidents_are_stopped_on_every_weekday(share: float, stops: bool, weekday: int) -> None:
    rows = year(2_000, OFFICE)
    day = 203 + weekday
    median = judged(rows, day).median
    assert judged(rows, day).holds(round(median * share)) is not stops


def test_half_a_monday_is_not_excused_by_a_sunday() -> None:
    rows = year(2_000, OFFICE)
    monday = judged(rows, 210)
    assert monday.compared == "the last 8 Mondays"
    assert not monday.holds(rows[209])  # Sunday's rows on a Monday
    assert "median" in monday.words


def test_the_first_days_small_numbers_and_no_ceiling() -> None:
    assert judge_by([], [], "Mondays", SETTINGS) == Volume()
    assert judge_by([3, 4, 5], [], "Mondays", SETTINGS).holds(0)
    assert judge_by([100] * 3, [], "Mondays", SETTINGS).compared == "the last 3 deliveries"
    # Between one and three Sundays are too few to judge by, but they are heard.
    assert judge_by([100] * 7, [20], "Sundays", SETTINGS).holds(15)
    assert not judge_by([100] * 7, [], "Sundays", SETTINGS).holds(15)
    unlimited = judge_by([100] * 8, [100] * 4, "Mondays", IngestSettings(volume_ceiling_share=0))
    assert unlimited.holds(10**9)
    assert not unlimited.holds(49)
