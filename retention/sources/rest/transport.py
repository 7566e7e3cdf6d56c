"""HTTP with an end: every read of the network gives up when the whole request has had its time.

A read timeout alone bounds the gap between two bytes: a server that sends one byte every few seconds, be it of a header or
of a body, holds such a client for ever. Here the streams beneath HTTP know when the request has to be over.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from retention.sources.rest.addresses import is_loopback
from retention.sources.rest.clock import Clock

FAULTS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, httpx.HTTPError)
"""What a broken connection looks like, whichever layer sees it first."""
_Options = Iterable[Any] | None


class Deadline:
    """When the request under way has to be over. One request at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._end = clock, float("inf")

    def start(self, seconds: float) -> None:
        """Give the next request this long."""
        self._end = self._clock.monotonic() + seconds

    def left(self, timeout: float | None) -> float:
        """Return how long one step may take."""
        left = self._end - self._clock.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the request has had its time")
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout)), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline) -> None:
        self._inner, self._deadline = httpcore.SyncBackend(), deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _Options = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options), self._deadline)


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        self._stream.close()


class Transport(httpx.BaseTransport):
    """One connection pool to one origin, through the proxy that the environment names for it, if any."""

    def __init__(self, address: str, deadline: Deadline) -> None:
        target = urlsplit(address)
        proxy = None if is_loopback(target.hostname or "") else getproxies().get(target.scheme)
        options: dict[str, Any] = {
            "ssl_context": httpx.create_ssl_context() if target.scheme == "https" else None,
            "max_connections": 1,
            "network_backend": _Backend(deadline),
        }
        self._pool: httpcore.ConnectionPool = (
            httpcore.HTTPProxy(proxy_url=proxy, **options)
            if proxy and not proxy_bypass(target.hostname or "")
            else httpcore.ConnectionPool(**options)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        response = self._pool.handle_request(
            httpcore.Request(
                request.method, url, headers=request.headers.raw, content=request.read(), extensions=request.extensions
            )
        )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response.stream), extensions=response.extensions
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()
