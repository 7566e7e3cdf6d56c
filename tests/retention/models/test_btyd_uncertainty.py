"""Intervals of parameters and predictions, and lifetime value: against simulation, closed moments and lifetimes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifetimes import BetaGeoFitter, GammaGammaFitter
from sklearn.base import clone

from retention.models.btyd import (
    BetaGeoNBD,
    GammaGamma,
    ModifiedBetaGeoNBD,
    ParetoNBD,
    delta_interval,
    discounted_purchases,
    lifetime_interval,
    lifetime_value,
    purchase_interval,
    simulate_purchases,
)
from retention.models.btyd.simulate import Simulated, simulate_beta_geo, simulate_pareto, simulate_values

PARAMS = {"r": 0.8, "alpha": 6.0, "a": 0.9, "b": 3.0}
PARETO = {"r": 0.9, "alpha": 8.0, "s": 0.8, "beta": 15.0}
SPENDING = {"p": 5.0, "q": 4.0, "v": 60.0}
PROCESSES = [BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD]


def known(estimator: type) -> BetaGeoNBD | ParetoNBD:
    return estimator.from_params(PARETO if estimator is ParetoNBD else PARAMS)


def people_of(estimator: type, size: int, seed: int) -> Simulated:
    ages = np.random.default_rng(seed).uniform(10, 80, size).round(1)
    if estimator is ParetoNBD:
        return simulate_pareto(PARETO, ages, 26.0, seed)
    return simulate_beta_geo(PARAMS, ages, 26.0, seed, leaves_at_first=estimator is ModifiedBetaGeoNBD)


def rows_of(people: Simulated) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return people.frequency, people.recency, people.T


def test_intervals_of_parameters_hold_the_truth_and_narrow_with_the_data() -> None:
    few, many = (people_of(BetaGeoNBD, size, 11) for size in (1_500, 24_000))
    narrow, wide = BetaGeoNBD().fit(*rows_of(many)), BetaGeoNBD().fit(*rows_of(few))
    for name, (lower, upper) in narrow.confidence_intervals(0.999).items():
        assert 0 < lower < PARAMS[name] < upper
        assert lower < narrow.params_[name] < upper
        # Sixteen times the customers: a quarter of the width, give or take.
        assert wide.standard_errors_[name] == pytest.approx(4 * narrow.standard_errors_[name], rel=0.6)
    assert narrow.covariance_ == pytest.approx(narrow.covariance_.T)


@pytest.mark.parametrize("estimator", [BetaGeoNBD, ModifiedBetaGeoNBD])
def test_exact_and_differenced_covariance_agree(estimator: type, cdnow: pd.DataFrame) -> None:
    from retention.models.btyd import _maximise, beta_geo
    from retention.models.btyd._histories import Histories

    rows = cdnow["frequency"], cdnow["recency"], cdnow["T"]
    model, histories = estimator().fit(*rows), Histories.grouped(*rows)
    differenced = _maximise._log_covariance(
        lambda params: beta_geo._likelihood(histories, params, estimator.first_chance), np.log(model._vector()), prior=False
    )
    np.testing.assert_allclose(model.log_covariance_, differenced, rtol=1e-4)


def test_delta_intervals_cover_the_truth_as_often_as_they_say() -> None:
    truth, inside = known(BetaGeoNBD), []
    for seed in range(12):
        people = people_of(BetaGeoNBD, 500, 100 + seed)
        fitted = BetaGeoNBD().fit(*rows_of(people))
        for predict, scale in (
            (lambda model: model.expected_purchases(26.0, [3.0, 0.0], [20.0, 0.0], [30.0, 30.0]), "log"),
            (lambda model: model.probability_no_purchase(26.0, [3.0, 0.0], [20.0, 0.0], [30.0, 30.0]), "logit"),
        ):
            lower, upper = delta_interval((fitted,), predict, 0.9, scale)
            inside.append((lower < predict(truth)) & (predict(truth) < upper))
    assert 0.8 < np.mean(inside) <= 1.0


def test_delta_interval_stays_in_range_where_nothing_is_left_to_vary(cdnow: pd.DataFrame) -> None:
    model = BetaGeoNBD().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    lower, upper = delta_interval((model,), lambda m: m.probability_alive([0, 2], [0, 5], [30, 30]), scale="logit")
    assert lower[0] == upper[0] == 1.0  # one-time buyers are alive under BG/NBD, whatever its parameters
    assert 0 < lower[1] < upper[1] < 1
    assert delta_interval((model,), lambda m: m.expected_purchases(0.0, [2], [5], [30])) == (0.0, 0.0)
    with pytest.raises(ValueError, match="made from parameters alone"):
        delta_interval((known(BetaGeoNBD),), lambda m: m.probability_alive([2], [5], [30]))
    again = BetaGeoNBD.from_params(model.params_, model.log_covariance_)
    assert again.confidence_intervals() == model.confidence_intervals()


@pytest.mark.parametrize("estimator", PROCESSES)
def test_simulated_purchases_have_the_exact_moments(estimator: type) -> None:
    model = known(estimator)
    rows = np.array([0.0, 1.0, 4.0, 60.0]), np.array([0.0, 5.0, 25.0, 29.9]), np.full(4, 30.0)
    drawn = simulate_purchases(model, 26.0, *rows, draws=20_000, seed=5)
    mean, variance = model.purchase_moments(26.0, *rows)
    np.testing.assert_allclose(drawn.mean(axis=1), mean, rtol=0.03)
    np.testing.assert_allclose(drawn.var(axis=1), variance, rtol=0.06)
    np.testing.assert_allclose((drawn == 0).mean(axis=1), model.probability_no_purchase(26.0, *rows), atol=0.01)


@pytest.mark.parametrize("estimator", PROCESSES)
def test_purchase_intervals_hold_what_they_say(estimator: type) -> None:
    people = people_of(estimator, 4_000, 12)
    lower, upper = purchase_interval(known(estimator), 26.0, *rows_of(people), level=0.8, draws=300)
    inside = ((people.future >= lower) & (people.future <= upper)).mean()
    assert inside + 0.02 >= 0.8  # whole numbers: more than asked for is right, less is not
    outside_above = (people.future > upper).mean()
    assert 0.03 < outside_above < 0.12


def test_what_a_row_gets_depends_on_no_other_row() -> None:
    people = people_of(BetaGeoNBD, 50, 13)
    model, rows = known(BetaGeoNBD), np.column_stack(rows_of(people))
    whole = simulate_purchases(model, 26.0, *rows.T, draws=200, seed=3)
    order = np.random.default_rng(1).permutation(50)
    np.testing.assert_array_equal(simulate_purchases(model, 26.0, *rows[order].T, draws=200, seed=3), whole[order])
    np.testing.assert_array_equal(simulate_purchases(model, 26.0, *rows[7:8].T, draws=200, seed=3)[0], whole[7])


def test_lifetime_intervals_hold_what_they_say() -> None:
    people = people_of(BetaGeoNBD, 3_000, 14)
    rng = np.random.default_rng(14)
    scale = 1 / rng.gamma(SPENDING["q"], 1 / SPENDING["v"], 3_000)
    mean = np.where(
        people.frequency > 0, rng.gamma(5.0 * np.maximum(people.frequency, 1)) * scale / np.maximum(people.frequency, 1), np.nan
    )
    money = rng.gamma(5.0 * np.maximum(people.future, 1e-9)) * scale * (people.future > 0)
    process, spending = known(BetaGeoNBD), GammaGamma.from_params(SPENDING)
    value = lifetime_value(process, spending, 26.0, *rows_of(people), mean)
    assert value.sum() == pytest.approx(money.sum(), rel=0.06)
    lower, upper = lifetime_interval(process, spending, 26.0, *rows_of(people), mean, level=0.8, draws=400)
    assert (lower <= upper).all()
    assert 0.78 <= ((money >= lower) & (money <= upper)).mean() <= 0.97
    assert 0.07 < (money > upper).mean() < 0.13


def test_lifetime_value_equals_lifetimes(cdnow: pd.DataFrame) -> None:
    buyers = cdnow[cdnow["frequency"] > 0]
    columns = [cdnow[name].to_numpy(float) for name in ("frequency", "recency", "T")]
    columns = [columns[0], columns[1] * 7, columns[2] * 7]
    value = cdnow["value"].fillna(0.0).to_numpy()
    process = BetaGeoNBD().fit(*columns)
    spending = GammaGamma().fit(buyers["frequency"], buyers["value"])
    their_process, their_spending = BetaGeoFitter(), GammaGammaFitter()
    their_process.params_, their_spending.params_ = pd.Series(process.params_), pd.Series(spending.params_)
    their_process.predict = their_process.conditional_expected_number_of_purchases_up_to_time
    theirs = their_spending.customer_lifetime_value(
        their_process, *map(pd.Series, columns), pd.Series(value), time=12, discount_rate=0.01, freq="D"
    )
    ours = lifetime_value(
        process, spending, 360.0, *columns, value, discount_rate=1.01 ** (1 / 30) - 1, periods=12, discounted_at="end"
    )
    np.testing.assert_allclose(ours, theirs.to_numpy(), rtol=1e-9)


def test_discounting_in_more_parts_converges_and_costs_nothing_without_a_rate() -> None:
    model, rows = known(ParetoNBD), ([0.0, 5.0], [0.0, 28.0], [30.0, 30.0])
    coarse, fine, finest = (discounted_purchases(model, 52.0, *rows, discount_rate=0.01, periods=n) for n in (12, 200, 2_000))
    np.testing.assert_allclose(coarse, finest, rtol=2e-3)
    np.testing.assert_allclose(fine, finest, rtol=1e-5)
    plain = model.expected_purchases(52.0, *rows)
    np.testing.assert_array_equal(discounted_purchases(model, 52.0, *rows), plain)
    assert (finest < plain).all()
    late = discounted_purchases(model, 52.0, *rows, discount_rate=0.01, discounted_at="end")
    assert (late < coarse).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"discount_rate": -1.0}, "above -1"), ({"periods": 0}, "at least 1")],
    ids=["rate", "periods"],
)
def test_discounting_that_makes_no_sense_is_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        discounted_purchases(known(BetaGeoNBD), 52.0, [1], [2], [3], **wrong)


@pytest.mark.parametrize("level", [0.0, 1.0, 80.0])
def test_a_level_is_a_probability(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        purchase_interval(known(BetaGeoNBD), 26.0, [1], [2], [3], level=level)


@pytest.mark.parametrize("estimator", [*PROCESSES, GammaGamma])
def test_estimators_keep_scikit_learns_customs(estimator: type) -> None:
    fresh = clone(estimator())
    assert fresh.get_params() == {}
    assert fresh.set_params() is fresh
    assert repr(fresh) == f"{estimator.__name__}()"
    with pytest.raises(ValueError, match="has no settings, got alpha"):
        fresh.set_params(alpha=1)
    with pytest.raises(ValueError, match="is not fitted yet"):
        fresh.confidence_intervals()
    with pytest.raises(ValueError, match="needs positive"):
        estimator.from_params({})


def test_spending_simulated_is_covered_by_its_intervals() -> None:
    x = np.random.default_rng(8).integers(1, 12, 6_000).astype(float)
    model = GammaGamma().fit(x, simulate_values(SPENDING, x, 8))
    intervals = model.confidence_intervals(0.999)
    assert all(intervals[name][0] < value < intervals[name][1] for name, value in SPENDING.items())
