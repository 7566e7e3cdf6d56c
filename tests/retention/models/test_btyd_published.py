"""The estimators against the published figures of the CDNOW sample, and against lifetimes customer by customer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifetimes import BetaGeoFitter, GammaGammaFitter, ModifiedBetaGeoFitter, ParetoNBDFitter

from retention.models.btyd import BetaGeoNBD, GammaGamma, ModifiedBetaGeoNBD, ParetoNBD

PROCESSES = [
    pytest.param(BetaGeoNBD, {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}, -9582.429, id="BG/NBD"),
    pytest.param(ModifiedBetaGeoNBD, {"r": 0.5248, "alpha": 6.1831, "a": 0.8914, "b": 1.6140}, -9582.136, id="MBG/NBD"),
    pytest.param(ParetoNBD, {"r": 0.5533, "alpha": 10.5777, "s": 0.6062, "beta": 11.6687}, -9594.976, id="Pareto/NBD"),
]


@pytest.mark.parametrize(("estimator", "params", "log_likelihood"), PROCESSES)
def test_parameters_and_likelihood_are_the_published_ones(estimator, params, log_likelihood, cdnow: pd.DataFrame) -> None:
    model = estimator().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    assert model.params_ == pytest.approx(params, abs=5e-4)
    assert model.log_likelihood_ == pytest.approx(log_likelihood, abs=0.002)
    assert model.report_.converged
    assert not model.report_.runaway


def test_gamma_gamma_is_the_published_one(cdnow: pd.DataFrame) -> None:
    buyers = cdnow[cdnow["frequency"] > 0]
    assert len(buyers) == 946
    model = GammaGamma().fit(buyers["frequency"], buyers["value"])
    assert model.params_ == pytest.approx({"p": 6.2496, "q": 3.7442, "v": 15.4435}, abs=5e-4)
    assert model.log_likelihood_ == pytest.approx(-4055.918, abs=0.002)


def test_the_papers_customers_are_predicted_as_printed() -> None:
    # Fader, Hardie & Lee (2005): two repeat purchases, the last after 30.43 of 38.86 weeks, 39 weeks ahead.
    process = BetaGeoNBD.from_params({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    assert process.expected_purchases(39.0, [2], [30.43], [38.86])[0] == pytest.approx(1.226, abs=5e-4)
    # Fader & Hardie (2013): expected value of customers with two, one and no repeat purchases.
    spending = GammaGamma.from_params({"p": 6.25, "q": 3.74, "v": 15.44})
    np.testing.assert_allclose(spending.expected_value([2, 1, 0], [22.35, 11.77, 0.0]), [24.65, 18.91, 35.17], atol=0.06)


def test_the_unit_of_time_and_money_changes_only_the_scales(cdnow: pd.DataFrame) -> None:
    weeks = BetaGeoNBD().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    days = BetaGeoNBD().fit(cdnow["frequency"], cdnow["recency"] * 7, cdnow["T"] * 7)
    assert days.params_["alpha"] == pytest.approx(7 * weeks.params_["alpha"], rel=1e-5)
    assert days.params_["b"] == pytest.approx(weeks.params_["b"], rel=1e-5)
    repeat = cdnow["frequency"].sum()
    assert days.log_likelihood_ == pytest.approx(weeks.log_likelihood_ - repeat * np.log(7), abs=1e-4)


@pytest.mark.parametrize(
    ("estimator", "peer"),
    [(BetaGeoNBD, BetaGeoFitter), (ModifiedBetaGeoNBD, ModifiedBetaGeoFitter), (ParetoNBD, ParetoNBDFitter)],
    ids=["BG/NBD", "MBG/NBD", "Pareto/NBD"],
)
@pytest.mark.parametrize("weeks", [1.0, 13.0, 39.0, 104.0])
def test_predictions_equal_lifetimes(estimator, peer, weeks: float, cdnow: pd.DataFrame) -> None:
    columns = cdnow["frequency"].to_numpy(float), cdnow["recency"].to_numpy(float), cdnow["T"].to_numpy(float)
    ours = estimator().fit(*columns)
    theirs = peer()
    theirs.params_ = pd.Series(ours.params_)
    expected = theirs.conditional_expected_number_of_purchases_up_to_time(weeks, *columns)
    np.testing.assert_allclose(ours.expected_purchases(weeks, *columns), expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(ours.probability_alive(*columns), theirs.conditional_probability_alive(*columns), rtol=1e-10)


def test_probability_of_silence_equals_lifetimes_pareto(cdnow: pd.DataFrame) -> None:
    columns = cdnow["frequency"].to_numpy(float), cdnow["recency"].to_numpy(float), cdnow["T"].to_numpy(float)
    ours = ParetoNBD().fit(*columns)
    theirs = ParetoNBDFitter()
    theirs.params_ = pd.Series(ours.params_)
    expected = theirs.conditional_probability_of_n_purchases_up_to_time(0, 13.0, *columns)
    np.testing.assert_allclose(ours.probability_no_purchase(13.0, *columns), expected, rtol=1e-9)


def test_probability_of_silence_is_the_published_formula(cdnow: pd.DataFrame) -> None:
    x, t_x, T = (cdnow[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    model = BetaGeoNBD().fit(x, t_x, T)
    r, alpha = model.params_["r"], model.params_["alpha"]
    expected = 1 - model.probability_alive(x, t_x, T) * (1 - ((alpha + T) / (alpha + T + 39)) ** (r + x))
    np.testing.assert_allclose(model.probability_no_purchase(39, x, t_x, T), expected, rtol=1e-12)


def test_expected_value_equals_lifetimes(cdnow: pd.DataFrame) -> None:
    buyers = cdnow[cdnow["frequency"] > 0]
    ours = GammaGamma().fit(buyers["frequency"], buyers["value"])
    theirs = GammaGammaFitter()
    theirs.params_ = pd.Series(ours.params_)
    expected = theirs.conditional_expected_average_profit(buyers["frequency"], buyers["value"])
    np.testing.assert_allclose(ours.expected_value(buyers["frequency"], buyers["value"]), expected, rtol=1e-12)


def test_one_time_buyers_are_certainly_alive_and_yet_likely_silent(cdnow: pd.DataFrame) -> None:
    # Why P(alive) is no churn score: BG/NBD lets nobody leave before a repeat purchase.
    model = BetaGeoNBD().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    assert model.probability_alive([0], [0], [38])[0] == 1.0
    assert model.probability_no_purchase(39, [0], [0], [38])[0] > 0.8
