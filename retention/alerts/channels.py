"""The channels: what each expects, and what it answers when a message did not arrive.

Chat robots answer 200 to a message they refuse; what counts is the code in the answer. None of the addresses is ever shown:
whoever knows it can write to the group.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import smtplib
import ssl
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any, Protocol

from retention.alerts.errors import NotDelivered
from retention.alerts.message import Message, shortened

TIMEOUT_SECONDS = 5.0
"""For each step of a delivery: a task that failed must not hang on telling so."""
LARGEST_ANSWER = 65_536
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


class Channel(Protocol):
    """Where messages go."""

    @property
    def name(self) -> str:
        """Name of the channel, as in the settings and in ``ops.health_episode``."""
        ...

    def send(self, message: Message) -> None:
        """Hand one message over.

        Raises
        ------
        NotDelivered when it was not taken.
        """
        ...


def post(url: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Post JSON and return the answer, as far as it is a JSON object.

    No redirect is followed: an address that moved has to be looked at, and its key must not travel on.

    Raises
    ------
    NotDelivered naming the status, never the address.
    """
    import httpx  # a fifth of a second, and most tasks have nothing to tell

    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            answer = client.post(url, content=json.dumps(body, ensure_ascii=False).encode(), headers=_headers(headers))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        is_wrong = isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol)
        raise NotDelivered(type(error).__name__, may_pass=not is_wrong) from None
    if not answer.is_success:
        wait = answer.headers.get("Retry-After", "")
        raise NotDelivered(
            f"HTTP {answer.status_code}",
            may_pass=answer.status_code in _BUSY,
            wait_seconds=float(wait) if wait.isascii() and wait.isdigit() else None,
        )
    try:
        found = json.loads(answer.content[:LARGEST_ANSWER])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _headers(more: Mapping[str, str] | None) -> dict[str, str]:
    return {"Content-Type": "application/json; charset=utf-8", **(more or {})}


def _accepted(answer: Mapping[str, Any], code: str, busy: frozenset[int]) -> None:
    """Stop unless a robot says that it took the message: 0 in the answer, whatever the HTTP status."""
    found = answer.get(code)
    if found == 0:
        return
    if not isinstance(found, int):
        raise NotDelivered("an answer that no such robot gives: is the address right?", may_pass=False)
    raise NotDelivered(f"the robot refused it with code {found}", may_pass=found in busy)


@dataclass(frozen=True)
class Webhook:
    """Any address that takes ``{"text": …, "subject": …}``: Slack, Mattermost, Teams workflows, a service of one's own."""

    url: str = field(repr=False)
    token: str = field(default="", repr=False)
    """Sent as ``Authorization: Bearer …``, where the receiver asks for one."""
    name: str = "webhook"

    def send(self, message: Message) -> None:
        """Post the message; any 2xx is an acceptance."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else None
        post(self.url, {"text": message.text, "subject": message.subject}, headers)


@dataclass(frozen=True)
class WeCom:
    """A group robot of WeCom (企业微信群机器人)."""

    url: str = field(repr=False)
    name: str = "wecom"
    _MOST_BYTES = 2_000  # the robot takes 2,048
    _BUSY = frozenset({-1, 45009, 45033})  # system busy, too many messages a minute, too many at once

    def send(self, message: Message) -> None:
        """Post the message as text."""
        content = shortened(message.text, self._MOST_BYTES)
        _accepted(post(self.url, {"msgtype": "text", "text": {"content": content}}), "errcode", self._BUSY)


@dataclass(frozen=True)
class DingTalk:
    """A group robot of DingTalk (钉钉自定义机器人), with its signature (加签) where it has a secret."""

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    name: str = "dingtalk"
    clock: Callable[[], float] = field(default=time.time, repr=False)
    _MOST_BYTES = 18_000  # the robot takes 20,000
    _BUSY = frozenset({-1, 130101, 130102, 410100})  # system busy, too fast

    def send(self, message: Message) -> None:
        """Post the message as text, to an address signed for this moment."""
        content = shortened(message.text, self._MOST_BYTES)
        _accepted(post(self.signed_url(), {"msgtype": "text", "text": {"content": content}}), "errcode", self._BUSY)

    def signed_url(self) -> str:
        """Return the address with time (ms) and signature: HMAC-SHA256 by the secret of time, newline and secret, in base64."""
        if not self.secret:
            return self.url
        moment = str(round(self.clock() * 1000))
        digest = hmac.new(self.secret.encode(), f"{moment}\n{self.secret}".encode(), hashlib.sha256).digest()
        query = urllib.parse.urlencode({"timestamp": moment, "sign": base64.b64encode(digest).decode()})
        return f"{self.url}{'&' if '?' in self.url else '?'}{query}"


@dataclass(frozen=True)
class Feishu:
    """A group robot of Feishu or Lark (飞书自定义机器人), with its signature where it has a secret."""

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    name: str = "feishu"
    clock: Callable[[], float] = field(default=time.time, repr=False)
    _MOST_BYTES = 18_000  # the robot takes 20 kB
    _BUSY = frozenset({9499, 11232})  # too many requests

    def send(self, message: Message) -> None:
        """Post the message as text."""
        body: dict[str, Any] = {"msg_type": "text", "content": {"text": shortened(message.text, self._MOST_BYTES)}}
        _accepted(post(self.url, {**self._signature(), **body}), "code", self._BUSY)

    def _signature(self) -> dict[str, str]:
        """Time (s) and signature: HMAC-SHA256 of nothing, by the key of time, newline and secret, in base64."""
        if not self.secret:
            return {}
        moment = str(int(self.clock()))
        digest = hmac.new(f"{moment}\n{self.secret}".encode(), b"", hashlib.sha256).digest()
        return {"timestamp": moment, "sign": base64.b64encode(digest).decode()}


@dataclass(frozen=True)
class Email:
    """E-mail by an SMTP server."""

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    security: str = "starttls"
    """``tls`` from the first byte, ``starttls``, or ``none`` for a relay on the same machine."""
    name: str = "email"

    def send(self, message: Message) -> None:
        """Send the message to all recipients; one that the server refuses does not keep the others from it."""
        mail = EmailMessage()
        mail["Subject"] = message.subject
        mail["From"] = self.sender
        mail["To"] = ", ".join(self.recipients)
        mail["Date"] = formatdate(localtime=False)
        mail["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2] or "localhost")
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text, cte="base64")  # Chinese passes servers that take seven bits only
        try:
            with self._connect() as server:
                if self.login:
                    server.login(self.login, self.password)
                refused = server.send_message(mail)
        except smtplib.SMTPResponseException as error:  # 4xx may pass, 5xx will not
            raise NotDelivered(f"SMTP {error.smtp_code}", may_pass=400 <= error.smtp_code < 500) from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            raise NotDelivered(f"SMTP {codes}: every recipient refused", may_pass=all(c < 500 for c in codes)) from None
        except (smtplib.SMTPException, OSError) as error:
            is_wrong = isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLCertVerificationError)
            raise NotDelivered(type(error).__name__, may_pass=not is_wrong) from None
        if refused:
            raise NotDelivered(f"{len(refused)} of {len(self.recipients)} recipients refused", may_pass=False)

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        if self.security == "starttls":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server
