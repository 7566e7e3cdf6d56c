"""Facts of one installation, read from the environment: folders, addresses, secrets."""

from __future__ import annotations

import json
import os
import typing
from dataclasses import dataclass, field
from pathlib import Path

from retention.settings import PROJECT_ROOT, SettingsError


@dataclass(frozen=True)
class Secrets:
    """Secrets that must never be printed."""

    pepper: bytes = field(repr=False)
    """Key of the pseudonyms. Made once; a changed pepper would give every customer a new key."""


@dataclass(frozen=True)
class Deployment:
    """Facts of one installation: folders, addresses, secrets."""

    home: Path
    """Folder of everything that is written locally."""
    warehouse_url: str = field(repr=False)
    marketing_url: str = field(repr=False)
    source_urls: dict[str, str] = field(repr=False)
    """By upper-case connection id: a database URL, or the folder or URL that files lie in."""
    sources_dir: Path
    """Folder of the source descriptions."""
    pepper_file: Path
    source_options: dict[str, dict[str, typing.Any]] = field(default_factory=dict, repr=False)
    """By upper-case connection id: what the file store of a source is opened with beside its URL (fsspec storage options)."""
    target_urls: dict[str, str] = field(default_factory=dict, repr=False)
    """By name of a further target (include/targets): URL of its database."""

    @classmethod
    def from_env(cls, environ: typing.Mapping[str, str] | None = None) -> Deployment:
        """Read ``RETENTION_*`` variables; what they leave open comes from ``<home>/env`` and the embedded server.

        ``RETENTION_HOME`` is the folder (default ``.retention`` in the project). URLs that are set nowhere stay empty:
        whoever opens such a connection says what to set.
        """
        env = dict(os.environ if environ is None else environ)
        home = Path(env.get("RETENTION_HOME", PROJECT_ROOT / ".retention")).resolve()
        stored = home / "env"
        if stored.exists():
            for line in stored.read_text().splitlines():
                key, separator, value = line.partition("=")
                if separator and not key.startswith("#"):
                    env.setdefault(key.strip(), value.strip())
        embedded = _embedded_urls(home)
        sources = {
            key.removeprefix("RETENTION_SOURCE_").removesuffix("_URL"): value
            for key, value in env.items()
            if key.startswith("RETENTION_SOURCE_") and key.endswith("_URL")
        }
        for key in ("crm", "sales"):
            if embedded:
                sources.setdefault(key.upper(), embedded.format(database=f"source_{key}"))
        sources.setdefault("SERVICE_DESK", str(home / "sample" / "service_desk"))
        options = {
            key.removeprefix("RETENTION_SOURCE_").removesuffix("_OPTIONS"): _json_object(key, value)
            for key, value in env.items()
            if key.startswith("RETENTION_SOURCE_") and key.endswith("_OPTIONS")
        }
        return cls(
            home=home,
            warehouse_url=env.get("RETENTION_WAREHOUSE_URL") or embedded.format(database="warehouse"),
            marketing_url=env.get("RETENTION_MARKETING_URL") or embedded.format(database="marketing"),
            source_urls=sources,
            sources_dir=Path(env.get("RETENTION_SOURCES_DIR", PROJECT_ROOT / "include" / "sources")),
            pepper_file=Path(env.get("RETENTION_PEPPER_FILE", home / "secrets" / "pepper")),
            source_options=options,
            target_urls={
                key.removeprefix("RETENTION_TARGET_").removesuffix("_URL").lower(): value
                for key, value in env.items()
                if key.startswith("RETENTION_TARGET_") and key.endswith("_URL")
            },
        )

    def secrets(self) -> Secrets:
        """Read the secrets of this installation.

        Raises
        ------
        SettingsError when the pepper has not been made yet.
        """
        if not self.pepper_file.exists():
            raise SettingsError(f"no pepper at {self.pepper_file}: run `retention init` (or restore it from your backup)")
        pepper = self.pepper_file.read_bytes().strip()
        if len(pepper) < 32:
            raise SettingsError(f"the pepper at {self.pepper_file} is shorter than 32 bytes: restore it from your backup")
        return Secrets(pepper=pepper)


def _json_object(name: str, text: str) -> dict[str, typing.Any]:
    """Read an environment variable that holds a JSON object; it may hold secrets, so the message shows none of it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise SettingsError(f'{name} must be a JSON object such as {{"endpoint_url": "http://store.example.com"}}')
    return value


def _embedded_urls(home: Path) -> str:
    """Return the URL pattern of the embedded server under a home folder, or '' when there is none."""
    port, password = home / "postgres" / "port", home / "secrets" / "postgres_password"
    if not (port.exists() and password.exists()):
        return ""
    return f"postgresql://retention:{password.read_text().strip()}@127.0.0.1:{port.read_text().strip()}/{{database}}"
