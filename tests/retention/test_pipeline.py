"""A whole day by hand, and the streams that do not wait for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention import pipeline, whole_day
from retention.sources import SourceSpec, load_spec
from retention.streams import customer_source, read_stream
from retention.warehouse import Attempt, RetentionError, Run, Warehouse

NOW = datetime(2026, 4, 1, 1, 0, tzinfo=UTC)

CRM = """
source: crm
kind: sql
connection: CRM
timezone: UTC
entities:
  customer: {table: people, key: [id], columns: {customer_id: id}}
  consent:
    table: permission
    key: [id]
    cursor: changed_at
    columns:
      {consent_id: id, customer_id: person, purpose: purpose, channel: channel, decision: decision, decided_at: changed_at}
    expect: {empty_day: ok}
"""


# -- the day --------------------------------------------------------------------------------------------------------------
def test_a_day_runs_every_step_in_order_and_tells_its_progress(
    monkeypatch: pytest.MonkeyPatch, make_run: Callable[..., Run]
) -> None:
    called: list[str] = []

    def step(name: str) -> tuple[str, Callable[[Run], dict[str, Any]]]:
        return name, lambda run: {"by": called.append(f"{name} as {run.attempt.task_id}")}

    monkeypatch.setattr(whole_day, "steps_of_day", lambda now, with_training: [step("one"), step("two")])
    seen: list[tuple[str, str]] = []
    done = whole_day.run_day(lambda name: make_run(task_id=name), NOW, progress=lambda s: seen.append((s.name, s.state)))
    assert called == ["one as one", "two as two"]
    assert seen == [("one", "running"), ("one", "done"), ("two", "running"), ("two", "done")]
    assert [(s.name, s.position, s.total) for s in done] == [("one", 1, 2), ("two", 2, 2)]


def test_a_failed_step_ends_the_day(monkeypatch: pytest.MonkeyPatch, make_run: Callable[..., Run]) -> None:
    def fails(run: Run) -> dict[str, Any]:
        raise RetentionError("half a delivery. Nothing published.", runbook="volume")

    later: list[Run] = []
    monkeypatch.setattr(whole_day, "steps_of_day", lambda *_: [("validate", fails), ("publish core", later.append)])
    seen: list[str] = []
    with pytest.raises(RetentionError, match="half a delivery"):
        whole_day.run_day(lambda name: make_run(task_id=name), NOW, progress=lambda s: seen.append(f"{s.name} {s.state}"))
    assert seen == ["validate running", "validate failed"]
    assert later == []


def test_the_steps_of_a_day_follow_the_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "entities", lambda: [{"source": "crm", "entity": "customer"}])
    names = [name for name, _ in whole_day.steps_of_day(NOW, with_training=True)]
    assert names[:3] == ["extract crm.customer", "validate", "publish core"]
    assert names.index("sync consent") < names.index("push audience")
    assert names.index("train") < names.index("score") < names.index("assign segments") < names.index("plan audience")
    assert "train" not in [name for name, _ in whole_day.steps_of_day(NOW)]


def test_connections_given_take_the_place_of_the_deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse, marketing: Warehouse
) -> None:
    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    monkeypatch.setenv("RETENTION_WAREHOUSE_URL", "postgresql://nobody@127.0.0.1:1/elsewhere")
    monkeypatch.setenv("RETENTION_SOURCE_CRM_URL", "sqlite:///before.db")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "pepper").write_text("pepper-for-this-test-only-" * 3)
    given = {
        "warehouse": warehouse.url.render_as_string(hide_password=False),
        "marketing": marketing.url.render_as_string(hide_password=False),
        "source_crm": "sqlite:///given.db",
    }
    run = pipeline.open_run(date(2026, 3, 31), Attempt("dag", "run", "task"), given)
    assert run.warehouse.url.database == warehouse.url.database
    assert run.marketing is not None
    assert run.marketing.url.database == marketing.url.database
    assert pipeline.Deployment.from_env().source_urls["CRM"] == "sqlite:///given.db"
    assert "pepper-for" not in repr(run)


def test_an_unknown_source_is_named(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    with pytest.raises(RetentionError, match="no source crn with an entity customer"):
        pipeline.extract(run, "crn", "customer")


# -- streams --------------------------------------------------------------------------------------------------------------
@pytest.fixture
def crm(make_database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[SourceSpec, Warehouse]:
    """A CRM in which Ana has granted e-mail."""
    url = make_database("empty")
    monkeypatch.setenv("RETENTION_SOURCE_CRM_URL", url)
    path = tmp_path / "crm.yml"
    path.write_text(CRM)
    database = Warehouse(url)
    with database.begin() as connection:
        connection.execute(
            sa.text(
                "create table public.permission (id text primary key, person text, purpose text, channel text, decision text, "
                "changed_at timestamp)"
            )
        )
    decide(database, "1", "ana", "granted", NOW - timedelta(days=2))
    return load_spec(path), database


def decide(database: Warehouse, number: str, person: str, decision: str, at: datetime) -> None:
    with database.begin() as connection:
        connection.execute(
            sa.text("insert into public.permission values (:number, :person, 'marketing', 'email', :decision, :at)"),
            {"number": number, "person": person, "decision": decision, "at": at.replace(tzinfo=None)},
        )


class Recorder:
    """Keeps what it is handed, as the ledger would: by number."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.calls = 0

    def __call__(
        self, connection: Connection, source: str, rows: Iterable[Mapping[str, Any]], customer_source: str
    ) -> Mapping[str, int]:
        self.calls += 1
        news = {row["consent_id"]: row["decision"] for row in rows if row["consent_id"] not in self.known}
        self.known |= news
        return {"added": len(news)}


def test_a_stream_reads_everything_once_and_then_what_is_new(run: Run, crm: tuple[SourceSpec, Warehouse]) -> None:
    spec, database = crm
    recorder = Recorder()
    assert read_stream(run, [spec], "consent", NOW, recorder) == {"added": 1}
    # Ana says no, ten minutes later. Bo's row of the same minute was committed late and carries an earlier time.
    decide(database, "2", "ana", "withdrawn", NOW + timedelta(minutes=5))
    decide(database, "3", "bo", "withdrawn", NOW - timedelta(minutes=1))
    assert read_stream(run, [spec], "consent", NOW + timedelta(minutes=10), recorder) == {"added": 2}
    assert recorder.known == {"1": "granted", "2": "withdrawn", "3": "withdrawn"}
    assert read_stream(run, [spec], "consent", NOW + timedelta(minutes=20), recorder).get("added", 0) == 0


def test_without_the_overlap_the_late_row_is_lost(
    run: Run, crm: tuple[SourceSpec, Warehouse], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retention.streams.OVERLAP", timedelta(0))
    spec, database = crm
    recorder = Recorder()
    read_stream(run, [spec], "consent", NOW, recorder)
    decide(database, "3", "bo", "withdrawn", NOW - timedelta(minutes=1))
    read_stream(run, [spec], "consent", NOW + timedelta(minutes=10), recorder)
    assert "3" not in recorder.known


def test_a_crash_before_the_end_repeats_and_never_skips(run: Run, crm: tuple[SourceSpec, Warehouse]) -> None:
    spec, _ = crm

    def crash(*_: object) -> Mapping[str, int]:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        read_stream(run, [spec], "consent", NOW, crash)
    recorder = Recorder()
    assert read_stream(run, [spec], "consent", NOW + timedelta(minutes=10), recorder) == {"added": 1}


def test_the_cursor_of_a_stream_never_moves_back(run: Run, crm: tuple[SourceSpec, Warehouse]) -> None:
    spec, _ = crm
    for at in (NOW, NOW - timedelta(hours=3)):
        read_stream(run, [spec], "consent", at, Recorder())
    with run.warehouse.connect() as connection:
        query = "select cursor_value from ops.source_cursor where entity = 'consent@stream'"
        reached = connection.execute(sa.text(query)).scalar()
    assert reached == NOW.isoformat()


def test_whose_customer_numbers_a_source_uses(crm: tuple[SourceSpec, Warehouse], tmp_path: Path) -> None:
    spec, _ = crm
    path = tmp_path / "desk.yml"
    customers = "  customer: {table: people, key: [id], columns: {customer_id: id}}\n"
    path.write_text(CRM.replace("source: crm", "source: desk").replace(customers, ""))
    desk = load_spec(path)
    assert customer_source([spec, desk], spec) == "crm"
    assert customer_source([spec, desk], desk) == "crm"
    path.write_text(CRM.replace("source: crm", "source: shop"))
    with pytest.raises(RetentionError, match="crm, shop all do"):
        customer_source([spec, desk, load_spec(path)], desk)
