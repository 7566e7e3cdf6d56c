"""Scoring: every purchaser of the date, by the champion or by the marked fallback, and the gates that stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from threadpoolctl import threadpool_info

from retention import features, models
from retention.models import artifacts, day, drift, inputs, learning, parts, profile, scoring
from retention.models.learning import limited_threads
from retention.warehouse import DatabaseFailed, Fenced, Run, read_frame
from tests.retention.models.company import SHORT, load_orders
from tests.retention.models.day import FrameDay, published_features

pytestmark = pytest.mark.usefixtures("two_scores")
ALL_PARTS = parts.SCORING
BY_RANGE = parts.SCORING_BY_RANGE


def published(run: Run, table: str) -> pd.DataFrame:
    return read_frame(run.warehouse, f"select * from {table} where as_of_date = :as_of_date order by customer_key", run.binds())


@pytest.fixture
def small_run(make_run: Callable[..., Run], home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Ana ordered 30 days ago for 100.00 and 120 days ago for 50.00; Bo once, 400 days ago. All parts score."""
    monkeypatch.setattr(parts, "SCORING", ALL_PARTS)
    monkeypatch.setattr(parts, "SCORING_BY_RANGE", BY_RANGE)
    run = make_run()
    days = {"Ana": (1, [(30, 100_00), (120, 50_00)]), "Bo": (2, [(400, 80_00)])}
    load_orders(
        run,
        pd.DataFrame(
            [
                {"customer_key": key, "date": run.as_of_date - timedelta(days=ago), "net_minor": value}
                for key, orders in days.values()
                for ago, value in orders
            ]
        ),
    )
    features.build(run)
    return run


def test_a_newer_try_is_not_overwritten_by_one_that_read_before_it(small_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = replace(small_run, attempt=replace(small_run.attempt, try_number=small_run.attempt.try_number + 1))
    look = scoring.given

    def look_and_stall(run: Run, *arguments: Any) -> scoring.Given:
        found = look(run, *arguments)
        if run is small_run:
            models.score(newer)
        return found

    monkeypatch.setattr(scoring, "given", look_and_stall)
    # Its staging is gone, so that it may fail there before it finds the newer token.
    with pytest.raises((Fenced, DatabaseFailed)):
        models.score(small_run)
    with small_run.warehouse.connect() as connection:
        sql = sa.text("select distinct token from ops.published where table_name like 'scores.%'")
        assert connection.execute(sql).scalars().all() == [2]


def test_without_a_champion_the_fallback_scores_and_says_so(small_run: Run) -> None:
    result = models.score(small_run)
    assert result["scores.churn"] == result["scores.clv"] == 2
    assert result["churn_is_fallback"]
    assert result["clv_is_fallback"]
    ana, bo = published(small_run, "scores.churn").to_dict("records")
    assert ana["churn_probability"] == pytest.approx(30 / 120)
    assert bo["churn_probability"] == pytest.approx(400 / 490)
    assert ana["model_version"] == "fallback-recency"
    assert ana["calibration_id"] == "none"
    assert ana["is_fallback"]
    assert (ana["horizon_days"], ana["definition"]) == (90, "no_paid_order_90d.v1")
    ana, bo = published(small_run, "scores.clv").to_dict("records")
    assert ana["clv_12m_minor"] == round(150_00 * 0.75)
    assert bo["clv_12m_minor"] == 0  # nothing bought in the past year
    assert ana["definition"] == "net_value_365d_discount_0.1.v1"
    assert pd.isna(ana["clv_12m_lower_minor"])
    assert ana["is_fallback"]


def test_scores_of_the_champion_carry_where_they_come_from(trained_run: Run, trained: dict[str, Any]) -> None:
    features.build(trained_run)
    result = models.score(trained_run)
    churn, clv = published(trained_run, "scores.churn"), published(trained_run, "scores.clv")
    orders = published(trained_run, "features.customer_orders")
    assert len(churn) == len(clv) == len(orders) == result["scores.churn"]
    assert set(churn["model_version"]) == {trained["churn"]["model_version"]}
    assert set(clv["model_version"]) == {trained["clv"]["model_version"]}
    calibrated = trained_run.as_of_date - timedelta(days=60)
    assert set(churn["calibration_id"]) == {f"{trained['churn']['model_version']}@{calibrated}"}
    assert not churn["is_fallback"].any()
    assert churn["churn_probability"].between(0, 1).all()
    assert churn["churn_probability"].nunique() > 0.5 * len(churn)
    assert (clv["clv_12m_lower_minor"] <= clv["clv_12m_minor"]).all()
    assert (clv["clv_12m_minor"] <= clv["clv_12m_upper_minor"]).all()
    assert clv["probability_alive"].between(0, 1).all()
    # Discounted value is a little less than orders times value.
    ratio = clv["clv_12m_minor"].sum() / (clv["expected_orders_12m"] * clv["expected_order_value_minor"]).sum()
    assert 0.94 < ratio < 0.97
    # Whoever has been silent for long is likelier to stay away.
    recency = orders["recency_days"]
    assert np.corrcoef(recency.rank(), churn["churn_probability"].rank())[0, 1] > 0.3


def test_scoring_again_gives_the_same_rows(trained_run: Run) -> None:
    features.build(trained_run)
    models.score(trained_run)
    first = published(trained_run, "scores.churn"), published(trained_run, "scores.clv")
    models.score(trained_run)
    pd.testing.assert_frame_equal(published(trained_run, "scores.churn"), first[0])
    pd.testing.assert_frame_equal(published(trained_run, "scores.clv"), first[1])


def test_the_number_of_ranges_changes_no_score_and_no_gate(trained_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    features.build(trained_run)
    monkeypatch.setattr(parts, "SCORING", ("retention.models.reasons.table:rows", "retention.models.warning_signs:rows"))
    monkeypatch.setattr(parts, "SCORING_BY_RANGE", BY_RANGE)
    monkeypatch.setattr(drift, "LARGEST_SAMPLE", 150)
    tables = ("scores.churn", "scores.clv", "scores.repurchase", "scores.reason", "scores.warning", "ops.score_drift")
    found = {}
    for cores, customers in (("1", 10**6), ("2", 97), ("3", 251)):
        monkeypatch.setenv("RETENTION_CORES", cores)
        monkeypatch.setattr(day, "RANGE_CUSTOMERS", customers)
        models.score(trained_run)
        with trained_run.warehouse.connect() as connection:
            found[customers] = [
                connection.execute(
                    sa.text(f"select to_jsonb(stored) - 'measured_at' from {table} as stored order by cast(stored as text)")
                ).all()
                for table in tables
            ]
    assert len(found[97][0]) > 300
    assert all(found[10**6])
    for customers in (97, 251):
        for table, one, other in zip(tables, found[10**6], found[customers], strict=True):
            assert one == other, table


def test_features_published_while_they_are_read_stop_the_scores(trained_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    features.build(trained_run)
    read = day.Day.read

    def published_again(self: day.Day, *arguments: Any) -> pd.DataFrame:
        found = read(self, *arguments)
        with trained_run.warehouse.begin() as connection:
            connection.execute(sa.text("update ops.published set token = token + 1000 where table_name like 'features.%'"))
        return found

    monkeypatch.setattr(day.Day, "read", published_again)
    with pytest.raises(day.FeaturesChanged, match=str(trained_run.as_of_date)):
        models.score(trained_run)
    assert published(trained_run, "scores.churn").empty
    monkeypatch.setattr(day.Day, "check_unchanged", lambda self: None)
    models.score(trained_run)  # without that check nobody would notice
    assert not published(trained_run, "scores.churn").empty


def test_chosen_customers_are_read_like_everybody(trained_run: Run) -> None:
    features.build(trained_run)
    known = day.Day.of(trained_run)
    whole = published_features(trained_run)
    for chosen in (known.keys[::7], known.keys[5:6], known.keys[:0], known.keys[1:]):
        pd.testing.assert_frame_equal(known.read(chosen, inputs.model_columns()), whole.loc[chosen])
    with pytest.raises(inputs.FeaturesMissing, match="shoe_size"):
        known.read(known.keys, ("recency_days", "shoe_size"))


def test_neither_row_order_nor_threads_change_a_score(trained_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = inputs.past_features(trained_run, trained_run.as_of_date)
    shuffled = frame.sample(frac=1, random_state=3)
    churn = artifacts.load(*_file(trained_run, "churn"))[0]
    clv = artifacts.load(*_file(trained_run, "clv"))[0]
    expected = pd.Series(churn.predict(frame), frame.index)
    monkeypatch.setattr(learning, "ROWS_PER_THREAD", 100)
    for cores in ("1", "2"):
        monkeypatch.setenv("RETENTION_CORES", cores)
        pd.testing.assert_series_equal(pd.Series(churn.predict(shuffled), shuffled.index).sort_index(), expected)
    values = clv.predict(frame, 365, 0.1, 0.8)
    pd.testing.assert_frame_equal(clv.predict(shuffled, 365, 0.1, 0.8).sort_index(), values)


def test_threads_keep_to_the_cores_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_CORES", "1")
    with limited_threads(10**6):
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
    monkeypatch.setenv("RETENTION_CORES", "2")
    with limited_threads(10**6):
        assert {pool["num_threads"] for pool in threadpool_info()} == {2}
    with limited_threads(1_000):  # too few rows to share
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}


def _file(run: Run, kind: str) -> tuple[str, str]:
    champion = models.champion(run.warehouse, kind)
    return champion.file_name, champion.file_sha256


# -- what stops it ----------------------------------------------------------------------------------------------------


def test_features_that_are_not_published_stop_it(company_run: Run) -> None:
    with pytest.raises(features.MissingSlice, match=str(company_run.as_of_date)):
        models.score(company_run)


def test_a_changed_model_file_stops_it_and_leaves_the_last_scores(trained_run: Run, home: Path) -> None:
    features.build(trained_run)
    models.score(trained_run)
    before = published(trained_run, "scores.churn")
    name, _ = _file(trained_run, "churn")
    (home / "models" / name).write_bytes(b"something else")
    with pytest.raises(artifacts.ModelFileRefused):
        models.score(trained_run)
    pd.testing.assert_frame_equal(published(trained_run, "scores.churn"), before)


def test_a_champion_for_another_definition_does_not_score(trained_run: Run, make_run: Callable[..., Run]) -> None:
    changed = replace(SHORT, churn=replace(SHORT.churn, horizon_days=30))
    run = make_run(settings=changed)
    features.build(run)
    result = models.score(run)
    assert result["churn_is_fallback"]
    assert not result["clv_is_fallback"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda f: f.assign(recency_days=7.0), "recency_days", id="constant feature"),
        pytest.param(lambda f: f.assign(mean_days_between_orders=np.nan), "mean_days_between_orders 100%", id="gone null"),
        pytest.param(
            lambda f: pd.concat([f.nlargest(1, "net_minor_lifetime")] * len(f)),
            "one and the same value",
            id="one row for everybody",
        ),
    ],
)
def test_broken_features_stop_the_scores(trained_run: Run, monkeypatch, damage, message: str) -> None:
    features.build(trained_run)
    frame = published_features(trained_run)
    monkeypatch.setattr(scoring.Day, "of", lambda run: FrameDay.holding(run, damage(frame)))
    with pytest.raises(profile.ScoresStopped, match=message):
        models.score(trained_run)
    assert published(trained_run, "scores.churn").empty


def test_without_that_gate_the_damage_would_be_published(trained_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    features.build(trained_run)
    frame = published_features(trained_run)
    monkeypatch.setattr(scoring.Day, "of", lambda run: FrameDay.holding(run, frame.assign(recency_days=7.0, tenure_days=8.0)))
    monkeypatch.setattr(profile, "check_scores", lambda *arguments: None)
    right = artifacts.load(*_file(trained_run, "churn"))[0].predict(frame)
    models.score(trained_run)
    assert abs(published(trained_run, "scores.churn")["churn_probability"].mean() - right.mean()) > 0.05


def test_few_distinct_scores_stop() -> None:
    frame = pd.DataFrame({"a": np.arange(500.0)})
    before = profile.score_profile(frame, np.linspace(0, 1, 500))
    profile.check_scores("scores.churn", frame, np.linspace(0, 1, 500), before)
    with pytest.raises(profile.ScoresStopped, match=r"0\.6% distinct scores, training had 100\.0%"):
        profile.check_scores("scores.churn", frame, np.repeat([0.1, 0.2, 0.3], [200, 200, 100]), before)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_scores_that_are_no_numbers_stop(wrong: float) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    with pytest.raises(profile.ScoresStopped, match="1 of 2 scores are missing or infinite"):
        profile.check_scores("scores.churn", frame, np.array([0.5, wrong]), {})


def test_a_protected_attribute_among_the_features_stops_everything(company_run: Run, monkeypatch) -> None:
    for name in ("gender", "age", "birth_year", "region", "customer_city"):
        monkeypatch.setattr(inputs.features, "model_features", lambda name=name: ["recency_days", name])
        with pytest.raises(inputs.ProtectedFeature, match=name):
            models.train(company_run)


def test_no_contract_offers_a_protected_attribute() -> None:
    names = inputs.model_columns()
    assert len(names) >= 40
    assert not [name for name in names if inputs.PROTECTED.search(name)]


def test_a_company_without_purchasers_publishes_empty_slices(small_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = published_features(small_run).iloc[:0]
    monkeypatch.setattr(scoring.Day, "of", lambda run: FrameDay.holding(run, nobody))
    assert models.score(small_run)["scores.churn"] == 0
    with small_run.warehouse.connect() as connection:
        rows = connection.execute(sa.text("select rows from ops.published where table_name = 'scores.clv'")).scalar_one()
    assert rows == 0
