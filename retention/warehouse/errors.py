"""Errors that say what to do and never show a personal value."""

from __future__ import annotations

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
        return ConnectionLost(f"{doing}: the database connection was lost or refused; safe to retry.")
    what = _WHAT.get(state, type(original).__name__)
    if state in _QUOTABLE and (words := getattr(diag, "message_primary", None)):
        places.insert(0, str(words))
    where = f" ({', '.join(places)})" if places else ""
    failed = DatabaseFailed(f"{doing}: {what}{where}, SQLSTATE {state or 'unknown'}. Nothing of this statement was kept.")
    failed.retryable = state.startswith(_RETRYABLE)
    return failed
