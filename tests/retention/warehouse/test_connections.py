"""Reading, loading, binds, and errors that keep personal values to themselves."""

from __future__ import annotations

import os
import time
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from retention.warehouse import ConnectionLost, DatabaseFailed, RetentionError, Warehouse, ingest_arrow, read_arrow, read_frame
from retention.warehouse.connections import statement

CANARY = "canary@example.com"


def test_binds_may_be_cast_and_unused_ones_are_dropped(warehouse):
    rows = read_frame(warehouse, "select :day::date as day, '12\\:30' as text", {"day": date(2026, 4, 1), "other": 1})
    assert rows["text"].tolist() == ["12:30"]
    clause, known = statement("select :day::date", {"day": date(2026, 4, 1), "other": 1})
    assert (str(clause), list(known)) == ("select (:day)::date", ["day"])


def test_arrow_goes_in_and_out_unchanged(warehouse):
    with warehouse.begin() as connection:
        connection.exec_driver_sql("create table core.people (name text, spend_minor bigint, joined date)")
    people = pa.table({"name": ["Ana", "陈", None], "spend_minor": [1, 2**62, None], "joined": [date(2026, 1, 1), None, None]})
    assert ingest_arrow(warehouse, "core.people", people) == 3
    back = read_arrow(warehouse, "select name, spend_minor, joined from core.people order by spend_minor")
    assert back.to_pylist() == people.to_pylist()


def test_a_database_error_names_table_and_constraint_but_no_value(warehouse):
    with warehouse.begin() as connection:
        connection.exec_driver_sql("create table core.people (email text constraint one_per_address primary key)")
    with pytest.raises(
        DatabaseFailed, match=r"two rows have the same key .*table people, constraint one_per_address"
    ) as caught:
        with warehouse.begin() as connection:
            for _ in range(2):
                connection.execute(sa.text("insert into core.people values (:email)"), {"email": CANARY})
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert not caught.value.retryable


def test_loading_a_wrong_value_shows_no_value(warehouse):
    with warehouse.begin() as connection:
        connection.exec_driver_sql("create table core.people (email text primary key)")
    with pytest.raises(DatabaseFailed) as caught:
        ingest_arrow(warehouse, "core.people", pa.table({"email": [CANARY, CANARY]}))
    assert CANARY not in str(caught.value)
    assert read_frame(warehouse, "select * from core.people").empty


def test_a_lost_connection_is_worth_a_retry(warehouse):
    with pytest.raises(ConnectionLost, match="safe to retry") as caught, warehouse.begin() as connection:
        connection.execute(sa.text("select pg_terminate_backend(pg_backend_pid())"))
    assert caught.value.retryable


def test_no_url_says_what_to_set():
    with pytest.raises(RetentionError, match="RETENTION_WAREHOUSE_URL"):
        Warehouse("")


def test_the_password_is_not_printed():
    assert "secret" not in repr(Warehouse("postgresql://ana:secret@127.0.0.1/warehouse"))


@pytest.mark.parametrize(
    ("change", "words", "again"),
    [
        ({"password": "wrong-one"}, "user or password is wrong", False),
        ({"database": "nowhere"}, "there is no such user or database", False),
        ({"port": 1}, "nothing listens there", True),
        ({"host": "nowhere.invalid"}, "the host's name is not known", True),
    ],
)
def test_why_there_is_no_connection_is_said(warehouse: Warehouse, change: dict[str, Any], words: str, again: bool) -> None:
    stranger = Warehouse(warehouse.url.set(**change).render_as_string(hide_password=False))
    with pytest.raises(RetentionError, match=words) as found, stranger.connect():
        pass
    assert found.value.retryable is again
    assert "wrong-one" not in str(found.value)


@pytest.mark.parametrize("url", ["garbage", "mysql://ana:secret-word@host/shop", "postgresql://host"])
def test_an_address_of_something_else_is_refused(url: str) -> None:
    with pytest.raises(RetentionError, match="need one like postgresql://") as found:
        Warehouse(url)
    assert "secret-word" not in str(found.value)


def _sessions(warehouse: Warehouse) -> list[tuple[int, str]]:
    query = "select pid, state from pg_stat_activity where application_name = 'arrow' and pid <> pg_backend_pid() order by pid"
    with warehouse.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def _gone(warehouse: Warehouse) -> bool:
    """Whether all are closed; a server notices a moment after its client has left."""
    until = time.monotonic() + 10
    while left := _sessions(warehouse):
        if time.monotonic() > until:
            break
    return not left


@pytest.fixture
def arrow(warehouse):
    opened = Warehouse(warehouse.url.render_as_string(hide_password=False), application_name="arrow")
    yield opened
    opened.dispose()


def test_arrow_connections_are_used_again_and_wait_outside_of_transactions(arrow, warehouse):
    for number in range(5):
        assert read_arrow(arrow, "select :number::int as n", {"number": number}).to_pylist() == [{"n": number}]
    ((_, state),) = _sessions(warehouse)
    assert state == "idle"
    arrow.dispose()
    assert _gone(warehouse)


def test_nothing_uncommitted_or_broken_reaches_the_next_use(arrow, warehouse):
    with warehouse.begin() as connection:
        connection.exec_driver_sql("create table core.people (name text)")
    with arrow.adbc() as connection, connection.cursor() as cursor:
        cursor.execute("insert into core.people values ('Ana')")
    assert read_frame(arrow, "select * from core.people").empty
    with pytest.raises(DatabaseFailed):
        read_arrow(arrow, "select 1 / 0")
    assert _gone(warehouse)
    assert read_arrow(arrow, "select 1 as n").num_rows == 1


def test_a_connection_whose_server_went_away_is_replaced(arrow, warehouse):
    read_arrow(arrow, "select 1")
    with warehouse.begin() as connection:
        connection.execute(
            sa.text("select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'arrow'")
        )
    assert read_arrow(arrow, "select 2 as n").to_pylist() == [{"n": 2}]


def test_a_forked_process_leaves_its_parents_connections_alone(arrow, warehouse):
    read_arrow(arrow, "select 1")
    before = _sessions(warehouse)
    child = os.fork()
    if child == 0:
        try:
            with arrow.adbc() as connection, connection.cursor() as cursor:
                cursor.execute("select pg_backend_pid()")
                mine = cursor.fetchone()[0]
            os._exit(0 if mine not in dict(before) else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert before[0] in _sessions(warehouse)
    assert read_arrow(arrow, "select 3 as n").num_rows == 1
