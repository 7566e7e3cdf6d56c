"""What can go wrong with an API. Words never hold a token, a secret, an address's parameters or a value of a record."""

from __future__ import annotations

from retention.sources.errors import SourceError, SourceUnreachable, SourceUnreadable, SpecError


class SecretMissing(SpecError):
    """A description asks for a secret that the environment does not hold."""

    runbook = "source-secret"


class CredentialsRefused(SourceError):
    """The API takes neither the token at hand nor a fresh one."""

    runbook = "credentials-refused"


class AccessForbidden(SourceError):
    """The login is known and may not read this."""

    runbook = "access-forbidden"


class RequestRefused(SourceError):
    """The API does not accept the request as described."""

    runbook = "request-refused"


class RateLimited(SourceUnreachable):
    """The API asks for a longer pause than a task may wait."""

    runbook = "rate-limited"


class AnswerUnreadable(SourceUnreadable):
    """Answers that are cut off, too large, or not what an API answers, time and again."""

    runbook = "answer-unreadable"
    retryable = True


class PartialPage(SourceError):
    """A page holds less than the API itself says there is."""

    runbook = "partial-page"
    retryable = True


class SourceMoving(SourceError):
    """Rows moved between pages for so long that no complete reading came about."""

    runbook = "moving-pages"
    retryable = True


class TooManyEqual(SourceError):
    """More rows share one value of the paging column than a page holds."""

    runbook = "equal-times"


class Transient(Exception):
    """One attempt failed in a way that may pass. Never leaves this package: it ends as one of the errors above.

    Parameters
    ----------
    what : str
        What happened, for the message, such as ``answered 503``.
    label : str
        Short name for the count of attempts, such as ``429`` or ``reset``.
    after : float, optional
        Seconds that the API asked to wait.
    error : type, optional
        What it becomes when it does not pass.
    """

    def __init__(self, what: str, label: str, after: float | None = None, error: type[SourceError] = SourceUnreachable) -> None:
        super().__init__(what)
        self.what, self.label, self.after, self.error = what, label, after, error
