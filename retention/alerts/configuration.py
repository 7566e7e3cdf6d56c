"""Which channels there are, from the environment: an address makes a channel, no address makes none.

======================================  ==========================================================================
``RETENTION_ALERT_URL``                 any webhook that takes ``{"text": …}``; ``RETENTION_ALERT_TOKEN`` as a bearer token
``RETENTION_ALERT_WECOM_URL``           robot of a WeCom group (企业微信)
``RETENTION_ALERT_DINGTALK_URL``        robot of a DingTalk group (钉钉); ``RETENTION_ALERT_DINGTALK_SECRET`` signs
``RETENTION_ALERT_FEISHU_URL``          robot of a Feishu or Lark group (飞书); ``RETENTION_ALERT_FEISHU_SECRET`` signs
``RETENTION_ALERT_SMTP_URL``            ``smtp://login:password@host:587`` (STARTTLS) or ``smtps://…:465``; with
                                        ``RETENTION_ALERT_EMAIL_FROM`` and ``RETENTION_ALERT_EMAIL_TO`` (by commas)
======================================  ==========================================================================
"""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path

from retention.alerts.channels import Channel, DingTalk, Email, Feishu, Webhook, WeCom
from retention.alerts.errors import AlertConfigurationError
from retention.settings import PROJECT_ROOT

PREFIX = "RETENTION_ALERT_"
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


def configured_channels(given: Mapping[str, str] | None = None) -> list[Channel]:
    """Return the channels of this installation, in a stable order; empty where none is configured: the log remains.

    Parameters
    ----------
    given : mapping, optional
        Variables that take the place of the environment's, e.g. from Airflow connections.

    Raises
    ------
    AlertConfigurationError naming the variable that is missing or wrong. Its value is a secret and is not shown.
    """
    values = {**_environment(), **{key: value for key, value in (given or {}).items() if value}}
    found = [make(values) for make in CHANNELS.values()]
    return [channel for channel in found if channel is not None]


def _environment() -> dict[str, str]:
    """Variables of this process, and behind them those kept in ``<home>/env``."""
    home = Path(os.environ.get("RETENTION_HOME", PROJECT_ROOT / ".retention"))
    stored = home / "env"
    values: dict[str, str] = {}
    if stored.exists():
        for line in stored.read_text(encoding="utf-8").splitlines():
            key, separator, value = line.partition("=")
            if separator and key.strip().startswith(PREFIX):
                values[key.strip()] = value.strip()
    values.update({key: value.strip() for key, value in os.environ.items() if key.startswith(PREFIX)})
    return {key: value for key, value in values.items() if value}


def _address(values: Mapping[str, str], variable: str) -> str:
    """Return a web address from a variable, '' without one."""
    url = values.get(variable, "")
    if not url:
        return ""
    parsed = urllib.parse.urlsplit(url)
    if parsed.scheme not in ("http", "https") or not parsed.hostname:
        raise AlertConfigurationError(f"{variable} is no http or https address")
    return url


def _webhook(values: Mapping[str, str]) -> Channel | None:
    url = _address(values, f"{PREFIX}URL")
    return Webhook(url, values.get(f"{PREFIX}TOKEN", "")) if url else None


def _wecom(values: Mapping[str, str]) -> Channel | None:
    url = _address(values, f"{PREFIX}WECOM_URL")
    return WeCom(url) if url else None


def _dingtalk(values: Mapping[str, str]) -> Channel | None:
    url = _address(values, f"{PREFIX}DINGTALK_URL")
    return DingTalk(url, values.get(f"{PREFIX}DINGTALK_SECRET", "")) if url else None


def _feishu(values: Mapping[str, str]) -> Channel | None:
    url = _address(values, f"{PREFIX}FEISHU_URL")
    return Feishu(url, values.get(f"{PREFIX}FEISHU_SECRET", "")) if url else None


def _email(values: Mapping[str, str]) -> Channel | None:
    url = values.get(f"{PREFIX}SMTP_URL", "")
    if not url:
        return None
    parsed = urllib.parse.urlsplit(url)
    try:
        port = parsed.port
    except ValueError:
        port = -1
    if parsed.scheme not in ("smtp", "smtps") or not parsed.hostname or port == -1:
        raise AlertConfigurationError(f"{PREFIX}SMTP_URL must be smtp://login:password@host:port or smtps://…")
    recipients = tuple(one.strip() for one in values.get(f"{PREFIX}EMAIL_TO", "").split(",") if one.strip())
    if not recipients:
        raise AlertConfigurationError(f"{PREFIX}EMAIL_TO names nobody, while {PREFIX}SMTP_URL is set")
    sender = values.get(f"{PREFIX}EMAIL_FROM", "")
    if not all("@" in address and not set(address) & set("\r\n ") for address in (sender, *recipients)):
        raise AlertConfigurationError(f"{PREFIX}EMAIL_FROM and {PREFIX}EMAIL_TO must hold plain addresses, a@b.example")
    login, password = (urllib.parse.unquote(part or "") for part in (parsed.username, parsed.password))
    asked = dict(urllib.parse.parse_qsl(parsed.query)).get("security")
    security = asked or ("tls" if parsed.scheme == "smtps" else "starttls")
    if security not in ("tls", "starttls", "none"):
        raise AlertConfigurationError(f"{PREFIX}SMTP_URL: security is tls, starttls or none")
    if security == "none" and login and parsed.hostname not in _LOCAL:
        raise AlertConfigurationError(f"{PREFIX}SMTP_URL: a password would travel in plain text; leave security=none away")
    default = {"tls": 465, "starttls": 587, "none": 25}[security]
    return Email(parsed.hostname, port or default, sender, recipients, login, password, security)


CHANNELS: Mapping[str, Callable[[Mapping[str, str]], Channel | None]] = {
    "webhook": _webhook,
    "wecom": _wecom,
    "dingtalk": _dingtalk,
    "feishu": _feishu,
    "email": _email,
}
"""By name, how a channel is made of variables; None without its address."""
