"""Errors that say what to do and never show a personal value."""

from __future__ import annotations

import re

from sqlalchemy.exc import DBAPIError


class RetentionError(Exception):
    """Base of every error of the product.

    Parameters
    ----------
    message : str
        What was found and expected, where, and what was published. Never a value of a row.
    runbook : str
        Heading in ``docs/runbook.md`` that says what to do.
    """

    runbook = "unexpected-errors"
    retryable = False
    """Whether the same try may succeed later without anybody's help."""

    def __init__(self, message: str, runbook: str | None = None) -> None:
        self.message = message
        self.runbook = runbook or type(self).runbook
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message} See docs/runbook.md#{self.runbook}"


class Fenced(RetentionError):
    """A newer attempt has taken the lease: this one must change nothing."""

    runbook = "fenced"


class LeaseHeld(RetentionError):
    """Another run holds the lease and did not finish in time."""

    runbook = "lease-held"
    retryable = True


class DatabaseFailed(RetentionError):
    """The database refused a statement; the values it named are left out."""

    runbook = "database-errors"


class ConnectionLost(DatabaseFailed):
    """The database went away; nothing was committed by the statement that failed."""

    runbook = "connection-lost"
    retryable = True


class LoginRefused(DatabaseFailed):
    """The server answers, and does not let this user into this database: somebody has to correct the address."""

    runbook = "connection-lost"


class ContractError(RetentionError):
    """A contract file under include/sql is wrong."""

    runbook = "contracts"


_WHAT = {
    "23502": "a required column is null",
    "23503": "a row refers to one that does not exist",
    "23505": "two rows have the same key",
    "23514": "a row breaks a check of the table",
    "22003": "a number is out of range",
    "22P02": "a text is no valid value of its type",
    "40001": "two transactions were in each other's way",
    "40P01": "two transactions waited for each other",
    "42501": "the role may not do this",
    "42P01": "a table does not exist: have the migrations run?",
    "42703": "a column does not exist: have the migrations run?",
    "53100": "the disk of the database server is full",
    "53300": "the database server has no connection left",
    "55P03": "a lock was not granted in time",
    "57014": "the statement took longer than allowed",
}
# The server's own words name tables, columns and functions for these, never values.
_QUOTABLE = ("42501", "42703", "42883", "42P01")
_LOST = ("08", "57P")
# A connection that never came about has no state; the client's words name host, user and database, and no row.
_NOT_ADMITTED = re.compile(
    r"password authentication failed|no password supplied|no pg_hba.conf entry|(?:role|database) \".*\" does not exist"
)
_UNREACHABLE = {
    r"connection refused|no such file": "nothing listens there; `retention serve-db` starts the embedded server",
    r"resolve|name or service not known|nodename nor servname": "the host's name is not known",
    r"timeout|timed out": "no answer in time",
}
_RETRYABLE = ("40", "53", "55", "57")


def quote_error(error: BaseException, doing: str = "statement") -> RetentionError:
    """Turn a database error into one without row values.

    PostgreSQL puts the offending values into message and detail ("Key (email)=(…) already exists"). Only the state,
    table, column and constraint are kept; chain with ``from None`` so that the original is not printed either.

    Parameters
    ----------
    error : BaseException
        A SQLAlchemy or psycopg error; a :class:`RetentionError` is returned as it is.
    doing : str
        What was being done, in a few words.
    """
    if isinstance(error, RetentionError):
        return error
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    state = str(getattr(original, "sqlstate", None) or "")
    diag = getattr(original, "diag", None)
    places = [
        f"{label} {value}"
        for label, value in (
            ("schema", getattr(diag, "schema_name", None)),
            ("table", getattr(diag, "table_name", None)),
            ("column", getattr(diag, "column_name", None)),
            ("constraint", getattr(diag, "constraint_name", None)),
        )
        if value
    ]
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if lost or state.startswith(_LOST) or (not state and type(original).__name__ == "OperationalError"):
        return _without_connection(str(original), doing)
    what = _WHAT.get(state, type(original).__name__)
    if state in _QUOTABLE and (words := getattr(diag, "message_primary", None)):
        places.insert(0, str(words))
    where = f" ({', '.join(places)})" if places else ""
    failed = DatabaseFailed(f"{doing}: {what}{where}, SQLSTATE {state or 'unknown'}. Nothing of this statement was kept.")
    failed.retryable = state.startswith(_RETRYABLE)
    return failed


def _without_connection(words: str, doing: str) -> RetentionError:
    """Say why there is no connection, in our own words."""
    if found := _NOT_ADMITTED.search(words):
        what = "there is no such user or database" if "exist" in found[0] else "user or password is wrong"
        return LoginRefused(f"{doing}: {what}. Correct the address.")
    why = next((text for pattern, text in _UNREACHABLE.items() if re.search(pattern, words, re.IGNORECASE)), None)
    if why is None:
        return ConnectionLost(f"{doing}: the database connection was lost or refused; safe to retry.")
    return ConnectionLost(f"{doing}: no connection: {why}. Safe to retry.")
