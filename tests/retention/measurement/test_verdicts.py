"""Scores against what happened: measured once they are due, by group of customers, and told in plain words."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from retention.measurement import measure
from retention.measurement.verdicts import Group, Measured, measures, reasons_of
from retention.warehouse import Run
from tests.retention.measurement.conftest import ANA, BO, CHEN, DAY
from tests.retention.privacy.conftest import insert

SCORED = DAY - timedelta(days=90)
GOOD = Measured("churn", SCORED, DAY, False, 2_000, 0.31, 0.30, 0.01, 0.02, 0.78, 0.2)
VALUE = Measured("clv", SCORED, DAY, False, 2_000, 105_000.0, 100_000.0, 3_000.0, None, 0.55, 0.1)


@pytest.mark.parametrize(
    ("changed", "reason", "is_bad"),
    [
        pytest.param({"predicted_mean": 0.37}, "gap", False, id="seven points too high"),
        pytest.param({"predicted_mean": 0.45}, "gap", True, id="fifteen points too high"),
        pytest.param({"calibration_error": 0.07}, "calibration", False, id="single probabilities off"),
        pytest.param({"ranking": 0.6}, "ranking", False, id="hardly in order"),
        pytest.param({"ranking": 0.52}, "ranking", True, id="no order"),
        pytest.param({"skill": -0.1}, "baseline", True, id="worse than saying the same of everybody"),
        pytest.param({"is_fallback": True}, "fallback", False, id="a rule of thumb"),
    ],
)
def test_what_speaks_against_a_model(changed: dict[str, object], reason: str, is_bad: bool) -> None:
    found = reasons_of(dataclasses.replace(GOOD, **changed), [], [], "ok")  # type: ignore[arg-type]
    assert [(one.key, one.is_bad) for one in found] == [(reason, is_bad)]


def test_a_good_model_has_nothing_against_it() -> None:
    assert reasons_of(GOOD, [GOOD, GOOD], [Group("tier", "vip", 500, 0.33, 0.30, 0.02)], "ok") == []
    assert reasons_of(VALUE, [], [], "unknown") == []
    assert [one.key for one in reasons_of(dataclasses.replace(VALUE, predicted_mean=150_000.0), [], [], "ok")] == ["gap"]


def test_few_customers_condemn_nothing() -> None:
    few = dataclasses.replace(GOOD, customers=30, predicted_mean=0.40, gap_error=0.08, calibration_error=0.15)
    assert reasons_of(few, [], [Group("tier", "vip", 30, 0.9, 0.1, 0.05)], "ok") == []


def test_groups_dates_and_drift_speak_too() -> None:
    vip = Group("tier", "vip", 300, 0.10, 0.35, 0.03)
    assert [one.key for one in reasons_of(GOOD, [], [vip], "ok")] == ["segment"]
    high = dataclasses.replace(GOOD, predicted_mean=0.34)
    low = dataclasses.replace(GOOD, predicted_mean=0.26)
    assert [one.key for one in reasons_of(high, [high, high], [], "ok")] == ["trend"]
    assert reasons_of(high, [high, low], [], "ok") == []
    drifted = reasons_of(dataclasses.replace(GOOD, ranking=0.5), [], [vip], "warn")
    assert [one.key for one in drifted] == ["ranking", "drift", "segment"], "the bad one first"


def test_measures_of_a_date_by_hand() -> None:
    found = measures("churn", np.array([0.2, 0.2, 0.8, 0.8]), np.array([0.0, 1.0, 1.0, 1.0]))
    assert (found["predicted_mean"], found["realised_mean"]) == (0.5, 0.75)
    assert found["ranking"] == pytest.approx((1 + 1 + 0.5) / 3)
    # Squared errors 0.04, 0.64, 0.04, 0.04; of saying 0.75 of everybody 0.5625 and three times 0.0625.
    assert found["skill"] == pytest.approx(1 - 0.19 / 0.1875)
    value = measures("clv", np.array([0.0, 100.0]), np.array([0.0, 100.0]))
    assert (value["skill"], value["calibration_error"]) == (1.0, None)
    assert measures("churn", np.array([0.5]), np.array([1.0]))["ranking"] is None


def test_scores_that_came_due_get_a_verdict_by_group_and_others_say_when(company: Run) -> None:
    """Ana bought again and had been thought likely to; Bo and Chen did not: three people, and no verdict but a mild one."""
    for who, probability in ((ANA, 0.1), (BO, 0.72), (CHEN, 0.78)):
        insert(
            company.warehouse,
            "scores.churn",
            {
                "as_of_date": SCORED, "customer_key": who, "churn_probability": probability, "horizon_days": 90,
                "is_fallback": False,
            },
        )  # fmt: skip
        tier = {"as_of_date": SCORED, "customer_key": who, "service_tier": "vip" if who == ANA else "ordinary"}
        insert(company.warehouse, "segments.tier", {**tier, "service_tier_zh": "-"})
    measure(company)
    with company.warehouse.begin() as connection:
        connection.execute(sa.text("update bi.setting set value = '1' where name = 'suppressed_group_size'"))
        rows = {row.model: row for row in connection.execute(sa.text("select * from bi.model_verdict"))}
        groups = connection.execute(
            sa.text(
                "select dimension, member, customers, predicted_mean, realised_mean from bi.score_segment "
                "where model = 'churn' and is_newest order by member"
            )
        ).all()
        history = connection.execute(
            sa.text("select bucket, customers from bi.score_history where model = 'churn' order by bucket")
        ).all()
    churn = rows["churn"]
    assert (churn.verdict, churn.scored_as_of, churn.customers) == ("good", SCORED, 3)
    assert (churn.predicted_mean, churn.realised_mean, churn.ranking) == (pytest.approx(1.6 / 3), pytest.approx(2 / 3), 1.0)
    assert "53.3% expected, 66.7% happened" in churn.sentence_en
    assert [tuple(row) for row in groups] == [
        ("tier", "ordinary", 2, pytest.approx(0.75), 1.0),
        ("tier", "vip", 1, pytest.approx(0.1), 0.0),
    ]
    assert [tuple(row) for row in history] == [(1, 1), (7, 2)]
    assert rows["clv"].verdict == "waiting"
    assert str(DAY + timedelta(days=365)) in rows["clv"].sentence_en
    assert "还没有评分" in rows["repurchase_30d"].sentence_zh
    assert "renewal" not in rows, "nobody has a contract"
    assert date(2026, 1, 1) == SCORED
