"""Migrations of the two databases, by Alembic. Plain SQL files, one revision each."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from retention.settings import PROJECT_ROOT
from retention.warehouse.connections import Warehouse
from retention.warehouse.errors import quote_error

_FOLDER = PROJECT_ROOT / "migrations"
VERSION_TABLE = {"version_table": "layout_version", "version_table_schema": "ops"}


def migrate(database: Warehouse, name: str) -> str:
    """Bring a database to the newest layout and return its revision.

    Two processes that migrate at once take turns: the second finds nothing to do.

    Parameters
    ----------
    database : Warehouse
        The database to change; its user must own it.
    name : str
        ``warehouse`` or ``marketing``.
    """
    try:
        with database.engine.begin() as connection:
            connection.exec_driver_sql("select pg_advisory_xact_lock(hashtext('retention.migrate'))")
            connection.exec_driver_sql("create schema if not exists ops")
            configuration = _configuration(name)
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")
            revision = MigrationContext.configure(connection, opts=VERSION_TABLE).get_current_revision()
    except Exception as error:
        raise quote_error(error, f"migrating the {name} database") from error
    return str(revision)


def pending(database: Warehouse, name: str) -> list[str]:
    """Return the revisions that a database lacks, oldest first."""
    script = ScriptDirectory.from_config(_configuration(name))
    with database.connect() as connection:
        current = MigrationContext.configure(connection, opts=VERSION_TABLE).get_current_revision()
    return [revision.revision for revision in reversed(list(script.iterate_revisions("head", current or "base")))]


def run_sql_file(path: Path) -> None:
    """Run a file of SQL statements inside the current Alembic migration, byte for byte."""
    from alembic import op

    driver = op.get_bind().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    driver.execute(path.read_bytes())


def _configuration(name: str) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(_FOLDER / name))
    configuration.set_main_option("path_separator", "os")
    return configuration
