"""Database addresses for a task: Airflow connections where a team has defined them, else the `RETENTION_*` variables.

Connection ids are `warehouse`, `marketing` and `source_<id>`. A connection counts as defined when `AIRFLOW_CONN_<ID>` is
in the environment, as it is with Docker, Kubernetes and most secret injectors.
"""

import os
from typing import Any

PREFIX = "AIRFLOW_CONN_"
DRIVERS = {"postgres": "postgresql", "mssql": "mssql+pyodbc", "sqlite": "sqlite"}


def connection_urls() -> dict[str, str]:
    """Return the URLs of the product's Airflow connections, by lower-case id; empty when none is defined."""
    return {
        connection_id: _url(connection_id)
        for name in os.environ
        if name.startswith(PREFIX) and _is_ours(connection_id := name.removeprefix(PREFIX).lower())
    }


def _is_ours(connection_id: str) -> bool:
    return connection_id in ("warehouse", "marketing") or connection_id.startswith("source_")


def _url(connection_id: str) -> str:
    # Through Airflow, not from the variable: that registers the password with the log masker and reads the JSON form too.
    from airflow.sdk import Connection

    connection: Any = Connection.get(connection_id)
    path = connection.extra_dejson.get("path")
    if path:  # a folder of files
        return str(path)
    from sqlalchemy import URL

    query = {key: str(value) for key, value in connection.extra_dejson.items() if isinstance(value, str | int)}
    return URL.create(
        DRIVERS.get(connection.conn_type, connection.conn_type),
        username=connection.login or None,
        password=connection.password or None,
        host=connection.host or None,
        port=connection.port or None,
        database=connection.schema or None,
        query=query,
    ).render_as_string(hide_password=False)
