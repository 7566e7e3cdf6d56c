"""A database of their own for the tests of one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg import sql

from retention.warehouse.embedded import EmbeddedPostgres


@contextmanager
def fresh_database(server: EmbeddedPostgres, templates: Mapping[str, str], name: str) -> Iterator[str]:
    """Clone the migrated warehouse under a name and give its URL; dropped at the end."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(*map(sql.Identifier, (name, templates["warehouse"])))
        )
    try:
        yield server.url(name)
    finally:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
