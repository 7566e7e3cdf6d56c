"""Horizons three times as long as the outcomes that were learned: set right by what lengthening did inside the outcomes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from retention.models import metrics
from retention.models.artifacts import load, save
from retention.models.churn import ChurnModel, fit_churn
from retention.models.churn.lengthening import Lengthening, fit_lengthening
from retention.models.learning import TrainingSet
from tests.retention.models.histories import features_as_of, outcome, shoppers, training_of

AS_OF = date(2024, 12, 1)
LEARNED, ASKED = 80, 240


def regulars(customers: int, days: int, seed: int) -> pd.DataFrame:
    """Purchase days of people with gaps of about three weeks, who leave for good some day: customer_key, day, net_minor."""
    rng = np.random.default_rng(seed)
    gap, begin = 1 / rng.gamma(4.0, 1 / 80.0, customers), rng.uniform(0, days, customers)
    leaves = begin + rng.exponential(1.0, customers) / rng.gamma(0.7, 1 / 14.0, customers) * 7
    rows = []
    for customer in range(customers):
        day = begin[customer]
        while day < min(days, leaves[customer]):
            rows.append((1_000_003 * (customer + 1), int(day), 5_000))
            day += rng.gamma(3.0, gap[customer] / 3)
    frame = pd.DataFrame(rows, columns=["customer_key", "day", "net_minor"])
    frame["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["day"], unit="D")
    return frame.groupby(["customer_key", "day"], as_index=False)["net_minor"].sum()


@dataclass(frozen=True)
class Shop:
    training: TrainingSet
    later: TrainingSet


@pytest.fixture(scope="module")
def shop() -> Shop:
    """People who keep a rhythm, which the purchase process does not believe: it takes the silent to come back too often."""
    days = regulars(1400, 600, seed=3)
    newest = AS_OF - timedelta(days=LEARNED)
    features = features_as_of(days, AS_OF)
    followed = outcome(days, features.index, AS_OF, AS_OF + timedelta(days=ASKED))
    return Shop(
        training_of(days, [newest - timedelta(days=28), newest], LEARNED),
        TrainingSet(features, np.full(len(features), np.datetime64(AS_OF)), followed),
    )


@pytest.fixture(scope="module")
def model(shop: Shop) -> ChurnModel:
    return fit_churn(shop.training, LEARNED, 1, asked_days=ASKED)


def test_lengthening_sets_level_and_slope_right(shop: Shop, model: ChurnModel) -> None:
    followed = replace(model, lengthening=None)
    set_right, as_it_was = (one.predict(shop.later.features, ASKED) for one in (model, followed))
    truth = shop.later.churned
    # Turned off, the level is off by what the process gets wrong.
    assert abs(as_it_was.mean() - truth.mean()) > 0.05
    assert abs(set_right.mean() - truth.mean()) < abs(as_it_was.mean() - truth.mean()) - 0.02
    assert metrics.brier(truth, set_right) < metrics.brier(truth, as_it_was) - 0.004
    assert metrics.auc(truth, set_right) > metrics.auc(truth, as_it_was)


def test_following_counts_for_more_where_the_outcomes_say_so() -> None:
    # New customers come all the time, and how overdue they are says more the longer the horizon.
    days = shoppers(2200, 620, seed=4)
    newest = AS_OF - timedelta(days=LEARNED)
    training = training_of(days, [newest - timedelta(days=28), newest], LEARNED)
    features = features_as_of(days, AS_OF)
    truth = outcome(days, features.index, AS_OF, AS_OF + timedelta(days=ASKED))["churned"].to_numpy()
    learned = fit_churn(training, LEARNED, 1, asked_days=ASKED)
    assert learned.lengthening is not None
    assert learned.lengthening.share < 0.5
    halves = replace(learned, lengthening=replace(learned.lengthening, share=0.5))
    chosen, even = (one.predict(features, ASKED) for one in (learned, halves))
    assert metrics.log_loss(truth, chosen) < metrics.log_loss(truth, even) - 0.001


def test_what_was_learned_itself_stays_as_it_is(shop: Shop, model: ChurnModel) -> None:
    followed = replace(model, lengthening=None)
    for days in (10, LEARNED):
        np.testing.assert_array_equal(model.predict(shop.later.features, days), followed.predict(shop.later.features, days))


def test_silence_never_grows_likelier_with_the_horizon(shop: Shop, model: ChurnModel) -> None:
    horizons = (LEARNED, LEARNED + 1, 100, 160, ASKED, 365, 2000)
    table = np.column_stack([model.predict(shop.later.features, days) for days in horizons])
    assert np.isfinite(table).all()
    assert (table[:, 1:] <= table[:, :1] + 1e-12).all()
    assert np.abs(table[:, 1] - table[:, 0]).max() < 0.03
    assert (np.diff(table.mean(axis=0)) < 0).all()


def test_lines_count_in_proportion_to_the_way() -> None:
    z = np.linspace(-3, 3, 7)
    lengthened = Lengthening(3.0, followed=(0.0, 1.0), learned=(-1.2, 1.1))
    np.testing.assert_allclose(lengthened.log_odds(z, z, 1.0), z)
    np.testing.assert_allclose(lengthened.log_odds(z, z - 1, 3.0), np.minimum(((z - 1) + (1.1 * z - 1.2)) / 2, z))
    np.testing.assert_allclose(lengthened.log_odds(z, z - 1, 3**0.5), np.minimum(((z - 1) + (1.05 * z - 0.6)) / 2, z))
    # Nine times is twice the way: the learned horizon's line is asked beyond what it saw, and counts half as much.
    np.testing.assert_allclose(
        lengthened.log_odds(z, z - 2, 9.0), np.minimum(0.75 * (z - 2) + 0.25 * (1.2 * z - 2.4), z), atol=1e-12
    )


def test_a_stored_model_lengthens_alike_and_an_older_file_does_not(shop: Shop, model: ChurnModel, tmp_path) -> None:
    stored = load("churn.skops", save("churn.skops", model, model, tmp_path), tmp_path)[0]
    assert isinstance(stored, ChurnModel)
    np.testing.assert_array_equal(stored.predict(shop.later.features, ASKED), model.predict(shop.later.features, ASKED))
    known = model.to_dict()
    del known["lengthening"]
    assert ChurnModel.from_dict(known).lengthening is None


def test_where_there_is_nothing_to_learn_it_from_silence_is_followed(shop: Shop) -> None:
    def never(*_: object) -> ChurnModel:
        raise AssertionError("fitted on too little")

    few = shop.training.take(np.arange(120))
    assert fit_lengthening(few, LEARNED, ASKED, never) is None
    assert fit_lengthening(shop.training, 7, 100, never) is None
    unknown = TrainingSet(shop.training.features, shop.training.dates, shop.training.outcomes.drop(columns="days_to_next"))
    assert fit_lengthening(unknown, LEARNED, ASKED, never) is None
    assert fit_churn(shop.training, LEARNED, 1, asked_days=LEARNED).lengthening is None
