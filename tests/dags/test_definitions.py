"""Every DAG is there, documented, owned, limited in time, and handed over to as the design says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

DAGS = {
    "retention_ingest",
    "retention_features",
    "retention_score",
    "retention_segment",
    "retention_audience",
    "retention_train",
    "retention_measure",
    "retention_complaint_clock",
    "retention_consent",
    "retention_privacy",
    "retention_health",
}
"""The list is explicit: an empty folder must fail."""

TASKS = {
    "retention_ingest": {
        "list_entities": {"extract"},
        "extract": {"validate"},
        "validate": {"publish_core"},
        "publish_core": set(),
    },
    "retention_features": {"build_features": {"compare_features"}, "compare_features": set()},
    "retention_score": {"score_customers": set()},
    "retention_segment": {"assign_segments": set()},
    "retention_audience": {
        "sync_consent": {"plan_audience"},
        "plan_audience": {"push_audience"},
        "push_audience": {"anything_waits", "export_lists"},
        "export_lists": set(),
        "anything_waits": {"ask_approval"},
        "ask_approval": {"push_approved"},
        "push_approved": set(),
    },
    "retention_train": {"train_models": set()},
    "retention_measure": {"measure_effects": set()},
    "retention_complaint_clock": {"check_complaints": {"hold_promotion"}, "hold_promotion": set()},
    "retention_consent": {"sync_consent": {"feed_targets"}, "feed_targets": set()},
    "retention_privacy": {"handle_requests": set()},
    "retention_health": {"check_health": set()},
}

HANDED_OVER = {
    "retention_features": {"core.customers", "core.orders", "core.complaints", "core.engagement"},
    "retention_score": {"features"},
    "retention_segment": {"scores"},
    "retention_audience": {"segments"},
    "retention_measure": {"audience"},
}
PUBLISHED = {
    "retention_ingest.publish_core": {"core.customers", "core.orders", "core.complaints", "core.engagement"},
    "retention_features.build_features": {"features"},
    "retention_score.score_customers": {"scores"},
    "retention_segment.assign_segments": {"segments"},
    "retention_audience.push_audience": {"audience"},
    "retention_train.train_models": {"models"},
}


@pytest.fixture(params=sorted(DAGS))
def dag(request: pytest.FixtureRequest, dag_bag: Any) -> Any:
    return dag_bag.dags[request.param]


def test_every_file_imports_and_the_set_is_complete(dag_bag: Any) -> None:
    assert dag_bag.import_errors == {}
    assert set(dag_bag.dags) == DAGS


def test_supervisor_knows_the_same_dags() -> None:
    from retention.supervisor.introduction import ALL

    assert set(ALL) == DAGS


def test_documented_tagged_and_one_run_at_a_time(dag: Any) -> None:
    assert dag.doc_md.startswith("# ")
    assert "**If it fails:** `docs/runbook.md#" in dag.doc_md
    assert "retention" in dag.tags
    assert len(dag.tags) == 2
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert dag.deadline, "no deadline alert"


def test_tasks_are_owned_documented_and_limited(dag: Any) -> None:
    from retention_airflow.retries import RetryWhatMayPass

    for task in dag.tasks:
        assert task.owner == "retention", task.task_id
        assert task.retries >= 2, task.task_id
        assert task.retry_exponential_backoff, task.task_id
        assert isinstance(task.retry_policy, RetryWhatMayPass), task.task_id
        assert timedelta(0) < task.execution_timeout <= timedelta(hours=3), task.task_id
        assert task.doc_md, f"{task.task_id} has no documentation"


def test_edges_inside_a_dag(dag: Any) -> None:
    assert {task.task_id: set(task.downstream_task_ids) for task in dag.tasks} == TASKS[dag.dag_id]


def test_every_asset_has_one_publisher(dag_bag: Any) -> None:
    published = {
        f"{dag.dag_id}.{task.task_id}": {asset.name for asset in task.outlets}
        for dag in dag_bag.dags.values()
        for task in dag.tasks
        if task.outlets
    }
    assert published == PUBLISHED
    names = [name for assets in published.values() for name in assets]
    assert len(names) == len(set(names))


def test_edges_between_dags(dag_bag: Any) -> None:
    from airflow.serialization.encoders import coerce_to_core_timetable

    waits = {dag_id: set(_waits_for(coerce_to_core_timetable(dag.timetable))) for dag_id, dag in dag_bag.dags.items()}
    waits = {dag_id: names for dag_id, names in waits.items() if names}
    assert waits == HANDED_OVER


def _waits_for(timetable: Any) -> list[str]:
    condition = timetable.asset_condition
    return [key.name for key, _ in condition.iter_assets()] if condition is not None else []


def test_no_dag_waits_for_assets_of_several_publishers(dag_bag: Any) -> None:
    publisher = {name: task for task, names in PUBLISHED.items() for name in names}
    for dag_id, names in HANDED_OVER.items():
        assert len({publisher[name] for name in names}) == 1, dag_id


def test_round_trip_through_serialisation(dag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    once = DagSerialization.serialize_dag(dag)
    restored = DagSerialization.deserialize_dag(once)
    assert {task.task_id for task in restored.tasks} == {task.task_id for task in dag.tasks}
    assert restored.dag_id == dag.dag_id


def test_definitions_do_not_change_from_parse_to_parse(dag_bag: Any) -> None:
    from airflow.models import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    again = DagBag()
    for dag_id, dag in dag_bag.dags.items():
        assert DagSerialization.serialize_dag(dag) == DagSerialization.serialize_dag(again.dags[dag_id]), dag_id


def test_daily_run_is_for_the_day_that_closed(dag_bag: Any) -> None:
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import TimeRestriction

    timetable = coerce_to_core_timetable(dag_bag.dags["retention_ingest"].timetable)
    # Midnight of 22 November in Shanghai is 16:00 of the 21st in UTC: the day that closes is the 21st.
    start = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
    info = timetable.next_dagrun_info_v2(
        last_dagrun_info=None, restriction=TimeRestriction(earliest=start, latest=None, catchup=True)
    )
    assert info.run_after == start
    assert info.partition_key == "2026-11-21"


def test_backfill_covers_both_ends_of_its_range(dag_bag: Any) -> None:
    from airflow.serialization.encoders import coerce_to_core_timetable

    timetable = coerce_to_core_timetable(dag_bag.dags["retention_ingest"].timetable)
    infos = timetable.iter_partition_dagrun_infos(
        earliest=datetime(2026, 11, 2, tzinfo=UTC), latest=datetime(2026, 11, 11, tzinfo=UTC)
    )
    assert [info.partition_key for info in infos] == [f"2026-11-{day:02d}" for day in range(2, 12)]


def test_package_is_not_loaded_as_plugins(dag_bag: Any) -> None:
    import sys

    assert not {"assets", "runs", "alerts", "schedules", "retries"} & set(sys.modules)
