"""REST sources: any JSON API as tables, described in YAML; what one vendor alone needs lies in a module of its own."""

from __future__ import annotations

from retention.sources.rest.clock import Clock
from retention.sources.rest.errors import (
    AccessForbidden,
    AnswerUnreadable,
    CredentialsRefused,
    PartialPage,
    RateLimited,
    RequestRefused,
    SecretMissing,
    SourceMoving,
    TooManyEqual,
)
from retention.sources.rest.store import RestStore

__all__ = [
    "AccessForbidden",
    "AnswerUnreadable",
    "Clock",
    "CredentialsRefused",
    "PartialPage",
    "RateLimited",
    "RequestRefused",
    "RestStore",
    "SecretMissing",
    "SourceMoving",
    "TooManyEqual",
]
