"""Receivers of alerts on this machine: a web server that answers as told, a mail server that keeps what it gets."""

from __future__ import annotations

import json
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any


@dataclass
class Web:
    """What was posted, and what is answered: each answer once, the last one for ever."""

    url: str = ""
    answers: list[tuple[int, Any, dict[str, str]]] = field(default_factory=lambda: [(200, {"errcode": 0, "code": 0}, {})])
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    came: Condition = field(default_factory=Condition)

    @property
    def posted(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]

    def wait_for(self, arrived: Callable[[list[Any]], bool], seconds: float) -> bool:
        """Wait until what was posted is what is awaited."""
        with self.came:
            return self.came.wait_for(lambda: arrived(self.posted), timeout=seconds)


@contextmanager
def web() -> Iterator[Web]:
    """A web server on a free port."""
    seen = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.paths.append(self.path)
            seen.headers.append({key.lower(): value for key, value in self.headers.items()})
            with seen.came:
                seen.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                seen.came.notify_all()
            status, answer, headers = seen.answers.pop(0) if len(seen.answers) > 1 else seen.answers[0]
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    seen.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Mailbox:
    """What a mail server was given."""

    port: int = 0
    mails: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    """By command, an answer other than the usual one."""


@contextmanager
def mail() -> Iterator[Mailbox]:
    """A mail server without encryption on a free port."""
    box = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 test")
            while line := self.rfile.readline().decode().strip():
                command = line.partition(" ")[0].upper()
                box.commands.append(command)
                if command == "EHLO":
                    self.say("250-test\r\n250 AUTH PLAIN")
                elif command == "DATA":
                    self.say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    box.mails.append(b"".join(lines).decode())
                    self.say("250 kept")
                elif command == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    if command == "RCPT":
                        box.recipients.append(line)
                    self.say(box.answers.get(command, "235 in" if command == "AUTH" else "250 ok"))

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    box.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
