"""Where the local installation keeps what: folders, ports, generated secrets, the state of what runs."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retention.warehouse import RetentionError

PREFERRED_PORT = 8080


class PortBusy(RetentionError):
    """A port that was asked for by name is taken."""

    runbook = "port-busy"


@dataclass(frozen=True)
class Layout:
    """Files of one installation under its home folder."""

    home: Path

    @classmethod
    def of(cls, home: Path) -> Layout:
        """Make the folders of an installation (private ones for this user only) and return its layout."""
        layout = cls(home.resolve())
        for folder in (layout.home, layout.logs, layout.task_logs, layout.airflow_home):
            folder.mkdir(parents=True, exist_ok=True)
        layout.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        return layout

    @property
    def airflow_home(self) -> Path:
        """Home folder of Airflow."""
        return self.home / "airflow"

    @property
    def logs(self) -> Path:
        """Folder of the components' logs."""
        return self.home / "logs"

    @property
    def task_logs(self) -> Path:
        """Folder of the task logs, which the UI shows."""
        return self.logs / "tasks"

    @property
    def secrets(self) -> Path:
        """Folder of generated secrets."""
        return self.home / "secrets"

    @property
    def passwords(self) -> Path:
        """File of the UI logins, in the form that Airflow reads."""
        return self.secrets / "airflow_passwords.json"

    @property
    def state_file(self) -> Path:
        """File in which the supervisor says what runs."""
        return self.home / "supervisor.json"

    @property
    def lock_file(self) -> Path:
        """File that a living supervisor holds locked."""
        return self.home / "supervisor.lock"

    # -- state ------------------------------------------------------------------------------------------------------
    def read_state(self) -> dict[str, Any]:
        """Return what the supervisor wrote last; empty when there is nothing or it was cut off."""
        try:
            state = json.loads(self.state_file.read_text())
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Replace the state file in one step, so that no reader sees half of it."""
        write_private(self.state_file, json.dumps(state, indent=1))

    # -- what is generated once ---------------------------------------------------------------------------------------
    def secret(self, name: str, nbytes: int = 64) -> str:
        """Return a secret of this installation, made at the first call."""
        path = self.secrets / name
        if not path.exists():
            write_private(path, secrets.token_hex(nbytes))
        return path.read_text().strip()

    def fernet_key(self) -> str:
        """Return the key with which Airflow encrypts stored connections: 32 bytes, url-safe base64."""
        path = self.secrets / "airflow_fernet_key"
        if not path.exists():
            write_private(path, base64.urlsafe_b64encode(os.urandom(32)).decode())
        return path.read_text().strip()

    def admin_password(self) -> str:
        """Return the password of the UI user `admin`, made at the first call."""
        if not self.passwords.exists():
            write_private(self.passwords, json.dumps({"admin": secrets.token_urlsafe(12)}))
        return str(json.loads(self.passwords.read_text())["admin"])

    @property
    def port(self) -> int | None:
        """Port of the UI and API, once chosen."""
        path = self.airflow_home / "port"
        return int(path.read_text()) if path.exists() else None

    @property
    def url(self) -> str:
        """Address of the UI and API."""
        return f"http://127.0.0.1:{self.port}"

    def choose_port(self) -> int:
        """Choose the port of the UI: the one asked for, else the one used last, else 8080, else any free one.

        Raises
        ------
        PortBusy when `RETENTION_AIRFLOW_PORT` names a port that something else listens on.
        """
        asked = os.environ.get("RETENTION_AIRFLOW_PORT")
        if asked:
            if not port_is_free(int(asked)):
                raise PortBusy(
                    f"port {asked} (RETENTION_AIRFLOW_PORT) on 127.0.0.1 is in use by another program. Nothing was started. "
                    "Name another port, or unset the variable to have a free one chosen."
                )
            port = int(asked)
        else:
            candidates = [port for port in (self.port, PREFERRED_PORT) if port is not None]
            port = next((port for port in candidates if port_is_free(port)), free_port())
        (self.airflow_home / "port").write_text(str(port))
        return port

    # -- settings kept with the installation ----------------------------------------------------------------------------
    def stored_environment(self) -> dict[str, str]:
        """Return the variables of `<home>/env`."""
        path = self.home / "env"
        if not path.exists():
            return {}
        pairs = (line.partition("=") for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
        return {key.strip(): value.strip() for key, separator, value in pairs if separator}

    def store_environment(self, name: str, value: str) -> None:
        """Keep a variable in `<home>/env`; one that is there already stays."""
        if name not in self.stored_environment():
            path = self.home / "env"
            before = path.read_text() if path.exists() else ""
            write_private(path, f"{before}{'' if before.endswith(chr(10)) or not before else chr(10)}{name}={value}\n")


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    partial.replace(path)


def port_is_free(port: int) -> bool:
    """Tell whether a program could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
