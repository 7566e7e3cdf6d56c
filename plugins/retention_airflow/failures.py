"""People are told of a task that fails once a day for each cause, however often it fails; the log has every failure.

A clock that runs every ten minutes would tell of one cause 144 times a day, a task mapped over forty entities forty times a
minute. Failures are counted in the warehouse; where that cannot be asked (it may be what has failed), each machine tells once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

log = logging.getLogger("retention.alerts")


def tell_once(context: Mapping[str, Any], message: str, tell: Callable[[str], Any], now: datetime) -> None:
    """Tell people of the first failure of a day; write the others to the log.

    Parameters
    ----------
    context : mapping
        Of the callback: task and error.
    message : str
        What is said of it.
    tell : callable
        Hands a message to every channel and returns ``retention.alerts.Told``.
    now : datetime
        The present.
    """
    from retention.alerts import first_here, forget_here
    from retention.deployment import Deployment
    from retention.settings import load_settings
    from retention.warehouse import RetentionError
    from retention.warehouse.failures import Failure

    task, error = context["ti"], context.get("exception")
    runbook = f"#{error.runbook}" if isinstance(error, RetentionError) and error.runbook else ""
    failure = Failure(task.dag_id, task.task_id, f"{type(error).__name__ if error else 'stopped'}{runbook}")
    day = now.astimezone(ZoneInfo(load_settings().company.business_timezone)).date()
    marks = Deployment.from_env().home / "alerts"
    name = f"{failure.dag_id} {failure.task_id} {failure.cause}"
    counted = _counted(failure, day, now)
    is_first = counted.today == 1 if counted is not None else first_here(marks, name, day)
    if not is_first:
        times = f"{counted.today} times" if counted is not None else "more than once"
        log.error("%s (failed %s today; people were told of the first)", message, times)
        return
    before = f" ({counted.untold} more times on {counted.untold_on}.)" if counted is not None and counted.untold else ""
    told = tell(message + before)
    if told.failed and not told.arrived:
        forget_here(marks, name, day)
        _forgotten(failure, day)


def _counted(failure: Any, day: date, now: datetime) -> Any:
    """Count a failure in the warehouse; None where it cannot be asked."""
    from retention.warehouse.failures import count_failure

    return _asked(lambda warehouse: count_failure(warehouse, failure, day, now))


def _forgotten(failure: Any, day: date) -> None:
    from retention.warehouse.failures import forget_failure

    _asked(lambda warehouse: forget_failure(warehouse, failure, day))


def _asked(question: Callable[[Any], Any]) -> Any:
    from retention.deployment import Deployment
    from retention.warehouse import Warehouse
    from retention_airflow.connections import connection_urls

    try:
        url = connection_urls().get("warehouse") or Deployment.from_env().warehouse_url
        # Whoever waits for a lock here holds up the end of a task that has failed already.
        warehouse = Warehouse(url, "retention alerts", {"statement_timeout": "5s"})
        try:
            return question(warehouse)
        finally:
            warehouse.dispose()
    except Exception as error:  # its text may hold an address; what is to be told must be told all the same
        log.warning("The warehouse could not count a failure (%s)", type(error).__name__)
        return None
