"""Value learned from matured outcomes: better than the process alone, level of the season, honest intervals, extremes."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retention.models import artifacts
from retention.models.metrics import mean_absolute_error, spearman, total_bias
from retention.models.value import ValueModel
from retention.models.value import model as value_model
from retention.models.value.intervals import Levels, Spread
from retention.models.value.rhythm import Rhythm
from retention.models.value.season import NO_SEASON, season_of
from tests.retention.models.histories import features_as_of, outcome, shoppers, training_of

FIRST = date(2024, 1, 1)
AS_OF, HORIZON = FIRST + timedelta(days=540), 90
DATES = [AS_OF - timedelta(days=HORIZON + 28 * step) for step in (2, 1, 0)]
YEAR_AGO = AS_OF - timedelta(days=364)


class Shop:
    """Purchase days up to 90 days after the as-of date, and what a model may know of them."""

    def __init__(self, **how: Any) -> None:
        self.days = shoppers(1_600, 540 + HORIZON, **how)
        self.features = features_as_of(self.days, AS_OF)
        self.training = training_of(self.days, DATES, HORIZON)
        self.truth = outcome(self.days, self.features.index, AS_OF, AS_OF + timedelta(days=HORIZON))

    def fit(self, training: Any = None) -> ValueModel:
        return ValueModel.fit(self.features, 50, training or self.training, HORIZON, 1)

    def clv(self, model: ValueModel) -> pd.DataFrame:
        return model.predict(self.features, HORIZON, 0.0, 0.8)


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(seed=3)


@pytest.fixture(scope="module")
def fitted(shop: Shop) -> ValueModel:
    return shop.fit()


def test_what_rhythm_tells_makes_value_more_accurate(shop: Shop, fitted: ValueModel) -> None:
    spent = shop.truth["net_minor"].to_numpy()
    ours = shop.clv(fitted)["clv_minor"].to_numpy()
    process = shop.clv(ValueModel.fit(shop.features, 50))["clv_minor"].to_numpy()
    assert fitted.learned is not None
    assert mean_absolute_error(spent, ours) < 0.99 * mean_absolute_error(spent, process)
    assert spearman(spent, ours) > spearman(spent, process) + 0.01
    assert abs(total_bias(spent, ours)) < 0.1


def test_candidates_are_on_one_level_and_one_alone_does_not_decide(shop: Shop, fitted: ValueModel) -> None:
    learned, part, features = fitted.learned, fitted.part, shop.features
    assert learned is not None
    said = learned.predict(features)
    of_buyers = said.buying * part.orders_of_buyers(features, HORIZON) * part.order_value(features)
    two_stage = said.buying * said.amount
    assert learned.buyer_balance != 1.0
    assert (of_buyers * learned.buyer_balance).sum() == pytest.approx(two_stage.sum(), rel=1e-9)
    of_process = part.orders(features, [HORIZON])[:, 0] * part.order_value(features)
    candidates = np.column_stack(
        [of_process, of_buyers * learned.buyer_balance, said.orders * part.order_value(features), two_stage]
    )
    clv = shop.clv(fitted)["clv_minor"].to_numpy()
    assert (clv >= candidates.min(axis=1) - 1e-6).all()
    assert (clv <= candidates.mean(axis=1) + 1e-6).all()


def test_intervals_hold_what_their_rows_say(shop: Shop, fitted: ValueModel) -> None:
    predicted, spent = shop.clv(fitted), shop.truth["net_minor"].to_numpy()
    held = (spent >= predicted["clv_lower_minor"] - 0.5) & (spent <= predicted["clv_upper_minor"] + 0.5)
    stated = predicted["interval_probability"]
    assert held.mean() == pytest.approx(stated.mean(), abs=0.04)
    room = stated < 0.81  # where nothing is not likelier than the interval asked for
    assert room.sum() > 200
    assert held[room].mean() == pytest.approx(0.8, abs=0.06)
    assert (predicted["clv_lower_minor"] <= predicted["clv_minor"]).all()
    assert (predicted["clv_minor"] <= predicted["clv_upper_minor"]).all()


def test_levels_put_a_wrong_spread_right() -> None:
    # The spread is thought to be three times narrower than it is.
    rng = np.random.default_rng(1)
    spread = Spread(np.full(4_000, 0.05), np.full(4_000, 100.0), np.full(4_000, 9.0))
    real = np.where(rng.random(4_000) < 0.05, 0.0, rng.gamma(1.0, 105.0, 4_000))
    levels = Levels.fit(spread, real, rng.random(4_000))
    lower, upper, stated = levels.interval(spread, 0.8)
    assert ((real >= lower) & (real <= upper)).mean() == pytest.approx(0.8, abs=0.02)
    assert stated == pytest.approx(0.8, abs=0.02)
    lower, upper, _ = Levels.plain().interval(spread, 0.8)  # without them it holds far less
    assert ((real >= lower) & (real <= upper)).mean() < 0.6


def test_one_huge_outcome_moves_nobody_else(shop: Shop, fitted: ValueModel, monkeypatch: pytest.MonkeyPatch) -> None:
    # Emma orders 80,000 pieces within the outcomes that are learned from.
    outcomes = shop.training.outcomes.copy()
    row = np.flatnonzero(shop.training.newest & (outcomes["orders"] == 1).to_numpy())[0]
    outcomes.iloc[row, outcomes.columns.get_loc("net_minor")] = 4e9
    emma = shop.training.features.index[row]
    huge = type(shop.training)(shop.training.features, shop.training.dates, outcomes)
    others = shop.features.drop(index=emma)
    usual = fitted.predict(others, 365, 0.1, 0.8)["clv_minor"].sum()
    assert shop.fit(huge).predict(others, 365, 0.1, 0.8)["clv_minor"].sum() == pytest.approx(usual, rel=0.02)
    monkeypatch.setattr(value_model, "_capped", lambda outcomes, limit: outcomes)
    assert shop.fit(huge).predict(others, 365, 0.1, 0.8)["clv_minor"].sum() > 1.2 * usual


def test_the_season_to_come_is_read_off_a_year_ago() -> None:
    shop = Shop(seed=5, season=0.3)
    spent = shop.truth["net_minor"].to_numpy()
    unaware = shop.fit()
    aware = shop.fit(training_of(shop.days, [YEAR_AGO, *DATES], HORIZON))
    assert unaware.season == NO_SEASON
    without, with_it = (total_bias(spent, shop.clv(model)["clv_minor"].to_numpy()) for model in (unaware, aware))
    assert without > 0.2
    assert abs(with_it) < 0.6 * without


def test_without_a_season_a_year_ago_changes_little(shop: Shop) -> None:
    model = shop.fit(training_of(shop.days, [YEAR_AGO, *DATES], HORIZON))
    assert model.season != NO_SEASON
    assert model.season.learned == pytest.approx(1.0, abs=0.07)


def test_the_order_of_rows_does_not_matter_and_a_file_gives_the_same_model(
    shop: Shop, fitted: ValueModel, tmp_path: Any
) -> None:
    shuffled = shop.training.take(np.random.default_rng(1).permutation(len(shop.training.dates)))
    again = ValueModel.fit(shop.features.sample(frac=1, random_state=2), 50, shuffled, HORIZON, 1)
    pd.testing.assert_frame_equal(shop.clv(again), shop.clv(fitted), check_exact=True)
    digest = artifacts.save("value.skops", fitted, fitted, tmp_path)
    loaded, _ = artifacts.load("value.skops", digest, tmp_path)
    assert isinstance(loaded, ValueModel)
    pd.testing.assert_frame_equal(shop.clv(loaded), shop.clv(fitted), check_exact=True)
    assert loaded.rhythm is not None


def test_too_few_buyers_leave_the_process_alone(shop: Shop) -> None:
    few = shop.training.take(np.flatnonzero(shop.training.outcomes["orders"].to_numpy() == 0))
    model = shop.fit(few)
    assert model.learned is None
    assert np.isfinite(shop.clv(model).to_numpy()).all()


def test_everybody_bought_or_nobody_had_come_back_yet(shop: Shop) -> None:
    # One class only: nothing to tell buyers apart by. And a training date before the first second order.
    everybody = shop.training.take(np.flatnonzero(shop.training.outcomes["orders"].to_numpy() > 0))
    once = shop.training.take(np.flatnonzero(shop.training.features["count_order_days_lifetime"].to_numpy() == 1))
    for training in (everybody, once):
        model = shop.fit(training)
        assert model.learned is None
        assert np.isfinite(shop.clv(model).to_numpy()).all()


def test_columns_that_are_gone_are_named(shop: Shop, fitted: ValueModel) -> None:
    with pytest.raises(ValueError, match="missing now: overdue_ratio"):
        fitted.predict(shop.features.drop(columns="overdue_ratio"), HORIZON, 0.0, 0.8)


def test_expected_orders_of_several_horizons_are_those_of_predictions(shop: Shop, fitted: ValueModel) -> None:
    year = fitted.predict(shop.features, 365, 0.1, 0.8)["expected_orders"].to_numpy()
    orders = fitted.expected_orders(shop.features, [30, HORIZON], year, 365)
    np.testing.assert_allclose(orders[:, 1], shop.clv(fitted)["expected_orders"], rtol=1e-9)
    assert (orders[:, 0] <= orders[:, 1]).all()


def test_dates_of_next_orders_hold_what_they_say(shop: Shop, fitted: ValueModel) -> None:
    assert fitted.rhythm is not None
    waited = shop.truth["days_to_next"].to_numpy()
    came = np.isfinite(waited)
    early, middle, late = fitted.rhythm.days(fitted.process, shop.features, (0.1, 0.5, 0.9)).T
    inside = (waited >= np.floor(early)) & (waited <= np.floor(late))
    assert inside[came].mean() == pytest.approx(0.8, abs=0.05)
    assert (waited <= middle)[came].mean() == pytest.approx(0.5, abs=0.06)
    # Somebody due says more than somebody who has just ordered: rhythms are kept here.
    plain = Rhythm(HORIZON, np.tile(np.linspace(0, 1, 101), (11, 1)))
    unaware = plain.days(fitted.process, shop.features, (0.5,))[:, 0]
    errors = [np.abs(waited - days)[came].mean() for days in (middle, unaware)]
    assert errors[0] < 0.98 * errors[1]


def test_what_boosting_and_the_process_disagree_on_is_no_season() -> None:
    """In a company that began just before, boosting guesses at customers newer than any it saw (CDNOW: value 70 % too high)."""
    dates = np.repeat(np.array(["2025-01-01", "2025-12-01"], dtype="datetime64[D]"), 1_000)
    features, orders = pd.DataFrame({"said": np.where(dates < dates.max(), 0.7, 1.0)}), np.ones(2_000)

    def learned(by_process: float) -> SimpleNamespace:
        process = SimpleNamespace(orders=lambda rows, _: np.where(rows[["said"]] < 1, by_process, 1.0))
        return SimpleNamespace(
            horizon_days=60, process=process, predict=lambda rows: SimpleNamespace(orders=rows["said"].to_numpy())
        )

    assert season_of(features, orders, dates, learned(0.8)).learned > 1.2  # type: ignore[arg-type]
    assert season_of(features, orders, dates, learned(1.3)).learned == 1.0  # type: ignore[arg-type]
