"""ADBC connections kept open between uses.

Opening one costs 60 ms: the driver reads every type of the database. A day's tasks and the tests do so hundreds of times,
mostly for results of a few rows.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import adbc_driver_postgresql.dbapi as dbapi

_KEPT = 2
"""Idle connections kept at most: as many as read side by side; each holds a few MB on the server."""
_INHERITED: list[dbapi.Connection] = []
"""Connections of the process that this one was forked from: never used and never closed here, which would end them there."""


class ArrowConnections:
    """ADBC connections to one database, reused one after the other.

    Parameters
    ----------
    connect : callable
        Opens a connection.
    """

    def __init__(self, connect: Callable[[], dbapi.Connection]) -> None:
        self._connect = connect
        self._idle: list[dbapi.Connection] = []
        self._lock = threading.Lock()
        self._process = os.getpid()
        weakref.finalize(self, _close, self._idle).atexit = False

    @contextmanager
    def taken(self) -> Iterator[dbapi.Connection]:
        """Give a connection in a transaction of its own, which is rolled back at the end unless it was committed.

        A connection in whose use anything went wrong is closed, never used again.
        """
        connection = self._awake() or self._connect()
        try:
            yield connection
            connection.rollback()
            connection.adbc_connection.set_autocommit(True)  # else it would wait inside its next transaction
        except BaseException:
            _close([connection])
            raise
        with self._lock:
            if len(self._idle) < _KEPT:
                self._idle.append(connection)
                return
        _close([connection])

    def close(self) -> None:
        """Close what is idle; a connection in use is kept for the next use."""
        with self._lock:
            _close(self._idle)

    def _awake(self) -> dbapi.Connection | None:
        """Return an idle connection that still answers, in a new transaction; none where all have gone with their server."""
        while True:
            with self._lock:
                if self._process != os.getpid():
                    _INHERITED.extend(self._idle)
                    self._idle.clear()
                    self._process = os.getpid()
                if not self._idle:
                    return None
                connection = self._idle.pop()
            try:
                with connection.cursor() as cursor:
                    cursor.execute("select 1")
                connection.adbc_connection.set_autocommit(False)
            except dbapi.Error:
                _close([connection])
            else:
                return connection


def _close(connections: list[dbapi.Connection]) -> None:
    """Close and forget connections, whatever state they are in."""
    while connections:
        with suppress(dbapi.Error):
            connections.pop().close()
