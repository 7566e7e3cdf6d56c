"""Database addresses for a task: Airflow connections where a team has defined them, else the `RETENTION_*` variables.

Connection ids are `warehouse`, `marketing`, `source_<id>` and `target_<name>`. A connection counts as defined when
`AIRFLOW_CONN_<ID>` is in the environment, as it is with Docker, Kubernetes and most secret injectors. A REST source's
connection has type `http`; its password and extras (client id, tokens) are handed on under the names by which the
source's description asks for them.
"""

import os
from typing import Any

PREFIX = "AIRFLOW_CONN_"
DRIVERS = {"postgres": "postgresql", "mssql": "mssql+pyodbc", "mysql": "mysql+pymysql", "sqlite": "sqlite"}
HTTP = ("http", "https")


def connection_urls() -> dict[str, str]:
    """Return the URLs of the product's Airflow connections, by lower-case id; empty when none is defined.

    Beside the URL of a REST source stand its secrets, as `source_<id>.<name>`.
    """
    found: dict[str, str] = {}
    for name in os.environ:
        connection_id = name.removeprefix(PREFIX).lower()
        if name.startswith(PREFIX) and _is_ours(connection_id):
            # Through Airflow, not from the variable: that registers the password with the log masker and reads the JSON form.
            from airflow.sdk import Connection

            connection = Connection.get(connection_id)
            found |= _api(connection_id, connection) if connection.conn_type in HTTP else {connection_id: _url(connection)}
    return found


def _is_ours(connection_id: str) -> bool:
    return connection_id in ("warehouse", "marketing") or connection_id.startswith(("source_", "target_"))


def _api(connection_id: str, connection: Any) -> dict[str, str]:
    """Return the address and the secrets of a REST source."""
    extras = {key: str(value) for key, value in connection.extra_dejson.items() if isinstance(value, str | int)}
    host = str(connection.host or "")
    address = host if "://" in host else f"{connection.schema or 'https'}://{host}"
    port = f":{connection.port}" if connection.port else ""
    secrets = {"login": connection.login, "password": connection.password, **extras}
    path = secrets.pop("path", "")
    return {
        connection_id: f"{address.rstrip('/')}{port}{path}",
        **{f"{connection_id}.{name}": value for name, value in secrets.items() if value},
    }


def _url(connection: Any) -> str:
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
