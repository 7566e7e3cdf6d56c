"""How Airflow is configured on one machine: environment variables only, so that no file can disagree."""

from __future__ import annotations

import os

from retention.settings import PROJECT_ROOT
from retention.supervisor.layout import Layout

METADATA_DATABASE = "airflow"
DATABASES = (METADATA_DATABASE, "warehouse", "marketing", "source_crm", "source_sales")
PARALLELISM = 4
# Modules that most tasks import; loaded once in the fork server instead of 2-3 s in every task.
PRELOAD = (
    "airflow.sdk.execution_time.task_runner",
    "airflow.sdk.execution_time.supervisor",
    "pandas",
    "pyarrow",
    "sqlalchemy.dialects.postgresql",
    "psycopg",
    "sklearn.ensemble",
    "great_expectations",
    "retention.warehouse",
)


def airflow_environment(layout: Layout, metadata_url: str) -> dict[str, str]:
    """Return the environment of all Airflow components.

    Parameters
    ----------
    layout : Layout
        The installation.
    metadata_url : str
        URL of Airflow's own database (``postgresql://…``).
    """
    port = layout.port
    admin = layout.admin_password()  # made before any component reads the file
    assert admin, "the password file names no admin"
    options = {
        "core": {
            "dags_folder": str(PROJECT_ROOT / "dags"),
            "plugins_folder": str(PROJECT_ROOT / "plugins"),
            "load_examples": "False",
            "executor": "LocalExecutor",
            "parallelism": str(PARALLELISM),
            "fernet_key": layout.fernet_key(),
            "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
            "simple_auth_manager_users": "admin:admin",
            "simple_auth_manager_passwords_file": str(layout.passwords),
            "execution_api_server_url": f"http://127.0.0.1:{port}/execution/",
            # The supervisor switches a DAG on once, when it is new; whoever pauses it later is obeyed.
            "dags_are_paused_at_creation": "True",
        },
        "database": {"sql_alchemy_conn": metadata_url.replace("postgresql://", "postgresql+psycopg2://", 1)},
        "api": {
            "base_url": layout.url,
            "host": "127.0.0.1",
            "port": str(port),
            "secret_key": layout.secret("airflow_api_secret"),
        },
        "api_auth": {"jwt_secret": layout.secret("airflow_jwt_secret")},
        "logging": {"base_log_folder": str(layout.task_logs)},
        "scheduler": {
            "scheduler_idle_sleep_time": "0.2",
            "mp_start_method": "forkserver",
            "mp_forkserver_preload": ",".join(PRELOAD),
            "task_instance_heartbeat_timeout": "60",
            "orphaned_tasks_check_interval": "15",
        },
        "dag_processor": {
            "refresh_interval": "15",
            "min_file_process_interval": "30",
            "parsing_processes": "2",
        },
    }
    environment = {
        f"AIRFLOW__{section.upper()}__{key.upper()}": value
        for section, values in options.items()
        for key, value in values.items()
    }
    return {
        **{key: value for key, value in os.environ.items() if _passes(key)},
        **{key: value for key, value in layout.stored_environment().items() if key not in os.environ},
        **environment,
        "AIRFLOW_HOME": str(layout.airflow_home),
        "RETENTION_HOME": str(layout.home),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT_ROOT), os.environ.get("PYTHONPATH")])),
        "GX_ANALYTICS_ENABLED": "false",
    }


def _passes(name: str) -> bool:
    # PYTHONDONTWRITEBYTECODE would make every task compile Airflow anew. Settings of another Airflow on this machine
    # must not leak in, but connections and secrets backends that somebody set on purpose must.
    if name == "PYTHONDONTWRITEBYTECODE":
        return False
    if name.startswith("AIRFLOW__"):
        return name.startswith(("AIRFLOW__SECRETS__", "AIRFLOW__METRICS__", "AIRFLOW__SMTP__", "AIRFLOW__OPENLINEAGE__"))
    return name != "AIRFLOW_HOME"
