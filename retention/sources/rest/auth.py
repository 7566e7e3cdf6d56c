"""Logins: what a request carries, and how a token is come by and renewed. Secrets are known by name alone."""

from __future__ import annotations

import base64
import os
import re
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from retention.deployment import Deployment
from retention.sources.rest.clock import Clock
from retention.sources.rest.errors import CredentialsRefused, RequestRefused, SecretMissing
from retention.sources.rest.records import as_text, dig
from retention.sources.rest.template import fill

_CODE = re.compile(r"-?[A-Za-z0-9_.\-]{1,64}")
_MARGIN = 60
"""Seconds before its end at which a token is renewed: a request on its way must still find it valid."""
_WITH_TOKEN = ("client_credentials", "refresh_token", "token_request")

Ask = Callable[[str, Mapping[str, str], Any, Any], Any]
"""Asks for a token: (address, headers, form fields, JSON body) to the parsed answer."""


def plain_code(value: Any) -> str:
    """Return an error code as it may be shown; what could be anything else is not repeated."""
    text = as_text(value) or ""
    return text if _CODE.fullmatch(text) else "(not a plain code)"


class Secrets:
    """Secrets of one connection: ``RETENTION_SOURCE_<connection>_<name>``, or the file that ``…_<name>_FILE`` names.

    Looked up when asked for; the environment wins over the file ``env`` of the installation.
    """

    def __init__(self, source: str, connection: str) -> None:
        self._source, self._prefix = source, f"RETENTION_SOURCE_{connection}_"

    def __getitem__(self, name: str) -> str:
        found = self.find(name)
        if found is None:
            raise SecretMissing(
                f"{self._source}: the secret {name} is not set. Set {self._prefix}{name}, or {self._prefix}{name}_FILE to the "
                "file that holds it. Nothing landed."
            )
        return found

    def find(self, name: str) -> str | None:
        """Return a secret, or None."""
        key = f"{self._prefix}{name}"
        if found := self._variable(key):
            return found
        if file := self._variable(f"{key}_FILE"):
            try:
                return Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SecretMissing(f"{self._source}: {key}_FILE cannot be read ({type(error).__name__}).") from None
        return None

    @staticmethod
    def _variable(key: str) -> str:
        if key in os.environ:
            return os.environ[key]
        stored = Deployment.from_env().home / "env"
        lines = stored.read_text().splitlines() if stored.exists() else []
        return next((line.partition("=")[2].strip() for line in lines if line.partition("=")[0].strip() == key), "")


class Login:
    """What identifies us to an API, with the token of the moment where it takes one.

    Parameters
    ----------
    described : mapping
        The ``auth:`` section.
    """

    def __init__(self, source: str, described: Mapping[str, Any], secrets: Secrets, clock: Clock) -> None:
        self.source, self._kind, self._spec = source, described["kind"], described
        self._secrets, self._clock = secrets, clock
        self._values: dict[str, str] = {}
        self._ends = float("inf")
        self.renewals = 0

    @property
    def token(self) -> str | None:
        """The token in use."""
        return self._values.get("auth.token")

    @property
    def can_renew(self) -> bool:
        """Whether a token that is refused can be replaced."""
        return self._kind in _WITH_TOKEN

    @property
    def is_due(self) -> bool:
        """Whether a token has to be asked for before the next request."""
        return self.can_renew and (self.token is None or self._clock.monotonic() >= self._ends)

    def values(self) -> dict[str, str]:
        """Return what requests may carry: ``auth.token`` and what was kept beside it."""
        return dict(self._values)

    def headers(self) -> dict[str, str]:
        """Return the headers that identify us."""
        spec = self._spec
        if self._kind == "header":
            return {spec["header"]: f"{spec.get('prefix', '')}{self._secrets[spec['secret']]}"}
        if self._kind == "bearer":
            return {"Authorization": f"Bearer {self._secrets[spec['secret']]}"}
        if self._kind == "basic":
            return _basic(self._secrets[spec["username"]], self._secrets[spec["password"]])
        if self._kind == "token_request":
            return {spec["header"]: f"{spec.get('prefix', '')}{self.token}"} if "header" in spec else {}
        if self.can_renew:
            return {spec.get("header", "Authorization"): f"{spec.get('prefix', 'Bearer ')}{self.token}"}
        return {}

    def renew(self, ask: Ask, resolve: Callable[[str], str]) -> None:
        """Get a fresh token.

        Parameters
        ----------
        ask : callable
            Sends the request for it.
        resolve : callable
            Makes the full, checked address of a path or address.
        """
        answer = ask(resolve(self._token_url()), *self._token_request())
        token = as_text(dig(answer, self._spec.get("token", "access_token")))
        if not token:
            self.refused(plain_code(dig(answer, "error") or dig(answer, "errorCode") or "no token in the answer"))
        seconds = as_text(dig(answer, self._spec.get("expires_in", "expires_in")))
        self._values = {"auth.token": str(token)}
        for name, path in self._spec.get("keep", {}).items():
            self._values[f"auth.{name}"] = as_text(dig(answer, path)) or ""
        if seconds and seconds.isdigit():
            self._ends = self._clock.monotonic() + max(int(seconds) - _MARGIN, 1)
        self.renewals += 1

    def refused(self, code: str) -> None:
        """Say that the credentials do not work, without showing any of them.

        Raises
        ------
        CredentialsRefused always.
        """
        raise CredentialsRefused(
            f"credentials for source {self.source} expired or were withdrawn ({code}). Nothing landed; what was published "
            "stays. Issue new ones there and set them in the environment."
        )

    def _token_url(self) -> str:
        url = self._spec["token_url"]
        found = url if isinstance(url, str) else (self._secrets.find(url["variable"]) or url["default"])
        return str(fill(found, {"uuid": str(uuid.uuid4())}))

    def _token_request(self) -> tuple[dict[str, str], dict[str, str] | None, Any]:
        spec = self._spec
        if self._kind == "token_request":
            return {}, None, fill(spec["body"], SecretValues(self._secrets))
        form = {"grant_type": self._kind}
        headers: dict[str, str] = {}
        client = self._secrets[spec["client_id"]], self._secrets[spec["client_secret"]]
        if spec.get("client_in") == "basic":
            headers = _basic(*client)
        else:
            form |= {"client_id": client[0], "client_secret": client[1]}
        if self._kind == "refresh_token":
            form["refresh_token"] = self._secrets[spec["refresh_token"]]
        if "scope" in spec:
            form["scope"] = spec["scope"]
        return headers, form, None


class SecretValues(dict[str, Any]):
    """Values of placeholders, with those of secrets looked up when a request names them."""

    def __init__(self, secrets: Secrets, values: Mapping[str, Any] | None = None) -> None:
        super().__init__(values or {})
        self._secrets = secrets

    def __missing__(self, name: str) -> Any:
        if name.startswith("secret."):
            return self._secrets[name.removeprefix("secret.")]
        raise RequestRefused(f"{{{name}}} has no value here. Nothing landed.")

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value; a secret that is not set is an error and never an absent value."""
        return self[key] if key.startswith("secret.") else super().get(key, default)


def _basic(username: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")}
