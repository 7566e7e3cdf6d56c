"""What people are told when something fails, is late or waits: one plain message, in the log and in every channel configured.

Channels are configured by the environment (``RETENTION_ALERT_*``, docs/observability.md) or by Airflow connections
``alert_webhook``, ``alert_wecom``, ``alert_dingtalk``, ``alert_feishu`` and ``alert_email``, whose secrets Airflow masks.
A message holds names of DAGs, tables, dates and counts. The text of errors that are not our own is left out, because
database drivers put rows into theirs.
"""

import logging
import os
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

log = logging.getLogger("retention.alerts")
PREFIX = "AIRFLOW_CONN_ALERT_"
_ROBOTS = {
    "wecom": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={}",
    "dingtalk": "https://oapi.dingtalk.com/robot/send?access_token={}",
    "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook/{}",
}
"""Where the robots of chat systems are; a connection then needs the key alone, as its password."""


def task_failed(context: Mapping[str, Any]) -> None:
    """Say which task of which day failed, why, and where it says what to do: once a day for each cause."""
    from retention_airflow.failures import tell_once
    from retention_airflow.runs import moment

    message = failure_message(context)
    try:
        tell_once(context, message, notify, moment())
    except Exception as error:  # settings that cannot be read, for one: a failure nobody hears of is worse than one told twice
        log.warning("Whether people know of this failure already is not known (%s)", type(error).__name__)
        notify(message)


def failure_message(context: Mapping[str, Any]) -> str:
    """Return what is said of a task that failed."""
    return f"FAILED {_where(context)}: {_reason(context.get('exception'))}"


def task_retries(context: Mapping[str, Any]) -> None:
    """Say that a task failed and will be tried again: in the log only, nobody needs to act."""
    log.warning("WILL RETRY %s: %s", _where(context), _reason(context.get("exception")))


def run_late(context: Mapping[str, Any], limit: str) -> None:
    """Say that a DAG run has not finished within its deadline."""
    run = context.get("dag_run") or {}
    get = run.get if isinstance(run, Mapping) else lambda name: getattr(run, name, None)
    # Airflow hands a deadline's callback the run as its interface shows it, where the id has another name.
    which = get("partition_key") or get("run_id") or get("dag_run_id")
    notify(
        f"LATE {get('dag_id')} {which}: not finished within {limit}. It keeps running; "
        "what it publishes later is right, and readers see the last complete day until then. See docs/runbook.md#late-run"
    )


def notify(message: str, subject: str = "", only: Sequence[str] = ()) -> Any:
    """Write a message to the log and hand it to every channel, or to those named; never raises.

    Returns
    -------
    ``retention.alerts.Told``: where it arrived and where not.
    """
    from retention.alerts import Message, tell_configured

    try:
        given = alert_variables()
    except Exception as error:  # a connection that cannot be read: what the environment says remains
        log.warning("Connections of alerts could not be read (%s). See docs/runbook.md#alerts", type(error).__name__)
        given = {}
    return tell_configured(Message(subject or _subject(message), message), given, only)


def alert_variables() -> dict[str, str]:
    """Return what Airflow connections say of channels, under the names of the variables they take the place of."""
    found: dict[str, str] = {}
    for name in os.environ:
        kind = name.removeprefix(PREFIX).lower()
        if not name.startswith(PREFIX) or kind not in (*_ROBOTS, "webhook", "email"):
            continue
        # Through Airflow, not from the variable: that registers the password with the log masker and reads the JSON form.
        from airflow.sdk import Connection

        connection = Connection.get(name.removeprefix("AIRFLOW_CONN_").lower())
        found |= _mail(connection) if kind == "email" else _robot(kind, connection)
    return found


def _robot(kind: str, connection: Any) -> dict[str, str]:
    """Return the address of a robot or webhook, and what signs for it."""
    extras = connection.extra_dejson
    if kind == "webhook":
        return {"RETENTION_ALERT_URL": _address(connection), "RETENTION_ALERT_TOKEN": connection.password or ""}
    key = urllib.parse.quote(connection.password or "", safe="")
    url = _ROBOTS[kind].format(key) if key and not connection.host else _address(connection)
    return {f"RETENTION_ALERT_{kind.upper()}_URL": url, f"RETENTION_ALERT_{kind.upper()}_SECRET": str(extras.get("secret", ""))}


def _address(connection: Any) -> str:
    """Return the web address of a connection: host, or host, port and the path (with its query) of the extras."""
    host = str(connection.host or "")
    if not host:
        return ""
    address = host if "://" in host else f"{connection.schema or 'https'}://{host}"
    port = f":{connection.port}" if connection.port else ""
    return f"{address.rstrip('/')}{port}{connection.extra_dejson.get('path', '')}"


def _mail(connection: Any) -> dict[str, str]:
    extras = connection.extra_dejson
    login, password = (urllib.parse.quote(part or "", safe="") for part in (connection.login, connection.password))
    security = str(extras.get("security", "starttls"))
    who = f"{login}:{password}@" if login else ""
    port = f":{connection.port}" if connection.port else ""
    return {
        "RETENTION_ALERT_SMTP_URL": f"smtp://{who}{connection.host or ''}{port}?security={security}",
        "RETENTION_ALERT_EMAIL_FROM": str(extras.get("from", "")),
        "RETENTION_ALERT_EMAIL_TO": str(extras.get("to", "")),
    }


def _subject(message: str) -> str:
    """Return the first words of a message, up to the colon: what failed, or what it is about."""
    return f"[retention] {message.partition(': ')[0][:120]}"


def _where(context: Mapping[str, Any]) -> str:
    task, run = context["ti"], context["dag_run"]
    return f"{task.dag_id}.{task.task_id} of {getattr(run, 'partition_key', None) or run.run_id}, try {task.try_number}"


def _reason(error: object) -> str:
    from retention.warehouse import RetentionError
    from retention_airflow.runs import NoBusinessDate

    if isinstance(error, RetentionError | NoBusinessDate):
        return str(error)
    name = type(error).__name__ if isinstance(error, BaseException) else "no exception, stopped from outside"
    return f"{name}. The traceback is above. See docs/runbook.md#failed-task"
