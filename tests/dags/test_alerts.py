"""What Airflow tells people: by callbacks, deadlines and notifiers, through every channel, configured in any of both ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from retention.warehouse import RetentionError, Warehouse
from tests.retention.alerts.receivers import Web, mail, web


@pytest.fixture
def chat() -> Iterator[Web]:
    with web() as seen:
        yield seen


@pytest.fixture(autouse=True)
def own_marks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No warehouse to count in, and marks of what was told in a folder of this test's own."""
    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    monkeypatch.delenv("RETENTION_WAREHOUSE_URL", raising=False)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    from retention.alerts import sending

    monkeypatch.setattr(sending, "_sleep", lambda seconds: None)


WHERE = {
    "ti": SimpleNamespace(dag_id="retention_score", task_id="score_customers", try_number=2),
    "dag_run": SimpleNamespace(partition_key="2026-11-20", run_id="x"),
}


def test_alert_is_posted_and_names_no_foreign_message(chat: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    from retention_airflow.alerts import task_failed

    monkeypatch.setenv("RETENTION_ALERT_URL", chat.url)
    task_failed({**WHERE, "exception": RetentionError("scores.churn: 0 rows.", runbook="scoring")})
    task_failed({**WHERE, "exception": ValueError("ana@example.com")})
    received = [body["text"] for body in chat.posted]
    assert received[0] == (
        "FAILED retention_score.score_customers of 2026-11-20, try 2: scores.churn: 0 rows. See docs/runbook.md#scoring"
    )
    assert chat.posted[0]["subject"] == "[retention] FAILED retention_score.score_customers of 2026-11-20, try 2"
    assert "ana@example.com" not in received[1]
    assert "ValueError" in received[1]


NIGHT = [datetime(2026, 11, 20, 15, tzinfo=UTC) + timedelta(minutes=10 * step) for step in range(12)]
"""Two hours of a clock that runs every ten minutes; the sixth look is at midnight in Shanghai."""


def night_of_failures(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    from retention_airflow import alerts, runs

    for now in NIGHT:
        monkeypatch.setattr(runs, "moment", lambda now=now: now)
        alerts.task_failed({**WHERE, "exception": error})


def test_a_clock_that_fails_all_night_is_told_once_a_day(
    chat: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("RETENTION_ALERT_URL", chat.url)
    night_of_failures(monkeypatch, RetentionError("no connection.", runbook="connection-lost"))
    assert len(chat.posted) == 2, "one on each of the two days"
    assert caplog.text.count("FAILED retention_score.score_customers") == len(NIGHT), "the log has every one"
    night_of_failures(monkeypatch, ValueError("something else"))
    assert len(chat.posted) == 4, "another cause is news"


def test_told_without_a_limit_every_failure_is_a_message(chat: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    from retention import alerts

    monkeypatch.setenv("RETENTION_ALERT_URL", chat.url)
    monkeypatch.setattr(alerts, "first_here", lambda folder, what, day: True)
    night_of_failures(monkeypatch, RetentionError("no connection.", runbook="connection-lost"))
    assert len(chat.posted) == len(NIGHT)


def test_what_reached_nobody_is_told_at_the_next_failure(chat: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    from retention_airflow.alerts import task_failed

    failed = {**WHERE, "exception": RetentionError("no connection.", runbook="connection-lost")}
    monkeypatch.setenv("RETENTION_ALERT_URL", "http://127.0.0.1:9/")
    task_failed(failed)
    monkeypatch.setenv("RETENTION_ALERT_URL", chat.url)
    task_failed(failed)
    task_failed(failed)
    assert len(chat.posted) == 1


def test_counted_in_the_warehouse_the_next_day_says_how_often(
    chat: Web, monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse
) -> None:
    monkeypatch.setenv("RETENTION_ALERT_URL", chat.url)
    monkeypatch.setenv("RETENTION_WAREHOUSE_URL", warehouse.url.render_as_string(hide_password=False))
    night_of_failures(monkeypatch, RetentionError("no connection.", runbook="connection-lost"))
    assert len(chat.posted) == 2
    assert chat.posted[1]["text"].endswith("See docs/runbook.md#connection-lost (5 more times on 2026-11-20.)")


def test_unreachable_chat_does_not_break_the_task(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    from retention_airflow.alerts import notify

    monkeypatch.setenv("RETENTION_ALERT_URL", "http://127.0.0.1:9/")
    notify("FAILED x")
    assert "could not be posted" in caplog.text


def test_half_a_configuration_does_not_break_the_task(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from retention_airflow.alerts import notify

    monkeypatch.setenv("RETENTION_ALERT_SMTP_URL", "smtp://mail.example")
    assert list(notify("FAILED x").failed) == ["configuration"]
    assert "FAILED x" in caplog.text
    assert "RETENTION_ALERT_EMAIL_TO names nobody" in caplog.text


def test_late_run_is_named_with_its_day_in_every_channel(chat: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadline alerts call this with what Airflow knows of the run."""
    from retention_airflow.alerts import run_late

    monkeypatch.setenv("RETENTION_ALERT_URL", chat.url)
    monkeypatch.setenv("RETENTION_ALERT_WECOM_URL", f"{chat.url}/wecom")
    run_late({"dag_run": {"dag_id": "retention_ingest", "partition_key": "2026-11-20", "dag_run_id": "x"}}, limit="2:00:00")
    texts = [body.get("text") if isinstance(body.get("text"), str) else body["text"]["content"] for body in chat.posted]
    assert len(texts) == 2
    assert all(text.startswith("LATE retention_ingest 2026-11-20: not finished within 2:00:00") for text in texts)


def test_a_late_run_without_a_day_is_named_by_its_id(chat: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Airflow tells of a run that no partition belongs to."""
    from retention_airflow.alerts import run_late

    monkeypatch.setenv("RETENTION_ALERT_URL", chat.url)
    run_late({"dag_run": {"dag_id": "retention_health", "partition_key": None, "dag_run_id": "manual__1"}}, limit="0:30:00")
    assert chat.posted[0]["text"].startswith("LATE retention_health manual__1: not finished within 0:30:00")


def test_connections_of_airflow_configure_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    from retention.alerts import DingTalk, Email, Feishu, Webhook, WeCom, configured_channels
    from retention_airflow.alerts import alert_variables

    extra = {"secret": "SEC-1"}
    described = {
        "WEBHOOK": {"conn_type": "http", "host": "hooks.example", "port": 8443, "password": "t-1", "extra": {"path": "/in?to=ops"}},
        "WECOM": {"conn_type": "http", "password": "key-1"},
        "DINGTALK": {"conn_type": "http", "password": "token-1", "extra": extra},
        "FEISHU": {"conn_type": "http", "host": "https://feishu.inside.example", "extra": {**extra, "path": "/hook/1"}},
        "EMAIL": {
            "conn_type": "smtp", "host": "mail.example", "port": 2525, "login": "ops", "password": "p/w",
            "extra": {"from": "ops@shop.example", "to": "ana@shop.example"},
        },
        "SOMETHING_ELSE": {"conn_type": "http", "host": "other.example"},
    }  # fmt: skip
    for name, connection in described.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_ALERT_{name}", json.dumps(connection))
    assert configured_channels(alert_variables()) == [
        Webhook("https://hooks.example:8443/in?to=ops", "t-1"),
        WeCom("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=key-1"),
        DingTalk("https://oapi.dingtalk.com/robot/send?access_token=token-1", "SEC-1"),
        Feishu("https://feishu.inside.example/hook/1", "SEC-1"),
        Email("mail.example", 2525, "ops@shop.example", ("ana@shop.example",), "ops", "p/w", "starttls"),
    ]


def test_a_notifier_tells_its_own_channel_what_its_template_says(chat: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    from retention_airflow.notifiers import AlertNotifier, EmailNotifier, WeComNotifier

    monkeypatch.setenv("RETENTION_ALERT_URL", f"{chat.url}/webhook")
    monkeypatch.setenv("RETENTION_ALERT_WECOM_URL", f"{chat.url}/wecom")
    WeComNotifier("{{ ti.dag_id }} of {{ dag_run.partition_key }} is done")(dict(WHERE))
    assert chat.paths == ["/wecom"]
    assert chat.posted[0]["text"]["content"] == "retention_score of 2026-11-20 is done"
    AlertNotifier()({**WHERE, "exception": RetentionError("x.", runbook="scoring")})
    assert sorted(chat.paths[1:]) == ["/webhook", "/wecom"]
    with mail() as box:
        monkeypatch.setenv("RETENTION_ALERT_SMTP_URL", f"smtp://127.0.0.1:{box.port}?security=none")
        monkeypatch.setenv("RETENTION_ALERT_EMAIL_FROM", "ops@shop.example")
        monkeypatch.setenv("RETENTION_ALERT_EMAIL_TO", "ana@shop.example")
        EmailNotifier("done", subject="{{ ti.task_id }}")(dict(WHERE))
    assert len(chat.paths) == 3
    assert "Subject: score_customers" in box.mails[0]


def test_a_task_that_fails_tells_people_once_after_its_last_try(
    run_dag: Callable[..., Any], calls: Any, chat: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_ALERT_URL", chat.url)
    calls.raises["score"] = [RetentionError("scores.churn 2026-11-21: 0 rows. Nothing published.", runbook="scoring")]
    assert run_dag("retention_score", "2026-11-20").state == "failed"
    assert [body["text"] for body in chat.posted] == [
        "FAILED retention_score.score_customers of 2026-11-20, try 1: scores.churn 2026-11-21: 0 rows. Nothing published. "
        "See docs/runbook.md#scoring"
    ]


def test_the_hourly_look_tells_the_channels(
    run_dag: Callable[..., Any], calls: Any, chat: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retention import pipeline

    monkeypatch.setenv("RETENTION_ALERT_URL", chat.url)
    monkeypatch.setattr(pipeline, "check_health", lambda run, now: {"checks": 3, "breach": 1})
    monkeypatch.setattr(
        pipeline, "tell_health", lambda run, now, tell: len(tell("HEALTH: 1 not well", "[retention] health", ()).arrived)
    )
    run = run_dag("retention_health")
    assert run.state == "success"
    assert chat.posted == [{"text": "HEALTH: 1 not well", "subject": "[retention] health"}]
