"""Contracts up for renewal: which are due, what became of them, and who will not renew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.special import expit

from retention import features
from retention.models import registry
from retention.models.drift import newest_drift
from retention.models.metrics import CHURN_METRICS, measure
from retention.models.profile import ScoresStopped
from retention.models.renewal import rows, train_renewal
from retention.models.renewal.contracts import Contracts
from retention.models.renewal.scores import FALLBACK, past_rate
from retention.models.scoring import Given
from retention.models.value import TooLittleData
from retention.quality import check_slices
from retention.settings import Settings
from retention.warehouse import Run, ingest_arrow, stage_writer

TODAY = date(2026, 4, 1)
_DEFAULT = Settings()
SETTINGS = replace(_DEFAULT, churn=replace(_DEFAULT.churn, training_dates=2, minimum_customers=100))
NO_TIME = pd.NaT


def utc(day: date | None) -> Any:
    return NO_TIME if day is None else pd.Timestamp(day, tz="Asia/Shanghai") + pd.Timedelta(hours=12)


def state(
    contract: int,
    renewal: date,
    *,
    started: date = date(2024, 1, 10),
    renewed: date | None = None,
    cancelled: date | None = None,
    updated: date | None = None,
    deleted: date | None = None,
    customer: int | None = None,
) -> dict[str, Any]:
    return {
        "contract_key": contract,
        "customer_key": customer or contract * 10,
        "started_at": utc(started),
        "renewal_date": renewal,
        "renewed_at": utc(renewed),
        "cancelled_at": utc(cancelled),
        "updated_at": utc(updated or started),
        "deleted_at": utc(deleted),
        "fee": 100.0,
    }


ANA, BO, CAI, DEE, EVA, FAY = range(1, 7)


def contracts(*states: dict[str, Any], until: date = TODAY) -> Contracts:
    return Contracts.of(pd.DataFrame(list(states)).sort_values(["contract_key", "updated_at"]), until, SETTINGS)


def test_due_are_open_contracts_from_the_grace_period_to_the_look_ahead() -> None:
    known = contracts(
        state(ANA, TODAY + timedelta(days=59)),  # the last day of the look-ahead
        state(BO, TODAY + timedelta(days=60)),  # one day too far
        state(CAI, TODAY - timedelta(days=30)),  # the first day of the grace period: late, but not lost
        state(DEE, TODAY - timedelta(days=31)),  # decided
        state(EVA, TODAY + timedelta(days=5), cancelled=TODAY - timedelta(days=2)),  # has gone already
        state(FAY, TODAY + timedelta(days=5), renewed=TODAY - timedelta(days=2)),  # has renewed already
    )
    due = known.due(TODAY)
    assert due["contract_key"].tolist() == [ANA, CAI]
    assert due["days_to_renewal"].tolist() == [59.0, -30.0]


def test_what_was_not_known_at_a_past_date_is_not_seen_there() -> None:
    # Ana's contract was cancelled in March and Bo's renewed: as of February both were simply due.
    past, renewal = date(2026, 2, 1), date(2026, 3, 1)
    known = contracts(
        state(ANA, renewal, cancelled=date(2026, 3, 5), updated=date(2026, 3, 5)),
        state(BO, renewal, updated=date(2025, 3, 1), renewed=date(2025, 2, 20)),
        state(BO, date(2027, 3, 1), updated=date(2026, 2, 25), renewed=date(2026, 2, 25)),
    )
    due = known.due(past)
    assert due["contract_key"].tolist() == [ANA, BO]
    assert due["renewal_date"].dt.date.tolist() == [renewal, renewal]
    assert due["count_renewals"].tolist() == [0.0, 1.0]
    assert known.churned(due, past).tolist() == [1.0, 0.0]


def test_an_overwritten_renewal_date_does_not_hide_those_who_renewed() -> None:
    # The source moved Ana's date on without history; Bo never renewed. Without care only Bo would be remembered as due.
    past = date(2026, 1, 15)
    known = contracts(
        state(ANA, date(2027, 2, 1), renewed=date(2026, 2, 1), updated=date(2026, 2, 1)),
        state(BO, date(2026, 2, 1)),
    )
    due = known.due(past)
    assert due["contract_key"].tolist() == [ANA, BO]
    assert known.churned(due, past).tolist() == [0.0, 1.0]


def test_renewed_too_late_is_churned_and_a_deleted_contract_is_nothing() -> None:
    past, renewal = date(2026, 1, 15), date(2026, 2, 1)
    known = contracts(
        state(ANA, renewal, renewed=date(2026, 3, 10), updated=date(2026, 3, 10)),
        state(BO, renewal, deleted=date(2026, 2, 10)),
        state(CAI, renewal, renewed=date(2026, 2, 20), updated=date(2026, 2, 20)),
    )
    due = known.due(past)
    np.testing.assert_array_equal(known.churned(due, past), [1.0, np.nan, 0.0])


def test_outcomes_are_not_read_before_they_are_decided() -> None:
    known = contracts(state(ANA, TODAY + timedelta(days=5)))
    with pytest.raises(ValueError, match="are decided by 2026-05-06, known is 2026-04-01"):
        known.churned(known.due(TODAY), TODAY)


def test_few_decided_contracts_leave_the_rate_at_a_half() -> None:
    assert past_rate(contracts(state(ANA, date(2030, 1, 1)))) == 0.5


def load_contracts(run: Run, size: int = 1600, seed: int = 5) -> pd.Series:
    """A company of yearly contracts; young and dear ones are the likelier to end. The chance of each due one to end."""
    rng = np.random.default_rng(seed)
    latest, superseded, chances = [], [], {}
    for contract in range(1, size + 1):
        started = run.as_of_date - timedelta(days=int(rng.integers(10, 1200)))
        fee, renewed, renewal, terms = float(np.round(rng.gamma(4, 60), 2)), None, started + timedelta(days=365), 0
        row = {"contract_key": contract, "customer_key": contract * 7, "fee_original": fee, "started_at": utc(started)}
        updated, ended = started, None
        while True:
            chance = float(expit(-1.6 + 1.4 * (terms == 0) + 1.2 * np.log(fee / 220)))
            if renewal >= run.as_of_date - timedelta(days=30):
                chances[contract] = chance
            if renewal >= run.as_of_date:
                break
            if rng.random() < chance:
                ended = renewal + timedelta(days=3) if rng.random() < 0.7 else None
                if ended is not None and ended < run.as_of_date:
                    superseded.append({**row, "renewal_date": renewal, "renewed_at": utc(renewed), "updated_at": utc(updated)})
                    updated = ended
                else:
                    ended = None
                break
            superseded.append({**row, "renewal_date": renewal, "renewed_at": utc(renewed), "updated_at": utc(updated)})
            renewed, updated, terms = renewal - timedelta(days=2), renewal - timedelta(days=2), terms + 1
            renewal += timedelta(days=365)
        latest.append(
            {**row, "renewal_date": renewal, "renewed_at": utc(renewed), "updated_at": utc(updated), "cancelled_at": utc(ended)}
        )
    for table, states in (("core.contract", latest), ("core.contract_version", superseded)):
        _write(run, table, pd.DataFrame(states))
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "insert into core.customer (customer_key, valid_from, member_since, customer_kind, is_test, is_staff, source, "
            "batch_id, is_simulated) select distinct customer_key, timestamptz '2020-01-01', timestamptz '2020-01-01', "
            "'consumer', false, false, 'test', 1, true from core.contract"
        )
    return pd.Series(chances)


def _write(run: Run, table: str, states: pd.DataFrame) -> None:
    times = [name for name in ("started_at", "renewed_at", "cancelled_at", "updated_at") if name in states]
    columns: dict[str, Any] = {
        "contract_key": pa.array(states["contract_key"], pa.int64()),
        "source_customer_key": pa.array(states["customer_key"], pa.int64()),
        "customer_key": pa.array(states["customer_key"], pa.int64()),
        "renewal_date": pa.array(states["renewal_date"], pa.date32()),
        "source": ["test"] * len(states),
        "batch_id": pa.array([1] * len(states), pa.int64()),
        "is_simulated": [True] * len(states),
        **{name: pa.array(pd.to_datetime(states[name], utc=True), pa.timestamp("us", tz="UTC")) for name in times},
    }
    ingest_arrow(run.warehouse, table, pa.table(columns))
    # numeric has no Arrow type that COPY takes: written by statement.
    fees = states.drop_duplicates("contract_key")
    values = ", ".join(f"({int(key)}, {fee})" for key, fee in zip(fees["contract_key"], fees["fee_original"], strict=True))
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql(
            f"update {table} as target set fee_original = known.fee from (values {values}) as known (contract_key, fee) "
            "where known.contract_key = target.contract_key"
        )


NOTHING_GIVEN = cast(Given, None)


def test_learned_renewals_find_those_who_will_not_renew(
    make_run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    run = make_run(settings=SETTINGS)
    truth = load_contracts(run)
    features.build(run)
    before = rows(run, NOTHING_GIVEN)["scores.renewal"]
    assert before["is_fallback"].all()
    assert before["model_version"].unique().tolist() == [FALLBACK]
    assert 0.15 < before["non_renewal_probability"].iloc[0] < 0.5

    model = train_renewal(run)
    assert (model.kind, model.state) == ("renewal", "champion"), model.decision
    assert "better than rate of the past" in model.decision
    champion = registry.champion(run.warehouse, "renewal")
    assert champion is not None
    assert champion.labels_until == run.as_of_date

    published = rows(run, NOTHING_GIVEN)
    scored, why = published["scores.renewal"], published["scores.renewal_reason"]
    assert not scored["is_fallback"].any()
    chance = truth[scored["contract_key"]].to_numpy()
    rng = np.random.default_rng(1)
    ended = (rng.random((20, len(chance))) < chance).astype(float).ravel()
    found = measure(CHURN_METRICS, ended, {"ours": np.tile(scored["non_renewal_probability"], 20)}, seed=1)["ours"]
    best = measure(CHURN_METRICS, ended, {"truth": np.tile(chance, 20)}, seed=1)["truth"]
    assert (found["auc"].value or 0) > (best["auc"].value or 0) - 0.06
    assert abs(found["mean_gap"].value or 0) < 0.05
    with stage_writer(run, "scores") as writer:
        for table, frame in published.items():
            writer.fill_arrow(table, frame)
        check_slices(writer)
        assert writer.publish() == {"scores.renewal": len(scored), "scores.renewal_reason": len(why)}

    # Every contract has reasons, which add up, name its own figures, and have the likelier ones point upwards.
    assert set(why["contract_key"]) == set(scored["contract_key"])
    sums = why.groupby("contract_key").agg(
        listed=("contribution", "sum"), rest=("score_rest", "first"), all=("score_total", "first")
    )
    np.testing.assert_allclose(why["score_base"].iloc[0] + sums["listed"] + sums["rest"], sums["all"], atol=1e-9)
    chances = scored.set_index("contract_key")["non_renewal_probability"]
    assert sums["all"].rank().corr(chances.reindex(sums.index).rank()) > 0.999
    assert why["sentence_en"].str.contains("renewal|contract|Complaint|complaint|order", regex=True).mean() > 0.5
    assert why["sentence_zh"].str.len().min() > 3

    # How far the day is from training is kept, and the company's own levels decide what stops it.
    assert {one.name for one in newest_drift(run, "renewal")} > {"days_to_renewal", "score"}
    strict = replace(run.settings, drift=replace(run.settings.drift, distinct_score_fall=1e6))
    with pytest.raises(ScoresStopped, match=r"scores\.renewal .* distinct scores"):
        rows(replace(run, settings=strict), NOTHING_GIVEN)


def test_without_contracts_there_are_no_rows_and_nothing_to_learn(run: Run) -> None:
    nothing = rows(run, NOTHING_GIVEN)
    with stage_writer(run, "scores") as writer:
        for table, frame in nothing.items():
            writer.fill_arrow(table, frame)
        assert writer.publish() == {"scores.renewal": 0, "scores.renewal_reason": 0}
    with pytest.raises(TooLittleData, match=r"newest training date: 0 contracts .* 200 are needed"):
        train_renewal(run)
