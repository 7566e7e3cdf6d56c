"""The embedded server: made once, found again, brought back after a kill -9, on a port that is free."""

from __future__ import annotations

import os
import signal
import socket
import stat
from contextlib import suppress

import psycopg
import pytest

from retention.deployment import Deployment
from retention.warehouse.embedded import EmbeddedPostgres, EmbeddedServerError
from tests.folders import open_folder


@pytest.fixture
def own():
    """A server of this test's own, stopped at the end."""
    with open_folder("embedded") as home:
        embedded = EmbeddedPostgres(home, durable=False)
        yield embedded
        embedded.stop()


def fetch(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_start_is_safe_to_repeat_and_databases_are_made_once(own):
    own.start()
    own.start()
    assert own.ensure_databases(["warehouse", "marketing"]) == ["warehouse", "marketing"]
    assert own.ensure_databases(["warehouse", "marketing"]) == []
    assert fetch(own.url("warehouse"), "show server_encoding") == "UTF8"
    assert fetch(own.url("warehouse"), "show server_version").startswith("18")


def test_committed_rows_survive_kill_9_and_a_restart_finds_them(own):
    own.start()
    with psycopg.connect(own.url("postgres")) as connection:
        connection.execute("create table people (name text)")
        connection.execute("insert into people values ('Ana'), ('Bo')")
    os.kill(int((own.data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    own.start()
    assert fetch(own.url("postgres"), "select count(*) from people") == 2


def test_a_remembered_port_that_somebody_took_is_replaced(own):
    own.start()
    taken = own.port
    own.stop()
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of the stopped server may linger
        squatter.bind(("127.0.0.1", taken))
        squatter.listen()
        own.start()
        assert own.port != taken
        assert own.is_running()


def test_nobody_gets_in_without_the_password(own):
    own.start()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"postgresql://retention@127.0.0.1:{own.port}/postgres", password="guess")
    secret = own.home / "secrets" / "postgres_password"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_logs_keep_no_statement_and_no_value(own):
    own.start()
    with psycopg.connect(own.url("postgres"), autocommit=True) as connection:
        connection.execute("create table people (email text primary key)")
        for _ in range(2):
            with suppress(psycopg.errors.UniqueViolation):
                connection.execute("insert into people values (%s)", ["canary@example.com"])
    assert "canary" not in (own.data / "server.log").read_text()


def test_a_full_disk_is_said_before_anything_is_made(own, monkeypatch):
    monkeypatch.setattr("retention.warehouse.embedded.shutil.disk_usage", lambda _: _Usage())
    with pytest.raises(EmbeddedServerError, match="12 MB free, the database needs at least 500 MB"):
        own.start()


def test_the_deployment_finds_the_embedded_server_by_itself(own):
    own.start()
    deployment = Deployment.from_env({"RETENTION_HOME": str(own.home)})
    assert deployment.warehouse_url == own.url("warehouse")
    assert deployment.source_urls["CRM"] == own.url("source_crm")


def test_a_private_home_is_served_from_a_folder_that_the_server_can_enter(own):
    if os.geteuid() != 0:
        pytest.skip("only root runs the server as another user")
    own.home.chmod(0o700)
    own.start()
    assert own.is_running()
    assert own.home not in own.data.parents
    assert stat.S_IMODE(own.home.stat().st_mode) == 0o700, "the private home was opened to others"


class _Usage:
    free = 12 * 2**20
