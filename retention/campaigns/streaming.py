"""Rows from one server to the other as a stream of bytes that nobody looks into: neither side is held in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.warehouse import failpoint

_AT_ONCE = 256 * 1024
"""Bytes handed on together: a row comes as a message of its own, and each costs a call."""


def copy_rows(
    source: Connection, query: str, binds: Mapping[str, Any], target: Connection, table: str, point: str
) -> tuple[int, int]:
    """Copy the rows of a query from one server to the other.

    Parameters
    ----------
    source, target : Connection
        Open transactions.
    query : str
        Gives the columns of the table, of the very same types: the stream is binary, and nobody converts it.
    binds : mapping
        Values of the query.
    table : str
        Where the rows go, with its columns in brackets.
    point : str
        Where tests let it die: when both sides are open and no row has left.

    Returns
    -------
    How many rows left and how many arrived.
    """
    compiled = sa.text(query).bindparams(**binds).compile(dialect=target.dialect)
    rows, sink = source.connection.cursor(), target.connection.cursor()
    try:
        with (
            rows.copy(f"copy ({compiled}) to stdout (format binary)", compiled.params) as blocks,
            sink.copy(f"copy {table} from stdin (format binary)") as copied,
        ):
            failpoint(point)
            for block in _together(blocks):
                copied.write(block)
        return int(rows.rowcount), int(sink.rowcount)
    finally:
        rows.close()
        sink.close()


def _together(blocks: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    some: list[bytes | memoryview] = []
    size = 0
    for block in blocks:
        some.append(block)
        size += len(block)
        if size >= _AT_ONCE:
            yield b"".join(some)
            some, size = [], 0
    if some:
        yield b"".join(some)
