"""Descriptions that are wrong: each is refused with its file, its key, and what was probably meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from retention.sources import SpecError, load_spec, load_specs


def good() -> dict[str, Any]:
    """A description that is right, of a database."""
    return {
        "source": "crm",
        "kind": "sql",
        "connection": "CRM",
        "timezone": "Europe/Berlin",
        "entities": {
            "customer": {
                "table": "contacts",
                "key": ["nr"],
                "cursor": "changed",
                "columns": {"customer_id": "nr", "gender": {"from": "sex", "values": {"M": "male"}}, "updated_at": "changed"},
            }
        },
    }


def as_files(raw: dict[str, Any]) -> dict[str, Any]:
    """The same of a folder."""
    raw["kind"] = "files"
    body = raw["entities"]["customer"]
    del body["table"], body["cursor"]
    body.update(path="contacts_{date}.csv", format="csv")
    return raw


def customer(raw: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = raw["entities"]["customer"]
    return body


def load(folder: Path, raw: Any) -> Any:
    (folder / "crm.yml").write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
    return load_spec(folder / "crm.yml")


def test_the_good_ones_are_good(tmp_path: Path) -> None:
    assert load(tmp_path, good()).entities["customer"].mode == "incremental"
    assert load(tmp_path, as_files(good())).entities["customer"].format == "csv"


Break = Callable[[dict[str, Any]], Any]
BROKEN: dict[str, tuple[Break, str]] = {
    "no source": (lambda raw: raw.pop("source"), r"\(the file\): 'source' is a required property"),
    "source in capitals": (lambda raw: raw.update(source="CRM"), r"source: 'CRM' does not match"),
    "unknown kind": (lambda raw: raw.update(kind="ftp"), r"kind: 'ftp' is none of sql, files, rest"),
    "small connection": (lambda raw: raw.update(connection="crm"), r"connection: 'crm' does not match"),
    "unknown key": (lambda raw: raw.update(colour="red"), r"\(the file\): colour is no key of it; known are api, connection"),
    "unknown zone": (lambda raw: raw.update(timezone="Berlin"), r"timezone 'Berlin' is not known; use a name such as Asia/Shanghai"),
    "no entities": (lambda raw: raw.update(entities={}), r"entities: "),
    "misspelled entity": (
        lambda raw: raw["entities"].update(custommer=raw["entities"].pop("customer")),
        r"entities\.custommer is no entity; did you mean customer\?",
    ),
    "strange entity": (
        lambda raw: raw["entities"].update(weather=raw["entities"].pop("customer")),
        r"entities\.weather is no entity; known are campaign_event, complaint",
    ),
    "api for a database": (lambda raw: raw.update(api={}), r"api: needed for a source of kind rest, and only there"),
    "REST without api": (lambda raw: raw.update(kind="rest"), r"(entities\.customer\.request: missing|api: needed for a source of kind rest)"),
    "neither table nor query": (lambda raw: customer(raw).pop("table"), r"entities\.customer: name either table or query"),
    "table and query": (lambda raw: customer(raw).update(query="select 1 as nr"), r"entities\.customer: name either table or query"),
    "path of a database": (lambda raw: customer(raw).update(path="a.csv"), r"entities\.customer\.path: has no meaning for a source of kind sql"),
    "semicolon in table": (lambda raw: customer(raw).update(table="a; drop table b"), r"entities\.customer\.table: .*does not match"),
    "no key": (lambda raw: customer(raw).pop("key"), r"entities\.customer: 'key' is a required property"),
    "empty key": (lambda raw: customer(raw).update(key=[]), r"entities\.customer\.key: "),
    "no columns": (lambda raw: customer(raw).update(columns={}), r"entities\.customer\.columns: "),
    "misspelled column": (
        lambda raw: customer(raw)["columns"].update(e_mail="mail"),
        r"entities\.customer\.columns\.e_mail: customer has no such column; did you mean email\?",
    ),
    "unknown mode": (lambda raw: customer(raw).update(mode="delta"), r"entities\.customer\.mode: 'delta' is none of"),
    "incremental without cursor": (
        lambda raw: (customer(raw).pop("cursor"), customer(raw).update(mode="incremental")),
        r"entities\.customer\.mode: incremental needs a cursor; without one choose full or snapshot",
    ),
    "unknown cursor type": (lambda raw: customer(raw).update(cursor_type="rowversion"), r"cursor_type: 'rowversion' is none of"),
    "negative overlap": (lambda raw: customer(raw).update(overlap_minutes=-1), r"overlap_minutes: -1 is less than the minimum"),
    "snapshot with deletions": (
        lambda raw: (
            customer(raw).pop("cursor"),
            customer(raw).update(mode="snapshot", deletions={"table": "gone", "key": ["nr"], "deleted_at": "at"}),
        ),
        r"entities\.customer\.deletions: a snapshot tells deletions by itself",
    ),
    "unknown expectation": (lambda raw: customer(raw).update(expect={"empty_days": "ok"}), r"expect: empty_days is no key of it; did you mean empty_day\?"),
    "from and constant": (
        lambda raw: customer(raw)["columns"].update(gender={"from": "sex", "constant": "male"}),
        r"entities\.customer\.columns\.gender: ",
    ),
    "join of one": (lambda raw: customer(raw)["columns"].update(name={"join": ["a"]}), r"entities\.customer\.columns\.name"),
    "unknown policy": (
        lambda raw: customer(raw)["columns"]["gender"].update(unknown="ignore"),
        r"gender\.unknown: 'ignore' is none of",
    ),
    "policy without codes": (
        lambda raw: customer(raw)["columns"].update(city={"from": "town", "unknown": "stop"}),
        r"columns\.city\.unknown: stop needs to know which codes are known: name them in values",
    ),
    "other where there is none": (
        lambda raw: customer(raw)["columns"].update(customer_kind={"from": "kind", "unknown": "other"}),
        r"columns\.customer_kind\.unknown: other is none of the values that customer_kind may have: company, consumer",
    ),
    "decimal sign": (lambda raw: customer(raw)["columns"].update(city={"from": "x", "decimal": ";"}), r"columns\.city\.decimal: ';' is none of"),
    "empty list of formats": (lambda raw: customer(raw)["columns"].update(birth_date={"from": "x", "format": []}), r"columns\.birth_date"),
}  # fmt: skip
BROKEN_FILES: dict[str, tuple[Break, str]] = {
    "no path": (lambda raw: customer(raw).pop("path"), r"entities\.customer\.path: missing; a file source needs it"),
    "no format": (lambda raw: customer(raw).pop("format"), r"entities\.customer\.format: missing; a file source needs it"),
    "unknown format": (lambda raw: customer(raw).update(format="xml"), r"entities\.customer\.format: 'xml' is none of"),
    "table of a folder": (lambda raw: customer(raw).update(table="t"), r"entities\.customer\.table: has no meaning for a source of kind files"),
    "cursor of a folder": (lambda raw: customer(raw).update(cursor="t"), r"entities\.customer\.cursor: has no meaning for a source of kind files"),
    "path out of the folder": (lambda raw: customer(raw).update(path="../x.csv"), r"path: must stay inside the source's folder"),
    "absolute path": (lambda raw: customer(raw).update(path="/etc/x.csv"), r"path: must stay inside the source's folder"),
    "address as path": (lambda raw: customer(raw).update(path="s3://b/x.csv"), r"path: must stay inside the source's folder"),
    "two days in a path": (lambda raw: customer(raw).update(path="{date}/{date}.csv"), r"path: \{date\} may stand there once"),
    "unknown encoding": (
        lambda raw: customer(raw).update(options={"encoding": "utf-42"}),
        r"options\.encoding: 'utf-42' is not known; use utf-8, gb18030, utf-16",
    ),
    "long delimiter": (lambda raw: customer(raw).update(options={"delimiter": "||"}), r"options\.delimiter: '\|\|' is too long"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_wrong_description_of_a_database(tmp_path: Path, case: str) -> None:
    spoil, words = BROKEN[case]
    raw = good()
    spoil(raw)
    with pytest.raises(SpecError, match=rf"crm\.yml: (entities\.customer\.)?(columns\.)?{words}") as caught:
        load(tmp_path, raw)
    assert "docs/runbook.md#source-description" in str(caught.value)


@pytest.mark.parametrize("case", BROKEN_FILES)
def test_a_wrong_description_of_a_folder(tmp_path: Path, case: str) -> None:
    spoil, words = BROKEN_FILES[case]
    raw = as_files(good())
    spoil(raw)
    with pytest.raises(SpecError, match=rf"crm\.yml: (entities\.customer\.)?{words}"):
        load(tmp_path, raw)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("source: [crm\nkind: sql", r"crm\.yml, line 2: not valid YAML"),
        ("- a\n- b", r"crm\.yml: \(the file\): .*is not of type 'object'"),
        ("", r"crm\.yml: \(the file\): None is not of type 'object'"),
        (
            "source: crm\nkind: sql\nconnection: CRM\nentities:\n  customer:\n    table: t\n    key: [nr]\n    columns:\n"
            "      gender: {from: sex, values: {Y: male, no: female}}\n",
            r"crm\.yml: entities\.customer\.columns\.gender\.values: YAML reads a key there as False; put it in quotes",
        ),
    ],
    ids=["broken off", "a list", "empty", "an unquoted no"],
)
def test_what_yaml_makes_of_a_file(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "crm.yml").write_text(text)
    with pytest.raises(SpecError, match=words):
        load_spec(tmp_path / "crm.yml")


def test_folders_of_descriptions(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nowhere does not exist\. Set RETENTION_SOURCES_DIR"):
        load_specs(tmp_path / "nowhere")
    with pytest.raises(SpecError, match=r"no \*\.yml in "):
        load_specs(tmp_path)
    load(tmp_path, good())
    (tmp_path / "crm2.yml").write_text((tmp_path / "crm.yml").read_text())
    with pytest.raises(SpecError, match=r"crm2\.yml: source crm is already described in crm\.yml"):
        load_specs(tmp_path)


@pytest.mark.parametrize("written", ["null", '"null"'])
def test_the_policy_null_needs_no_quotes(tmp_path: Path, written: str) -> None:
    text = yaml.safe_dump(good()).replace("from: sex", f"from: sex\n        unknown: {written}")
    (tmp_path / "crm.yml").write_text(text)
    columns = load_spec(tmp_path / "crm.yml").entities["customer"].columns
    assert columns is not None
    assert columns["gender"].unknown == "null"
