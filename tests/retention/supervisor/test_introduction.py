"""DAGs are switched on once; what people switch off stays off."""

from __future__ import annotations

from pathlib import Path

import pytest

from retention.supervisor.api import AirflowApiError
from retention.supervisor.introduction import ALL, DAILY, introduce, wait_for_dags
from retention.supervisor.layout import Layout


class Airflow:
    """Stands in for the REST API: knows which DAGs there are and which are on."""

    def __init__(self, dags: set[str], errors: list[str] | None = None) -> None:
        self.dags, self.errors, self.switched_on = dags, errors or [], []

    def dag_ids(self) -> set[str]:
        return self.dags

    def import_errors(self) -> list[str]:
        return self.errors

    def set_paused(self, dag_id: str, paused: bool) -> None:
        assert not paused
        self.switched_on.append(dag_id)


def test_each_dag_is_switched_on_once(tmp_path: Path) -> None:
    layout, airflow = Layout.of(tmp_path), Airflow(set(ALL))
    assert introduce(layout, airflow, DAILY[:2]) == list(DAILY[:2])
    assert set(introduce(layout, airflow)) == set(ALL) - set(DAILY[:2])
    assert introduce(layout, airflow) == [], "a DAG that somebody paused would have been switched on again"
    assert sorted(airflow.switched_on) == sorted(ALL)


def test_file_that_cannot_be_read_is_named_at_once() -> None:
    with pytest.raises(AirflowApiError, match=r"cannot be read: .*retention_score.py"):
        wait_for_dags(Airflow(set(), ["dags/retention_score.py: SyntaxError"]))


def test_missing_dag_is_named_after_the_patience() -> None:
    with pytest.raises(AirflowApiError, match="has not read retention_train within 0 s"):
        wait_for_dags(Airflow(set(ALL) - {"retention_train"}), patience=0)
