"""``retention doctor``: is everything there that a run needs, and if not, what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import socket
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from retention.deployment import Deployment
from retention.settings import PROJECT_ROOT, SettingsError, load_settings
from retention.warehouse import RetentionError, Warehouse, pending

MINIMUM_PYTHON, UNTESTED_PYTHON = (3, 11), (3, 14)
MINIMUM_FREE_MB, COMFORTABLE_FREE_MB = 1024, 5120
MINIMUM_SERVER = 150000
"""PostgreSQL 15: the oldest whose `merge` and security-invoker views the queries use."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    subject: str
    state: Literal["ok", "warn", "fail"]
    found: str
    advice: str = ""
    """What to do; empty when nothing is to be done."""


def examine(deployment: Deployment | None = None, ui_port: int = 8080) -> list[Finding]:
    """Look at Python, packages, disk, files, ports, connections and migrations.

    Parameters
    ----------
    deployment : Deployment, optional
        Default: the one of the environment.
    ui_port : int
        Port on which Airflow's UI is meant to listen.

    Returns
    -------
    One finding per thing looked at; nothing is changed and no error is raised.
    """
    place = deployment or Deployment.from_env()
    looks: list[Callable[[], Iterator[Finding]]] = [
        python,
        packages,
        settings,
        lambda: disk(place.home),
        lambda: pepper(place.pepper_file),
        lambda: port(ui_port, "Airflow UI"),
        lambda: database("warehouse", place.warehouse_url),
        lambda: database("marketing", place.marketing_url),
        lambda: sources(place),
    ]
    return [finding for look in looks for finding in look()]


def python() -> Iterator[Finding]:
    """Check the version of Python."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < MINIMUM_PYTHON:
        yield Finding("Python", "fail", found, "install Python 3.11, 3.12 or 3.13 and run `make distclean install`")
    elif sys.version_info[:2] >= UNTESTED_PYTHON:
        yield Finding("Python", "warn", found, "3.11 to 3.13 are tested: use one of them for production")
    else:
        yield Finding("Python", "ok", found)


def pinned(text: str) -> dict[str, str]:
    """Return the versions that a requirements file pins and that apply here, by package name."""
    from packaging.markers import Marker

    lines = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;\\]+)\s*(?:;\s*([^\\\n]+?))?\s*\\?$", text, re.MULTILINE)
    return {name: version for name, version, marker in lines if not marker or Marker(marker).evaluate()}


def packages(requirements: Path = PROJECT_ROOT / "requirements.txt") -> Iterator[Finding]:
    """Compare the installed packages with the pinned ones."""
    wanted = pinned(requirements.read_text()) if requirements.exists() else {}
    wrong = []
    for name, version in wanted.items():
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if installed != version:
            wrong.append(f"{name} {installed} instead of {version}")
    if wrong:
        shown = ", ".join(wrong[:4]) + (f" and {len(wrong) - 4} more" if len(wrong) > 4 else "")
        yield Finding("packages", "warn", shown, "run `make install`: it installs the pinned versions")
    else:
        yield Finding("packages", "ok", f"{len(wanted)} pinned packages as pinned")


def settings() -> Iterator[Finding]:
    """Check that the settings can be read."""
    try:
        company = load_settings().company
        yield Finding("settings", "ok", f"{company.base_currency}, business day of {company.business_timezone}")
    except SettingsError as error:
        yield Finding("settings", "fail", str(error), "correct the named key in retention.toml")


def disk(home: Path) -> Iterator[Finding]:
    """Check that there is room and that the home folder can be written."""
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free_mb = shutil.disk_usage(existing).free // 2**20
    text = f"{free_mb / 1024:.1f} GB free at {home}"
    if free_mb < MINIMUM_FREE_MB:
        yield Finding("disk", "fail", text, "free at least 1 GB, or set RETENTION_HOME to a larger disk")
    elif free_mb < COMFORTABLE_FREE_MB:
        yield Finding("disk", "warn", text, "the sample company needs about 2 GB, your own data more")
    else:
        yield Finding("disk", "ok", text)
    if not os.access(existing, os.W_OK):
        yield Finding("home folder", "fail", f"{existing} cannot be written", "change its owner, or set RETENTION_HOME")


def pepper(path: Path) -> Iterator[Finding]:
    """Check that the pepper exists and that nobody else can read it."""
    if not path.exists():
        yield Finding("pepper", "fail", f"no file {path}", "run `retention init`; after a move restore it from backup")
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield Finding("pepper", "fail", f"{path} has mode {mode:o}", f"others can read it: chmod 600 {path}")
    elif len(path.read_bytes().strip()) < 32:
        yield Finding("pepper", "fail", f"{path} is shorter than 32 bytes", "restore it from your backup")
    else:
        yield Finding("pepper", "ok", "present, readable by its owner alone; keep a backup elsewhere")


def port(number: int, what: str) -> Iterator[Finding]:
    """Tell whether a port on this machine is free or answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        taken = probe.connect_ex(("127.0.0.1", number)) == 0
    if taken:
        yield Finding(
            f"port {number}", "warn", f"something listens where the {what} would",
            "fine when it is this project's own; else stop it or choose another port",
        )  # fmt: skip
    else:
        yield Finding(f"port {number}", "ok", f"free for the {what}")


def database(name: str, url: str) -> Iterator[Finding]:
    """Check connection, version, encoding and migrations of one database."""
    variable = f"RETENTION_{name.upper()}_URL"
    if not url:
        yield Finding(f"{name} database", "fail", "no URL", f"run `retention init` for the embedded server, or set {variable}")
        return
    opened = Warehouse(url, application_name="retention doctor")
    try:
        with opened.connect() as connection:
            version, number, encoding = connection.execute(
                sa.text(
                    "select current_setting('server_version'), current_setting('server_version_num')::int, "
                    "current_setting('server_encoding')"
                )
            ).one()
        if number < MINIMUM_SERVER:
            yield Finding(f"{name} database", "fail", f"PostgreSQL {version}", "use PostgreSQL 15 or newer")
        elif encoding != "UTF8":
            yield Finding(f"{name} database", "fail", f"encoding {encoding}", "create the database anew with encoding UTF8")
        else:
            yield Finding(f"{name} database", "ok", f"PostgreSQL {version} answers")
        missing = pending(opened, name)
        if missing:
            yield Finding(f"{name} migrations", "fail", f"lacks {', '.join(missing)}", "run `retention migrate`")
        else:
            yield Finding(f"{name} migrations", "ok", "up to date")
    except RetentionError as error:
        yield Finding(
            f"{name} database", "fail", error.message,
            f"start it (`retention serve-db` for the embedded server) or correct {variable}",
        )  # fmt: skip
    finally:
        opened.dispose()


def sources(deployment: Deployment) -> Iterator[Finding]:
    """Check that each described source can be reached."""
    from retention.sources import load_specs

    try:
        specs = load_specs(deployment.sources_dir)
    except RetentionError as error:
        yield Finding("sources", "fail", error.message, "correct the file named")
        return
    for spec in sorted(specs, key=lambda spec: spec.source):
        subject = f"source {spec.source}"
        variable = f"RETENTION_SOURCE_{spec.connection.upper()}_URL"
        url = deployment.source_urls.get(spec.connection.upper(), "")
        problem = reach(spec.kind, url, deployment.source_options.get(spec.connection.upper(), {}))
        if not url:
            yield Finding(subject, "fail", "no address", f"set {variable}, or run `retention init --sample`")
        elif problem:
            yield Finding(subject, "fail", problem, f"check that it is up and that {variable} is right")
        else:
            yield Finding(subject, "ok", f"{len(spec.entities)} entities, reachable")


def reach(kind: str, url: str, options: Mapping[str, Any] | None = None) -> str:
    """Try a source's address; return what is wrong, or an empty text.

    Parameters
    ----------
    options : mapping, optional
        What a file store has to be told beside its address: end point, keys.
    """
    if not url:
        return "no address"
    try:
        if kind == "sql":
            engine = sa.create_engine(with_driver(url), hide_parameters=True)
            try:
                with engine.connect() as connection:
                    connection.execute(sa.text("select 1"))
            finally:
                engine.dispose()
            return ""
        if kind == "rest":
            import httpx

            httpx.head(url, timeout=10)  # any answer will do: who may ask for what is found out by `retention source check`
            return ""
        import fsspec

        filesystem, path = fsspec.core.url_to_fs(url, **(options or {}))
        return "" if filesystem.exists(path) else "the folder does not exist"
    except Exception as error:
        # Whatever a driver raises answers the question. Its text stays out: it may hold a password.
        return f"cannot be reached ({type(error).__name__})"


def with_driver(url: str) -> str:
    """Name the driver of a plain PostgreSQL, MySQL or MariaDB URL, as the extractors do."""
    return re.sub(r"^(mysql|mariadb)://", r"\1+pymysql://", re.sub(r"^postgres(?:ql)?://", "postgresql+psycopg://", url))
