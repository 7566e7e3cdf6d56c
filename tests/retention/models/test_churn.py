"""Churn on companies with known truth: what is learned, for which horizon, at which level, and what features are worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from retention.models import metrics
from retention.models.artifacts import load, save
from retention.models.btyd import BetaGeoNBD
from retention.models.churn import ChurnModel, fit_churn, level, process_churn
from retention.models.churn.ablation import ablation, feature_groups
from retention.models.learning import TrainingSet, with_season
from retention.models.purchases import purchases

HORIZON = 90
NEWEST = date(2025, 6, 1)


def company(
    days: list[date],
    *,
    size: int = 1500,
    seed: int = 1,
    season: float = 0.0,
    angry: float = 0.0,
    distant: float = 0.0,
    horizon: int = HORIZON,
) -> TrainingSet:
    """Customers as of dates, with what became of them.

    Everybody buys at a rate of their own (gamma distributed). `season`: how far sales swing over the year, highest in
    December. `angry`: log-odds by which each complaint of late makes leaving for good likelier. `distant`: log-odds by which
    each touch of late makes it less likely.
    """
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.7, 1 / 60, size)
    frames, tags, churned = [], [], []
    for day in days:
        tenure = rng.integers(30, 700, size).astype(np.float64)
        repeats = rng.poisson(rate * tenure).astype(np.float64)
        last = np.where(repeats > 0, tenure * rng.random(size) ** (1 / np.maximum(repeats, 1)), 0.0)
        recency = np.maximum(1.0, np.floor(tenure - last))
        complaints, touches = rng.poisson(0.3, size).astype(np.float64), rng.poisson(2.0, size).astype(np.float64)
        between = np.where(repeats > 0, (tenure - recency) / np.maximum(repeats, 1), np.nan)
        frames.append(
            pd.DataFrame(
                {
                    "recency_days": recency,
                    "tenure_days": tenure,
                    "count_order_days_lifetime": repeats + 1,
                    "repeat_order_value_mean_minor": np.where(repeats > 0, 5_000.0, np.nan),
                    "mean_days_between_orders": between,
                    "overdue_ratio": recency / np.where(between > 0, between, np.nan),
                    "count_complaints_90d": complaints,
                    "count_interactions_90d": touches,
                    "mean_csat_365d": np.nan,
                    "count_cancelled_orders_365d": 0.0,
                },
                index=pd.RangeIndex(1, size + 1, name="customer_key"),
            )
        )
        middle = day + timedelta(days=horizon // 2)
        swing = 1 + season * np.cos(2 * np.pi * (middle.timetuple().tm_yday - 350) / 365)
        drive = np.where(angry > 0, expit(-3 + angry * complaints), 0.0) + np.where(distant > 0, expit(-distant * touches), 0.0)
        leaves = rng.random(size) < drive
        churned.append(np.where(leaves | (rng.random(size) < np.exp(-rate * swing * horizon)), 1.0, 0.0))
        tags.append(np.full(size, np.datetime64(day, "D")))
    rows = pd.concat(frames)
    return TrainingSet(rows, np.concatenate(tags), pd.DataFrame({"churned": np.concatenate(churned)}, index=rows.index))


def back(newest: date, count: int = 2) -> list[date]:
    return [newest - timedelta(days=28 * step) for step in reversed(range(count))]


@pytest.fixture(scope="module")
def training() -> TrainingSet:
    return company(back(NEWEST), angry=1.5)


@pytest.fixture(scope="module")
def model(training: TrainingSet) -> ChurnModel:
    return fit_churn(training, HORIZON, 1)


@pytest.fixture(scope="module")
def later() -> TrainingSet:
    return company([NEWEST + timedelta(days=HORIZON)], size=4000, seed=2, angry=1.5)


def test_churn_is_ranked_and_levelled_out_of_time(model: ChurnModel, later: TrainingSet) -> None:
    predicted = model.predict(later.features)
    h = purchases(later.features)
    process = process_churn(later.features, HORIZON, BetaGeoNBD().fit(h.frequency, h.recency, h.T))
    assert metrics.auc(later.churned, predicted) > metrics.auc(later.churned, process) + 0.004
    assert metrics.brier(later.churned, predicted) < metrics.brier(later.churned, process)
    assert abs(predicted.mean() - later.churned.mean()) < 0.03
    assert metrics.calibration_slope(later.churned, predicted) == pytest.approx(1.0, abs=0.2)


def test_what_says_nothing_is_not_learned_from(model: ChurnModel) -> None:
    # A survey nobody answered and a count that is zero for all.
    assert {"mean_csat_365d", "count_cancelled_orders_365d"}.isdisjoint(model.features)
    assert "count_complaints_90d" in model.features


def test_parts_sum_to_the_log_odds(model: ChurnModel, later: TrainingSet) -> None:
    total = np.zeros(len(later.features))
    for part in model.additive_parts(later.features):
        if hasattr(part, "boosting"):
            total += part.weight * part.boosting.decision_function(part.matrix)
        else:
            total += part.weight * (part.intercept + part.values @ part.coefficients)
    np.testing.assert_allclose(total, model.log_odds(later.features), atol=1e-9, rtol=0)


def test_neither_order_of_rows_nor_a_file_changes_a_score(
    training: TrainingSet, model: ChurnModel, later: TrainingSet, tmp_path
) -> None:
    shuffled = np.random.default_rng(3).permutation(len(training.dates))
    again = fit_churn(training.take(shuffled), HORIZON, 1)
    expected = model.predict(later.features)
    np.testing.assert_array_equal(again.predict(later.features), expected)
    back_to_front = later.features.iloc[::-1]
    np.testing.assert_allclose(model.predict(back_to_front)[::-1], expected, atol=1e-12)
    digest = save("churn.skops", model, model, tmp_path)
    stored = load("churn.skops", digest, tmp_path)[0]
    assert isinstance(stored, ChurnModel)
    for horizon in (None, 30, 200):
        np.testing.assert_array_equal(stored.predict(later.features, horizon), model.predict(later.features, horizon))


# -- horizons ---------------------------------------------------------------------------------------------------------


def test_longer_horizons_never_raise_the_chance_of_silence(model: ChurnModel, later: TrainingSet) -> None:
    table = np.column_stack([model.predict(later.features, days) for days in (1, 7, 30, 89, 90, 91, 120, 180, 181, 365, 3650)])
    assert np.isfinite(table).all()
    assert (np.diff(table, axis=1) <= 1e-12).all()
    # No step where the model learned from hands over to what follows it.
    assert np.abs(table[:, 5] - table[:, 3]).max() < 0.03


@pytest.mark.parametrize("horizon", [30, 180, 270])
def test_other_horizons_keep_the_level_of_a_steady_company(horizon: int) -> None:
    learned = fit_churn(company(back(NEWEST), size=2500), HORIZON, 1)
    asked = company([NEWEST + timedelta(days=HORIZON)], size=4000, seed=2, horizon=horizon)
    predicted = learned.predict(asked.features, horizon)
    assert abs(predicted.mean() - asked.churned.mean()) < 0.03
    assert metrics.calibration_slope(asked.churned, predicted) == pytest.approx(1.0, abs=0.25)


def test_without_repeat_buyers_there_is_an_answer_for_every_horizon() -> None:
    data = company(back(NEWEST), size=600, seed=4)
    once = data.features.assign(count_order_days_lifetime=1.0, mean_days_between_orders=np.nan, overdue_ratio=np.nan)
    learned = fit_churn(TrainingSet(once, data.dates, data.outcomes), HORIZON, 1)
    assert learned.process is None
    table = np.column_stack([learned.predict(once, days) for days in (30, 90, 200)])
    assert np.isfinite(table).all()
    assert (np.diff(table, axis=1) <= 0).all()


def test_a_horizon_of_no_days_and_one_class_are_refused(model: ChurnModel, training: TrainingSet, later: TrainingSet) -> None:
    with pytest.raises(ValueError, match="at least 1 day, not 0"):
        model.predict(later.features, 0)
    with pytest.raises(ValueError, match="columns that are missing now: recency_days"):
        model.predict(later.features.drop(columns="recency_days"))
    everybody = TrainingSet(training.features, training.dates, training.outcomes.assign(churned=1.0))
    with pytest.raises(ValueError, match="who churned and customers who stayed"):
        fit_churn(everybody, HORIZON, 1)


# -- level ------------------------------------------------------------------------------------------------------------


def test_dates_of_the_season_are_those_of_a_year_ago() -> None:
    newest = date(2025, 6, 1)
    dates = with_season([newest - timedelta(days=28), newest], HORIZON, date(2024, 1, 1))
    assert dates == [date(2024, 6, 2), date(2024, 8, 31), newest - timedelta(days=28), newest]
    assert with_season([newest], HORIZON, date(2024, 7, 1)) == [newest]
    assert with_season([newest], 400, date(2020, 1, 1)) == [newest]


def test_the_level_follows_the_season_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    # Learned on outcomes of early autumn, asked in November: last year's Christmas says what is to come.
    newest = date(2025, 8, 10)
    data = company(with_season(back(newest), HORIZON, date(2024, 1, 1)), season=0.6, size=2000)
    asked = company([newest + timedelta(days=HORIZON)], season=0.6, size=4000, seed=2)
    learned = fit_churn(data, HORIZON, 1)
    assert learned.season_shift < -0.2
    gap = abs(learned.predict(asked.features).mean() - asked.churned.mean())
    monkeypatch.setattr(level, "SEASON_TRUST", 0.0)
    without = fit_churn(data, HORIZON, 1)
    assert abs(without.predict(asked.features).mean() - asked.churned.mean()) > gap + 0.02
    assert gap < 0.035


def test_a_company_without_season_is_left_where_it_is() -> None:
    data = company(with_season(back(NEWEST), HORIZON, date(2024, 1, 1)), size=2000, seed=6)
    assert abs(fit_churn(data, HORIZON, 1).season_shift) < 0.12


# -- ablation ---------------------------------------------------------------------------------------------------------


def test_complaints_earn_their_place_where_they_drive_customers_away(training: TrainingSet, later: TrainingSet) -> None:
    groups = feature_groups(list(training.features.columns))
    assert groups["service"] == ["count_complaints_90d"]
    assert "count_interactions_90d" in groups["engagement"]
    worth = {found.group: found for found in ablation(training, later, HORIZON, 1, groups)}
    assert worth["service"].lower > 0.005
    # What has nothing to do with leaving brings nothing, and costs next to nothing.
    assert worth["engagement"].log_loss == pytest.approx(0.0, abs=0.004)
    assert "basket" not in worth


def test_engagement_earns_its_place_where_its_absence_drives_customers_away() -> None:
    learned = company(back(NEWEST), distant=0.8)
    later = company([NEWEST + timedelta(days=HORIZON)], size=3000, seed=2, distant=0.8)
    groups = feature_groups(list(learned.features.columns))
    worth = {found.group: found for found in ablation(learned, later, HORIZON, 1, groups)}
    assert worth["engagement"].lower > 0.003
    assert worth["service"].log_loss == pytest.approx(0.0, abs=0.004)


def test_many_rows_are_thinned_by_whole_customers() -> None:
    data = company(back(NEWEST), size=400, seed=7)
    few = data.ordered(300)
    assert 150 < len(few.dates) < 450
    assert set(few.features.index.value_counts()) == {2}
    assert replace(few).churned.mean() == pytest.approx(data.churned.mean(), abs=0.1)
