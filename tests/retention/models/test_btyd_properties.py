"""The estimators under simulation, at extremes, and on input that makes no sense."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from retention.models.btyd import BetaGeoNBD, GammaGamma, ModifiedBetaGeoNBD, ParetoNBD
from retention.models.btyd import beta_geo as beta_geo_module
from retention.models.btyd import gamma_gamma as gamma_gamma_module
from retention.models.btyd import pareto as pareto_module
from retention.models.btyd._histories import Histories
from retention.models.btyd.simulate import Simulated, simulate_beta_geo, simulate_pareto, simulate_values

PARAMS = {"r": 0.8, "alpha": 6.0, "a": 0.9, "b": 3.0}
PARETO = {"r": 0.9, "alpha": 8.0, "s": 0.8, "beta": 15.0}
positive = st.floats(0.05, 20.0)


def ages(size: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(10, 80, size).round(1)


def simulated(estimator: type, size: int, seed: int, horizon: float = 26.0) -> Simulated:
    if estimator is ParetoNBD:
        return simulate_pareto(PARETO, ages(size, seed), horizon, seed)
    return simulate_beta_geo(PARAMS, ages(size, seed), horizon, seed, leaves_at_first=estimator is ModifiedBetaGeoNBD)


@pytest.mark.parametrize("estimator", [BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD])
def test_what_was_simulated_is_recovered(estimator: type) -> None:
    people = simulated(estimator, 8_000 if estimator is ParetoNBD else 20_000, seed=1)
    model = estimator().fit(people.frequency, people.recency, people.T)
    truth = PARETO if estimator is ParetoNBD else PARAMS
    # The model's own covariance says how far off it may be: four standard deviations of each logarithm.
    errors = np.log(list(model.params_.values())) - np.log([truth[name] for name in model.params_])
    assert (np.abs(errors) < 4 * np.sqrt(np.diag(model.log_covariance_))).all()
    rows = people.frequency, people.recency, people.T
    assert model.expected_purchases(26.0, *rows).mean() == pytest.approx(people.future.mean(), rel=0.03)
    assert model.probability_alive(*rows).mean() == pytest.approx(people.alive.mean(), abs=0.02)
    assert model.probability_no_purchase(26.0, *rows).mean() == pytest.approx((people.future == 0).mean(), abs=0.01)


@pytest.mark.parametrize("estimator", [BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD])
def test_moments_are_those_of_the_simulation(estimator: type) -> None:
    people = simulated(estimator, 60_000, seed=2)
    model = estimator.from_params(PARETO if estimator is ParetoNBD else PARAMS)
    mean, variance = model.purchase_moments(26.0, people.frequency, people.recency, people.T)
    np.testing.assert_allclose(
        mean, model.expected_purchases(26.0, people.frequency, people.recency, people.T), rtol=2e-3, atol=1e-6
    )
    # Total variance: the spread around the individual means.
    assert ((people.future - mean) ** 2).mean() == pytest.approx(variance.mean(), rel=0.05)


@settings(max_examples=60, deadline=None)
@given(params=st.tuples(positive, positive, positive, positive), seed=st.integers(0, 10_000))
def test_gradients_are_derivatives(params: tuple[float, float, float, float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 30, 12).astype(float)
    T = rng.uniform(0.5, 40, 12)
    histories = Histories.grouped(x, np.where(x > 0, T * rng.random(12), 0), T, rng.integers(1, 5, 12))
    at = np.array(params)
    likelihoods = (
        lambda p: beta_geo_module._likelihood(histories, p, 0.0),
        lambda p: beta_geo_module._likelihood(histories, p, 1.0),
        lambda p: pareto_module._likelihood(histories, p),
    )
    for likelihood in likelihoods:
        numeric = approx_fprime(at, lambda p, f=likelihood: f(p)[0], 1e-7 * at)
        np.testing.assert_allclose(likelihood(at)[1], numeric, rtol=2e-3, atol=2e-3)
    for first_chance in (0.0, 1.0):
        _same_curvature(lambda p, first=first_chance: beta_geo_module._curvature(histories, p, first), at)


@settings(max_examples=40, deadline=None)
@given(params=st.tuples(positive, st.floats(1.2, 20.0), positive), seed=st.integers(0, 10_000))
def test_gamma_gamma_gradient_is_the_derivative(params: tuple[float, float, float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = gamma_gamma_module._checked(rng.integers(1, 40, 10), rng.lognormal(0, 1, 10), None)
    at = np.array(params)
    numeric = approx_fprime(at, lambda p: gamma_gamma_module._likelihood(rows, p)[0], 1e-7 * at)
    np.testing.assert_allclose(gamma_gamma_module._likelihood(rows, at)[1], numeric, rtol=2e-3, atol=2e-3)
    _same_curvature(lambda p: gamma_gamma_module._curvature(rows, p), at)


def _same_curvature(curvature: Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]], at: np.ndarray) -> None:
    """Second derivatives are central differences of the first."""
    hessian = curvature(at)[2]
    for row, step in enumerate(np.diag(1e-5 * at)):
        numeric = (curvature(at + step)[1] - curvature(at - step)[1]) / (2e-5 * at[row])
        np.testing.assert_allclose(hessian[row], numeric, rtol=1e-4, atol=1e-4 * np.abs(hessian).max())


@settings(max_examples=80, deadline=None)
@given(
    estimator=st.sampled_from([BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD]),
    params=st.tuples(positive, positive, positive, positive),
    x=st.one_of(st.integers(0, 20), st.integers(1000, 8000)),
    age=st.floats(0, 500),
    share=st.floats(0, 1),
    horizon=st.floats(0, 500),
)
def test_predictions_stay_in_their_bounds(estimator, params, x, age, share, horizon) -> None:
    model = estimator.from_params(dict(zip(estimator.names, params, strict=True)))
    rows = [x], [age * share if x else 0.0], [age]
    alive = model.probability_alive(*rows)[0]
    silent = model.probability_no_purchase(horizon, *rows)[0]
    expected, later = model.expected_purchases([horizon, 2 * horizon], *rows)[0]
    mean, variance = (moment[0] for moment in model.purchase_moments(horizon, *rows))
    assert 0 <= alive <= 1
    assert 1 - alive - 1e-9 <= silent <= 1 + 1e-9  # whoever is gone buys nothing
    assert 0 <= expected <= later * (1 + 1e-6) + 1e-9
    assert expected >= (1 - silent) * (1 - 1e-6) - 1e-9  # at least one purchase when not silent
    assert np.isfinite([mean, variance]).all()
    assert variance >= 0


def test_counts_in_the_thousands_and_histories_without_length_fit() -> None:
    # A wholesaler with thousands of orders beside customers of today (T = recency = 0).
    people = simulate_beta_geo(PARAMS, ages(3_000, 3), 1.0, 3)
    x = np.concatenate([people.frequency, [4_000.0, 2_500.0], np.zeros(50)])
    t_x = np.concatenate([people.recency, [79.99, 30.0], np.zeros(50)])
    T = np.concatenate([people.T, [80.0, 80.0], np.zeros(50)])
    for estimator in (BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD):
        model = estimator().fit(x, t_x, T)
        assert np.isfinite(model.log_likelihood_)
        predicted = model.expected_purchases(52.0, x, t_x, T)
        assert np.isfinite(predicted).all()
        assert predicted[3_000] > 1_500  # still buying fifty a week
        assert predicted[3_001] < 1  # silent for fifty weeks at that pace: gone


def test_the_closed_form_near_its_gap_agrees_with_both_sides() -> None:
    # a = 1 is 0/0 in the closed form; the integral takes over there without a jump.
    rows = np.arange(0.0, 40.0), np.where(np.arange(40) > 0, 20.0, 0.0), np.full(40, 30.0)
    gap, below, above = (
        BetaGeoNBD.from_params({**PARAMS, "a": a}).expected_purchases(52.0, *rows) for a in (1.0, 1 - 2e-4, 1 + 2e-4)
    )
    np.testing.assert_allclose(gap, (below + above) / 2, rtol=1e-5)


def test_weights_stand_for_repeated_rows() -> None:
    people = simulate_beta_geo(PARAMS, ages(500, 4).round(), 1.0, 4)
    weights = np.random.default_rng(4).integers(0, 4, 500)
    many = [np.repeat(column, weights) for column in (people.frequency, people.recency, people.T)]
    weighted = BetaGeoNBD().fit(people.frequency, people.recency, people.T, weights)
    repeated = BetaGeoNBD().fit(*many)
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-12)
    assert weighted.params_ == pytest.approx(repeated.params_, rel=1e-6)


def test_the_order_of_rows_changes_nothing() -> None:
    people = simulate_beta_geo(PARAMS, ages(2_000, 5), 1.0, 5)
    order = np.random.default_rng(5).permutation(2_000)
    first = BetaGeoNBD().fit(people.frequency, people.recency, people.T)
    second = BetaGeoNBD().fit(people.frequency[order], people.recency[order], people.T[order])
    assert first.params_ == second.params_


def test_a_thinned_start_ends_at_the_same_maximum(monkeypatch: pytest.MonkeyPatch) -> None:
    people = simulate_beta_geo(PARAMS, ages(8_000, 6), 1.0, 6)
    whole = BetaGeoNBD().fit(people.frequency, people.recency, people.T)
    monkeypatch.setattr(BetaGeoNBD, "rough_from", 1_000)
    monkeypatch.setattr(BetaGeoNBD, "rough_size", 500)
    thinned = BetaGeoNBD().fit(people.frequency, people.recency, people.T)
    assert thinned.log_likelihood_ == pytest.approx(whole.log_likelihood_, abs=1e-4)


def test_customers_who_never_leave_are_a_runaway_fit_and_get_the_fallback() -> None:
    rng = np.random.default_rng(7)
    T = rng.uniform(20, 60, 4_000)
    people = simulate_beta_geo({"r": 2.0, "alpha": 4.0, "a": 1e-9, "b": 1.0}, T, 13.0, 7)
    model = BetaGeoNBD().fit(people.frequency, people.recency, people.T)
    assert model.report_.runaway
    assert model.report_.fallback == "log-normal priors"
    assert "do not identify" in model.report_.message
    assert all(1e-3 < value < 1e3 for value in model.params_.values())
    # The fallback still predicts: nobody has left, and nobody is said to have.
    rows = people.frequency, people.recency, people.T
    assert model.probability_alive(*rows).mean() > 0.97
    assert model.expected_purchases(13.0, *rows).mean() == pytest.approx(people.future.mean(), rel=0.05)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("estimator", [BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD])
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(([1], [3], [10]), id="one customer"),
        pytest.param(([1] + [0] * 99, [3] + [0] * 99, [10] * 100), id="one repeat buyer of a hundred"),
        pytest.param(([3] * 500, [8] * 500, [10] * 500), id="all the same"),
        pytest.param(([5000, 4000, 9000], [9.9, 9.5, 9.99], [10, 10, 10]), id="thousands of purchases"),
        pytest.param(([2, 3, 1], [10, 10, 10], [10, 10, 10]), id="all bought on the last day"),
        pytest.param(([2, 3, 1], [0, 0, 0], [10, 10, 10]), id="all bought at once and never again"),
        pytest.param(([3, 1, 0], [1e-9, 1e-10, 0], [1e-8] * 3), id="tiny unit of time"),
    ],
)
def test_what_identifies_nothing_is_reported_and_still_answered(estimator: type, rows: tuple[list[float], ...]) -> None:
    model = estimator().fit(*rows)
    assert model.report_.runaway
    assert model.report_.fallback == "log-normal priors"
    alive, silent = model.probability_alive(*rows), model.probability_no_purchase(5, *rows)
    assert ((alive >= 0) & (alive <= 1) & (silent >= 0) & (silent <= 1)).all()
    assert np.isfinite(model.expected_purchases(5, *rows)).all()
    assert np.isfinite(list(model.confidence_intervals().values())).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("x", "m"),
    [
        pytest.param([1, 2, 3] * 30, [5.0] * 90, id="everybody spends the same"),
        pytest.param([1], [5.0], id="one customer"),
        pytest.param([1, 2, 3] * 30 + [1], [5.0, 6.0, 7.0] * 30 + [1e12], id="one order as large as all the rest"),
    ],
)
def test_spending_that_identifies_nothing_is_reported_and_still_answered(x: list[float], m: list[float]) -> None:
    model = GammaGamma().fit(x, m)
    assert model.report_.runaway
    assert "do not identify" in model.report_.message
    assert np.isfinite(model.expected_value([0, *x], [0.0, *m])).all()


def test_values_are_recovered_and_shrunk() -> None:
    truth = {"p": 5.0, "q": 4.0, "v": 60.0}
    x = np.random.default_rng(8).integers(1, 12, 20_000).astype(float)
    model = GammaGamma().fit(x, simulate_values(truth, x, 8))
    errors = np.log(list(model.params_.values())) - np.log(list(truth.values()))
    assert (np.abs(errors) < 4 * np.sqrt(np.diag(model.log_covariance_))).all()
    population = model.expected_value([0], [np.nan])[0]
    assert population == pytest.approx(5 * 60 / 3, rel=0.05)
    once, often = model.expected_value([1, 50], [500.0, 500.0])
    assert population < once < often < 500


def test_spending_without_a_finite_mean_gets_a_bounded_tail() -> None:
    x = np.ones(2_000)
    model = GammaGamma().fit(x, simulate_values({"p": 4.0, "q": 0.6, "v": 5.0}, x, 9))
    assert model.report_.runaway
    assert model.report_.fallback == "bounded tail"
    assert np.isfinite(model.expected_value([0, 1], [0.0, 1e6])).all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param(([1, 2], [5, 9], [4, 10]), "1 of 2 purchase histories have recency above T.*rows 0", id="after the end"),
        pytest.param(([0, 1], [3, 1], [4, 4]), "recency above 0 without a repeat purchase: rows 0", id="no repeat"),
        pytest.param(([1, -1], [1, 0], [4, 4]), "negative value: rows 1", id="negative"),
        pytest.param(([1, 2.5], [1, 2], [4, 4]), "frequency that is no whole number.*rows 1", id="fraction"),
        pytest.param(([1, np.nan], [1, 0], [4, 4]), "missing or infinite value: rows 1", id="missing"),
        pytest.param(([0, 0], [0, 0], [4, 4]), "none of 2 customers bought again", id="nobody came back"),
        pytest.param(([1], [1, 2], [4, 4]), "one length", id="lengths"),
        pytest.param(([1, 0], [0, 0], [0, 0]), "T is 0 for all 2 customers", id="no time"),
        pytest.param(([], [], []), "no purchase histories", id="empty"),
    ],
)
def test_histories_that_make_no_sense_are_refused_by_name(rows, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BetaGeoNBD().fit(*rows)


def test_refused_rows_carry_the_labels_of_the_series() -> None:
    frame = pd.DataFrame({"x": [1, 1], "t": [9, 1], "T": [4, 4]}, index=["Ana", "Bo"])
    with pytest.raises(ValueError, match="rows Ana"):
        BetaGeoNBD().fit(frame["x"], frame["t"], frame["T"])


@pytest.mark.parametrize(
    ("x", "m", "message"),
    [
        ([0, 1], [5.0, 5.0], "1 of 2 rows have no repeat purchase"),
        ([1, 1], [5.0, 0.0], "1 of 2 rows have no positive mean value"),
        ([1, 1], [5.0, -3.0], "no positive mean value"),
    ],
    ids=["one-time buyer", "free", "refunded"],
)
def test_gamma_gamma_refuses_what_it_has_no_place_for(x, m, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GammaGamma().fit(x, m)
