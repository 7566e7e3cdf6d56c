"""Opening a target: time limits for everything, its tables made where they are missing, and compared where they are not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from retention.campaigns.targets.errors import TargetChanged, TargetError, quote_target
from retention.campaigns.targets.layout import Layout
from retention.campaigns.targets.spec import Target

_CONNECT_SECONDS = 10
_DRIVERS = {
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}


class OpenTarget:
    """A target that is open. Errors of its driver leave every block as a :class:`TargetError`."""

    def __init__(self, target: Target, engine: Engine) -> None:
        self.target, self.engine, self.layout = target, engine, Layout(target)

    @contextmanager
    def begin(self, doing: str) -> Iterator[Connection]:
        """Open a transaction that commits at the end."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise quote_target(error, self.target.target, doing) from None

    def prepare(self) -> bool:
        """Make what is missing and compare what is there; return whether the view of who may be contacted is there.

        Raises
        ------
        TargetChanged when a table of ours lacks a column.
        """
        layout = self.layout
        try:
            found = sa.inspect(self.engine)
            present = set(found.get_table_names(self.target.schema))
            for table in layout.tables:
                if table.name in present:
                    columns = {column["name"] for column in found.get_columns(table.name, self.target.schema)}
                    missing = [column.name for column in table.columns if column.name not in columns]
                    if missing:
                        raise TargetChanged(
                            f"target {self.target.target}: table {table.name} has no column {', '.join(missing)}. Nothing was "
                            "fed. Drop that table (its content is made again, what tools reported in it is lost) or add the "
                            "column, then feed again."
                        )
            with self.engine.begin() as connection:
                layout.metadata.create_all(connection, checkfirst=True)
                statement = layout.sendable(self.engine.dialect)
                if statement is None:
                    return False
                if layout.view not in sa.inspect(connection).get_view_names(self.target.schema):
                    connection.exec_driver_sql(statement.replace("%", "%%") if self._formats else statement)
        except SQLAlchemyError as error:
            raise quote_target(error, self.target.target, "preparing its tables") from None
        return True

    @property
    def _formats(self) -> bool:
        """Whether the driver reads percent signs as places for values."""
        return self.engine.dialect.paramstyle in ("format", "pyformat")


@contextmanager
def open_target(target: Target, address: str) -> Iterator[OpenTarget]:
    """Open a target and close it at the end.

    Raises
    ------
    TargetError when the address names no database that can be opened; its text is not shown, it may hold a password.
    """
    try:
        url = make_url(address)
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        engine = sa.create_engine(
            url, hide_parameters=True, poolclass=sa.pool.NullPool, connect_args=_limits(url, target.timeout_seconds)
        )
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        raise TargetError(
            f"target {target.target}: {target.variable} names no database that can be opened ({type(error).__name__}); it "
            "should read like mysql://user:password@host:3306/database, and the driver must be installed. Nothing was fed."
        ) from None
    try:
        yield OpenTarget(target, engine)
    finally:
        engine.dispose()


def _limits(url: URL, seconds: int) -> dict[str, Any]:
    """Return what makes a driver give up in time, so that a target that hangs holds up nobody for long."""
    backend = url.get_backend_name()
    if backend in ("mysql", "mariadb"):
        return {
            "connect_timeout": _CONNECT_SECONDS,
            "read_timeout": seconds,
            "write_timeout": seconds,
            "charset": "utf8mb4",
            "init_command": f"set time_zone = '+00:00', innodb_lock_wait_timeout = {min(seconds, 60)}",
        }
    if backend == "postgresql":
        limits = {"statement_timeout": seconds * 1000, "lock_timeout": min(seconds, 60) * 1000, "timezone": "UTC"}
        options = " ".join(f"-c {name}={value}" for name, value in limits.items())
        return {"connect_timeout": _CONNECT_SECONDS, "options": options}
    return {"timeout": min(seconds, 60)} if backend == "sqlite" else {}
