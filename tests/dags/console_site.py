"""A real Airflow API server in this process, with the console hanging in it and people of every role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retention.console import Answered, Refused

ROLES = {"vic": "viewer", "uma": "user", "oleg": "op", "ada": "admin"}
"""Vic may look, Uma may see customers and answer, Oleg and Ada too; Nora has no role at all."""


class StubConsole:
    """Answers every question with a constant, and remembers what it was asked."""

    def __init__(self) -> None:
        from retention.settings import Settings

        self.settings = Settings()
        self.asked: list[tuple[Any, ...]] = []
        self.held: list[dict[str, Any]] = []
        self.fails: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        def ask(*arguments: Any) -> Answered:
            self.asked.append((name, *arguments))
            if self.fails is not None:
                raise self.fails
            return Answered(None, {"asked": name})

        if name.startswith("_") or name == "reader":
            raise AttributeError(name)
        return ask

    def waiting(self) -> list[dict[str, Any]]:
        """Pushes that wait."""
        return self.held

    def customer(self, text: str, actor: str) -> Answered:
        """One customer: only key 7 is known."""
        self.asked.append(("customer", text, actor))
        if text != "7":
            raise Refused("unknown_customer", 404)
        return Answered(None, {"customer_key": "7"})


def login(site: Any, name: str) -> Mapping[str, str]:
    """Headers of a person who is logged in."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role=ROLES.get(name)))
    return {"authorization": f"Bearer {token}"}


def ask(run_id: str) -> None:
    """Let a run of ``retention_audience`` stand where it does when a push is held back: its question asked, nobody at hand."""
    from datetime import UTC, datetime

    from airflow.dag_processing.dagbag import sync_bag_to_db
    from airflow.models import DagBag
    from airflow.models.dagbag import DBDagBag
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.hitl import HITLDetail
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState, TaskInstanceState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType
    from sqlalchemy import select

    with create_session() as session:
        if session.scalar(select(DagBundleModel).where(DagBundleModel.name == "dags-folder")) is None:
            session.add(DagBundleModel(name="dags-folder"))
    with create_session() as session:
        if session.scalar(select(SerializedDagModel.dag_id).where(SerializedDagModel.dag_id == "retention_audience")) is None:
            from tests.dags.conftest import ROOT

            sync_bag_to_db(DagBag(str(ROOT / "dags" / "retention_audience.py")), "dags-folder", None, session=session)
    with create_session() as session:
        dag = DBDagBag().get_latest_version_of_dag("retention_audience", session=session)
        assert dag is not None
        run = dag.create_dagrun(
            run_id=run_id,
            run_after=datetime(2026, 3, 31, 16, tzinfo=UTC),
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.RUNNING,
            partition_key="2026-03-31",
            session=session,
        )
        task = run.get_task_instance("ask_approval", session=session)
        assert task is not None
        task.state = TaskInstanceState.AWAITING_INPUT
        session.add(
            HITLDetail(
                ti_id=task.id, options=["Approve", "Reject"], subject="Push them anyway?", defaults=["Reject"], params={}
            )
        )


def answered(run_id: str) -> tuple[str | None, Any, Any, Any]:
    """What became of a run's question: state of its task, who answered, what, and with which words."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        task = session.scalars(
            select(TaskInstance).where(TaskInstance.run_id == run_id, TaskInstance.task_id == "ask_approval")
        ).one()
        question = session.get(HITLDetail, task.id)
        assert question is not None
        by = question.responded_by["name"] if question.responded_by else None
        return str(task.state), by, question.chosen_options, question.params_input
