"""Fxiaoke by its template: token request, keyset by _id, codes in the body, invalidated records."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from retention.sources import SourceSpec, changes, extract, load_spec
from retention.sources.rest import AccessForbidden, CredentialsRefused, RateLimited, RequestRefused, RestStore
from retention.warehouse import Run
from tests.retention.sources.rest.fake_fxiaoke import FakeFxiaoke, failed
from tests.retention.sources.rest.server import HTML, RESET, Asked, Reply, Server, TestClock, answer, serving, without_records
from tests.retention.sources.rest.shop import LOWER, UPPER

DAY_1, DAY_2 = date(2026, 3, 31), date(2026, 4, 1)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


BEFORE, ON_DAY_2, AFTER = ms("2026-03-20T10:00:00+08:00"), ms("2026-04-01T09:00:00+08:00"), ms("2026-04-02T00:00:00+08:00")


@pytest.fixture
def fxiaoke(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(FakeFxiaoke()) as server:
        for name, value in (
            ("APP_ID", "FSAID_1"),
            ("APP_SECRET", "fx-secret"),
            ("PERMANENT_CODE", "fx-code"),
            ("OPEN_USER_ID", "FSUID_1"),
        ):
            monkeypatch.setenv(f"RETENTION_SOURCE_FXIAOKE_{name}", value)
        yield server


@pytest.fixture
def spec(tmp_path: Path, project: Path) -> SourceSpec:
    shutil.copy(project / "include/sources/templates/fxiaoke.yml", tmp_path / "fxiaoke.yml")
    return load_spec(tmp_path / "fxiaoke.yml")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> TestClock:
    made = TestClock()
    monkeypatch.setattr("retention.sources.rest.store.Clock", lambda: made)
    return made


def fill(fake: FakeFxiaoke) -> None:
    fake.add("AccountObj", "a1", BEFORE, name="岱宗贸易", tel="021-55550001")
    fake.add(
        "ContactObj",
        "c1",
        BEFORE,
        name="Ana",
        email="ana@example.com",
        mobile1="13800000001",
        gender="2",
        date_of_birth=ms("1990-05-01T00:00:00+08:00"),
    )
    fake.add("ContactObj", "c2", BEFORE, name="Bo", tel1="021-5555", gender="9")
    fake.add("SalesOrderObj", "s1", BEFORE, name="20260320-1", account_id="a1", order_amount="1200.50", order_time=BEFORE)
    fake.add(
        "SalesOrderObj", "s2", BEFORE, account_id="a1", order_amount="99.00", order_time=BEFORE, life_status="under_review"
    )
    fake.add(
        "CasesObj",
        "k1",
        BEFORE,
        name="迟到",
        contact_id="c1",
        account_id="a1",
        priority="high",
        problem_description="两周没有货",
    )


def read(server: Server, spec: SourceSpec, entity: str, lower: Any = LOWER) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with RestStore(server.url, spec) as store:
        for columns, _ in store.read(spec.entities[entity], lower, UPPER, lambda names: None):
            rows += [
                dict(zip(columns, values, strict=True))
                for values in zip(*(c.to_pylist() for c in columns.values()), strict=True)
            ]
    return rows


def landed(run: Run, entity: str, columns: str) -> list[tuple[Any, ...]]:
    with run.warehouse.connect() as connection:
        statement = (
            f'select {columns} from landing."{entity}" where batch_id = (select max(batch_id) from ops.batch) order by 1'
        )
        return [tuple(row) for row in connection.execute(sa.text(statement))]


def test_two_days_end_to_end(
    fxiaoke: Server, spec: SourceSpec, make_run: Callable[..., Run], publish: Callable[[], int]
) -> None:
    fake: Any = fxiaoke.app
    fill(fake)
    fake.add("ContactObj", "c9", AFTER, name="Tomorrow")
    run = make_run(DAY_1)
    assert extract(run, spec, "customer", url=fxiaoke.url)["rows"] == 3
    assert landed(
        run, "customer", "customer_id, name, email, phone, gender, birth_date, customer_kind, account_owner, updated_at"
    ) == [
        ("account-a1", "岱宗贸易", None, "021-55550001", None, None, "company", "1000", "2026-03-20T10:00:00+08:00"),
        (
            "contact-c1",
            "Ana",
            "ana@example.com",
            "13800000001",
            "female",
            "1990-05-01",
            "consumer",
            "1000",
            "2026-03-20T10:00:00+08:00",
        ),
        ("contact-c2", "Bo", None, "021-5555", None, None, "consumer", "1000", "2026-03-20T10:00:00+08:00"),
    ]
    assert publish() == 3

    fake.change("ContactObj", "c1", ON_DAY_2, email="ana@new.example")
    fake.change("ContactObj", "c2", ON_DAY_2, life_status="invalid")
    fake.change("AccountObj", "a1", AFTER, tel="late")
    run = make_run(DAY_2)
    assert extract(run, spec, "customer", url=fxiaoke.url)["deleted"] == 1
    assert landed(run, "customer", "customer_id, email, deleted_at") == [
        ("contact-c1", "ana@new.example", None),
        ("contact-c2", None, "2026-04-01T01:00:00.000000+00:00"),
    ]
    assert len(set(fake.traces)) == len(fake.traces), "the vendor wants another trace id for every request"


def test_orders_and_complaints(fxiaoke: Server, spec: SourceSpec, make_run: Callable[..., Run]) -> None:
    fake: Any = fxiaoke.app
    fill(fake)
    run = make_run(DAY_1)
    extract(run, spec, "order", url=fxiaoke.url)
    assert landed(run, "order", "order_id, customer_id, paid_at, gross_amount") == [
        ("s1", "account-a1", "2026-03-20T10:00:00+08:00", "1200.50"),
        ("s2", "account-a1", None, "99.00"),
    ]
    extract(run, spec, "complaint", url=fxiaoke.url)
    assert landed(run, "complaint", "complaint_id, customer_id, severity, text") == [
        ("k1", "contact-c1", "severe", "两周没有货")
    ]


def many(fake: FakeFxiaoke, count: int) -> list[str]:
    for number in range(count):
        fake.add("SalesOrderObj", f"{number:05d}", BEFORE, account_id="a1", order_time=BEFORE)  # one time for all
    return [f"{number:05d}" for number in range(count)]


def test_thousand_orders_of_one_moment(fxiaoke: Server, spec: SourceSpec) -> None:
    fake: Any = fxiaoke.app
    ids = many(fake, 1000)
    assert [row["_id"] for row in read(fxiaoke, spec, "order")] == ids


def test_orders_change_and_go_and_the_token_expires_on_page_7(fxiaoke: Server, spec: SourceSpec) -> None:
    fake: Any = fxiaoke.app
    ids, queries = many(fake, 950), []
    fake.calls_per_token = 6

    def meanwhile(asked: Asked) -> None:
        queries.append(asked)
        number = len(queries)
        fake.objects["SalesOrderObj"].pop(f"{number:05d}", None)
        fake.change("SalesOrderObj", f"{900 + number:05d}", AFTER)
        fake.add("SalesOrderObj", f"{number:05d}x", BEFORE)

    fake.before = meanwhile
    fxiaoke.faults = {2: RESET, 4: HTML, 6: failed(-1, "busy"), 9: without_records("data.dataList")}
    found = [row["_id"] for row in read(fxiaoke, spec, "order")]
    touched = {f"{number:05d}" for number in range(1, 20)} | {f"{number:05d}" for number in range(900, 930)}
    assert len(found) == len(set(found))
    assert set(found) >= set(ids) - touched
    assert fake.tokens == 2
    assert fxiaoke.fired.total() == 4


def test_limit_per_second_passes_and_limit_per_day_does_not(fxiaoke: Server, spec: SourceSpec) -> None:
    fake: Any = fxiaoke.app
    fill(fake)
    fxiaoke.faults = {1: failed(30004, "秒频次超限")}
    assert len(read(fxiaoke, spec, "order")) == 2
    fxiaoke.faults = {fxiaoke._counted + 1: failed(30002, "当天访问频次超限")}
    with pytest.raises(RequestRefused, match="code 30002"):
        read(fxiaoke, spec, "order")
    fxiaoke.faults = dict.fromkeys(range(fxiaoke._counted + 1, 1000), failed(14001, "接口调用超过限制"))
    with pytest.raises(RateLimited):
        read(fxiaoke, spec, "order")


def test_what_the_codes_mean(fxiaoke: Server, spec: SourceSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    fxiaoke.faults = {1: failed(15003, "APP没有访问权限")}
    with pytest.raises(AccessForbidden, match="15003"):
        read(fxiaoke, spec, "order")
    monkeypatch.setenv("RETENTION_SOURCE_FXIAOKE_APP_SECRET", "mistyped")
    with pytest.raises(CredentialsRefused, match=r"source fxiaoke expired .*20006") as caught:
        read(fxiaoke, spec, "order")
    assert "mistyped" not in str(caught.value)


def test_reading_keeps_within_100_calls_in_20_seconds(fxiaoke: Server, spec: SourceSpec, clock: TestClock) -> None:
    fake: Any = fxiaoke.app
    times: list[float] = []
    many(fake, 30)
    fake.before = lambda asked: times.append(clock.monotonic())
    spec.api["paging"]["size"] = 2  # type: ignore[index]
    with RestStore(fxiaoke.url, spec) as store:
        for _ in range(10):
            list(store.read(spec.entities["order"], LOWER, UPPER, lambda names: None))
    assert len(times) == 150
    assert all(later - earlier > 19.9 for earlier, later in zip(times, times[80:], strict=False))


def test_quick_feed_reads_complaints_of_the_last_minutes(fxiaoke: Server, spec: SourceSpec) -> None:
    fake: Any = fxiaoke.app
    fill(fake)
    fake.add("CasesObj", "k2", ON_DAY_2, contact_id="c2", name="坏了")
    since = datetime.fromisoformat("2026-04-01T08:50:00+08:00")
    (batch,) = changes(spec, "complaint", since, since + timedelta(minutes=30), url=fxiaoke.url)
    assert batch.column("complaint_id").to_pylist() == ["k2"]


def test_feed_of_invalidated_records(fxiaoke: Server, spec: SourceSpec) -> None:
    fake: Any = fxiaoke.app
    fill(fake)
    fake.change("CasesObj", "k1", ON_DAY_2, life_status="invalid")
    upper = UPPER + timedelta(days=1)
    with RestStore(fxiaoke.url, spec) as store:
        ((columns, rows),) = store.deletions(spec.entities["complaint"], LOWER, upper)
    assert rows == 1
    assert columns["_id"].to_pylist() == ["k1"]
    assert columns["deleted_at"].to_pylist() == [datetime(2026, 4, 1, 1, tzinfo=UTC)]


def test_newer_login_of_the_documentation(
    fxiaoke: Server, tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token in headers, as docs/sources-rest.md writes it down, in front of the same queries."""
    text = (project / "docs/sources-rest.md").read_text()
    newer = yaml.safe_load(next(block for block in re.findall(r"```yaml\n(.*?)```", text, re.S) if "oauth2.0" in block))
    described = yaml.safe_load((project / "include/sources/templates/fxiaoke.yml").read_text())
    described["api"] |= newer["api"]
    described["entities"] = {"order": described["entities"]["order"]}
    for section in ("request", "deletions"):
        for name in ("corpAccessToken", "corpId", "currentOpenUserId"):
            described["entities"]["order"][section]["body"].pop(name, None)
    (tmp_path / "newer.yml").write_text(yaml.safe_dump(described))
    monkeypatch.setenv("RETENTION_SOURCE_FXIAOKE_USER_ID", "1000")
    fake: Any = fxiaoke.app
    fill(fake)

    def app(asked: Asked) -> Reply:
        if asked.path == "/oauth2.0/token":
            assert asked.json["grantType"] == "app_secret"
            return answer({"errorCode": 0, "accessToken": "AT_1", "expiresIn": 7200, "ea": "company"})
        headers = {key.lower(): value for key, value in asked.headers.items()}
        assert (headers["authorization"], headers["x-fs-ea"], headers["x-fs-userid"]) == ("Bearer AT_1", "company", "1000")
        reply: Reply = fake._query(asked.json["data"])
        return reply

    fxiaoke.app = app
    assert [row["_id"] for row in read(fxiaoke, load_spec(tmp_path / "newer.yml"), "order")] == ["s1", "s2"]
