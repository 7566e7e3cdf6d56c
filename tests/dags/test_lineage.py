"""Lineage and metrics of what a task has written; tests/faults/test_observability.py switches them on in a real task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retention.warehouse import Warehouse, all_contracts
from retention.warehouse.flow import BESIDE, tables_read
from tests.dags.received import metrics_posted
from tests.retention.alerts.receivers import Web, web


def test_what_the_queries_of_a_table_read() -> None:
    assert {"core.order_entry", "core.customer"} <= set(tables_read("features.customer_orders"))
    assert "landing.order" in tables_read("core.order_header"), "through what is kept for a moment"
    assert "marketing.campaign_audience" in tables_read("bi.audience_mix")
    assert "core.order_entry" in tables_read("bi.kpi_value")
    for contract in all_contracts().values():
        assert set(tables_read(contract.table)) <= set(all_contracts())
    assert {table for tables in BESIDE.values() for table in tables} <= set(all_contracts())


def test_a_dataset_has_the_name_that_other_tools_give_it(make_run: Any, marketing: Warehouse) -> None:
    from retention_airflow.lineage import dataset_uri

    run = make_run(marketing=marketing)
    url = run.warehouse.url
    assert dataset_uri(run, "core.customer") == f"postgres://{url.host}:{url.port}/{url.database}/core/customer"
    assert marketing.url.database in dataset_uri(run, "marketing.campaign_audience")
    assert str(url.password) not in dataset_uri(run, "core.customer")


def test_sources_are_named_without_their_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from retention import pipeline

    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    monkeypatch.setenv("RETENTION_SOURCE_CRM_URL", "postgresql://ana:secret@crm.example:5433/crm")
    monkeypatch.setenv("RETENTION_SOURCE_SERVICE_DESK_URL", "/srv/desk")
    places = [pipeline.source_place(**entity) for entity in pipeline.entities()]
    assert any(place and place.startswith("postgres://crm.example:5433/crm/public/") for place in places)
    assert any(place and place.startswith("file:///srv/desk/") for place in places)
    assert not any("secret" in (place or "") for place in places)


def test_nothing_is_read_where_nobody_listens(make_run: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    from retention.warehouse import flow
    from retention_airflow.runs import _observe

    monkeypatch.setattr(flow, "written_by", lambda run: pytest.fail("the ledger was read for nobody"))
    _observe(make_run())
    assert caplog.text == ""


@pytest.fixture
def receiver() -> Iterator[Web]:
    with web() as seen:
        seen.answers = [(200, {}, {})]
        yield seen


@pytest.fixture
def published(make_run: Any) -> Any:
    """A run whose attempt has published seven rows."""
    from tests.dags.observed_once import publish_members

    run = make_run()
    publish_members(run)
    return run


def test_what_was_published_and_what_it_was_made_of_are_told(published: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk import lineage

    from retention_airflow.runs import _observe

    collector = lineage.HookLineageCollector()
    monkeypatch.setattr(lineage, "get_hook_lineage_collector", lambda: collector)
    _observe(published)
    told = collector.collected_assets
    url = published.warehouse.url
    here = f"postgres://{url.host}:{url.port}/{url.database}"
    assert [entry.asset.uri for entry in told.outputs] == [f"{here}/segments/membership"]
    expected = [f"{here}/{table.replace('.', '/')}" for table in tables_read("segments.membership")]
    assert sorted(entry.asset.uri for entry in told.inputs) == sorted(expected)


def test_rows_and_durations_are_measured(published: Any, receiver: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's own metrics over OpenTelemetry, by the variables of OpenTelemetry."""
    import atexit

    from airflow.sdk._shared.observability.metrics.otel_logger import flush_otel_metrics
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
    from opentelemetry import metrics

    from retention_airflow.runs import _observe

    monkeypatch.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    stats.initialize(factory=get_stats_factory(), export_legacy_names=False)
    try:
        _observe(published)
    finally:
        monkeypatch.setenv("AIRFLOW__METRICS__OTEL_ON", "False")
        stats.initialize(factory=get_stats_factory(), export_legacy_names=False)
        provider: Any = metrics.get_meter_provider()
        provider.shutdown()
        atexit.unregister(flush_otel_metrics)  # at the end of all tests nobody receives any more
    found = metrics_posted(receiver)
    assert found["airflow.retention.table.rows", "segments.membership"] == 7
    assert found["airflow.retention.attempts", "segments"] == 1
    assert 0 < found["airflow.retention.dataset.seconds", "segments"] < 120


def test_the_health_of_audiences_is_measured(make_run: Any, receiver: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.observability import stats

    from retention_airflow.metrics import tell_health_metrics
    from tests.retention.privacy.conftest import DAY, insert

    run = make_run()
    sent: dict[tuple[str, ...], float] = {}
    monkeypatch.setattr(stats, "gauge", lambda name, value, tags: sent.update({(name, *tags.values()): value}))
    tell_health_metrics(run)
    assert sent == {}, "metrics are off"
    for subject, state in (("core", "ok"), ("scores", "breach"), ("segments", "warn")):
        insert(
            run.warehouse, "bi.health_check", {"as_of_date": DAY, "check_name": "day_ready", "subject": subject, "state": state}
        )
    insert(
        run.warehouse, "bi.audience_health", {"as_of_date": DAY, "campaign": "rescue", "members": 40, "permitted_members": 30}
    )
    monkeypatch.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
    tell_health_metrics(run)
    assert sent == {
        ("retention.health.checks", "ok"): 1, ("retention.health.checks", "warn"): 1, ("retention.health.checks", "breach"): 1,
        ("retention.health.checks", "not_measured"): 0, ("retention.health.state", "day_ready"): 2,
        ("retention.audience.members", "rescue"): 40, ("retention.audience.reachable", "rescue"): 30,
    }  # fmt: skip


def test_who_listens_cannot_stop_the_work(published: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    from airflow.sdk import lineage

    from retention_airflow.runs import _observe

    class Broken(lineage.HookLineageCollector):
        def add_output_asset(self, *_: Any, **__: Any) -> None:
            raise RuntimeError("secret")

    monkeypatch.setattr(lineage, "get_hook_lineage_collector", Broken)
    _observe(published)
    assert "were not told (RuntimeError)" in caplog.text
    assert "secret" not in caplog.text
