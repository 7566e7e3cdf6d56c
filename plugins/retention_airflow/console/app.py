"""The console's application: addresses, guards and the one console of this process."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, MutableMapping
from typing import Any

from fastapi import FastAPI

from retention.console import Console
from retention_airflow.console.envelope import add_error_handlers
from retention_airflow.console.limits import Limits
from retention_airflow.console.pages import Pages
from retention_airflow.console.routes import router
from retention_airflow.console.shield import Shield

log = logging.getLogger("retention.console")


class ConsoleApp(FastAPI):
    """Stands behind its shield, and remembers the application it hangs in: answers to Airflow's questions go there."""

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer a request. The shield is outermost: what fails inside leaves with its headers too."""
        if "app" in scope:
            scope["retention.airflow"] = scope["app"]
        await Shield(super().__call__)(scope, receive, send)


class Opened:
    """The console of this process, opened when somebody first asks: Airflow starts whether or not the warehouse is there."""

    def __init__(self, make: Callable[[], Console]) -> None:
        self._make, self._lock = make, threading.Lock()
        self._console: Console | None = None

    def __call__(self) -> Console:
        """Return it; what cannot be opened now is tried again at the next question."""
        with self._lock:
            if self._console is None:
                self._console = self._make()
            return self._console

    def warm(self) -> None:
        """Open it, and one connection, while the browser still fetches the page; a failure shows when something is asked."""

        def look() -> None:
            try:
                self().reader.version()
            except Exception as failed:
                log.info("The console is not ready yet: %s", type(failed).__name__)

        if self._console is None:
            threading.Thread(target=look, name="retention-console", daemon=True).start()


def open_console() -> Console:
    """Open the console on the warehouse of this installation: ``RETENTION_CONSOLE_URL``, else the warehouse's own address."""
    from retention.deployment import Deployment
    from retention.settings import load_settings
    from retention_airflow.connections import connection_urls

    url = os.environ.get("RETENTION_CONSOLE_URL") or connection_urls().get("warehouse") or Deployment.from_env().warehouse_url
    return Console(url, load_settings())


def create_app(make_console: Callable[[], Console] = open_console, limits: Limits | None = None) -> FastAPI:
    """Return the application, with its documentation routes closed.

    Parameters
    ----------
    make_console : callable
        Opens the console at the first question.
    limits : Limits, optional
        How often one person may ask.
    """
    app = ConsoleApp(title="Retention console", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    opened = Opened(make_console)
    app.state.console, app.state.warm = opened, opened.warm
    app.state.limits, app.state.pages = limits or Limits(), Pages()
    app.state.settled = set[str]()  # versions of pushes that somebody has answered: known before the push itself is made
    add_error_handlers(app)
    app.include_router(router)
    return app
