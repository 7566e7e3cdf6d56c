"""Faults of networks and servers: each strikes (the server counts it), none loses or doubles a row, and each has an end."""

from __future__ import annotations

import email.utils
import gzip
import json
import logging
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from retention.sources import SourceError, SourceUnreachable, SpecError
from retention.sources.rest import (
    AccessForbidden,
    AnswerUnreadable,
    CredentialsRefused,
    PartialPage,
    RateLimited,
    RequestRefused,
    RestStore,
    SecretMissing,
    SourceMoving,
)
from retention.sources.rest.errors import Transient
from tests.retention.sources.rest.server import (
    BROKEN,
    DRIP,
    DRIP_HEADER,
    HANG,
    HTML,
    RESET,
    Asked,
    Reply,
    TestClock,
    answer,
    cut,
    serving,
    status,
    without_records,
)
from tests.retention.sources.rest.shop import LOWER, PAGING, UPPER, Shop, at, describe, ids, read

ONCE = {
    "429 with seconds": status(429, Retry_After="7"),
    "429 without": status(429),
    "500": status(500),
    "502 as a web page": Reply(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"}),
    "503": status(503),
    "reset": RESET,
    "hang": HANG,
    "slow body": DRIP,
    "slow header": DRIP_HEADER,
    "JSON cut off": BROKEN,
    "connection cut off": cut,
    "HTML with status 200": HTML,
    "an empty page": without_records("data"),
    "an empty object": answer({}),
    "no list": answer({"data": "none", "info": {}}),
}


@pytest.mark.parametrize(
    ("style", "fault"),
    [
        pytest.param(style, fault, id=f"{style}: {name}")
        for name, fault in ONCE.items()
        for style in ("offset", "keyset", "token", "since")
        if style == "offset" or name not in ("hang", "slow body", "slow header")  # what takes real time, once
    ],
)
def test_a_fault_on_a_page_is_asked_for_again(tmp_path: Path, style: str, fault: Any) -> None:
    with serving(Shop(23)) as server:
        server.faults = {3: fault}
        rows = read(server, describe(tmp_path, style))
        assert server.fired[3] == 1
    assert ids(rows) == [f"{number:04d}" for number in range(1, 24)]


@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in ONCE.items() if "slow" not in name])
def test_a_fault_that_stays_is_a_failure_and_never_the_end(tmp_path: Path, fault: Any) -> None:
    with serving(Shop(23)) as server:
        server.faults = dict.fromkeys(range(3, 30), fault)
        with pytest.raises(SourceError, match=r"shop survey_answer: .*Nothing landed") as caught:
            read(server, describe(tmp_path, "offset", limits={"read_seconds": 0.1}))
        assert server.fired.total() == 4
    expected = {"an empty page": PartialPage, "JSON cut off": AnswerUnreadable, "HTML with status 200": AnswerUnreadable}
    expected |= {"500": SourceUnreachable, "reset": SourceUnreachable, "hang": SourceUnreachable, "429 without": RateLimited}
    name = next(name for name, known in ONCE.items() if known is fault)
    assert isinstance(caught.value, expected.get(name, SourceError))
    assert caught.value.retryable


def test_a_pause_that_is_asked_for_is_kept(tmp_path: Path) -> None:
    clock = TestClock()
    later = email.utils.format_datetime(clock.now() + timedelta(seconds=90), usegmt=True)
    with serving(Shop(12)) as server:
        server.faults = {1: status(429, Retry_After="7"), 3: status(503, Retry_After=later), 5: status(500), 6: status(500)}
        read(server, describe(tmp_path, limits={"requests": 10_000}), clock)
    assert clock.pauses == [7, 90, 1, 2]
    assert read.notes == ["/offset: 7 requests; 4 tried again (1 after 429, 2 after 500, 1 after 503)"]  # type: ignore[attr-defined]


def test_a_pause_longer_than_a_task_may_wait_ends_it(tmp_path: Path) -> None:
    with serving(Shop(12)) as server:
        server.faults = {2: status(429, Retry_After="86400")}
        with pytest.raises(RateLimited, match=r"a pause of 86400 s, more than the 300 s"):
            read(server, describe(tmp_path))
        assert len(server.asked) == 2
        busy = answer({"code": 50009}, Retry_After="9999")
        server.faults = {3: busy}
        with pytest.raises(RateLimited, match=r"a pause of 9999 s"):
            read(server, describe(tmp_path, errors={"code": "code", "retry": [50009]}))


def test_the_whole_reading_has_an_end(tmp_path: Path) -> None:
    clock = TestClock()
    with serving(Shop(500)) as server:
        server.faults = dict.fromkeys(range(2, 1000), status(503, Retry_After="200"))
        with pytest.raises(SourceUnreachable, match="after 3 attempts still"):
            read(server, describe(tmp_path, limits={"read_minutes": 8, "attempts": 20}), clock)
    assert sum(clock.pauses) <= 8 * 60


def test_an_api_that_never_ends_is_left(tmp_path: Path) -> None:
    numbers = iter(range(1, 10_000))

    def endless(asked: Asked) -> Reply:
        return answer(
            {"data": [{"id": str(next(numbers)), "changed": at(1)}], "info": {"next": f"n{next(numbers)}", "more": True}}
        )

    with serving(endless) as server:
        with pytest.raises(SourceMoving, match=r"limits\.pages"):
            read(server, describe(tmp_path, "token", limits={"pages": 30}))


def test_a_token_that_leads_in_a_circle_is_noticed(tmp_path: Path) -> None:
    with serving(
        lambda asked: answer({"data": [{"id": "1", "changed": at(1)}], "info": {"next": "same", "more": True}})
    ) as server:
        with pytest.raises(RequestRefused, match="in a circle"):
            read(server, describe(tmp_path, "token", paging={"total": ""}))


@pytest.mark.parametrize("style", ["offset", "token"])
def test_a_count_that_is_not_reached_is_a_failure(tmp_path: Path, style: str) -> None:
    shop = Shop(23)

    def short(asked: Asked) -> Reply:
        reply = shop(asked)
        value = json.loads(reply.body)
        value["info"]["total"] += 2
        value["info"]["more"] = None if value["info"]["more"] is False else True
        return answer(value)

    with serving(short) as server:
        with pytest.raises(PartialPage, match=r"Nothing landed"):
            read(server, describe(tmp_path, style))


def test_a_page_that_counts_more_than_it_holds_is_asked_for_again(tmp_path: Path) -> None:
    shop = Shop(12)

    def counted(asked: Asked) -> Reply:
        value = json.loads(shop(asked).body)
        value["info"]["count"] = len(value["data"])
        return answer(value)

    def lossy(reply: Reply) -> Reply:
        value = json.loads(reply.body)
        value["data"].pop()
        return answer(value)

    with serving(counted) as server:
        server.faults = {2: lossy}
        rows = read(server, describe(tmp_path, "keyset", paging={"count": "info.count"}))
        assert server.fired[2] == 1
        assert len(rows) == 12
        server.faults = dict.fromkeys(range(1, 100), lossy)
        with pytest.raises(PartialPage, match="holds 4 records and counts 5"):
            read(server, describe(tmp_path, "keyset", paging={"count": "info.count"}))


@pytest.mark.parametrize("says", [{"more": False, "total": False}, {"more": True, "total": False}])
@pytest.mark.parametrize(("style", "struck"), [("keyset", 1), ("keyset", 3), ("offset", 1), ("since", 1), ("token", 1)])
def test_an_empty_page_is_not_believed_at_once(tmp_path: Path, style: str, struck: int, says: dict[str, bool]) -> None:
    """Nothing, and the API says that this was all: a glitch looks the same, so it is asked a second time."""
    shop = Shop(11)
    shop.says = says

    def nothing(reply: Reply) -> Reply:
        return answer({"data": [], "info": {"more": False} if says["more"] else {}})

    with serving(shop) as server:
        server.faults = {struck: nothing}
        assert len(read(server, describe(tmp_path, style))) == 11
        assert server.fired[struck] == 1


# Logins


def test_token_that_expires_on_page_7_is_renewed_once_and_reading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, handed = Shop(60), []

    def app(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            handed.append(asked.form)
            return answer({"access_token": f"secret-{len(handed)}", "expires_in": 3600})
        good = asked.headers["Authorization"] == f"Bearer secret-{1 if shop.pages < 7 else 2}"
        return shop(asked) if good else status(401, {"code": "INVALID_TOKEN"})

    secrets(monkeypatch, CLIENT_ID="shop-client", CLIENT_SECRET="hush-1", REFRESH_TOKEN="hush-2")
    with serving(app) as server:
        rows = read(server, describe(tmp_path, "keyset", auth=REFRESH))
    assert len(set(ids(rows))) == len(rows) == 60
    assert handed[0] == {
        "grant_type": "refresh_token",
        "client_id": "shop-client",
        "client_secret": "hush-1",
        "refresh_token": "hush-2",
    }
    assert len(handed) == 2
    assert "token renewed 1 times" in read.notes[0]  # type: ignore[attr-defined]


def test_token_is_renewed_before_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[str] = []
    shop, clock = Shop(30), TestClock()

    def app(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            handed.append("")
            return answer({"access_token": f"t{len(handed)}", "expires_in": 100})
        clock.skipped += 30
        return shop(asked)

    secrets(monkeypatch, CLIENT_ID="c", CLIENT_SECRET="s", REFRESH_TOKEN="r")
    with serving(app) as server:
        assert len(read(server, describe(tmp_path, "keyset", auth=REFRESH, limits={"total_seconds": 300}), clock)) == 30
        assert not [asked for asked in server.asked if asked.headers.get("Authorization") == "Bearer None"]
    assert len(handed) == 3


@pytest.mark.parametrize(
    "refusal",
    [status(400, {"error": "invalid_grant"}), answer({"error": "invalid_code"}), status(401), answer({"access_token": ""})],
)
def test_refresh_that_fails_says_so_and_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: Reply
) -> None:
    secrets(monkeypatch, CLIENT_ID="shop-client", CLIENT_SECRET="hush-1", REFRESH_TOKEN="hush-2")
    with serving(lambda asked: refusal) as server:
        with pytest.raises(CredentialsRefused, match="credentials for source shop expired") as caught:
            read(server, describe(tmp_path, auth=REFRESH))
        assert server.paths() == ["/oauth/token"]
    text = f"{caught.value} {caught.value!r} {caught.getrepr(style='long', showlocals=False)}"
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(caught.value), text
    assert not caught.value.retryable


def test_fresh_token_that_is_refused_ends_it_after_one_renewal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets(monkeypatch, CLIENT_ID="c", CLIENT_SECRET="s", REFRESH_TOKEN="r")
    with serving(lambda asked: answer({"access_token": "a"}) if "oauth" in asked.path else status(401)) as server:
        with pytest.raises(CredentialsRefused):
            read(server, describe(tmp_path, auth=REFRESH))
        assert server.paths() == ["/oauth/token", "/offset", "/oauth/token", "/offset"]


def test_login_that_stumbles_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets(monkeypatch, CLIENT_ID="c", CLIENT_SECRET="s", REFRESH_TOKEN="r")
    shop = Shop(3)
    with serving(lambda asked: answer({"access_token": "a"}) if "oauth" in asked.path else shop(asked)) as server:
        server.counts = lambda asked: True
        server.faults = {1: status(503), 2: RESET, 3: HTML}
        assert len(read(server, describe(tmp_path, auth=REFRESH))) == 3
        assert server.fired.total() == 3


def test_401_and_403_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets(monkeypatch, TOKEN="hush")
    for code, kind in ((401, CredentialsRefused), (403, AccessForbidden), (400, RequestRefused), (404, RequestRefused)):
        with serving(lambda asked, code=code: status(code)) as server:
            with pytest.raises(kind) as caught:
                read(server, describe(tmp_path, auth={"kind": "bearer", "secret": "TOKEN"}))
            assert len(server.asked) == 1
            assert "hush" not in str(caught.value)


def test_every_simple_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("k-1\n")
    secrets(monkeypatch, KEY_FILE=str(file), USER="ana", PASSWORD="p:w", TOKEN="t-1")
    logins = {
        ("X-Api-Key", "k-1"): {"kind": "header", "header": "X-Api-Key", "secret": "KEY"},
        ("Authorization", "Bearer t-1"): {"kind": "bearer", "secret": "TOKEN"},
        ("Authorization", "Basic YW5hOnA6dw=="): {"kind": "basic", "username": "USER", "password": "PASSWORD"},
        ("Accept", "application/json"): {"kind": "none"},
    }
    for (header, value), described in logins.items():
        with serving(Shop(2)) as server:
            assert len(read(server, describe(tmp_path, auth=described))) == 2
            assert {asked.headers[header] for asked in server.asked} == {value}


def test_client_credentials_by_basic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets(monkeypatch, CLIENT_ID="c", CLIENT_SECRET="s")
    described = {"kind": "client_credentials", "token_url": "/oauth/token", "client_id": "CLIENT_ID"}
    described |= {"client_secret": "CLIENT_SECRET", "client_in": "basic", "scope": "read"}
    shop = Shop(2)
    with serving(lambda asked: answer({"access_token": "a"}) if "oauth" in asked.path else shop(asked)) as server:
        assert len(read(server, describe(tmp_path, auth=described))) == 2
        assert server.asked[0].form == {"grant_type": "client_credentials", "scope": "read"}
        assert server.asked[0].headers["Authorization"] == "Basic Yzpz"
        assert server.asked[1].headers["Authorization"] == "Bearer a"


def test_secret_that_is_not_set_is_named(tmp_path: Path) -> None:
    with serving(Shop(2)) as server:
        with pytest.raises(SecretMissing, match="Set RETENTION_SOURCE_SHOP_TOKEN, or RETENTION_SOURCE_SHOP_TOKEN_FILE"):
            read(server, describe(tmp_path, auth={"kind": "bearer", "secret": "TOKEN"}))
        assert not server.asked


# Errors in the body

CODES = {"code": "code", "required": True, "ok": [0], "retry": [50009], "expired": [20016], "forbidden": ["NO_PERMISSION"]}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (50009, RateLimited),
        (20016, CredentialsRefused),
        ("NO_PERMISSION", AccessForbidden),
        (32000, RequestRefused),
        (None, AnswerUnreadable),
    ],
)
def test_200_with_an_error_code_is_an_error(tmp_path: Path, code: Any, kind: type[SourceError]) -> None:
    with serving(lambda asked: answer({"code": code, "data": [], "message": "Ana is not allowed"})) as server:
        with pytest.raises(kind) as caught:
            read(server, describe(tmp_path, errors=CODES))
    assert "Ana" not in str(caught.value)


def test_code_that_is_no_code_is_not_repeated(tmp_path: Path) -> None:
    with serving(lambda asked: status(400, {"code": "row of ana@example.com"})) as server:
        with pytest.raises(RequestRefused) as caught:
            read(server, describe(tmp_path, errors=CODES))
    assert "ana" not in str(caught.value)


def test_busy_code_passes(tmp_path: Path) -> None:
    shop = Shop(7)

    def coded(asked: Asked) -> Reply:
        return answer({"code": 0, **json.loads(shop(asked).body)})

    with serving(coded) as server:
        server.faults = {1: answer({"code": 50009}), 3: answer({"code": 50009})}
        assert len(read(server, describe(tmp_path, errors=CODES))) == 7
        assert server.fired.total() == 2


# Where requests may go


def test_no_redirect_and_no_link_leads_our_login_to_another_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets(monkeypatch, TOKEN="hush")
    bearer = {"kind": "bearer", "secret": "TOKEN"}
    with serving(Shop(9)) as other, serving(Shop(9)) as server:
        elsewhere = f"{other.url}/link"
        server.faults = {1: status(302, Location=elsewhere)}
        with pytest.raises(RequestRefused, match="another host"):
            read(server, describe(tmp_path, auth=bearer))
        server.faults = {2: answer({"data": [{"id": "1", "changed": at(1)}], "info": {"next": elsewhere}})}
        with pytest.raises(RequestRefused, match="another host"):
            read(server, describe(tmp_path, "link", auth=bearer))
        server.faults = {3: answer({"data": [{"id": "1", "changed": at(1)}]}, Link=f'<{elsewhere}>; rel="next"')}
        with pytest.raises(RequestRefused, match="another host"):
            read(server, describe(tmp_path, "link_header", auth=bearer))
        assert not other.asked


@pytest.mark.parametrize(
    "link",
    ["http://[bad", "http://127.0.0.1:99999/", "//evil.example/x", "/näher", "javascript:1", "http://a@evil.example"],
)
def test_link_that_is_no_address_of_the_api(tmp_path: Path, link: str) -> None:
    with serving(lambda asked: answer({"data": [{"id": "1", "changed": at(1)}], "info": {"next": link}})) as server:
        with pytest.raises(RequestRefused, match="another host"):
            read(server, describe(tmp_path, "link", paging={"total": ""}))
        assert len(server.asked) == 1


@pytest.mark.parametrize("secret", ["hush\nX-Other: 1", "hüsh", "hush\u2009"])
def test_secret_that_no_header_can_hold_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    secrets(monkeypatch, TOKEN=secret)
    with serving(Shop(1)) as server:
        with pytest.raises(RequestRefused, match="header Authorization would hold") as caught:
            read(server, describe(tmp_path, auth={"kind": "bearer", "secret": "TOKEN"}))
        assert not server.asked
    assert "sh" not in str(caught.value).split("Authorization")[0].replace("shop", "")


def test_redirect_on_the_same_host_is_followed(tmp_path: Path) -> None:
    with serving(Shop(3)) as server:
        server.faults = {1: status(302, Location="/offset?offset=0&size=5")}
        assert len(read(server, describe(tmp_path))) == 3
        server.faults = dict.fromkeys(range(3, 20), status(302, Location="/offset?offset=0&size=5"))
        with pytest.raises(RequestRefused, match="in a circle"):
            read(server, describe(tmp_path))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://crm.example.com", "must begin with https"),
        ("ftp://crm.example.com", "should read like"),
        ("https://ana:hush@crm.example.com", "must hold no login"),
        ("https://crm.example.com/?key=hush", "must hold no login"),
        ("crm.example.com", "should read like"),
        ("https://[bad", "cannot be read"),
    ],
)
def test_addresses_that_are_not_used(tmp_path: Path, address: str, words: str) -> None:
    with pytest.raises(SpecError, match=words) as caught:
        RestStore(address, describe(tmp_path))
    assert "hush" not in str(caught.value)


def test_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with serving(Shop(2)) as server:
        server.use_tls(self_signed(tmp_path))
        with pytest.raises(SourceUnreachable, match="ConnectError"):
            read(server, describe(tmp_path))
        assert not server.asked


def test_nothing_on_this_machine_goes_through_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with serving(Shop(2)) as server:
        assert len(read(server, describe(tmp_path))) == 2


def test_proxy_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy gets the request for a host elsewhere; TLS to it is asked for by CONNECT, so nothing travels in clear."""
    with serving(lambda asked: status(502)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        with RestStore("https://crm.example.com", describe(tmp_path), TestClock()) as store:
            with pytest.raises(SourceUnreachable):
                list(store.read(store._spec.entities["survey_answer"], LOWER, UPPER, lambda names: None))
        assert {(asked.method, asked.headers["Host"]) for asked in proxy.asked} == {("CONNECT", "crm.example.com:443")}


def test_logs_hold_neither_secrets_nor_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secrets(monkeypatch, KEY="hush")
    caplog.set_level(logging.DEBUG)
    with serving(Shop(12)) as server:
        server.faults = {2: status(503), 3: RESET}
        read(server, describe(tmp_path, params={"key": "{secret.KEY}"}))
        assert server.asked[0].params["key"] == "hush"
    assert "hush" not in caplog.text
    assert "offset=" not in caplog.text


def test_answer_that_is_too_large_is_left(tmp_path: Path) -> None:
    with serving(lambda asked: answer({"data": [{"id": "1", "text": "x" * 300_000}]})) as server:
        with pytest.raises(AnswerUnreadable, match="larger than"):
            read(server, describe(tmp_path, limits={"answer_megabytes": 0.1}))


def test_packed_bomb_is_left(tmp_path: Path) -> None:
    bomb = gzip.compress(b'{"data": "' + b"x" * 30_000_000 + b'"}')
    with serving(lambda asked: Reply(200, bomb, {"Content-Type": "application/json", "Content-Encoding": "gzip"})) as server:
        with pytest.raises(AnswerUnreadable, match="larger than 1 MB"):
            read(server, describe(tmp_path, limits={"answer_megabytes": 1}))


def test_requests_keep_within_the_rate(tmp_path: Path) -> None:
    clock = TestClock()
    with serving(Shop(60)) as server:
        read(server, describe(tmp_path, "keyset", limits={"requests": 4, "seconds": 20}), clock)
        assert len(server.asked) == 12
    assert 39 < sum(clock.pauses) <= 40


def test_the_inner_failure_never_comes_out(tmp_path: Path) -> None:
    """No test above may pass because an error of the machinery itself happens to be one."""
    assert not issubclass(Transient, SourceError)
    assert LOWER < UPPER
    assert set(PAGING) > {"offset", "keyset", "token", "since"}


REFRESH = {
    "kind": "refresh_token",
    "token_url": "/oauth/token",
    "client_id": "CLIENT_ID",
    "client_secret": "CLIENT_SECRET",
    "refresh_token": "REFRESH_TOKEN",
}


def secrets(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"RETENTION_SOURCE_SHOP_{name}", value)


def self_signed(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    name, host = ("-subj", "/CN=127.0.0.1"), ("-addext", "subjectAltName=IP:127.0.0.1")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *name, *host]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key
