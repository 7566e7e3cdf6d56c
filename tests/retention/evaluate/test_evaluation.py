"""From a file to predictions, measures and a report; from what was known before the date alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from retention.evaluate import Evaluated, Request, evaluate
from retention.evaluate.measuring import _churn_baselines
from retention.evaluate.reporting import report_data
from retention.evaluate.repurchasing import repurchased
from retention.evaluate.writing import metrics, write_all
from retention.settings import Settings
from tests.retention.models.company import orders_of

AS_OF, END = date(2026, 1, 30), date(2026, 3, 31)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
# One training date keeps the test short; everything else is as shipped.
SETTINGS = replace(Settings(), churn=replace(Settings().churn, training_dates=1))


def history() -> pd.DataFrame:
    orders = orders_of(END, customers=500)
    frame = pd.DataFrame(
        {"customer": orders["customer_key"], "date": orders["date"].astype(str), "total": orders["net_minor"] / 100}
    )
    return frame.sample(frac=1, random_state=1)


def request(path: Path) -> Request:
    return Request(orders=path, now=NOW, as_of=AS_OF, horizon_days=60, settings=SETTINGS)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluate")


@pytest.fixture(scope="module")
def evaluated(files: Path) -> Evaluated:
    """500 customers, two months known after the date."""
    history().to_csv(files / "orders.csv", index=False)
    return evaluate(request(files / "orders.csv"))


@pytest.fixture(scope="module")
def written(files: Path, evaluated: Evaluated) -> Path:
    write_all(evaluated, files / "out")
    return files / "out"


def test_every_purchaser_has_a_whole_prediction(written: Path, evaluated: Evaluated) -> None:
    rows = history()
    found = pd.read_parquet(written / "predictions.parquet")
    assert set(found["customer_id"]) == set(rows.loc[rows["date"] < AS_OF.isoformat(), "customer"])
    assert not found[["churn_probability", "expected_orders", "clv", "clv_lower", "clv_upper"]].isna().any().any()
    assert found["churn_probability"].between(0, 1).all()
    assert ((found["clv_lower"] <= found["clv"]) & (found["clv"] <= found["clv_upper"])).all()
    # Whoever orders at all orders once at least.
    assert (found["expected_orders"] >= 1 - found["churn_probability"] - 1e-9).all()
    assert (found["repurchase_probability_30d"] <= found["repurchase_probability_90d"]).all()
    assert not found["is_fallback"].any()
    assert (found["reasons"].map(len) > 0).mean() > 0.9
    assert found["reasons"].map(len).equals(found["reasons_zh"].map(len))


def test_measures_stand_beside_baselines_with_intervals(written: Path) -> None:
    said = json.loads((written / "metrics.json").read_text())
    for kind, names in (
        ("churn", ("auc", "brier", "ece", "calibration_slope", "top_decile_lift", "mean_gap")),
        ("clv", ("mae", "total_bias", "spearman", "normalised_gini", "top_decile_share")),
    ):
        assert {"model", "recency_only", "past_spend"} <= set(said[kind])
        for name in names:
            measured = said[kind]["model"][name]
            assert measured["lower"] <= measured["value"] <= measured["upper"]
    assert said["clv"]["model"]["interval_coverage"]["value"] is not None
    assert said["churn"]["model"]["auc"]["value"] > 0.6
    assert said["compared_days"] == 60


def test_the_measures_are_those_of_the_predictions_written(written: Path) -> None:
    rows, said = history(), json.loads((written / "metrics.json").read_text())
    after = rows[(rows["date"] >= AS_OF.isoformat()) & (rows["date"] < END.isoformat())]
    found = pd.read_parquet(written / "predictions.parquet").set_index("customer_id")
    spent = after.groupby("customer")["total"].sum().reindex(found.index).fillna(0.0)
    churned = (~found.index.isin(after["customer"])).astype(float)
    assert said["churn"]["model"]["brier"]["value"] == pytest.approx(((found["churn_probability"] - churned) ** 2).mean())
    assert said["clv"]["model"]["mae"]["value"] == pytest.approx((found["clv"] - spent).abs().mean(), abs=0.01)
    assert said["actual"]["clv"] == pytest.approx(spent.sum())


def test_the_report_needs_nothing_beside_itself(written: Path) -> None:
    page = (written / "report.html").read_text()
    assert "Retention on your own history" in page
    assert "用您自己的历史订单评估" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_chances_of_another_order_are_judged_as_far_as_the_file_reaches(evaluated: Evaluated) -> None:
    """Counted again from the waits; a chapter each, and in metrics.json; nothing where the file ends earlier."""
    days = [one.days for one in evaluated.repurchased]
    assert days == [days for days in (30, 90) if days <= evaluated.plan.compared_days] != []
    assert evaluated.outcome is not None
    for one in evaluated.repurchased:
        waits = evaluated.outcome.truth["days_to_next"]
        assert one.ordered.sum() == (waits < one.days).sum()
        assert 0.5 < (one.measured["model"]["auc"].value or 0) <= 1
        assert abs(one.candidates["model"].mean() - one.ordered.mean()) < 0.15
    kinds = [chapter.kind for chapter in report_data(evaluated).chapters]
    assert [f"repurchase_{number}d" for number in days] == [kind for kind in kinds if kind.startswith("repurchase")]
    assert metrics(evaluated)[f"repurchase_{days[0]}d"]["model"]["brier"]["value"] < 0.25
    assert repurchased(evaluated.outcome, evaluated.predictions, 29, 1) == []


def test_neither_the_order_of_rows_nor_what_follows_moves_a_prediction(files: Path, evaluated: Evaluated) -> None:
    rows = history()
    known = rows[rows["date"] < AS_OF.isoformat()].sort_values("total")
    known.to_csv(files / "known.csv", index=False)
    again = evaluate(request(files / "known.csv"))
    assert again.outcome is None
    columns = ["churn_probability", "expected_orders", "clv_minor", "clv_lower_minor", "clv_upper_minor"]
    pd.testing.assert_frame_equal(again.predictions[columns], evaluated.predictions[columns], check_exact=True)


def test_baselines_learned_over_the_horizon_speak_of_the_days_compared(evaluated: Evaluated) -> None:
    """A file that ends a day after the as-of date: hardly anybody orders on one day, and no baseline may say otherwise."""
    whole = _churn_baselines(evaluated.fitted, evaluated.plan)
    day = _churn_baselines(evaluated.fitted, replace(evaluated.plan, compared_days=1))
    for name, silent in whole.items():
        assert (day[name] >= silent).all(), name
        assert day[name].mean() > 0.9, name


def test_too_little_gets_a_marked_fallback_and_the_reason(files: Path) -> None:
    # Ana buys five times, Bo once: nothing can be learned from two people.
    rows = [("ana", f"2026-0{month}-05", 10.0) for month in range(1, 6)] + [("bo", "2026-02-01", 8.0)]
    pd.DataFrame(rows, columns=["customer", "date", "total"]).to_csv(files / "two.csv", index=False)
    found = evaluate(Request(orders=files / "two.csv", now=NOW, as_of=date(2026, 5, 1), horizon_days=30))
    assert found.predictions["is_fallback"].all()
    assert not found.predictions[["churn_probability", "expected_orders", "clv_minor"]].isna().any().any()
    assert {"churn", "clv"} == set(found.fitted.reasons)
    write_all(found, files / "two")
    said = json.loads((files / "two" / "metrics.json").read_text())
    assert said["is_fallback"] == {"churn": True, "clv": True}


def test_nobody_who_ever_came_back_is_not_said_to_come_back_by_half(files: Path) -> None:
    """Sixty people, one order each, a file shorter than the horizon: the level is that of the outcomes there are."""
    rows = [(f"p{number}", date(2026, 1, 1 + number % 28).isoformat(), 9.0) for number in range(60)]
    rows.append(("late", "2026-03-20", 9.0))
    pd.DataFrame(rows, columns=["customer", "date", "total"]).to_csv(files / "once.csv", index=False)
    found = evaluate(Request(orders=files / "once.csv", now=NOW, as_of=date(2026, 3, 21), horizon_days=180))
    assert found.predictions["churn_is_fallback"].all()
    assert found.predictions["churn_probability"].mean() > 0.9, "the rule by itself says a quarter"
