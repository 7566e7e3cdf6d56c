"""What Airflow reads of the console: where its application hangs and where the page shows in the navigation.

Every component of Airflow loads plugins, so nothing here costs anything: the application is made when the API server asks.
"""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

log = logging.getLogger("retention.console")

PREFIX = "/retention"


class RetentionConsole(AirflowPlugin):
    """Hang the console under ``/retention`` and show it in the left bar."""

    name = "retention_console"
    external_views: ClassVar[list[dict[str, Any]]] = [
        {
            "name": "Retention",
            "href": f"{PREFIX}/",
            "destination": "nav",
            "url_route": "retention",
            "nav_top_level": True,
            "icon": f"{PREFIX}/static/icon.svg",
        }
    ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """The application; none when it cannot be made: better no page than an open one, or no Airflow."""
        try:
            from retention_airflow.console.app import create_app

            return [{"app": create_app(), "url_prefix": PREFIX, "name": "Retention console"}]
        except Exception:
            log.exception("The console could not be made and is not there. See docs/runbook.md#console-closed")
            return []
