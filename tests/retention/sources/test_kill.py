"""Kill -9 at every step of an extraction: nothing visible before, one whole batch after the next try."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest

from retention.sources import SourceSpec, extract, load_specs
from retention.sources.errors import SnapshotShrank
from retention.warehouse import DatabaseFailed, Fenced, Run, Warehouse
from tests.processes import Program

STEPS = [
    "lease.acquired",
    "extract.batch_opened",
    "extract.batch_read",
    "extract.rows_loaded",
    "publish.before_lock",
    "publish.locked",
    "publish.before_commit",
]


def extract_and_die(warehouse: Warehouse, specs: Path, source: str, entity: str, day: str, step: str) -> None:
    url = warehouse.url.render_as_string(hide_password=False)
    died = Program(
        "tests.retention.sources.extract_once", url, str(specs), source, entity, day, "1",
        environment={"RETENTION_FAILPOINTS": f"{step}:kill"},
    )  # fmt: skip
    _, errors = died.communicate()
    assert died.returncode == -9, errors
    assert f"failpoint {step} fires" in errors


def run_and_die(warehouse: Warehouse, project: Path, step: str) -> None:
    extract_and_die(warehouse, project / "tests/fixtures/tiny/sources", "sales", "order", "2026-03-31", step)


@pytest.mark.parametrize("step", STEPS)
def test_killed_extraction_leaves_nothing_and_is_repeated(
    step: str,
    warehouse: Warehouse,
    make_run: Callable[..., Run],
    tiny: dict[str, SourceSpec],
    project: Path,
    rows: Callable[..., Any],
) -> None:
    run_and_die(warehouse, project, step)
    assert rows("select count(*) from ops.batch where state in ('landed', 'validated', 'published')") == [(0,)]
    assert rows("select count(*) from ops.file_manifest") == [(0,)]

    result = extract(make_run(task_id="extract", try_number=2), tiny["sales"], "order")
    assert (result["state"], result["rows"]) == ("landed", 43)
    # What the dead process had loaded is gone, and no batch says extracting for ever.
    assert rows("select count(*), count(distinct batch_id) from landing.order") == [(43, 1)]
    assert set(rows("select state from ops.batch")) <= {("landed",), ("failed",)}


def test_killed_after_the_commit_is_read_again_without_doubling(
    warehouse: Warehouse, make_run: Callable[..., Run], tiny: dict[str, SourceSpec], project: Path, rows: Callable[..., Any]
) -> None:
    run_and_die(warehouse, project, "publish.after_commit")
    assert rows("select state, rows_extracted from ops.batch") == [("landed", 43)]
    extract(make_run(task_id="extract", try_number=2), tiny["sales"], "order")
    assert rows("select state, count(*) from ops.batch group by state order by state") == [("landed", 1), ("superseded", 1)]
    assert rows("select count(*) from landing.order") == [(43,)]


def test_a_commit_that_was_not_heard_of_is_left_as_it_is(
    make_run: Callable[..., Run], tiny: dict[str, SourceSpec], rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks after the server has committed: the batch has landed, although its task fails."""
    module = import_module("retention.warehouse.lease")  # the package's name for it is the function
    original = module.failpoint

    def broken(name: str) -> None:
        original(name)
        if name == "publish.after_commit":
            raise DatabaseFailed("the connection is gone")

    monkeypatch.setattr(module, "failpoint", broken)
    with pytest.raises(DatabaseFailed):
        extract(make_run(), tiny["sales"], "order")
    assert rows("select state, rows_extracted from ops.batch") == [("landed", 43)]
    assert rows("select count(*) from landing.order") == [(43,)]


def test_overtaken_attempt_lands_nothing(
    make_run: Callable[..., Run], tiny: dict[str, SourceSpec], rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first try is held up after loading its rows; the second one runs meanwhile and is the one that counts."""
    import retention.sources.landing as module

    original, fired = module.failpoint, list[dict[str, Any]]()

    def overtake(name: str) -> None:
        original(name)
        if name == "extract.rows_loaded" and not fired:
            fired.append({})
            fired[0] |= extract(make_run(task_id="extract", try_number=2), tiny["sales"], "order")

    monkeypatch.setattr(module, "failpoint", overtake)
    with pytest.raises(Fenced):
        extract(make_run(task_id="extract", try_number=1), tiny["sales"], "order")
    assert rows("select batch_id from ops.batch where state = 'landed'") == [(fired[0]["batch_id"],)]
    assert rows("select count(*), count(distinct batch_id) from landing.order") == [(43, 1)]


def test_without_the_fence_the_overtaken_attempt_would_count_twice(
    make_run: Callable[..., Run], tiny: dict[str, SourceSpec], rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard switched off: dead batches not swept, states not compared. Two batches of one day are then both visible."""
    import retention.sources.landing as module
    from retention.warehouse.lease import Lease

    def unfenced(run: Run, held: Lease, spec: SourceSpec, window: Any, batch_id: int, delivery: Any) -> None:
        import sqlalchemy as sa

        with run.warehouse.begin() as connection:
            connection.execute(
                sa.text("update ops.batch set state = 'landed' where batch_id = :batch_id"), {"batch_id": batch_id}
            )

    monkeypatch.setattr(module, "_close_batch", unfenced)
    for number in (1, 2):
        extract(make_run(task_id="extract", try_number=number), tiny["sales"], "order")
    assert rows("select count(*) from ops.batch where state = 'landed'") == [(2,)]
    assert rows("select count(*) from landing.order") == [(86,)]


@pytest.fixture
def shop_url(make_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A database with 2,000 replies and its description, read as a snapshot."""
    url = make_database("empty")
    with psycopg.connect(url) as connection:
        connection.execute("create table reply as select n as nr, 'Ana' as who from generate_series(1, 2000) as n")
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "shop.yml").write_text(
        "source: shop\nkind: sql\nconnection: SHOP\nentities:\n  survey_answer:\n    table: reply\n    key: [nr]\n    mode: snapshot\n"
        "    columns: {answer_id: nr, customer_id: who}\n"
    )
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_URL", url)
    return url


@pytest.mark.parametrize("step", ["extract.batch_read", "extract.rows_loaded", "extract.compared", "publish.before_commit"])
def test_killed_snapshot_leaves_nothing_and_is_compared_anew(
    step: str,
    warehouse: Warehouse,
    make_run: Callable[..., Run],
    shop_url: str,
    project: Path,
    tmp_path: Path,
    rows: Callable[..., Any],
    publish: Callable[[], int],
) -> None:
    """A comparison that has landed deletions and taken duplicates out: none of it may stay."""
    spec = load_specs(tmp_path / "specs")[0]
    extract(make_run(date(2026, 3, 31)), spec, "survey_answer")
    assert publish() == 2_000
    with psycopg.connect(shop_url) as connection:
        connection.execute("delete from reply where nr <= 3; update reply set who = 'Bo' where nr = 4")
    kept = rows("select md5(string_agg(kept_row::text, '' order by key)) from landing.kept_row")
    extract_and_die(warehouse, tmp_path / "specs", "shop", "survey_answer", "2026-04-01", step)
    assert rows("select state, count(*) from ops.batch group by state order by state") == [("extracting", 1), ("published", 1)]
    assert rows("select md5(string_agg(kept_row::text, '' order by key)) from landing.kept_row") == kept

    result = extract(make_run(date(2026, 4, 1), task_id="extract", try_number=2), spec, "survey_answer")
    assert (result["rows"], result["deleted"]) == (2_000, 3)
    left = (
        "select answer_id, customer_id, deleted_at is not null from landing.survey_answer where batch_id <> 1 order by position"
    )
    assert rows(left) == [("4", "Bo", False), ("1", "Ana", True), ("2", "Ana", True), ("3", "Ana", True)]
    assert rows("select rows_extracted, rows_duplicate from ops.batch where state = 'landed'") == [(2_000, 1_996)]


def test_overtaken_snapshot_lands_nothing(
    make_run: Callable[..., Run],
    shop_url: str,
    tmp_path: Path,
    rows: Callable[..., Any],
    publish: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first try is held up after its rows are loaded; when it wakes up and compares, its batch is somebody's past."""
    import retention.sources.landing as module

    spec = load_specs(tmp_path / "specs")[0]
    extract(make_run(date(2026, 3, 31)), spec, "survey_answer")
    publish()
    with psycopg.connect(shop_url) as connection:
        connection.execute("delete from reply where nr = 1")
    original, fired = module.failpoint, list[dict[str, Any]]()

    def overtake(name: str) -> None:
        original(name)
        if name == "extract.rows_loaded" and not fired:
            fired.append({})
            fired[0] |= extract(make_run(date(2026, 4, 1), task_id="extract", try_number=2), spec, "survey_answer")

    monkeypatch.setattr(module, "failpoint", overtake)
    # The zombie finds nothing of its own in landing: to it the whole snapshot has vanished.
    with pytest.raises((Fenced, SnapshotShrank)):
        extract(make_run(date(2026, 4, 1), task_id="extract", try_number=1), spec, "survey_answer")
    assert rows("select batch_id, rows_extracted from ops.batch where state = 'landed'") == [(fired[0]["batch_id"], 2_000)]
    assert rows("select batch_id, answer_id from landing.survey_answer where batch_id <> 1") == [(fired[0]["batch_id"], "1")]


def test_killed_with_two_writers_at_work(warehouse: Warehouse, project: Path, rows: Callable[..., Any]) -> None:
    """Each writer has a transaction of its own, and both have sent rows: neither may commit when the process dies."""
    died = Program("tests.retention.sources.load_and_die", warehouse.url.render_as_string(hide_password=False))
    output, errors = died.communicate()
    assert died.returncode == -9, errors
    assert "two writers have rows" in output
    gone = "select count(*), pg_sleep(0.05) from pg_stat_activity where application_name = 'killed' and datname = current_database()"
    for _ in range(200):  # the server notices a closed connection by itself
        if rows(gone)[0][0] == 0:
            break
    assert rows(gone)[0][0] == 0
    assert rows("select count(*) from landing.survey_answer") == [(0,)]
