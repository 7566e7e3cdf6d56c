"""Reasons: exact sums, the same for any number of buckets, told in fixed sentences to the customers of the top bands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from retention import features as feature_tables
from retention import models
from retention.models import artifacts, calibration, parts
from retention.models.churn import ChurnModel, fit_churn
from retention.models.churn.inputs import PROCESS_INPUTS
from retention.models.churn.model import bounded
from retention.models.contributions import contributions
from retention.models.inputs import model_columns
from retention.models.learning import TrainingSet
from retention.models.reasons import sources, table
from retention.models.reasons.overview import effects, importances
from retention.models.reasons.sources import ReasonsDoNotAddUp, explain_churn, explain_value
from retention.models.reasons.table import COLUMNS, reasons, rows, top_bands
from retention.models.reasons.wording import LANGUAGES, load_wording, write_figures
from retention.models.scoring import Given, fallback_churn
from retention.models.value import ValueModel
from retention.settings import PROJECT_ROOT, CompanySettings, Settings
from retention.warehouse import Run, load_contract, read_frame
from tests.retention.models.company import load_orders

SETTINGS = Settings()
AS_OF = date(2026, 4, 1)
SIZE = 600


def purchasers(seed: int) -> pd.DataFrame:
    """Purchasers of one date; complaints and silence drive them away, orders keep them."""
    rng = np.random.default_rng(seed)
    days = 1.0 + rng.poisson(2, SIZE)
    tenure = rng.integers(30, 500, SIZE).astype(float)
    recency = np.where(days > 1, np.ceil(tenure * rng.random(SIZE)), tenure)
    gap = np.where(days > 1, (tenure - recency) / np.maximum(days - 1, 1), np.nan)
    return pd.DataFrame(
        {
            "recency_days": recency,
            "tenure_days": tenure,
            "count_order_days_lifetime": days,
            "repeat_order_value_mean_minor": np.where(days > 1, rng.gamma(5, 2000, SIZE), np.nan),
            "mean_days_between_orders": gap,
            "overdue_ratio": recency / np.where(gap > 0, gap, np.nan),
            "count_complaints_90d": rng.poisson(0.3, SIZE).astype(float),
            "count_complaints_365d": rng.poisson(0.3, SIZE).astype(float),
            "count_orders_90d": rng.poisson(0.8, SIZE).astype(float),
            "count_orders_previous_90d": rng.poisson(0.8, SIZE).astype(float),
            "net_minor_365d": rng.gamma(2, 5000, SIZE),
            "net_minor_lifetime": rng.gamma(3, 5000, SIZE),
        },
        index=pd.Index(np.arange(1, SIZE + 1), name="customer_key"),
    )


def scored(features: pd.DataFrame, model: ChurnModel | None) -> Given:
    """Scores of the model, or of the fallback, and of some value model with costs; one in seven costs more than he brings."""
    rng = np.random.default_rng(9)
    probability = fallback_churn(features, SETTINGS) if model is None else model.predict(features)
    orders = rng.gamma(1.5, 2.0, len(features)) + 0.01
    revenue = np.round(orders * rng.gamma(4, 3000, len(features)))
    kept = np.where(np.arange(len(features)) % 7 == 3, -0.1, rng.uniform(0.3, 0.6, len(features)))
    shared = {"as_of_date": AS_OF, "customer_key": features.index.to_numpy()}
    version = {"model_version": "fallback-recency" if model is None else "churn-1", "is_fallback": model is None}
    return Given(
        features,
        pd.DataFrame({**shared, "churn_probability": probability, **version}),
        pd.DataFrame(
            {
                **shared, "clv_12m_minor": np.round(revenue * kept).astype(int), "expected_orders_12m": orders,
                "net_revenue_12m_minor": revenue.astype(int),
                "model_version": "clv-1", "is_fallback": False,
            }
        ),
        churn_model=model,
    )  # fmt: skip


@pytest.fixture(scope="module")
def model() -> ChurnModel:
    """Learned at two dates."""
    learned = pd.concat([purchasers(1), purchasers(2)])
    drive = (
        0.01 * learned["recency_days"]
        - 0.4 * learned["count_order_days_lifetime"]
        + 1.5 * learned["count_complaints_90d"]
        - 0.5
    )
    churned = (np.random.default_rng(3).random(2 * SIZE) < expit(drive.to_numpy())).astype(float)
    dates = np.repeat(np.array(["2026-01-01", "2026-02-01"], "datetime64[D]"), SIZE)
    outcomes = pd.DataFrame({"churned": churned, "orders": 1 - churned, "net_minor": 0.0}, index=learned.index)
    return fit_churn(TrainingSet(learned, dates, outcomes), 60, 1)


@pytest.fixture(scope="module")
def given(model: ChurnModel) -> Given:
    """Ana (1) has long been silent and complained four times; Bo (2) orders every three weeks."""
    people = purchasers(4)
    ana = {"recency_days": 290, "tenure_days": 410, "count_order_days_lifetime": 5, "mean_days_between_orders": 30,
           "overdue_ratio": 290 / 30, "count_complaints_90d": 4, "count_complaints_365d": 5}  # fmt: skip
    bo = {"recency_days": 4, "tenure_days": 424, "count_order_days_lifetime": 21, "mean_days_between_orders": 21,
          "overdue_ratio": 4 / 21, "count_complaints_90d": 0, "count_complaints_365d": 0}  # fmt: skip
    for key, person in ((1, ana), (2, bo)):
        for name, value in person.items():
            people.loc[key, name] = value
    return scored(people, model)


def all_of(given: Given) -> np.ndarray[Any, Any]:
    return np.ones(len(given.features), dtype=bool)


def test_named_inputs_sum_to_the_log_odds_before_calibration(model: ChurnModel, given: Given) -> None:
    found = contributions(model, given.features)
    np.testing.assert_allclose(found.total, model.log_odds(given.features), atol=1e-9, rtol=0)
    assert set(found.values.columns) <= {*given.features.columns, *PROCESS_INPUTS}
    np.testing.assert_allclose(
        bounded(model.calibration.probability(found.total)), given.churn["churn_probability"], atol=1e-12
    )
    # What drives customers away in truth is what the model names.
    assert {"recency_days", "count_complaints_90d", "count_order_days_lifetime"} <= set(found.importance.index[:4])


def test_a_model_read_from_its_file_gives_the_same_reasons(model: ChurnModel, given: Given, tmp_path: Path) -> None:
    digest = artifacts.save("churn.skops", model, model, tmp_path)
    read = artifacts.load("churn.skops", digest, tmp_path)[0]
    assert isinstance(read, ChurnModel)
    again = reasons(SETTINGS, replace(given, churn_model=read), "churn", all_of(given))
    pd.testing.assert_frame_equal(again, reasons(SETTINGS, given, "churn", all_of(given)), check_exact=True)


def test_calibration_has_no_plateaus(model: ChurnModel) -> None:
    raw = np.linspace(-12, 12, 20_001)
    assert (np.diff(model.calibration.probability(raw)) > 0).all()
    # The strangest data there are: predictions that say the opposite of what happened.
    rng = np.random.default_rng(6)
    predicted = rng.normal(0, 2, 2000)
    opposite = calibration.fit_calibration((rng.random(2000) < expit(-predicted)).astype(float), predicted)
    assert (np.diff(opposite.probability(raw)) > 0).all()


def test_stored_reasons_sum_to_the_score(model: ChurnModel, given: Given) -> None:
    listed = reasons(SETTINGS, given, "churn", all_of(given))
    by_customer = listed.groupby("customer_key")
    first = by_customer.first()
    assert len(first) == SIZE
    total = first["score_base"] + by_customer["contribution"].sum() + first["score_rest"]
    np.testing.assert_allclose(total, model.log_odds(given.features), atol=1e-9, rtol=0)
    np.testing.assert_allclose(first["score_total"], total, atol=1e-9, rtol=0)
    # Ranks run from 1 without gaps, the weightiest first, all the way in which the score lies.
    assert (listed["rank"] == by_customer.cumcount() + 1).all()
    assert listed["contribution"].abs().groupby(listed["customer_key"]).is_monotonic_decreasing.all()
    assert (listed["is_raising"] == (listed["score_total"] >= listed["score_base"])).all()
    assert listed["rank"].max() <= SETTINGS.reasons.reasons_per_customer


def test_buckets_change_nothing(given: Given) -> None:
    one, three, forty = (
        reasons(replace(SETTINGS, reasons=replace(SETTINGS.reasons, buckets=buckets)), given, "churn", all_of(given))
        for buckets in (1, 3, 40)
    )
    pd.testing.assert_frame_equal(one, three, check_exact=True)
    pd.testing.assert_frame_equal(one, forty, check_exact=True)
    # Nor who else is explained.
    some = np.arange(SIZE) % 5 == 0
    few = reasons(SETTINGS, given, "churn", some)
    same = one[one["customer_key"].isin(given.features.index[some])].reset_index(drop=True)
    pd.testing.assert_frame_equal(few, same, check_exact=True)


def test_the_sentences_state_ana_and_bo_as_they_are(given: Given) -> None:
    listed = reasons(SETTINGS, given, "churn", all_of(given)).set_index("customer_key")
    ana = listed.loc[1].set_index("reason")
    assert ana["is_raising"].all()
    assert ana.loc["complaints", "sentence_en"] == "Complaints in the last 90 days: 4; in the last year: 5"
    assert ana.loc["complaints", "sentence_zh"] == "近 90 天投诉 4 件，近一年 5 件"
    assert ana.loc["silence", "sentence_en"] == "No order for 290 days; the usual gap is 30 days"
    assert ana.loc["silence", "sentence_zh"] == "已 290 天未下单，平时间隔约 30 天"
    bo = listed.loc[2].set_index("reason")
    assert not bo["is_raising"].any()
    assert bo.loc["order_history", "sentence_en"] == "Days with an order so far: 21, in 424 days as a customer"


def test_top_bands_are_explained_and_nobody_else(make_run: Callable[..., Run], given: Given) -> None:
    run = make_run()
    found = rows(run, given)["scores.reason"]
    assert list(found.columns) == [column.name for column in load_contract("scores.reason").columns] == list(COLUMNS)
    bands = top_bands(given, 0.1)
    assert (int(bands.risk.sum()), int(bands.value.sum())) == (60, 60)
    assert given.churn["churn_probability"][bands.risk].min() >= given.churn["churn_probability"][~bands.risk].max()
    keys = given.features.index.to_numpy()
    churn, value = found[found["score"] == "churn"], found[found["score"] == "clv"]
    assert set(churn["customer_key"]) == set(keys[bands.risk | bands.value])
    assert set(value["customer_key"]) == set(keys[bands.value])
    assert set(found.loc[found["is_top_risk"], "customer_key"]) == set(keys[bands.risk])
    assert (found["as_of_date"] == run.as_of_date).all()
    assert found.notna().all().all()


def test_equal_scores_do_not_widen_a_band(given: Given) -> None:
    flat = replace(given, churn=given.churn.assign(churn_probability=0.5))
    bands = top_bands(flat, 0.1)
    assert bands.risk.sum() == 60
    # Nobody is worth something: a band of value has nobody to show.
    assert not top_bands(replace(given, clv=given.clv.assign(clv_12m_minor=0)), 0.1).value.any()


def test_value_is_the_product_of_its_factors(given: Given) -> None:
    explained = explain_value(given, all_of(given))
    positive = given.clv["clv_12m_minor"].to_numpy() > 0
    assert len(explained.figures) == int(positive.sum())
    np.testing.assert_allclose(explained.contributions.total, np.log(given.clv["clv_12m_minor"][positive]), atol=1e-9)
    # The base is the mean: contributions of all purchasers cancel out.
    np.testing.assert_allclose(explained.contributions.values.mean(), 0, atol=1e-9)
    listed = reasons(SETTINGS, given, "clv", all_of(given))
    assert set(listed["reason"]) == {"order_frequency", "order_value", "costs"}
    typical = listed[listed["reason"] == "order_value"].iloc[0]
    assert re.fullmatch(r"Revenue of an expected order: [\d,.]+ CNY; typical: [\d,.]+ CNY", typical["sentence_en"])
    assert re.fullmatch(r"预计每单净收入 [\d,.]+ 元，典型客户 [\d,.]+ 元", typical["sentence_zh"])


def test_without_costs_value_has_two_factors(given: Given) -> None:
    revenue = replace(given, clv=given.clv.assign(clv_12m_minor=given.clv["net_revenue_12m_minor"], is_fallback=True))
    listed = reasons(SETTINGS, revenue, "clv", all_of(given))
    assert set(listed["reason"]) == {"order_frequency", "order_value"}
    assert listed["is_fallback"].all()


def test_the_fallback_is_explained_as_the_rule_it_is(given: Given) -> None:
    fallback = scored(given.features, None)
    explained = explain_churn(SETTINGS, fallback, all_of(given))
    odds = fallback.churn["churn_probability"] / (1 - fallback.churn["churn_probability"])
    np.testing.assert_allclose(explained.contributions.total, np.log(odds), atol=1e-9)
    listed = reasons(SETTINGS, fallback, "churn", all_of(given))
    assert set(listed["reason"]) == {"silence"}
    assert listed["is_fallback"].all()
    assert set(listed["model_version"]) == {"fallback-recency"}


def test_contributions_that_do_not_add_up_stop(given: Given, model: ChurnModel, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if the file had been made by a library whose trees read unknown values another way.
    monkeypatch.setattr(ChurnModel, "log_odds", lambda self, frame: np.full(len(frame), 0.25))
    with pytest.raises(ReasonsDoNotAddUp, match=r"600 of 600 purchasers do not sum .* Nothing published"):
        reasons(SETTINGS, given, "churn", all_of(given))
    # Guard off: reasons go out that explain another score.
    monkeypatch.setattr(sources, "TOLERANCE", np.inf)
    listed = reasons(SETTINGS, given, "churn", all_of(given))
    assert (listed["score_total"] - 0.25).abs().max() > 0.1


def test_trifles_are_left_out(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    greedy = replace(SETTINGS, reasons=replace(SETTINGS.reasons, minimum_share=0.0, reasons_per_customer=20))
    many = reasons(greedy, given, "churn", all_of(given))
    few = reasons(replace(greedy, reasons=replace(greedy.reasons, minimum_share=0.2)), given, "churn", all_of(given))
    share = many["contribution"].abs() / many["contribution"].abs().groupby(many["customer_key"]).transform("sum")
    assert share.min() < 0.05
    weights = (
        few["contribution"].abs() / many.groupby("customer_key")["contribution"].sum().abs().loc[few["customer_key"]].array
    )
    assert weights[few["rank"] > 1].min() >= 0.2 - 1e-9
    assert set(few["customer_key"]) == set(many["customer_key"])
    assert table.COLUMNS == COLUMNS


def test_nobody_to_explain(make_run: Callable[..., Run], given: Given) -> None:
    empty = Given(
        given.features.iloc[:0], given.churn.iloc[:0], given.clv.iloc[:0], churn_model=given.churn_model
    )  # fmt: skip
    found = rows(make_run(), empty)["scores.reason"]
    assert list(found.columns) == list(COLUMNS)
    assert found.empty


def test_every_input_of_models_belongs_to_a_reason() -> None:
    groups = load_wording("churn").groups([*model_columns(), *PROCESS_INPUTS])
    assert [name for name, reason in groups.items() if reason == "other"] == []
    assert load_wording("churn").reason_of("a_feature_of_tomorrow") == "other"


@pytest.mark.parametrize("name", ["churn", "clv", "warnings"])
def test_both_languages_say_the_same(name: str) -> None:
    for reason in load_wording(name).reasons.values():
        assert all(reason.label[language] for language in LANGUAGES)
        for sentence in reason.sentences:
            figures = [sorted(re.findall(r"\{(\w+)\}", sentence.text[language])) for language in LANGUAGES]
            assert figures[0] == figures[1], (reason.code, sentence.text)
            assert re.search("[\u4e00-\u9fff]", sentence.text["zh"])
            if name == "churn":
                assert set(sentence.columns) | set(sentence.conditions) <= set(model_columns()), sentence.text


def test_a_sentence_needs_what_it_names(given: Given) -> None:
    once = given.features.iloc[:1].assign(count_order_days_lifetime=1.0, mean_days_between_orders=np.nan, recency_days=1.0)
    told = load_wording("churn").sentences("silence", once, CompanySettings())
    assert (told["en"][0], told["zh"][0]) == ("Ordered on one day only, 1 day ago", "仅在一天下过单，距今 1 天")
    bare = pd.DataFrame({"recency_days": [12.0]})
    assert load_wording("churn").sentences("silence", bare, CompanySettings())["en"][0] == "Last order 12 days ago"
    with pytest.raises(ValueError, match="no sentence of silence holds for 1 customers"):
        load_wording("churn").sentences("silence", pd.DataFrame({"recency_days": [np.nan]}), CompanySettings())


@pytest.mark.parametrize(
    ("name", "value", "english", "chinese"),
    [
        ("recency_days", 1.0, "1 day", "1 天"),
        ("mean_days_between_orders", 30.52, "30.5 days", "30.5 天"),
        ("count_order_days_lifetime", 1204.0, "1,204", "1,204"),
        ("net_minor_365d", 1_234_567.0, "12,346 CNY", "12,346 元"),
        ("net_minor_90d", 550.0, "5.50 CNY", "5.50 元"),
        ("discount_share_365d", 0.126, "13%", "13%"),
        ("kept_share", 0.9, "90%", "90%"),
        ("value_expected", 0.034, "0.034", "0.034"),
    ],
)
def test_figures_carry_their_units(name: str, value: float, english: str, chinese: str) -> None:
    written = [write_figures(name, np.array([value]), language, CompanySettings())[0] for language in LANGUAGES]
    assert written == [english, chinese]


def test_a_company_without_a_currency_gets_bare_amounts() -> None:
    bare = replace(CompanySettings(), base_currency="")
    assert write_figures("net_minor_365d", np.array([550.0]), "en", bare) == ["5.50"]


def test_what_moves_the_model_over_all_customers(model: ChurnModel, given: Given) -> None:
    ranked = importances(model, given.features, SETTINGS)
    assert [item.value for item in ranked] == sorted((item.value for item in ranked), reverse=True)
    complaints = next(item for item in ranked[:4] if item.label.en == "complaints")
    assert complaints.label.zh == "投诉"
    assert not [item for item in ranked if "_" in item.label.en]  # names of people, not of columns
    drawn = {effect.name: effect for effect in effects(model, given.features, SETTINGS)}
    # More complaints, more churn: the curve rises, and ends where everybody has as many as the unhappiest customer.
    curve = drawn["count_complaints_90d"]
    assert curve.predictions[-1] > curve.predictions[0] + 0.1
    assert list(curve.values) == sorted(set(curve.values))
    assert curve.shares[-1] == 1.0


def test_what_moves_the_value_over_all_customers(given: Given) -> None:
    value = ValueModel.fit(given.features, minimum_repeat_customers=50)
    ranked = importances(value, given.features, SETTINGS)
    assert {item.name for item in ranked} == {"expected_orders", "value_per_order_minor"}
    assert ranked[0].label.zh in {"预计下单次数", "每单价值"}
    drawn = {effect.name: effect for effect in effects(value, given.features, SETTINGS)}
    # Who spends more per order is worth more, and who has been silent longer less.
    spent, silent = drawn["repeat_order_value_mean_minor"].predictions, drawn["recency_days"].predictions
    assert list(spent) == sorted(spent)
    assert silent[-1] < silent[0]
    assert importances(value, given.features.iloc[:0], SETTINGS) == effects(value, given.features.iloc[:0], SETTINGS) == ()


@pytest.fixture
def small_run(make_run: Callable[..., Run], home: Path) -> Run:
    """Ana ordered 30 and 60 days ago and 90; Bo every ten days until 120 days ago; Cho once, 400 days ago."""
    run = make_run()
    days = {1: [30, 60, 90], 2: [120, 130, 140, 150, 160], 3: [400]}
    orders = [
        {"customer_key": key, "date": run.as_of_date - timedelta(days=ago), "net_minor": 100_00}
        for key, agos in days.items()
        for ago in agos
    ]
    load_orders(run, pd.DataFrame(orders))
    feature_tables.build(run)
    return run


def test_scoring_stores_reasons_and_warnings_beside_the_scores(small_run: Run) -> None:
    assert {"retention.models.reasons.table:rows", "retention.models.warning_signs:rows"} <= set(parts.SCORING)
    result = models.score(small_run)
    stored = read_frame(small_run.warehouse, "select * from scores.reason order by customer_key, score, rank")
    assert result["scores.reason"] == len(stored)
    # The top tenth of three is one: Cho has been silent longest, Bo is worth most of those who may stay.
    cho = stored[stored["is_top_risk"]]
    assert list(cho["customer_key"].unique()) == [3]
    assert cho.iloc[0]["sentence_en"] == "Ordered on one day only, 400 days ago"
    sums = read_frame(
        small_run.warehouse,
        "select max(abs(score_base + listed + score_rest - ln(churn_probability / (1 - churn_probability)))) as off from ("
        "select customer_key, max(score_base) as score_base, sum(contribution) as listed, max(score_rest) as score_rest "
        "from scores.reason where score = 'churn' group by customer_key) as reasons join scores.churn using (customer_key)",
    )
    assert sums["off"][0] < 1e-9
    warnings = read_frame(small_run.warehouse, "select * from scores.warning order by customer_key, warning")
    assert result["scores.warning"] == len(warnings)
    assert list(warnings.query("customer_key == 2")["warning"]) == ["frequency_falling", "overdue"]
    assert set(warnings["customer_key"]) == {2}
    # The queries of the page run, and find these rows.
    for query in re.findall(r"```sql\n(.*?)```", (PROJECT_ROOT / "docs" / "reasons.md").read_text(encoding="utf-8"), re.DOTALL):
        assert small_run.as_of_date == date(2026, 4, 1)
        assert len(read_frame(small_run.warehouse, query)) > 0
