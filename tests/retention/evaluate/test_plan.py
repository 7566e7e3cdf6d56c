"""Which dates are learned from, predicted and compared."""

from __future__ import annotations

from datetime import date

import pytest

from retention.evaluate.errors import HistoryUnusable
from retention.evaluate.plan import make_plan
from retention.settings import Settings

FIRST, LAST = date(2024, 1, 1), date(2025, 12, 31)


def plan(as_of: date | None, horizon: int | None, train_from: date | None = None, first: date = FIRST, last: date = LAST):
    return make_plan(first, last, as_of, horizon, train_from, Settings())


def test_outcomes_learned_from_end_by_the_as_of_date() -> None:
    made = plan(date(2025, 9, 1), 90)
    assert (made.dates[-1] - date(2025, 9, 1)).days == -90
    assert (made.learning_days, made.compared_days, len(made.dates)) == (90, 90, 4)
    assert made.notes == ()


def test_what_is_not_asked_for_is_chosen_and_said() -> None:
    made = plan(None, None)
    assert (made.as_of, made.horizon_days, made.compared_days) == (date(2025, 10, 3), 90, 90)
    assert any("horizon chosen" in note for note in made.notes)
    assert any("as-of date chosen" in note for note in made.notes)


def test_a_horizon_longer_than_the_history_is_learned_on_what_there_is_and_extended() -> None:
    made = plan(date(2024, 10, 1), 273)
    assert made.learning_days == 274 // 3
    assert made.dates
    assert any("extended by the purchase process" in note for note in made.notes)


def test_after_the_files_end_there_is_nothing_to_compare_and_silence_is_no_outcome() -> None:
    made = plan(date(2026, 3, 1), 30)
    assert made.compared_days == 0
    assert made.dates[-1] == date(2025, 12, 2)  # outcomes end with the file, not with the as-of date
    assert any("59 days before the as-of date" in note for note in made.notes)


def test_a_file_that_ends_within_the_horizon_is_compared_as_far_as_it_goes() -> None:
    made = plan(date(2025, 12, 1), 90)
    assert made.compared_days == 31
    assert any("covers 31 of the 90 days" in note for note in made.notes)


def test_train_from_is_the_earliest_date_learned_as_of() -> None:
    made = plan(date(2025, 9, 1), 90, date(2025, 1, 1))
    assert made.dates[0] >= date(2025, 1, 1)
    assert len(made.dates) == 6
    late = plan(date(2025, 9, 1), 90, date(2025, 7, 1))
    assert (late.dates, late.learning_days) == ((date(2025, 7, 1),), 62)


@pytest.mark.parametrize(
    ("as_of", "horizon", "train_from", "words"),
    [
        pytest.param(date(2023, 5, 1), 90, None, "none before that date", id="before the file"),
        pytest.param(date(2024, 1, 1), 90, None, "none before that date", id="at its beginning"),
        pytest.param(date(2025, 1, 1), 0, None, "at least 1 day", id="no horizon"),
        pytest.param(date(2025, 1, 1), 90, date(2025, 2, 1), "leaves fewer than 14 days", id="training after the date"),
    ],
)
def test_dates_that_leave_nothing_are_refused(as_of: date, horizon: int, train_from: date | None, words: str) -> None:
    with pytest.raises(HistoryUnusable, match=words):
        plan(as_of, horizon, train_from)


def test_a_file_of_one_day_is_predicted_from_the_day_after() -> None:
    made = plan(None, None, first=LAST, last=LAST)
    assert (made.as_of, made.horizon_days, made.dates, made.compared_days) == (date(2026, 1, 1), 90, (), 0)
