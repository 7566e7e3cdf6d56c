"""Who may write: waiting, taking over, running out, and the fence."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from retention.settings import LeaseSettings, Settings
from retention.warehouse import Fenced, LeaseHeld, Run, lease, read_frame, sweep_abandoned

QUICK = Settings(lease=LeaseSettings(expires_seconds=1.0, renew_seconds=0.2, wait_seconds=10.0))
IMPATIENT = Settings(lease=LeaseSettings(expires_seconds=30.0, renew_seconds=5.0, wait_seconds=0.3))


def ledger(run: Run) -> list[tuple[str, int, str]]:
    """Return (task, try, state) of every attempt, in order."""
    rows = read_frame(run.warehouse, "select task_id, try_number, state from ops.run_ledger order by ledger_id")
    return [(row.task_id, int(row.try_number), row.state) for row in rows.itertuples()]


def test_publishing_closes_the_ledger_and_records_what_is_in_force(run):
    with lease(run, "core") as held, held.publishing() as connection:
        held.record(connection, "core.order_header", 12)
    assert ledger(run) == [("task", 1, "published")]
    published = read_frame(run.warehouse, "select table_name, rows, token, is_stale from ops.published")
    assert published.values.tolist() == [["core.order_header", 12, 1, False]]


def test_tokens_grow_with_every_holder(run):
    tokens = []
    for _ in range(3):
        with lease(run, "core") as held:
            tokens.append(held.token)
    assert tokens == [1, 2, 3]


def test_a_block_that_publishes_nothing_ends_as_no_data(run):
    with lease(run, "core") as held:
        held.note = "nothing new today"
    rows = read_frame(run.warehouse, "select state, message, ended_at from ops.run_ledger")
    assert rows.loc[0, ["state", "message"]].tolist() == ["no_data", "nothing new today"]
    assert rows.loc[0, "ended_at"] is not None


def test_an_error_ends_as_failed_and_keeps_no_foreign_message(run):
    with pytest.raises(ZeroDivisionError), lease(run, "core"):
        raise ZeroDivisionError("ana@example.com was divided by zero")
    rows = read_frame(run.warehouse, "select state, message from ops.run_ledger")
    assert rows.values.tolist() == [["failed", "ZeroDivisionError"]]


def test_an_error_within_publishing_undoes_everything(run):
    with pytest.raises(RuntimeError), lease(run, "core") as held, held.publishing() as connection:
        held.record(connection, "core.order_header", 12)
        raise RuntimeError
    assert ledger(run) == [("task", 1, "failed")]
    assert read_frame(run.warehouse, "select * from ops.published").empty


def test_another_task_waits_and_says_who_holds_the_date(make_run):
    with lease(make_run(task_id="first"), "features", "2026-04-01"):
        with pytest.raises(LeaseHeld, match=r"features 2026-04-01: held since .* by test/first of run run-1; waited 0 s"):
            with lease(make_run(task_id="second", settings=IMPATIENT), "features", "2026-04-01"):
                pytest.fail("the lease was given twice")


def test_other_slices_do_not_wait(make_run):
    with lease(make_run(task_id="first"), "features", "2026-04-01"):
        with lease(make_run(task_id="second", settings=IMPATIENT), "features", "2026-04-02") as held:
            assert held.token == 1


def test_who_waits_goes_on_as_soon_as_the_lease_is_free(make_run):
    waiting = threading.Event()

    def second() -> int:
        waiting.set()
        with lease(make_run(task_id="second", settings=QUICK), "core") as held:
            return held.token

    with ThreadPoolExecutor(1) as pool:
        with lease(make_run(task_id="first", settings=QUICK), "core") as first:
            future = pool.submit(second)
            assert waiting.wait(5)
            assert not future.done()
        assert future.result(timeout=10) == first.token + 1


def test_a_newer_try_takes_over_at_once_and_the_older_is_fenced(make_run):
    old, new = make_run(try_number=1), make_run(try_number=2, settings=IMPATIENT)
    with pytest.raises(Fenced, match=r"core \*: this attempt \(task, try 1\) holds token 1, a newer one holds 2"):
        with lease(old, "core") as overtaken:
            with lease(new, "core") as held, held.publishing() as connection:
                held.record(connection, "core.order_header", 2)
            with overtaken.publishing() as connection:
                overtaken.record(connection, "core.order_header", 1)
    assert read_frame(new.warehouse, "select rows from ops.published").values.tolist() == [[2]]
    assert ledger(new)[1] == ("task", 2, "published")
    assert ledger(new)[0][2] in {"abandoned", "fenced"}


def test_an_older_try_does_not_take_over(make_run):
    with lease(make_run(try_number=2), "core"):
        with pytest.raises(LeaseHeld), lease(make_run(try_number=1, settings=IMPATIENT), "core"):
            pytest.fail("try 1 took the lease of try 2")


def test_a_living_writer_keeps_its_lease_beyond_its_time(make_run):
    with lease(make_run(task_id="slow", settings=QUICK), "core") as held:
        first = _expires(held)
        with held.run.warehouse.connect() as connection:
            connection.execute(sa.text("select pg_sleep(1.5)"))
        assert _expires(held) > first
        with held.publishing() as connection:
            held.record(connection, "core.order_header", 1)


def test_a_lease_that_is_not_renewed_runs_out(make_run):
    never = Settings(lease=LeaseSettings(expires_seconds=0.3, renew_seconds=60.0, wait_seconds=5.0))
    with pytest.raises(Fenced), lease(make_run(task_id="frozen", settings=never), "core") as frozen:
        with lease(make_run(task_id="other", settings=QUICK), "core") as other, other.publishing():
            pass
        with frozen.publishing():
            pytest.fail("published without holding the lease")


def test_no_entry_says_running_for_ever(run):
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "insert into ops.lease values ('features', '2026-04-01', 5, 'd', 'r', 't', 1, now(), now() - interval '1 s')"
        )
        connection.exec_driver_sql(
            "insert into ops.run_ledger (stage, dataset, slice_key, business_date, dag_id, run_id, task_id, try_number, token) "
            "values ('features', 'features', '2026-04-01', '2026-03-31', 'd', 'r', 't', 1, 5)"
        )
        assert sweep_abandoned(connection) == 1
    assert ledger(run) == [("t", 1, "abandoned")]


def test_many_writers_of_one_slice_take_turns(make_run):
    """Twelve tasks add one to a number they read: without turns some of the additions would be lost."""
    with make_run().warehouse.begin() as connection:
        connection.exec_driver_sql("create table core.counter (value integer); insert into core.counter values (0)")

    def add(number: int) -> None:
        with lease(make_run(task_id=f"task-{number}", settings=QUICK), "core") as held, held.publishing() as connection:
            value = connection.execute(sa.text("select value from core.counter")).scalar_one()
            connection.execute(sa.text("update core.counter set value = :value"), {"value": value + 1})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(12)))
    assert read_frame(make_run().warehouse, "select value from core.counter").values.tolist() == [[12]]


def test_without_the_fence_an_overtaken_writer_would_overwrite(make_run, monkeypatch):
    """The guard turned off: both attempts publish, and the older one's rows stay. This is the damage the fence prevents."""
    old, new = make_run(try_number=1), make_run(try_number=2)
    with lease(old, "core") as overtaken:
        with lease(new, "core") as held, held.publishing() as connection:
            held.record(connection, "core.order_header", 2)
        overtaken.token = held.token  # as if tokens were not compared
        with overtaken.publishing() as connection:
            overtaken.record(connection, "core.order_header", 1)
    assert read_frame(new.warehouse, "select rows from ops.published").values.tolist() == [[1]]


def _expires(held):
    with held.run.warehouse.connect() as connection:
        return connection.execute(sa.text("select expires_at from ops.lease")).scalar_one()
