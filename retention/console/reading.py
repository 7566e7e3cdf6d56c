"""Reading for the console: a role of its own, nothing but reading, few connections, and no statement that takes long.

A page that many people look at must never hold up the pipeline, and a fault in it must never change anything. So its sessions
are read-only, give up after seconds, and run as the role ``ret_console`` (``migrations/warehouse/0002_roles.sql``), which sees
no name, address or free text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from retention.settings import Settings
from retention.warehouse import RetentionError, Warehouse, sql_file, statement

ROLE = "ret_console"
PATIENCE_MS = 8_000
"""Longest statement. The first view needs a small part of it; whoever waits longer has gone."""
_SESSION = {
    "role": ROLE,
    "default_transaction_read_only": "on",
    "statement_timeout": str(PATIENCE_MS),
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "30000",
    "temp_buffers": "8MB",
    "work_mem": "16MB",
}
POOL_SIZE, POOL_MORE = 3, 2

Row = dict[str, Any]


class ConsoleClosed(RetentionError):
    """The console has no way into the warehouse."""

    runbook = "console-closed"


class _FewConnections(Warehouse):
    """A warehouse whose pool is small: an API server has several workers, and each of them has one."""

    @property
    def engine(self) -> Engine:
        """SQLAlchemy engine over psycopg 3, opened on first use."""
        if self._engine is None:
            self._engine = sa.create_engine(
                self._url.set(drivername="postgresql+psycopg"),
                hide_parameters=True,
                pool_pre_ping=True,
                pool_size=POOL_SIZE,
                max_overflow=POOL_MORE,
                pool_timeout=PATIENCE_MS / 1000,
                connect_args={"options": self._options, "application_name": self._application_name, "connect_timeout": 5},
            )
        return self._engine


class Reader:
    """The warehouse as the console sees it.

    Parameters
    ----------
    url : str
        Of the warehouse; the account must be a member of ``ret_console``.
    settings : Settings
        Currency, time zone and what counts as late.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        if not url:
            raise ConsoleClosed(
                "the console was given no address of the warehouse: set RETENTION_WAREHOUSE_URL (or RETENTION_CONSOLE_URL) "
                "where the API server runs."
            )
        self.settings = settings
        self.warehouse = _FewConnections(url, application_name="retention console", settings=_SESSION)

    def rows(self, name: str, params: Mapping[str, Any] | None = None) -> list[Row]:
        """Return the rows of a query of ``include/sql/_console``, as dictionaries."""
        return self.query(sql_file(f"_console/{name}"), params)

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> list[Row]:
        """Return the rows of a query."""
        with self.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(*statement(sql, params or {}))]

    def one(self, name: str, params: Mapping[str, Any] | None = None) -> Row | None:
        """Return the first row of a query of ``include/sql/_console``; None when there is none."""
        found = self.rows(name, params)
        return found[0] if found else None

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open a connection that can only read.

        Raises
        ------
        ConsoleClosed when the account may not take on the role.
        """
        try:
            with self.warehouse.connect() as connection:
                yield connection
        except RetentionError as error:
            raise _closed(error) from None

    @contextmanager
    def noting(self) -> Iterator[Connection]:
        """Open a transaction that may write: the role may add to ``ops.audit``, and nothing else anywhere."""
        try:
            with self.warehouse.begin() as connection:
                connection.exec_driver_sql("set transaction read write")
                yield connection
        except RetentionError as error:
            raise _closed(error) from None

    def version(self) -> str:
        """Return a text that changes whenever something was published, pushed, stopped or approved."""
        found = self.one("version")
        return "|".join(str(value) for value in (found or {}).values())

    def now(self) -> datetime:
        """Return the present, for ages and limits."""
        return datetime.now(UTC)

    def dispose(self) -> None:
        """Close the connections."""
        self.warehouse.dispose()


def _closed(error: RetentionError) -> RetentionError:
    """Say what to grant where the server refuses the role: it does so at the login, and its words name the role."""
    words = str(getattr(error.__context__, "orig", ""))
    if "permission denied to set role" in words or f'role "{ROLE}" does not exist' in words:
        return ConsoleClosed(
            f"the account of the warehouse's address may not act as {ROLE}. Grant it: grant {ROLE} to <account>; "
            "or run the migrations if the role does not exist."
        )
    return error
