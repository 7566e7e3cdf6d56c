"""A whole installation for one test session: own home, own ports, PostgreSQL and Airflow under the supervisor."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from retention.deployment import Deployment
from retention.supervisor import Layout, down, up
from retention.supervisor.api import AirflowApi
from retention.supervisor.introduction import DAILY, introduce
from retention.supervisor.layout import free_port
from retention.warehouse import Warehouse
from tests.folders import open_folder
from tests.retention.alerts.receivers import Web, web

TINY = Path(__file__).resolve().parents[1] / "fixtures" / "tiny"


@dataclass(frozen=True)
class Installation:
    """A running installation on the tiny company."""

    layout: Layout
    api: AirflowApi
    warehouse: Warehouse
    marketing: Warehouse
    settings: Path
    """Its settings, read anew by every task."""
    chat: Web
    """What people were told."""


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """PostgreSQL and Airflow, really running, with the tiny company's files as sources; stopped after the last of these tests."""
    with open_folder("e2e") as home, web() as chat:
        yield from _installed(home, chat)


def _installed(home: Path, chat: Web) -> Iterator[Installation]:
    data = home / "delivered"
    shutil.copytree(TINY / "data", data)
    layout = Layout.of(home)
    settings = home / "retention.toml"
    settings.write_text("")
    own = {
        "RETENTION_HOME": str(home),
        "RETENTION_AIRFLOW_PORT": str(free_port()),
        "RETENTION_SCHEDULE_FROM": "2100-01-01",
        "RETENTION_SETTINGS": str(settings),
        "RETENTION_ALERT_URL": chat.url,
        "RETENTION_SOURCES_DIR": str(TINY / "sources"),
        **{f"RETENTION_SOURCE_{name.upper()}_URL": str(data / name) for name in ("crm", "sales", "service_desk")},
    }
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        up(layout)
        api = AirflowApi.of(layout)
        introduce(layout, api, DAILY)
        deployment = Deployment.from_env()
        databases = Warehouse(deployment.warehouse_url), Warehouse(deployment.marketing_url)
        yield Installation(layout, api, *databases, settings, chat)
    finally:
        down(layout)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
