"""Audiences as files: whole, safe in a spreadsheet, never stale without saying so, gone with the person."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from retention.campaigns.errors import WrongEnvironment
from retention.campaigns.files import ListBroken, export_audience, export_configured, read_list
from retention.campaigns.files.exporting import Exported, ExportRefused
from retention.campaigns.files.members import NothingToExport
from retention.campaigns.match_keys.recipes import load_recipe
from retention.privacy.exported import delete_expired, delete_lists, lists_holding
from retention.settings_campaigns import FileSettings
from retention.warehouse import Run, Warehouse, load_contract
from retention.warehouse.embedded import EmbeddedPostgres
from tests.retention.campaigns.listed import CONTACTS, KEYS, NOW, REASONS_EN, agree, fill, run_over, shared_databases

SENDABLE = ["Ana", "Bo", "Chen", "Dai", "Emma", "Fang", "Gao", "Hana"]


@pytest.fixture
def run(warehouse: Warehouse, marketing: Warehouse) -> Run:
    """A run over databases of the test's own: it changes them."""
    fill(warehouse, marketing)
    return run_over(warehouse, marketing)


@pytest.fixture(scope="module")
def still(server: EmbeddedPostgres, templates: dict[str, str]) -> Iterator[Run]:
    """A run over the audience as it was written: for tests that only read it."""
    with shared_databases(server, templates, "files") as (warehouse, marketing):
        yield run_over(warehouse, marketing)


def export(run: Run, folder: Path, **more: Any) -> Exported:
    return export_audience(run, "win_back", folder, more.pop("now", NOW), **{"actor": "li.wei", **more})


def files(done: Exported) -> list[Path]:
    return [done.folder / done.manifest["version"] / entry["name"] for entry in done.manifest["files"]]


def test_the_three_formats_hold_the_same_rows(still: Run, tmp_path: Path) -> None:
    rows: dict[str, list[dict[str, Any]]] = {}
    for form in ("csv", "jsonl", "parquet"):
        done = export(still, tmp_path, form=form)
        (path,) = files(done)
        assert path.suffix == f".{form}"
        if form == "csv":
            with path.open(encoding="utf-8", newline="") as stream:
                rows[form] = list(csv.DictReader(stream))
        elif form == "jsonl":
            rows[form] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        else:
            rows[form] = pq.read_table(path).to_pylist()
        assert list(rows[form][0]) == list(load_contract("marketing.sendable").column_names), "the schema is the view's"
        assert done.rows == done.manifest["members"] == 8
    keys = {form: [int(row["customer_key"]) for row in found] for form, found in rows.items()}
    assert keys["csv"] == keys["jsonl"] == keys["parquet"] == sorted(KEYS[name] for name in SENDABLE)
    assert isinstance(rows["jsonl"][0]["customer_key"], str), "a 64-bit number would be rounded by half of the readers"
    assert rows["csv"][0]["reasons_zh"] == rows["parquet"][0]["reasons_zh"] == "流失；概率 60 %"
    assert rows["csv"][0]["reasons_en"] == f"'{REASONS_EN}", "a spreadsheet must show it, not open it"
    assert rows["jsonl"][0]["reasons_en"] == REASONS_EN, "data stay as they are where nothing calculates"


def test_only_who_may_be_contacted_at_that_moment(run: Run, marketing: Warehouse, tmp_path: Path) -> None:
    agree(marketing, "Bo", "marketing", "all", "withdrawn", days_ago=0)
    done = export(run, tmp_path)
    text = files(done)[0].read_text(encoding="utf-8")
    assert str(KEYS["Bo"]) not in text, "the withdrawal of a second ago"
    assert str(KEYS["Ivo"]) not in text, "suppressed"
    assert (done.manifest["members"], done.rows) == (7, 7)


def test_lists_carry_no_address_unless_settings_record_and_reader_agree(still: Run, tmp_path: Path) -> None:
    text = files(export(still, tmp_path))[0].read_text(encoding="utf-8")
    assert not any(address in text for pair in CONTACTS.values() for address in pair if address)
    plain = load_recipe("plain")
    with pytest.raises(ExportRefused, match=r"campaigns.push_contact_details = true and --personal-data"):
        export(still, tmp_path, recipe=plain, personal_data=True)
    assert still.marketing is not None
    allowed = run_over(still.warehouse, still.marketing, push_contact_details=True)
    with pytest.raises(ExportRefused, match="--personal-data"):
        export(allowed, tmp_path, recipe=plain)
    done = export(allowed, tmp_path, recipe=plain, personal_data=True)
    with files(done)[0].open(encoding="utf-8", newline="") as stream:
        rows = {int(row["customer_key"]): row for row in csv.DictReader(stream)}
    assert rows[KEYS["Ana"]]["email"] == "ana.li@gmail.com"
    assert {row["phone"] for row in rows.values()} == {""}, "they are written to by e-mail: the number is nobody's business"
    assert KEYS["Fang"] not in rows, "a hash is no address"
    assert len({row["email"] for row in rows.values()}) == len(rows), "one message per mailbox"


def test_a_telephone_number_stays_a_number_and_a_formula_does_not(run: Run, marketing: Warehouse, tmp_path: Path) -> None:
    with marketing.begin() as connection:
        connection.exec_driver_sql("update marketing.campaign_audience set channel = 'sms'")
    for name in SENDABLE:
        agree(marketing, name, "marketing", "sms", "granted")
    allowed = run_over(run.warehouse, marketing, push_contact_details=True)
    done = export(allowed, tmp_path, recipe=load_recipe("plain"), personal_data=True)
    with files(done)[0].open(encoding="utf-8", newline="") as stream:
        rows = {int(row["customer_key"]): row for row in csv.DictReader(stream)}
    assert rows[KEYS["Bo"]]["phone"] == "+8613800000002"
    assert rows[KEYS["Bo"]]["email"] == ""
    assert rows[KEYS["Bo"]]["reasons_en"].startswith("'=")


def test_match_keys_lie_in_one_file_per_state_of_consent(still: Run, tmp_path: Path) -> None:
    done = export(still, tmp_path, recipe=load_recipe("google"))
    assert [(entry["consent"], entry["rows"]) for entry in done.manifest["files"]] == [
        ({"state": "personalised", "ad_user_data": "GRANTED", "ad_personalization": "GRANTED"}, 1),
        ({"state": "unspecified", "ad_user_data": "GRANTED", "ad_personalization": "UNSPECIFIED"}, 3),
        ({"state": "not_personalised", "ad_user_data": "GRANTED", "ad_personalization": "DENIED"}, 1),
    ]
    everything = "".join(path.read_text(encoding="utf-8") for path in files(done))
    assert everything.startswith("Email,Phone\n")
    assert hashlib.sha256(b"bo@example.cn").hexdigest() in everything
    assert not any(str(key) in everything for key in KEYS.values()), "no pseudonym goes to a platform"
    assert done.manifest["recipe"]["name"] == "google_v2"
    assert done.manifest["warnings"] == ["5 rows: Google Customer Match makes no audience of fewer than 100"]


def test_a_name_that_says_too_much_is_refused_and_can_be_replaced(still: Run, tmp_path: Path) -> None:
    with pytest.raises(ExportRefused, match=r"audience low_credit: 'low credit' suggests a financial situation\. Meta"):
        export(still, tmp_path, recipe=load_recipe("meta"), public_name="low_credit")
    done = export(still, tmp_path, recipe=load_recipe("meta"), public_name="spring_letter")
    assert done.manifest["campaign"] == "spring_letter"
    assert done.manifest["files"][0]["name"] == "spring_letter-meta_v1-personalised.csv"
    for wrong in ("../../etc/passwd", "a/b", "", "-x"):
        with pytest.raises(ExportRefused, match="letters, digits"):
            export(still, tmp_path, public_name=wrong or " ")


def test_the_manifest_says_what_is_there_and_a_changed_file_is_found(still: Run, tmp_path: Path) -> None:
    done = export(still, tmp_path)
    manifest, (path,) = read_list(done.folder, NOW)
    assert manifest == done.manifest
    assert manifest["files"][0]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["columns"][0] == {
        "name": "campaign",
        "type": "text",
        "description": load_contract("marketing.sendable").column("campaign").description,
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(ListBroken, match="not to be used since"):
        read_list(done.folder, NOW + timedelta(hours=24))
    path.write_text(path.read_text(encoding="utf-8").replace("win_back", "win_bank"), encoding="utf-8")
    with pytest.raises(ListBroken, match=r"expected SHA-256 .* Do not use it"):
        read_list(done.folder, NOW)


def test_a_reader_of_the_old_list_can_finish_and_a_dead_attempt_changes_nothing(
    still: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = export(still, tmp_path)
    for place in ("files.file_written", "files.written", "files.in_place", "publish.before_lock"):
        monkeypatch.setenv("RETENTION_FAILPOINTS", f"{place}:raise")
        with pytest.raises(RuntimeError, match=place):
            export(still, tmp_path, now=NOW + timedelta(minutes=1))
        monkeypatch.delenv("RETENTION_FAILPOINTS")
        assert read_list(first.folder, NOW)[0] == first.manifest, place
    second = export(still, tmp_path, now=NOW + timedelta(minutes=5))
    assert read_list(second.folder, NOW)[0] == second.manifest != first.manifest
    assert files(first)[0].is_file(), "whoever opened the old manifest still finds its files"
    assert not list(second.folder.glob(".writing-*")), "what the dead left is cleared"


def test_every_read_is_on_record_before_it_happens(
    run: Run, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_FAILPOINTS", "files.file_written:raise")
    with pytest.raises(RuntimeError):
        export(run, tmp_path)
    monkeypatch.delenv("RETENTION_FAILPOINTS")
    done = export(run, tmp_path)
    with warehouse.connect() as connection:
        audit = connection.execute(sa.text("select actor, action, subject, details from ops.audit order by audit_id")).all()
        kept = connection.execute(sa.text("select * from campaigns.audience_export")).mappings().all()
    assert [(row.actor, row.action, row.subject) for row in audit] == [
        ("li.wei", "read_audience", "win_back members"),
        ("li.wei", "read_audience", "win_back members"),
        ("li.wei", "export_audience", "win_back members"),
    ]
    assert audit[-1].details["rows"] == 8
    assert [(row["rows_written"], row["version"]) for row in kept] == [(8, done.manifest["version"])]
    assert kept[0]["manifest_sha256"] == hashlib.sha256((done.folder / "current.json").read_bytes()).hexdigest()


def test_an_empty_list_is_never_written_for_want_of_consent_news(run: Run, marketing: Warehouse, tmp_path: Path) -> None:
    """Whoever mirrors an empty list removes everybody: a silent feed must not look like that."""
    with marketing.begin() as connection:
        connection.exec_driver_sql("update marketing.consent_feed set heartbeat_at = now() - interval '27 hours'")
    with pytest.raises(NothingToExport, match=r"consent_feed: silent since .* Nothing was written"):
        export(run, tmp_path)
    assert not list(tmp_path.iterdir())
    with marketing.begin() as connection:
        connection.exec_driver_sql("update marketing.consent_feed set heartbeat_at = now()")
        connection.exec_driver_sql("delete from marketing.campaign_audience")
    assert export(run, tmp_path).rows == 0, "everybody has left: that is a list too"
    for recipe in ("google", "x"):
        assert export(run, tmp_path, recipe=load_recipe(recipe)).manifest["files"] == []


def test_what_was_never_pushed_or_belongs_elsewhere_is_refused(run: Run, marketing: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(NothingToExport, match=r"no audience win_bak was ever pushed; did you mean win_back\?"):
        export_audience(run, "win_bak", tmp_path, NOW, actor="li.wei")
    with pytest.raises(ExportRefused, match="format xlsx is none of csv, jsonl, parquet"):
        export(run, tmp_path, form="xlsx")
    with run.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "insert into campaigns.play (play, content_hash, name_en, name_zh, kind, purpose, priority, period, holdout_share, "
            "definition) select play, play, play, play, kind, 'service', 1, 'once', 0, jsonb_build_object('kind', kind) "
            "from (values ('survey', 'service'), ('visit', 'staff')) as planned (play, kind)"
        )
    planned = export_audience(run, "survey", tmp_path, NOW, actor="li.wei")
    assert planned.rows == 0, "a play that reached nobody yet stops no list that the settings name"
    with pytest.raises(NothingToExport, match="no audience visit was ever pushed"):
        export_audience(run, "visit", tmp_path, NOW, actor="li.wei")
    with marketing.begin() as connection:
        connection.exec_driver_sql("update marketing.setting set value = 'staging' where name = 'environment'")
    with pytest.raises(WrongEnvironment, match="belongs to environment staging"):
        export(run, tmp_path)


def test_lists_go_with_the_person_and_with_time(still: Run, tmp_path: Path) -> None:
    members, later = export(still, tmp_path), export(still, tmp_path, form="parquet", now=NOW + timedelta(minutes=1))
    keys = export(still, tmp_path, recipe=load_recipe("meta"))
    held = lists_holding(tmp_path, frozenset({KEYS["Bo"]}))
    assert held == {
        f"win_back/members/{members.manifest['version']}": 1,
        f"win_back/members/{later.manifest['version']}": 1,
        f"win_back/meta_v1/{keys.manifest['version']}": 0,
    }, "a match key cannot be told whose it is, so its list is held to hold everybody"
    stranger = lists_holding(tmp_path, frozenset({424242}))
    assert list(stranger) == [f"win_back/meta_v1/{keys.manifest['version']}"]
    delete_lists(tmp_path, list(held))
    assert lists_holding(tmp_path, frozenset({KEYS["Bo"]})) == {}
    with pytest.raises(ListBroken, match="no list in win_back/members"):
        read_list(members.folder, NOW)
    fresh = export(still, tmp_path, now=NOW + timedelta(minutes=2))
    assert delete_expired(tmp_path, NOW + timedelta(hours=24)) == 0
    assert delete_expired(tmp_path, NOW + timedelta(hours=25)) == 1
    assert not (fresh.folder / "current.json").exists()


def test_lists_named_in_the_settings_are_written_and_a_wrong_one_stops_no_other(still: Run, tmp_path: Path) -> None:
    def named(*lists: str) -> Run:
        return dataclasses.replace(still, settings=dataclasses.replace(still.settings, files=FileSettings(lists=lists)))

    with pytest.raises(NothingToExport, match="no audience nobody was ever pushed"):
        export_configured(named("nobody csv", "win_back csv", "win_back parquet google"), tmp_path, NOW)
    assert read_list(tmp_path / "win_back" / "members", NOW)[0]["rows"] == 8
    assert read_list(tmp_path / "win_back" / "google_v2", NOW)[0]["format"] == "parquet"
    assert export_configured(named("win_back jsonl"), tmp_path, NOW) == {"win_back members": 8}
    for wrong in ("win_back", "win_back xlsx", "win_back csv google now"):
        with pytest.raises(ExportRefused, match=r"files.lists: .* must be an audience"):
            export_configured(named(wrong), tmp_path, NOW)
