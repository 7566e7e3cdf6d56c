"""Training against a real warehouse: what is learned from, how it is judged, what is registered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retention import models
from retention.models import artifacts, inputs, registry, training
from retention.models.metrics import Measured
from retention.models.registry import RegisteredModel
from retention.models.training import churn as churn_training
from retention.models.training import enrolment
from retention.warehouse import Run, read_frame
from tests.retention.models.company import SHORT, load_orders, orders_of

pytestmark = pytest.mark.usefixtures("two_kinds")


def test_both_kinds_are_trained_measured_registered_and_promoted(trained_run: Run, trained: dict[str, Any], home: Path) -> None:
    for kind, baseline in (("churn", "bg nbd"), ("clv", "past spend")):
        assert trained[kind]["state"] == "champion", trained[kind]
        assert trained[kind]["decision"].startswith("promoted: out of time")
        assert baseline in trained[kind]["decision"]
        champion = models.champion(trained_run.warehouse, kind)
        assert champion is not None
        assert champion.model_version == trained[kind]["model_version"]
        assert (home / "models" / champion.file_name).is_file()
        assert champion.labels_until <= trained_run.as_of_date
    rows = read_frame(trained_run.warehouse, "select * from ops.model_evaluation")
    churn = rows[rows["kind"] == "churn"].set_index(["candidate", "metric"])["metric_value"]
    assert set(churn.index.get_level_values(0)) == {"challenger", "recency_only", "past_spend", "bg_nbd"}
    assert 0.6 < churn["challenger", "auc"] < 0.95
    assert churn["challenger", "brier"] < churn["recency_only", "brier"]
    assert churn["challenger", "ece"] < 0.1
    value = rows[rows["kind"] == "clv"].set_index(["candidate", "metric"])["metric_value"]
    assert value["challenger", "mae"] < value["past_spend", "mae"]
    assert 0.6 < value["challenger", "interval_coverage"] <= 1
    bounded = rows.dropna(subset=["metric_lower"])
    assert (bounded["metric_lower"] <= bounded["metric_upper"]).all()


@pytest.mark.slow
def test_labels_never_reach_past_what_was_known(company_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # The twin that is judged may see no outcome of the time it is judged on; the scoring model none of the future.
    asked: list[tuple[date, int]] = []
    original = inputs.features.labels

    def spy(warehouse, as_of, horizon_days, **more):
        asked.append((as_of, horizon_days))
        return original(warehouse, as_of, horizon_days, **more)

    monkeypatch.setattr(inputs.features, "labels", spy)
    churn_training.train_churn(company_run)
    as_of, horizon = company_run.as_of_date, company_run.settings.churn.horizon_days
    ends = sorted({day + timedelta(days=days) for day, days in asked})
    assert max(ends) == as_of
    details = models.models(company_run.warehouse, "churn")[0].details
    twin_ends = [date.fromisoformat(day) + timedelta(days=horizon) for day in details["checked_with_training_dates"]]
    assert max(twin_ends) <= as_of - timedelta(days=horizon)
    scoring_ends = [date.fromisoformat(day) + timedelta(days=horizon) for day in details["training_dates"]]
    assert max(scoring_ends) <= as_of


def test_training_again_registers_nothing_twice_whatever_came_after_the_as_of_date(
    trained_run: Run, trained: dict[str, Any]
) -> None:
    later = orders_of(trained_run.as_of_date + timedelta(days=200), customers=50, seed=9)
    later = later[[day >= trained_run.as_of_date for day in later["date"]]]
    assert len(later) > 20
    load_orders(trained_run, later, first_key=1_000_000)
    assert models.train(trained_run) == trained
    assert len(models.models(trained_run.warehouse)) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"minimum_customers": 10_000}, "purchasers: [0-9]+, 10000 are needed", id="few customers"),
        pytest.param(
            {"minimum_per_class": 5_000},
            "churned and .* stayed, 5000 of each are needed",
            id="few per class",
            marks=pytest.mark.slow,
        ),
        pytest.param({"minimum_history_days": 400}, "456 days of orders are needed .* there are 4", id="short history"),
    ],
)
def test_too_little_data_is_said_in_plain_words_and_trains_nothing(
    change: dict[str, int], message: str, make_run: Callable[..., Run], home: Path
) -> None:
    settings = replace(SHORT, churn=replace(SHORT.churn, **change), clv=replace(SHORT.clv, minimum_repeat_customers=9_999))
    run = make_run(settings=settings)
    load_orders(run, orders_of(run.as_of_date, customers=300))
    result = models.train(run)
    assert result["churn"]["state"] == "not trained"
    assert re.search(message, result["churn"]["decision"]), result["churn"]["decision"]
    assert "9999 are needed to fit a purchase process" in result["clv"]["decision"]
    assert models.models(run.warehouse) == []


def test_a_company_without_orders_trains_nothing(run: Run, home: Path) -> None:
    result = models.train(run)
    assert result["churn"]["decision"].endswith("there are 0")
    assert result["clv"]["decision"].endswith("there are 0")


def test_one_class_only_trains_nothing(make_run: Callable[..., Run], home: Path) -> None:
    # The order feed broke two months ago: everybody "churned".
    run = make_run(settings=SHORT)
    load_orders(run, orders_of(run.as_of_date, customers=300, silent_from=61))
    assert "0 stayed, 30 of each are needed" in models.train(run)["churn"]["decision"]


# -- who wins ---------------------------------------------------------------------------------------------------------


def measured(brier: float, auc: float) -> dict[str, Measured]:
    return {"brier": Measured(brier, None, None), "auc": Measured(auc, None, None), "mae": Measured(brier, None, None)}


CHAMPION = RegisteredModel(
    "churn-20260101-aaaa", "churn", "champion", date(2026, 1, 1), date(2026, 1, 1), "d", 90, "f", "s", 1, {}, {}, ""
)


@pytest.mark.parametrize(
    ("challenger", "champion", "promoted", "words"),
    [
        pytest.param((0.10, 0.85), (0.12, 0.84), True, "better than", id="better"),
        pytest.param((0.10, 0.85), (0.10, 0.85), False, "no better than champion churn-20260101-aaaa", id="equal"),
        pytest.param((0.10, 0.85), (0.1000001, 0.85), False, "no better than champion", id="better by noise"),
        pytest.param((0.13, 0.85), (0.12, 0.84), False, "no better than champion", id="worse"),
        pytest.param((0.10, 0.80), (0.12, 0.84), False, "orders customers worse than champion", id="calibrated, but blind"),
        pytest.param((0.10, 0.85), None, True, "the first champion", id="no champion"),
        pytest.param((0.16, 0.85), None, False, "no better than recency only", id="baseline wins"),
    ],
)
def test_a_challenger_is_promoted_only_when_better(challenger, champion, promoted: bool, words: str) -> None:
    table = {"challenger": measured(*challenger), "recency_only": measured(0.15, 0.80)}
    if champion:
        table["champion"] = measured(*champion)
    verdict = training.decide_churn(table, CHAMPION if champion else None)
    assert verdict.promoted is promoted
    assert words in verdict.reason


def test_what_cannot_be_measured_is_never_better() -> None:
    table = {"challenger": measured(0.1, 0.9), "past_spend": {"mae": Measured(None, None, None)}}
    assert not training.decide_clv(table, None).promoted


@pytest.mark.slow
def test_training_without_news_keeps_the_champion(
    trained_run: Run, trained: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = trained["churn"]["model_version"]
    # The same recipe and data but another name: what a retraining without news amounts to.
    monkeypatch.setattr(enrolment, "RECIPE", -1)
    challenger = churn_training.train_churn(trained_run)
    assert challenger.model_version != champion
    assert challenger.state == "challenger"
    assert challenger.decision.startswith(f"not promoted: no better than champion {champion}")
    assert models.champion(trained_run.warehouse, "churn").model_version == champion


@pytest.mark.slow
def test_promotion_by_hand_and_rollback_move_the_pointer(
    trained_run: Run, trained: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trained["churn"]["model_version"]
    monkeypatch.setattr(enrolment, "RECIPE", -1)
    second = churn_training.train_churn(trained_run).model_version
    models.promote(trained_run, second, "asked for by the analyst")
    assert models.champion(trained_run.warehouse, "churn").model_version == second
    assert models.rollback(trained_run, "churn", "scores looked odd").model_version == first
    assert models.champion(trained_run.warehouse, "churn").model_version == first
    rows = {model.model_version: model for model in models.models(trained_run.warehouse, "churn")}
    assert rows[second].state == "retired"
    assert "scores looked odd" in rows[first].decision
    with pytest.raises(registry.UnknownModel, match="no earlier champion of kind churn"):  # not back to the one that looked odd
        models.rollback(trained_run, "churn", "once more")
    # What a first promotion by hand changed can be undone: nothing had scored before.
    assert models.rollback(trained_run, "churn", "nobody asked us", to_fallback=True) is None
    assert models.champion(trained_run.warehouse, "churn") is None
    assert "nobody asked us" in registry.find(trained_run.warehouse, first).decision
    with pytest.raises(registry.UnknownModel, match="the marked fallback does already"):
        models.rollback(trained_run, "churn", "again", to_fallback=True)


def test_unknown_models_are_named(run: Run, home: Path) -> None:
    with pytest.raises(registry.UnknownModel, match=r"no model churn-x in ops.model"):
        models.promote(run, "churn-x", "why not")
    with pytest.raises(registry.UnknownModel, match="no earlier champion of kind clv"):
        models.rollback(run, "clv", "why not")


@pytest.mark.slow
def test_a_damaged_champion_does_not_stop_its_replacement(trained_run: Run, home: Path, monkeypatch) -> None:
    champion = models.champion(trained_run.warehouse, "churn")
    (home / "models" / champion.file_name).write_bytes(b"")
    monkeypatch.setattr(enrolment, "RECIPE", -1)
    replacement = churn_training.train_churn(trained_run)
    assert replacement.state == "champion"
    assert "could not be compared" in replacement.decision


# -- model files ------------------------------------------------------------------------------------------------------


def test_a_saved_model_predicts_the_same_and_any_change_is_refused(trained_run: Run, home: Path) -> None:
    champion = models.champion(trained_run.warehouse, "churn")
    frame = inputs.past_features(trained_run, trained_run.as_of_date)
    scoring, twin = artifacts.load(champion.file_name, champion.file_sha256)
    probability = scoring.predict(frame)
    assert ((probability > 0) & (probability < 1)).all()
    assert not np.array_equal(probability, twin.predict(frame))

    path = home / "models" / champion.file_name
    good = path.read_bytes()
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    for name, bad in {"empty": b"", "cut short": good[:-100], "one bit": bytes(flipped), "pickle": b"\x80\x04N."}.items():
        path.write_bytes(bad)
        with pytest.raises(artifacts.ModelFileRefused, match="it was not opened"):
            artifacts.load(champion.file_name, champion.file_sha256)
        assert name
    path.unlink()
    with pytest.raises(artifacts.ModelFileRefused, match="is not in"):
        artifacts.load(champion.file_name, champion.file_sha256)


def test_types_off_the_list_are_refused_even_with_the_right_digest(tmp_path: Path) -> None:
    import hashlib

    import skops.io

    data = skops.io.dumps({"scoring": SHORT.churn, "twin": 1})
    (tmp_path / "x.skops").write_bytes(data)
    with pytest.raises(artifacts.ModelFileRefused, match=r"no model of ours has: retention\.settings\.ChurnSettings"):
        artifacts.load("x.skops", hashlib.sha256(data).hexdigest(), tmp_path)


def test_the_registry_is_readable_json(trained_run: Run) -> None:
    for model in models.models(trained_run.warehouse):
        assert json.loads(json.dumps(model.details))["libraries"]["scikit-learn"]
        assert model.profile["null_share"]
