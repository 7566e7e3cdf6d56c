"""From an Airflow run to a business day, and from an error to what people are told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from retention.settings import SettingsError
from retention.warehouse import ConnectionLost, Fenced, RetentionError


def context(key: str | None) -> dict[str, Any]:
    return {"dag_run": SimpleNamespace(dag_id="retention_features", run_id="manual__1", partition_key=key)}


def test_business_date_is_the_partition_key() -> None:
    from retention_airflow import business_date

    assert business_date(context("2026-11-21")) == date(2026, 11, 21)


@pytest.mark.parametrize("key", [None, ""], ids=["none", "empty"])
def test_run_without_partition_key_says_what_to_do(key: str | None) -> None:
    from retention_airflow import business_date
    from retention_airflow.runs import NoBusinessDate

    with pytest.raises(NoBusinessDate, match=r"retention_features run manual__1 has no partition key.*Nothing was read"):
        business_date(context(key))


def test_partition_key_that_is_no_date_is_named() -> None:
    from retention_airflow import business_date
    from retention_airflow.runs import NoBusinessDate

    with pytest.raises(NoBusinessDate, match=r"'2026-11-02 \(W45\)' is not a date"):
        business_date(context("2026-11-02 (W45)"))


@pytest.mark.parametrize(
    ("at", "closed"),
    [
        (datetime(2026, 11, 21, 15, 59, tzinfo=UTC), date(2026, 11, 20)),  # 23:59 in Shanghai: the 21st still runs
        (datetime(2026, 11, 21, 16, 0, tzinfo=UTC), date(2026, 11, 21)),  # midnight in Shanghai
    ],
    ids=["minute before midnight", "midnight"],
)
def test_business_day_closes_at_midnight_in_shanghai(at: datetime, closed: date) -> None:
    from retention_airflow import closed_business_day

    assert closed_business_day(at) == closed


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (RetentionError("412 of 10,233 rows"), False),
        (Fenced("overtaken"), False),
        (SettingsError("unknown name"), False),
        (ConnectionLost("gone"), True),
        (ConnectionError("refused"), True),
        (MemoryError(), True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_only_what_may_pass_is_tried_again(error: Exception, again: bool) -> None:
    from airflow.sdk import RetryAction

    from retention_airflow.retries import RetryWhatMayPass

    decision = RetryWhatMayPass().evaluate(error, try_number=1, max_tries=3)
    assert decision.action == (RetryAction.DEFAULT if again else RetryAction.FAIL)


def test_schedule_start_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from retention_airflow import schedule_start
    from retention_airflow.schedules import ALWAYS

    monkeypatch.delenv("RETENTION_SCHEDULE_FROM", raising=False)
    assert schedule_start() == ALWAYS
    monkeypatch.setenv("RETENTION_SCHEDULE_FROM", "2100-01-01")
    assert schedule_start() == datetime(2099, 12, 31, 16, 0, tzinfo=UTC)
    monkeypatch.setenv("RETENTION_SCHEDULE_FROM", "next week")
    with pytest.raises(ValueError, match="'next week': expected a date like 2026-11-23"):
        schedule_start()


def test_interval_that_does_not_divide_the_hour_is_refused() -> None:
    from retention_airflow import every

    with pytest.raises(ValueError, match="0:07:00 does not divide an hour"):
        every(timedelta(minutes=7))


def test_airflow_connections_take_the_place_of_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    from retention_airflow.connections import connection_urls

    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", "postgresql://ana:p%40ss@db.example:5433/warehouse")
    monkeypatch.setenv("AIRFLOW_CONN_SOURCE_DESK", json.dumps({"conn_type": "fs", "extra": {"path": "/srv/desk"}}))
    monkeypatch.setenv("AIRFLOW_CONN_SOURCE_SHOP", "mysql://bo:secret@shop.example:3306/shop")
    monkeypatch.setenv("AIRFLOW_CONN_SOMETHING_ELSE", "http://example.com")
    assert connection_urls() == {
        "warehouse": "postgresql://ana:p%40ss@db.example:5433/warehouse",
        "source_desk": "/srv/desk",
        "source_shop": "mysql+pymysql://bo:secret@shop.example:3306/shop",
    }


def test_connection_of_an_api_hands_on_address_and_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    from retention import pipeline
    from retention.warehouse import Attempt, RetentionError
    from retention_airflow.connections import connection_urls

    extra = {"client_id": "c-1", "refresh_token": "r-1", "path": "/crm/v8"}
    described = {"conn_type": "http", "host": "crm.example", "port": 8443, "password": "s-1", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SOURCE_ZOHO", json.dumps(described))
    found = connection_urls()
    assert found == {
        "source_zoho": "https://crm.example:8443/crm/v8",
        "source_zoho.password": "s-1",
        "source_zoho.client_id": "c-1",
        "source_zoho.refresh_token": "r-1",
    }
    for name in ("URL", "PASSWORD", "CLIENT_ID", "REFRESH_TOKEN"):
        monkeypatch.setenv(f"RETENTION_SOURCE_ZOHO_{name}", "")  # so that it is taken away again at the end
    monkeypatch.setenv("RETENTION_HOME", "/nowhere")  # the run itself is not wanted, only what it hands on
    with pytest.raises(RetentionError, match="no database URL"):
        pipeline.open_run(date(2026, 11, 20), Attempt("test", "test", "test", 1), connections=found)
    assert os.environ["RETENTION_SOURCE_ZOHO_URL"] == "https://crm.example:8443/crm/v8"
    assert os.environ["RETENTION_SOURCE_ZOHO_REFRESH_TOKEN"] == "r-1"


def test_daily_chain_passes_the_same_day_on(run_dag: Callable[..., Any], calls: Any) -> None:
    day = "2026-11-20"
    for dag_id in ("ingest", "features", "score", "segment", "audience", "measure"):
        assert run_dag(f"retention_{dag_id}", day).state == "success", dag_id
    assert calls.days() == {date(2026, 11, 20)}
    assert sorted(calls.made[:2]) == [
        ("extract", date(2026, 11, 20), "crm", "customer"),
        ("extract", date(2026, 11, 20), "sales", "order"),
    ]
    assert calls.names[2:7] == ["validate", "publish_core", "build_features", "compare_features", "score"]
    assert calls.names[-3:] == ["push_audience", "export_lists", "measure"]
    assert calls.names[8:10] == ["sync_consent", "plan_audience"]


def test_run_without_day_fails_at_once_and_extracts_nothing(run_dag: Callable[..., Any], calls: Any) -> None:
    run = run_dag("retention_ingest", None)
    assert run.state == "failed"
    assert calls.made == []
    assert next(t for t in run.get_task_instances() if t.task_id == "list_entities").try_number == 1


def test_failed_check_stops_before_core(run_dag: Callable[..., Any], calls: Any) -> None:
    calls.raises["validate"] = [RetentionError("landing.order: 412 of 10,233 rows. Nothing published.")]
    assert run_dag("retention_ingest", "2026-11-20").state == "failed"
    assert calls.names.count("validate") == 1, "a failed check was tried again"
    assert "publish_core" not in calls.names


def test_training_takes_the_day_it_is_given_or_the_last_closed_one(run_dag: Callable[..., Any], calls: Any) -> None:
    from retention_airflow import closed_business_day

    assert run_dag("retention_train").state == "success"
    assert run_dag("retention_train", conf={"business_date": "2026-11-15"}).state == "success"
    assert [call[1] for call in calls.made] == [closed_business_day(datetime.now(UTC)), date(2026, 11, 15)]


@pytest.mark.parametrize("name", ["complaint_clock", "consent", "privacy"])
def test_clock_dags_hand_the_present_in(name: str, run_dag: Callable[..., Any], calls: Any) -> None:
    before = datetime.now(UTC)
    assert run_dag(f"retention_{name}").state == "success"
    ((_, day, now), *_) = calls.made  # consent goes on to feed the targets
    assert before <= now <= datetime.now(UTC)
    assert day < now.date() + timedelta(days=1)


def test_driver_error_leaves_without_its_row_values(
    run_dag: Callable[..., Any], calls: Any, caplog: pytest.LogCaptureFixture
) -> None:
    import psycopg

    calls.raises["build_features"] = [psycopg.errors.UniqueViolation("Key (email)=(ana@example.com) already exists")]
    assert run_dag("retention_features", "2026-11-20").state == "failed"
    assert "ana@example.com" not in caplog.text
