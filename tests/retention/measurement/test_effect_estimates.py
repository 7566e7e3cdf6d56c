"""The estimate itself: against ordinary least squares, and on simulated plays whose effect is known."""

from __future__ import annotations

import numpy as np
import pytest

from retention.measurement.effects import Moments, always_valid_half_width, estimate, mixture_variance, spread
from tests.retention.measurement.effect_samples import LIFTS, coverage, experiment, misses


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


@pytest.mark.parametrize(
    ("lift", "how"), [(0.0, LIFTS[0]), (0.3, LIFTS[0]), (-0.3, LIFTS[0]), *((0.3, how) for how in LIFTS[1:])]
)
def test_intervals_hold_the_truth_as_often_as_they_say(lift: float, how: str) -> None:
    assert 0.93 <= coverage(simulations=400, customers=1_000, lift=lift, seed=4, how=how) <= 0.975


def test_spread_that_knows_nothing_of_the_lift_makes_intervals_too_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "_POWER", 0.0)
    assert coverage(simulations=400, customers=1_000, lift=-0.3, seed=4) < 0.93


def test_a_small_control_group_left_to_its_own_spread_makes_intervals_too_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "_BORROWED", 0)
    assert coverage(simulations=400, customers=1_000, lift=0.0, seed=4) < 0.93


def test_even_outcomes_borrow_next_to_nothing() -> None:
    """Where everybody spends about the same, spread is known well from few, and what the other arm would have is beside the point."""
    treated, control = spread.Arm(1_000, 100.0, 1_000 * 30.0**2, 1_000), spread.Arm(100, 100.0, 100 * 20.0**2, 100)
    own = 30.0**2 / 1_000 + 20.0**2 / 100
    assert spread.Difference(treated, control, 0.0, is_share=False).variance_if(0.0) == pytest.approx(own, rel=0.03)


@pytest.mark.parametrize("means", [(5.0, 4.0), (-5.0, 4.0), (4.0, -5.0), (-4.0, -5.0), (0.0, 0.0)])
def test_every_interval_has_the_difference_in_it(means: tuple[float, float]) -> None:
    """Refunds make means negative; a ratio of such means says nothing, and nothing may come of it but a wider interval."""
    treated, control = (spread.Arm(60, mean, 60 * 400.0, 59) for mean in means)
    found = spread.Difference(treated, control, 0.0, is_share=False)
    lower, upper = found.interval(lambda variance: 2 * variance**0.5)
    assert lower < found.value < upper
    for edge in (lower, upper):
        assert abs(edge - found.value) <= 2 * 4 * found.variance_if(found.value) ** 0.5


def test_looked_at_daily_only_the_daily_interval_keeps_its_word() -> None:
    daily, single = misses(simulations=120, customers_a_day=40, days=40, seed=2)
    assert daily <= 0.05
    assert single > 0.1, "the interval for one look, read daily, is what it must not rest on"


def test_looked_at_daily_the_daily_interval_holds_a_true_effect_too() -> None:
    assert misses(simulations=80, customers_a_day=40, days=40, seed=3, lift=0.3)[0] <= 0.05


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
