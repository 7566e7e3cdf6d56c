"""Airflow for tests: a home of its own with SQLite, set before the first import of Airflow in this process."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(tempfile.mkdtemp(prefix="retention-airflow-"))
assert "airflow" not in sys.modules, "Airflow was imported before its test home was set"
os.environ.update(
    AIRFLOW_HOME=str(HOME),
    AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
    AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{HOME}/airflow.db",
    AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
)
sys.path.insert(0, str(ROOT / "plugins"))


@pytest.fixture(scope="session")
def dag_bag() -> Iterator[Any]:
    """Every DAG file, read as Airflow reads it."""
    from airflow.models import DagBag
    from airflow.utils.db import initdb

    initdb()
    yield DagBag()
    import shutil

    shutil.rmtree(HOME, ignore_errors=True)


@dataclass
class Calls:
    """What a DAG run asked of the pipeline, instead of it being done."""

    made: list[tuple[Any, ...]] = field(default_factory=list)
    raises: dict[str, list[Exception]] = field(default_factory=dict)
    """By function, errors to raise at its next calls."""

    @property
    def names(self) -> list[str]:
        return [call[0] for call in self.made]

    def days(self) -> set[date]:
        return {call[1] for call in self.made}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Stand in for the pipeline below the DAGs: each function records its call and reports one row."""
    from retention import pipeline

    recorded = Calls()

    def stand_in(name: str) -> Callable[..., dict[str, int]]:
        def function(run: Any, *arguments: Any) -> dict[str, int]:
            recorded.made.append((name, run.business_date, *arguments))
            if recorded.raises.get(name):
                raise recorded.raises[name].pop(0)
            return {"rows": 1}

        return function

    def open_run(business_date: date, attempt: Any, connections: Any = None) -> Any:
        return SimpleNamespace(business_date=business_date, attempt=attempt, connections=connections)

    monkeypatch.setattr(pipeline, "open_run", open_run)
    monkeypatch.setattr(pipeline, "close", lambda run: None)
    monkeypatch.setattr(
        pipeline, "entities", lambda: [{"source": "crm", "entity": "customer"}, {"source": "sales", "entity": "order"}]
    )
    for name in (
        *(
            "extract",
            "validate",
            "publish_core",
            "build_features",
            "compare_features",
            "score",
            "assign_segments",
            "plan_audience",
        ),
        *("push_audience", "feed_targets", "export_lists", "measure", "train", "sync_consent", "complaint_clock", "privacy"),
        "hold_promotion",
    ):
        monkeypatch.setattr(pipeline, name, stand_in(name))
    return recorded


@pytest.fixture
def run_dag(dag_bag: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that runs a DAG in this process, for a partition key that `dag.test()` itself cannot give."""
    import airflow.models.dagrun as dagrun

    original = dagrun.get_or_create_dagrun

    def run(dag_id: str, partition_key: str | None = None, conf: dict[str, Any] | None = None) -> Any:
        def with_key(**arguments: Any) -> Any:
            made = original(**arguments)
            made.partition_key = partition_key
            if partition_key:
                made.partition_date = datetime.fromisoformat(f"{partition_key}T00:00:00+08:00")
            arguments["session"].commit()
            return made

        monkeypatch.setattr(dagrun, "get_or_create_dagrun", with_key)
        # dag.test() looks deadlines up by an id that only the DAG processor gives them, and breaks without.
        monkeypatch.setattr(dag_bag.dags[dag_id], "deadline", None)
        return dag_bag.dags[dag_id].test(logical_date=None, run_conf=conf)

    return run
