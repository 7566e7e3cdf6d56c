"""Descriptions of APIs: what is wrong is said with file and key; and the small parts that requests and rows are made of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from retention.sources import ColumnMap, ColumnMissing, SourceSpec, SpecError, load_spec
from retention.sources.rest import RequestRefused, RestStore
from retention.sources.rest.describe import check_described, requests_of
from retention.sources.rest.records import add_columns, dig, flatten, names_found, parse
from retention.sources.rest.template import fill
from retention.sources.rest.times import TimeFormat
from tests.retention.sources.rest.server import Asked, Reply, TestClock, answer, serving
from tests.retention.sources.rest.shop import LOWER, UPPER, Shop, at, describe, ids, read

Change = Callable[[dict[str, Any]], object]


def broken(change: Change) -> dict[str, Any]:
    raw: dict[str, Any] = yaml.safe_load((Path("include/sources/templates/generic_rest.yml")).read_text())
    change(raw)
    return raw


REQUEST: Callable[[dict[str, Any]], dict[str, Any]] = lambda raw: raw["entities"]["customer"]["request"]  # noqa: E731


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw["api"].update(limit={}), r"shop.yml: api: .*'limit' was unexpected"),
        (lambda raw: raw["api"].update(auth={"kind": "bearer"}), r"shop.yml: api.auth: 'secret' is a required property"),
        (
            lambda raw: raw["api"].update(auth={"kind": "bearer", "secret": "hush-1"}),
            r"shop.yml: api.auth.secret: 'hush-1' does not match",
        ),
        (lambda raw: raw["api"].update(auth={"kind": "magic"}), r"shop.yml: api.auth"),
        (lambda raw: raw["api"]["limits"].update(attempts=0), r"shop.yml: api.limits.attempts: 0 is less than"),
        (lambda raw: raw["api"].update(headers={"X": "{tokn}"}), r"api: \{tokn\} is no placeholder; did you mean \{token\}\?"),
        (
            lambda raw: REQUEST(raw).update(path="//evil.example"),
            r"entities.customer.request.path: '//evil.example' does not match",
        ),
        (lambda raw: REQUEST(raw).update(path="https://evil.example/a"), r"entities.customer.request.path"),
        (
            lambda raw: REQUEST(raw)["params"].update(since="{lowr}"),
            r"entities.customer.request: \{lowr\} is no placeholder; did you mean \{lower\}",
        ),
        (lambda raw: REQUEST(raw)["params"].pop("id_after"), r"paging of style keyset needs \{after\} somewhere"),
        (lambda raw: REQUEST(raw).update(paging={"style": "token"}), r"needs \{token\}"),
        (lambda raw: REQUEST(raw).update(paging={"style": "link"}), r"request.paging.link: missing"),
        (lambda raw: REQUEST(raw).update(paging={"style": "pages"}), r"request.paging.style: 'pages' is not one of"),
        (lambda raw: REQUEST(raw).update(time={"format": "iso", "zone": "Asia/Shanghigh"}), r"request.time: zone or earliest"),
        (
            lambda raw: REQUEST(raw).update(time={"format": "iso", "earliest": "2000-01-01"}),
            r"request.time.earliest: needs an offset",
        ),
        (lambda raw: REQUEST(raw).update(body={"a": 1}), r"request.body: a GET carries none"),
        (lambda raw: REQUEST(raw).update(first_load={"with": "magic"}), r"first_load.with: known are zoho_bulk"),
        (lambda raw: REQUEST(raw).pop("path"), r"request.path: missing"),
        (lambda raw: REQUEST(raw).update(deleted_at="x"), r"request.deleted_at: needed in deletions, and only there"),
        (lambda raw: raw["entities"]["customer"]["deletions"].pop("deleted_at"), r"deletions.deleted_at: needed in deletions"),
        (lambda raw: REQUEST(raw)["add"].update(kind=[{"from": "a", "text": "b"}]), r"request.add.kind.0"),
        (lambda raw: raw.pop("api"), r"shop.yml: api: needed for a source of kind rest"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_key(tmp_path: Path, change: Change, words: str) -> None:
    path = tmp_path / "shop.yml"
    path.write_text(yaml.safe_dump(broken(change)))
    with pytest.raises(SpecError, match=words):
        load_spec(path)


@pytest.mark.parametrize("name", ["zoho_crm", "fxiaoke", "generic_rest"])
def test_templates_load_and_map_every_column_they_need(project: Path, name: str) -> None:
    spec = load_spec(project / "include/sources/templates" / f"{name}.yml")
    for entity in spec.entities.values():
        assert entity.cursor
        for request in requests_of(spec.api, entity.request, spec.timezone):
            assert request.path.startswith("/")


def test_schema_is_checked_by_the_hook_and_not_by_chance(tmp_path: Path) -> None:
    """The guard turned off: without the hook the same description loads."""
    raw = broken(lambda raw: raw["api"].update(limit={}))
    path = tmp_path / "shop.yml"
    path.write_text(yaml.safe_dump(raw))
    with pytest.raises(SpecError):
        check_described(path, raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retention.sources.rest.describe.check_described", lambda path, raw: None)
        assert load_spec(path).source == "mycrm"


# Templates


def test_a_lone_placeholder_keeps_its_type_and_others_are_written_in() -> None:
    assert fill({"limit": "{page_size}", "q": "x >= '{lower}'"}, {"page_size": 5, "lower": 7}) == {"limit": 5, "q": "x >= '7'"}


def test_what_has_no_value_takes_its_filter_away() -> None:
    template = {
        "filters": [
            {"field": "changed", "values": ["{lower}"], "op": "GTE"},
            {"field": "changed", "values": ["{lower}", "{upper}"], "op": "BETWEEN"},
            {"field": "kind", "values": ["a"], "op": "EQ"},
        ],
        "range": {"from": "{lower}", "to": "{upper}"},
        "token": "{token}",
        "only": {"token": "{token}"},
    }
    assert fill(template, {"lower": None, "upper": 9, "token": None}) == {
        "filters": [{"field": "kind", "values": ["a"], "op": "EQ"}],
        "range": {"to": 9},
    }
    assert fill({"filters": [{"a": "{after}"}]}, {}) == {"filters": []}


@pytest.mark.parametrize("value", ["1' or id > '0", "1; delete", 'a"b', "a b", "名", "a\r\nX-Header: 1", "{secret.KEY}"])
def test_a_value_from_the_api_cannot_change_what_a_query_means(value: str) -> None:
    with pytest.raises(RequestRefused, match=r"the value of \{after\}") as caught:
        fill({"select_query": "select id from Contacts where id > '{after}'"}, {"after": value})
    assert value not in str(caught.value)
    assert fill({"after": "{after}"}, {"after": value}) == {"after": value}, "a value of its own is data, whatever it holds"


def test_an_id_made_to_break_out_of_a_query_stops_the_reading(tmp_path: Path) -> None:
    def app(asked: Asked) -> Reply:
        return answer({"data": [{"id": "1' or '1'='1", "changed": at(1)}], "info": {"more": True}})

    request = {"method": "POST", "body": {"query": "id > '{after}' limit 5"}, "params": {}}
    with serving(app) as server:
        with pytest.raises(RequestRefused, match="may not be written"):
            read(server, describe(tmp_path, "keyset", request=request))


def test_requests_carry_bounds_and_constants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_SOURCE_SHOP_TENANT", "t 1&x=2")
    request = {"params": {"offset": "{offset}", "size": "{page_size}", "from": "{lower}", "to": "{upper}", "trace": "{uuid}"}}
    with serving(Shop(3)) as server:
        spec = describe(
            tmp_path, "offset", request=request, params={"tenant": "{secret.TENANT}", "fixed": 1}, headers={"X-Zone": "{upper}"}
        )
        read(server, spec)
        read(server, spec, lower=None)
    first, second = server.asked
    assert first.params["from"] == "2026-03-01T00:00:00Z"
    assert first.params["to"] == first.headers["X-Zone"] == "2026-04-01T00:00:00Z"
    assert first.params["tenant"] == "t 1&x=2"
    assert "from" not in second.params
    assert first.params["trace"] != second.params["trace"]


def test_header_of_all_requests_that_has_no_value_yet_is_left_out(tmp_path: Path) -> None:
    with serving(Shop(2)) as server:
        spec = describe(tmp_path, headers={"If-Modified-Since": "{lower}"}, request={"headers": {"Accept": "text/json"}})
        read(server, spec, lower=None)
        read(server, spec)
    assert "If-Modified-Since" not in server.asked[0].headers
    assert server.asked[1].headers["If-Modified-Since"] == "2026-03-01T00:00:00Z"
    assert server.asked[1].headers["Accept"] == "text/json"


def test_generic_template_against_an_api_that_does_what_it_says(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(project / "include/sources/templates/generic_rest.yml", tmp_path / "mycrm.yml")
    spec = load_spec(tmp_path / "mycrm.yml")
    monkeypatch.setenv("RETENTION_SOURCE_MYCRM_TOKEN", "t")
    people = [
        {
            "id": number,
            "name": name,
            "type": "B2B" if name == "Dai" else "B2C",
            "contact": {"email": f"{name.lower()}@example.com", "mobile": None, "phone": "021"},
            "address": {"city": "上海"},
            "created_at": at(number),
            "updated_at": at(number),
        }
        for number, name in enumerate(["Ana", "Bo", "Chen", "Dai"], start=1)
    ]

    def app(asked: Asked) -> Reply:
        after, limit = int(asked.params.get("id_after", 0)), 2
        if asked.path.endswith("/deleted"):
            return answer({"data": [{"id": 2, "deleted_at": at(7)}] if not after else [], "meta": {"has_more": False}})
        found = [one for one in people if one["id"] > after]
        return answer({"data": found[:limit], "meta": {"has_more": len(found) > limit}})

    with serving(app) as server, RestStore(server.url, spec, TestClock()) as store:
        entity = spec.entities["customer"]
        ((columns, rows),) = store.read(entity, None, UPPER, lambda names: None)
        assert rows == 4
        assert columns["kind"].to_pylist() == ["consumer", "consumer", "consumer", "company"]
        assert columns["telephone"].to_pylist() == ["021"] * 4
        ((deleted, _),) = store.deletions(entity, LOWER, UPPER)
        assert deleted["id"].to_pylist() == ["2"]
        assert server.asked[0].headers["Authorization"] == "Bearer t"


# Rows


def test_values_keep_their_digits_and_shapes() -> None:
    row = flatten(
        parse(
            json.dumps(
                {"a": {"b": {"c": "x"}, "empty": {}, "none": None}, "list": [1, {"k": "é"}], "yes": True, "lone": "a\ud800b"}
            ).encode()[:-1]
            + b', "price": 1.10, "id": 4150868000000002175123456789, "nan": NaN, "e": 1E400}'
        )
    )
    assert row == {
        "a.b.c": "x",
        "a.empty": None,
        "a.none": None,
        "list": '[1,{"k":"é"}]',
        "yes": "true",
        "lone": "a\x00b",  # which sets the row aside, as everywhere
        "price": "1.10",
        "id": "4150868000000002175123456789",
        "nan": "NaN",
        "e": "1E400",
    }


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": 1}}', b"[" * 100_000, b"\xff\xfe", b'"\xed\xa0"', b"<html>"])
def test_what_is_no_json_is_an_error_of_one_kind(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of json's
        parse(body)


def test_record_with_more_columns_than_a_table_is_left() -> None:
    with pytest.raises(RequestRefused, match="more than 2000 columns"):
        flatten({str(number): 1 for number in range(3000)})


def test_composed_columns_take_the_first_choice_that_has_a_value() -> None:
    row = flatten({"contact": None, "account": {"id": 7}, "stage": "won", "owner": ["u1", "u2"], "other": "[broken"})
    add_columns(
        row,
        {
            "buyer": [{"from": "contact.id", "prefix": "contact-"}, {"from": "account.id", "prefix": "account-"}],
            "paid": [{"text": "yes", "when": {"stage": ["won"]}}],
            "open": [{"text": "yes", "unless": {"stage": ["won"]}}, {"text": False}],
            "owner_id": [{"from": "owner.1"}],
            "again": [{"from": "buyer"}],
        },
    )
    assert [row[name] for name in ("buyer", "paid", "open", "owner_id", "again")] == [
        "account-7",
        "yes",
        "false",
        "u2",
        "account-7",
    ]


def test_column_that_some_records_lack_is_not_found_unless_the_api_leaves_out_what_is_empty() -> None:
    rows = [flatten({"id": 1, "mail": "x", "who": None}), flatten({"id": 2, "who": {"name": "Ana"}})]
    assert names_found(rows, ["id", "mail", "who.name"], ["id"], sparse=False) == ["id", "who", "who.name"]
    assert "mail" in names_found(rows, ["id", "mail"], ["id"], sparse=True)
    assert "key" not in names_found(rows, ["key"], ["key"], sparse=True)


def test_described_column_that_is_gone_stops_with_the_nearest_name(tmp_path: Path) -> None:
    shop = Shop(12)
    for row in shop.rows[7:]:
        row["score_points"] = row.pop("points")
    with serving(shop) as server:
        with pytest.raises(
            ColumnMissing, match=r"shop survey_answer: the API delivers no field points .*; did it become score_points\?"
        ):
            read(server, describe(tmp_path))
        assert len(read(server, describe(tmp_path, request={"sparse": True}))) == 12


def test_dig_finds_paths_items_and_names_with_dots() -> None:
    node = {"a": [{"b": 1}], "x.y": 2}
    assert [dig(node, path) for path in ("a.0.b", "x.y", "a.1.b", "a.b", "", "z.z")] == [1, 2, None, None, node, None]


@pytest.mark.parametrize(
    ("format", "written"),
    [
        ("iso", "2026-04-01T00:00:00+08:00"),
        ("iso_utc", "2026-03-31T16:00:00Z"),
        ("epoch_s", 1774972800),
        ("epoch_ms", 1774972800000),
        ("%Y/%m/%d %H:%M:%S", "2026/04/01 00:00:00"),
    ],
)
def test_times_are_written_and_read_back(format: str, written: str | int) -> None:
    times, instant = TimeFormat(format, ZoneInfo("Asia/Shanghai")), datetime(2026, 3, 31, 16, tzinfo=UTC)
    assert times.write(instant) == written
    assert times.read(str(written)) == instant
    assert times.read("Ana") is times.read("") is times.read(None) is times.read("9" * 30) is None


def test_cursor_that_is_a_number(tmp_path: Path) -> None:
    """Ids that only grow: everything above the greatest one published."""
    shop = Shop()
    for number in range(1, 13):
        shop.rows.append({"id": f"{number:04d}", "changed": number, "who": None, "points": 1})
    with serving(shop) as server:
        spec: SourceSpec = describe(
            tmp_path,
            "offset",
            entity={"cursor_type": "integer"},
            request={"params": {"offset": "{offset}", "size": "{page_size}", "above": "{lower}"}},
        )
        assert ids(read(server, spec, lower=9, upper=None)) == ["0010", "0011", "0012"]
        assert server.asked[0].params["above"] == "9"
        assert len(read(server, spec, lower=None, upper=None)) == 12


def test_columns_that_others_are_composed_of_are_not_reported_as_left_out(tmp_path: Path) -> None:
    names: list[str] = []
    with serving(Shop(2)) as server:
        spec = describe(tmp_path, request={"add": {"value": [{"from": "points", "when": {"changed": [at(0)]}}]}})
        entity = replace(spec.entities["survey_answer"], columns={"answer_id": ColumnMap("id"), "score": ColumnMap("value")})
        with RestStore(server.url, spec, TestClock()) as store:
            ((columns, _),) = store.read(entity, LOWER, UPPER, names.extend)
    assert sorted(names) == ["changed", "id", "value", "who.name"]
    assert columns["value"].to_pylist() == ["5", None]
