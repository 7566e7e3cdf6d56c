"""Messages arrive in the form each channel asks for, are tried again where that helps, and give nobody away."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import logging
import urllib.parse
from collections.abc import Iterator

import pytest

from retention.alerts import (
    AlertConfigurationError,
    DingTalk,
    Email,
    Feishu,
    Message,
    NotDelivered,
    Webhook,
    WeCom,
    configured_channels,
    sending,
    tell,
)
from retention.alerts.message import shortened
from tests.retention.alerts.receivers import Web, mail, web

SAID = Message("[retention] BREACH", "BREACH freshness of core: 30 h late. 核心数据迟到 30 小时。")


@pytest.fixture
def chat() -> Iterator[Web]:
    with web() as seen:
        yield seen


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits between tries, which are noted and not waited."""
    noted: list[float] = []
    monkeypatch.setattr(sending, "_sleep", noted.append)
    return noted


def test_webhook_takes_text_and_subject_with_its_token(chat: Web) -> None:
    chat.answers = [(204, b"", {})]
    assert tell(SAID, [Webhook(chat.url, token="t-1")]).arrived == ("webhook",)
    assert chat.posted == [{"text": SAID.text, "subject": SAID.subject}]
    assert chat.headers[0]["authorization"] == "Bearer t-1"


def test_wecom_takes_text(chat: Web) -> None:
    assert tell(SAID, [WeCom(f"{chat.url}/send?key=k-1")]).arrived == ("wecom",)
    assert chat.posted == [{"msgtype": "text", "text": {"content": SAID.text}}]
    assert "迟到" in chat.bodies[0].decode(), "Chinese travels as itself: the robots count bytes"


def test_dingtalk_is_signed_for_the_moment(chat: Web) -> None:
    tell(SAID, [DingTalk(f"{chat.url}/robot/send?access_token=a-1", "SEC-1", clock=lambda: 1_700_000_000.5)])
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(chat.paths[0]).query))
    # https://open.dingtalk.com: timestamp in ms, a newline, the secret; HMAC-SHA256 by the secret, base64, URL-encoded.
    expected = hmac.new(b"SEC-1", b"1700000000500\nSEC-1", hashlib.sha256).digest()
    assert query == {"access_token": "a-1", "timestamp": "1700000000500", "sign": base64.b64encode(expected).decode()}
    assert chat.posted == [{"msgtype": "text", "text": {"content": SAID.text}}]


def test_feishu_is_signed_in_its_body(chat: Web) -> None:
    tell(SAID, [Feishu(chat.url, "SEC-2", clock=lambda: 1_700_000_000.9)])
    expected = hmac.new(b"1700000000\nSEC-2", b"", hashlib.sha256).digest()
    assert chat.posted == [
        {
            "timestamp": "1700000000",
            "sign": base64.b64encode(expected).decode(),
            "msg_type": "text",
            "content": {"text": SAID.text},
        }
    ]


def test_mail_reaches_everybody_named() -> None:
    with mail() as box:
        sender = Email("127.0.0.1", box.port, "alerts@shop.example", ("ana@shop.example", "bo@shop.example"), "l", "p", "none")
        assert tell(SAID, [sender]).arrived == ("email",)
    found = email.message_from_string(box.mails[0], policy=email.policy.default)
    assert (found["Subject"], found["From"]) == (SAID.subject, "alerts@shop.example")
    assert found.get_content().strip() == SAID.text
    assert len(box.recipients) == 2
    assert found["Auto-Submitted"] == "auto-generated", "an absence note must not answer"


def test_password_never_travels_without_encryption(waits: list[float]) -> None:
    with mail() as box:
        refused = tell(SAID, [Email("127.0.0.1", box.port, "a@b.example", ("c@b.example",), "login", "secret")])
    assert refused.failed == {"email": "SMTPNotSupportedError"}
    assert "AUTH" not in box.commands
    assert waits == [], "a server without STARTTLS has none at the next try either"


@pytest.mark.parametrize(
    ("make", "answer"),
    [
        (Webhook, (503, {}, {})),
        (Webhook, (429, {}, {"Retry-After": "3"})),
        (WeCom, (200, {"errcode": 45009, "errmsg": "api freq out of limit"}, {})),
        (DingTalk, (200, {"errcode": 130101, "errmsg": "send too fast"}, {})),
        (Feishu, (200, {"code": 9499}, {})),
    ],
    ids=["server away", "told to wait", "wecom", "dingtalk", "feishu"],
)
def test_a_busy_channel_is_tried_again(chat: Web, waits: list[float], make: type, answer: tuple) -> None:
    chat.answers = [answer, answer, (200, {"errcode": 0, "code": 0}, {})]
    assert tell(SAID, [make(chat.url)]).everywhere
    assert len(chat.bodies) == 3
    if "Retry-After" in answer[2]:
        assert waits == [3, 3]
    else:
        assert waits[0] >= 1
        assert waits[1] >= 2


@pytest.mark.parametrize(
    ("make", "answer"),
    [
        (Webhook, (404, {}, {})),
        (Webhook, (302, {}, {"Location": "http://127.0.0.1:9/elsewhere"})),
        (WeCom, (200, {"errcode": 93000, "errmsg": "invalid webhook url"}, {})),
        (DingTalk, (200, {"errcode": 310000, "errmsg": "sign not match"}, {})),
        (Feishu, (200, {"code": 19021, "msg": "sign match fail"}, {})),
        (WeCom, (200, b"<html>login</html>", {})),
    ],
    ids=["gone", "moved", "wrong key", "wrong signature", "wrong feishu signature", "a login page"],
)
def test_what_will_not_pass_is_tried_once(chat: Web, waits: list[float], make: type, answer: tuple) -> None:
    chat.answers = [answer]
    assert list(tell(SAID, [make(chat.url)]).failed) == [make("").name]
    assert (len(chat.bodies), waits) == (1, [])


def test_one_channel_that_is_away_keeps_the_message_from_no_other(
    chat: Web, waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    told = tell(SAID, [WeCom("http://127.0.0.1:9/send?key=very-secret"), Webhook(chat.url)])
    assert (told.arrived, told.failed) == (("webhook",), {"wecom": "ConnectError"})
    assert len(waits) == sending.TRIES - 1
    assert SAID.text in caplog.text
    assert "could not be posted to wecom" in caplog.text
    assert "very-secret" not in caplog.text, "who knows the address can write to the group"


def test_telling_never_raises() -> None:
    class Broken:
        name = "broken"

        def send(self, message: Message) -> None:
            raise RuntimeError("http://secret.example")

    assert tell(SAID, [Broken()]).failed == {"broken": "RuntimeError"}


def test_no_address_of_a_person_leaves(chat: Web, caplog: pytest.LogCaptureFixture) -> None:
    tell(Message("team ana@shop.example", "call 13800001001 or +86 13800001001, key 4611686018427387904, 1,380,000,100 rows"),
         [Webhook(chat.url)])  # fmt: skip
    assert chat.posted[0] == {
        "subject": "team [e-mail]",
        "text": "call [phone] or [phone], key 4611686018427387904, 1,380,000,100 rows",
    }
    assert "13800001001" not in caplog.text


def test_a_long_message_ends_with_a_line_and_says_that_it_was_cut(chat: Web) -> None:
    tell(Message("s", "\n".join(f"第 {n} 行 一二三四五六七八九十" for n in range(200))), [WeCom(chat.url)])
    content = chat.posted[0]["text"]["content"]
    assert len(content.encode()) <= 2_048
    assert "全文见日志" in content
    assert shortened("short", 100) == "short"


def test_configuration_makes_the_channels_that_have_an_address(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    for name in ("URL", "WECOM_URL", "DINGTALK_URL", "FEISHU_URL", "SMTP_URL"):
        monkeypatch.delenv(f"RETENTION_ALERT_{name}", raising=False)
    monkeypatch.setenv("RETENTION_HOME", str(tmp_path))
    assert configured_channels() == []
    (tmp_path / "env").write_text("RETENTION_ALERT_WECOM_URL=https://kept.example/send?key=1\n")
    monkeypatch.setenv("RETENTION_ALERT_SMTP_URL", "smtps://ops%40shop.example:p%2Fw@mail.example")
    monkeypatch.setenv("RETENTION_ALERT_EMAIL_FROM", "ops@shop.example")
    monkeypatch.setenv("RETENTION_ALERT_EMAIL_TO", "ana@shop.example, bo@shop.example")
    found = configured_channels({"RETENTION_ALERT_DINGTALK_URL": "https://d.example", "RETENTION_ALERT_DINGTALK_SECRET": "SEC"})
    assert [channel.name for channel in found] == ["wecom", "dingtalk", "email"]
    mailer = found[-1]
    assert isinstance(mailer, Email)
    assert (mailer.port, mailer.login, mailer.password, mailer.security) == (465, "ops@shop.example", "p/w", "tls")
    assert "p/w" not in repr(found)
    assert "SEC" not in repr(found)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"URL": "ftp://x"}, "ALERT_URL is no http"),
        ({"SMTP_URL": "smtp://mail.example"}, "EMAIL_TO names nobody"),
        ({"SMTP_URL": "mail.example:25", "EMAIL_TO": "a@b.example"}, "SMTP_URL must be"),
        ({"SMTP_URL": "smtp://mail.example", "EMAIL_TO": "a@b.example", "EMAIL_FROM": "x\nBcc: y@z"}, "plain addresses"),
        (
            {"SMTP_URL": "smtp://l:p@mail.example?security=none", "EMAIL_TO": "a@b.example", "EMAIL_FROM": "c@b.example"},
            "password would travel in plain text",
        ),
    ],
)
def test_half_a_configuration_names_the_variable(variables: dict[str, str], said: str) -> None:
    with pytest.raises(AlertConfigurationError, match=said):
        configured_channels({f"RETENTION_ALERT_{name}": value for name, value in variables.items()})


def test_the_log_is_the_channel_where_there_is_none(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert tell(SAID, [], level=logging.INFO).everywhere
    assert SAID.text in caplog.text


def test_a_refusal_says_whether_it_may_pass() -> None:
    with mail() as box:
        for answer, may_pass in (("451 later", True), ("550 no such mailbox", False)):
            box.answers["RCPT"] = answer
            with pytest.raises(NotDelivered) as refused:
                Email("127.0.0.1", box.port, "a@b.example", ("ana@b.example",), security="none").send(SAID)
            assert refused.value.may_pass is may_pass
            assert "ana@" not in str(refused.value)
