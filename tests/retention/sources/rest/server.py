"""A local web server whose answers, and faults, a test writes; it counts what it was asked and which fault struck."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from retention.sources.rest import Clock


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Reply:
    """What goes back: a good answer, or a way of breaking one."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    breaking: str = ""
    """``reset``, ``hang``, ``drip`` (a byte at a time), ``drip_header``, ``cut`` (half of the announced length)."""


def answer(value: Any, status: int = 200, **headers: str) -> Reply:
    named = {key.replace("_", "-"): text for key, text in headers.items()}
    return Reply(status, json.dumps(value, ensure_ascii=False).encode(), {"Content-Type": "application/json", **named})


def status(code: int, value: Any = None, **headers: str) -> Reply:
    return answer({"message": "no"} if value is None else value, code, **headers)


HTML = Reply(200, b"<html><body>We are improving our service</body></html>", {"Content-Type": "text/html"})
BROKEN = Reply(200, b'{"data": [{"id": "1", "name": "An', {"Content-Type": "application/json"})
RESET, HANG, DRIP, DRIP_HEADER = (Reply(breaking=kind) for kind in ("reset", "hang", "drip", "drip_header"))

App = Callable[[Asked], Reply]


class Server:
    """Runs an app on 127.0.0.1.

    ``faults`` maps the number of a request that ``struck_by`` counts (from 1) to what it gets in place of its answer. A number
    counts every request, also those that are repeated: ``{7: BROKEN, 8: RESET}`` breaks the seventh and its repetition.
    """

    def __init__(self, app: App) -> None:
        self.app, self.asked = app, list[Asked]()
        self.faults: dict[int, Reply | Callable[[Reply], Reply]] = {}
        self.counts: Callable[[Asked], bool] = lambda asked: "oauth" not in asked.path and "AccessToken" not in asked.path
        self.fired: Counter[int] = Counter()
        self.over = threading.Event()
        self._counted, self._lock = 0, threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet: two would each wait for the other's receipt

            def do_GET(self) -> None:
                outer._handle(self)

            def do_POST(self) -> None:
                outer._handle(self)

            def do_CONNECT(self) -> None:
                outer._handle(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Server:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._http.shutdown()
        self._http.server_close()

    def use_tls(self, certificate: tuple[Path, Path]) -> None:
        """Speak https from now on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.url = self.url.replace("http://", "https://")

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        asked = Asked(
            handler.command, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), {**handler.headers}, body
        )
        with self._lock:
            self.asked.append(asked)
            fault = None
            if self.counts(asked):
                self._counted += 1
                fault = self.faults.get(self._counted)
                self.fired[self._counted] += fault is not None
            reply = fault if isinstance(fault, Reply) else self.app(asked)
            if callable(fault):
                reply = fault(reply)
        self._send(handler, reply)

    def _send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        try:
            if reply.breaking in ("reset", "hang"):
                if reply.breaking == "hang":
                    self.over.wait(10)
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                handler.close_connection = True
                handler.connection.close()
                return
            if reply.breaking == "drip_header":
                self._drip(handler, b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 1000)
                return
            length = 100_000 if reply.breaking == "drip" else len(reply.body)
            handler.send_response(reply.status)
            for name, value in reply.headers.items():
                handler.send_header(name, value)
            if reply.status not in (204, 304):
                handler.send_header("Content-Length", str(length))
            handler.end_headers()
            if reply.breaking == "drip":
                self._drip(handler, b" " * length)
            elif reply.breaking == "cut":
                handler.wfile.write(reply.body[: length // 2])
                handler.wfile.flush()
                handler.close_connection = True
            elif reply.status not in (204, 304):
                handler.wfile.write(reply.body)
        except OSError:  # the client has had enough, which is what such a fault is for
            handler.close_connection = True

    def _drip(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        for at in range(len(data)):
            handler.wfile.write(data[at : at + 1])
            handler.wfile.flush()
            if self.over.wait(0.03):
                break
        handler.close_connection = True


def cut(reply: Reply) -> Reply:
    """The answer, broken off in the middle."""
    return Reply(reply.status, reply.body, reply.headers, "cut")


def without_records(path: str) -> Callable[[Reply], Reply]:
    """Return a fault that empties the list of records and leaves everything else as it is."""

    def empty(reply: Reply) -> Reply:
        value = json.loads(reply.body)
        *heads, last = path.split(".")
        node = value
        for head in heads:
            node = node[head]
        node[last] = []
        return answer(value)

    return empty


class TestClock(Clock):
    """Sleeps in no time, and remembers for how long; everything else is the real clock."""

    __test__ = False

    def __init__(self, today: datetime = datetime(2026, 4, 1, 1, tzinfo=UTC)) -> None:
        self.today, self.skipped, self.pauses = today, 0.0, list[float]()

    def monotonic(self) -> float:
        return super().monotonic() + self.skipped

    def now(self) -> datetime:
        return self.today

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.skipped += seconds

    def jitter(self, seconds: float) -> float:
        return 0.0


@contextmanager
def serving(app: App) -> Iterator[Server]:
    with Server(app) as server:
        yield server
