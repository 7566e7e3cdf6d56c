"""The console's files and made-up answers behind a small server, with the headers that the real one sends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.browser import answers

STATIC = Path(__file__).parents[2] / "plugins" / "retention_airflow" / "console" / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
OUTER = """<!doctype html><title>Airflow</title><style>html,body{margin:0;height:100%%}</style>
<iframe title="Retention" style="border:0;width:100%%;height:100%%" sandbox="allow-scripts allow-same-origin allow-forms allow-downloads" src="/retention/%s"></iframe>"""

Answer = dict[str, Any] | tuple[int, dict[str, Any]]


class Company:
    """Answers by path, which a test may replace; and what was posted."""

    def __init__(self) -> None:
        self.replaced: dict[str, Answer | Callable[[], Answer]] = {}
        self.asked: list[str] = []
        self.posted: list[tuple[str, dict[str, Any], dict[str, str]]] = []

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        """What the back end says."""
        if path in self.replaced:
            replaced = self.replaced[path]
            return replaced() if callable(replaced) else replaced
        if path == "kpis":
            return answers.kpis(query.get("kpi"), query.get("dimension", "all"), query.get("period", "day"))
        if path.startswith("plays/"):
            return answers.play(path.removeprefix("plays/"))
        if path.startswith("customer/"):
            return answers.customer(path.removeprefix("customer/"))
        return answers.ANSWERS[path]()


def application(company: Company) -> Starlette:
    """The site under /retention, and a page like Airflow's around it."""

    async def api(request: Request) -> Response:
        path = unquote(request.path_params["path"])
        company.asked.append(path)
        if request.method == "POST":
            body = await request.json()
            company.posted.append((path, body, dict(request.headers)))
        found = company.answer(path, dict(request.query_params))
        status, content = found if isinstance(found, tuple) else (200, found)
        return JSONResponse(content, status_code=status)

    async def index(request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def outer(request: Request) -> Response:
        return HTMLResponse(OUTER % request.query_params.get("hash", ""))

    inner = Starlette(
        routes=[
            Route("/api/{path:path}", api, methods=["GET", "POST"]),
            Route("/", index),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
    )

    async def with_policy(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"content-security-policy", POLICY.encode()))
                message["headers"].append((b"x-content-type-options", b"nosniff"))
            await send(message)

        await inner(scope, receive, sending)

    return Starlette(routes=[Mount("/retention", with_policy), Route("/plugin/retention/{rest:path}", outer)])


@contextmanager
def serving(app: Any) -> Any:
    """The address of a running server."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise RuntimeError("the test's server did not start")
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
