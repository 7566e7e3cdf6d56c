"""The estimate itself: against ordinary least squares, and on simulated plays whose effect is known."""

from __future__ import annotations

import numpy as np
import pytest

from retention.measurement.effects import Moments, always_valid_half_width, estimate, mixture_variance
from tests.retention.measurement.effect_samples import coverage, experiment, false_alarms


def test_sums_lose_nothing_that_rows_have() -> None:
    """Spends of a billion that differ by one: squares in floating point would show no variance at all."""
    outcome = [1_000_000_000 + step for step in (0, 1, 2, 3)]
    exact = Moments.from_sums(4, [sum(outcome)], [[sum(value * value for value in outcome)]])
    assert exact.scatter[0, 0] == 5.0
    squares = float(sum(np.square(np.array(outcome, dtype=float))))
    assert squares - float(sum(outcome)) ** 2 / 4 != 5.0, "what exactness is for"


def test_arms_add_up_to_everybody() -> None:
    values = np.random.default_rng(3).gamma(2, 1_000, (500, 3))
    together = Moments.of(values[:120]) + Moments.of(values[120:])
    whole = Moments.of(values)
    assert together.count == whole.count
    np.testing.assert_allclose(together.mean, whole.mean)
    np.testing.assert_allclose(together.scatter, whole.scatter)


def test_the_adjusted_difference_is_that_of_least_squares_with_interactions() -> None:
    values, treated = experiment(np.random.default_rng(5), 2_000, 0.2)
    found = estimate(Moments.of(values[treated]), Moments.of(values[~treated]), planned=2_000)
    centred = values[:, 1:] - values[:, 1:].mean(axis=0)
    design = np.column_stack([np.ones(len(values)), treated, centred, centred * treated[:, None]])
    expected = np.linalg.lstsq(design, values[:, 0], rcond=None)[0][1]
    assert found.difference == pytest.approx(expected, rel=1e-9)
    assert found.unadjusted == pytest.approx(values[treated, 0].mean() - values[~treated, 0].mean())


def test_a_covariate_said_twice_changes_nothing() -> None:
    values, treated = experiment(np.random.default_rng(6), 1_000, 0.0)
    twice = np.column_stack([values, values[:, 1] * 3 + 7])
    once, doubled = (estimate(Moments.of(rows[treated]), Moments.of(rows[~treated]), planned=1_000) for rows in (values, twice))
    assert doubled.difference == pytest.approx(once.difference)
    assert doubled.standard_error == pytest.approx(once.standard_error, rel=1e-2)


@pytest.mark.parametrize("lift", [0.0, 0.1])
def test_intervals_hold_the_truth_as_often_as_they_say(lift: float) -> None:
    held, held_any = coverage(simulations=300, customers=3_000, lift=lift, seed=1)
    assert 0.93 <= held <= 0.975
    assert held_any >= 0.95


def test_looked_at_daily_only_the_daily_interval_keeps_its_word() -> None:
    daily, single = false_alarms(simulations=120, customers_a_day=40, days=40, seed=2)
    assert daily <= 0.05
    assert single > 0.1, "the interval for one look, read daily, is what it must not rest on"


def test_the_mixture_is_narrowest_where_it_was_planned() -> None:
    planned = 4.0
    widths = {factor: always_valid_half_width(planned, mixture_variance(planned * factor)) for factor in (0.1, 0.5, 1, 2, 10)}
    assert min(widths, key=widths.__getitem__) == 1


@pytest.mark.parametrize(
    ("treated", "control", "verdict"),
    [(0, 100, "too_few"), (100, 0, "too_few"), (29, 100, "too_few"), (100, 29, "too_few")],
)
def test_too_few_get_no_interval(treated: int, control: int, verdict: str) -> None:
    values, _ = experiment(np.random.default_rng(8), 200, 0.0)
    found = estimate(Moments.of(values[:treated]), Moments.of(values[treated : treated + control]), planned=200)
    assert (found.verdict, found.lower_95, found.lower_any_95) == (verdict, None, None)


def test_without_any_variance_nothing_is_claimed() -> None:
    alike = np.full((50, 1), 100.0)
    found = estimate(Moments.of(alike), Moments.of(alike), planned=100)
    assert (found.difference, found.verdict) == (0.0, "too_few")
