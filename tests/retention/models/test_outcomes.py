"""Matured labels: what became of each prediction, kept beside it, and compared over time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from retention.features.labels import labels
from retention.measurement.verdicts import measure_scores
from retention.models import outcomes
from retention.models.outcomes import matured, record_outcomes
from retention.warehouse import Run, Warehouse, read_frame
from tests.retention.models.company import load_orders
from tests.retention.privacy.conftest import insert

ANA, BO, CHEN, DANA = 1, 2, 3, 4


def scored(warehouse: Warehouse, day: date, probabilities: dict[int, float], **more: Any) -> None:
    for who, probability in probabilities.items():
        row = {"as_of_date": day, "customer_key": who, "churn_probability": probability, "horizon_days": 30, **more}
        insert(warehouse, "scores.churn", row)


def ordered(run: Run, *orders: tuple[int, date], first_key: int = 1) -> None:
    load_orders(run, pd.DataFrame([{"customer_key": who, "date": day, "net_minor": 10_000} for who, day in orders]), first_key)


def kept(run: Run, kind: str = "churn") -> dict[int, float]:
    rows = read_frame(
        run.warehouse,
        "select customer_key, realised from scores.outcome where kind = :kind order by scored_as_of, customer_key",
        {"kind": kind},
    )
    return dict(zip(rows["customer_key"], rows["realised"], strict=True))


@pytest.fixture
def scored_run(make_run: Callable[..., Run]) -> Run:
    """Scored 40 days ago for 30 days: Ana ordered on the first day of these, Bo the day after the last, Chen never."""
    run = make_run()
    day = run.as_of_date - timedelta(days=40)
    ordered(run, (ANA, day), (BO, day + timedelta(days=30)), (CHEN, day - timedelta(days=5)))
    scored(run.warehouse, day, {ANA: 0.2, BO: 0.5, CHEN: 0.9})
    return run


def test_the_outcome_stands_beside_the_prediction(scored_run: Run) -> None:
    assert record_outcomes(scored_run) == {"scores.outcome": 3}
    assert kept(scored_run) == {ANA: 0.0, BO: 1.0, CHEN: 1.0}
    (point,) = matured(scored_run.warehouse, "churn")
    assert (point.scored_as_of, point.customers) == (scored_run.as_of_date - timedelta(days=40), 3)
    assert point.predicted == pytest.approx((0.2 + 0.5 + 0.9) / 3)
    assert point.actual == pytest.approx(2 / 3)
    assert point.lower < point.actual < point.upper


def test_a_horizon_that_has_not_passed_is_not_judged(scored_run: Run) -> None:
    scored(scored_run.warehouse, scored_run.as_of_date - timedelta(days=29), {DANA: 0.4})
    record_outcomes(scored_run)
    assert DANA not in kept(scored_run)


def test_comparing_again_changes_nothing_and_takes_late_orders_in_for_a_week(scored_run: Run) -> None:
    fresh = scored_run.as_of_date - timedelta(days=33)
    scored(scored_run.warehouse, fresh, {DANA: 0.4})
    record_outcomes(scored_run)
    assert kept(scored_run)[DANA] == 1.0
    # Dana's order of the horizon's last day arrives late; so does one of Chen's, whose date matured ten days ago.
    ordered(scored_run, (DANA, fresh + timedelta(days=29)), (CHEN, fresh), first_key=100)
    assert record_outcomes(scored_run) == {"scores.outcome": 1}
    assert kept(scored_run) == {ANA: 0.0, BO: 1.0, CHEN: 1.0, DANA: 0.0}


def test_without_the_look_back_the_late_order_would_be_missed(scored_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = scored_run.as_of_date - timedelta(days=33)
    scored(scored_run.warehouse, fresh, {DANA: 0.4})
    record_outcomes(scored_run)
    ordered(scored_run, (DANA, fresh), first_key=100)
    monkeypatch.setattr(outcomes, "LATE_DAYS", 0)
    record_outcomes(scored_run)
    assert kept(scored_run)[DANA] == 1.0


def test_somebody_linked_since_is_judged_by_the_orders_of_both(scored_run: Run) -> None:
    # Chen turned out to be Ana.
    insert(
        scored_run.warehouse,
        "core.customer_alias",
        {"source_customer_key": CHEN, "customer_key": ANA, "rule": "email", "linked_at": scored_run.as_of},
    )
    record_outcomes(scored_run)
    assert kept(scored_run)[CHEN] == 0.0


def test_scores_by_a_model_that_knew_the_outcome_are_left_out(scored_run: Run) -> None:
    day = scored_run.as_of_date - timedelta(days=60)
    scored(scored_run.warehouse, day, {DANA: 0.1}, model_version="churn-1")
    insert(
        scored_run.warehouse,
        "ops.model",
        {"model_version": "churn-1", "kind": "churn", "state": "champion", "labels_until": scored_run.as_of_date},
    )
    record_outcomes(scored_run)
    assert DANA not in kept(scored_run)


def test_money_is_compared_with_discounted_net_revenue(scored_run: Run) -> None:
    day = scored_run.as_of_date - timedelta(days=40)
    value = {
        "as_of_date": day, "customer_key": ANA, "clv_12m_minor": 4_000, "net_revenue_12m_minor": 9_000, "horizon_days": 30,
        "basis": "net_margin", "clv_12m_lower_minor": 0, "clv_12m_upper_minor": 8_000,
    }  # fmt: skip
    insert(scored_run.warehouse, "scores.clv", value)
    record_outcomes(scored_run)
    row = read_frame(scored_run.warehouse, "select * from scores.outcome where kind = 'clv'").iloc[0]
    assert row["predicted"] == 9_000
    assert row["realised"] == pytest.approx(10_000 / 1.1 ** (0.5 / 365))
    # The interval was stated in margin: it says nothing on revenue.
    assert pd.isna(row["predicted_lower"])


def test_old_outcomes_go_with_the_slices_they_came_from(scored_run: Run) -> None:
    record_outcomes(scored_run)
    with scored_run.warehouse.begin() as connection:
        connection.execute(sa.text("update scores.outcome set scored_as_of = scored_as_of - 1100 where customer_key = 1"))
    record_outcomes(scored_run)
    assert ANA not in kept(scored_run)


def test_the_view_of_reliability_over_time_hides_small_groups(scored_run: Run) -> None:
    record_outcomes(scored_run)
    measure_scores(scored_run)
    rows = read_frame(scored_run.warehouse, "select * from bi.score_history order by bucket")
    assert list(rows["bucket"]) == [2, 5, 9]
    assert rows["realised_mean"].isna().all()


def test_money_given_back_for_earlier_orders_is_no_outcome_as_it_is_none_to_learn_from(scored_run: Run) -> None:
    day = scored_run.as_of_date - timedelta(days=40)
    ordered(scored_run, (DANA, day - timedelta(days=60)), (DANA, day + timedelta(days=2)), first_key=100)
    back = {
        "order_key": 100, "kind": "refunded", "sequence": 1, "customer_key": DANA, "order_count": 0, "gross_minor": 0,
        "discount_minor": 0, "net_minor": -4_000, "happened_at": scored_run.settings.day_start(day + timedelta(days=1)),
    }  # fmt: skip
    insert(scored_run.warehouse, "core.order_entry", back)
    value = {"as_of_date": day, "customer_key": DANA, "net_revenue_12m_minor": 9_000, "horizon_days": 30}
    insert(scored_run.warehouse, "scores.clv", value)
    record_outcomes(scored_run)
    learned = labels(scored_run.warehouse, day, 30, settings=scored_run.settings)
    assert learned.loc[DANA, "net_minor"] == 10_000
    # Discounted by the two days it took to come in.
    assert kept(scored_run, "clv")[DANA] == pytest.approx(10_000, rel=0.002)


def test_repurchase_is_judged_over_both_of_its_horizons(scored_run: Run) -> None:
    day = scored_run.as_of_date - timedelta(days=91)
    ordered(scored_run, (DANA, day + timedelta(days=60)), first_key=50)
    for who, soon, later in ((ANA, 0.3, 0.8), (DANA, 0.2, 0.6)):
        row = {"probability_30d": soon, "probability_90d": later, "expected_orders_30d": 1.0, "expected_orders_90d": 1.0}
        insert(scored_run.warehouse, "scores.repurchase", {"as_of_date": day, "customer_key": who, **row})
    record_outcomes(scored_run)
    assert kept(scored_run, "repurchase_30d") == {ANA: 0.0, DANA: 0.0}
    assert kept(scored_run, "repurchase_90d") == {ANA: 1.0, DANA: 1.0}  # Ana ordered 40 days ago
    (soon,), (later,) = (matured(scored_run.warehouse, kind) for kind in ("repurchase_30d", "repurchase_90d"))
    assert (soon.predicted, later.predicted) == (pytest.approx(0.25), pytest.approx(0.7))


def test_contracts_are_judged_when_all_of_a_date_are_decided(scored_run: Run) -> None:
    day, zone = scored_run.as_of_date - timedelta(days=80), "Asia/Shanghai"
    assert scored_run.settings.company.business_timezone == zone
    due = {1: (ANA, day + timedelta(days=5)), 2: (BO, day + timedelta(days=9)), 3: (BO, day + timedelta(days=7))}
    for contract, (who, renewal) in due.items():
        started = pd.Timestamp(renewal, tz=zone) - pd.Timedelta(days=365)
        renewed = pd.Timestamp(renewal, tz=zone) if contract == 1 else None
        row = {
            "contract_key": contract, "customer_key": who, "started_at": started, "renewal_date": renewal,
            "renewed_at": renewed, "updated_at": started,
        }  # fmt: skip
        insert(scored_run.warehouse, "core.contract", row)
        decided = renewal + timedelta(days=scored_run.settings.churn.contract_grace_days)
        score = {"as_of_date": day, "contract_key": contract, "customer_key": who, "renewal_date": renewal}
        insert(scored_run.warehouse, "scores.renewal", {**score, "decided_on": decided, "non_renewal_probability": 0.5})
    record_outcomes(scored_run)
    rows = read_frame(
        scored_run.warehouse,
        "select contract_key, customer_key, realised, horizon_days from scores.outcome where kind = 'renewal' order by 1",
    )
    grace = scored_run.settings.churn.contract_grace_days
    assert rows["customer_key"].tolist() == [ANA, BO, BO]
    assert rows["realised"].tolist() == [0.0, 1.0, 1.0]
    assert rows["horizon_days"].tolist() == [5 + grace, 9 + grace, 7 + grace]
