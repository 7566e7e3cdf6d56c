"""Contracts: the migrated databases are what the contracts say, and a wrong contract says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from retention.warehouse import ContractError, Warehouse, all_contracts, contracts, read_frame
from retention.warehouse.ddl import SCHEMAS, baseline, baseline_path

_COLUMNS = """
select n.nspname || '.' || c.relname as table_name, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
    a.attnotnull as required, col_description(c.oid, a.attnum) as description
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
inner join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p', 'v') and not c.relispartition and n.nspname = any(:schemas) and c.relname <> 'layout_version'
order by table_name, a.attnum
"""
_KEYS = """
select n.nspname || '.' || c.relname as table_name, array_to_string(array(
    select a.attname from unnest(i.indkey::int2[]) with ordinality as k (attnum, place)
    inner join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = k.attnum order by k.place
), ',') as columns
from pg_catalog.pg_index as i
inner join pg_catalog.pg_class as c on c.oid = i.indrelid
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where i.indisprimary and not c.relispartition and n.nspname = any(:schemas)
"""


@pytest.fixture
def databases(warehouse, marketing) -> dict[str, Warehouse]:
    return {"warehouse": warehouse, "marketing": marketing}


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_a_migrated_database_is_what_the_contracts_say(databases, name):
    found = read_frame(databases[name].engine.connect(), _COLUMNS, {"schemas": list(SCHEMAS[name])})
    expected = {
        (contract.table, column.name): (column.description, contract.kind != "view" and not column.nullable)
        for contract in all_contracts().values()
        if contract.database == name
        for column in contract.columns
    }
    actual = {(row.table_name, row.name): row.description for row in found.itertuples()}
    assert actual == {key: description for key, (description, _) in expected.items()}
    required = {(row.table_name, row.name) for row in found.itertuples() if row.required}
    assert {key for key, (_, not_null) in expected.items() if not_null} <= required


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_primary_keys_are_enforced(databases, name):
    found = read_frame(databases[name].engine.connect(), _KEYS, {"schemas": list(SCHEMAS[name])})
    actual = dict(zip(found["table_name"], found["columns"], strict=True))
    expected = {
        contract.table: ",".join(contract.primary_key)
        for contract in all_contracts().values()
        if contract.database == name and contract.primary_key and contract.kind != "view"
    }
    assert {table: key for table, key in actual.items() if table != "ops.layout_version"} == expected


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_the_baseline_is_current(name):
    assert baseline_path(name).read_text() == baseline(name), "run `python -m retention.warehouse.ddl --write`"


def test_every_table_says_how_a_person_is_found_in_it():
    for contract in all_contracts().values():
        if isinstance(contract.erasure, str) and contract.erasure != "none":
            contract.column(contract.erasure)
        elif contract.erasure == "none":
            assert contract.erasure_note


GOOD = {
    "table": "features.people",
    "description": "People.",
    "grain": "one row per person",
    "erasure": "customer_key",
    "columns": {"customer_key": {"type": "bigint", "description": "Person."}},
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"graim": "x"}, "unknown key graim; did you mean grain?", id="unknown key"),
        pytest.param(
            {"table": "features.persons"}, "table is features.persons, the file's place says features.people", id="place"
        ),
        pytest.param({"erasure": "none"}, "erasure_note must say why", id="no reason for keeping a person"),
        pytest.param(
            {"primary_key": ["customer_kay"]}, "no column customer_kay; did you mean customer_key?", id="unknown column"
        ),
        pytest.param(
            {"columns": {"customer_key": {"type": "bigint"}}}, "customer_key needs a type and a description", id="bare"
        ),
        pytest.param({"kind": "slice"}, "a slice needs a column as_of_date", id="slice without date"),
        pytest.param({"kind": "heap"}, "kind is one of slice, table, view", id="kind"),
    ],
)
def test_a_wrong_contract_is_refused(tmp_path: Path, monkeypatch, change, message):
    import yaml

    folder = tmp_path / "include" / "sql" / "features"
    folder.mkdir(parents=True)
    monkeypatch.setattr(contracts, "SQL_DIR", folder.parent)
    (folder / "people.yml").write_text(yaml.safe_dump({**GOOD, **change}))
    with pytest.raises(ContractError, match=r"include/sql/features/people.yml|features.people") as caught:
        contracts._read(folder / "people.yml")
    assert message in str(caught.value)
