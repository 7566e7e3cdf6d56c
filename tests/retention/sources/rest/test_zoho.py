"""Zoho CRM by its template: the first load by bulk read, days by page token, deletions, and COQL as the other way."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from retention.sources import ColumnMissing, SourceSpec, extract, load_spec
from retention.sources.rest import (
    AccessForbidden,
    AnswerUnreadable,
    CredentialsRefused,
    PartialPage,
    RequestRefused,
    RestStore,
)
from retention.warehouse import Run
from tests.retention.sources.rest.fake_zoho import FakeZoho, person
from tests.retention.sources.rest.server import Asked, Server, TestClock, answer, cut, serving, status
from tests.retention.sources.rest.shop import LOWER, UPPER

DAY_1, DAY_2 = date(2026, 3, 31), date(2026, 4, 1)
BEFORE, ON_DAY_2, AFTER = "2026-03-20T10:00:00+05:30", "2026-04-01T09:00:00+08:00", "2026-04-02T00:00:00+08:00"


@pytest.fixture
def zoho(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(FakeZoho()) as server:
        monkeypatch.setenv("RETENTION_SOURCE_ZOHO_ACCOUNTS", f"{server.url}/oauth/v2/token")
        monkeypatch.setenv("RETENTION_SOURCE_ZOHO_CLIENT_ID", "1000.client")
        monkeypatch.setenv("RETENTION_SOURCE_ZOHO_CLIENT_SECRET", "zoho-secret")
        monkeypatch.setenv("RETENTION_SOURCE_ZOHO_REFRESH_TOKEN", "1000.refresh")
        yield server


@pytest.fixture
def spec(tmp_path: Path, project: Path) -> SourceSpec:
    shutil.copy(project / "include/sources/templates/zoho_crm.yml", tmp_path / "zoho.yml")
    return load_spec(tmp_path / "zoho.yml")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> TestClock:
    clock = TestClock()
    monkeypatch.setattr("retention.sources.rest.store.Clock", lambda: clock)
    return clock


def fill(fake: FakeZoho) -> dict[str, str]:
    """Ana and Bo buy for themselves, Chen for a company; Ana complains."""
    found: dict[str, str] = {}
    company = fake.add("Accounts", BEFORE, Account_Name="Dai & Sons", Phone="+86 21 5555 0001", Billing_City="上海")
    found["company"] = company
    for name, mail in (("Ana", "ana@example.com"), ("Bo", "bo@example.com"), ("Chen", None)):
        found[name] = fake.add(
            "Contacts",
            BEFORE,
            Last_Name=name,
            Email=mail,
            Mobile="13800000001" if name == "Ana" else None,
            Phone="021-5555",
            Account_Name=person(company, "Dai & Sons") if name == "Chen" else None,
        )
    ana = person(found["Ana"], "Ana")
    found["won"] = fake.add("Deals", BEFORE, Amount=1200.50, Stage="Closed Won", Closing_Date="2026-03-19", Contact_Name=ana)
    found["open"] = fake.add("Deals", BEFORE, Amount=None, Stage="Qualification", Account_Name=person(company, "Dai & Sons"))
    found["case"] = fake.add(
        "Cases", BEFORE, Subject="Late", Description="两周没有货", Status="New", Priority="High", Related_To=ana
    )
    return found


def read(server: Server, spec: SourceSpec, entity: str, lower: Any = None, upper: Any = UPPER) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with RestStore(server.url, spec) as store:
        for columns, _ in store.read(spec.entities[entity], lower, upper, lambda names: None):
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


def test_two_days_end_to_end(zoho: Server, spec: SourceSpec, make_run: Callable[..., Run], publish: Callable[[], int]) -> None:
    fake: Any = zoho.app
    ids = fill(fake)
    fake.add("Contacts", AFTER, Last_Name="Tomorrow")
    run = make_run(DAY_1)
    assert extract(run, spec, "customer", url=zoho.url)["rows"] == 4
    assert landed(run, "customer", "customer_id, name, email, phone, customer_kind, city") == [
        (f"account-{ids['company']}", "Dai & Sons", None, "+86 21 5555 0001", "company", "上海"),
        (f"contact-{ids['Ana']}", "Ana", "ana@example.com", "13800000001", "consumer", None),
        (f"contact-{ids['Bo']}", "Bo", "bo@example.com", "021-5555", "consumer", None),
        (f"contact-{ids['Chen']}", "Chen", None, "021-5555", "consumer", None),
    ]
    assert "/crm/bulk/v8/read" in zoho.paths()
    assert "/crm/v8/Contacts" not in zoho.paths()
    assert publish() == 4

    fake.change("Contacts", ids["Ana"], ON_DAY_2, Email="ana@new.example")
    fake.delete("Contacts", ids["Bo"], ON_DAY_2)
    fake.delete("Accounts", ids["company"], ON_DAY_2, kind="permanent")
    fake.change("Contacts", ids["Chen"], AFTER, Email="chen@late.example")
    run = make_run(DAY_2)
    result = extract(run, spec, "customer", url=zoho.url)
    assert landed(run, "customer", "customer_id, email, deleted_at is not null") == [
        (f"account-{ids['company']}", None, True),
        (f"contact-{ids['Ana']}", "ana@new.example", False),
        (f"contact-{ids['Bo']}", "bo@example.com", True),
    ]
    assert result["deleted"] == 2
    assert [note for note in result["notes"] if "request" in note] == [
        "Contacts: 2 requests",  # the first for a token
        "Accounts: 1 request",
        "deletions of Contacts: 1 request",
        "deletions of Accounts: 1 request",
    ]
    asked = next(asked for asked in zoho.asked if asked.path == "/crm/v8/Contacts")
    assert asked.headers["If-Modified-Since"] == "2026-03-31T23:50:00+08:00"
    assert "page_token" not in asked.params


def test_deals_and_cases_become_orders_and_complaints(zoho: Server, spec: SourceSpec, make_run: Callable[..., Run]) -> None:
    fake: Any = zoho.app
    ids = fill(fake)
    run = make_run(DAY_1)
    extract(run, spec, "order", url=zoho.url)
    assert landed(run, "order", "order_id, customer_id, paid_at, gross_amount, currency") == [
        (ids["won"], f"contact-{ids['Ana']}", "2026-03-19T00:00:00+08:00", "1200.5", "CNY"),
        (ids["open"], f"account-{ids['company']}", None, "0", "CNY"),
    ]
    extract(run, spec, "complaint", url=zoho.url)
    assert landed(run, "complaint", "complaint_id, customer_id, severity, text, opened_at, resolved_at") == [
        (ids["case"], f"contact-{ids['Ana']}", "severe", "两周没有货", "2026-03-20T10:00:00+05:30", None)
    ]


def test_deal_that_falls_back_from_won_is_read_again_without_payment(zoho: Server, spec: SourceSpec) -> None:
    fake: Any = zoho.app
    ids = fill(fake)
    fake.change("Deals", ids["won"], "2026-03-25T00:00:00+00:00", Stage="Closed Lost")
    rows = {row["id"]: row for row in read(zoho, spec, "order", LOWER)}
    assert rows[ids["won"]]["paid"] is None
    assert rows[ids["won"]]["lost"] == "2026-03-25T00:00:00+00:00"


def many(fake: FakeZoho, count: int) -> list[str]:
    return [fake.add("Contacts", BEFORE, Last_Name=f"Kai {number}") for number in range(count)]


def test_page_tokens_lead_through_all_records(zoho: Server, spec: SourceSpec) -> None:
    fake: Any = zoho.app
    fake.per_page = 7
    ids = many(fake, 50)
    rows = read(zoho, spec, "customer", LOWER)
    assert [row["record"] for row in rows] == [f"contact-{number}" for number in ids]


def test_token_expires_on_page_7_and_a_record_is_deleted_meanwhile(zoho: Server, spec: SourceSpec) -> None:
    fake: Any = zoho.app
    fake.per_page, fake.calls_per_token = 7, 6
    ids = many(fake, 60)
    gone: list[str] = []

    def delete(asked: Asked) -> None:
        if "page_token" in asked.params and not gone:
            gone.append(ids[0])
            fake.delete("Contacts", ids[0], ON_DAY_2)

    fake.before = delete
    rows = [row["record"] for row in read(zoho, spec, "customer", LOWER)]
    assert len(rows) == len(set(rows))
    assert set(rows) >= {f"contact-{number}" for number in ids[1:]}
    assert fake.tokens > 2


def test_no_content_is_no_records_and_an_empty_middle_is_not(zoho: Server, spec: SourceSpec) -> None:
    fake: Any = zoho.app
    assert read(zoho, spec, "customer", LOWER) == []
    fake.per_page = 5
    many(fake, 12)
    zoho._counted = 0
    empty = {"data": [], "info": {"more_records": True, "next_page_token": "x", "count": 0}}
    zoho.faults = {2: answer(empty)}
    assert len(read(zoho, spec, "customer", LOWER)) == 12
    assert zoho.fired[2] == 1


def test_scope_that_is_missing_is_no_expired_token(zoho: Server, spec: SourceSpec) -> None:
    fake: Any = zoho.app
    zoho.faults = {1: status(401, {"code": "OAUTH_SCOPE_MISMATCH", "status": "error"})}
    with pytest.raises(AccessForbidden, match=r"zoho customer Contacts: .*OAUTH_SCOPE_MISMATCH"):
        read(zoho, spec, "customer", LOWER)
    assert fake.tokens == 1


def test_wrong_client_is_said_without_its_secret(zoho: Server, spec: SourceSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_SOURCE_ZOHO_CLIENT_SECRET", "mistyped")
    with pytest.raises(CredentialsRefused, match=r"credentials for source zoho expired .*invalid_client") as caught:
        read(zoho, spec, "customer", LOWER)
    assert "mistyped" not in str(caught.value)


def test_field_that_was_renamed_stops(zoho: Server, spec: SourceSpec) -> None:
    fake: Any = zoho.app
    fill(fake)
    broken: Any = spec.entities["customer"].request["reads"][0]
    broken["params"]["fields"] = broken["params"]["fields"].replace("Email", "Email_1")
    with pytest.raises(
        ColumnMissing, match=r"zoho customer Contacts: the API delivers no field Email .*; did it become Email_1"
    ):
        read(zoho, spec, "customer", LOWER)


# Bulk read


def test_bulk_read_in_several_jobs_is_read_again_until_nothing_is_new(zoho: Server, spec: SourceSpec) -> None:
    """Between two jobs a record of the first is deleted: the one that slides over the border comes with the second reading."""
    fake: Any = zoho.app
    fake.bulk_page = 10
    ids = many(fake, 25)

    def delete(asked: Asked) -> None:
        if asked.method == "POST" and asked.json["query"]["page"] == 2 and len(fake.modules["Contacts"]) == 25:
            fake.delete("Contacts", ids[0], ON_DAY_2)

    fake.before = delete
    rows = [row["record"] for row in read(zoho, spec, "customer")]
    assert sorted(rows) == sorted(f"contact-{number}" for number in ids)


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_csv", ".csv"), data)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("archive", "kind", "words"),
    [
        (lambda data: b"PK" + data[10:], AnswerUnreadable, "cannot be read"),
        (lambda data: data[:-30], AnswerUnreadable, "cannot be read"),
        (lambda data: zipped(a_csv=b"Id\n1\n", b_csv=b"Id\n2\n"), AnswerUnreadable, "should hold one CSV"),
        (lambda data: zipped(a=b"Id\n1\n"), AnswerUnreadable, "should hold one CSV"),
        (lambda data: zipped(a_csv=b"x" * (3 * 1024 * 1024)), AnswerUnreadable, "at most 2 MB"),
        (lambda data: zipped(a_csv=b"Id,Id\n1,2\n"), AnswerUnreadable, "names a column twice"),
        (lambda data: zipped(a_csv=b"Id,Last_Name\n1\n"), AnswerUnreadable, "has 1 of 2 columns"),
        (lambda data: zipped(a_csv="Id\n1\n".encode("utf-16")), AnswerUnreadable, "cannot be read"),
    ],
)
def test_archive_that_is_not_what_was_exported(
    zoho: Server, spec: SourceSpec, archive: Callable[[bytes], bytes], kind: type[Exception], words: str
) -> None:
    fake: Any = zoho.app
    fill(fake)
    fake.archive = archive
    spec.entities["customer"].request["reads"][0]["first_load"]["content_megabytes"] = 2
    with pytest.raises(kind, match=words):
        read(zoho, spec, "customer")


def test_size_in_an_archives_header_proves_nothing(zoho: Server, spec: SourceSpec) -> None:
    """The header says 10 bytes, the member holds 5 MB."""
    fake: Any = zoho.app
    fill(fake)
    data = zipped(a_csv=b"Id\n" + b"1\n" * (3 * 1024 * 1024))
    directory = data.index(b"PK\x01\x02")
    lying = data[: directory + 24] + (10).to_bytes(4, "little") + data[directory + 28 :]
    fake.archive = lambda _: lying
    spec.entities["customer"].request["reads"][0]["first_load"]["content_megabytes"] = 2
    with pytest.raises((AnswerUnreadable, PartialPage, ColumnMissing)):
        read(zoho, spec, "customer")


def test_member_that_would_lead_out_of_a_folder_is_only_read(zoho: Server, spec: SourceSpec, tmp_path: Path) -> None:
    fake: Any = zoho.app
    fill(fake)
    original: list[bytes] = []

    def travelling(data: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            original.append(archive.read(archive.namelist()[0]))
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("../../../../tmp/escaped.csv", original[-1])
        return packed.getvalue()

    fake.archive = travelling
    assert len(read(zoho, spec, "customer")) == 4
    assert not Path("/tmp/escaped.csv").exists()


def test_export_with_fewer_records_than_counted_is_a_failure(zoho: Server, spec: SourceSpec) -> None:
    fake: Any = zoho.app
    many(fake, 5)

    def shorten(data: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            lines = archive.read(archive.namelist()[0]).splitlines(keepends=True)
        return zipped(a_csv=b"".join(lines[:-1]))

    fake.archive = shorten
    with pytest.raises(PartialPage, match="counted 5 records and its export holds 4"):
        read(zoho, spec, "customer")


def test_download_that_breaks_off_begins_again(zoho: Server, spec: SourceSpec) -> None:
    fake: Any = zoho.app
    many(fake, 300)
    zoho.counts = lambda asked: asked.path.endswith("/result")
    zoho.faults = {1: cut, 2: status(429, Retry_After="60"), 3: status(503)}
    assert len(read(zoho, spec, "customer")) == 300
    assert zoho.fired.total() == 3


def test_job_that_fails_is_said(zoho: Server, spec: SourceSpec) -> None:
    zoho.faults = {2: answer({"data": [{"id": "9000001", "state": "FAILURE"}]})}
    with pytest.raises(RequestRefused, match="ended without a result"):
        read(zoho, spec, "customer")


def test_bulk_and_records_deliver_the_same_rows(zoho: Server, spec: SourceSpec) -> None:
    """A customer must not change because it was read another way."""
    fake: Any = zoho.app
    fill(fake)
    for entity in ("customer", "order", "complaint"):
        described = spec.entities[entity]
        needed = {name for column in (described.columns or {}).values() for name in column.reads} | {*described.key}
        bulk, paged = (read(zoho, spec, entity, lower) for lower in (None, LOWER))
        assert [{key: row[key] for key in sorted(needed)} for row in bulk] == [
            {key: row[key] for key in sorted(needed)} for row in paged
        ]


# COQL


def test_coql_of_the_documentation_pages_by_id_exactly(zoho: Server, spec: SourceSpec, project: Path) -> None:
    text = (project / "docs/sources-rest.md").read_text()
    request = yaml.safe_load(next(block for block in re.findall(r"```yaml\n(.*?)```", text, re.S) if "/coql" in block))
    fake: Any = zoho.app
    fake.per_page = 6
    ids = many(fake, 40)
    fake.before = lambda asked: fake.delete("Contacts", ids[3], ON_DAY_2) if len(zoho.asked) == 4 else None
    entity = replace(spec.entities["customer"], key=("id",), columns=None, request=request)
    told = replace(spec, entities={"customer": entity}, api={**spec.api, "paging": {"style": "none"}})
    assert [row["id"] for row in read(zoho, told, "customer", None)] == ids
    assert zoho.paths().count("/crm/v8/coql") == 7


def test_encrypted_archive_is_said(zoho: Server, spec: SourceSpec) -> None:
    """The flag of encryption set in both headers of the member: nothing can be read, and nothing lands."""
    fake: Any = zoho.app
    fill(fake)

    def encrypted(data: bytes) -> bytes:
        locked = bytearray(data)
        locked[6] |= 1
        locked[data.index(b"PK\x01\x02") + 8] |= 1
        return bytes(locked)

    fake.archive = encrypted
    with pytest.raises(AnswerUnreadable, match="RuntimeError"):
        read(zoho, spec, "customer")


def test_deletions_go_on_while_the_list_of_them_is_read(zoho: Server, spec: SourceSpec) -> None:
    """The list begins with the newest, so every deletion pushes all others on; one record is restored meanwhile."""
    fake: Any = zoho.app
    ids = many(fake, 460)
    for number in ids[:450]:
        fake.delete("Contacts", number, ON_DAY_2)
    rest = iter(ids[450:])

    def meanwhile(asked: Asked) -> None:
        if asked.params.get("page", "1") != "1":
            fake.delete("Contacts", next(rest), ON_DAY_2)
            fake.deleted["Contacts"] = [one for one in fake.deleted["Contacts"] if one["id"] != ids[440]]

    fake.before = meanwhile
    upper = datetime(2026, 4, 2, tzinfo=UTC)
    with RestStore(zoho.url, spec) as store:
        found = [
            key
            for columns, _ in store.deletions(spec.entities["customer"], LOWER, upper)
            for key in columns["record"].to_pylist()
        ]
    assert len(found) == len(set(found))
    assert set(found) >= {f"contact-{number}" for number in ids[:450] if number != ids[440]}
