"""One API, asked politely and with an end: limits, attempts, logins, and a verdict on every answer."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urljoin

import httpx
import tenacity

from retention.sources.errors import ColumnMissing, SourceUnreachable
from retention.sources.rest.addresses import checked_address, checked_headers, origin_of, retry_after
from retention.sources.rest.auth import Login, Secrets, SecretValues, plain_code
from retention.sources.rest.clock import Clock, RateLimit
from retention.sources.rest.describe import Api
from retention.sources.rest.errors import (
    AnswerUnreadable,
    RateLimited,
    RequestRefused,
    Transient,
)
from retention.sources.rest.records import as_text, dig
from retention.sources.rest.template import fill
from retention.sources.rest.transport import FAULTS, Deadline, Transport
from retention.sources.rest.verdict import PASSING, Answer, Verdicts, parsed_json

for _name in ("httpx", "httpcore"):
    # They log addresses with their parameters, in which an API may want its key; a task's log is read by many.
    logging.getLogger(_name).setLevel(logging.WARNING)

T = TypeVar("T")
_MEGABYTE = 1024 * 1024
_REDIRECTS = 3
_ENCODINGS = ("", "identity", "gzip", "deflate")


@dataclass(frozen=True)
class Call:
    """One request as described, not yet filled."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    link: str | None = None
    """Address that the API itself gave for the next page; path and parameters are then its own."""


class Client:
    """Asks one API.

    Parameters
    ----------
    source, connection : str
        For messages, and for the names of secrets.
    address : str
        Scheme, host and port of the API, with the path that all its paths begin with, if any.

    Raises
    ------
    SpecError when the address cannot be used: no TLS, or credentials in it.
    """

    def __init__(self, source: str, connection: str, address: str, api: Api, clock: Clock) -> None:
        self.source, self.api, self.clock = source, api, clock
        self.address = checked_address(source, address)
        self.secrets = Secrets(source, connection)
        self._login = Login(source, api.auth, self.secrets, clock)
        self._verdicts = Verdicts(api, clock)
        self._deadline = Deadline(clock)
        self._rate = RateLimit(api.limits.requests, api.limits.seconds, clock)
        self._ends = clock.monotonic() + api.limits.read_minutes * 60
        self._clients: dict[str, httpx.Client] = {}
        self.requests = 0
        self.faults: Counter[str] = Counter()

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def begin(self) -> None:
        """Start the time and the counts of one reading."""
        self._ends = self.clock.monotonic() + self.api.limits.read_minutes * 60
        self.requests, self._login.renewals = 0, 0
        self.faults.clear()

    def summary(self) -> str:
        """Return how many requests a reading took, and what had to be tried again."""
        parts = [f"{self.requests} request{'s' if self.requests != 1 else ''}"]
        if self.faults:
            counts = ", ".join(f"{count} after {label}" for label, count in sorted(self.faults.items()))
            parts.append(f"{self.faults.total()} tried again ({counts})")
        if self._login.renewals > 1:
            parts.append(f"token renewed {self._login.renewals - 1} times")
        return "; ".join(parts)

    def ask(self, at: str, call: Call, values: Mapping[str, Any], judge: Callable[[Answer], T]) -> T:
        """Send a request until its answer holds, and return what ``judge`` makes of it.

        Parameters
        ----------
        at : str
            Source and entity, for messages.
        judge : callable
            Turns an answer into a result; raises Transient for one that may be better at the next try.

        Raises
        ------
        SourceUnreachable, RateLimited, AnswerUnreadable, PartialPage when attempts or time are used up; CredentialsRefused,
        AccessForbidden, RequestRefused at once.
        """
        return self._retrying(at, lambda: judge(self._authorised(at, call, values)))

    def download(self, at: str, call: Call, file: BinaryIO, limit: int) -> None:
        """Write the body of an answer to a file, from its beginning at every try."""

        def attempt() -> None:
            file.seek(0)
            file.truncate()
            self._authorised(at, call, {}, into=file, limit=limit)

        self._retrying(at, attempt)

    def pause(self, at: str, seconds: float) -> None:
        """Wait for something that takes its time on the other side.

        Raises
        ------
        SourceUnreachable when the reading has had its time.
        """
        if self.clock.monotonic() + seconds > self._ends:
            raise SourceUnreachable(
                f"{at}: not done after {self.api.limits.read_minutes:g} minutes (limits.read_minutes). Nothing landed; "
                "safe to retry."
            )
        self.clock.sleep(seconds)

    def same_origin(self, url: str, base: str) -> str:
        """Return an address that the API gave, made absolute.

        Raises
        ------
        RequestRefused when it leads to another host: our token goes to nobody else.
        """
        try:
            target = urljoin(base, url)
            is_ours = target.isascii() and target.isprintable() and origin_of(target) == origin_of(self.address)
        except ValueError:
            is_ours = False
        if not is_ours:
            raise RequestRefused(
                f"{self.source}: the API sent us on to another host (or to no address), which is refused: our login would go "
                "there too. Nothing landed. If the API has moved, correct its address."
            )
        return target

    def _retrying(self, at: str, attempt: Callable[[], T]) -> T:
        limits = self.api.limits
        backoff = tenacity.wait_exponential(multiplier=1, min=1, max=60)

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.after if isinstance(error, Transient) else None
            seconds = backoff(state)
            return max(asked, 0.0) + self.clock.jitter(1) if asked is not None else seconds + self.clock.jitter(seconds)

        def out_of_time(state: tenacity.RetryCallState) -> bool:
            return self.clock.monotonic() + state.upcoming_sleep > self._ends

        def count(state: tenacity.RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            if isinstance(error, Transient):
                self.faults[error.label] += 1

        def may_pass(error: BaseException) -> bool:
            return isinstance(error, Transient) and (error.after or 0) <= limits.wait_seconds

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(may_pass),
            stop=lambda state: state.attempt_number >= limits.attempts or out_of_time(state),
            wait=wait,
            sleep=self.clock.sleep,
            before_sleep=count,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except Transient as error:
            if (error.after or 0) > limits.wait_seconds:
                raise RateLimited(
                    f"{at}: {error.what} and asks for a pause of {error.after:.0f} s, more than the {limits.wait_seconds:g} "
                    "s that are kept (limits.wait_seconds). Nothing landed; safe to retry later."
                ) from None
            tries = retrying.statistics.get("attempt_number", 1)
            raise error.error(f"{at}: {error.what}, and after {tries} attempts still. Nothing landed; safe to retry.") from None
        except (RequestRefused, ColumnMissing) as error:
            raise (error if error.message.startswith(self.source) else type(error)(f"{at}: {error.message}")) from None

    def _authorised(
        self, at: str, call: Call, values: Mapping[str, Any], into: BinaryIO | None = None, limit: int | None = None
    ) -> Answer:
        """Send with a token; where it has expired, with a fresh one, once."""
        if self._login.is_due:
            self._login.renew(self._ask_token, self._resolve)
        for is_second in (False, True):
            verdict = self._send(at, call, values, into, limit)
            if isinstance(verdict, Answer):
                return verdict
            if is_second or not self._login.can_renew:
                self._login.refused(verdict)
            self._login.renew(self._ask_token, self._resolve)
        raise AssertionError("unreachable")

    def _send(self, at: str, call: Call, values: Mapping[str, Any], into: BinaryIO | None, limit: int | None) -> Answer | str:
        """Send once. Returns the answer, or the code by which the API says that the token is not valid (any more)."""
        known = SecretValues(self.secrets, {**self._login.values(), **values})
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", **self._login.headers()}
        headers |= {**(fill(dict(self.api.headers), known) or {}), **(fill(dict(call.headers), known) or {})}
        params = {**(fill(dict(self.api.params), known) or {}), **(fill(dict(call.params), known) or {})}
        body = fill(call.body, known) if call.body is not None else None
        url = call.link or self._resolve(str(fill(call.path, known)))
        request = {
            "params": None if call.link else {key: as_text(value) for key, value in params.items()},
            "headers": checked_headers(at, headers),
            "json": body,
        }
        status, found, content = self._exchange(at, call.method, url, request, into, limit)
        return self._verdicts.judge(at, status, found, content, url, has_file=into is not None)

    def _exchange(
        self, at: str, method: str, url: str, request: Mapping[str, Any], into: BinaryIO | None, limit: int | None
    ) -> tuple[int, httpx.Headers, bytes]:
        """Send over the network, follow redirects within the origin, and read the body within its limits."""
        target, params = url, request["params"]
        for _ in range(_REDIRECTS + 1):
            with self._open(method, target, {**request, "params": params}) as response:
                if response.next_request is None and not response.is_redirect:
                    return response.status_code, response.headers, self._body(at, response, into, limit)
                if method != "GET" and response.status_code not in (307, 308):
                    raise RequestRefused(f"{at}: the API redirects a {method}, which is refused. Nothing landed.")
                base, target, params = target, response.headers["location"], None
            target = self.same_origin(target, base)
        raise RequestRefused(f"{at}: the API redirects in a circle. Nothing landed.")

    @contextmanager
    def _open(self, method: str, url: str, request: Mapping[str, Any]) -> Iterator[httpx.Response]:
        limits = self.api.limits
        self._rate.wait()
        self.requests += 1
        self._deadline.start(limits.total_seconds)
        origin = origin_of(url)
        if origin not in self._clients:
            self._clients[origin] = httpx.Client(
                transport=Transport(origin, self._deadline),
                timeout=httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds),
                follow_redirects=False,
                trust_env=False,
                headers={"User-Agent": "retention"},
            )
        try:
            with self._clients[origin].stream(method, url, **request) as response:
                yield response
        except FAULTS as error:
            label = "timeout" if "Timeout" in type(error).__name__ else "broken connection"
            raise Transient(f"{label} ({type(error).__name__})", label) from None

    def _body(self, at: str, response: httpx.Response, into: BinaryIO | None, limit: int | None) -> bytes:
        most = limit or int(self.api.limits.answer_megabytes * _MEGABYTE)
        if response.headers.get("content-encoding", "").strip().lower() not in _ENCODINGS:
            raise RequestRefused(f"{at}: the API answers in an encoding that was not asked for. Nothing landed.")
        pieces, size = [], 0
        is_file = into is not None and response.is_success
        for piece in response.iter_bytes():
            size += len(piece)
            if size > most:
                raise AnswerUnreadable(
                    f"{at}: an answer is larger than {most // _MEGABYTE} MB. Nothing landed. Ask for smaller pages, or raise "
                    "limits.answer_megabytes."
                )
            self._deadline.left(None)
            if is_file and into is not None:
                into.write(piece)
            else:
                pieces.append(piece)
        return b"".join(pieces)

    def _resolve(self, path: str) -> str:
        if path.startswith("/"):
            return f"{self.address}{path}"
        return checked_address(self.source, path)

    def _ask_token(self, url: str, headers: Mapping[str, str], form: Any, body: Any) -> Any:
        request: dict[str, Any] = {"params": None, "headers": {"Accept": "application/json", **headers}}
        request |= {"data": form} if form is not None else {"json": body}
        at = f"{self.source} login"
        with self._open("POST", url, request) as response:
            status, found, content = response.status_code, response.headers, self._body(at, response, None, None)
        if status in PASSING or status >= 500:
            raise Transient(f"the login answered {status}", f"login {status}", retry_after(found, self.clock))
        if response.is_redirect:
            raise RequestRefused(f"{at}: the API redirects a login, which is refused. Nothing landed.")
        parsed = parsed_json(content, found, must=status < 300)
        codes = self.api.errors
        code = as_text(dig(parsed, codes.code)) if codes and isinstance(parsed, Mapping) else None
        if codes and code in codes.retry:
            raise Transient(
                f"the login answered with code {plain_code(code)}", f"login code {plain_code(code)}", error=RateLimited
            )
        if status >= 300 or (codes and code is not None and code not in codes.ok):
            self._login.refused(plain_code(code or dig(parsed, "error") or status))
        return parsed
