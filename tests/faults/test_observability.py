"""Lineage and metrics, switched on by configuration alone and received on this machine from a real task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from retention.warehouse import Warehouse
from retention.warehouse.flow import tables_read
from tests.dags.received import metrics_posted
from tests.retention.alerts.receivers import Web, web

pytestmark = pytest.mark.faults
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def receiver() -> Iterator[Web]:
    with web() as seen:
        seen.answers = [(200, {}, {})]
        yield seen


def test_lineage_and_metrics_of_a_task_are_received(receiver: Web, warehouse: Warehouse, tmp_path: Path) -> None:
    pytest.importorskip("airflow.providers.openlineage", reason="the extra `observability` is not installed")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "RETENTION_ALERT"))},
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        # What docs/observability.md says, and nothing else:
        "AIRFLOW__OPENLINEAGE__TRANSPORT": f'{{"type": "http", "url": "{receiver.url}", "endpoint": "lineage"}}',
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "shop",
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")]),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.dags.observed_once", warehouse.url.render_as_string(hide_password=False)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    events = [json.loads(body) for path, body in zip(receiver.paths, receiver.bodies, strict=True) if path == "/lineage"]
    complete = next(
        event for event in events
        if event["eventType"] == "COMPLETE" and event["job"]["name"] == "retention_segment.assign_segments"
    )  # fmt: skip
    url = warehouse.url
    assert complete["job"]["namespace"] == "shop"
    assert [(d["namespace"], d["name"]) for d in complete["outputs"]] == [
        (f"postgres://{url.host}:{url.port}", f"{url.database}.segments.membership")
    ]
    read = {dataset["name"].partition(".")[2] for dataset in complete["inputs"]}
    assert read == set(tables_read("segments.membership"))
    assert str(url.password) not in json.dumps(events)

    metrics = metrics_posted(receiver)
    assert metrics["airflow.retention.table.rows", "segments.membership"] == 7
    assert metrics["airflow.retention.attempts", "segments"] == 1
    assert 0 < metrics["airflow.retention.dataset.seconds", "segments"] < 120
