"""What can go wrong with a further target, in words without a value of a row: drivers put rows into theirs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from retention.warehouse import RetentionError


class TargetError(RetentionError):
    """A target refused what it was sent. It holds what it held before."""

    runbook = "targets"


class TargetUnreachable(TargetError):
    """A target does not answer, or too slowly. It holds what it held before; the next feed catches up."""

    retryable = True


class TargetChanged(TargetError):
    """Somebody changed a target's tables, or what is in them."""


class TargetsFailed(TargetError):
    """Some targets could not be fed; the others were."""

    def __init__(self, failed: Mapping[str, RetentionError]) -> None:
        self.failed = dict(failed)
        self.retryable = all(error.retryable for error in failed.values())
        super().__init__(" ".join(error.message for _, error in sorted(failed.items())))


_WHY = (
    (r"read[- ]?only|1290|1792|25006|insufficient privilege|permission denied|command denied|1142", TargetError,
     "it is read-only for us: the login must be able to write there"),
    (r"access denied|password authentication|1045|no pg_hba", TargetError, "user or password is wrong"),
    (r"unknown database|does not exist.*database|1049", TargetError, "there is no such database"),
    (r"lock wait|database is locked|deadlock|1205|1213|55p03|40p01|40001", TargetUnreachable,
     "somebody else holds a lock there"),
    (r"timeout|timed out|statement timeout|57014|3024|1969|lost connection.*during query|2013", TargetUnreachable,
     "it took longer than allowed"),
    (r"no space|disk full|database or disk is full|53100|1114|1021", TargetUnreachable, "its disk is full"),
    (r"connect|refused|unreachable|resolve|unable to open|server has gone away|2006|closed|terminat", TargetUnreachable,
     "there is no connection"),
    (r"no such (?:table|column)|doesn't exist|unknown column|undefined(?:table|column)|42p01|42703|1146|1054", TargetChanged,
     "a table or column that we made is gone or has another name"),
)  # fmt: skip


def quote_target(error: SQLAlchemyError, target: str, doing: str) -> TargetError:
    """Turn an error of a target's driver into one of ours.

    Parameters
    ----------
    error : SQLAlchemyError
        As raised; its text is only searched for what kind it is, never shown.
    target : str
        Name of the target.
    doing : str
        What was being done, in a few words.
    """
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    codes = [str(getattr(original, "sqlstate", "") or ""), *(str(a) for a in original.args if isinstance(a, int))]
    words = f"{type(original).__name__} {' '.join(codes)} {_first_line(original)}".lower()
    for pattern, kind, why in _WHY:
        if re.search(pattern, words):
            return kind(f"target {target}, {doing}: {why}. Nothing of this feed was kept there.")
    named = " ".join(code for code in codes if code) or type(original).__name__
    return TargetError(f"target {target}, {doing}: it refused a statement ({named}). Nothing of this feed was kept there.")


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:300]
