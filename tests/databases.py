"""Databases of tests: clones of templates that are made once a session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from retention.warehouse.embedded import EmbeddedPostgres


def clone(server: EmbeddedPostgres, name: str, template: str) -> str:
    """Make a database that is a copy of another one and give its URL."""
    # Copied as files: through the log every page of a thousand catalogue entries would be written twice.
    statement = sql.SQL("create database {} template {} strategy file_copy")
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    return server.url(name)


def drop(server: EmbeddedPostgres, *names: str) -> None:
    """Drop databases, whoever is still connected."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


@contextmanager
def cloned(server: EmbeddedPostgres, name: str, template: str) -> Iterator[str]:
    """Clone a database under a name and give its URL; dropped at the end."""
    url = clone(server, name, template)
    try:
        yield url
    finally:
        drop(server, name)
