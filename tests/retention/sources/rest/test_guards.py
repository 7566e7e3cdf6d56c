"""Each guard turned off, and the damage that it keeps away. (Those of moving rows are in ``test_moving.py``.)"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retention.sources.rest import AnswerUnreadable, PartialPage, RequestRefused, ascending, client, paging, store, template
from retention.sources.rest import records as rest_records
from tests.retention.sources.rest.server import Asked, Reply, answer, serving, status, without_records
from tests.retention.sources.rest.shop import Shop, at, describe, ids, read
from tests.retention.sources.rest.test_faults import secrets

BEARER = {"kind": "bearer", "secret": "TOKEN"}


def test_without_the_judgement_of_empty_pages_an_empty_middle_ends_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def believed(self: store.RestStore, request: Any, reply: Any, start: int | None) -> paging.Page:
        rows = [rest_records.flatten(record) for record in reply.json["data"]]
        return paging.Page(rows, reply.json["info"]["more"] if rows else False, None)

    monkeypatch.setattr(store.RestStore, "_page", believed)
    monkeypatch.setattr(paging.Walk, "_page", lambda self, **values: self._ask({"page_size": 5, **values}))
    with serving(Shop(23)) as server:
        server.faults = {3: without_records("data")}
        assert len(read(server, describe(tmp_path, "keyset"))) == 10


def test_without_the_count_a_short_page_loses_a_row(tmp_path: Path) -> None:
    """A page that drops its last record and says so in its count alone."""
    shop = Shop(12)
    shop.says = {"more": True, "total": False}

    def lossy(asked: Asked) -> Reply:
        value = json.loads(shop(asked).body)
        value["info"]["count"] = len(value["data"])
        if shop.pages == 3:
            value["data"].pop()
        return answer(value)

    with serving(lossy) as server:
        assert len(read(server, describe(tmp_path, "keyset"))) == 11
    shop.pages = 0
    with serving(lossy) as server:
        assert len(read(server, describe(tmp_path, "keyset", paging={"count": "info.count"}))) == 12


def test_without_the_order_an_unsorted_api_loses_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(12)
    shop.says = {"more": True, "total": False}
    shop._sorted = lambda key="changed": [*reversed(shop.rows)]  # type: ignore[method-assign]
    with serving(shop) as server:
        spec = describe(tmp_path, "keyset")
        with pytest.raises(RequestRefused):
            read(server, spec)
        monkeypatch.setattr(ascending.Ascending, "check", lambda self, rows: None)
        assert len(set(ids(read(server, spec)))) < 12


def test_without_the_total_an_order_that_looks_right_loses_rows(tmp_path: Path) -> None:
    """The later half comes first, each page in order: only what is counted tells that the first half never came."""
    shop = Shop(12)
    shop._sorted = lambda key="changed": [*shop.rows[6:], *shop.rows[:6]]  # type: ignore[method-assign]
    with serving(shop) as server:
        with pytest.raises(PartialPage, match="counts 12 records and delivered 6 in order of id"):
            read(server, describe(tmp_path, "keyset"))
        shop.says = {"more": True, "total": False}
        assert len(read(server, describe(tmp_path, "keyset"))) == 6


def test_ids_that_look_like_numbers_now_and_then_are_in_order(tmp_path: Path) -> None:
    """Hexadecimal ids: comparing the numbers among them as numbers would stop a reading that is right."""
    shop = Shop()
    for number in ("0039b475", "00d03187", "20260401", "3e5", "9", "ab", "aB"):
        shop.rows.append({"id": number, "changed": at(1), "who": None, "points": 1})
    shop.rows.sort(key=lambda row: row["id"])
    with serving(shop) as server:
        assert len(read(server, describe(tmp_path, "keyset", paging={"size": 2}))) == 7


def test_without_the_origin_our_login_goes_to_another_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets(monkeypatch, TOKEN="hush")
    with serving(Shop(9)) as other, serving(Shop(9)) as server:
        server.faults = {1: status(302, Location=f"{other.url}/offset?offset=0&size=5")}
        monkeypatch.setattr(client.Client, "same_origin", lambda self, url, base: url)
        read(server, describe(tmp_path, auth=BEARER))
        assert other.asked[0].headers["Authorization"] == "Bearer hush"


def test_without_the_plain_values_an_id_changes_the_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def app(asked: Asked) -> Reply:
        if " or " in ((asked.json or {}).get("query") or ""):
            return status(418)
        return answer({"data": [{"id": "1' or '1'='1", "changed": at(1)}], "info": {"more": True}})

    request = {"method": "POST", "body": {"query": "id > '{after}'"}, "params": {}}
    monkeypatch.setattr(template, "_plain", lambda name, value: str(value))
    with serving(app) as server:
        with pytest.raises(RequestRefused, match="status 418"):
            read(server, describe(tmp_path, "keyset", request=request))
        assert server.asked[-1].json == {"query": "id > '1' or '1'='1'"}


def test_without_the_renewal_the_reading_ends_on_page_7(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from retention.sources.rest import CredentialsRefused
    from retention.sources.rest.auth import Login
    from tests.retention.sources.rest.test_faults import REFRESH

    secrets(monkeypatch, CLIENT_ID="c", CLIENT_SECRET="s", REFRESH_TOKEN="r")
    shop = Shop(60)

    def app(asked: Asked) -> Reply:
        if "oauth" in asked.path:
            return answer({"access_token": f"t{shop.pages}"})
        return shop(asked) if shop.pages < 6 or asked.headers["Authorization"] != "Bearer t0" else status(401)

    with serving(app) as server:
        assert len(read(server, describe(tmp_path, "keyset", auth=REFRESH))) == 60
        shop.pages = 0
        monkeypatch.setattr(Login, "can_renew", property(lambda self: self.token is None))
        monkeypatch.setattr(Login, "headers", lambda self: {"Authorization": f"Bearer {self.token}"})
        with pytest.raises(CredentialsRefused):
            read(server, describe(tmp_path, "keyset", auth=REFRESH))


def test_without_the_size_limit_an_answer_fills_memory(tmp_path: Path) -> None:
    with serving(
        lambda asked: answer({"data": [{"id": "1", "changed": at(1), "who": None, "points": "x" * 2_000_000}], "info": {}})
    ) as server:
        with pytest.raises(AnswerUnreadable):
            read(server, describe(tmp_path, "all", limits={"answer_megabytes": 1}))
        assert (
            len(read(server, describe(tmp_path, "all", limits={"answer_megabytes": 3, "read_seconds": 5}))[0]["points"])
            == 2_000_000
        )


def test_without_the_field_check_a_renamed_field_becomes_nothing(tmp_path: Path) -> None:
    """What ``sparse`` permits is just what the check keeps away where the API does not leave out what is empty."""
    shop = Shop(3)
    for row in shop.rows:
        row["score_points"] = row.pop("points")
    with serving(shop) as server:
        rows = read(server, describe(tmp_path, request={"sparse": True}))
    assert [row["points"] for row in rows] == [None] * 3


def test_without_the_bounds_a_row_of_the_next_day_lands_today(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(5)
    shop.rows[4]["changed"] = at(60 * 24 * 5)
    with serving(shop) as server:
        spec = describe(tmp_path)
        assert len(read(server, spec)) == 4
        monkeypatch.setattr(store, "_within", lambda *_: True)
        assert len(read(server, spec)) == 5


def test_short_reading_of_a_chain_is_a_failure_where_the_api_counts(tmp_path: Path) -> None:
    """The same API with and without a count: tokens that end too early are noticed by nothing else."""
    shop = Shop(23)

    def ends_early(asked: Asked) -> Reply:
        value = json.loads(shop(asked).body)
        if asked.params.get("token") == "x10":
            value["info"] |= {"next": None, "more": False}
        return answer(value)

    with serving(ends_early) as server:
        spec = describe(tmp_path, "token")
        with pytest.raises(PartialPage, match="counts 8 records more than it delivers"):
            read(server, spec)
        entity = spec.entities["survey_answer"]
        uncounted = {**entity.request, "paging": {**entity.request["paging"], "total": ""}}
        told = replace(spec, entities={"survey_answer": replace(entity, request=uncounted)})
        assert len(read(server, told)) == 15
