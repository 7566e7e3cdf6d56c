"""Kill -9 at every step of a write, two writers at once, and an overtaken attempt that wakes up late."""

from __future__ import annotations

import os
import signal
import threading

import pytest
import sqlalchemy as sa

from retention.warehouse import Warehouse, read_frame
from tests.retention.warehouse import people_slice

STEPS = [
    "lease.acquired",
    "writer.before_fill",
    "writer.filled",
    "publish.before_lock",
    "publish.locked",
    "writer.slice_replaced",
    "publish.before_ledger",
    "publish.before_commit",
    "publish.after_commit",
]
OLD = dict.fromkeys(people_slice.PEOPLE, 1)
NEW = dict.fromkeys(people_slice.PEOPLE, 2)


def finish(process, expected: int = 0) -> str:
    """Wait for a writer's end, check its exit code and return what it wrote."""
    _, errors = process.communicate(timeout=60)
    assert process.returncode == expected, errors
    return errors


def states(warehouse: Warehouse) -> list[str]:
    return read_frame(warehouse, "select state from ops.run_ledger order by ledger_id")["state"].tolist()


def staging(warehouse: Warehouse) -> list[str]:
    return read_frame(warehouse, "select tablename from pg_catalog.pg_tables where schemaname = 'staging'")[
        "tablename"
    ].tolist()


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_nothing_is_half_published_and_a_retry_finishes(step, people, start_writer):
    finish(start_writer(1))
    errors = finish(start_writer(2, failpoints=f"{step}:kill", task_id="killed"), expected=-signal.SIGKILL)
    assert f"failpoint {step} fires: kill" in errors
    committed = step == "publish.after_commit"
    assert people_slice.read(people) == (NEW if committed else OLD)

    finish(start_writer(3, try_number=2, task_id="killed"))
    assert people_slice.read(people) == dict.fromkeys(people_slice.PEOPLE, 3)
    assert states(people) == ["published", "published" if committed else "abandoned", "published"]
    assert staging(people) == []


def test_an_overtaken_attempt_that_wakes_up_late_changes_nothing(people, start_writer):
    frozen = start_writer(1, failpoints="publish.before_lock:stop")
    frozen.wait_until_stopped()
    finish(start_writer(2, try_number=2))
    os.kill(frozen.pid, signal.SIGCONT)
    errors = finish(frozen, expected=3)
    assert "FENCED features 2026-04-01" in errors
    assert people_slice.read(people) == NEW
    assert states(people) == ["fenced", "published"]


def test_a_frozen_attempt_is_overtaken_by_another_run_once_its_lease_runs_out(people, start_writer):
    frozen = start_writer(1, failpoints="writer.filled:stop")
    frozen.wait_until_stopped()
    finish(start_writer(2, task_id="another"))
    os.kill(frozen.pid, signal.SIGCONT)
    finish(frozen, expected=3)
    assert people_slice.read(people) == NEW


@pytest.mark.parametrize("round_number", range(3))
def test_two_runs_of_one_date_at_once_leave_one_whole_slice(round_number, people, start_writer):
    writers = [start_writer(version, task_id=f"run-{version}", failpoints="writer.filled:sleep:0.2") for version in (1, 2)]
    for process in writers:
        finish(process)
    assert len(set(people_slice.read(people).values())) == 1
    assert states(people) == ["published", "published"]


def test_readers_see_one_whole_slice_while_it_is_replaced(people, start_writer):
    finish(start_writer(1))
    seen: list[dict[int, int]] = []
    done = threading.Event()

    def hammer() -> None:
        while not done.is_set():
            seen.append(people_slice.read(people))

    reader = threading.Thread(target=hammer)
    reader.start()
    for version in (2, 3, 4):
        finish(start_writer(version, try_number=version))
    done.set()
    reader.join()
    assert len(seen) > 50
    assert all(len(rows) == len(people_slice.PEOPLE) and len(set(rows.values())) == 1 for rows in seen)


def test_without_the_lease_two_writers_would_double_the_rows(people):
    """The guard turned off, as a warehouse without keys would allow it: both delete, both insert, both commit."""
    with people.begin() as connection:
        connection.exec_driver_sql("create table core.unguarded (customer_key bigint)")
    barrier = threading.Barrier(2)

    def write() -> None:
        with people.begin() as connection:
            connection.exec_driver_sql("delete from core.unguarded")
            barrier.wait(10)
            connection.execute(
                sa.text("insert into core.unguarded select unnest(cast(:people as bigint[]))"), {"people": list(OLD)}
            )

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_frame(people, "select count(*) from core.unguarded").iloc[0, 0] == 2 * len(OLD)


def test_a_killed_client_leaves_no_statement_behind(people):
    """The server notices a dead client within its check interval and rolls back what it was doing."""
    reader, writer_end = os.pipe()
    child = os.fork()
    if child == 0:
        victim = Warehouse(people.url.render_as_string(hide_password=False), application_name="victim")
        with victim.begin() as connection:
            os.write(writer_end, b"x")
            connection.exec_driver_sql("insert into core.victim select 1 from pg_sleep(30)")
        os._exit(1)
    with people.begin() as connection:
        connection.exec_driver_sql("create table if not exists core.victim (value integer)")
    os.read(reader, 1)
    with people.connect() as connection:
        connection.execute(sa.text("set statement_timeout = '10s'"))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        remaining = 1
        while remaining:
            connection.execute(sa.text("select pg_sleep(0.1)"))
            connection.rollback()
            remaining = connection.execute(
                sa.text("select count(*) from pg_catalog.pg_stat_activity where application_name = 'victim'")
            ).scalar_one()
        assert connection.execute(sa.text("select count(*) from core.victim")).scalar_one() == 0
