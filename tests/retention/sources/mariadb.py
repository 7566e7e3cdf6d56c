"""A MariaDB of its own for the tests: Debian's server in a folder that goes away, on loopback, as an unprivileged user."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql

from tests.folders import open_folder

_OPTIONS = (
    "--no-defaults", "--skip-log-bin", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=0",
    "--performance-schema=OFF", "--character-set-server=utf8mb4",
)  # fmt: skip


class MariaDb:
    """A running server; user ``reader`` may only select, ``owner`` may do everything."""

    def __init__(self, port: int, socket_path: Path, process: subprocess.Popen[str]) -> None:
        self.port, self._socket, self.process = port, socket_path, process

    def url(self, database: str, scheme: str = "mysql") -> str:
        """Address for reading."""
        return f"{scheme}://reader:only%20reads@127.0.0.1:{self.port}/{database}"

    def do(self, database: str | None, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the owner and return the rows of the last one."""
        connection = pymysql.connect(
            unix_socket=str(self._socket), user="root", database=database, charset="utf8mb4", autocommit=True
        )
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall() or ())
        finally:
            connection.close()


def missing() -> str | None:
    """Return why no server can be started here; None when one can."""
    lacking = [program for program in ("mariadbd", "mariadb-install-db") if _program(program) is None]
    return f"{' and '.join(lacking)} not installed (Debian: apt install mariadb-server)" if lacking else None


@contextmanager
def running() -> Iterator[MariaDb]:
    """Start a server and stop it, by its own process, at the end."""
    with open_folder("mariadb") as folder:
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        for name in ("data", "tmp"):
            (folder / name).mkdir()
            if user is not None:
                os.chown(folder / name, user.pw_uid, user.pw_gid)
        common = [f"--datadir={folder / 'data'}", f"--tmpdir={folder / 'tmp'}"]
        _start(
            ["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", *common], user
        ).communicate(timeout=120)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        socket_path = folder / "data" / "s"
        process = _start(
            ["mariadbd", *_OPTIONS, *common, f"--port={port}", "--bind-address=127.0.0.1", f"--socket={socket_path}",
             "--default-time-zone=+05:00"],  # another zone than any test's: nothing may depend on the server's own
            user,
        )  # fmt: skip
        try:
            server = MariaDb(port, socket_path, process)
            _await_ready(process)
            server.do(
                None, "create user reader@'127.0.0.1' identified by 'only reads'", "grant select on *.* to reader@'127.0.0.1'"
            )
            yield server
        finally:
            process.terminate()
            process.communicate(timeout=60)


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _start(command: list[str], user: pwd.struct_passwd | None) -> subprocess.Popen[str]:
    program = _program(command[0])
    assert program is not None
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user is not None else {}
    return subprocess.Popen(
        [program, *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", **as_user  # type: ignore[call-overload, no-any-return]
    )  # fmt: skip


def _await_ready(process: subprocess.Popen[str]) -> None:
    """Wait for the line in which the server says that it listens."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "ready for connections" in line:
            return
    raise AssertionError(f"mariadbd ended: {''.join(said[-20:])}")
