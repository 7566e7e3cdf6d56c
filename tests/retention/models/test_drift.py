"""Drift: a day's inputs and scores beside those of training; what is reported, what is kept, what stops a publish."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from retention import features, models
from retention.models import drift, profile, scoring
from retention.settings_models import DriftSettings
from retention.warehouse import Run, read_frame
from tests.retention.models.day import FrameDay, published_features

RNG = np.random.default_rng(3)
TRAINING = pd.DataFrame({"recency_days": RNG.gamma(2, 30, 2_000), "spend": RNG.gamma(1, 100, 2_000)})
SCORES = RNG.beta(2, 2, 2_000)
PROFILE = profile.score_profile(TRAINING, SCORES)


def levels(frame: pd.DataFrame, scores: np.ndarray = SCORES, settings: DriftSettings | None = None) -> dict[str, str]:
    return {found.name: found.level for found in drift.find_drift(frame, scores, PROFILE, settings or DriftSettings())}


def test_the_index_by_hand() -> None:
    # Half of training lay on each side of 1; now nine in ten lie above: 0.4 ln(1.8) - 0.4 ln(0.2) = 0.879.
    before = {"edges": [1.0], "shares": [0.5, 0.5], "known": 1000}
    index, chance = drift.stability_index(before, np.repeat([0.5, 2.0], [100, 900]))
    assert index == pytest.approx(0.4 * np.log(9.0), abs=1e-9)
    assert chance == pytest.approx(1 / 1000 + 1 / 1000)


def test_the_same_population_is_alike_and_a_longer_silence_is_not() -> None:
    other = pd.DataFrame({"recency_days": RNG.gamma(2, 30, 900), "spend": RNG.gamma(1, 100, 900)})
    assert set(levels(other, RNG.beta(2, 2, 900)).values()) == {"ok"}
    assert levels(other.assign(recency_days=other["recency_days"] + 25))["recency_days"] == "warn"
    assert levels(other.assign(recency_days=other["recency_days"] + 400))["recency_days"] == "stop"


def test_what_grows_with_the_calendar_is_told_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A panel: everybody came in the same weeks, so a quarter later nobody has the tenure that anybody had in training."""
    panel = pd.DataFrame({"tenure_days": RNG.normal(230, 10, 2_000)})
    learned = profile.score_profile(panel, SCORES)

    def level() -> str:
        found = drift.find_drift(panel + 90, SCORES, learned, DriftSettings())
        return next(each.level for each in found if each.name == "tenure_days")

    assert level() == "warn"
    monkeypatch.setattr(drift, "GROWING", re.compile("nothing"))
    assert level() == "stop"


def test_few_customers_differ_by_chance_and_raise_nothing() -> None:
    loud = 0
    for seed in range(40):
        small = np.random.default_rng(seed).gamma(2, 30, 60)
        loud += levels(pd.DataFrame({"recency_days": small}))["recency_days"] != "ok"
    assert loud <= 1


def test_without_the_allowance_for_chance_they_would(monkeypatch: pytest.MonkeyPatch) -> None:
    original = drift.stability_index

    def blunt(before, values):
        found = original(before, values)
        return found and (found[0], 0.0)

    monkeypatch.setattr(drift, "stability_index", blunt)
    loud = 0
    for seed in range(40):
        small = np.random.default_rng(seed).gamma(2, 30, 60)
        loud += levels(pd.DataFrame({"recency_days": small}))["recency_days"] != "ok"
    assert loud > 5


def test_scores_of_another_company_stop_and_the_levels_are_settings() -> None:
    far = np.clip(SCORES / 4, 0, 1)
    assert levels(TRAINING, far)["score"] == "stop"
    with pytest.raises(profile.ScoresStopped, match=r"population stability index: score \d"):
        profile.check_scores("scores.churn 2026-04-01", TRAINING, far, PROFILE)
    patient = replace(DriftSettings(), stop_score_index=100.0)
    assert levels(TRAINING, far, patient)["score"] == "warn"
    profile.check_scores("scores.churn 2026-04-01", TRAINING, far, PROFILE, patient)


def test_a_model_registered_before_shapes_were_kept_is_not_compared() -> None:
    old = {name: value for name, value in PROFILE.items() if name != "shapes"}
    found = drift.find_drift(TRAINING + 500, SCORES, old, DriftSettings())
    assert {row.psi for row in found} == {None}
    profile.check_scores("scores.churn", TRAINING, SCORES, old)


@pytest.mark.usefixtures("two_scores")
def test_the_comparison_is_kept_even_when_it_stopped_the_scores(trained_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    features.build(trained_run)
    models.score(trained_run)
    query = "select kind, input_name, level from ops.score_drift order by kind, input_name"
    first = read_frame(trained_run.warehouse, query)
    assert {"churn", "clv"} <= set(first["kind"])
    assert "stop" not in set(first["level"])
    frame = published_features(trained_run)
    late = frame.assign(recency_days=frame["recency_days"] + 5_000, tenure_days=frame["tenure_days"] + 5_000)
    monkeypatch.setattr(scoring.Day, "of", lambda run: FrameDay.holding(run, late))
    with pytest.raises(profile.ScoresStopped, match="recency_days"):
        models.score(trained_run)
    again = read_frame(trained_run.warehouse, query)
    stopped = again[(again["kind"] == "churn") & (again["level"] == "stop")]
    assert "recency_days" in set(stopped["input_name"])
    assert len(again) == len(first)
    shown = drift.newest_drift(trained_run, "churn")
    assert {row.name for row in shown if row.level == "stop"} == set(stopped["input_name"])
