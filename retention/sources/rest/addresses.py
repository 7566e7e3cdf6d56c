"""Addresses of an API, checked before anything is sent to them, and the pauses it asks for."""

from __future__ import annotations

import email.utils
import ipaddress
from collections.abc import Mapping
from datetime import UTC
from urllib.parse import urlsplit

import httpx

from retention.sources.errors import SpecError
from retention.sources.rest.clock import Clock
from retention.sources.rest.errors import RequestRefused


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{_bracketed(parts.hostname or '')}:{port}"


def checked_address(source: str, address: str) -> str:
    """Return an address without a trailing slash.

    Raises
    ------
    SpecError when it is no http(s) address, has credentials in it, or would carry data in clear over a network.
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise SpecError(f"{source}: the address of its API cannot be read.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise SpecError(f"{source}: the address of its API should read like https://crm.example.com.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SpecError(
            f"{source}: the address of its API must hold no login, no ? and no #; secrets have variables of their own."
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise SpecError(f"{source}: the address of its API must begin with https: personal data do not travel in clear.")
    return address.rstrip("/")


def checked_headers(at: str, headers: Mapping[str, object]) -> dict[str, str]:
    """Return headers as text.

    Raises
    ------
    RequestRefused when one holds what no header can: a secret or token that was copied with a line break, mostly.
    """
    written = {name: str(value) for name, value in headers.items()}
    for name, value in written.items():
        if not (value.isascii() and value.isprintable()):
            raise RequestRefused(
                f"{at}: the header {name} would hold characters that no header can. Nothing landed. Was a secret copied with "
                "a line break or a blank of another kind?"
            )
    return written


def is_loopback(host: str) -> bool:
    """Tell whether a host is this very machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def retry_after(headers: httpx.Headers, clock: Clock) -> float | None:
    """Return the seconds that an API asks to wait, given as seconds or as a date; None where it asks for none."""
    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - clock.now()).total_seconds(), 0.0)
