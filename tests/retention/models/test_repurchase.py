"""Repurchase: probabilities that never contradict churn, expected orders, dates; the marked fallback."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retention import features, models
from retention.models.coherence import MOST_PER_BUYER, reconciled
from retention.models.repurchase import HORIZONS_DAYS, probabilities_and_orders, rows, steady
from retention.models.scoring import given
from retention.warehouse import Run, read_frame
from tests.retention.models.company import SHORT
from tests.retention.models.day import published_features
from tests.retention.models.test_scoring import small_run as small_run


def published(run: Run) -> pd.DataFrame:
    sql = "select * from scores.repurchase where as_of_date = :as_of_date order by customer_key"
    return read_frame(run.warehouse, sql, run.binds())


def test_without_champions_a_steady_rhythm_is_assumed_and_marked(small_run: Run) -> None:
    models.score(small_run)
    ana, bo = published(small_run).to_dict("records")
    churn = 30 / 120  # the fallback of churn for 90 days
    assert ana["probability_90d"] == pytest.approx(1 - churn)
    assert ana["probability_30d"] == pytest.approx(1 - churn ** (1 / 3))
    assert ana["is_fallback"]
    assert bo["is_fallback"]
    # Ana orders every 90 days and did 30 days ago; of Bo, who ordered once, no date can be said.
    assert ana["next_order_date"] == small_run.as_of_date + timedelta(days=60)
    assert (ana["usual_gap_days"], ana["overdue_ratio"]) == (90, pytest.approx(1 / 3))
    assert pd.isna(ana["next_order_from"])
    assert pd.isna(bo["next_order_date"])
    assert pd.isna(bo["overdue_ratio"])


def test_champions_give_probabilities_orders_and_dates(trained_run: Run, trained: dict[str, Any]) -> None:
    features.build(trained_run)
    known = replace(given(trained_run), features=published_features(trained_run))
    table = rows(trained_run, known)["scores.repurchase"]
    assert not table["is_fallback"].any()
    assert table["probability_30d"].between(0, 1).all()
    assert (table["probability_30d"] <= table["probability_90d"]).all()
    # The churn horizon here is 60 days: in between, and of the same order of customers.
    stays = 1 - known.churn["churn_probability"].to_numpy()
    assert (table["probability_30d"] <= stays + 1e-9).mean() > 0.95
    assert (table["probability_90d"] >= stays - 1e-9).mean() > 0.95
    assert table["probability_90d"].corr(pd.Series(stays), method="spearman") > 0.95
    assert (table["expected_orders_90d"] >= table["probability_90d"]).all()
    assert known.clv_model is not None
    # Whoever orders orders once at least, and hardly more than twice as often as such buyers do; longer waits hold shorter ones.
    probability, orders = probabilities_and_orders(trained_run, known)
    twelve, days = known.clv["expected_orders_12m"].to_numpy(), int(known.clv["horizon_days"].iloc[0])
    per_buyer = known.clv_model.orders_and_buyers(known.features, list(HORIZONS_DAYS), twelve, days)[1]
    assert (orders >= probability).all()
    assert (orders[:, 0] <= MOST_PER_BUYER * per_buyer[:, 0] * probability[:, 0] * (1 + 1e-9)).all()
    assert (np.diff(probability, axis=1) >= 0).all()
    assert (np.diff(orders, axis=1) >= 0).all()
    assert known.clv_model.rhythm is not None
    assert known.clv_model.learned is not None
    dates = table[["next_order_from", "next_order_date", "next_order_until"]].astype("datetime64[s]")
    assert (dates["next_order_from"] <= dates["next_order_date"]).all()
    assert (dates["next_order_date"] <= dates["next_order_until"]).all()
    assert (dates["next_order_date"] >= pd.Timestamp(trained_run.as_of_date)).all()
    assert set(table["orders_model_version"]) == {trained["clv"]["model_version"]}
    models.score(trained_run)
    assert len(published(trained_run)) == len(table)


def test_frequent_buyers_who_fell_silent_are_not_given_up_beside_orders() -> None:
    """Ana, 22 orders and then silence, on a horizon that was not learned: the orders stand. Bo's was learned: his chance stands."""
    buying, orders, per_buyer = np.array([1e-4, 0.3]), np.array([0.6, 0.5]), np.array([6.0, 1.8])
    stretched = reconciled(buying, orders, per_buyer, is_learned=False)
    np.testing.assert_allclose(stretched, [[0.05, 0.3], [0.6, 0.5]])
    learned = reconciled(buying, orders, per_buyer, is_learned=True)
    np.testing.assert_allclose(learned, [[1e-4, 0.3], [12e-4, 0.5]])
    once = reconciled(np.array([0.4]), np.array([0.1]), np.array([1.0]), is_learned=True)
    np.testing.assert_allclose(once, [[0.4], [0.4]])


def test_equal_horizons_are_equal_numbers(small_run: Run) -> None:
    # 90 days are the churn horizon of the shipped settings: to the last digit one less churn.
    known = given(small_run)
    table = rows(small_run, known)["scores.repurchase"]
    np.testing.assert_array_equal(table["probability_90d"], 1 - known.churn["churn_probability"].to_numpy())
    assert SHORT.churn.horizon_days == 60  # and the trained company's are another


def test_a_steady_rhythm_multiplies_silence() -> None:
    assert steady(np.array([0.25, 0.0, 1.0]), 2.0).tolist() == [0.0625, 0.0, 1.0]
