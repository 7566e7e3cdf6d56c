"""The forms in which the console answers: whole answers, sections of them, and those that have nothing to show or failed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from retention.console.words import what_to_do, words
from retention.warehouse import RetentionError

log = logging.getLogger("retention.console")

Shape = dict[str, Any]
EMPTY_RUNBOOK, ERROR_RUNBOOK = "console-empty", "console-closed"
_TOO_SLOW = ("SQLSTATE 57014", "SQLSTATE 55P03")


class Refused(Exception):
    """A request that is answered with an error of ``include/console/words.yml``.

    Parameters
    ----------
    code : str
        Name of the error there.
    status : int
        HTTP status.
    """

    def __init__(self, code: str, status: int, retry_after_seconds: int | None = None) -> None:
        self.code, self.status, self.retry_after_seconds = code, status, retry_after_seconds
        super().__init__(code)


def empty(code: str) -> Shape:
    """Return what stands where there is nothing to show yet, with what to do about it."""
    return _said("empty", code, EMPTY_RUNBOOK)


def error(code: str) -> Shape:
    """Return what stands where something cannot be shown."""
    return _said("error", code, ERROR_RUNBOOK)


def _said(group: str, code: str, runbook: str) -> Shape:
    known, advice = words()[group][code], what_to_do(group, code)
    return {
        "state": group,
        "code": code,
        "message_en": known["en"],
        "message_zh": known["zh"],
        "what_to_do_en": advice["en"],
        "what_to_do_zh": advice["zh"],
        "runbook": runbook,
    }


def section(compute: Callable[[], Shape]) -> Shape:
    """Return one part of a page; a part that cannot be read says so, and the others are there all the same."""
    try:
        return compute()
    except (RetentionError, SQLAlchemyError) as failed:
        return error(failure_code(failed))


def failure_code(failed: Exception) -> str:
    """Note a failed reading in the log and return the name of the error to show."""
    if isinstance(failed, RetentionError):
        log.warning("The console could not read: %s", failed)
        return "slow" if any(state in failed.message for state in _TOO_SLOW) else "database"
    log.warning("The console could not read: %s", type(failed).__name__)  # its text may hold values
    return "slow" if type(failed).__name__ == "TimeoutError" else "database"


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: instants in UTC, dates as text, exact numbers as numbers."""
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def instant(value: datetime | None) -> str | None:
    """Return an instant as text in UTC, to the second."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pick(row: Mapping[str, Any], *names: str) -> Shape:
    """Return some columns of a row, as JSON can hold them."""
    return {name: plain(row[name]) for name in names}


def grouped(rows: Iterable[Mapping[str, Any]], name: str) -> dict[Any, list[Mapping[str, Any]]]:
    """Return rows by the value of a column, in the order of first appearance."""
    found: dict[Any, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[name], []).append(row)
    return found
