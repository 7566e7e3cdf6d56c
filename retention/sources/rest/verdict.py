"""What an answer means: good, to be asked for again, asking for a fresh token, or no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from retention.sources.errors import SourceUnreachable
from retention.sources.rest.addresses import retry_after
from retention.sources.rest.auth import plain_code
from retention.sources.rest.clock import Clock
from retention.sources.rest.describe import Api
from retention.sources.rest.errors import AccessForbidden, AnswerUnreadable, RateLimited, RequestRefused, Transient
from retention.sources.rest.records import as_text, dig, parse

PASSING = frozenset({408, 425, 429})
"""Refusals that pass by themselves, as every 5xx may."""


@dataclass(frozen=True)
class Answer:
    """One good answer."""

    status: int
    headers: httpx.Headers
    json: Any
    """Parsed; None where the status says that there is nothing."""
    url: str


class Verdicts:
    """Judges the answers of one API."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api, self._clock = api, clock

    def judge(self, at: str, status: int, headers: httpx.Headers, content: bytes, url: str, *, has_file: bool) -> Answer | str:
        """Return a good answer, or the code by which the API says that the token is not valid (any more).

        Parameters
        ----------
        has_file : bool
            Whether the body went to a file, unread.

        Raises
        ------
        Transient for what may pass; RateLimited, AccessForbidden, RequestRefused for what does not.
        """
        codes, parsed, code = self._api.errors, None, None
        is_good = 200 <= status < 300 or status in self._api.no_content
        if status not in self._api.no_content and not (has_file and is_good):
            parsed = parsed_json(content, headers, must=is_good)
            code = as_text(dig(parsed, codes.code)) if codes and isinstance(parsed, Mapping) else None
        if codes and code is not None and code not in codes.ok:
            shown = plain_code(code)
            if code in codes.expired:
                return shown
            if code in codes.retry:
                raise Transient(
                    f"the API answered with code {shown}", f"code {shown}", retry_after(headers, self._clock), RateLimited
                )
            if code in codes.forbidden:
                self._forbidden(at, shown)
            if is_good or (status not in PASSING and status < 500 and status not in (401, 403)):
                raise RequestRefused(
                    f"{at}: the API refuses the request with code {shown} (status {status}). Nothing landed. Compare the "
                    "request in the description with the API's documentation."
                )
        if is_good:
            if codes and codes.required and code is None and status not in self._api.no_content and not has_file:
                raise Transient("an answer without the code that every answer has", "no code", error=AnswerUnreadable)
            return Answer(status, headers, parsed, url)
        if status == 401:
            return plain_code(code or "401")
        if status == 403:
            self._forbidden(at, plain_code(code or "403"))
        if status in PASSING or status >= 500:
            after, error = retry_after(headers, self._clock), RateLimited if status == 429 else SourceUnreachable
            raise Transient(f"the API answered {status}", str(status), after, error)
        raise RequestRefused(
            f"{at}: the API refuses the request with status {status}. Nothing landed. Compare the request in the description "
            "with the API's documentation."
        )

    def _forbidden(self, at: str, code: str) -> None:
        raise AccessForbidden(
            f"{at}: the login is known to the API and may not read this ({code}). Nothing landed; what was published stays. "
            "Give it the right there; a new token alone does not help."
        )


def parsed_json(content: bytes, headers: httpx.Headers, *, must: bool) -> Any:
    """Read the body of an answer.

    Raises
    ------
    Transient when it is no JSON and must be.
    """
    try:
        return parse(content)
    except ValueError:
        if not must:
            return None
    is_page = "html" in headers.get("content-type", "").lower() or content.lstrip()[:1] == b"<"
    what = "the API answered with a web page" if is_page else "the API answered with JSON that is cut off or none"
    raise Transient(what, "html" if is_page else "broken JSON", error=AnswerUnreadable)
